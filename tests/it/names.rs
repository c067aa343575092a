//! Names that could lead elsewhere or take the place of something: what becomes of each, in keys, in folders and in what is printed.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use h5refs::reference::Node;
use h5refs::{Limits, MissingRecords, ParquetOptions, ReferenceSet, Report};

use crate::files;

const NAMES: &str = "group/dangerous_names.h5";

/// A name of the file that others take the place of.
const PLACE: &[u8] = b"_escape\0";

/// The file, an object and an attribute of which have another name.
fn renamed(name: &[u8]) -> (ReferenceSet, Report) {
    let mut file = files::bytes(NAMES).to_vec();
    let places: Vec<usize> = (0..file.len() - PLACE.len()).filter(|at| file[*at..].starts_with(PLACE)).collect();
    assert_eq!(places.len(), 2, "an object and an attribute");
    for at in places {
        file[at..at + PLACE.len()].fill(0);
        file[at..at + name.len()].copy_from_slice(name);
    }
    files::references(Bytes::from(file)).unwrap()
}

fn keys(set: &ReferenceSet) -> BTreeSet<&str> {
    set.nodes.iter().map(|(key, _)| key.as_str()).collect()
}

#[test]
fn names_that_mean_nothing_to_a_store_are_kept_and_those_of_its_documents_are_refused() {
    let (set, report) = files::references(files::bytes(NAMES)).unwrap();
    let kept = [
        "",
        "0",
        "0.0",
        "...",
        "..hidden",
        "a b",
        "\x1b[31mred",
        "line\nbreak",
        "tab\t",
        "{{0}}",
        "%2e%2e",
        "refs.0.parq",
        "CON",
        "_escape",
        "\u{202e}txt.exe",
        "e\u{301}",
        "\u{e9}",
        "1.1",
        "1.1/0.0",
        "g",
    ];
    assert_eq!(keys(&set), kept.into());
    let refused: BTreeSet<&str> = report.refused().map(|(path, _)| path).collect();
    let documents = ["/.zarray", "/.zattrs", "/.zgroup", "/.zmetadata", "/zarr.json", "/g/.zgroup", "/g/.zgroup/lost"];
    assert_eq!(refused, documents.into());
    // Attributes are members of a document: any text is a name there.
    let Some(Node::Group(attributes)) = set.node("") else { panic!("no root") };
    for name in [".zarray", ".", "..", "../a/b", "line\nbreak", "{{0}}"] {
        assert!(attributes.get(name).is_some(), "{name}");
    }
}

#[test]
fn names_that_no_path_can_have_are_refused_and_cost_nothing_else() {
    let (before, _) = files::references(files::bytes(NAMES)).unwrap();
    let refused: [(&[u8], &str, &str); 7] = [
        (b"", "/", "it is empty"),
        (b".", "/.", "it is . or .."),
        (b"..", "/..", "it is . or .."),
        (b"../a", "/../a", "it contains a slash"),
        (b"/etc", "//etc", "it contains a slash"),
        (b"a/b", "/a/b", "it contains a slash"),
        (b"na\xefve", "/na\u{fffd}ve", "it is not UTF-8"),
    ];
    for (name, path, why) in refused {
        let (set, report) = renamed(name);
        let told = (path, format!("name cannot be a Zarr key: {why}"));
        assert!(report.refused().any(|refusal| refusal == told), "{why}: {:?}", report.refused().collect::<Vec<_>>());
        let mut others = keys(&before);
        others.remove("_escape");
        assert_eq!(keys(&set), others, "{path}");
    }
}

/// Every path in a folder and below it, and nothing that a symbolic link leads to.
fn below(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let inner = if path.is_dir() { below(&path) } else { BTreeSet::new() };
        inner.into_iter().map(|rest| format!("{name}/{rest}")).chain([name.clone()]).collect::<Vec<_>>()
    });
    found.collect()
}

#[test]
fn references_with_such_names_are_read_back_as_they_are() {
    let (set, _) = files::references(files::bytes(NAMES)).unwrap();
    let mut text = Vec::new();
    h5refs::write_json(&set, &mut text).unwrap();
    let (json, stray) = h5refs::read_json(&text, &Limits::default()).unwrap();
    assert_eq!((keys(&json), stray), (keys(&set), Vec::new()));
    let folder = tempfile::tempdir().unwrap();
    let parquet = folder.path().join("in/set.parq");
    std::fs::create_dir(folder.path().join("in")).unwrap();
    h5refs::write_parquet(&set, &parquet, &ParquetOptions::default()).unwrap();
    let (back, stray) = h5refs::read_parquet(&parquet, &Limits::default(), MissingRecords::Refused).unwrap();
    assert_eq!((keys(&back), stray), (keys(&set), Vec::new()));
    let written = below(folder.path());
    assert!(written.iter().all(|path| path == "in" || path == "in/set.parq" || path.starts_with("in/set.parq/")));
    assert!(written.contains("in/set.parq/refs.0.parq/refs.0.parq"), "{written:?}");
}

/// Sets that a caller makes may have any text as a key.
#[test]
fn keys_that_lead_out_of_a_folder_are_not_written_to_it() {
    let (set, _) = files::references(files::bytes("group/hard_links.h5")).unwrap();
    let absolute = tempfile::tempdir().unwrap();
    let absolute = absolute.path().join("evil").to_str().unwrap().to_owned();
    for key in
        ["..", "../evil", "../../evil", "g/../../evil", "./evil", "evil/", "evil//x", &absolute, "a\0b", ".zmetadata"]
    {
        let mut changed = set.clone();
        changed.nodes.iter_mut().find(|(known, _)| known == "first").unwrap().0 = key.to_owned();
        let folder = tempfile::tempdir().unwrap();
        let error = h5refs::write_parquet(&changed, &folder.path().join("in.parq"), &ParquetOptions::default());
        assert_eq!(error.unwrap_err().to_string(), format!("{key}: not the name of a folder"));
        assert_eq!(below(folder.path()), BTreeSet::new(), "{key}");
        assert!(!Path::new(&absolute).exists());
    }
    // An array whose folder would be a record file of another.
    let mut changed = set.clone();
    changed.nodes.iter_mut().find(|(known, _)| known == "g/third").unwrap().0 = "first/refs.0.parq".to_owned();
    let folder = tempfile::tempdir().unwrap();
    assert!(h5refs::write_parquet(&changed, &folder.path().join("in.parq"), &ParquetOptions::default()).is_err());
    assert_eq!(below(folder.path()), BTreeSet::new());
}

#[test]
fn keys_that_lead_elsewhere_are_refused_in_references() {
    for (key, problem) in [
        ("../a/.zarray", "has a part that leads elsewhere"),
        ("a/./.zgroup", "has a part that leads elsewhere"),
        ("/etc/passwd", "has an empty part"),
        ("a//0", "has an empty part"),
        ("", "is empty"),
        ("a\0/0", "has a NUL"),
    ] {
        let refs = serde_json::json!({".zgroup": "{\"zarr_format\":2}", key: "x"});
        let error = h5refs::read_json(refs.to_string().as_bytes(), &Limits::default()).unwrap_err().to_string();
        assert!(error.ends_with(problem), "{key:?}: {error}");
        let documents = serde_json::json!({"metadata": {".zgroup": {"zarr_format": 2}, key: {}}, "record_size": 10});
        let file = |name: &str| Ok((name == ".zmetadata").then(|| Bytes::from(documents.to_string())));
        let error = h5refs::read_parquet_with(file, &Limits::default(), MissingRecords::Refused).unwrap_err();
        assert!(error.to_string().ends_with(problem), "{key:?}: {error}");
    }
}

/// What a terminal obeys is told in escapes. Tabs are CDL's own.
#[cfg(feature = "cli")]
#[test]
fn no_command_prints_a_control_character_of_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let refs = folder.path().join("refs.json");
    let run = crate::cli::run;
    let runs = [
        run(&[&"scan", &NAMES, &"-o", &refs]),
        run(&[&"scan", &NAMES, &"--json", &"-v", &"-o", &folder.path().join("again.json")]),
        run(&[&"ls", &NAMES]),
        run(&[&"dump", &NAMES]),
        run(&[&"chunks", &NAMES, &"\x1b[31mred"]),
        run(&[&"stats", &refs]),
        run(&[&"lint", &"--for", &"virtualizarr", &refs]),
        run(&[&"verify", &refs, &"--allow", &files::folder()]),
        run(&[&"combine", &refs, &refs, &"--concat-dims", &"x", &"--check"]),
        run(&[&"subchunk", &refs, &"\x1b[31mred=3", &"-o", &folder.path().join("split.json")]),
    ];
    for (n, run) in runs.iter().enumerate() {
        let controls: Vec<char> =
            run.out.chars().chain(run.err.chars()).filter(|c| c.is_control() && !matches!(c, '\n' | '\t')).collect();
        assert!(controls.is_empty(), "{n}: {controls:?} in {run:?}");
    }
}
