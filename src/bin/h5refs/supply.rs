//! Bytes that a combination needs, from local files.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use h5refs::combine::{Need, Supply};
use h5refs::{Bytes, Error, LocalSources, Sources};

/// Local files.
pub(crate) struct Local(LocalSources);

impl Local {
    /// Files under some folders; all files where none is named.
    pub(crate) fn new(allow: &[PathBuf]) -> Result<Self, String> {
        let mut sources = LocalSources::new();
        let everywhere = [PathBuf::from(std::path::MAIN_SEPARATOR_STR)];
        for folder in if allow.is_empty() { &everywhere } else { allow } {
            sources = sources.allow(folder).map_err(|error| error.to_string())?;
        }
        Ok(Self(sources))
    }

    /// The range of each need; of a whole file it is as long as that is now.
    fn ranges(&self, needs: &[Need]) -> Vec<Result<Range<u64>, Error>> {
        let range = |need: &Need| match &need.range {
            Some(range) => Ok(range.clone()),
            None => Ok(0..self.0.state(&need.url)?.size),
        };
        needs.iter().map(range).collect()
    }
}

impl Supply for Local {
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
        for (read, (places, _)) in self.0.read_many(&wanted).into_iter().zip(files.values()) {
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
