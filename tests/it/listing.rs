//! Inputs that are patterns, folders, lists and masks, as a caller of the program names them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};
use tempfile::{TempDir, tempdir};

use crate::cli::{Run, run};
use crate::files;

/// A folder with copies of a small file.
fn folder(names: &[&str]) -> TempDir {
    let folder = tempdir().unwrap();
    for name in names {
        copy(&folder.path().join(name));
    }
    folder
}

fn copy(to: &Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(files::folder().join("netcdf/cf.nc"), to).unwrap();
}

fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().to_str().unwrap().to_owned()
}

/// Names in a folder and below it.
fn below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = text(path.file_name().unwrap());
        if path.is_dir() {
            names.extend(below(&path).into_iter().map(|rest| format!("{name}/{rest}")));
        } else {
            names.push(name);
        }
    }
    names.sort_unstable();
    names
}

/// What a scan of arguments in a folder writes.
fn scanned(folder: &TempDir, arguments: &[&str]) -> Vec<String> {
    let out = tempdir().unwrap();
    let paths: Vec<String> = arguments.iter().map(|argument| text(folder.path().join(argument))).collect();
    let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"scan", &"-q", &"-o"];
    let to = out.path().join("out");
    all.push(&to);
    all.extend(paths.iter().map(|path| path as &dyn AsRef<std::ffi::OsStr>));
    let run = run(&all);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{arguments:?}");
    below(&to)
}

#[test]
fn a_pattern_stands_for_the_files_that_fit() {
    let folder = folder(&["a/x1.nc", "a/x2.nc", "b/x3.nc", "b/y.nc", "b/x4.h5", "b/.x5.nc"]);
    assert_eq!(scanned(&folder, &["*/x*.nc"]), ["x1.nc.json", "x2.nc.json", "x3.nc.json"]);
    assert_eq!(scanned(&folder, &["{a,b}/x[24].{nc,h5}"]), ["x2.nc.json", "x4.h5.json"]);
    assert_eq!(scanned(&folder, &["**/y.nc"]), ["y.nc.json"], "one file that fits goes where several would");
}

#[test]
fn a_name_with_wildcards_that_exists_is_that_file() {
    let folder = folder(&["x[1].nc", "x1.nc", "{a,b}.nc", "{year}.nc"]);
    let out = folder.path().join("out.json");
    for name in ["x[1].nc", "{a,b}.nc", "{year}.nc"] {
        let run = run(&[&"scan", &folder.path().join(name), &"-o", &out]);
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        let refs: Json = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
        let chunk = refs["refs"].as_object().unwrap().values().find_map(|value| value.get(0)).unwrap();
        assert!(chunk.as_str().unwrap().ends_with(name), "{chunk}");
    }
}

#[test]
fn a_folder_stands_for_the_files_in_it_and_below() {
    let folder = folder(&["d[1]/a.nc", "d[1]/b/c.h5", "d[1]/b/d.txt", "d1/e.nc"]);
    assert_eq!(scanned(&folder, &["d[1]"]), ["a.nc.json", "c.h5.json"]);
    // Colons are for chains in references, not in folders.
    let colons = self::folder(&["run::1/a.nc"]);
    assert_eq!(scanned(&colons, &["*/*.nc"]), ["a.nc.json"]);
    let empty = tempdir().unwrap();
    let run = run(&[&"scan", &empty.path(), &"-o", &"-"]);
    assert_eq!(
        run.failure(),
        format!("h5refs: {}: no *.{{nc,nc3,nc4,cdf,h5,hdf5,he5}} lies there", empty.path().display())
    );
}

#[test]
fn a_list_names_files_as_they_are() {
    let folder = folder(&["x[1].nc", "x1.nc"]);
    let list = folder.path().join("list.txt");
    std::fs::write(&list, format!("\n  {} \n", text(folder.path().join("x[1].nc")))).unwrap();
    let out = folder.path().join("out");
    let run = run(&[&"scan", &"-q", &format!("@{}", list.display()), &"-o", &out]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert_eq!(below(&out), ["x[1].nc.json"], "another time the list may have more");
}

#[test]
fn a_pattern_that_nothing_matches_is_an_error() {
    let folder = folder(&["a/x.nc"]);
    let failed = |arguments: &[&str]| {
        let mut all: Vec<String> = vec!["scan".to_owned(), text(folder.path().join(arguments[0]))];
        all.extend(arguments[1..].iter().map(|argument| (*argument).to_owned()));
        let all: Vec<&dyn AsRef<std::ffi::OsStr>> = all.iter().map(|one| one as &dyn AsRef<std::ffi::OsStr>).collect();
        run(&all).failure().replace(&text(folder.path()), "F")
    };
    assert_eq!(failed(&["*.nc"]), "h5refs: F/*.nc: nothing matches");
    assert_eq!(failed(&["*"]), "h5refs: F/*: only folders match; F/*/* names what lies in them");
    assert_eq!(failed(&["[x"]), "h5refs: F/[x: a bracket is not closed");
    assert_eq!(
        failed(&["{yyyy}.nc"]),
        "h5refs: F/{yyyy}.nc: {yyyy} is neither alternatives, as {a,b}, nor a word of a mask"
    );
    assert_eq!(
        failed(&["{year}.nc"]),
        "h5refs: F/{year}.nc: a mask stands for files of days: --dates 2020-01-01..2020-01-31"
    );
    assert_eq!(failed(&["{year}.nc", "--dates", "2020-01-01"]), "h5refs: F/{year}.nc: nothing matches on any day");
    assert_eq!(failed(&["{year}.nc", "--dates", "2021-02-29"]), "h5refs: 2021-02-29: there is no such day");
    assert_eq!(
        failed(&["a/x.nc", "--dates", "2020-01-01"]),
        "h5refs: --dates goes with inputs that have {year}, {month}, {day}, {doy} or {hour}"
    );
}

#[test]
fn a_mask_stands_for_the_files_of_days() {
    let folder = folder(&["2020/02/28/a_20200228.nc", "2020/02/29/b_20200229.nc", "2020/03/01/c_20200301.nc"]);
    let out = tempdir().unwrap();
    let mask = text(folder.path().join("{year}/{month}/{day}/*_{year}{month}{day}.nc"));
    let scan = |dates: &str| run(&[&"scan", &"-q", &mask, &"--dates", &dates, &"--out-dir", &out.path()]);
    let ran = scan("2020-02-28..2020-03-02");
    assert_eq!((ran.code, ran.err), (0, format!("{mask}: 2020-03-02: no files\n")));
    assert_eq!(below(out.path()), ["a_20200228.nc.json", "b_20200229.nc.json", "c_20200301.nc.json"]);
}

/// A set of one hour, with one chunk in a file.
fn hour(hour: u32) -> Json {
    let array = |dtype| {
        json!({"zarr_format": 2, "shape": [1], "chunks": [1], "dtype": dtype, "fill_value": null, "order": "C", "filters": null, "compressor": null}).to_string()
    };
    let attributes = |more: Json| {
        let mut attributes = json!({"_ARRAY_DIMENSIONS": ["time"]});
        attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        attributes.to_string()
    };
    // Four letters are three bytes; a byte of NUL follows.
    let time = char::from(b'a' + u8::try_from(hour).unwrap());
    json!({"version": 1, "refs": {
        ".zgroup": r#"{"zarr_format": 2}"#,
        "time/.zarray": array("<i4"), "time/.zattrs": attributes(json!({"units": "hours since 2020-01-01"})),
        "time/0": format!("{time}\u{0}\u{0}\u{0}"),
        "v/.zarray": array("<i2"), "v/.zattrs": attributes(json!({})), "v/0": [format!("s3://b/{hour}.nc"), 8, 2],
        "w/.zarray": array("<i2"), "w/.zattrs": attributes(json!({})), "w/0": [format!("s3://b/{hour}.nc"), 16, 2],
    }, "h5refs": {"sources": {(format!("s3://b/{hour}.nc")): {"size": 100}}}})
}

/// Sets of two days, none of a third, and what is no set on a fourth.
fn days() -> (TempDir, String, PathBuf) {
    let folder = tempdir().unwrap();
    let write = |name: &str, content: String| {
        let path = folder.path().join("in").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    for n in [0, 1, 2] {
        write(&format!("2020/01/01/2020010{n}.json"), hour(n).to_string());
    }
    write("2020/01/02/only.json", hour(3).to_string());
    write("2020/01/04/wrong.json", "[]".to_owned());
    let mask = text(folder.path().join("in/{year}/{month}/{day}/*.json"));
    let out = folder.path().join("out/{year}/{year}{month}{day}-SST.json");
    (folder, mask, out)
}

fn combined(mask: &str, out: &Path, more: &[&str]) -> Run {
    let out = text(out);
    let base =
        ["combine", mask, "--dates", "2020-01-01..2020-01-04", "--concat-dims", "time", "--drop", "w", "-o", &out];
    let all: Vec<&str> = base.into_iter().chain(more.iter().copied()).collect();
    let all: Vec<&dyn AsRef<std::ffi::OsStr>> = all.iter().map(|one| one as &dyn AsRef<std::ffi::OsStr>).collect();
    run(&all)
}

fn sorted(run: &Run, folder: &TempDir) -> Vec<String> {
    let mut lines: Vec<String> = run.err.lines().map(|line| line.replace(&text(folder.path()), "F")).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_mask_and_an_output_a_day_are_one_combination_a_day() {
    let (folder, mask, out) = days();
    let report = folder.path().join("report.json");
    let run = combined(&mask, &out, &["--report", &text(&report)]);
    let told = [
        "2020-01-01: written F/out/2020/20200101-SST.json (3 files)",
        "2020-01-02: written F/out/2020/20200102-SST.json (1 files)",
        "2020-01-03: no files",
        "2020-01-04: failed F/out/2020/20200104-SST.json: F/in/2020/01/04/wrong.json: not a set of references: invalid type: sequence, expected an object of references at line 1 column 0",
        "4 days: 2 written, 0 existing, 1 without files, 1 failed",
    ];
    assert_eq!((run.code, sorted(&run, &folder)), (3, told.map(str::to_owned).to_vec()));
    assert_eq!(below(&folder.path().join("out")), ["2020/20200101-SST.json", "2020/20200102-SST.json"]);
    let report: Json = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let statuses: Vec<&str> =
        report["days"].as_array().unwrap().iter().map(|day| day["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["written", "written", "no files", "failed"]);
}

#[test]
fn one_file_of_a_day_keeps_its_references_but_for_what_is_dropped() {
    let (folder, mask, out) = days();
    combined(&mask, &out, &[]);
    let plain = folder.path().join("plain.json");
    let run = run(&[&"convert", &folder.path().join("in/2020/01/02/only.json"), &"-o", &plain]);
    assert_eq!(run.code, 0, "{}", run.err);
    let read = |path: &Path| serde_json::from_slice::<Json>(&std::fs::read(path).unwrap()).unwrap();
    let mut plain = read(&plain);
    plain["refs"].as_object_mut().unwrap().retain(|key, _| !key.starts_with("w/"));
    let mut daily = read(&folder.path().join("out/2020/20200102-SST.json"));
    let made = daily["h5refs"].as_object_mut().unwrap().remove("made");
    assert_eq!((daily, made.unwrap()["version"].as_str()), (plain, Some(env!("CARGO_PKG_VERSION"))));
}

#[test]
fn days_combined_and_combined_again_are_all_combined_at_once() {
    let (folder, mask, out) = days();
    combined(&mask, &out, &[]);
    let (tree, flat) = (folder.path().join("tree.json"), folder.path().join("flat.json"));
    let dailies = text(folder.path().join("out/**/*-SST.json"));
    let one = run(&[&"combine", &dailies, &"--concat-dims", &"time", &"-o", &tree]);
    assert_eq!((one.code, one.err.as_str()), (0, ""));
    let inputs = text(folder.path().join("in/2020/01/0[12]/*.json"));
    let all = run(&[&"combine", &inputs, &"--concat-dims", &"time", &"--drop", &"w", &"-o", &flat]);
    assert_eq!((all.code, all.err.as_str()), (0, ""));
    assert_eq!(std::fs::read(tree).unwrap(), std::fs::read(flat).unwrap());
}

#[test]
fn a_day_is_existing_as_long_as_its_files_are_what_they_were() {
    let (folder, mask, out) = days();
    std::fs::remove_file(folder.path().join("in/2020/01/04/wrong.json")).unwrap();
    let ran = |more: &[&str]| {
        let run = combined(&mask, &out, more);
        assert_eq!(run.code, 0, "{}", run.err);
        run.err.lines().last().unwrap().replace(", 2 without files, 0 failed", "")
    };
    let is = |written: u32| format!("4 days: {written} written, {} existing", 2 - written);
    assert_eq!((ran(&["--resume"]), ran(&["--resume"]), ran(&[])), (is(2), is(0), is(2)));
    let input = |name: &str| folder.path().join("in/2020/01").join(name);
    // Other options.
    let other = ["--resume", "--policy", "attributes=drop"];
    assert_eq!((ran(&other), ran(&other), ran(&["--resume"])), (is(2), is(0), is(2)));
    // A file that is another now.
    let mut changed = hour(3);
    changed["h5refs"]["sources"]["s3://b/3.nc"]["size"] = json!(101);
    std::fs::write(input("02/only.json"), changed.to_string()).unwrap();
    assert_eq!((ran(&["--resume"]), ran(&["--resume"])), (is(1), is(0)));
    // A set that was made anew of the same files, with another reference.
    changed["refs"]["v/0"][1] = json!(9);
    std::fs::write(input("02/only.json"), changed.to_string()).unwrap();
    assert_eq!((ran(&["--resume"]), ran(&["--resume"])), (is(1), is(0)));
    let again = std::fs::read(folder.path().join("out/2020/20200102-SST.json")).unwrap();
    assert_eq!((ran(&[]), std::fs::read(folder.path().join("out/2020/20200102-SST.json")).unwrap()), (is(2), again));
    // One more, one less.
    std::fs::write(input("02/more.json"), hour(4).to_string()).unwrap();
    assert_eq!((ran(&["--resume"]), ran(&["--resume"])), (is(1), is(0)));
    std::fs::remove_file(input("02/only.json")).unwrap();
    assert_eq!((ran(&["--resume"]), ran(&["--resume"])), (is(1), is(0)));
    // A set that refers to nothing, by itself and beside another.
    let mut inline = hour(5);
    for array in ["v/0", "w/0"] {
        inline["refs"][array] = json!("xy");
    }
    std::fs::write(input("02/more.json"), inline.to_string()).unwrap();
    assert_eq!((ran(&["--resume"]), ran(&["--resume"])), (is(1), is(0)));
    std::fs::write(input("02/only.json"), hour(3).to_string()).unwrap();
    assert_eq!((ran(&["--resume"]), ran(&["--resume"])), (is(1), is(0)));
    std::fs::remove_file(input("02/only.json")).unwrap();
    assert_eq!(ran(&["--resume"]), is(1));
    // An output that is not whole.
    let output = folder.path().join("out/2020/20200101-SST.json");
    let whole = std::fs::read(&output).unwrap();
    std::fs::write(&output, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(ran(&["--resume"]), is(1));
    assert_eq!(std::fs::read(&output).unwrap(), whole);
    // What nothing is recorded of may have changed.
    let mut bare = hour(4);
    bare.as_object_mut().unwrap().remove("h5refs");
    std::fs::write(input("02/more.json"), bare.to_string()).unwrap();
    assert_eq!((ran(&["--resume"]), ran(&["--resume"])), (is(1), is(1)));
}

#[test]
fn a_system_that_gives_no_threads_gets_all_combined_in_one() {
    let (folder, mask, out) = days();
    let combined = |out: &Path, threads: bool| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_h5refs"));
        if !threads {
            // No thread has so large a stack.
            program.env("RUST_MIN_STACK", (1_u64 << 60).to_string());
        }
        let dates = ["--dates", "2020-01-01..2020-01-02", "--concat-dims", "time", "--drop", "w", "--jobs", "4", "-q"];
        let ran = program.args(["combine", &mask]).args(dates).arg("-o").arg(out).output().unwrap();
        assert_eq!((ran.status.code(), String::from_utf8(ran.stderr).unwrap()), (Some(0), String::new()));
    };
    combined(&out, false);
    assert_eq!(below(&folder.path().join("out")).len(), 2);
    let [one, other] = ["one.json", "other.json"].map(|name| folder.path().join(name));
    combined(&one, true);
    combined(&other, false);
    assert_eq!(std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
}

#[test]
fn a_combination_that_a_signal_ends_leaves_no_piece_of_its_output() {
    let folder = tempdir().unwrap();
    let mut set = hour(0);
    // A record file for each chunk takes its time.
    let chunks = 3000;
    let array = json!({"zarr_format": 2, "shape": [chunks], "chunks": [1], "dtype": "<i2", "fill_value": null, "order": "C", "filters": null, "compressor": null});
    set["refs"]["x/.zarray"] = array.to_string().into();
    set["refs"]["x/.zattrs"] = json!({"_ARRAY_DIMENSIONS": ["x"]}).to_string().into();
    (0..chunks).for_each(|n| set["refs"][format!("x/{n}")] = json!(["s3://b/0.nc", n * 2, 2]));
    std::fs::write(folder.path().join("in2020.json"), set.to_string()).unwrap();
    for (out, signal, code) in [("all.parq", "TERM", 143), ("{year}{month}{day}.parq", "INT", 130)] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_h5refs"));
        let days = ["in{year}.json", "--dates", "2020-01-01"];
        let inputs = if out.contains('{') { &days[..] } else { &["in2020.json"] };
        program.current_dir(folder.path()).arg("combine").args(inputs).args(["--concat-dims", "time"]);
        let mut program = program.args(["--record-size", "1", "-q", "-o", out]).spawn().unwrap();
        let name = out.replace("{year}{month}{day}", "20200101");
        let part = folder.path().join(format!(".{name}.{}.part", program.id()));
        while !part.exists() {
            assert_eq!(program.try_wait().unwrap(), None);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        Command::new("kill").arg(format!("-{signal}")).arg(program.id().to_string()).status().unwrap();
        assert_eq!(program.wait().unwrap().code(), Some(code), "{out}");
        assert_eq!(below(folder.path()), ["in2020.json"], "{out}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_killed_run_left_of_an_output_is_removed() {
    let (folder, mask, out) = days();
    std::fs::create_dir_all(folder.path().join("out/2020")).unwrap();
    // Numbers of processes are smaller.
    let part = |name: &str, process: u32| folder.path().join(format!("out/2020/.{name}.{process}.part"));
    let parts = ["20200101-SST.json", "all.json", "one.json"].map(|name| part(name, u32::MAX));
    let alive = part("all.json", std::process::id());
    parts.iter().chain([&alive]).for_each(|part| std::fs::write(part, "x").unwrap());
    combined(&mask, &out, &[]);
    assert_eq!(parts.each_ref().map(|part| part.exists()), [false, true, true]);
    let inputs = text(folder.path().join("in/2020/01/0[12]/*.json"));
    let all = folder.path().join("out/2020/all.json");
    let ran = run(&[&"combine", &inputs, &"--concat-dims", &"time", &"-o", &all]);
    assert_eq!((ran.code, parts.each_ref().map(|part| part.exists())), (0, [false, false, true]));
    let ran = run(&[&"scan", &files::folder().join("netcdf/cf.nc"), &"-q", &"-o", &all.with_file_name("one.json")]);
    assert_eq!((ran.code, parts.each_ref().map(|part| part.exists())), (0, [false; 3]));
    assert!(alive.exists());
}

#[test]
fn an_output_that_does_not_tell_days_apart_is_refused() {
    let (folder, mask, _) = days();
    let out = folder.path().join("{month}{day}.json");
    let run = combined(&mask, &out, &[]);
    let told = "days would have the same output; it needs {year}, {month} and {day}, or {year} and {doy}";
    assert_eq!(run.failure(), format!("h5refs: {}: {told}", out.display()));
    let plain = text(folder.path().join("in/2020/01/01/*.json"));
    let run = combined(&plain, &folder.path().join("{year}{doy}.json"), &[]);
    assert_eq!(
        run.failure(),
        format!("h5refs: {plain}: where the output has {{year}} and {{day}}, inputs have them too")
    );
}

#[test]
fn a_folder_of_sets_is_combined_and_parquet_sets_are_whole() {
    let (folder, _, _) = days();
    let sets = folder.path().join("sets");
    std::fs::create_dir(&sets).unwrap();
    for n in [0_u32, 1] {
        let json = folder.path().join(format!("in/2020/01/01/2020010{n}.json"));
        let run = run(&[&"convert", &json, &"-o", &sets.join(format!("{n}.parq"))]);
        assert_eq!(run.code, 0, "{}", run.err);
    }
    let combined = |input: &Path| {
        let run = run(&[&"combine", &input, &"--concat-dims", &"time"]);
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        run.out
    };
    assert_eq!(combined(&sets), combined(&sets.join("**/*.parq")));
    copy(&sets.join("data.nc"));
    let both = run(&[&"combine", &sets, &"--concat-dims", &"time"]);
    assert!(
        both.failure().ends_with("both files and reference sets lie there; name one kind by a pattern"),
        "{}",
        both.err
    );
}
