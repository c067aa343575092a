//! The references themselves: where their ranges lie, how long they are, and which overlap.

use std::collections::BTreeMap;

use super::Files;
use super::findings::{Fault, Findings};
use crate::reference::key::{chunk_name, joined};
use crate::reference::{Array, Manifest, ReferenceSet, UrlId};
use crate::source::told_url;
use crate::zarr::Codec;

/// No codec makes a chunk more than this much longer, nor longer by more than this share.
const OVERHEAD: u64 = 4096;

/// A range of a file, and whose it is: array, and position in its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Placed {
    offset: u64,
    end: u64,
    array: usize,
    row: usize,
}

pub(super) fn check(set: &ReferenceSet, files: &Files, findings: &mut Findings) {
    let arrays: Vec<(&str, &Array)> = set.arrays().collect();
    let mut placed: BTreeMap<UrlId, Vec<Placed>> = BTreeMap::new();
    for (at, (path, array)) in arrays.iter().enumerate() {
        let chunks = &array.chunks;
        findings.counts().arrays += 1;
        findings.counts().references += u64::try_from(chunks.present()).unwrap_or(u64::MAX);
        for (row, (number, (offset, length))) in
            chunks.number.iter().zip(chunks.offset.iter().zip(&chunks.length)).enumerate()
        {
            let key = || key(path, array, *number);
            let url = chunks.url(row);
            let file = files.get(&url).map(|state| state.size);
            let length = if *length == Manifest::WHOLE { file } else { Some(*length) };
            let Some(length) = length else { continue };
            let end = offset.saturating_add(length);
            if let Some(size) = file.filter(|size| end > *size) {
                findings.add(key(), Fault::OutsideFile { url: told_url(set.url(url)), offset: *offset, length, size });
            }
            if let Some(expected) = implausible(array, length) {
                findings.add(key(), Fault::Size { length, expected });
            }
            if length > 0 {
                placed.entry(url).or_default().push(Placed { offset: *offset, end, array: at, row });
            }
        }
    }
    for ranges in placed.values_mut() {
        overlaps(&arrays, ranges, findings);
    }
}

/// Bytes of a chunk's elements, where its stored bytes cannot be those.
fn implausible(array: &Array, length: u64) -> Option<u64> {
    let expected = array.metadata.chunk_bytes()?;
    let mut codecs = array.metadata.codecs().peekable();
    let keeps = |codec: &&Codec| matches!(codec, Codec::Shuffle { .. } | Codec::Fletcher32);
    let is_wrong = if codecs.peek().is_none() {
        length != expected
    } else if array.metadata.codecs().all(|codec| keeps(&codec)) {
        let checksums = array.metadata.codecs().filter(|codec| matches!(codec, Codec::Fletcher32)).count();
        Some(length) != u64::try_from(checksums).ok().and_then(|n| n.checked_mul(4)?.checked_add(expected))
    } else {
        length == 0 || length > expected.saturating_add(expected / 8).saturating_add(OVERHEAD)
    };
    is_wrong.then_some(expected)
}

/// Ranges that overlap though they are not the same. Arrays without codecs may be parts of one another, as those of a virtual dataset
/// and its sources are; compressed chunks, and the chunks of one array, may not.
fn overlaps(arrays: &[(&str, &Array)], ranges: &mut [Placed], findings: &mut Findings) {
    ranges.sort_unstable();
    // The ranges that reach furthest so far: of all arrays, of those with codecs, and of each.
    let mut furthest: [Option<Placed>; 2] = [None, None];
    let mut own: BTreeMap<usize, Placed> = BTreeMap::new();
    let reaches = |before: &Placed, range: &Placed| {
        before.end > range.offset && (before.offset, before.end) != (range.offset, range.end)
    };
    for range in &*ranges {
        let is_coded = arrays.get(range.array).is_some_and(|(_, array)| array.metadata.codecs().next().is_some());
        let [any, coded] = &mut furthest;
        let other = own.get(&range.array).copied().into_iter().chain(*coded).chain(any.filter(|_| is_coded));
        if let Some(other) = other.into_iter().find(|before| reaches(before, range)) {
            findings.add(name(arrays, *range), Fault::Overlap { other: name(arrays, other) });
        }
        let further = |place: Option<Placed>| place.filter(|before| before.end >= range.end).or(Some(*range));
        *any = further(*any);
        if is_coded {
            *coded = further(*coded);
        }
        own.entry(range.array)
            .and_modify(|place| *place = if place.end >= range.end { *place } else { *range })
            .or_insert(*range);
    }
}

fn name(arrays: &[(&str, &Array)], placed: Placed) -> String {
    arrays.get(placed.array).map_or_else(String::new, |(path, array)| {
        key(path, array, array.chunks.number.get(placed.row).copied().unwrap_or_default())
    })
}

/// The key of a chunk.
pub(super) fn key(path: &str, array: &Array, number: u64) -> String {
    joined(path, &chunk_name(number, &array.chunks.grid))
}
