//! How ranges are asked for: widened and merged, and none twice.

use std::ops::Range;

use super::{Missing, ReadAt, Resident};

/// How ranges are widened and merged before they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetch {
    /// Bytes of the first read, at the start of the file (default 64 KiB). Structures that lie within as many bytes behind what is read of
    /// the start are read together with all before them.
    pub first: u64,
    /// Fewest bytes of a later read of structures (default 2 KiB).
    pub least: u64,
    /// Ranges of structures no further apart are read as one (default 16 KiB).
    pub gap: u64,
    /// Bytes that are read around a structure where the file keeps structures together in pages (default 128 KiB).
    pub block: u64,
    /// Most bytes of one read (default 8 MiB).
    pub most: u64,
}

impl Default for Fetch {
    fn default() -> Self {
        Self { first: 64 << 10, least: 2 << 10, gap: 16 << 10, block: 128 << 10, most: 8 << 20 }
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
    /// Widens and merges what is missing, without asking for what is here already.
    pub(super) fn plan(&self, resident: &Resident, missing: &Missing) -> Vec<Range<u64>> {
        let size = resident.size();
        let head = resident.head();
        let structures = missing.structures.iter().map(|range| {
            // What lies just behind the head of the file is seldom alone.
            let is_near = range.start <= head.saturating_add(self.first);
            let start = if is_near { range.start.min(head) } else { range.start };
            let least = start..range.end.max(range.start.saturating_add(self.least));
            let wide = resident.page().map_or(least.clone(), |page| self.in_page(&least, page));
            wide.start..wide.end.min(size)
        });
        let near = merged(structures.collect(), self.gap);
        let elements = merged(missing.elements.clone(), self.gap.min(self.least));
        let all = merged([near, elements].concat(), 0);
        all.iter().flat_map(|range| resident.holes(range)).flat_map(|range| self.split(&range)).collect()
    }

    /// The blocks of a page that a range lies in.
    fn in_page(&self, range: &Range<u64>, page: u64) -> Range<u64> {
        let block = page.min(self.block).max(1);
        let down = |at: u64| at.checked_rem(block).map_or(at, |past| at.saturating_sub(past));
        down(range.start)..down(range.end.saturating_add(block.saturating_sub(1)))
    }

    /// Pieces of at most `most` bytes.
    pub(super) fn split(&self, range: &Range<u64>) -> Vec<Range<u64>> {
        let (mut at, mut pieces) = (range.start, Vec::new());
        while at < range.end {
            let end = at.saturating_add(self.most.max(1)).min(range.end);
            pieces.push(at..end);
            at = end;
        }
        pieces
    }
}

/// Ranges in order, those that lie no further apart than `gap` as one.
fn merged(mut ranges: Vec<Range<u64>>, gap: u64) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(gap) => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    #![expect(clippy::single_range_in_vec_init, reason = "one range is missing")]

    use bytes::Bytes;

    use super::*;

    #[test]
    fn ranges_are_widened_merged_split_and_never_asked_for_twice() {
        let fetch = Fetch { first: 0, least: 10, gap: 5, block: 50, most: 40 };
        let mut resident = Resident::new(200);
        resident.supply(30, &Bytes::from(vec![0; 10])).unwrap();
        let structures = vec![100..190, 20..21, 34..45, 0..1, 195..199];
        let plan = fetch.plan(&resident, &Missing { structures, elements: Vec::new() });
        assert_eq!(plan, [0..10, 20..30, 40..45, 100..140, 140..180, 180..200]);
    }

    #[test]
    fn elements_are_not_widened() {
        let fetch = Fetch { first: 0, least: 10, gap: 50, block: 50, most: 40 };
        let missing = Missing { structures: vec![100..101], elements: vec![0..3, 13..15, 26..27, 105..112] };
        assert_eq!(fetch.plan(&Resident::new(200), &missing), [0..15, 26..27, 100..112]);
    }

    #[test]
    fn structures_in_pages_are_read_in_blocks() {
        let fetch = Fetch { first: 0, least: 10, gap: 0, block: 50, most: 400 };
        let missing = Missing { structures: vec![60..70, 195..203], elements: vec![120..121] };
        let resident = Resident::new(230);
        resident.is_paged(100);
        assert_eq!(fetch.plan(&resident, &missing), [50..100, 120..121, 150..230]);
        resident.is_paged(8);
        assert_eq!(fetch.plan(&resident, &missing), [56..72, 120..121, 192..208]);
    }
}
