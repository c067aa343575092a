//! Chunks: read, decoded, and compared with the dataset that they were made of.

use super::findings::{Fault, Findings};
use super::linked::Origins;
use super::missing::Missing;
use super::ranges::key;
use super::sample::sample;
use super::values::Pair;
use super::{Files, Store, VerifyOptions};
use crate::error::Error;
use crate::reference::Manifest;
use crate::source::Sources;
use crate::store::{StoredArray, refusal};

pub(super) fn check<S: Sources>(
    store: &Store<S>,
    files: &Files,
    origins: Option<&Origins<'_>>,
    options: &VerifyOptions,
    findings: &mut Findings,
) {
    for (path, array) in store.set().arrays() {
        if let Some(why) = array.metadata.codecs().find_map(refusal) {
            findings.unchecked(path, why, true);
            continue;
        }
        let Ok(stored) = store.array(path) else { continue };
        let pair = origins.and_then(|origins| pair(&stored, origins, findings));
        let mut numbers = readable(&array.chunks, files);
        if let Some(pair) = &pair {
            let missing = Missing::of(pair);
            if missing.has_more {
                findings.unchecked(
                    path,
                    "the chunks that it does not have are too many to be all looked for in the file",
                    false,
                );
            }
            numbers.extend(missing.numbers);
        }
        numbers.sort_unstable();
        for at in sample(numbers.len(), options.sample, options.seed) {
            if let Some(number) = numbers.get(at) {
                check_one(&stored, pair.as_ref(), *number, findings);
            }
        }
    }
}

/// The array with its dataset, if they fit together.
fn pair<'a, S: Sources>(
    stored: &'a StoredArray<'a, S>,
    origins: &'a Origins<'a>,
    findings: &mut Findings,
) -> Option<Pair<'a, S>> {
    let (dataset, origin) = match origins.dataset(stored.path()) {
        Ok(found) => found,
        Err(error) => {
            findings.unchecked(stored.path(), format!("its values are not compared: {error}"), true);
            return None;
        }
    };
    let pair = Pair { stored, dataset, origin };
    if let Some(what) = pair.contradiction() {
        findings.add(stored.path(), Fault::Dataset { what });
        return None;
    }
    Some(pair)
}

/// The chunks that can be read, in no order.
fn readable(chunks: &Manifest, files: &Files) -> Vec<u64> {
    let rows = chunks.number.iter().enumerate().filter(|(row, _)| files.contains_key(&chunks.url(*row)));
    rows.map(|(_, number)| *number).chain(chunks.inline.keys().copied()).collect()
}

fn check_one<S: Sources>(
    stored: &StoredArray<'_, S>,
    pair: Option<&Pair<'_, S>>,
    number: u64,
    findings: &mut Findings,
) {
    let (array, own_key) = (stored.array(), || key(stored.path(), stored.array(), number));
    if array.chunks.get(number).is_some() {
        findings.counts().chunks += 1;
        // Said already where the bytes end before the range.
        // Bytes without codecs are all elements; whether they can be read, the comparison tells.
        let is_large = |pair: &Pair<'_, S>| array.metadata.chunk_bytes() > Some(pair.origin.bytes_at_once());
        let is_read_in_parts = stored.is_plain() && pair.is_some_and(is_large);
        let decoded = if is_read_in_parts { Ok(None) } else { stored.chunk(number) };
        match decoded {
            Ok(_) => {}
            Err(error @ Error::Limit(_)) => findings.unchecked(own_key(), error.to_string(), true),
            Err(Error::Io { .. }) if findings.is_outside(&own_key()) => return,
            Err(Error::Chunk { key, problem }) => return findings.add(key, Fault::Decode { why: problem }),
            Err(error) => return findings.add(own_key(), Fault::Decode { why: error.to_string() }),
        }
    }
    match pair.map(|pair| pair.chunk(number)) {
        None => {}
        Some(Ok((elements, None))) => findings.counts().elements += elements,
        Some(Ok((_, Some(different)))) => {
            let super::values::Different { index, found, expected } = different;
            findings.add(own_key(), Fault::Value { index, found, expected });
        }
        Some(Err(error)) => findings.unchecked(own_key(), format!("its values are not compared: {error}"), true),
    }
}
