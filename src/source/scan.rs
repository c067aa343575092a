//! The sans-I/O driver: a walk is replayed over the bytes supplied so far, and says what it needs next.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::{Halt, Resident};
use crate::error::Error;
use crate::field::convert::wide;
use crate::limits::{Limits, check};

/// Work over a file whose bytes the caller fetches.
///
/// ```
/// # fn main() -> Result<(), h5refs::Error> {
/// use h5refs::{Options, Scan, Step};
/// # let file = bytes::Bytes::from(std::fs::read("testdata/superblock/v2.h5").unwrap());
/// let mut scan = Scan::references(file.len() as u64, Options::new("s3://bucket/file.h5"));
/// let (references, report) = loop {
///     match scan.step()? {
///         Step::Done(done) => break done,
///         // In real life these are fetched together, from wherever the file lies.
///         Step::Need(ranges) => {
///             for range in ranges {
///                 let bytes = file.slice(range.start as usize..range.end as usize);
///                 scan.supply(range.start, &bytes)?;
///             }
///         }
///     }
/// };
/// # assert!(report.refused().next().is_none());
/// # assert!(!references.nodes.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct Scan<T> {
    resident: Resident,
    walk: Walk<T>,
    fetch: Fetch,
    limits: Limits,
    statistics: Statistics,
}

/// A walk that is replayed.
type Walk<T> = Box<dyn Fn(&Resident) -> Result<T, Halt> + Send>;

/// What a [`Scan`] wants next.
#[derive(Debug)]
pub enum Step<T> {
    /// The work is finished.
    Done(T),
    /// These ranges of the file, in ascending order, none overlapping; fetch them together and supply them.
    Need(Vec<Range<u64>>),
}

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

/// What a [`Scan`] has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Times that ranges were asked for.
    pub rounds: u64,
    /// Ranges asked for.
    pub requests: u64,
    /// Bytes that were supplied and kept.
    pub bytes: u64,
}

impl<T> Scan<T> {
    pub(crate) fn new(
        resident: Resident,
        limits: Limits,
        walk: impl Fn(&Resident) -> Result<T, Halt> + Send + 'static,
    ) -> Self {
        Self { resident, walk: Box::new(walk), fetch: Fetch::default(), limits, statistics: Statistics::default() }
    }

    /// Reads in another manner.
    #[must_use]
    pub fn with_fetch(mut self, fetch: Fetch) -> Self {
        self.fetch = fetch;
        self
    }

    /// What has been asked for so far.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Hands over bytes of the file, whether they were asked for or not.
    ///
    /// # Errors
    /// [`Error::Supplied`] when they do not lie in the file, [`Error::Limit`] when they exceed `Limits::metadata_bytes`.
    pub fn supply(&mut self, at: u64, bytes: &Bytes) -> Result<(), Error> {
        let kept = self.resident.supply(at, bytes)?;
        self.statistics.bytes = self.statistics.bytes.saturating_add(kept);
        check("metadata_bytes", self.statistics.bytes, self.limits.metadata_bytes)?;
        Ok(())
    }

    /// Goes as far as the supplied bytes allow.
    ///
    /// # Errors
    /// What the walk itself finds wrong, and [`Error::Limit`] after `Limits::rounds` rounds.
    pub fn step(&mut self) -> Result<Step<T>, Error> {
        let size = super::ReadAt::size(&self.resident);
        if self.statistics.rounds == 0 && self.statistics.bytes == 0 && size > 0 && self.fetch.first > 0 {
            let first = 0..self.fetch.first.min(size);
            return self.need(vec![first]);
        }
        match (self.walk)(&self.resident) {
            Ok(value) => Ok(Step::Done(value)),
            Err(Halt::Error(error)) => Err(error),
            Err(Halt::Missing(ranges)) => self.need(ranges),
        }
    }

    fn need(&mut self, ranges: Vec<Range<u64>>) -> Result<Step<T>, Error> {
        let ranges = self.fetch.plan(&self.resident, ranges);
        self.statistics.rounds = self.statistics.rounds.saturating_add(1);
        self.statistics.requests = self.statistics.requests.saturating_add(wide(ranges.len()));
        check("rounds", self.statistics.rounds, self.limits.rounds)?;
        Ok(Step::Need(ranges))
    }
}

impl<T> fmt::Debug for Scan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan").field("fetch", &self.fetch).field("statistics", &self.statistics).finish_non_exhaustive()
    }
}

impl Fetch {
    /// Widens and merges `ranges`, without asking for what is here already.
    fn plan(&self, resident: &Resident, mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
        let size = super::ReadAt::size(resident);
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
    use super::*;

    #[test]
    fn ranges_are_widened_merged_split_and_never_asked_for_twice() {
        let fetch = Fetch { first: 0, least: 10, gap: 5, most: 40 };
        let mut resident = Resident::new(200);
        resident.supply(30, &Bytes::from(vec![0; 10])).unwrap();
        let plan = fetch.plan(&resident, vec![100..190, 20..21, 34..45, 0..1, 195..199]);
        assert_eq!(plan, [0..10, 20..30, 40..45, 100..140, 140..180, 180..200]);
    }

    #[test]
    fn a_scan_that_is_never_supplied_ends_at_its_limit() {
        let limits = Limits { rounds: 3, ..Limits::default() };
        let mut scan: Scan<()> = Scan::new(Resident::new(10), limits, |resident| {
            super::super::ReadAt::read(resident, std::slice::from_ref(&(0..1)))?;
            Ok(())
        });
        for _ in 0..3 {
            assert!(matches!(scan.step(), Ok(Step::Need(_))));
        }
        assert!(matches!(scan.step(), Err(Error::Limit(limit)) if limit.which == "rounds"));
    }
}
