//! The sans-I/O driver on every file: the same result as a local read, and as many rounds as the file's graph is deep.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use h5refs::{Fetch, Input, Options, ReferenceSet, Report, Scan, Sources, Step};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::files;

/// Asks for nothing that is not needed, so that every level of a file is a round of its own.
pub(crate) const EXACT: Fetch = Fetch { first: 512, least: 1, gap: 0, block: 1, most: u64::MAX };

/// Most rounds that a file here may take with the defaults.
const MOST_ROUNDS: u64 = 8;

/// A file of which less is read in builds that do not undo all of its filters.
const OF_ALL_FEATURES: &str = "filter/foreign_decoded.h5";

/// Rounds of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Rounds {
    exact: u64,
    default: u64,
}

/// A server of ranges that checks what it is asked for.
struct Server {
    file: Bytes,
    /// Whether each byte has been asked for.
    asked: Vec<bool>,
    rounds: u64,
}

impl Server {
    fn new(file: Bytes) -> Self {
        let asked = vec![false; file.len()];
        Self { file, asked, rounds: 0 }
    }

    fn bytes(&self, range: &Range<u64>) -> Bytes {
        self.file.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap())
    }

    /// One round.
    fn fetch(&mut self, ranges: &[Range<u64>]) -> Vec<(u64, Bytes)> {
        self.rounds += 1;
        assert!(!ranges.is_empty(), "a round asks for nothing");
        assert!(ranges.is_sorted_by(|a, b| a.end <= b.start), "ranges overlap or do not ascend: {ranges:?}");
        for range in ranges {
            assert!(range.start < range.end && range.end <= self.file.len() as u64, "no range of the file: {range:?}");
            let asked = &mut self.asked[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            assert!(asked.iter().all(|asked| !asked), "bytes of {range:?} are asked for a second time");
            asked.fill(true);
        }
        ranges.iter().map(|range| (range.start, self.bytes(range))).collect()
    }

    /// Serves a scan to its end.
    fn serve(&mut self, scan: &mut Scan<(ReferenceSet, Report)>) -> (ReferenceSet, Report) {
        loop {
            match scan.step().unwrap() {
                Step::Done(done) => return done,
                Step::Need(ranges) => {
                    for (at, bytes) in self.fetch(&ranges) {
                        scan.supply(at, &bytes).unwrap();
                    }
                }
            }
        }
    }
}

fn scan(file: &Bytes, fetch: Fetch) -> Scan<(ReferenceSet, Report)> {
    Scan::references(file.len() as u64, Options::new(files::URL)).with_fetch(fetch)
}

/// What a translation ends in, comparable.
fn told((set, report): (ReferenceSet, Report)) -> (ReferenceSet, String) {
    (set, serde_json::to_string(&report).unwrap())
}

/// Rounds of a scan whose result is that of a local read.
fn rounds(name: &str, file: &Bytes, fetch: Fetch) -> u64 {
    let mut server = Server::new(file.clone());
    let mut scan = scan(file, fetch);
    let scanned = server.serve(&mut scan);
    assert!(told(scanned) == told(files::references(file.clone()).unwrap()), "{name}: a scan and a local read differ");
    let asked = server.asked.iter().filter(|asked| **asked).count() as u64;
    let statistics = scan.statistics();
    assert_eq!((statistics.rounds, statistics.bytes), (server.rounds, asked), "{name}: statistics");
    server.rounds
}

fn table() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/rounds.json")
}

#[test]
fn each_file_takes_as_many_rounds_as_its_graph_is_deep() {
    let found: BTreeMap<String, Rounds> = files::names()
        .into_iter()
        .map(|name| {
            let file = files::bytes(&name);
            let [exact, default] = [EXACT, Fetch::default()].map(|fetch| rounds(&name, &file, fetch));
            (name, Rounds { exact, default })
        })
        .collect();
    if std::env::var_os("UPDATE_ROUNDS").is_some() {
        let rows = found.iter().map(|(name, rounds)| format!(" {name:?}: {}", serde_json::to_string(rounds).unwrap()));
        std::fs::write(table(), format!("{{\n{}\n}}\n", rows.collect::<Vec<_>>().join(",\n"))).unwrap();
        panic!("the table is rewritten; look at what changed and run again");
    }
    let expected: BTreeMap<String, Rounds> = serde_json::from_slice(&std::fs::read(table()).unwrap()).unwrap();
    let counts = |name: &str| cfg!(feature = "cli") || name != OF_ALL_FEATURES;
    let differ = |name: &&String| counts(name) && found.get(*name) != expected.get(*name);
    let names: BTreeSet<&String> = found.keys().chain(expected.keys()).filter(differ).collect();
    let differences: Vec<_> = names.into_iter().map(|name| (name, found.get(name), expected.get(name))).collect();
    assert!(differences.is_empty(), "found and expected differ (UPDATE_ROUNDS=1 rewrites the table): {differences:#?}");
    let slow: Vec<_> = found.iter().filter(|(_, rounds)| rounds.default > MOST_ROUNDS).collect();
    assert!(slow.is_empty(), "more than {MOST_ROUNDS} rounds: {slow:?}");
}

#[test]
fn a_file_in_memory_and_one_on_disk_give_the_same() {
    for name in files::names() {
        let local = Input::open(files::folder().join(&name)).unwrap();
        let local = h5refs::references(&local, &Options::new(files::URL)).unwrap();
        assert!(told(local) == told(files::references(files::bytes(&name)).unwrap()), "{name}");
    }
}

#[test]
fn a_file_of_sources_is_read_in_the_rounds_of_a_scan() {
    let small = Fetch { first: 512, least: 16, gap: 16, block: 4096, most: 1 << 20 };
    for (name, fetch) in files::names().into_iter().flat_map(|name| [(name.clone(), small), (name, Fetch::default())]) {
        let file = files::bytes(&name);
        let mut scan = scan(&file, fetch);
        let scanned = told(Server::new(file.clone()).serve(&mut scan));
        let sources: Arc<dyn Sources> = Arc::new(HashMap::from([(files::URL.to_owned(), file)]));
        let input = Input::through_with(sources, files::URL, fetch).unwrap();
        assert!(told(h5refs::references(&input, &Options::new(files::URL)).unwrap()) == scanned, "{name}");
        let (through, _) = input.statistics().unwrap();
        assert_eq!(through, scan.statistics(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_was_supplied_before_the_result_is_the_same(
        name in prop::sample::select(files::names()),
        supplied in prop::collection::vec((any::<prop::sample::Index>(), 0_u64..3000), 0..12),
        least in 1_u64..600,
        gap in 0_u64..600,
        most in 1_u64..5000,
    ) {
        let file = files::bytes(&name);
        let mut scan = scan(&file, Fetch { first: 0, least, gap, block: least, most });
        let mut server = Server::new(file.clone());
        for (at, length) in supplied {
            let at = at.index(file.len()) as u64;
            let range = at..(at + length).min(file.len() as u64);
            scan.supply(at, &server.bytes(&range)).unwrap();
            server.asked[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].fill(true);
        }
        let scanned = server.serve(&mut scan);
        prop_assert!(told(scanned) == told(files::references(file).unwrap()));
    }
}
