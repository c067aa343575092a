//! The bytes of a file that have been supplied so far.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::{Halt, Members, Missing, ReadAt};
use crate::error::Error;
use crate::field::convert::{narrow, wide};

/// Disjoint pieces of a file of known size.
#[derive(Debug, Clone)]
pub(crate) struct Resident {
    size: u64,
    members: Option<Members>,
    pieces: BTreeMap<u64, Bytes>,
    /// Bytes of the pages in which structures lie together; 0 where they do not.
    page: Cell<u64>,
}

impl Resident {
    pub(crate) fn new(size: u64) -> Self {
        Self { size, members: None, pieces: BTreeMap::new(), page: Cell::new(0) }
    }

    /// Those of a family.
    pub(crate) fn family(members: Members) -> Self {
        Self { members: Some(members), ..Self::new(members.total) }
    }

    /// Keeps the parts of `bytes` that are not here yet; gives their number.
    pub(crate) fn supply(&mut self, at: u64, bytes: &Bytes) -> Result<u64, Error> {
        let end = at.saturating_add(wide(bytes.len()));
        if end > self.size {
            return Err(Error::Supplied { at, end, size: self.size });
        }
        let mut kept = 0_u64;
        for hole in self.holes(&(at..end)) {
            let part = bytes.slice(narrow(hole.start.saturating_sub(at))..narrow(hole.end.saturating_sub(at)));
            kept = kept.saturating_add(wide(part.len()));
            self.pieces.insert(hole.start, part);
        }
        Ok(kept)
    }

    /// Bytes of the pages in which structures lie together.
    pub(super) fn page(&self) -> Option<u64> {
        Some(self.page.get()).filter(|page| *page > 0)
    }

    /// Where what is here of the start of the file ends.
    pub(super) fn head(&self) -> u64 {
        let mut end = 0;
        for (at, bytes) in &self.pieces {
            if *at > end {
                break;
            }
            end = end.max(at.saturating_add(wide(bytes.len())));
        }
        end
    }

    /// The parts of some ranges that are not here; none if all are.
    fn missing(&self, ranges: &[Range<u64>]) -> Vec<Range<u64>> {
        ranges.iter().flat_map(|range| self.holes(range)).collect()
    }

    /// The bytes of ranges that lie in the file, if all are here.
    fn all(&self, ranges: &[Range<u64>], halt: impl FnOnce(Vec<Range<u64>>) -> Missing) -> Result<Vec<Bytes>, Halt> {
        if let Some(range) = ranges.iter().find(|range| range.end > self.size) {
            return Err(super::outside(range, self.size));
        }
        let missing = self.missing(ranges);
        if missing.is_empty() {
            Ok(ranges.iter().map(|range| self.get(range)).collect())
        } else {
            Err(Halt::Missing(halt(missing)))
        }
    }

    /// The parts of `range` that are not here.
    pub(crate) fn holes(&self, range: &Range<u64>) -> Vec<Range<u64>> {
        let mut holes = Vec::new();
        let mut at = range.start;
        for (start, end) in self.overlapping(range) {
            if start > at {
                holes.push(at..start);
            }
            at = at.max(end);
        }
        if at < range.end {
            holes.push(at..range.end);
        }
        holes
    }

    /// Starts and ends of the pieces that overlap `range`, in order.
    fn overlapping(&self, range: &Range<u64>) -> impl Iterator<Item = (u64, u64)> {
        let before = self.pieces.range(..range.start).next_back();
        let inside = self.pieces.range(range.clone());
        let start = range.start;
        let ends = |(at, bytes): (&u64, &Bytes)| (*at, at.saturating_add(wide(bytes.len())));
        before.into_iter().chain(inside).map(ends).filter(move |(_, end)| *end > start)
    }

    /// The bytes of a range that is here: a slice of one piece, or a copy out of several.
    fn get(&self, range: &Range<u64>) -> Bytes {
        let mut parts = self.overlapping(range).filter_map(|(at, end)| {
            let bytes = self.pieces.get(&at)?;
            let (from, to) = (range.start.max(at), range.end.min(end));
            (from < to).then(|| bytes.slice(narrow(from.saturating_sub(at))..narrow(to.saturating_sub(at))))
        });
        match (parts.next(), parts.next()) {
            (None, _) => Bytes::new(),
            (Some(only), None) => only,
            (Some(first), Some(second)) => {
                let mut whole = BytesMut::from(first.as_ref());
                whole.extend_from_slice(&second);
                parts.for_each(|part| whole.extend_from_slice(&part));
                whole.freeze()
            }
        }
    }
}

impl ReadAt for Resident {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Halt> {
        self.all(ranges, |structures| Missing { structures, elements: Vec::new() })
    }

    fn read_elements(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Halt> {
        self.all(ranges, |elements| Missing { structures: Vec::new(), elements })
    }

    fn is_paged(&self, page: u64) {
        self.page.set(page);
    }

    fn members(&self) -> Option<Members> {
        self.members
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_over_several_pieces_is_put_together() {
        let mut resident = Resident::new(10);
        assert_eq!(resident.supply(2, &Bytes::from_static(b"cd")).unwrap(), 2);
        assert_eq!(resident.supply(0, &Bytes::from_static(b"abXXef")).unwrap(), 4);
        assert_eq!(resident.read(std::slice::from_ref(&(0..6))).unwrap(), [Bytes::from_static(b"abcdef")]);
        let Err(Halt::Missing(missing)) = resident.read(&[5..8, 9..10]) else { panic!("nothing missed") };
        assert_eq!(missing.structures, [6..8, 9..10]);
    }

    #[test]
    fn bytes_past_the_end_are_refused() {
        let error = Resident::new(3).supply(2, &Bytes::from_static(b"xy")).unwrap_err();
        assert_eq!(error.to_string(), "supplied bytes 0x2..0x4 do not lie in a file of 3 bytes");
    }

    proptest! {
        #[test]
        fn whatever_was_supplied_reads_back(supplies in prop::collection::vec((0_u64..60, 0_usize..20), 0..12), at in 0_u64..60, len in 0_u64..20) {
            let file: Vec<u8> = (0..80).collect();
            let mut resident = Resident::new(80);
            let mut here = [false; 80];
            for (at, len) in supplies {
                let range = usize::try_from(at).unwrap()..usize::try_from(at).unwrap() + len;
                resident.supply(at, &Bytes::copy_from_slice(&file[range.clone()])).unwrap();
                here[range].fill(true);
            }
            let range = usize::try_from(at).unwrap()..usize::try_from(at + len).unwrap();
            match resident.read(std::slice::from_ref(&(at..at + len))) {
                Ok(bytes) => prop_assert_eq!(&bytes[0][..], &file[range]),
                Err(Halt::Missing(Missing { structures: holes, .. })) => {
                    prop_assert!(!here[range].iter().all(|here| *here));
                    for hole in holes {
                        prop_assert!(hole.clone().all(|at| !here[usize::try_from(at).unwrap()]) && !hole.is_empty());
                    }
                }
                Err(Halt::Error(error)) => return Err(TestCaseError::fail(error.to_string())),
            }
        }
    }
}
