//! How ranges are asked for: widened and merged, and none twice.

use std::ops::Range;

use super::{ReadAt, Resident};

/// How ranges are widened and merged before they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetch {
    /// Bytes of the first read, at the start of the file (default 64 KiB).
    pub first: u64,
    /// Fewest bytes of a later read (default 4 KiB).
    pub least: u64,
    /// Ranges no further apart are read as one (default 16 KiB).
    pub gap: u64,
    /// Most bytes of one read (default 8 MiB).
    pub most: u64,
}

impl Default for Fetch {
    fn default() -> Self {
        Self { first: 64 << 10, least: 4 << 10, gap: 16 << 10, most: 8 << 20 }
    }
}

/// What was asked for of a file that is read in rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Times that ranges were asked for.
    pub rounds: u64,
    /// Ranges asked for.
    pub requests: u64,
    /// Bytes that were supplied and kept.
    pub bytes: u64,
}

impl Fetch {
    /// Widens and merges `ranges`, without asking for what is here already.
    pub(super) fn plan(&self, resident: &Resident, mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
        let size = resident.size();
        for range in &mut ranges {
            range.end = range.end.max(range.start.saturating_add(self.least)).min(size);
        }
        ranges.sort_unstable_by_key(|range| (range.start, range.end));
        let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end.saturating_add(self.gap) => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged.iter().flat_map(|range| resident.holes(range)).flat_map(|range| self.split(&range)).collect()
    }

    /// Pieces of at most `most` bytes.
    fn split(&self, range: &Range<u64>) -> Vec<Range<u64>> {
        let (mut at, mut pieces) = (range.start, Vec::new());
        while at < range.end {
            let end = at.saturating_add(self.most.max(1)).min(range.end);
            pieces.push(at..end);
            at = end;
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn ranges_are_widened_merged_split_and_never_asked_for_twice() {
        let fetch = Fetch { first: 0, least: 10, gap: 5, most: 40 };
        let mut resident = Resident::new(200);
        resident.supply(30, &Bytes::from(vec![0; 10])).unwrap();
        let plan = fetch.plan(&resident, vec![100..190, 20..21, 34..45, 0..1, 195..199]);
        assert_eq!(plan, [0..10, 20..30, 40..45, 100..140, 140..180, 180..200]);
    }
}
