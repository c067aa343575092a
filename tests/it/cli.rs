//! The program: outputs, messages and exit codes, as a caller sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use h5refs::reference::Recorded;
use serde_json::Value as Json;
use tempfile::{TempDir, tempdir};

use crate::files;

/// What a run of the program leaves.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the program in `testdata/`, with these lines on standard input.
fn run_with(input: &str, arguments: &[&dyn AsRef<OsStr>]) -> Run {
    let mut program = Command::new(env!("CARGO_BIN_EXE_h5refs"))
        .current_dir(files::folder())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    program.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = program.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

pub(crate) fn run(arguments: &[&dyn AsRef<OsStr>]) -> Run {
    run_with("", arguments)
}

impl Run {
    /// The references on standard output; all was well.
    fn references(&self) -> Json {
        assert_eq!((self.code, self.err.as_str()), (0, ""));
        serde_json::from_str::<Json>(&self.out).unwrap()["refs"].take()
    }

    /// The keys of the arrays among them.
    fn arrays(&self) -> Vec<String> {
        let references = self.references();
        let keys = references.as_object().unwrap().keys().filter_map(|key| key.strip_suffix("/.zarray"));
        keys.map(str::to_owned).collect()
    }

    /// The one line on standard error of a run that failed and printed nothing else.
    pub(crate) fn failure(&self) -> &str {
        assert_eq!((self.code, self.out.as_str()), (1, ""), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        self.err.trim_end()
    }
}

/// Everything in a folder, hidden files too.
fn listing(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort_unstable();
    names
}

fn json(path: &Path) -> Json {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A new folder, and the path of a file in it that is not there yet.
fn output() -> (TempDir, std::path::PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("out.json");
    (folder, path)
}

#[test]
fn a_scan_prints_what_the_library_writes() {
    let (mut set, _) = files::references(files::bytes("chunk/btree_v1.h5")).unwrap();
    let state = h5refs::Input::open(files::folder().join("chunk/btree_v1.h5")).unwrap().state().unwrap();
    set.recorded.insert(files::URL.to_owned(), Recorded::from_state(state.size, state.modified, state.etag));
    let run = run(&[&"scan", &"chunk/btree_v1.h5", &"--url", &files::URL]);
    let made = serde_json::from_str::<Json>(&run.out).unwrap()["h5refs"]["made"].take();
    assert_eq!(made.as_object().unwrap().len(), 2, "{made}");
    let mut options = h5refs::JsonOptions::default();
    options.made = Some(serde_json::from_value(made).unwrap());
    let mut expected = Vec::new();
    h5refs::write_json_as(&set, &options, &mut expected).unwrap();
    assert_eq!(run.out.as_bytes(), expected);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
}

#[test]
fn a_scan_to_a_file_prints_nothing() {
    let (folder, path) = output();
    let to_file = run(&[&"scan", &"chunk/btree_v1.h5", &"-o", &path]);
    assert_eq!((to_file.code, to_file.out.as_str(), to_file.err.as_str()), (0, "", ""));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), run(&[&"scan", &"chunk/btree_v1.h5"]).out);
    assert_eq!(listing(folder.path()), ["out.json"]);
}

#[test]
fn several_inputs_go_to_a_folder() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("new/folder");
    let list = folder.path().join("list.txt");
    std::fs::write(&list, "chunk/grown.h5\n\nchunk/sparse.h5\n").unwrap();
    let list = format!("@{}", list.display());
    let run = run_with("netcdf/cf.nc\n", &[&"scan", &"chunk/btree_v1.h5", &list, &"-", &"-o", &out]);
    assert_eq!((run.code, run.out.as_str()), (0, ""));
    assert!(run.err.starts_with("h5refs: finished: 4 done of 4 files, in "), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1);
    assert_eq!(listing(&out), ["btree_v1.h5.json", "cf.nc.json", "grown.h5.json", "sparse.h5.json"]);
    assert!(json(&out.join("cf.nc.json"))["refs"]["sst/.zarray"].is_string());
}

#[test]
fn several_inputs_need_a_folder_and_names_of_their_own() {
    let two = run(&[&"scan", &"chunk/grown.h5", &"chunk/sparse.h5"]);
    assert_eq!(two.failure(), "h5refs: several inputs need a folder: -o FOLDER");
    let folder = tempdir().unwrap();
    let out = folder.path().join("out");
    let same = run(&[&"scan", &"object_header/v1.h5", &"./object_header/v1.h5", &"-o", &out]);
    assert_eq!(
        same.failure(),
        "h5refs: ./object_header/v1.h5: the references of another input of this file name are v1.h5.json, too"
    );
    assert!(!out.exists());
}

#[test]
fn one_bad_input_among_several_costs_itself_only() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("out");
    let words: [&dyn AsRef<OsStr>; 6] = [&"scan", &"README.md", &"chunk/grown.h5", &"missing.h5", &"--jobs=1", &"-q"];
    let run = run(&[&words[..], &[&"-o", &out]].concat());
    assert_eq!((run.code, run.out.as_str()), (3, ""));
    assert_eq!(
        run.err.lines().collect::<Vec<_>>(),
        [
            "h5refs: README.md: superblock at 0x0: the HDF5 signature is missing (at 0x0)",
            "h5refs: missing.h5: No such file or directory (os error 2)"
        ]
    );
    assert_eq!(listing(&out), ["grown.h5.json"]);
    assert_eq!(listing(folder.path()), ["out", "out.h5refs-failures", "out.h5refs-state"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("out.h5refs-failures")).unwrap(), "README.md\nmissing.h5\n");
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [&["scan"][..], &["scan", "--no-such-option", "x.h5"], &["no-such-command"], &[]] {
        let arguments: Vec<&dyn AsRef<OsStr>> = arguments.iter().map(|argument| argument as _).collect();
        let run = run(&arguments);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
        assert!(run.err.contains("Usage: h5refs"), "{}", run.err);
    }
    assert_eq!(run(&[&"scan", &"x.h5", &"--url", &"u", &"--rename", &"a=b"]).code, 2);
    assert_eq!(run(&[&"scan", &"x.h5", &"--rename", &"no equals sign"]).code, 2);
}

#[test]
fn a_limit_is_told_with_the_option_that_raises_it_and_raised_by_it() {
    let at = |value: &str| run(&[&"scan", &"chunk/btree_v1.h5", &"--limit", &format!("chunks={value}")]);
    let told = "/d: 6 exceeds the limit chunks = 5; raise it with --limit chunks=VALUE if the file is trusted\n";
    assert_eq!((at("5").code, at("5").err.as_str()), (3, told));
    assert_eq!(at("6").arrays(), ["d"]);
    assert_eq!(at("1K").references(), run(&[&"scan", &"chunk/btree_v1.h5"]).references());
    let event = run(&[&"scan", &"chunk/btree_v1.h5", &"--limit", &"chunks=5", &"--json", &"-o", &"/dev/null"]);
    assert!(event.err.contains(told.trim_end().trim_start_matches("/d: ")), "{}", event.err);
    let wrong = run(&[&"scan", &"chunk/btree_v1.h5", &"--limit", &"chunk=5"]);
    assert!(wrong.code == 2 && wrong.err.contains("no limit is called chunk: there are metadata_bytes, "), "{wrong:?}");
    let twice = run(&[&"scan", &"chunk/btree_v1.h5", &"--limit", &"repair_bytes=5", &"--repair-bytes", &"6"]);
    assert_eq!(twice.code, 2);
}

/// Words, and arguments behind them.
type Words<'a> = (&'a [&'a str], &'a [&'a dyn AsRef<OsStr>]);

#[test]
fn every_command_that_reads_an_input_takes_limits() {
    let (folder, refs) = output();
    assert_eq!(run(&[&"scan", &"chunk/btree_v1.h5", &"-o", &refs]).code, 0);
    let none = folder.path().join("none.json");
    let commands: [Words<'_>; 14] = [
        (&["ls", "--limit", "structures=0"], &[&"chunk/btree_v1.h5"]),
        (&["dump", "--limit", "structures=0"], &[&"chunk/btree_v1.h5"]),
        (&["chunks", "--limit", "structures=0"], &[&"chunk/btree_v1.h5", &"d"]),
        (&["scan", "--limit", "structures=0"], &[&"chunk/btree_v1.h5"]),
        (&["scan", "--limit", "inputs=0"], &[&"chunk/*.h5", &"-o", &folder.path()]),
        (&["combine", "--limit", "references_bytes=0", "--concat-dims", "x"], &[&refs, &"-o", &none]),
        (&["append", "--limit", "references_bytes=0", "--concat-dims", "x"], &[&none, &refs]),
        (&["merge", "--limit", "structures=0"], &[&"chunk/btree_v1.h5", &"-o", &none]),
        (&["concat", "--limit", "references_bytes=0", "--dim", "x"], &[&refs, &"-o", &none]),
        (&["verify", "--limit", "references_bytes=0"], &[&refs]),
        (&["lint", "--for", "xarray", "--limit", "references_bytes=0"], &[&refs]),
        (&["convert", "--limit", "references_bytes=0"], &[&refs, &"-o", &none]),
        (&["subchunk", "--limit", "references_bytes=0"], &[&refs, &"d=2", &"-o", &none]),
        (&["stats", "--limit", "references_bytes=0"], &[&refs]),
    ];
    for (words, more) in commands {
        let run = run_words(words, more);
        assert!(run.code == 1 && run.err.contains("with --limit "), "{words:?}: {run:?}");
        assert!(!none.exists(), "{words:?}");
    }
}

/// A reference to a whole file does not tell how long it is.
#[test]
fn whole_files_that_a_combination_reads_count_as_what_is_read() {
    let folder = tempdir().unwrap();
    let set = |name: &str, value: u8| {
        let data = folder.path().join(format!("{name}.bin"));
        std::fs::write(&data, [value; 8]).unwrap();
        let array = r#"{"zarr_format":2,"shape":[8],"chunks":[8],"dtype":"|u1","compressor":null,"filters":null,"fill_value":null,"order":"C"}"#;
        let dimensions = r#"{"_ARRAY_DIMENSIONS":["x"]}"#;
        let refs = serde_json::json!({".zgroup": r#"{"zarr_format":2}"#, "a/.zarray": array, "a/.zattrs": dimensions, "a/0": [data]});
        let path = folder.path().join(format!("{name}.json"));
        std::fs::write(&path, refs.to_string()).unwrap();
        path
    };
    let (first, second, out) = (set("first", 1), set("second", 1), folder.path().join("out.json"));
    let merge =
        |most: &str| run(&[&"merge", &first, &second, &"-q", &"--limit", &format!("read_bytes={most}"), &"-o", &out]);
    assert_eq!(merge("16").code, 0, "{:?}", merge("16"));
    std::fs::remove_file(&out).unwrap();
    let refused = merge("15");
    assert!(refused.failure().contains("16 exceeds the limit read_bytes = 15"), "{refused:?}");
    assert!(!out.exists());
}

#[test]
fn a_combination_reads_no_file_that_has_changed() {
    let folder = tempdir().unwrap();
    let [first, second] = ["a", "b"].map(|name| {
        let (file, set) = (folder.path().join(format!("{name}.nc")), folder.path().join(format!("{name}.json")));
        std::fs::copy(files::folder().join("netcdf/cf.nc"), &file).unwrap();
        assert_eq!(run(&[&"scan", &file, &"--inline-threshold=0", &"-o", &set]).code, 0);
        set
    });
    let out = folder.path().join("out.json");
    let merge = |second: &Path| run(&[&"merge", &first, &second, &"-q", &"-o", &out]);
    assert_eq!(merge(&second).code, 0, "{:?}", merge(&second));
    std::fs::remove_file(&out).unwrap();
    let file = folder.path().join("b.nc");
    std::fs::write(&file, [std::fs::read(&file).unwrap(), vec![0]].concat()).unwrap();
    let refused = merge(&second);
    assert!(refused.failure().contains("b.nc has changed since it was first read: it has "), "{refused:?}");
    assert!(!out.exists());
    // Scanned now, it is what it is.
    assert_eq!(merge(&file).code, 0);
}

#[test]
fn each_refusal_is_a_line_and_the_rest_is_written() {
    let (folder, path) = output();
    let run = run(&[&"scan", &"data_layout/external.h5", &"-o", &path]);
    assert_eq!((run.code, run.out.as_str()), (3, ""));
    assert_eq!(run.err, "/d: raw data lie in external files, referenced only under --external-root\n");
    assert!(json(&path)["refs"]["ordinary/.zarray"].is_string());
    assert!(json(&path)["refs"]["d/.zarray"].is_null());
    assert_eq!(listing(folder.path()), ["out.json"]);
}

#[test]
fn nan_is_a_string_or_what_python_reads() {
    let attributes = |nan: &str| {
        let references = run(&[&"scan", &"attribute/many_types.h5", &"--nan", &nan]).references();
        references[".zattrs"].as_str().unwrap().to_owned()
    };
    let strict: Json = serde_json::from_str(&attributes("string")).unwrap();
    assert_eq!(strict["specials"], serde_json::json!(["NaN", "Infinity", "-Infinity", -0.0]));
    let python = attributes("python");
    assert!(python.contains(r#""specials":[NaN,Infinity,-Infinity,-0.0]"#), "{python}");
    // But for its bare tokens it is the same document.
    let quoted =
        python.replace(":NaN", ":\"NaN\"").replace("[NaN,Infinity,-Infinity", "[\"NaN\",\"Infinity\",\"-Infinity\"");
    assert_eq!(quoted, attributes("string"));
    assert_eq!(run(&[&"scan", &"attribute/many_types.h5", &"--nan", &"none"]).code, 2);
}

#[test]
fn python_reads_bare_nan_as_a_float() {
    let references = run(&[&"scan", &"attribute/many_types.h5", &"--nan", &"python"]).references();
    let program = "import json, math, sys; a = json.loads(sys.argv[1]); print(math.isnan(a['nan']), a['specials'])";
    let python = Command::new("python3").args(["-c", program, references[".zattrs"].as_str().unwrap()]).output();
    let Ok(python) = python else {
        eprintln!("SKIPPED: there is no python3");
        assert!(std::env::var_os("CI").is_none(), "CI has python3");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&python.stdout), "True [nan, inf, -inf, -0.0]\n");
}

#[test]
fn an_output_that_is_called_so_is_parquet() {
    let folder = tempdir().unwrap();
    let told = run(&[&"scan", &"chunk/btree_v1.h5", &"--url", &files::URL]).references();
    for (name, more) in [("a.parq", &[][..]), ("b.parquet", &["--record-size", "2"]), ("c", &["--format", "parquet"])] {
        let output = folder.path().join(name);
        let mut arguments: Vec<&dyn AsRef<OsStr>> =
            vec![&"scan", &"chunk/btree_v1.h5", &"--url", &files::URL, &"-o", &output];
        arguments.extend(more.iter().map(|argument| argument as &dyn AsRef<OsStr>));
        let run = run(&arguments);
        assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (0, "", ""));
        let (set, _) =
            h5refs::read_parquet(&output, &h5refs::Limits::default(), h5refs::MissingRecords::Refused).unwrap();
        let mut text = Vec::new();
        h5refs::write_json(&set, &mut text).unwrap();
        assert_eq!(serde_json::from_slice::<Json>(&text).unwrap()["refs"], told, "{name}");
    }
    assert_eq!(listing(folder.path()), ["a.parq", "b.parquet", "c"]);
    assert_eq!(listing(&folder.path().join("b.parquet/d")), ["refs.0.parq", "refs.1.parq", "refs.2.parq"]);
}

#[test]
fn several_inputs_become_a_folder_of_parquet_each() {
    let folder = tempdir().unwrap();
    let run = run(&[
        &"scan",
        &"-q",
        &"chunk/btree_v1.h5",
        &"chunk/implicit.h5",
        &"--format",
        &"parquet",
        &"-o",
        &folder.path(),
    ]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert_eq!(listing(folder.path()), ["btree_v1.h5.parq", "implicit.h5.parq"]);
}

#[test]
fn parquet_is_a_folder_of_strict_json_and_no_other_folder_is_replaced() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("precious"), "x").unwrap();
    let output: &dyn AsRef<OsStr> = &folder.path();
    let told = |more: &[&dyn AsRef<OsStr>]| {
        let arguments: &[&dyn AsRef<OsStr>] = &[&"scan", &"chunk/implicit.h5", &"--format", &"parquet"];
        run(&[arguments, more].concat()).failure().to_owned()
    };
    assert_eq!(told(&[]), "h5refs: references in Parquet are a folder: -o OUT.parq");
    assert_eq!(
        told(&[&"-o", output, &"--nan", &"python"]),
        "h5refs: --nan python is for JSON: Parquet has its documents in strict JSON"
    );
    let error = told(&[&"-o", output]);
    assert!(error.ends_with(": is a folder of something other than references in Parquet"), "{error}");
    assert_eq!(listing(folder.path()), ["precious"]);
}

#[test]
fn text_that_is_not_utf8_is_a_line_and_in_the_report() {
    let (folder, path) = output();
    let report = folder.path().join("report.json");
    let run = run(&[&"scan", &"attribute/strings.h5", &"-o", &path, &"--report", &report]);
    let reason = "text that is not UTF-8, emitted with U+FFFD in place of its other bytes";
    assert_eq!((run.code, run.err), (3, format!("/: attribute \"latin1\": {reason}\n")));
    let attributes: Json = serde_json::from_str(json(&path)["refs"][".zattrs"].as_str().unwrap()).unwrap();
    assert_eq!(attributes["latin1"], "caf\u{fffd}");
    let told = &json(&report)["files"][0]["report"]["objects"][1];
    assert_eq!(told, &serde_json::json!({"path": "/", "outcome": "refused", "attribute": "latin1", "reason": reason}));
}

#[test]
fn error_raise_leaves_no_file() {
    let (folder, path) = output();
    let run = run(&[&"scan", &"data_layout/external.h5", &"--error", &"raise", &"-o", &path]);
    assert_eq!(
        run.failure(),
        "h5refs: data_layout/external.h5: /d: raw data lie in external files, referenced only under --external-root"
    );
    assert!(listing(folder.path()).is_empty());
}

#[test]
fn error_raise_keeps_an_older_file() {
    let (folder, path) = output();
    std::fs::write(&path, "older").unwrap();
    run(&[&"scan", &"filter/registered.h5", &"--error", &"raise", &"-o", &path]).failure();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "older");
    assert_eq!(listing(folder.path()), ["out.json"]);
}

#[test]
fn error_ignore_prints_nothing_and_ends_with_3() {
    let (_folder, path) = output();
    let run = run(&[&"scan", &"filter/registered.h5", &"--error", &"ignore", &"-o", &path]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (3, "", ""));
    assert!(json(&path)["refs"][".zgroup"].is_string());
}

#[test]
fn the_report_tells_what_became_of_every_object() {
    let (folder, path) = output();
    let report = folder.path().join("report.json");
    let run = run(&[&"scan", &"README.md", &"data_layout/external.h5", &"--report", &report, &"-o", &path]);
    assert_eq!(run.code, 3);
    let expected = serde_json::json!({"files": [
        {"file": "README.md", "error": "superblock at 0x0: the HDF5 signature is missing (at 0x0)"},
        {"file": "data_layout/external.h5", "report": {
            "objects": [
                {"path": "/", "outcome": "group"},
                {"path": "/d", "outcome": "refused",
                 "reason": "raw data lie in external files, referenced only under --external-root"},
                {"path": "/ordinary", "outcome": "array", "referenced": 0, "inline": 1},
            ],
            "summary": {"groups": 1, "arrays": 1, "listed": 0, "renamed": 0, "refused": 1},
        }},
    ]});
    assert_eq!(json(&report), expected);
}

#[test]
fn a_group_becomes_the_root() {
    let whole = run(&[&"scan", &"group/nested.h5"]).arrays();
    let part = run(&[&"scan", &"group/nested.h5", &"--group", &"/a/b"]).arrays();
    let inside: Vec<&str> = whole.iter().filter_map(|path| path.strip_prefix("a/b/")).collect();
    assert_eq!(part, inside);
    assert!(!part.is_empty());
    let missing = run(&[&"scan", &"group/nested.h5", &"--group", &"/nowhere"]);
    assert_eq!(missing.failure(), "h5refs: group/nested.h5: /nowhere: no such object");
}

#[test]
fn a_variable_that_no_dataset_is_called_is_a_failure() {
    let arguments: [&dyn AsRef<OsStr>; 5] = [&"scan", &"netcdf/cf.nc", &"--variables", &"sst,nosuch", &"-q"];
    assert_eq!(run(&arguments).failure(), "h5refs: netcdf/cf.nc: no dataset is called nosuch");
}

#[test]
fn variables_are_chosen_by_name_and_glob() {
    let arrays = |arguments: &[&str]| {
        let all = ["scan", "netcdf/cf.nc"].iter().chain(arguments);
        let mut arrays = run(&all.map(|argument| argument as _).collect::<Vec<&dyn AsRef<OsStr>>>()).arrays();
        arrays.sort_unstable();
        arrays
    };
    assert_eq!(arrays(&["--variables", "sst,time"]), ["sst", "time"]);
    assert_eq!(arrays(&["--variables", "l*", "--variables", "/crs"]), ["crs", "lat", "lon"]);
    assert_eq!(arrays(&["--variables", "time*", "--drop", "time_bnds"]), ["time"]);
    assert_eq!(arrays(&["--drop", "time*,station_*,l*"]), ["crs", "sst"]);
}

#[test]
fn references_call_the_file_as_asked() {
    let url = |arguments: &[&str]| {
        let all = ["scan", "netcdf/cf.nc", "--inline-threshold", "0"].iter().chain(arguments);
        let run = run(&all.map(|argument| argument as _).collect::<Vec<&dyn AsRef<OsStr>>>());
        run.references()["lat/0"][0].as_str().unwrap().to_owned()
    };
    let absolute = files::folder().join("netcdf/cf.nc").to_str().unwrap().to_owned();
    assert_eq!(url(&[]), absolute);
    assert_eq!(url(&["--url", "s3://bucket/cf.nc"]), "s3://bucket/cf.nc");
    let rename = format!("{}=https://host/data", files::folder().display());
    assert_eq!(url(&["--rename", "/nowhere=x", "--rename", &rename]), "https://host/data/netcdf/cf.nc");
    let scan = |more: &[&str]| {
        let all = ["scan", "netcdf/cf.nc"].iter().chain(more);
        run(&all.map(|argument| argument as _).collect::<Vec<&dyn AsRef<OsStr>>>())
    };
    let none = scan(&["--rename", "/nowhere=x"]);
    assert!(none.err.contains("no --rename fits") && none.out.contains(&absolute), "{}", none.err);
    assert!(!scan(&["--rename", &rename]).err.contains("no --rename fits"));
    assert_eq!(scan(&["--url", ""]).code, 2);
}

#[test]
fn names_are_taken_as_they_are_from_lists_too_and_references_have_no_dots() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("deep")).unwrap();
    let copied = |name: &str| {
        let to = folder.path().join(name);
        std::fs::copy(files::folder().join("netcdf/cf.nc"), &to).unwrap();
        to.canonicalize().unwrap()
    };
    let (spaced, at_sign) = (copied(" cf.nc"), copied("@cf.nc"));
    let url = |input: &str, argument: &dyn AsRef<OsStr>| {
        let run = run_with(input, &[&"scan", argument, &"--inline-threshold", &"0"]);
        std::path::PathBuf::from(run.references()["lat/0"][0].as_str().unwrap())
    };
    assert_eq!(url(&format!("\n{}\r\n", spaced.display()), &"-"), spaced);
    assert_eq!(url("", &at_sign), at_sign);
    assert_eq!(url("", &folder.path().join("deep/../@cf.nc")), at_sign);
}

#[test]
fn completions_are_told_to_whoever_listens() {
    let bash = run(&[&"completions", &"bash"]);
    assert_eq!((bash.code, bash.out.contains("complete -F _h5refs")), (0, true));
    let mut program = Command::new(env!("CARGO_BIN_EXE_h5refs"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(program.stdout.take());
    let ended = program.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_check_of_a_combination_finds_what_the_combination_refuses() {
    let (folder, _) = output();
    let set = |name: &str, bytes: &str| {
        let path = folder.path().join(name);
        let array = r#"{\"zarr_format\":2,\"shape\":[1],\"chunks\":[1],\"dtype\":\"|u1\",\"compressor\":null,\"filters\":null,\"fill_value\":0,\"order\":\"C\"}"#;
        let along = r#"{\"_ARRAY_DIMENSIONS\":[\"t\"]}"#;
        let refs = format!(
            r#"{{"version":1,"refs":{{".zgroup":"{{\"zarr_format\":2}}","t/.zarray":"{array}","t/.zattrs":"{along}","t/0":"a","v/.zarray":"{array}","v/.zattrs":"{along}","v/0":["/x",{bytes},1]}}}}"#
        );
        std::fs::write(&path, refs).unwrap();
        path
    };
    let (a, b) = (set("a.json", "0"), set("b.json", "1"));
    let combine = |more: &[&dyn AsRef<OsStr>]| {
        let all: [&dyn AsRef<OsStr>; 5] = [&"combine", &a, &b, &"--concat-dims", &"t"];
        run(&all.iter().chain(more).copied().collect::<Vec<_>>())
    };
    let (refused, checked) = (combine(&[&"-o", &"-"]), combine(&[&"--check"]));
    assert_eq!((refused.code, checked.code), (1, 4), "{} {}", refused.err, checked.err);
    assert_eq!(refused.err, checked.err);
    assert!(checked.err.contains("duplicate"), "{}", checked.err);
}

#[test]
fn chunks_are_held_inline_below_the_threshold() {
    // Six chunks of 32 bytes.
    let inline = |threshold: &str| {
        let references = run(&[&"scan", &"chunk/btree_v1.h5", &"--inline-threshold", &threshold]).references();
        references["d/0.0"].is_string()
    };
    assert_eq!([inline("0"), inline("32"), inline("33")], [false, false, true]);
}

#[test]
fn paths_by_hard_links_are_emitted_once_on_request() {
    let all = run(&[&"scan", &"group/hard_links.h5"]).arrays();
    let once = run(&[&"scan", &"group/hard_links.h5", &"--links", &"once"]).arrays();
    assert_eq!((all.len(), once.len()), (3, 1));
    assert!(all.contains(&once[0]));
}

#[test]
fn a_bad_input_is_one_line_with_file_structure_and_offset() {
    let folder = tempdir().unwrap();
    let cut = folder.path().join("cut.nc");
    std::fs::write(&cut, &files::bytes("netcdf/cf.nc")[..3000]).unwrap();
    let damaged = folder.path().join("damaged.h5");
    let mut bytes = files::bytes("object_header/v2.h5").to_vec();
    bytes[20] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let before = listing(folder.path());
    let out = folder.path().join("out.json");
    let inputs: [(&Path, &str); 4] = [
        (&cut, "superblock at 0x0: 28096 bytes at 0x0 are not inside the file of 3000 bytes (at 0x0)"),
        (&damaged, "superblock at 0x0: checksum is 0x82abc586, computed 0x991e9cae (at 0x2c)"),
        (Path::new("README.md"), "superblock at 0x0: the HDF5 signature is missing (at 0x0)"),
        (Path::new("chunk"), "is a directory"),
    ];
    for (input, reason) in inputs {
        let expected = format!("h5refs: {}: {reason}", input.display());
        // A folder stands for the files in it.
        if !files::folder().join(input).is_dir() {
            assert_eq!(run(&[&"scan", &input, &"-o", &out]).failure(), expected);
        }
        assert_eq!(run(&[&"ls", &input]).failure(), expected);
        assert_eq!(run(&[&"dump", &input]).failure(), expected);
        assert_eq!(listing(folder.path()), before);
    }
}

#[test]
fn an_output_that_cannot_be_written_is_told() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("missing/out.json");
    let run = run(&[&"scan", &"chunk/btree_v1.h5", &"-o", &out]);
    let expected = format!("h5refs: chunk/btree_v1.h5: {}: No such file or directory (os error 2)", out.display());
    assert_eq!(run.failure(), expected);
}

#[test]
fn ls_lists_objects_and_links() {
    let ls = |file: &str| {
        let run = run(&[&"ls", &file]);
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        run.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(
        ls("group/soft_links.h5"),
        [
            "/ Group",
            "/g Group",
            "/g/d Dataset {2} int32, contiguous, 8 bytes at 0x980",
            "/dangling Soft Link {/nowhere}, which is not there",
            "/loop_a Soft Link {/loop_b}, which is not there",
            "/loop_b Soft Link {/loop_a}, which is not there",
            "/to_dataset Soft Link {/g/d}",
            "/to_group Soft Link {/g}",
            "/g/relative Soft Link {d}",
        ]
    );
    let of_virtual = ls("data_layout/virtual_same_file.h5");
    assert_eq!(of_virtual[1], "/d Dataset {2, 4} int32, virtual, 2 mappings");
    let cf = ls("netcdf/cf.nc");
    assert!(cf.contains(&"/crs Dataset SCALAR int32, contiguous, 4 bytes at 0x354e".to_owned()));
    let sst =
        "/sst Dataset {3/Inf, 4, 6} int16, chunks {1, 2, 3} by version 1 B-tree, 12 written, shuffle[2], deflate[4]";
    assert!(cf.contains(&sst.to_owned()), "{cf:#?}");
}

#[test]
fn dump_reads_as_ncdump_does() {
    let dump = run(&[&"dump", &"netcdf/cf.nc"]);
    assert_eq!((dump.code, dump.err.as_str()), (0, ""));
    let wanted = "netcdf cf {\n\
        dimensions:\n\
        \ttime = UNLIMITED ; // (3 currently)\n\
        variables:\n\
        \tdouble time(time) ;\n\
        \t\ttime:units = \"days since 2000-01-01\" ;\n\
        \tshort sst(time, lat, lon) ;\n\
        \t\tsst:_FillValue = -32768s ;\n\
        \t\tsst:scale_factor = 0.01f ;\n\
        \t\tsst:add_offset = 20.f ;\n\
        \t\tsst:valid_range = -1000s, 1000s ;\n\
        \tint crs ;\n\
        \t\tcrs:semi_major_axis = 6378137. ;\n\
        \tstring station_name(station) ;\n\
        \tchar station_code(station, name_len) ;\n\
        // global attributes:\n\
        \t\t:Conventions = \"CF-1.8\" ;\n\
        }";
    // The lines are there in this order, others between them.
    let mut lines = dump.out.lines();
    for wanted in wanted.lines() {
        assert!(lines.any(|line| line == wanted), "{wanted:?} is not in its place in\n{}", dump.out);
    }
    let strings = run(&[&"dump", &"netcdf/string_attributes.nc"]).out;
    for wanted in [
        ":u8 = 18446744073709551615ULL ;",
        "string :several = \"first\", \"second\", \"\" ;",
        ":specials = NaN, Infinity ;",
    ] {
        assert!(strings.lines().any(|line| line.trim() == wanted), "{wanted} is not in\n{strings}");
    }
}

#[test]
fn chunks_are_told_with_their_sizes_masks_and_places() {
    let run = run(&[&"chunks", &"filter/mask_mixed.h5", &"d"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let expected = "/d: int32 [16] in chunks [4] of 16 bytes, by version 1 B-tree\n\
        4 of 4 chunks written, a grid of [4]\n\
        65 bytes stored, 101.5 % of what they decode to; 14 to 19 a chunk, 16 in the mean\n\
        3 chunks skip filters\n";
    assert!(run.out.starts_with(expected), "{}", run.out);
    assert!(run.out.contains("       16 .. 16            2 ########################################\n"), "{}", run.out);
    assert!(run.out.ends_with("3                         0xdd9           16  0x3\n"), "{}", run.out);
}

#[test]
fn chunks_are_drawn_where_they_lie() {
    let folder = tempdir().unwrap();
    let svg = folder.path().join("chunks.svg");
    let run = run(&[&"chunks", &"chunk/btree_v1_levels.h5", &"d", &"--summary", &"--svg", &svg]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let picture = std::fs::read_to_string(&svg).unwrap();
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    let written: usize = run.out.lines().nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert_eq!(picture.matches("<title>").count(), written);
}

#[test]
fn what_has_no_chunks_is_a_failure_that_says_why() {
    let failure = |variable: &str| run(&[&"chunks", &"netcdf/cf.nc", &variable]).failure().to_owned();
    assert_eq!(failure("nosuch"), "h5refs: netcdf/cf.nc: /nosuch: no such dataset");
    assert_eq!(failure("/lat"), "h5refs: netcdf/cf.nc: /lat: its layout is contiguous, it has no chunks");
    let of_virtual = run(&[&"chunks", &"data_layout/virtual.h5", &"d"]).failure().to_owned();
    let why = "its layout is virtual, with 2 mappings to other datasets' chunks";
    assert_eq!(of_virtual, format!("h5refs: data_layout/virtual.h5: /d: {why}"));
}

#[test]
fn external_files_are_referenced_under_the_folder_that_is_named_and_nowhere_else() {
    let folder = files::folder().canonicalize().unwrap();
    let scan = |root: &Path| {
        run(&[&"scan", &"data_layout/external.h5", &"--inline-threshold", &"0", &"--external-root", &root])
    };
    let references = scan(&folder).references();
    let mut bytes = Vec::new();
    for key in ["d/0", "d/1", "d/2"] {
        let [url, offset, length] = references[key].as_array().unwrap().as_slice() else { panic!("{key}") };
        let file = std::fs::read(url.as_str().unwrap()).unwrap();
        let start = usize::try_from(offset.as_u64().unwrap()).unwrap();
        bytes.extend_from_slice(&file[start..start + usize::try_from(length.as_u64().unwrap()).unwrap()]);
    }
    let expected = &files::expectation("data_layout/external.h5")["objects"]["/d"]["values"];
    assert_eq!(base64::engine::general_purpose::STANDARD.encode(&bytes), expected.as_str().unwrap());
    let elsewhere = tempdir().unwrap();
    let refused = scan(elsewhere.path());
    assert_eq!(refused.code, 3);
    let line = "/d: raw data in the external file \"external_first.bin\": it does not lie under --external-root\n";
    assert_eq!(refused.err, line);
}

#[test]
fn external_links_are_followed_under_the_folder_that_is_named_and_nowhere_else() {
    let folder = files::folder().canonicalize().unwrap();
    let scan = |root: &Path| {
        run(&[&"scan", &"group/external_links.h5", &"--inline-threshold", &"0", &"--external-root", &root])
    };
    let found = scan(&folder);
    let references: Json = serde_json::from_str(&found.out).unwrap();
    let references = references["refs"].as_object().unwrap();
    let target: Json =
        serde_json::from_str(&run(&[&"scan", &"group/external_links_target.h5", &"--inline-threshold", &"0"]).out)
            .unwrap();
    let target = target["refs"].as_object().unwrap();
    // What each link brings is what a scan of the other file has below the object, the further links left out.
    let mut expected: serde_json::Map<String, Json> = serde_json::Map::new();
    for (link, object) in [("array", "g/d"), ("by_soft_link", "soft"), ("group", "g"), ("root", "")] {
        for (key, value) in target {
            let inside =
                if object.is_empty() { Some(format!("/{key}")) } else { key.strip_prefix(object).map(str::to_owned) };
            if let Some(below) = inside.filter(|below| below.starts_with('/')) {
                expected.insert(format!("{link}{below}"), value.clone());
            }
        }
    }
    let own = |key: &&String| key.starts_with('.') || key.starts_with("d/");
    let brought: BTreeMap<&String, &Json> = references.iter().filter(|(key, _)| !own(key)).collect();
    assert_eq!(brought, expected.iter().collect());
    assert_eq!(found.code, 3);
    let refused: BTreeSet<&str> = found.err.lines().collect();
    let no_object = |path: &str| {
        format!("external link to {path} of the file \"external_links_target.h5\": there is no dataset and no group")
    };
    let lines = [
        format!("/datatype: {}", no_object("/type")),
        "/no_file: external link to /d of the file \"nowhere.h5\": No such file or directory (os error 2)".to_owned(),
        format!("/no_object: {}", no_object("/nowhere")),
        "/root/refused: datatype time has no Zarr v2 form".to_owned(),
        "/zarr: datatype time has no Zarr v2 form".to_owned(),
    ];
    assert_eq!(refused, lines.iter().map(String::as_str).collect());
    let elsewhere = tempdir().unwrap();
    let refused = scan(elsewhere.path());
    assert!(refused.err.contains("/array: external link to /g/d of the file \"external_links_target.h5\": it does not lie under --external-root"), "{}", refused.err);
    let listed = run(&[&"scan", &"group/external_links.h5"]);
    assert_eq!((listed.code, listed.err.as_str()), (0, ""));
}

#[test]
fn paths_of_external_links_are_read_as_libhdf5_reads_them() {
    let folder = files::folder().canonicalize().unwrap();
    let below = |file: &str, link: &str| -> BTreeMap<String, Json> {
        let found = run(&[&"scan", &file, &"--inline-threshold", &"0", &"--external-root", &folder]);
        let references: Json = serde_json::from_str(&found.out).unwrap();
        let (references, prefix) = (references["refs"].as_object().unwrap(), format!("{link}/"));
        let inside = |(key, value): (&String, &Json)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone()));
        references.iter().filter_map(inside).collect()
    };
    for (spelled, plain) in
        [("dot", "root"), ("root_dot", "root"), ("slashes", "array"), ("dots", "array"), ("group", "group")]
    {
        let expected = below("group/external_links.h5", plain);
        assert!(!expected.is_empty());
        assert_eq!(below("group/external_links_spelled.h5", spelled), expected, "{spelled}");
    }
}

#[test]
fn a_family_is_named_by_the_pattern_of_its_names() {
    const PATTERN: &str = "family/v0/member_%05d.h5";
    let scan = |arguments: &[&str]| {
        let all = ["scan", PATTERN, "--inline-threshold", "0"].iter().chain(arguments);
        run(&all.map(|argument| argument as _).collect::<Vec<&dyn AsRef<OsStr>>>())
    };
    let url = |arguments: &[&str]| scan(arguments).references()["small/0"].clone();
    let folder = files::folder().to_str().unwrap().to_owned();
    assert_eq!(url(&[])[0], format!("{folder}/family/v0/member_00000.h5"));
    assert_eq!(url(&["--rename", &format!("{folder}=s3://bucket")])[0], "s3://bucket/family/v0/member_00000.h5");
    let references = scan(&["--url", "s3://bucket/%d.h5"]).references();
    assert_eq!(references["small/0"], serde_json::json!(["s3://bucket/0.h5", 2048, 20]));
    assert_eq!(references["chunked/1.0"], serde_json::json!(["s3://bucket/6.h5", 756, 800]));
    let one = scan(&["--url", "s3://bucket/file.h5"]);
    assert!(one.failure().ends_with("--url of a family is a pattern, as s3://bucket/fam_%05d.h5"), "{one:?}");
    for command in ["ls", "dump"] {
        let told = run(&[&command, &PATTERN]);
        assert_eq!((told.code, told.err.as_str()), (0, ""));
        assert!(told.out.contains("small") && told.out.contains("chunked"), "{}", told.out);
    }
    let out = tempdir().unwrap();
    let chunks = run(&[&"chunks", &PATTERN, &"chunked", &"--svg", &out.path().join("chunks.svg")]);
    assert_eq!((chunks.code, chunks.err.as_str()), (0, ""));
    assert!(chunks.out.contains("12 of 12 chunks written"), "{}", chunks.out);
    let member = run(&[&"scan", &"family/v0/member_00000.h5"]);
    assert!(member.failure().contains("family file driver: one file of several"), "{member:?}");
}

#[test]
fn a_percent_sign_in_a_name_makes_no_pattern_of_a_file() {
    let folder = tempdir().unwrap();
    let named = folder.path().join("run_%05d.h5");
    std::fs::copy(files::folder().join("superblock/v0.h5"), &named).unwrap();
    let references = run(&[&"scan", &named, &"--inline-threshold", &"0"]).references();
    assert_eq!(references["g/contiguous/0.0"][0], named.to_str().unwrap());
    let missing = run(&[&"scan", &folder.path().join("other_%05d.h5")]);
    assert!(missing.failure().ends_with("No such file or directory (os error 2)"), "{missing:?}");
    // One that is a family by its name only.
    std::fs::copy(&named, folder.path().join("plain_0.h5")).unwrap();
    let plain = run(&[&"scan", &folder.path().join("plain_%d.h5")]);
    assert!(
        plain.failure().ends_with("superblock at 0x0: driver information of a family is missing (at 0x0)"),
        "{plain:?}"
    );
}

#[test]
fn a_file_whose_later_revisions_lie_in_an_onion_file_is_refused_by_name() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("revised.h5");
    std::fs::copy(files::folder().join("superblock/v0.h5"), &file).unwrap();
    let history = folder.path().join("revised.h5.onion");
    // Another's file of this name.
    std::fs::write(&history, b"a vegetable").unwrap();
    assert_eq!(run(&[&"scan", &file]).code, 0);
    // As libhdf5 2.0 writes it.
    let header = [
        &b"OHDH"[..],                    // signature
        &[1],                            // version
        &[0; 3],                         // flags
        &[0, 0x10, 0, 0],                // page size
        &[0x18, 8, 0, 0, 0, 0, 0, 0],    // end of the original file
        &[0x9b, 0x10, 0, 0, 0, 0, 0, 0], // address of the history
        &[0x28, 0, 0, 0, 0, 0, 0, 0],    // size of the history
        &[0xb9, 0x6f, 0xa8, 0xc5],       // checksum
    ];
    std::fs::write(&history, header.concat()).unwrap();
    let told = "onion file driver: the later revisions of the file lie in <file>.onion, and are not read";
    for command in ["scan", "ls", "dump"] {
        assert_eq!(run(&[&command, &file]).failure(), format!("h5refs: {}: {told}", file.display()));
        assert_eq!(run(&[&command, &history]).failure(), format!("h5refs: {}: {told}", history.display()));
    }
}

#[cfg(unix)]
#[test]
fn a_file_whose_data_lie_in_subfiles_is_refused_by_name() {
    use std::os::unix::fs::MetadataExt;

    let folder = tempdir().unwrap();
    let stub = folder.path().join("stub.h5");
    std::fs::write(&stub, b"").unwrap();
    let configuration = |inode: u64| folder.path().join(format!("stub.h5.subfile_{inode}.config"));
    let inode = std::fs::metadata(&stub).unwrap().ino();
    std::fs::write(configuration(inode + 1), b"of another file").unwrap();
    assert!(run(&[&"scan", &stub]).failure().ends_with("every byte of the file is missing (at 0x0)"));
    std::fs::write(configuration(inode), b"stripe_size=1048576\n").unwrap();
    let told = "subfiling file driver: the data of the file lie in files beside it, and are not read";
    assert_eq!(run(&[&"scan", &stub]).failure(), format!("h5refs: {}: {told}", stub.display()));
}

#[test]
fn sources_of_virtual_datasets_in_other_files_are_referenced_under_the_folder_that_is_named_and_nowhere_else() {
    let folder = files::folder().canonicalize().unwrap();
    let scan = |name: &str, root: &Path| run(&[&"scan", &name, &"--inline-threshold", &"0", &"--external-root", &root]);
    let rows = scan("data_layout/virtual.h5", &folder).references();
    let place = |key: &str| rows[key].as_array().unwrap().clone();
    let source = folder.join("data_layout/virtual_source.h5");
    assert_eq!(place("d/0.0"), [Json::from(source.to_str().unwrap()), 2048.into(), 16.into()]);
    assert_eq!(place("d/1.0"), place("d/0.0"));
    let row = &std::fs::read(&source).unwrap()[2048..2064];
    let expected = &files::expectation("data_layout/virtual.h5")["objects"]["/d"]["values"];
    assert_eq!(base64::engine::general_purpose::STANDARD.encode([row, row].concat()), expected.as_str().unwrap());
    let numbered = scan("data_layout/virtual_numbered.h5", &folder).references();
    let url = |key: &str| numbered[key][0].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
    let urls = ["numbered/0.0", "numbered/1.0", "numbered/2.0", "numbered/3.0", "halves/0.0", "halves/1.0"].map(url);
    let (first, second) = ("virtual_part_0.h5", "virtual_part_1.h5");
    assert_eq!(urls, [first, first, second, second, first, second]);
    assert_eq!(numbered["halves/1.0"], numbered["numbered/3.0"]);
    let elsewhere = tempdir().unwrap();
    let refused = scan("data_layout/virtual.h5", elsewhere.path());
    assert_eq!(refused.code, 3);
    let line =
        "/d: source of the virtual dataset in the file \"virtual_source.h5\": it does not lie under --external-root\n";
    assert_eq!(refused.err, line);
}

#[test]
fn a_virtual_dataset_may_call_its_own_file_by_its_name() {
    let folder = tempdir().unwrap();
    // Its sources are called as the file is called now, and so its source is itself.
    let named = folder.path().join("virtual_source.h5");
    std::fs::copy(files::folder().join("data_layout/virtual.h5"), &named).unwrap();
    let line = "/d: source \"d\" of the virtual dataset in the file \"virtual_source.h5\": a source that is itself virtual is not supported\n";
    assert_eq!(run(&[&"scan", &named]).err, line);
}

#[test]
fn what_is_sound_of_a_file_that_is_cut_off_is_salvaged_and_the_rest_is_refused_by_name() {
    let folder = tempdir().unwrap();
    let cut = folder.path().join("cut.nc");
    std::fs::write(&cut, &files::bytes("netcdf/cf.nc")[..27_000]).unwrap();
    assert!(run(&[&"scan", &cut]).failure().ends_with("are not inside the file of 27000 bytes (at 0x0)"));
    let salvaged = run(&[&"scan", &cut, &"--salvage", &"--url", &"u"]);
    assert_eq!(salvaged.code, 3);
    let lines: Vec<&str> = salvaged.err.lines().collect();
    assert_eq!(
        lines,
        [
            "/: the file ends 1096 bytes before its superblock says",
            "/time: chunk at 0x5dc0: 4096 bytes at 0x5dc0 are not inside the file of 27000 bytes (at 0x5dc0)"
        ]
    );
    let sound = run(&[&"scan", &"netcdf/cf.nc", &"--drop", &"time", &"--url", &"u"]);
    let refs = |run: &Run| serde_json::from_str::<Json>(&run.out).unwrap()["refs"].clone();
    assert_eq!(refs(&salvaged), refs(&sound));
}

#[test]
fn a_file_that_was_never_closed_is_salvaged_whole() {
    let folder = tempdir().unwrap();
    let unclosed = folder.path().join("unclosed.h5");
    let mut bytes = files::bytes("superblock/v0.h5").to_vec();
    // The end of file address of a version 0 superblock, as it is before the first flush.
    bytes[40..48].fill(0);
    std::fs::write(&unclosed, &bytes).unwrap();
    let told = run(&[&"scan", &unclosed]).failure().to_owned();
    assert!(told.ends_with("superblock at 0x0: end of file address is 0 (at 0x0)"), "{told}");
    let references = run(&[&"scan", &unclosed, &"--salvage", &"--url", &"u"]).references();
    assert_eq!(references, run(&[&"scan", &"superblock/v0.h5", &"--url", &"u"]).references());
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_to_and_stays_a_pipe() {
    use std::os::unix::fs::FileTypeExt;

    let folder = tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).unwrap()
    });
    let scan = run(&[&"scan", &"netcdf/cf.nc", &"-o", &pipe]);
    // Were it no pipe any more, the reader would wait for ever.
    assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo(), "{scan:?}");
    assert_eq!((scan.code, scan.err.as_str()), (0, ""));
    assert!(serde_json::from_str::<Json>(&reader.join().unwrap()).is_ok());
}

/// Lints the references of a file.
fn linted(file: &str, scan: &[&dyn AsRef<OsStr>], lint: &[&dyn AsRef<OsStr>]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let references = folder.path().join("r.json");
    let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&"scan", &file, &"-q", &"-o", &references];
    arguments.extend(scan);
    run(&arguments);
    let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&"lint", &references, &"--for"];
    arguments.extend(lint);
    run(&arguments)
}

#[test]
fn lint_tells_each_finding_with_its_reason_and_ends_with_4() {
    let run = linted("filter/bzip2.h5", &[], &[&"gdal"]);
    assert_eq!((run.code, run.err.as_str()), (4, ""));
    assert!(run.out.starts_with("array  /f8_be_0: codec: GDAL has no filter \"bz2\"\n"), "{}", run.out);
}

#[test]
fn lint_prints_json() {
    let run = linted("netcdf/scalars.nc", &[&"--inline-threshold", &"0"], &[&"virtualizarr", &"--json"]);
    assert_eq!(run.code, 4);
    let findings: Json = serde_json::from_str(&run.out).unwrap();
    let number = findings.as_array().unwrap().iter().find(|finding| finding["path"] == "/number").unwrap();
    assert_eq!((&number["rule"], &number["severity"]), (&"scalar".into(), &"array".into()));
    assert!(number["why"].is_string());
}

#[test]
fn lint_ends_with_0_where_there_is_nothing_but_notes() {
    let run = linted("netcdf/cf.nc", &[], &[&"xarray"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.lines().all(|line| line.starts_with("note ")) && !run.out.is_empty(), "{}", run.out);
    let absent = self::run(&[&"lint", &"--for", &"xarray", &"absent.json"]);
    assert_eq!(absent.code, 1);
    assert_eq!(self::run(&[&"lint", &"netcdf/cf.json"]).code, 2);
}

/// A scan of a dataset of LZF that holds nothing of it inline.
const SIDECAR: [&str; 7] =
    ["scan", "filter/lzf.h5", "--unsupported", "sidecar", "--repair-bytes", "0", "--inline-threshold=0"];

fn run_words(words: &[&str], more: &[&dyn AsRef<OsStr>]) -> Run {
    let words: Vec<&dyn AsRef<OsStr>> = words.iter().map(|word| word as _).chain(more.iter().copied()).collect();
    run(&words)
}

#[test]
fn values_that_no_reference_expresses_go_to_a_file_beside_the_output() {
    let (folder, path) = output();
    let report = folder.path().join("report.json");
    let run = run_words(&SIDECAR, &[&"-o", &path, &"--report", &report]);
    let sidecar = folder.path().join("out.json.sidecar");
    let size = std::fs::metadata(&sidecar).unwrap().len();
    assert_eq!((run.code, run.out.as_str()), (0, ""));
    assert_eq!(run.err, format!("h5refs: {}: {size} bytes of /d\n", sidecar.display()));
    assert_eq!(listing(folder.path()), ["out.json", "out.json.sidecar", "report.json"]);
    let references = json(&path)["refs"].take();
    let metadata: Json = serde_json::from_str(references["d/.zarray"].as_str().unwrap()).unwrap();
    assert_eq!(metadata["filters"], serde_json::json!([{"id": "zlib", "level": 5}]));
    let ends = ["d/0.0", "d/0.1", "d/1.0", "d/1.1"].map(|key| {
        assert_eq!(references[key][0], sidecar.to_str().unwrap());
        references[key][1].as_u64().unwrap() + references[key][2].as_u64().unwrap()
    });
    assert_eq!(ends.iter().max(), Some(&size));
    let told = &json(&report)["files"][0];
    assert_eq!(told["sidecar"], serde_json::json!({"file": sidecar.to_str().unwrap(), "bytes": size}));
    let object = serde_json::json!({"path": "/d", "outcome": "sidecar", "chunks": 4, "bytes": size});
    assert!(told["report"]["objects"].as_array().unwrap().contains(&object), "{told}");
    assert_eq!(told["report"]["summary"]["sidecar"], 1);
}

#[test]
fn a_sidecar_file_has_another_name_and_url_on_request() {
    let (folder, path) = output();
    let other = folder.path().join("values");
    let run = run_words(&SIDECAR, &[&"-o", &path, &"--sidecar", &other, &"--sidecar-url", &"s3://bucket/values"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(listing(folder.path()), ["out.json", "values"]);
    assert_eq!(json(&path)["refs"]["d/0.0"][0], "s3://bucket/values");
    let to_stdout = run_words(&SIDECAR, &[&"--sidecar", &other]);
    assert_eq!(serde_json::from_str::<Json>(&to_stdout.out).unwrap()["refs"]["d/0.0"][0], other.to_str().unwrap());
}

#[test]
fn a_sidecar_file_that_nothing_needs_is_not_made() {
    let (folder, path) = output();
    let run = run(&[&"scan", &"filter/lzf.h5", &"--unsupported", &"sidecar", &"-o", &path]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert_eq!(listing(folder.path()), ["out.json"]);
}

#[test]
fn a_scan_that_fails_leaves_no_sidecar_file() {
    let (folder, path) = output();
    // A refusal of one dataset, after others went to the sidecar file.
    let words = ["scan", "filter/registered.h5", "--unsupported", "sidecar", "--repair-bytes", "0"];
    let run = run_words(&words, &[&"--error", &"raise", &"-o", &path]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(listing(folder.path()), [""; 0]);
    // References that cannot be put in their place.
    let taken = folder.path().join("taken");
    std::fs::create_dir_all(taken.join("full")).unwrap();
    let run = run_words(&SIDECAR, &[&"-o", &taken]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(listing(folder.path()), ["taken"]);
}

#[test]
fn a_sidecar_file_stays_with_the_output_that_stays() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (parquet, sidecar) = (path("o.parq"), path("o.parq.sidecar"));
    assert_eq!(run_words(&SIDECAR, &[&"-o", &parquet]).code, 0);
    let before = std::fs::read(&sidecar).unwrap();
    // What Parquet has no place for.
    let array = r#"{"zarr_format":2,"shape":[4],"chunks":[4],"dtype":"|u1","compressor":null,"filters":null,"fill_value":null,"order":"C"}"#;
    std::fs::write(path("root.json"), serde_json::json!({".zarray": array, "0": "BBBB"}).to_string()).unwrap();
    let outline = run(&[&"outline", &path("root.json"), &"-o", &parquet]);
    assert!(outline.failure().ends_with("an array at the root, which has no place in Parquet"), "{outline:?}");
    assert_eq!(std::fs::read(&sidecar).unwrap(), before);
    // A folder that is not replaced, and one in whose place no file can be put.
    std::fs::rename(parquet.join(".zmetadata"), parquet.join("other")).unwrap();
    assert_eq!(run_words(&SIDECAR, &[&"-o", &parquet]).code, 1);
    assert_eq!(std::fs::read(&sidecar).unwrap(), before);
    assert_eq!(run_words(&SIDECAR, &[&"--format=json", &"-o", &parquet]).code, 1);
    assert_eq!(std::fs::read(&sidecar).unwrap(), before);
    assert_eq!(listing(folder.path()), ["o.parq", "o.parq.sidecar", "root.json"]);
}

#[test]
fn outline_does_not_replace_a_sidecar_file_that_other_chunks_lie_in() {
    let folder = tempdir().unwrap();
    let [set, sidecar] = ["a.json", "a.json.sidecar"].map(|name| folder.path().join(name));
    let array = r#"{"zarr_format":2,"shape":[2],"chunks":[1],"dtype":"|u1","compressor":null,"filters":null,"fill_value":null,"order":"C"}"#;
    let refs = |first: Json| serde_json::json!({".zgroup": r#"{"zarr_format":2}"#, "a/.zarray": array, "a/0": first, "a/1": "B"});
    std::fs::write(&set, refs("A".into()).to_string()).unwrap();
    let outline = || run(&[&"outline", &set, &"-o", &set, &"-q"]);
    // A second time there is nothing to be written.
    assert_eq!((outline().code, outline().code), (0, 0));
    assert_eq!(std::fs::read(&sidecar).unwrap(), b"AB");
    // As after an append.
    std::fs::write(&set, refs(serde_json::json!([sidecar, 1, 1])).to_string()).unwrap();
    let refused = outline();
    assert!(refused.failure().ends_with("name a new one with --sidecar FILE"), "{refused:?}");
    assert_eq!(std::fs::read(&sidecar).unwrap(), b"AB");
    assert_eq!(listing(folder.path()), ["a.json", "a.json.sidecar"]);
}

#[test]
fn several_inputs_have_a_sidecar_file_each() {
    let folder = tempdir().unwrap();
    let words = ["scan", "filter/lzf.h5", "filter/gzip.h5", "filter/szip.h5"];
    let run = run_words(&words, &[&"--unsupported=sidecar", &"--repair-bytes=0", &"-o", &folder.path()]);
    assert_eq!(run.code, 0, "{run:?}");
    let expected = ["gzip.h5.json", "lzf.h5.json", "lzf.h5.json.sidecar", "szip.h5.json", "szip.h5.json.sidecar"];
    assert_eq!(listing(folder.path()), expected);
    let named = run_words(&words, &[&"--unsupported=sidecar", &"--sidecar=x", &"-o", &folder.path()]);
    assert!(named.failure().contains("several inputs have one beside each output"), "{named:?}");
}

#[test]
fn a_sidecar_file_without_a_place_is_wrong_usage() {
    let cases: [(&[&dyn AsRef<OsStr>], &str); 4] = [
        (&[&"scan", &"filter/lzf.h5", &"--unsupported=sidecar"], "name one with --sidecar FILE"),
        (&[&"scan", &"filter/lzf.h5", &"--unsupported=sidecar", &"-o", &"-"], "name one with --sidecar FILE"),
        (&[&"scan", &"filter/lzf.h5", &"--unsupported=sidecar", &"--sidecar", &"-"], "cannot be standard output"),
        (&[&"scan", &"filter/lzf.h5", &"--sidecar", &"x"], "go with --unsupported sidecar"),
    ];
    for (arguments, told) in cases {
        let run = run(arguments);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
        assert!(run.err.contains(told), "{}", run.err);
    }
}

#[test]
fn a_sidecar_file_does_not_take_the_place_of_its_input() {
    let folder = tempdir().unwrap();
    let input = folder.path().join("lzf.h5");
    std::fs::copy(files::folder().join("filter/lzf.h5"), &input).unwrap();
    let before = std::fs::read(&input).unwrap();
    let output = folder.path().join("out.json");
    let words = ["--unsupported=sidecar", "--repair-bytes=0"];
    let run = run_words(&["scan"], &[&input, &words[0], &words[1], &"-o", &output, &"--sidecar", &input]);
    assert!(run.failure().ends_with("the file is an input or the output"), "{run:?}");
    assert_eq!(std::fs::read(&input).unwrap(), before);
    assert_eq!(listing(folder.path()), ["lzf.h5"]);
}

#[test]
fn an_output_does_not_take_the_place_of_a_file_of_data() {
    let folder = tempdir().unwrap();
    let [first, second, sidecar] = ["a.nc", "b.nc", "c.h5.dmrpp"].map(|name| folder.path().join(name));
    for path in [&first, &second] {
        std::fs::copy(files::folder().join("netcdf/cf.nc"), path).unwrap();
    }
    std::fs::copy(files::folder().join("dmrpp/filter.gzip_shuffle.h5.dmrpp"), &sidecar).unwrap();
    let (data, document) = (std::fs::read(&second).unwrap(), std::fs::read(&sidecar).unwrap());
    let commands: [&[&dyn AsRef<OsStr>]; 6] = [
        &[&"scan", &second, &"-o", &second],
        &[&"scan", &first, &"-o", &second],
        &[&"combine", &first, &second, &"--concat-dims", &"time", &"-o", &second],
        &[&"merge", &second, &"-o", &second],
        &[&"concat", &second, &"--dim", &"time", &"-o", &second],
        &[&"append", &second, &first, &"--concat-dims", &"time"],
    ];
    for command in commands {
        let told = run(command);
        assert!(
            told.failure().ends_with("b.nc: is there, and is an HDF5 or netCDF file: it is not replaced"),
            "{told:?}"
        );
    }
    let told = run(&[&"scan", &sidecar, &"-o", &sidecar]);
    assert!(told.failure().ends_with("the output is the input"), "{told:?}");
    assert_eq!((std::fs::read(&second).unwrap(), std::fs::read(&sidecar).unwrap()), (data, document));
}

#[test]
fn references_do_not_take_the_place_of_a_zarr_store() {
    let folder = tempdir().unwrap();
    let store = folder.path().join("store.parq");
    assert_eq!(run(&[&"copy", &"netcdf/cf.nc", &"-o", &store]).code, 0);
    let before = listing(&store);
    let told = run(&[&"scan", &"netcdf/cf.nc", &"-o", &store]);
    assert!(told.failure().ends_with("is a folder of something other than references in Parquet"), "{told:?}");
    assert_eq!(listing(&store), before);
}

#[test]
fn codecs_of_imagecodecs_are_named_on_request_with_a_line_that_says_how_to_register_them() {
    let run = run(&[&"scan", &"filter/lzf_runs.h5", &"--codecs", &"imagecodecs", &"--inline-threshold", &"0"]);
    assert_eq!(run.code, 0);
    assert!(run.err.contains("imagecodecs.numcodecs.register_codecs()"), "{}", run.err);
    let references = serde_json::from_str::<Json>(&run.out).unwrap()["refs"].take();
    let metadata: Json = serde_json::from_str(references["half/.zarray"].as_str().unwrap()).unwrap();
    assert_eq!(metadata["filters"], serde_json::json!([{"id": "imagecodecs_lzf", "header": false}]));
    assert!(references["half/0"][0].as_str().unwrap().ends_with("lzf_runs.h5"));
}

/// Scans a copy of a file, and verifies the references after what `change` does to the copy or to them.
fn verified(arguments: &[&dyn AsRef<OsStr>], change: impl Fn(&std::path::Path, &std::path::Path)) -> Run {
    let folder = tempdir().unwrap();
    let (file, references) = (folder.path().join("cf.nc"), folder.path().join("cf.json"));
    std::fs::write(&file, files::bytes("netcdf/cf.nc")).unwrap();
    assert_eq!(run(&[&"scan", &file, &"-q", &"--inline-threshold", &"0", &"-o", &references]).code, 0);
    change(&file, &references);
    let mut all: Vec<&dyn AsRef<OsStr>> = vec![&"verify", &references];
    all.extend(arguments);
    let mut run = run(&all);
    run.err = run.err.replace(folder.path().to_str().unwrap(), "");
    run
}

#[test]
fn verify_says_what_was_checked_and_ends_with_0_where_all_is_right() {
    let right = verified(&[], |_, _| ());
    assert_eq!(right.code, 0, "{}", right.err);
    assert!(right.err.starts_with("/cf.json: "), "{}", right.err);
    assert!(right.err.ends_with(" elements compared: 0 wrong, 0 unchecked\n"), "{}", right.err);
    assert_eq!(verified(&[&"-q", &"--sample", &"1"], |_, _| ()).err, "");
}

#[test]
fn verify_ends_with_4_and_a_report_where_something_is_wrong() {
    let shift = |_: &std::path::Path, references: &std::path::Path| {
        let mut document: Json = serde_json::from_slice(&std::fs::read(references).unwrap()).unwrap();
        let refs = document["refs"].as_object_mut().unwrap();
        let chunk = refs.iter_mut().find(|(key, _)| key.starts_with("sst/0")).unwrap().1;
        chunk[1] = (chunk[1].as_u64().unwrap() + 1).into();
        std::fs::write(references, document.to_string()).unwrap();
    };
    let wrong = verified(&[&"-q", &"--report", &"-"], shift);
    assert_eq!(wrong.code, 4, "{}", wrong.err);
    assert!(wrong.err.starts_with("/cf.json: sst/0"), "{}", wrong.err);
    let report: Json = serde_json::from_str(&wrong.out).unwrap();
    let findings = report["files"][0]["verification"]["findings"].as_array().unwrap();
    assert!(
        findings
            .iter()
            .any(|finding| finding["at"].as_str().unwrap().starts_with("sst/0") && finding["fault"].is_string())
    );
    let later =
        verified(&[&"-q"], |file, _| std::fs::write(file, [&files::bytes("netcdf/cf.nc")[..], b"x"].concat()).unwrap());
    assert_eq!((later.code, later.err.lines().count()), (4, 1));
    assert!(later.err.contains("the file has changed since the references were made"), "{}", later.err);
}

#[test]
fn a_set_of_kerchunk_without_all_record_files_is_opened_where_that_is_accepted() {
    let set = files::folder().join("parquet/kerchunk");
    for command in [&["verify", "-q"][..], &["lint", "--for", "xarray"]] {
        let run = |more: &[&str]| {
            let all = command.iter().chain(more).map(|argument| argument as &dyn AsRef<OsStr>);
            run(&all.chain([&set as _]).collect::<Vec<_>>())
        };
        assert!(run(&[]).failure().ends_with("none/refs.0.parq: is not there"), "{command:?}");
        let opened = run(&["--missing-records", "are-missing-chunks"]);
        assert!(opened.code != 1 && !opened.err.contains("is not there"), "{command:?}: {opened:?}");
    }
}

#[test]
fn verify_reads_no_file_that_is_not_allowed_and_says_so() {
    let (folder, path) = output();
    run(&[&"scan", &"netcdf/cf.nc", &"-q", &"--inline-threshold", &"0", &"-o", &path]);
    let refused = run(&[&"verify", &path, &"-q"]);
    assert_eq!(refused.code, 3);
    assert!(refused.err.contains("it lies in no folder that may be read"), "{}", refused.err);
    assert_eq!(run(&[&"verify", &path, &"-q", &"--allow", &files::folder()]).code, 0);
    // What lies elsewhere is not opened either, and is no failure.
    run(&[&"scan", &"netcdf/cf.nc", &"-q", &"--inline-threshold", &"0", &"-o", &path, &"--url", &"s3://bucket/cf.nc"]);
    let remote = run(&[&"verify", &path, &"-q"]);
    assert!(remote.code == 0 && remote.err.contains("not checked"), "{}", remote.err);
    let garbage = folder.path().join("garbage.json");
    std::fs::write(&garbage, "{}{").unwrap();
    assert!(run(&[&"verify", &garbage]).failure().contains("not a set of references"));
}
