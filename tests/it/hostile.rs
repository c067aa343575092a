//! What fuzzing found, replayed: each file of `testdata/hostile/` under small limits ends soon, and refers to bytes of the file only.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h5refs::zarr::NanPolicy;
use h5refs::{Input, Limits, Options, ReadOptions, Reader, Scan, read_json, references, tree, write_json_with};
use serde_json::Value as Json;

use crate::{files, rounds};

/// The longest that one file may take, with much room for a busy machine.
const LONGEST: Duration = Duration::from_secs(20);

/// `testdata/hostile/<problem>/<file>`.
fn hostile() -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.collect()
    };
    let mut found: Vec<PathBuf> =
        entries(&files::folder().join("hostile")).iter().flat_map(|problem| entries(problem)).collect();
    found.sort_unstable();
    found
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.metadata_bytes = 16 << 20;
    limits.structures = 100_000;
    limits.chunks = 100_000;
    limits.chunk_bytes = 1 << 20;
    limits.decoded_bytes = 4 << 20;
    limits.read_bytes = 1 << 20;
    limits.inline_bytes = 1 << 20;
    limits.references_bytes = 1 << 20;
    limits
}

#[test]
fn nothing_that_fuzzing_found_hurts_again() {
    let found = hostile();
    assert!(!found.is_empty());
    for path in found {
        let started = Instant::now();
        let bytes = Bytes::from(std::fs::read(&path).unwrap());
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("h5" | "nc") => replay_file(&path, &bytes),
            Some("json") => replay_references(&path, &bytes),
            other => panic!("{}: nothing reads {other:?}", path.display()),
        }
        assert!(started.elapsed() < LONGEST, "{}: it takes {:?}", path.display(), started.elapsed());
    }
}

/// Scanned in memory and in rounds, listed, and its values read.
fn replay_file(path: &Path, bytes: &Bytes) {
    let size = bytes.len() as u64;
    let input = Input::from(bytes.clone());
    let mut options = Options::new(files::URL);
    options.limits = limits();
    let local = references(&input, &options);
    let scanned = Scan::references(size, options).with_fetch(rounds::EXACT).run(&input);
    assert_eq!(local.is_ok(), scanned.is_ok(), "{}: {:?} and {:?}", path.display(), local.err(), scanned.err());
    for (name, array) in local.iter().flat_map(|(set, _)| set.arrays()) {
        for (offset, length) in array.chunks.offset.iter().zip(&array.chunks.length) {
            let end = offset.checked_add(*length);
            assert!(end.is_some_and(|end| end <= size), "{}: {name}: {length} bytes at {offset}", path.display());
        }
    }
    let mut options = ReadOptions::default();
    options.limits = limits();
    let (Ok(tree), Ok(reader)) = (tree(&input, limits()), Reader::open(&input, options)) else { return };
    for object in tree.objects.iter().filter(|object| object.dataset().is_some()) {
        let Ok(dataset) = reader.dataset(&object.path) else { continue };
        let all: Vec<_> = dataset.shape().iter().map(|length| 0..*length).collect();
        let stored = dataset.read_all().map(|values| values.shape);
        assert!(stored.is_err() || stored.is_ok_and(|shape| shape == dataset.shape()), "{}", path.display());
        drop(dataset.elements(&all));
    }
}

/// Read; attributes are printed as they were, but for blanks.
fn replay_references(path: &Path, text: &[u8]) {
    let Ok((set, _)) = read_json(text, &limits()) else { return };
    let mut printed = Vec::new();
    write_json_with(&set, NanPolicy::Python, &mut printed).unwrap();
    let (before, after) = (attributes(text), attributes(&printed));
    assert!(before.iter().all(|known| after.contains(known)), "{}: {before:?} are {after:?}", path.display());
}

/// Keys and documents of attributes, without blanks.
fn attributes(references: &[u8]) -> Vec<(String, String)> {
    let document: Json = serde_json::from_slice(references).unwrap();
    let refs = document.get("refs").unwrap_or(&document).as_object().unwrap();
    let texts = refs.iter().filter(|(key, _)| key.ends_with(".zattrs"));
    texts.map(|(key, text)| (key.clone(), text.as_str().unwrap().split_whitespace().collect())).collect()
}
