//! What replayed walks share: the bytes supplied so far, and the rounds of asking for more.

use std::ops::Range;

use bytes::Bytes;

use super::{Fetch, Missing, ReadAt, Resident, Statistics};
use crate::error::Error;
use crate::field::convert::wide;
use crate::limits::{Limits, check};

/// A file that is read in rounds.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) resident: Resident,
    pub(super) fetch: Fetch,
    pub(super) limits: Limits,
    pub(super) statistics: Statistics,
}

impl Replay {
    pub(super) fn new(resident: Resident, limits: Limits) -> Self {
        Self { resident, fetch: Fetch::default(), limits, statistics: Statistics::default() }
    }

    /// The start of the file, if nothing has been asked for and nothing supplied.
    pub(super) fn first(&self) -> Option<Range<u64>> {
        let is_new = self.statistics.rounds == 0 && self.statistics.bytes == 0;
        let end = self.fetch.first.min(self.resident.size());
        (is_new && end > 0).then_some(0..end)
    }

    /// What to fetch of the start of the file.
    pub(super) fn begin(&mut self, first: Range<u64>) -> Result<Vec<Range<u64>>, Error> {
        self.counted(self.fetch.split(&first))
    }

    /// What to fetch for a walk that misses bytes.
    pub(super) fn round(&mut self, missing: &Missing) -> Result<Vec<Range<u64>>, Error> {
        self.counted(self.fetch.plan(&self.resident, missing))
    }

    /// Notes a round.
    pub(super) fn count(&mut self, ranges: &[Range<u64>]) {
        self.statistics.rounds = self.statistics.rounds.saturating_add(1);
        self.statistics.requests = self.statistics.requests.saturating_add(wide(ranges.len()));
    }

    fn counted(&mut self, ranges: Vec<Range<u64>>) -> Result<Vec<Range<u64>>, Error> {
        self.count(&ranges);
        check("rounds", self.statistics.rounds, self.limits.rounds)?;
        Ok(ranges)
    }

    pub(super) fn supply(&mut self, at: u64, bytes: &Bytes) -> Result<(), Error> {
        let kept = self.resident.supply(at, bytes)?;
        self.statistics.bytes = self.statistics.bytes.saturating_add(kept);
        check("metadata_bytes", self.statistics.bytes, self.limits.metadata_bytes)?;
        Ok(())
    }
}
