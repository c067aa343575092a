//! The commands that put sets together, as a caller sees them: append, merge, concat; and outline, completions, man.

use std::path::{Path, PathBuf};

use h5refs::{Limits, LocalSources, Store, open_references};
use serde_json::{Value as Json, json};
use tempfile::{TempDir, tempdir};

use crate::cli::{Run, run};

/// A set of `v` along `t`, and of its coordinates, each value inline as one byte; written to a file.
fn set(folder: &TempDir, name: &str, times: &str, values: &str) -> PathBuf {
    let array = |length: usize| {
        json!({"zarr_format": 2, "shape": [length], "chunks": [1], "dtype": "|u1", "fill_value": null, "order": "C",
               "filters": null, "compressor": null})
        .to_string()
    };
    let mut refs = serde_json::Map::new();
    refs.insert(".zgroup".to_owned(), json!("{\"zarr_format\":2}"));
    for (name, text) in [("t", times), ("v", values)].into_iter().filter(|(_, text)| !text.is_empty()) {
        refs.insert(format!("{name}/.zarray"), array(text.len()).into());
        refs.insert(format!("{name}/.zattrs"), json!({"_ARRAY_DIMENSIONS": ["t"]}).to_string().into());
        let chunks = text.chars().enumerate();
        refs.extend(chunks.map(|(n, c)| (format!("{name}/{n}"), Json::from(c.to_string()))));
    }
    let path = folder.path().join(name);
    std::fs::write(&path, json!({"version": 1, "refs": refs}).to_string()).unwrap();
    path
}

/// The elements of an array of a set, as the text that they are.
fn text(path: &Path, array: &str) -> String {
    let (set, _) = open_references(path, &Limits::default()).unwrap();
    let sources = LocalSources::new().allow(path.parent().unwrap()).unwrap();
    let values = Store::new(set, sources).array(array).unwrap().read_all().unwrap();
    String::from_utf8(values.bytes().unwrap().to_vec()).unwrap()
}

fn well(run: &Run) {
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{run:?}");
}

#[test]
fn what_is_appended_comes_where_its_coordinates_are_and_twice_changes_nothing() {
    let folder = tempdir().unwrap();
    let (a, b, c) = (set(&folder, "a", "12", "ab"), set(&folder, "b", "34", "cd"), set(&folder, "c", "56", "ef"));
    let (flat, grown) = (folder.path().join("flat.json"), folder.path().join("grown.json"));
    well(&run(&[&"combine", &"--concat-dims", &"t", &a, &b, &c, &"-o", &flat]));
    for one in [&b, &c, &a, &b] {
        well(&run(&[&"append", &grown, one, &"--concat-dims", &"t"]));
    }
    assert_eq!((text(&grown, "t"), text(&grown, "v")), ("123456".to_owned(), "abcdef".to_owned()));
    assert_eq!(std::fs::read(&flat).unwrap(), std::fs::read(&grown).unwrap());
    let other = run(&[&"append", &grown, &set(&folder, "x", "3", "x"), &"--concat-dims", &"t"]);
    assert_eq!(other.code, 1);
    assert!(other.err.contains("duplicate: t=51 is in 2 sets"), "{}", other.err);
    assert_eq!(std::fs::read(&flat).unwrap(), std::fs::read(&grown).unwrap());
}

#[test]
fn arrays_follow_each_other_in_the_order_of_the_inputs() {
    let folder = tempdir().unwrap();
    let (a, b) = (set(&folder, "a", "12", "ab"), set(&folder, "b", "12", "cd"));
    let out = folder.path().join("out.json");
    for by in [["--dim", "t"], ["--axis", "0"]] {
        well(&run(&[&"concat", &b, &a, &by[0], &by[1], &"-o", &out]));
        assert_eq!((text(&out, "t"), text(&out, "v")), ("1212".to_owned(), "cdab".to_owned()));
    }
    let none = run(&[&"concat", &b, &a, &"--axis", &"1"]);
    assert!(none.failure().contains("no array has a dimension 1 with a name"), "{none:?}");
}

#[test]
fn variables_are_put_side_by_side_where_what_they_share_is_the_same() {
    let folder = tempdir().unwrap();
    let (t, v, other) = (set(&folder, "t", "12", ""), set(&folder, "v", "12", "ab"), set(&folder, "o", "13", ""));
    let out = folder.path().join("out.json");
    well(&run(&[&"merge", &t, &v, &"-o", &out]));
    assert_eq!((text(&out, "t"), text(&out, "v")), ("12".to_owned(), "ab".to_owned()));
    let refused = run(&[&"merge", &v, &other, &"-o", &folder.path().join("no.json")]);
    assert!(
        refused.code == 1 && refused.err.contains("error: t: coordinate: its values are not those of"),
        "{refused:?}"
    );
    let longer = run(&[&"merge", &v, &set(&folder, "l", "123", ""), &"-o", &folder.path().join("no.json")]);
    assert!(longer.err.contains("error: t: shape: the dimension has length "), "{longer:?}");
    assert!(!folder.path().join("no.json").exists());
}

#[test]
fn inline_chunks_are_led_out_to_a_file() {
    let folder = tempdir().unwrap();
    let (from, out) = (set(&folder, "in.json", "12", "ab"), folder.path().join("out.json"));
    let led = run(&[&"outline", &from, &"-o", &out]);
    assert_eq!((led.code, led.err.contains("out.json.sidecar: 4 bytes")), (0, true), "{led:?}");
    assert_eq!(std::fs::read(folder.path().join("out.json.sidecar")).unwrap(), b"12ab");
    let (set, _) = open_references(&out, &Limits::default()).unwrap();
    assert!(set.arrays().all(|(_, array)| array.chunks.inline.is_empty()));
    assert_eq!((text(&out, "t"), text(&out, "v")), ("12".to_owned(), "ab".to_owned()));
    let same = run(&[&"outline", &from, &"-o", &out, &"--sidecar", &from]);
    assert!(same.failure().contains("the file is an input or the output"), "{same:?}");
}

#[test]
fn shells_and_manuals_know_every_command() {
    let shell = run(&[&"completions", &"bash"]);
    assert!(shell.code == 0 && shell.out.contains("--concat-dims"), "{}", shell.err);
    let folder = tempdir().unwrap();
    well(&run(&[&"man", &"-o", &folder.path()]));
    for page in ["h5refs.1", "h5refs-combine.1", "h5refs-scan.1"] {
        assert!(folder.path().join(page).is_file(), "{page}");
    }
    assert!(run(&[&"man"]).out.contains("combine"));
}
