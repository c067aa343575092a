//! The sans-I/O driver: a walk is replayed over the bytes supplied so far, and says what it needs next.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::replay::Replay;
use super::{Fetch, Halt, Resident, Statistics};
use crate::error::Error;
use crate::limits::Limits;

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
    replay: Replay,
    walk: Walk<T>,
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

impl<T> Scan<T> {
    pub(crate) fn new(
        resident: Resident,
        limits: Limits,
        walk: impl Fn(&Resident) -> Result<T, Halt> + Send + 'static,
    ) -> Self {
        Self { replay: Replay::new(resident, limits), walk: Box::new(walk) }
    }

    /// Reads in another manner.
    #[must_use]
    pub fn with_fetch(mut self, fetch: Fetch) -> Self {
        self.replay.fetch = fetch;
        self
    }

    /// What has been asked for so far.
    pub fn statistics(&self) -> Statistics {
        self.replay.statistics
    }

    /// Hands over bytes of the file, whether they were asked for or not.
    ///
    /// # Errors
    /// [`Error::Supplied`] when they do not lie in the file, [`Error::Limit`] when they exceed `Limits::metadata_bytes`.
    pub fn supply(&mut self, at: u64, bytes: &Bytes) -> Result<(), Error> {
        self.replay.supply(at, bytes)
    }

    /// Goes as far as the supplied bytes allow.
    ///
    /// # Errors
    /// What the walk itself finds wrong, and [`Error::Limit`] after `Limits::rounds` rounds.
    pub fn step(&mut self) -> Result<Step<T>, Error> {
        if let Some(first) = self.replay.first() {
            return Ok(Step::Need(self.replay.begin(first)?));
        }
        match (self.walk)(&self.replay.resident) {
            Ok(value) => Ok(Step::Done(value)),
            Err(Halt::Error(error)) => Err(error),
            Err(Halt::Missing(missing)) => Ok(Step::Need(self.replay.round(&missing)?)),
        }
    }
}

impl<T> fmt::Debug for Scan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("fetch", &self.replay.fetch)
            .field("statistics", &self.replay.statistics)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
