//! The tools on reference sets: what they write is what was asked for, whole, and reads as it did.

use std::path::{Path, PathBuf};

use h5refs::edit::{Split, statistics, subchunk};
use h5refs::output::JsonForm;
use h5refs::output::made_of;
use h5refs::store::Values;
use h5refs::{Limits, LocalSources, ReferenceSet, Store, open_references, read_text};
use serde_json::Value as Json;
use tempfile::{TempDir, tempdir};

use crate::cli::{Run, run};
use crate::files;

/// A new folder with the references of a file in it, by the file's own path.
fn scanned(name: &str) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let (scanned, path) = (folder.path().join("scanned.json"), folder.path().join("in.json"));
    let scan = run(&[&"scan", &name, &"--inline-threshold", &"0", &"-o", &scanned]);
    assert_eq!((scan.code, scan.err.as_str()), (0, ""), "{name}");
    // A set that was converted does not tell how a scan made it.
    well(&run(&[&"convert", &scanned, &"-o", &path]));
    assert!(made_of(&scanned).unwrap().is_some() && made_of(&path).unwrap().is_none());
    (folder, path)
}

fn open(path: &Path) -> ReferenceSet {
    let (set, stray) = open_references(path, &Limits::default()).unwrap();
    assert_eq!(stray, [""; 0]);
    set
}

/// The elements of all arrays.
fn elements(set: ReferenceSet) -> Vec<(String, Values)> {
    let store = Store::new(set, LocalSources::new().allow(files::folder()).unwrap());
    let arrays = store.set().arrays().map(|(path, _)| {
        (path.to_owned(), store.array(path).unwrap().read_all().unwrap_or_else(|error| panic!("{path}: {error}")))
    });
    arrays.collect()
}

/// All was well, and nothing went to standard output.
fn well(run: &Run) -> &str {
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{run:?}");
    run.err.trim_end()
}

#[test]
fn each_form_holds_the_same_set() {
    for name in [
        "netcdf/groups.nc",
        "chunk/partial_edges_gzip.h5",
        "kerchunk/texts_like_json.h5",
        "datatype/floats.h5",
        "netcdf/missing_values.nc",
    ] {
        let (folder, path) = scanned(name);
        let set = open(&path);
        let forms: [&[&str]; 7] = [
            &["a.json"],
            &["a.json.gz"],
            &["a.json.zst"],
            &["a.parq"],
            &["b.json", "--zmetadata", "--nan", "python"],
            &["c.json", "--template", "u"],
            &["d.json", "--template", "u=/", "--zmetadata"],
        ];
        for form in forms {
            let (first, second) = (folder.path().join(form[0]), folder.path().join("back.json"));
            let more: Vec<&dyn AsRef<std::ffi::OsStr>> = form[1..].iter().map(|text| text as _).collect();
            well(&run(&[&[&"convert" as &dyn AsRef<_>, &path, &"-o", &first], more.as_slice()].concat()));
            assert_eq!(open(&first), set, "{name} {form:?}");
            well(&run(&[&"convert", &first, &"-o", &second]));
            assert_eq!(std::fs::read(&second).unwrap(), std::fs::read(&path).unwrap(), "{name} {form:?}");
        }
    }
}

#[test]
fn the_form_is_what_was_asked_for() {
    let (folder, path) = scanned("chunk/partial_edges.h5");
    let text = std::fs::read(&path).unwrap();
    let compressed = |name: &str, magic: &[u8]| {
        let out = folder.path().join(name);
        well(&run(&[&"convert", &path, &"-o", &out]));
        assert!(std::fs::read(&out).unwrap().starts_with(magic));
        assert_eq!(read_text(&out, &Limits::default()).unwrap(), text);
    };
    compressed("a.json.gz", &[0x1f, 0x8b]);
    compressed("a.json.zst", &[0x28, 0xb5, 0x2f, 0xfd]);
    let converted = |more: &[&dyn AsRef<std::ffi::OsStr>]| {
        let run = run(&[&[&"convert" as &dyn AsRef<_>, &path], more].concat());
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        (JsonForm::of(run.out.as_bytes()).unwrap(), serde_json::from_str::<Json>(&run.out).unwrap())
    };
    let (form, document) = converted(&[&"--json-version", &"0"]);
    assert_eq!((form.version, document.get("refs"), document["d/0.0"][2].as_u64()), (0, None, Some(32)));
    let url = files::folder().join("chunk/partial_edges.h5");
    let (_, document) = converted(&[&"--template", &"u"]);
    assert_eq!(
        (document["templates"]["u"].as_str(), document["refs"]["d/0.0"][0].as_str()),
        (url.to_str(), Some("{{u}}"))
    );
    assert!(converted(&[&"--zmetadata"]).1["refs"][".zmetadata"].as_str().unwrap().starts_with("{\"metadata\":{"));
}

#[test]
fn scan_writes_every_form() {
    let folder = tempdir().unwrap();
    let sets = ["a.json", "a.json.gz", "a.json.zst", "a.parq"].map(|name| {
        let out = folder.path().join(name);
        well(&run(&[&"scan", &"chunk/partial_edges.h5", &"-o", &out]));
        open(&out)
    });
    assert!(sets.windows(2).all(|pair| pair[0] == pair[1]));
    let templates = run(&[&"scan", &"chunk/partial_edges.h5", &"--inline-threshold", &"0", &"--template", &"u"]);
    assert!(templates.out.contains("[\"{{u}}\","), "{}", templates.out);
}

/// What is left is known by its process, which is no more where the system lists them.
#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_run_left_is_removed_and_what_it_moved_aside_is_there_again() {
    let (folder, path) = scanned("netcdf/cf.nc");
    let of = |name: &str| folder.path().join(name);
    let (dead, set, out) = ("4294967295", of("set.parq"), of("out.json"));
    let left = of(&format!(".out.json.{dead}.part"));
    let commands: [&[&dyn AsRef<std::ffi::OsStr>]; 5] = [
        &[&"convert", &path],
        &[&"merge", &path, &"--no-fetch"],
        &[&"concat", &path, &"--dim", &"time", &"--variables", &"time"],
        &[&"inline", &path, &"--threshold", &"1", &"--allow", &files::folder()],
        &[&"outline", &path],
    ];
    for command in commands {
        std::fs::write(&left, "").unwrap();
        let run = run(&[command, &[&"-o", &out]].concat());
        assert_eq!((run.code, left.exists()), (0, false), "{run:?}");
    }
    // A set that was to be replaced.
    for (name, time) in [("a.json", "A"), ("b.json", "B")] {
        let array = r#"{"zarr_format":2,"shape":[1],"chunks":[1],"dtype":"|u1","compressor":null,"filters":null,"fill_value":null,"order":"C"}"#;
        let refs = serde_json::json!({".zgroup": r#"{"zarr_format":2}"#, "time/.zarray": array,
            "time/.zattrs": r#"{"_ARRAY_DIMENSIONS":["time"]}"#, "time/0": time});
        std::fs::write(of(name), refs.to_string()).unwrap();
        well(&run(&[&"append", &set, &of(name), &"--concat-dims", &"time", &"-q"]));
        if name == "a.json" {
            std::fs::rename(&set, of(&format!(".set.parq.{dead}.old"))).unwrap();
        }
    }
    assert_eq!(open(&set).arrays().next().unwrap().1.metadata.shape, [2]);
}

#[test]
fn a_set_that_another_process_appends_to_is_left_alone() {
    let (folder, path) = scanned("netcdf/cf.nc");
    let (set, lock) = (folder.path().join("set.json"), folder.path().join(".set.json.h5refs-lock"));
    let append = || run(&[&"append", &set, &path, &"--concat-dims", &"time", &"--allow", &files::folder(), &"-q"]);
    let other = std::fs::File::create(&lock).unwrap();
    fs4::FileExt::lock(&other).unwrap();
    let refused = append();
    assert!(refused.failure().ends_with("another run works on this output"), "{refused:?}");
    assert!(!set.exists() && lock.exists());
    drop(other);
    well(&append());
    assert!(set.exists() && !lock.exists());
}

#[cfg(unix)]
#[test]
fn what_a_link_leads_to_is_replaced_and_not_the_link() {
    let (folder, path) = scanned("netcdf/cf.nc");
    let of = |name: &str| folder.path().join(name);
    std::fs::create_dir(of("store")).unwrap();
    for name in ["all.json", "all.parq", "new.json"] {
        if name != "new.json" {
            well(&run(&[&"scan", &"chunk/btree_v1.h5", &"-o", &of(&format!("store/{name}"))]));
        }
        let link = of(&format!("latest-{name}"));
        std::os::unix::fs::symlink(format!("store/{name}"), &link).unwrap();
        well(&run(&[&"convert", &path, &"-o", &link]));
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink(), "{name}");
        assert_eq!(open(&of(&format!("store/{name}"))).nodes, open(&path).nodes, "{name}");
    }
    assert_eq!(std::fs::read_dir(of("store")).unwrap().count(), 3);
}

#[test]
fn forms_that_do_not_go_together_write_nothing() {
    let (folder, path) = scanned("chunk/implicit.h5");
    let failed = |more: &[&dyn AsRef<std::ffi::OsStr>]| {
        let run = run(&[&[&"convert" as &dyn AsRef<_>, &path], more].concat());
        run.failure().to_owned()
    };
    let parquet = folder.path().join("a.parq");
    assert_eq!(
        failed(&[&"-o", &parquet, &"--template", &"u"]),
        "h5refs: --json-version, --zarr-format 3 and --template are for JSON"
    );
    assert_eq!(
        failed(&[&"-o", &parquet, &"--json-version", &"0"]),
        "h5refs: --json-version, --zarr-format 3 and --template are for JSON"
    );
    assert_eq!(failed(&[&"--format", &"parquet"]), "h5refs: references in Parquet are a folder: -o OUT.parq");
    let out = folder.path().join("a.json");
    assert!(failed(&[&"-o", &out, &"--template", &"1=x"]).contains("is no template"));
    assert!(!out.exists() && !parquet.exists());
    std::fs::write(folder.path().join("cut.json.gz"), [0x1f, 0x8b, 8]).unwrap();
    let cut = run(&[&"convert", &folder.path().join("cut.json.gz")]);
    assert!(cut.failure().contains("not a set of references: gzip"), "{cut:?}");
}

#[test]
fn what_belongs_to_nothing_is_told_and_left_out() {
    let (folder, path) = scanned("chunk/implicit.h5");
    let text = std::fs::read_to_string(&path).unwrap().replacen(
        "\"refs\":{",
        "\"refs\":{\".zmetadata\":\"{}\",\"stray/0\":\"x\",",
        1,
    );
    let (stray, out) = (folder.path().join("stray.json"), folder.path().join("out.json"));
    std::fs::write(&stray, text).unwrap();
    let run = run(&[&"convert", &stray, &"-o", &out]);
    assert_eq!((run.code, run.err.lines().count()), (3, 2), "{run:?}");
    assert_eq!(open(&out), open(&path));
    // What is described is right all the same.
    let verified = self::run(&[&"verify", &stray, &"--allow", &files::folder(), &"-q"]);
    assert_eq!((verified.code, verified.err.lines().count()), (0, 2), "{verified:?}");
}

#[test]
fn urls_are_renamed_by_map_prefix_and_pattern() {
    let (folder, path) = scanned("chunk/partial_edges.h5");
    let url = files::folder().join("chunk/partial_edges.h5").to_str().unwrap().to_owned();
    let map = folder.path().join("map.json");
    std::fs::write(&map, serde_json::to_vec(&std::collections::BTreeMap::from([(&url, "mapped")])).unwrap()).unwrap();
    let out = folder.path().join("out.json");
    let prefix = format!("{}=s3://bucket", files::folder().display());
    let renamed = |more: &[&dyn AsRef<std::ffi::OsStr>]| {
        let run = run(&[&[&"rename" as &dyn AsRef<_>, &path, &"-o", &out], more].concat());
        let set = open(&out);
        assert_eq!(set.recorded.keys().collect::<Vec<_>>(), [&set.urls[0]]);
        (run.code, run.err, set.urls[0].clone())
    };
    let told = |url: &str| (0, "h5refs: 1 of 1 URLs changed\n".to_owned(), url.to_owned());
    assert_eq!(renamed(&[&"--prefix", &prefix]), told("s3://bucket/chunk/partial_edges.h5"));
    assert_eq!(renamed(&[&"--prefix", &"/=x", &"--prefix", &prefix]), told("s3://bucket/chunk/partial_edges.h5"));
    assert_eq!(renamed(&[&"--regex", &r"^.*/(\w+)\.h5$", &"s3://b/$1.nc"]), told("s3://b/partial_edges.nc"));
    assert_eq!(renamed(&[&"--regex", &"^no", &"x", &"--regex", &"[^/]*/", &""]), told("partial_edges.h5"));
    assert_eq!(renamed(&[&"--map", &map, &"--prefix", &prefix]), told("mapped"));
    let none = renamed(&[&"--prefix", &"s3://=x"]);
    assert_eq!(none, (3, "h5refs: 0 of 1 URLs changed\n".to_owned(), url));
    assert_eq!(run(&[&"rename", &path]).code, 2);
    assert!(run(&[&"rename", &path, &"--regex", &"(a)", &"$1b"]).failure().contains("names the group \"1b\""));
}

#[test]
fn chunks_of_every_file_that_can_be_split_read_as_they_did() {
    let mut split = 0;
    for name in files::names() {
        let url = files::folder().join(&name).to_str().unwrap().to_owned();
        for threshold in [0, 500] {
            let mut options = h5refs::Options::new(&url);
            options.inline_threshold = threshold;
            let Ok((before, _)) = h5refs::references(&h5refs::Input::from(files::bytes(&name)), &options) else {
                continue;
            };
            let mut after = before.clone();
            let paths: Vec<String> = before.arrays().map(|(path, _)| path.to_owned()).collect();
            for path in paths {
                for most in [37, 8] {
                    split += u32::from(subchunk(&mut after, &path, &Split::Bytes(most), &Limits::default()).is_ok());
                }
            }
            if after != before {
                assert_eq!(elements(after), elements(before), "{name}");
            }
        }
    }
    assert!(split > 1000, "{split}");
}

#[test]
fn subchunk_splits_what_is_named_and_refuses_filters() {
    let (folder, path) = scanned("chunk/partial_edges.h5");
    let out = folder.path().join("out.json");
    let split = |how: &str| run(&[&"subchunk", &path, &how, &"-o", &out]);
    assert_eq!(well(&split("d=4")), "h5refs: d: chunks [2, 4] are [1, 2] now, 20 of them");
    assert_eq!(elements(open(&out)), elements(open(&path)));
    assert_eq!(well(&split("/d=1x2")), "h5refs: d: chunks [2, 4] are [1, 2] now, 20 of them");
    assert_eq!(well(&split("d=16B")), "h5refs: d: chunks [2, 4] are [1, 4] now, 10 of them");
    let before = std::fs::read(&out).unwrap();
    assert_eq!(split("e=4").failure(), "h5refs: e: no such array");
    assert!(split("d=3").failure().contains("do not split into 3 equal pieces"));
    let (_folder, gzip) = scanned("chunk/partial_edges_gzip.h5");
    assert!(run(&[&"subchunk", &gzip, &"d=2", &"-o", &out]).failure().contains("its chunks are encoded with"));
    assert_eq!(std::fs::read(&out).unwrap(), before);
    assert_eq!(split("d").code, 2);
}

#[test]
fn inline_needs_leave_and_reads_as_it_did() {
    let (folder, path) = scanned("netcdf/cf.nc");
    let out = folder.path().join("out.json");
    let hold = |more: &[&dyn AsRef<std::ffi::OsStr>]| {
        run(&[&[&"inline" as &dyn AsRef<_>, &path, &"-o", &out, &"--allow", &files::folder()], more].concat())
    };
    let refused = run(&[&"inline", &path, &"--threshold", &"500"]);
    assert!(refused.failure().contains("it lies in no folder that may be read"), "{refused:?}");
    for more in [&[&"--threshold" as &dyn AsRef<_>, &"1000000"][..], &[&"--merge", &"*"], &[&"--variables", &"lat,*"]] {
        assert!(well(&hold(more)).contains("are held"));
        let held = open(&out);
        assert!(held.arrays().all(|(_, array)| array.chunks.number.is_empty()));
        assert_eq!(elements(held), elements(open(&path)));
    }
    well(&hold(&[&"--merge", &"time", &"--variables", &"lat", &"--quiet"]));
    let held = open(&out);
    let names = held.arrays().filter(|(_, array)| !array.chunks.inline.is_empty()).map(|(path, _)| path);
    assert_eq!(names.collect::<Vec<_>>(), ["time", "lat", "station_name"]);
    let held = held.arrays().filter(|(_, array)| array.chunks.number.is_empty()).map(|(path, _)| path);
    assert_eq!(held.collect::<Vec<_>>(), ["time", "lat", "station_name"]);
    assert_eq!(hold(&[&"--variables", &"nothing"]).failure(), "h5refs: no array is called nothing");
    assert_eq!(hold(&[]).code, 2);
}

#[test]
fn a_file_that_has_changed_is_not_held() {
    let folder = tempdir().unwrap();
    let (file, path) = (folder.path().join("a.nc"), folder.path().join("a.json"));
    std::fs::copy(files::folder().join("netcdf/cf.nc"), &file).unwrap();
    well(&run(&[&"scan", &file, &"--inline-threshold", &"0", &"-o", &path]));
    std::fs::write(&file, [std::fs::read(&file).unwrap(), vec![0]].concat()).unwrap();
    for how in ["--merge", "--variables"] {
        assert!(run(&[&"inline", &path, &how, &"time"]).failure().contains("has changed since it was first read"));
    }
}

#[test]
fn statistics_are_a_table_or_json() {
    let (_folder, path) = scanned("chunk/partial_edges.h5");
    let table = run(&[&"stats", &path]);
    assert_eq!((table.code, table.err.as_str()), (0, ""));
    let lines: Vec<Vec<&str>> = table.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[1],
        ["d", "5x7", "2x4", "6", "0", "0", "192", "140", "1.00", "3", "/", "96", "2", "/", "64", "6", "/", "192"]
    );
    let json: Json = serde_json::from_str(&run(&[&"stats", &path, &"--json"]).out).unwrap();
    assert_eq!(json, serde_json::to_value(statistics(&open(&path))).unwrap());
    assert_eq!((json["files"].as_u64(), json["arrays"][0]["map"]["bytes"].as_u64()), (Some(1), Some(64)));
    assert_eq!(run(&[&"stats", &"chunk/partial_edges.h5"]).code, 1);
}
