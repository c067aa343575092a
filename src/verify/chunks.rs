//! Chunks, read and decoded.

use super::findings::{Fault, Findings};
use super::ranges::key;
use super::sample::sample;
use super::{Files, Store, VerifyOptions};
use crate::error::Error;
use crate::reference::{Array, Reference};
use crate::source::Sources;
use crate::store::{StoredArray, refusal};

pub(super) fn check<S: Sources>(store: &Store<S>, files: &Files, options: &VerifyOptions, findings: &mut Findings) {
    for (path, array) in store.set().arrays() {
        if let Some(why) = array.metadata.codecs().find_map(refusal) {
            findings.unchecked(path, why, false);
            continue;
        }
        let Ok(stored) = store.array(path) else { continue };
        let numbers = readable(array, files);
        for at in sample(numbers.len(), options.sample, options.seed) {
            if let Some(number) = numbers.get(at) {
                decode(&stored, *number, findings);
            }
        }
    }
}

/// The chunks that are inline, or in files that can be read.
pub(super) fn readable(array: &Array, files: &Files) -> Vec<u64> {
    let chunks = &array.chunks;
    let rows = chunks.number.iter().enumerate().filter(|(row, _)| files.contains_key(&chunks.url(*row)));
    let mut numbers: Vec<u64> = rows.map(|(_, number)| *number).chain(chunks.inline.keys().copied()).collect();
    numbers.sort_unstable();
    numbers
}

fn decode<S: Sources>(stored: &StoredArray<'_, S>, number: u64, findings: &mut Findings) {
    findings.counts().chunks += 1;
    let array = stored.array();
    let outside = |findings: &Findings| {
        matches!(array.chunks.get(number), Some(Reference::Range { .. }))
            && findings.is_outside(&key(stored.path(), array, number))
    };
    match stored.chunk(number) {
        Ok(_) => {}
        // Said already.
        Err(Error::Io { .. }) if outside(findings) => {}
        Err(Error::Chunk { key, problem }) => findings.add(key, Fault::Decode { why: problem }),
        Err(error) => findings.add(key(stored.path(), array, number), Fault::Decode { why: error.to_string() }),
    }
}
