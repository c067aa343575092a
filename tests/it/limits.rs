//! Each limit: what it lets pass, what it refuses one step below, and how that is told.

use std::path::Path;

use h5refs::edit::{Split, subchunk};
use h5refs::{
    Input, Limits, Options, ReadOptions, Scan, Sidecar, UnsupportedPolicy, listing, open_references, read_json, tree,
};

use crate::{files, rounds};

/// A limit, something that spends it, and, where libhdf5 or the bytes say it, the least value with which that passes.
type Case = (&'static str, fn(Limits) -> Vec<String>, Option<u64>);

/// One for each limit, in the order of the fields.
const CASES: &[Case] = &[
    ("metadata_bytes", |limits| scanned("group/nested.h5", limits), None),
    ("structures", |limits| scanned("group/nested.h5", limits), None),
    ("header_bytes", |limits| scanned("object_header/v1.h5", limits), Some(272)),
    ("continuations", |limits| scanned("object_header/v1_continuation.h5", limits), Some(6)),
    // Six integers of four bytes.
    ("attribute_bytes", |limits| scanned("attribute/many_types.h5", limits), Some(24)),
    ("element_bytes", |limits| scanned("datatype/complex.h5", limits), Some(16)),
    ("datatype_depth", |limits| scanned("datatype/compound.h5", limits), Some(3)),
    ("group_depth", |limits| scanned("group/nested.h5", limits), Some(6)),
    ("paths", |limits| scanned("group/nested.h5", limits), Some(8)),
    ("soft_links", |limits| read("group/soft_links.h5", "/to_dataset", limits), Some(1)),
    ("chunks", |limits| scanned("chunk/btree_v1.h5", limits), Some(6)),
    ("chunk_bytes", |limits| read("filter/gzip.h5", "/i4", limits), Some(4 * 8 * 4)),
    ("decoded_bytes", |limits| scanned("filter/gzip_shuffle.h5", limits), None),
    ("read_bytes", |limits| read("filter/gzip.h5", "/i4", limits), Some(8 * 12 * 4)),
    ("inline_bytes", |limits| scanned("datatype/vlen_strings.h5", limits), None),
    ("repair_bytes", |limits| scanned("datatype/odd_size.h5", limits), None),
    ("sidecar_bytes", sidecar, None),
    // "g/third".
    ("key_bytes", |limits| scanned("group/hard_links.h5", limits), Some(7)),
    ("references_bytes", text, Some(26)),
    // Two references with a key of one byte and a URL of 99.
    ("template_bytes", generated, Some(200)),
    ("pieces", pieces, Some(4)),
    ("output_chunks", copied, None),
    ("output_bytes", copied, None),
    ("rounds", in_rounds, None),
    ("inputs", days, Some(31)),
];

/// Everything that is said to be wrong with a file.
fn scanned(name: &str, limits: Limits) -> Vec<String> {
    let mut options = Options::new(files::URL);
    options.limits = limits;
    match h5refs::references(&Input::from(files::bytes(name)), &options) {
        Ok((_, report)) => report.refused().map(|(path, reason)| format!("{path}: {reason}")).collect(),
        Err(error) => vec![error.to_string()],
    }
}

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Vec<String> {
    result.err().iter().map(ToString::to_string).collect()
}

fn read(name: &str, path: &str, limits: Limits) -> Vec<String> {
    let mut options = ReadOptions::default();
    options.limits = limits;
    told(h5refs::read(&Input::from(files::bytes(name)), path, None, &options))
}

fn sidecar(mut limits: Limits) -> Vec<String> {
    limits.repair_bytes = 0;
    let mut options = Options::new(files::URL);
    (options.limits, options.unsupported) = (limits, UnsupportedPolicy::Sidecar);
    let (input, mut bytes) = (Input::from(files::bytes("filter/lzf.h5")), Vec::new());
    let made = h5refs::references_with_sidecar(&input, &options, &mut Sidecar::new("beside", &mut bytes));
    made.unwrap().1.refused().map(|(path, reason)| format!("{path}: {reason}")).collect()
}

fn in_rounds(limits: Limits) -> Vec<String> {
    let file = files::bytes("group/nested.h5");
    let mut options = Options::new(files::URL);
    options.limits = limits;
    told(Scan::references(file.len() as u64, options).with_fetch(rounds::EXACT).run(&Input::from(file)))
}

fn text(limits: Limits) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refs.json");
    std::fs::write(&path, r#"{"version": 1, "refs": {}}"#).unwrap();
    told(open_references(path, &limits))
}

fn generated(limits: Limits) -> Vec<String> {
    let url = "u".repeat(99);
    let set = format!(
        r#"{{"version": 1, "refs": {{}}, "gen": [{{"key": "{{{{i}}}}", "url": "{url}", "dimensions": {{"i": {{"stop": 2}}}}}}]}}"#
    );
    told(read_json(set.as_bytes(), &limits))
}

fn pieces(limits: Limits) -> Vec<String> {
    let array = r#"{"zarr_format":2,"shape":[8],"chunks":[8],"dtype":"|u1","compressor":null,"filters":null,"fill_value":0,"order":"C"}"#;
    let refs = serde_json::json!({".zgroup": r#"{"zarr_format":2}"#, "a/.zarray": array, "a/0": ["u", 0, 8]});
    let (mut set, _) = read_json(refs.to_string().as_bytes(), &Limits::default()).unwrap();
    told(subchunk(&mut set, "a", &Split::Factor(4), &limits))
}

/// What is said before a copy is begun.
fn copied(limits: Limits) -> Vec<String> {
    let (set, _) = files::references(files::bytes("chunk/btree_v1.h5")).unwrap();
    let store = h5refs::Store::new(set, std::collections::HashMap::<String, bytes::Bytes>::new());
    let mut options = h5refs::copy::CopyOptions::default();
    options.limits = limits;
    told(h5refs::copy::Copier::new(&store, "f", options))
}

fn days(limits: Limits) -> Vec<String> {
    told(listing::dates("2020-01-01..2020-01-31", &limits))
}

/// The default limits, with one of another value.
fn with(name: &str, value: u64) -> Limits {
    let mut limits = Limits::default();
    limits.set(name, value).unwrap();
    limits
}

/// The names of all fields and the values that they have, as `Debug` tells them.
fn fields(limits: Limits) -> Vec<(String, u64)> {
    let text = format!("{limits:?}");
    let fields = text.strip_prefix("Limits { ").unwrap().strip_suffix(" }").unwrap().split(", ");
    let field = |(name, value): (&str, &str)| (name.to_owned(), value.parse().unwrap());
    fields.map(|text| field(text.split_once(": ").unwrap())).collect()
}

/// The least value of a limit with which something passes that passes with `enough`.
fn least(name: &str, spend: fn(Limits) -> Vec<String>, mut enough: u64) -> u64 {
    let mut too_few = 0;
    while enough - too_few > 1 {
        let middle = too_few + (enough - too_few) / 2;
        *(if spend(with(name, middle)).is_empty() { &mut enough } else { &mut too_few }) = middle;
    }
    enough
}

#[test]
fn every_limit_has_a_case_and_every_case_a_limit() {
    let fields: Vec<String> = fields(Limits::default()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(CASES.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), fields);
    assert_eq!(Limits::NAMES, fields);
}

#[test]
fn what_is_within_a_limit_passes_and_one_more_is_refused_by_its_name() {
    for ((name, spend, known), (_, default)) in CASES.iter().zip(fields(Limits::default())) {
        let least = least(name, *spend, default);
        assert_eq!(known.unwrap_or(least), least, "{name}");
        assert_eq!(spend(with(name, least)), [""; 0], "{name} = {least}");
        let (one_less, told) = (least - 1, spend(with(name, least - 1)));
        let exceeded = format!("exceeds Limits::{name} = {one_less}; raise it if the file is trusted");
        let is_named = told.iter().any(|told| told.contains(&exceeded) || told.contains(&format!("(Limits::{name})")));
        assert!(is_named, "{name} = {one_less}: {told:?}");
    }
}

#[test]
fn an_array_of_numbers_is_as_large_an_element_as_a_number() {
    // Each element is six integers of four bytes.
    let scanned = |bytes| scanned("datatype/array.h5", with("element_bytes", bytes));
    assert_eq!(scanned(4), Vec::<String>::new());
    assert_eq!(scanned(3).len(), 1, "{:?}", scanned(3));
}

#[test]
fn without_limits_nothing_is_refused_for_what_it_costs() {
    for (name, spend, _) in CASES {
        assert_eq!(spend(Limits::unlimited()), [""; 0], "{name}");
    }
    // More levels than the default allows; each file of testdata is opened so by the golden tests.
    let deep = Input::from(files::bytes("datatype/deep.h5"));
    let opened = |limits| tree(&deep, limits).unwrap().find("/d128").unwrap().node.content.is_ok();
    assert!(!opened(Limits::default()) && opened(Limits::unlimited()));
    let told = scanned("datatype/deep.h5", Limits::unlimited());
    assert!(told.len() == 2 && told.iter().all(|told| told.ends_with("int8 has no Zarr v2 form")), "{told:?}");
    // Links that lead to one another end.
    let circle = read("group/soft_links.h5", "/loop_a", Limits::unlimited());
    assert!(circle[0].contains("1025 exceeds Limits::soft_links = 1024"), "{circle:?}");
}

#[test]
fn a_limit_is_set_by_its_name_and_no_other_name_is_taken() {
    for (name, value) in fields(Limits::default()) {
        let changed = fields(with(&name, value + 1)).into_iter().zip(fields(Limits::default()));
        let changed: Vec<_> = changed.filter(|(now, was)| now != was).map(|(now, _)| now).collect();
        assert_eq!(changed, [(name, value + 1)]);
    }
    let (mut limits, names) = (Limits::default(), Limits::NAMES.join(", "));
    let error = limits.set("chunk", 1).unwrap_err();
    assert_eq!(error.to_string(), format!("no limit is called chunk: there are {names}"));
    assert_eq!(limits, Limits::default());
}

#[test]
fn the_documentation_tells_the_default_of_each_limit() {
    let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/limits.rs")).unwrap();
    for (name, default) in fields(Limits::default()) {
        let before = source.split(&format!("\n    {name}: ")).next().unwrap();
        let (_, told) = before.rsplit_once("(default ").unwrap();
        let told = told.split([')', ';']).next().unwrap().split(", which").next().unwrap();
        assert_eq!(number(told), default, "{name}: {told}");
    }
}

/// `1,024`, `64 KiB` or `10 million`.
fn number(text: &str) -> u64 {
    let (digits, unit) = text.split_once(' ').unwrap_or((text, ""));
    let unit = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "million" => 1_000_000,
        "billion" => 1_000_000_000,
        other => panic!("{other}"),
    };
    digits.replace(',', "").parse::<u64>().unwrap() * unit
}

/// Errors name limits by texts; each is the name of a field.
#[test]
fn no_error_names_a_limit_that_there_is_not() {
    let mut named = std::collections::BTreeSet::new();
    for file in crate::layers::sources(&crate::layers::src()) {
        let code = std::fs::read_to_string(&file).unwrap();
        for before in ["check(\"", "spend(\"", "which: \""] {
            let names = code.split(before).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
            named.extend(names);
        }
    }
    assert!(named.len() > 15 && named.iter().all(|name| Limits::NAMES.contains(&name.as_str())), "{named:?}");
}
