//! Bytes that a combination needs, from the files that may be read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use h5refs::combine::{Need, Supply};
use h5refs::error::LimitError;
use h5refs::reference::Recorded;
use h5refs::store::states_as_recorded;
use h5refs::{Bytes, Error, LocalSources, ReferenceSet, Sources};

use crate::location::Location;
use crate::remote::Remote;

/// What inputs tell of the files that they lead to.
#[derive(Default)]
pub(crate) struct Told {
    recorded: BTreeMap<String, Recorded>,
    /// Files of which they tell different things, which is for the check `source`.
    disputed: BTreeSet<String>,
}

impl Told {
    pub(crate) fn add(&mut self, set: &ReferenceSet) {
        for (url, state) in &set.recorded {
            if self.recorded.get(url).is_some_and(|was| was != state) {
                self.disputed.insert(url.clone());
            }
            self.recorded.insert(url.clone(), state.clone());
        }
    }

    /// What all that tell anything of a file agree on.
    fn agreed(mut self) -> BTreeMap<String, Recorded> {
        self.recorded.retain(|url, _| !self.disputed.contains(url));
        self.recorded
    }
}

/// Files that may be read.
pub(crate) struct Files {
    sources: Vec<Arc<dyn Sources>>,
    /// Bytes of whole files that are read at once, at most: references do not tell how long these are.
    most: u64,
    /// What files were when the references to them were made.
    recorded: BTreeMap<String, Recorded>,
}

impl Files {
    /// Those under some prefixes, which are folders and URLs; where none is named, all local files and the URLs that are inputs.
    pub(crate) fn new(allow: &[Location], remote: [&Remote; 2], most: u64, told: Told) -> Result<Self, String> {
        let everywhere = [Location::Path(std::path::MAIN_SEPARATOR_STR.into())];
        let allow = if allow.is_empty() { &everywhere } else { allow };
        let local = allow.iter().filter_map(Location::path).try_fold(LocalSources::new(), LocalSources::allow);
        let mut all: Vec<Arc<dyn Sources>> = vec![Arc::new(local.map_err(|error| error.to_string())?)];
        all.extend(remote.into_iter().filter_map(Remote::sources));
        Ok(Self { sources: all, most, recorded: told.agreed() })
    }

    /// The range of each need; of a whole file it is as long as that is now.
    fn ranges(&self, needs: &[Need]) -> Vec<Result<Range<u64>, Error>> {
        let whole: Vec<&str> = needs.iter().filter(|need| need.range.is_none()).map(|need| need.url.as_str()).collect();
        let mut sizes = self.sources.states(&whole).into_iter();
        let gone = |need: &Need| Error::NotFound { path: need.url.clone() };
        let mut total = 0_u64;
        let mut whole = |size: u64| {
            total = total.saturating_add(size);
            let error = LimitError { which: "read_bytes", limit: self.most, value: total };
            if total > self.most { Err(error.into()) } else { Ok(0..size) }
        };
        let range = |need: &Need| match &need.range {
            Some(range) => Ok(range.clone()),
            None => sizes.next().unwrap_or_else(|| Err(gone(need))).and_then(|state| whole(state.size)),
        };
        needs.iter().map(range).collect()
    }

    /// Why files are refused that are not what they were.
    fn changed<'u>(&self, urls: impl Iterator<Item = &'u str>) -> BTreeMap<&'u str, Error> {
        let urls: Vec<&str> = urls.filter(|url| self.recorded.contains_key(*url)).collect();
        let states = states_as_recorded(&self.recorded, &urls, &self.sources);
        let changed = urls.into_iter().zip(states).filter_map(|(url, state)| match state {
            Err(error @ Error::Changed { .. }) => Some((url, error)),
            _ => None,
        });
        changed.collect()
    }
}

impl Supply for Files {
    /// Reads file by file, all ranges of each together. What is read of a file that is not what it was, or is not any more when all is
    /// read, is an error.
    fn supply(&self, needs: &[Need]) -> Vec<Result<Bytes, Error>> {
        let ranges = self.ranges(needs);
        let mut files: BTreeMap<&str, (Vec<usize>, Vec<Range<u64>>)> = BTreeMap::new();
        for (at, (need, range)) in needs.iter().zip(&ranges).enumerate() {
            if let Ok(range) = range {
                let (places, ranges) = files.entry(need.url.as_str()).or_default();
                places.push(at);
                ranges.push(range.clone());
            }
        }
        let mut answers: Vec<Result<Bytes, Error>> =
            ranges.into_iter().map(|range| range.map(|_| Bytes::new())).collect();
        let wanted: Vec<(&str, &[Range<u64>])> =
            files.iter().map(|(url, (_, ranges))| (*url, ranges.as_slice())).collect();
        let read = self.sources.read_many(&wanted);
        let changed = self.changed(files.keys().copied());
        for (read, (url, (places, _))) in read.into_iter().zip(&files) {
            let read = changed.get(url).map_or(read, |error| Err(error.clone()));
            let mut bytes = read.map(Vec::into_iter);
            for at in places {
                if let Some(answer) = answers.get_mut(*at) {
                    *answer = match &mut bytes {
                        Ok(bytes) => Ok(bytes.next().unwrap_or_default()),
                        Err(error) => Err(error.clone()),
                    };
                }
            }
        }
        answers
    }
}
