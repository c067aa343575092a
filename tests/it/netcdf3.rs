//! netCDF classic files, compared with what netCDF4-python reads from them.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use h5refs::file::{Attribute, Class, Tree, Value};
use h5refs::{Input, Limits, Options, ReadOptions, ReferenceSet, Report, Scan, Step, Store};
use serde_json::{Value as Json, json};

use crate::files::{self, URL};
use crate::rounds::EXACT;

/// Files whose records are not all there: these variables are refused, where netCDF-C reads zeros.
const CUT_OFF: [&str; 2] = ["netcdf3/cut_off.nc3", "netcdf3/records_promised.nc3"];
const OF_RECORDS: [&str; 3] = ["/short", "/time", "/char"];

pub(crate) fn names() -> Vec<String> {
    let names = files::with_extension(&["nc3"]);
    assert!(names.len() >= 19, "testdata is incomplete");
    names
}

fn tree(bytes: &Bytes) -> Tree {
    h5refs::tree(&Input::from(bytes.clone()), Limits::default()).unwrap()
}

fn references(bytes: &Bytes, change: impl FnOnce(&mut Options)) -> (ReferenceSet, Report) {
    let mut options = Options::new(URL);
    options.inline_threshold = 0;
    change(&mut options);
    h5refs::references(&Input::from(bytes.clone()), &options).unwrap()
}

fn store(bytes: &Bytes, set: ReferenceSet) -> Store<HashMap<String, Bytes>> {
    Store::new(set, HashMap::from([(URL.to_owned(), bytes.clone())]))
}

/// An attribute as an expectation has it: floats by their bits as doubles.
fn told(attribute: &Attribute) -> Json {
    let values = attribute.values.as_ref().unwrap();
    match (&attribute.datatype.class, attribute.datatype.size) {
        (Class::String(_), _) => match values.as_slice() {
            [] => json!(["char", ""]),
            [Value::Text(text)] => json!(["char", text]),
            other => panic!("{other:?}"),
        },
        (Class::FloatingPoint { .. }, size) => {
            let bits = |value: &Value| if let Value::Float(x) = value { x.to_bits() } else { panic!("{value:?}") };
            json!([format!("f{size}"), values.iter().map(bits).collect::<Vec<_>>()])
        }
        (Class::FixedPoint { signed, .. }, size) => {
            let integer = |value: &Value| match value {
                Value::Signed(n) => json!(n),
                Value::Unsigned(n) => json!(n),
                other => panic!("{other:?}"),
            };
            let kind = if *signed { 'i' } else { 'u' };
            json!([format!("{kind}{size}"), values.iter().map(integer).collect::<Vec<_>>()])
        }
        other => panic!("{other:?}"),
    }
}

fn all_told(attributes: &[Attribute]) -> BTreeMap<String, Json> {
    attributes.iter().map(|attribute| (attribute.name.clone(), told(attribute))).collect()
}

fn expected_attributes(expected: &Json) -> BTreeMap<String, Json> {
    serde_json::from_value(expected["attributes"].clone()).unwrap()
}

fn is_expected(name: &str, path: &str) -> bool {
    !(CUT_OFF.contains(&name) && OF_RECORDS.contains(&path))
}

#[test]
fn each_file_holds_what_netcdf_c_says() {
    for name in names() {
        let (tree, expected) = (tree(&files::bytes(&name)), files::expectation(&name));
        let dimensions: BTreeMap<String, Json> =
            tree.dimensions.iter().map(|one| (one.name.clone(), json!([one.length, one.unlimited]))).collect();
        if name != "netcdf3/records_promised.nc3" {
            assert_eq!(json!(dimensions), expected["dimensions"], "{name}");
        }
        assert_eq!(all_told(tree.objects[0].attributes()), expected_attributes(&expected), "{name}");
        let variables = expected["variables"].as_object().unwrap();
        assert_eq!(tree.objects.len(), variables.len() + 1, "{name}");
        for (variable, expected) in variables {
            let object = tree.find(&format!("/{variable}")).unwrap();
            assert_eq!(all_told(object.attributes()), expected_attributes(expected), "{name} {variable}");
            if is_expected(&name, &object.path) {
                assert_eq!(json!(object.dataset().unwrap().named), expected["dimensions"], "{name} {variable}");
            }
        }
    }
}

#[test]
fn values_are_those_of_netcdf_c_through_references_and_read_directly() {
    let mut compared = 0;
    for name in names() {
        let (bytes, expected) = (files::bytes(&name), files::expectation(&name));
        let split = |most| move |options: &mut Options| options.split_contiguous = most;
        let sets = [None, Some(1), Some(8), Some(20)].map(|most| references(&bytes, split(most)).0);
        let inline = references(&bytes, |options| options.inline_threshold = 500).0;
        for set in sets.into_iter().chain([inline]) {
            let store = store(&bytes, set);
            for (variable, expected) in expected["variables"].as_object().unwrap() {
                if !is_expected(&name, &format!("/{variable}")) {
                    assert!(store.array(variable).is_err(), "{name} {variable}");
                    continue;
                }
                let values = BASE64_STANDARD.decode(expected["values"].as_str().unwrap()).unwrap();
                let array = store.array(&variable.replace('\\', "%5C")).unwrap();
                assert_eq!(array.read_all().unwrap().bytes().unwrap(), values, "{name} {variable}");
                let path = format!("/{variable}");
                let direct = h5refs::read(&Input::from(bytes.clone()), &path, None, &ReadOptions::default()).unwrap();
                assert_eq!(direct.bytes, values, "{name} {variable}");
                compared += 1;
            }
        }
    }
    assert!(compared > 400, "{compared}");
}

#[test]
fn records_below_the_threshold_are_one_chunk_and_others_each_their_own() {
    let bytes = files::bytes("netcdf3/several_records.nc3");
    let held = |threshold| {
        let (set, _) = references(&bytes, |options| options.inline_threshold = threshold);
        let of = |name: &str| {
            let array = set.arrays().find(|(path, _)| *path == name).unwrap().1;
            (array.metadata.chunks.clone(), array.chunks.number.len(), array.chunks.inline.len())
        };
        ["short", "time", "char"].map(of)
    };
    assert_eq!(held(0), [(vec![1, 3], 5, 0), (vec![1], 5, 0), (vec![1, 3], 5, 0)]);
    assert_eq!(held(7), [(vec![5, 3], 0, 1), (vec![1], 5, 0), (vec![5, 3], 0, 1)]);
    assert_eq!(held(9), [(vec![5, 3], 0, 1), (vec![5], 0, 1), (vec![5, 3], 0, 1)]);
}

#[test]
fn variables_whose_elements_are_not_all_there_are_refused() {
    for name in CUT_OFF {
        let (_, report) = references(&files::bytes(name), |_| ());
        let refused: Vec<&str> = report.refused().map(|(path, _)| path).collect();
        assert_eq!(refused, OF_RECORDS, "{name}");
        assert!(report.refused().all(|(_, why)| why.contains("are not inside the file of ")), "{name}");
    }
}

#[test]
fn a_file_is_read_in_rounds_as_it_is_at_once() {
    for name in names() {
        let bytes = files::bytes(&name);
        let mut options = Options::new(URL);
        options.inline_threshold = 0;
        let mut scan = Scan::references(bytes.len() as u64, options).with_fetch(EXACT);
        let (set, _) = loop {
            match scan.step().unwrap() {
                Step::Done(done) => break done,
                Step::Need(ranges) => {
                    for range in ranges {
                        let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
                        scan.supply(range.start, &bytes.slice(start..end)).unwrap();
                    }
                }
            }
        };
        assert_eq!(set, references(&bytes, |_| ()).0, "{name}");
        let rounds = scan.statistics().rounds;
        assert!(rounds <= if name.ends_with("long_header.nc3") { 3 } else { 2 }, "{name}: {rounds}");
    }
}

#[test]
fn a_header_that_is_cut_off_is_refused_and_elements_that_are_costs_their_variables() {
    for name in names().iter().filter(|name| !name.ends_with("long_header.nc3")) {
        let bytes = files::bytes(name);
        let whole = references(&bytes, |_| ()).0;
        for end in 0..bytes.len() {
            let mut options = Options::new(URL);
            options.inline_threshold = 0;
            let cut = h5refs::references(&Input::from(bytes.slice(..end)), &options);
            let Ok((set, report)) = cut else { continue };
            // What is left is what it was, but for the number of records that a writer did not tell.
            for (path, array) in set.arrays() {
                let of_whole = whole.arrays().find(|(known, _)| *known == path).unwrap().1;
                let is_streamed = name.contains("streamed") && array.metadata.shape != of_whole.metadata.shape;
                assert!(is_streamed || array == of_whole, "{name} {end} {path}");
            }
            assert_eq!(
                set.nodes.len() + report.refused().count(),
                whole.nodes.len() + refused_before(name),
                "{name} {end}"
            );
        }
    }
}

fn refused_before(name: &str) -> usize {
    if CUT_OFF.contains(&name) { OF_RECORDS.len() } else { 0 }
}

#[test]
fn no_changed_byte_makes_it_panic_or_refer_outside_the_file() {
    for name in names().iter().filter(|name| !name.ends_with("long_header.nc3")) {
        let bytes = files::bytes(name);
        for at in 0..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = bytes.to_vec();
                changed[at] ^= change;
                let mut options = Options::new(URL);
                options.limits.paths = 1_000;
                let size = bytes.len() as u64;
                let Ok((set, _)) = h5refs::references(&Input::from(Bytes::from(changed)), &options) else { continue };
                for (path, array) in set.arrays() {
                    let ends =
                        array.chunks.offset.iter().zip(&array.chunks.length).map(|(offset, length)| offset + length);
                    assert!(ends.max().is_none_or(|end| end <= size), "{name} {at} {path}");
                }
            }
        }
    }
}

#[test]
fn records_that_would_fill_memory_are_refused() {
    // 2 GiB of records of one byte, of which the file is said to have as many.
    let mut header = b"CDF\x01\x7f\xff\xff\xff\0\0\0\x0a\0\0\0\x01\0\0\0\x01t\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    header.extend(
        b"\0\0\0\x0b\0\0\0\x01\0\0\0\x01v\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x50",
    );
    let size = 0x50 + 0x7fff_ffff;
    let mut scan = Scan::references(size, Options::new(URL));
    let error = loop {
        match scan.step() {
            Ok(Step::Need(ranges)) => {
                for range in ranges {
                    let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
                    bytes[..header.len()].copy_from_slice(&header);
                    scan.supply(range.start, &Bytes::from(bytes)).unwrap();
                }
            }
            Ok(Step::Done(_)) => panic!("it has {size} bytes of references"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("exceeds Limits::chunks = 1000000000"), "{error}");
}

/// Bytes of a crafted file.
const LONG: usize = 4096;

/// A file with a CDF-5 header of these dimensions, and of variables of bytes: names, the positions of their dimensions, and where they begin.
fn crafted(records: u64, dimensions: &[u64], variables: &[(&[u8], &[u64], u64)]) -> Bytes {
    let mut header = b"CDF\x05".to_vec();
    let count = |header: &mut Vec<u8>, count: usize| header.extend((count as u64).to_be_bytes());
    let name = |header: &mut Vec<u8>, name: &[u8]| {
        count(header, name.len());
        header.extend(name);
        header.resize(header.len().next_multiple_of(4), 0);
    };
    header.extend(records.to_be_bytes());
    header.extend(10_u32.to_be_bytes());
    count(&mut header, dimensions.len());
    for (n, length) in dimensions.iter().enumerate() {
        name(&mut header, format!("d{n}").as_bytes());
        header.extend(length.to_be_bytes());
    }
    header.extend([0; 12]);
    header.extend(11_u32.to_be_bytes());
    count(&mut header, variables.len());
    for (called, along, begin) in variables {
        name(&mut header, called);
        count(&mut header, along.len());
        along.iter().for_each(|at| header.extend(at.to_be_bytes()));
        header.extend([0; 12]);
        header.extend(1_u32.to_be_bytes());
        header.extend([0; 8]);
        header.extend(begin.to_be_bytes());
    }
    header.resize(header.len().max(LONG), 7);
    Bytes::from(header)
}

#[test]
fn crafted_headers_are_refused_by_name() {
    let told = |bytes: &Bytes| match h5refs::references(&Input::from(bytes.clone()), &Options::new(URL)) {
        Ok((_, report)) => report.refused().map(|(path, why)| format!("{path}: {why}")).collect(),
        Err(error) => vec![error.to_string()],
    };
    let one =
        |dimensions: &[u64], along: &[u64], begin| told(&crafted(1, dimensions, &[(b"v", along, begin)])).join("\n");
    assert_eq!(one(&[1 << 62, 4], &[0, 1], 2000), "/v: a variable of more than 2^63 bytes is not supported");
    assert_eq!(one(&[(1 << 63) - 1], &[0], 2000), "/v: a variable of more than 2^63 bytes is not supported");
    assert_eq!(one(&[5, 0], &[0, 1], 2000), "/v: a variable whose record dimension is not its first is not supported");
    assert_eq!(
        one(&[1; 33], &(0..33).collect::<Vec<_>>(), 2000),
        "/v: a variable of more than 32 dimensions is not supported"
    );
    assert_eq!(one(&[1 << 62], &[0], 1 << 62), format!("/v: {}", outside(1 << 62, 1 << 62, 4096)));
    assert!(one(&[1], &[0], 1 << 63).contains("begin is 9223372036854775808"));
    assert!(one(&[1], &[7], 2000).contains("dimid is 7"));
    assert!(one(&[1 << 63], &[0], 2000).contains("dim_length is 9223372036854775808"));
    let order = |one: u64, other: u64| told(&crafted(1, &[0, 3], &[(b"a", &[1], one), (b"r", &[0], other)])).join("\n");
    assert_eq!(order(2000, 2004), "");
    for (one, other) in [(2000, 2003), (100, 2000), (2004, 2000)] {
        assert!(order(one, other).contains("variables out of order"), "{one} {other}");
    }
    let names: &[&[u8]] = &[b"a/b", b"..", b"", b"ok", b"ok", b"\xff", b".zarray"];
    let variables: Vec<(&[u8], &[u64], u64)> =
        names.iter().zip(500..).map(|(name, n)| (*name, &[][..], 4 * n)).collect();
    let expected = [
        "/.zarray: name cannot be a Zarr key: Zarr keeps it for a document of its own",
        "/a/b: name cannot be a Zarr key: it contains a slash",
        "/..: name cannot be a Zarr key: it is . or ..",
        "/: name cannot be a Zarr key: it is empty",
        "/ok: name cannot be a Zarr key: an earlier variable has it",
        "/\u{fffd}: name cannot be a Zarr key: it is not UTF-8",
    ];
    assert_eq!(told(&crafted(0, &[], &variables)), expected);
}

fn outside(offset: u64, length: u64, size: u64) -> String {
    format!(
        "raw data at {offset:#x}: {length} bytes at {offset:#x} are not inside the file of {size} bytes (at {offset:#x})"
    )
}

#[test]
fn records_of_several_variables_are_as_many_as_the_shortest_has_where_they_are_streamed() {
    let mut bytes = crafted(u64::MAX, &[0, 3], &[(b"a", &[0, 1], 400), (b"b", &[0], 404)]).to_vec();
    bytes.truncate(400 + 3 * 8 + 4);
    let shape = |end: usize| {
        let (set, _) = references(&Bytes::copy_from_slice(&bytes[..end]), |_| ());
        set.arrays().map(|(_, array)| array.metadata.shape[0]).collect::<Vec<_>>()
    };
    // Records of 8 bytes: the fourth has all of `a`, and nothing of `b`.
    assert_eq!([400, 403, 405, 413, 421, 428].map(shape), [[0, 0], [0, 0], [1, 1], [2, 2], [3, 3], [3, 3]]);
}
