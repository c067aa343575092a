//! Hostile files made in memory, one idea each, with all checksums valid: what becomes of each, soon, in little memory, and alike in
//! memory and in rounds.

mod attributes;
mod chunks;
mod datatypes;
mod groups;
mod headers;
mod heaps;
mod layouts;
mod superblocks;

use std::time::{Duration, Instant};

use bytes::Bytes;
use h5refs::{Error, Fetch, Input, Options, ReadOptions, Reader, ReferenceSet, Report, Scan, references, tree};

use crate::{files, rounds};

/// The longest that one file may take, with much room for a busy machine: on an idle one the longest takes two seconds, and almost all
/// a few milliseconds.
const LONGEST: Duration = Duration::from_secs(20);

/// One idea; all else of the file is valid.
struct Case {
    name: &'static str,
    file: Bytes,
    wanted: Wanted,
}

/// What is to become of a file.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// It is refused, for a reason with this text.
    Refused(&'static str),
    /// An object of it is refused, for a reason with this text.
    Lost(&'static str),
    /// Nothing is refused, and there are so many objects with so many chunks in all.
    Read(usize, usize),
}

fn case(name: &'static str, wanted: Wanted, file: Vec<u8>) -> Case {
    Case { name, file: file.into(), wanted }
}

fn cases() -> Vec<Case> {
    let structures = [
        superblocks::cases(),
        headers::cases(),
        datatypes::cases(),
        layouts::cases(),
        chunks::cases(),
        groups::cases(),
        heaps::cases(),
        attributes::cases(),
    ];
    structures.into_iter().flatten().collect()
}

/// What was read or why it was not: objects and their chunks, then the reasons.
fn outcome(result: &Result<(ReferenceSet, Report), Error>) -> Result<(usize, usize, Vec<String>), String> {
    let (set, report) = result.as_ref().map_err(ToString::to_string)?;
    let chunks = |array: &h5refs::reference::Array| array.chunks.number.len() + array.chunks.inline.len();
    let refused = report.refused().map(|(path, reason)| format!("{path:.60}: {reason}"));
    Ok((set.nodes.len(), set.arrays().map(|(_, array)| chunks(array)).sum(), refused.collect()))
}

/// What is not as it is wanted.
fn wrong(case: &Case) -> Option<String> {
    let (started, input) = (Instant::now(), Input::from(case.file.clone()));
    let mut options = Options::new(files::URL);
    options.inline_threshold = 64;
    let read = references(&input, &options);
    let found = outcome(&read);
    let is_wanted = match (&found, case.wanted) {
        (Err(reason), Wanted::Refused(wanted)) => reason.contains(wanted),
        (Ok((.., refused)), Wanted::Lost(wanted)) => refused.iter().any(|reason| reason.contains(wanted)),
        (Ok((objects, chunks, refused)), Wanted::Read(wanted, of)) => {
            refused.is_empty() && (*objects, *chunks) == (wanted, of)
        }
        _ => false,
    };
    let size = case.file.len() as u64;
    // A file is walked once for each level that a round finds: large ones are read in larger pieces.
    let fetch = if size < 1 << 16 { rounds::EXACT } else { Fetch::default() };
    let scanned = Scan::references(size, options).with_fetch(fetch).run(&input);
    if !is_wanted {
        return Some(format!("{:?}, and not {found:?}", case.wanted));
    } else if outcome(&scanned) != found {
        return Some(format!("{found:?}, and in rounds {:?}", outcome(&scanned)));
    }
    for (path, array) in read.iter().flat_map(|(set, _)| set.arrays()) {
        let mut ranges = array.chunks.offset.iter().zip(&array.chunks.length);
        if !ranges.all(|(offset, length)| offset.checked_add(*length).is_some_and(|end| end <= size)) {
            return Some(format!("{path} refers to bytes outside the file"));
        }
    }
    read_values(&input);
    let took = started.elapsed();
    (took > LONGEST).then(|| format!("it takes {took:?}"))
}

/// Reads all that can be read, whatever comes of it.
fn read_values(input: &Input) {
    let (Ok(tree), Ok(reader)) = (tree(input, h5refs::Limits::default()), Reader::open(input, ReadOptions::default()))
    else {
        return;
    };
    for object in tree.objects.iter().filter(|object| object.dataset().is_some()) {
        let Ok(dataset) = reader.dataset(&object.path) else { continue };
        let all: Vec<_> = dataset.shape().iter().map(|length| 0..*length).collect();
        drop(dataset.elements(&all));
    }
}

#[test]
fn what_becomes_of_each_crafted_file_is_as_the_table_says() {
    let wrong: Vec<String> =
        cases().iter().filter_map(|case| Some(format!("{}: {}", case.name, wrong(case)?))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crafted_files_have_names_of_their_own() {
    let mut names: Vec<_> = cases().iter().map(|case| case.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}

/// Most bytes that reading any of the files may add to what the process has.
#[cfg(target_os = "linux")]
const MOST_MEMORY: u64 = 64 << 20;

/// In a process of its own, which reads nothing else.
#[cfg(target_os = "linux")]
#[test]
fn crafted_files_cost_little_memory() {
    const INSIDE: &str = "H5REFS_MEMORY_OF_CRAFTED_FILES";
    if std::env::var_os(INSIDE).is_none() {
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        alone.args(["--exact", "crafted::crafted_files_cost_little_memory", "--nocapture"]).env(INSIDE, "1");
        let output = alone.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
        return;
    }
    let cases = cases();
    for case in &cases {
        let before = peak_memory();
        drop(wrong(case));
        let grown = peak_memory() - before;
        assert!(grown < MOST_MEMORY, "{}: {grown} bytes", case.name);
    }
}

/// The most memory that this process has had.
#[cfg(target_os = "linux")]
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}
