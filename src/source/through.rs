//! A file that references name, read in rounds through the sources that may read it.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::replay::Replay;
use super::secrets::without_secrets;
use super::sources::exact;
use super::{Fetch, Halt, ReadAt, Resident, Sources, State, Statistics};
use crate::error::Error;
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
        let read = read?;
        // Another reader of the same sources may have found that it is another file now.
        if let Some(what) = self.state.changed(&self.sources.state(&self.url)?) {
            return Err(Error::Changed { url: without_secrets(&self.url), what });
        }
        exact(&without_secrets(&self.url), ranges, read)
    }
}

impl std::fmt::Debug for Through {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} bytes", without_secrets(&self.url), self.state.size)
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
        reading.replay.count(&missing);
        let statistics = &mut reading.replay.statistics;
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

#[cfg(test)]
mod tests {
    #![expect(clippy::single_range_in_vec_init, reason = "one range is read")]

    use super::*;

    /// A file that is another one each time that it is asked about.
    #[derive(Default)]
    struct Changes(Mutex<u32>);

    impl Sources for Changes {
        fn state(&self, _url: &str) -> Result<State, Error> {
            let mut n = self.0.lock().unwrap();
            *n += 1;
            Ok(State { size: 9, modified: None, etag: Some(n.to_string()) })
        }

        fn read(&self, _url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
            Ok(ranges.iter().map(|range| vec![0; crate::convert::narrow(range.end - range.start)].into()).collect())
        }
    }

    #[test]
    fn a_file_that_others_found_to_be_another_is_not_read_on_and_no_signature_is_told() {
        let fetch = Fetch { first: 2, ..Fetch::default() };
        let through = Through::new(Arc::new(Changes::default()), "https://h/f?sig=canary".to_owned(), fetch).unwrap();
        assert_eq!(format!("{through:?}"), "https://h/f?.. of 9 bytes");
        let Err(Halt::Error(error)) = through.read(&[4..5]) else { panic!("it is read") };
        assert_eq!(error.to_string(), "https://h/f?.. has changed since it was first read: its ETag is 2 and was 1");
    }
}
