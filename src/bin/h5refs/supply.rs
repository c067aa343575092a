//! Bytes that a combination needs, from the files that may be read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use h5refs::combine::{Need, Supply};
use h5refs::error::LimitError;
use h5refs::{Bytes, Error, LocalSources, Sources};

use crate::location::Location;
use crate::remote::Remote;

/// Files that may be read.
pub(crate) struct Files {
    sources: Vec<Arc<dyn Sources>>,
    /// Bytes of whole files that are read at once, at most: references do not tell how long these are.
    most: u64,
}

impl Files {
    /// Those under some prefixes, which are folders and URLs; where none is named, all local files and the URLs that are inputs.
    pub(crate) fn new(allow: &[Location], remote: [&Remote; 2], most: u64) -> Result<Self, String> {
        let everywhere = [Location::Path(std::path::MAIN_SEPARATOR_STR.into())];
        let allow = if allow.is_empty() { &everywhere } else { allow };
        let local = allow.iter().filter_map(Location::path).try_fold(LocalSources::new(), LocalSources::allow);
        let mut all: Vec<Arc<dyn Sources>> = vec![Arc::new(local.map_err(|error| error.to_string())?)];
        all.extend(remote.into_iter().filter_map(Remote::sources));
        Ok(Self { sources: all, most })
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
}

impl Supply for Files {
    /// Reads file by file, all ranges of each together.
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
        for (read, (places, _)) in self.sources.read_many(&wanted).into_iter().zip(files.values()) {
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
