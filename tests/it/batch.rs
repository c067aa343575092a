//! Scans of many files: killed, gone on with, shared out, and told.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use h5refs::output::made_of;
use serde_json::Value as Json;
use tempfile::{TempDir, tempdir};

use crate::files;

/// Copies of a small file in a folder of their own, and where their references go.
struct Files {
    folder: TempDir,
    inputs: Vec<PathBuf>,
}

/// How a run of the program ended.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    err: String,
}

impl Files {
    fn new(count: usize) -> Self {
        let folder = tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        let inputs = (0..count).map(|n| folder.path().join(format!("in/g{n:03}.nc"))).collect();
        let files = Self { folder, inputs };
        for input in &files.inputs {
            std::fs::copy(files::folder().join("netcdf/cf.nc"), input).unwrap();
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, words: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_h5refs"));
        program.current_dir(self.folder.path()).arg("scan").args(words.split_whitespace()).args(&self.inputs);
        program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        program
    }

    fn run(&self, words: &str) -> Run {
        ended(self.command(words).spawn().unwrap())
    }

    /// The outputs by their names, hidden files too.
    fn outputs(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap().map(|entry| entry.unwrap());
        entries.map(|one| (one.file_name().into_string().unwrap(), std::fs::read(one.path()).unwrap())).collect()
    }

    /// What else there is, beside the inputs and the outputs.
    fn others(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).filter(|name| name != "in" && name != "out").collect()
    }
}

fn names(inputs: &[PathBuf]) -> Vec<&str> {
    inputs.iter().map(|input| input.to_str().unwrap()).collect()
}

fn ended(program: Child) -> Run {
    let output = program.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    Run { code: output.status.code(), err: String::from_utf8(output.stderr).unwrap() }
}

impl Run {
    /// Lines of `-v` for files that ended so.
    fn count(&self, word: &str) -> usize {
        self.err.lines().filter(|line| line.starts_with(&format!("{word} "))).count()
    }

    /// The events of `--json`.
    fn events(&self) -> Vec<Json> {
        self.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Waits until the program has told of as many files.
fn wait_for(program: &mut Child, word: &str, files: usize) {
    let lines = BufReader::new(program.stderr.as_mut().unwrap()).lines();
    let told = lines.map(Result::unwrap).filter(|line| line.starts_with(&format!("{word} "))).take(files).count();
    assert_eq!(told, files);
}

fn signal(program: &Child, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(program.id().to_string()).status().unwrap();
    assert!(sent.success());
}

#[test]
fn a_run_that_was_killed_goes_on_where_it_was() {
    let files = Files::new(80);
    assert_eq!(files.run("-q -o out").code, Some(0));
    let whole = files.outputs("out");
    assert_eq!(whole.len(), 80);
    std::fs::remove_dir_all(files.path("out")).unwrap();
    for done in [5, 10, 15] {
        let mut program = files.command("-v --jobs 2 --resume -o out").spawn().unwrap();
        wait_for(&mut program, "done", done);
        program.kill().unwrap();
        program.wait().unwrap();
        for (name, bytes) in files.outputs("out").iter().filter(|(name, _)| !name.starts_with('.')) {
            assert_eq!(Some(bytes), whole.get(name), "{name} is not whole");
        }
    }
    // What the killed runs may have left.
    std::fs::write(files.path("out/.g001.nc.json.1.part"), "x").unwrap();
    std::fs::write(files.path("out/.other.json.1.part"), "x").unwrap();
    assert_eq!(files.others(), [".h5refs-state"].map(|end| format!("out{end}")).into());
    let last = files.run("-v --resume -o out");
    assert_eq!(last.code, Some(0), "{last:?}");
    assert!(last.count("existing") >= 30, "{last:?}");
    assert_eq!(last.count("existing") + last.count("done"), 80);
    std::fs::remove_file(files.path("out/.other.json.1.part")).unwrap();
    assert_eq!(files.outputs("out"), whole);
    assert_eq!(files.others(), BTreeSet::new());
    let again = files.run("-v --resume -o out");
    assert_eq!((again.code, again.count("existing")), (Some(0), 80));
}

#[test]
fn a_run_that_is_asked_to_end_ends_with_the_signals_code_and_goes_on() {
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let files = Files::new(300);
        let mut program = files.command("-v --jobs 1 -o out").spawn().unwrap();
        wait_for(&mut program, "done", 5);
        signal(&program, name);
        let run = ended(program);
        assert_eq!(run.code, Some(code), "{run:?}");
        let (done, last) = (files.outputs("out").len(), files.run("-v --resume -o out"));
        assert!((5..300).contains(&done), "{done}");
        assert_eq!((last.code, last.count("existing"), last.count("done")), (Some(0), done, 300 - done));
        assert_eq!(files.others(), BTreeSet::new());
    }
}

#[test]
fn one_output_has_one_run_and_what_takes_too_long_is_dropped() {
    let mut files = Files::new(2);
    // Whoever opens a pipe waits for its other end.
    let pipe = files.path("in/pipe.nc");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    files.inputs.push(pipe);
    let mut first = files.command("-v --jobs 1 -o out").spawn().unwrap();
    wait_for(&mut first, "done", 2);
    let begun = Instant::now();
    let second = files.run("-o out");
    assert_eq!(second.code, Some(1), "{second:?}");
    let told = format!("h5refs: out.h5refs-state: another run works on this output (process {})\n", first.id());
    assert_eq!(second.err, told);
    signal(&first, "TERM");
    let run = ended(first);
    assert_eq!(run.code, Some(143), "{run:?}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(files.outputs("out").into_keys().collect::<Vec<_>>(), ["g000.nc.json", "g001.nc.json"]);
    // The one that was dropped.
    let listed = std::fs::read_to_string(files.path("out.h5refs-failures")).unwrap();
    assert_eq!(listed.lines().collect::<Vec<_>>(), names(&files.inputs[2..]));
    files.inputs.pop();
    let last = files.run("-v --resume -o out");
    assert_eq!((last.code, last.count("existing")), (Some(0), 2));
}

#[test]
fn a_second_signal_ends_the_run_at_once() {
    let mut files = Files::new(1);
    let pipe = files.path("in/pipe.nc");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    files.inputs.push(pipe);
    let mut program = files.command("-v --jobs 1 -o out").spawn().unwrap();
    wait_for(&mut program, "done", 1);
    let begun = Instant::now();
    signal(&program, "INT");
    std::thread::sleep(Duration::from_millis(300));
    signal(&program, "INT");
    assert_eq!(ended(program).code, Some(130));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn a_folder_of_parquet_that_lost_a_record_file_or_a_piece_of_one_is_made_again() {
    let files = Files::new(3);
    // One that fails keeps the state.
    std::fs::write(&files.inputs[2], "no HDF5").unwrap();
    let words = "-v --resume --format parquet --inline-threshold 0 --record-size 1 -o out";
    let counts = |run: Run| (run.code, run.count("done"), run.count("existing"));
    assert_eq!(counts(files.run(words)), (Some(3), 2, 0));
    assert_eq!(counts(files.run(words)), (Some(3), 0, 2));
    let output = files.path("out/g000.nc.parq");
    let records = |output: &PathBuf| -> BTreeMap<PathBuf, Vec<u8>> {
        let arrays = std::fs::read_dir(output).unwrap().map(|entry| entry.unwrap().path());
        let records = arrays.filter(|one| one.is_dir()).flat_map(|array| std::fs::read_dir(array).unwrap());
        records.map(|one| one.unwrap().path()).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
    };
    let whole = records(&output);
    let (first, bytes) = whole.iter().next().unwrap();
    std::fs::remove_file(first).unwrap();
    assert_eq!(counts(files.run(words)), (Some(3), 1, 1));
    assert_eq!(records(&output), whole);
    std::fs::write(first, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(counts(files.run(words)), (Some(3), 1, 1));
    assert_eq!(records(&output), whole);
    let documents = output.join(".zmetadata");
    let bytes = std::fs::read(&documents).unwrap();
    std::fs::write(&documents, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(counts(files.run(words)), (Some(3), 1, 1));
    assert_eq!(std::fs::read(&documents).unwrap(), bytes);
}

#[test]
fn what_an_output_says_of_itself_counts_more_than_the_state() {
    let files = Files::new(2);
    std::fs::write(&files.inputs[1], "no HDF5").unwrap();
    let run = |words: &str| files.run(&format!("-v --inline-threshold 0 -o out {words}"));
    // Two URLs of the same length.
    assert_eq!(run("--rename /=s3://").code, Some(3));
    let output = files.path("out/g000.nc.json");
    let first = std::fs::read(&output).unwrap();
    assert_eq!(run("--rename /=gs:// --state other").code, Some(3));
    assert_eq!(std::fs::read(&output).unwrap().len(), first.len());
    let last = run("--rename /=s3:// --resume");
    assert_eq!((last.count("done"), last.count("existing")), (1, 0), "{last:?}");
    assert_eq!(std::fs::read(&output).unwrap(), first);
}

#[test]
fn a_system_that_gives_no_threads_gets_the_work_done_in_one() {
    let files = Files::new(3);
    let mut program = files.command("-q --jobs 3 -o out");
    // No thread has so large a stack.
    let run = ended(program.env("RUST_MIN_STACK", (1_u64 << 60).to_string()).spawn().unwrap());
    assert_eq!((run.code, run.err.as_str(), files.outputs("out").len()), (Some(0), "", 3));
}

#[test]
fn a_torn_record_costs_its_own_file_only() {
    let files = Files::new(6);
    std::fs::write(&files.inputs[3], "no HDF5").unwrap();
    // Version 0 does not tell how it was made: only the state does.
    assert_eq!(files.run("--jobs 1 --json-version 0 -o out").code, Some(3));
    let state = files.path("out.h5refs-state");
    let bytes = std::fs::read(&state).unwrap();
    std::fs::write(&state, &bytes[..bytes.len() - 7]).unwrap();
    let run = files.run("-v --resume --json-version 0 -o out");
    assert_eq!(
        (run.code, run.count("existing"), run.count("done"), run.count("failed")),
        (Some(3), 4, 1, 1),
        "{run:?}"
    );
    std::fs::copy(&files.inputs[0], &files.inputs[3]).unwrap();
    let run = files.run("-v --resume --json-version 0 -o out");
    assert_eq!((run.code, run.count("existing"), run.count("done")), (Some(0), 5, 1), "{run:?}");
    assert_eq!(files.others(), BTreeSet::new());
}

#[test]
fn what_is_there_counts_if_it_is_of_this_file_and_these_options() {
    let files = Files::new(4);
    for form in ["", "--format parquet"] {
        let done = |words: &str| {
            let run = files.run(&format!("-v --resume {form} -o out {words}"));
            assert_eq!(run.code, Some(0), "{run:?}");
            (run.count("done"), run.count("existing"))
        };
        let _removed = std::fs::remove_dir_all(files.path("out"));
        assert_eq!(done(""), (4, 0));
        assert_eq!(done(""), (0, 4));
        // Another time, and the same size.
        let bytes = std::fs::read(&files.inputs[1]).unwrap();
        std::fs::write(&files.inputs[1], bytes).unwrap();
        assert_eq!(done(""), (1, 3));
        assert_eq!(done("--inline-threshold 0"), (4, 0));
        assert_eq!(done("--inline-threshold 0"), (0, 4));
        assert_eq!(done("--rename /=s3://"), (4, 0));
        assert_eq!(done("--rename /=s3://"), (0, 4));
    }
    let output = files.path("out/g000.nc.parq");
    let made = made_of(&output).unwrap().unwrap();
    let url = files.inputs[0].to_str().unwrap().replacen('/', "s3://", 1);
    assert_eq!(made.sources.into_keys().collect::<Vec<_>>(), [url]);
    std::fs::remove_dir_all(&output).unwrap();
    let run = files.run("-v --resume --format parquet --rename /=s3:// -o out");
    assert_eq!((run.count("done"), run.count("existing")), (1, 3));
}

#[test]
fn an_output_that_refers_to_a_lost_sidecar_file_is_made_again() {
    let mut files = Files::new(0);
    files.inputs = ["filter/lzf.h5", "filter/gzip.h5"].map(|name| files::folder().join(name)).into();
    let words = "-v --resume --unsupported sidecar --repair-bytes 0 -o out";
    let counts = |run: Run| (run.code, run.count("done"), run.count("existing"));
    assert_eq!(counts(files.run(words)), (Some(0), 2, 0));
    assert_eq!(counts(files.run(words)), (Some(0), 0, 2));
    std::fs::remove_file(files.path("out/lzf.h5.json.sidecar")).unwrap();
    assert_eq!(counts(files.run(words)), (Some(0), 1, 1));
}

#[test]
fn an_output_that_other_files_went_into_is_made_again() {
    let mut files = Files::new(1);
    files.inputs.push(files::folder().join("data_layout/external.h5"));
    let words = format!("-v --resume --external-root {} -o out", files::folder().display());
    let counts = |run: Run| (run.code, run.count("done"), run.count("existing"));
    assert_eq!(counts(files.run(&words)), (Some(0), 2, 0));
    assert_eq!(counts(files.run(&words)), (Some(0), 1, 1));
}

#[test]
fn refusals_of_an_output_that_is_there_are_not_forgotten() {
    let mut files = Files::new(1);
    files.inputs.push(files::folder().join("data_layout/external.h5"));
    let first = files.run("-o out");
    assert_eq!(first.code, Some(3));
    assert!(first.err.contains("external.h5: /"), "{first:?}");
    // Nothing failed: the state is not needed.
    assert_eq!(files.others(), BTreeSet::new());
    let again = files.run("-v --resume -o out");
    assert_eq!((again.code, again.count("existing")), (Some(3), 2), "{again:?}");
    assert!(again.err.contains("objects were refused when the output that is there was made"), "{again:?}");
    let raised = files.run("-v --resume --error raise -o out");
    assert_eq!((raised.code, raised.count("failed")), (Some(3), 1), "{raised:?}");
}

/// The output is there and tells of a refusal: with another limit it might be whole.
#[test]
fn an_output_that_was_made_within_other_limits_is_made_again() {
    let files = Files::new(2);
    let scan = |limits: &str| files.run(&format!("--resume -o out {limits}"));
    let low = scan("--limit element_bytes=4");
    assert!(low.code == Some(3) && low.err.contains("8 exceeds the limit element_bytes = 4"), "{low:?}");
    let again = scan("--limit element_bytes=4");
    assert!(again.code == Some(3) && again.err.contains("0 done, 2 existing"), "{again:?}");
    let raised = scan("--limit element_bytes=16");
    assert!(raised.code == Some(0) && raised.err.contains("2 done of 2 files"), "{raised:?}");
    let default = scan("--limit element_bytes=64M");
    assert!(default.code == Some(0) && default.err.contains("2 done of 2 files"), "{default:?}");
    // That is the default.
    assert!(scan("").err.contains("0 done, 2 existing"));
}

#[test]
fn shards_make_together_what_one_run_makes() {
    let files = Files::new(7);
    assert_eq!(files.run("-q -o out").code, Some(0));
    let whole = files.outputs("out");
    std::fs::remove_dir_all(files.path("out")).unwrap();
    std::fs::write(&files.inputs[4], "no HDF5").unwrap();
    let codes: Vec<_> = (1..=3).map(|n| files.run(&format!("-q --shard {n}/3 -o out")).code).collect();
    // The second has the inputs 1 and 4.
    assert_eq!(codes, [Some(0), Some(3), Some(0)]);
    let left = ["failures", "state"].map(|end| format!("out.shard-2-of-3.h5refs-{end}"));
    assert_eq!(files.others(), left.into());
    std::fs::copy(&files.inputs[0], &files.inputs[4]).unwrap();
    let last = files.run("-v --shard 2/3 --resume -o out");
    assert_eq!((last.code, last.count("done"), last.count("existing")), (Some(0), 1, 1));
    let outputs = files.outputs("out");
    assert_eq!(outputs.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
    for (name, bytes) in whole.iter().filter(|(name, _)| *name != "g004.nc.json") {
        assert_eq!(Some(bytes), outputs.get(name), "{name}");
    }
    // What another shard is writing is its own.
    let part = format!("out/.g000.nc.json.{}.part", std::process::id());
    std::fs::write(files.path(&part), "x").unwrap();
    assert_eq!(files.run("-q --shard 2/3 -o out").code, Some(0));
    assert!(files.path(&part).exists());
    assert_eq!((files.run("-q --shard 1/3 -o out").code, files.path(&part).exists()), (Some(0), false));
    assert_eq!(files.run("-q --shard 8/9 -o out").code, Some(0), "a shard without inputs has nothing to do");
    assert_eq!(files.run("-q --shard 4/3 -o out").code, Some(2));
}

#[test]
fn what_failed_is_listed_and_can_be_given_back() {
    let mut files = Files::new(3);
    std::fs::write(&files.inputs[1], "no HDF5").unwrap();
    assert_eq!(files.run("-q -o out").code, Some(3));
    let listed = std::fs::read_to_string(files.path("out.h5refs-failures")).unwrap();
    assert_eq!(listed, format!("{}\n", files.inputs[1].display()));
    std::fs::copy(&files.inputs[0], &files.inputs[1]).unwrap();
    files.inputs.clear();
    let run = files.run("-v --resume @out.h5refs-failures -o out");
    assert_eq!((run.code, run.count("done")), (Some(0), 1), "{run:?}");
    assert_eq!((files.outputs("out").len(), files.others()), (3, BTreeSet::new()));
}

#[test]
fn a_run_ends_once_as_many_files_failed_as_may() {
    let files = Files::new(9);
    files.inputs[1..].iter().for_each(|input| std::fs::write(input, "no HDF5").unwrap());
    let run = files.run("-v --jobs 1 --max-failures 2 -o out --failures list");
    assert_eq!((run.code, run.count("done"), run.count("failed")), (Some(1), 1, 2), "{run:?}");
    assert!(run.err.contains("h5refs: stopped at --max-failures: 1 done, 2 failed of 9 files"), "{run:?}");
    assert!(run.err.contains("h5refs: 2 failed: superblock at 0x0: the HDF5 signature is missing"), "{run:?}");
    assert_eq!(files.others(), ["list", "out.h5refs-state"].map(str::to_owned).into());
    // Those that were not come to as well.
    let listed = std::fs::read_to_string(files.path("list")).unwrap();
    assert_eq!(listed.lines().collect::<Vec<_>>(), names(&files.inputs[1..]));
}

#[test]
fn a_list_that_was_given_back_loses_nothing_where_the_run_is_stopped() {
    let mut files = Files::new(300);
    let all = std::mem::take(&mut files.inputs);
    let list = files.path("out.h5refs-failures");
    std::fs::write(&list, names(&all).join("\n")).unwrap();
    let mut program = files.command("-v --jobs 1 @out.h5refs-failures -o out").spawn().unwrap();
    wait_for(&mut program, "done", 5);
    signal(&program, "INT");
    let run = ended(program);
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.err.contains("the inputs that failed or were left are listed in out.h5refs-failures"), "{run:?}");
    let (done, listed) = (files.outputs("out").len(), std::fs::read_to_string(&list).unwrap());
    assert_eq!(listed.lines().collect::<Vec<_>>(), names(&all[done..]));
    let last = files.run("-q --resume @out.h5refs-failures -o out");
    assert_eq!((last.code, files.outputs("out").len(), files.others()), (Some(0), 300, BTreeSet::new()), "{last:?}");
}

#[test]
fn what_is_named_for_the_failures_is_not_removed_where_there_are_none() {
    let files = Files::new(2);
    std::fs::write(files.path("list"), "of before\n").unwrap();
    std::fs::create_dir(files.path("out.h5refs-failures")).unwrap();
    assert_eq!(files.run("-q -o out --failures list").code, Some(0));
    assert_eq!(std::fs::read(files.path("list")).unwrap(), b"");
    assert_eq!(files.run("-q -o out").code, Some(0));
    std::fs::remove_dir(files.path("out.h5refs-failures")).unwrap();
    std::os::unix::fs::symlink("list", files.path("out.h5refs-failures")).unwrap();
    assert_eq!(files.run("-q -o out").code, Some(0));
    assert_eq!(files.others(), ["list", "out.h5refs-failures"].map(str::to_owned).into());
    std::fs::remove_file(files.path("out.h5refs-failures")).unwrap();
    std::fs::write(files.path("out.h5refs-failures"), "of before\n").unwrap();
    assert_eq!(files.run("-q -o out").code, Some(0));
    assert_eq!(files.others(), ["list"].map(str::to_owned).into());
}

#[test]
fn outputs_and_reports_are_the_same_whatever_the_jobs() {
    let files = Files::new(12);
    std::fs::write(&files.inputs[5], "no HDF5").unwrap();
    let made = |jobs: usize| {
        let run = files.run(&format!("-q --jobs {jobs} -o out --report report"));
        assert_eq!(run.code, Some(3), "{run:?}");
        let made = (files.outputs("out"), std::fs::read(files.path("report")).unwrap());
        std::fs::remove_dir_all(files.path("out")).unwrap();
        made
    };
    let one = made(1);
    let report: Json = serde_json::from_slice(&one.1).unwrap();
    let inputs = report["files"].as_array().unwrap().iter().map(|file| PathBuf::from(file["file"].as_str().unwrap()));
    assert_eq!(inputs.collect::<Vec<_>>(), files.inputs);
    assert_eq!((one.0.len(), &report["files"][0]["report"]["summary"]["refused"]), (11, &Json::from(0)));
    assert!(report["files"][5]["error"].is_string());
    for jobs in [2, 8] {
        assert!(made(jobs) == one, "{jobs}");
    }
}

#[test]
fn the_report_of_a_run_that_went_on_is_that_of_one_run() {
    let files = Files::new(5);
    std::fs::write(&files.inputs[2], "no HDF5").unwrap();
    assert_eq!(files.run("-q -o out --report report").code, Some(3));
    let report = std::fs::read(files.path("report")).unwrap();
    assert_eq!(files.run("-q --resume -o out --report again").code, Some(3));
    assert!(std::fs::read(files.path("again")).unwrap() == report);
}

#[test]
fn events_are_json_one_a_line() {
    let mut files = Files::new(2);
    files.inputs.insert(1, files::folder().join("data_layout/external.h5"));
    files.inputs.push(files.path("in/none.nc"));
    let events = files.run("--json --jobs 1 -o out").events();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "done", "refused", "done", "failed", "note", "end"]);
    assert_eq!((&events[0]["files"], &events[0]["jobs"]), (&Json::from(4), &Json::from(1)));
    assert_eq!(events[1]["file"], files.inputs[0].to_str().unwrap());
    assert_eq!(events[1]["output"], "out/g000.nc.json");
    assert!(events[1]["seconds"].as_f64().is_some() && events[1]["counts"]["arrays"].as_u64() > Some(0));
    assert_eq!(
        events[2]["refusals"].as_array().map(Vec::len),
        events[2]["counts"]["refused"].as_u64().and_then(|n| usize::try_from(n).ok())
    );
    assert!(events[2]["refusals"][0]["path"].as_str().unwrap().starts_with('/'));
    assert_eq!(events[4]["error"], "No such file or directory (os error 2)");
    let end = &events[6];
    let counts = ["files", "done", "existing", "refused", "failed"].map(|name| end[name].as_u64().unwrap());
    assert_eq!((end["ended"].as_str(), counts), (Some("finished"), [4, 2, 0, 1, 1]));
    assert_eq!(end["reasons"][0]["files"], 1);
    let wrong = files.run("--json --resume -o out --state in/g000.nc").events();
    assert_eq!((wrong.len(), &wrong[0]["event"]), (1, &Json::from("error")));
    assert_eq!(wrong[0]["text"], "in/g000.nc: it is there, and is no state of a scan");
    let again = files.run("--json --resume -o out").events();
    assert_eq!(again.iter().filter(|event| event["event"] == "existing").count(), 3);
}

#[test]
fn a_state_that_is_left_is_said_and_replaced() {
    let files = Files::new(3);
    std::fs::write(&files.inputs[2], "no HDF5").unwrap();
    assert_eq!(files.run("-q -o out").code, Some(3));
    let run = files.run("-v -o out");
    assert!(run.err.starts_with("h5refs: out.h5refs-state: a run that did not end left it"), "{run:?}");
    assert_eq!((run.code, run.count("done"), run.count("existing")), (Some(3), 2, 0));
}

#[test]
fn a_disk_that_takes_no_more_ends_the_run_without_a_piece_of_an_output() {
    let files = Files::new(4);
    let words: Vec<String> = files.inputs.iter().map(|input| input.display().to_string()).collect();
    // Blocks of 512 or 1024 bytes: the outputs are longer.
    let script = format!("ulimit -f 1; exec {} scan --jobs 1 -o out {}", env!("CARGO_BIN_EXE_h5refs"), words.join(" "));
    let mut shell = Command::new("sh");
    let shell = shell.arg("-c").arg(script).current_dir(files.folder.path()).stdin(Stdio::null());
    let run = ended(shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("File too large"), "{run:?}");
    assert_eq!(files.outputs("out"), BTreeMap::new());
    let last = files.run("-q --resume -o out");
    assert_eq!((last.code, files.outputs("out").len(), files.others()), (Some(0), 4, BTreeSet::new()), "{last:?}");
}

#[test]
fn a_file_of_which_nothing_is_left_is_a_failure_among_several() {
    let mut files = Files::new(2);
    std::fs::copy(files::folder().join("chunk/grown.h5"), &files.inputs[1]).unwrap();
    let run = files.run("-q --jobs 1 --drop a,b -o out");
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.err.ends_with("g001.nc: it has no arrays\n"), "{run:?}");
    files.inputs.remove(0);
    assert_eq!(files.run("-q --drop a,b -o one.json").code, Some(0));
    assert!(files.path("one.json").exists());
}
