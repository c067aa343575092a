//! A file that references name, read in rounds through the sources that may read it.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::replay::Replay;
use super::sources::exact;
use super::{Fetch, Halt, ReadAt, Resident, Sources, State, Statistics};
use crate::error::Error;
use crate::field::convert::wide;
use crate::limits::Limits;

/// One file of some sources.
pub(super) struct Through {
    sources: Arc<dyn Sources>,
    url: String,
    state: State,
    reading: Mutex<Reading>,
}

/// What was read of it.
struct Reading {
    replay: Replay,
    waited: Duration,
}

impl Through {
    /// The file, its first bytes read together with its size.
    pub(super) fn new(sources: Arc<dyn Sources>, url: String, fetch: Fetch) -> Result<Self, Error> {
        let start = Instant::now();
        let first = || {
            if fetch.first > 0 { sources.first(&url, fetch.first) } else { Ok((sources.state(&url)?, Bytes::new())) }
        };
        let (state, bytes) = first()?;
        let mut replay = Replay::new(Resident::new(state.size), Limits::default());
        replay.fetch = fetch;
        replay.supply(0, &bytes)?;
        (replay.statistics.rounds, replay.statistics.requests) = (1, 1);
        let reading = Mutex::new(Reading { replay, waited: start.elapsed() });
        Ok(Self { sources, url, state, reading })
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn statistics(&self) -> Statistics {
        self.reading().replay.statistics
    }

    /// How long bytes were waited for.
    pub(super) fn waited(&self) -> Duration {
        self.reading().waited
    }

    /// Runs a walk again and again, until it misses nothing: each time what it misses is fetched together.
    pub(super) fn replay<T>(&self, limits: Limits, walk: impl Fn(&dyn ReadAt) -> Result<T, Halt>) -> Result<T, Error> {
        self.reading().replay.limits = limits;
        loop {
            // A walk may be run within a walk.
            let resident = self.reading().replay.resident.clone();
            match walk(&resident) {
                Ok(value) => return Ok(value),
                Err(Halt::Error(error)) => return Err(error),
                Err(Halt::Missing(missing)) => {
                    self.reading().replay.resident.is_paged(resident.page().unwrap_or(0));
                    let ranges = self.reading().replay.round(&missing)?;
                    for (range, bytes) in ranges.iter().zip(self.fetch(&ranges)?) {
                        self.reading().replay.supply(range.start, &bytes)?;
                    }
                }
            }
        }
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetch(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        let start = Instant::now();
        let read = self.sources.read(&self.url, ranges);
        let mut reading = self.reading();
        reading.waited = reading.waited.saturating_add(start.elapsed());
        drop(reading);
        exact(&self.url, ranges, read?)
    }
}

impl std::fmt::Debug for Through {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} bytes", self.url, self.state.size)
    }
}

/// Reads at once what no walk has read before. Elements go through here, which nobody reads twice: they are not kept.
impl ReadAt for Through {
    fn size(&self) -> u64 {
        self.state.size
    }

    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Halt> {
        let mut reading = self.reading();
        let resident = &reading.replay.resident;
        let missing: Vec<Range<u64>> =
            ranges.iter().filter(|range| !resident.holes(range).is_empty()).cloned().collect();
        if missing.is_empty() {
            return resident.read(ranges);
        }
        let resident = resident.clone();
        let statistics = &mut reading.replay.statistics;
        statistics.rounds = statistics.rounds.saturating_add(1);
        statistics.requests = statistics.requests.saturating_add(wide(missing.len()));
        let bytes = missing.iter().map(|range| range.end.saturating_sub(range.start)).fold(0, u64::saturating_add);
        statistics.bytes = statistics.bytes.saturating_add(bytes);
        drop(reading);
        let mut fetched = self.fetch(&missing)?.into_iter();
        let one = |range: &Range<u64>| {
            if resident.holes(range).is_empty() {
                Ok(resident.read(std::slice::from_ref(range))?.pop().unwrap_or_default())
            } else {
                Ok(fetched.next().unwrap_or_default())
            }
        };
        ranges.iter().map(one).collect()
    }

    fn together(&self) -> u64 {
        1 << 20
    }
}
