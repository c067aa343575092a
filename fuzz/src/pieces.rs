//! A file of which any bytes are read in any manner.

use std::ops::Range;

use arbitrary::Arbitrary;
use bytes::Bytes;
use h5refs::{Error, Fetch, Sources, State};

/// How a file is read.
#[derive(Debug, Arbitrary)]
pub struct Pieces {
    first: u16,
    least: u16,
    gap: u16,
    block: u16,
    most: u16,
    /// Offset and length of bytes that are supplied before they are asked for.
    early: Vec<(u16, u16)>,
}

impl Pieces {
    /// The manner of the reads.
    pub fn fetch(&self) -> Fetch {
        Fetch {
            first: self.first.into(),
            least: self.least.into(),
            gap: self.gap.into(),
            block: self.block.into(),
            most: u64::from(self.most) + 1,
        }
    }

    /// What is supplied before it is asked for.
    pub fn early(&self, file: &Bytes) -> impl Iterator<Item = (u64, Bytes)> {
        self.early.iter().filter_map(|(at, length)| {
            let start = usize::from(*at).min(file.len());
            let end = (start + usize::from(*length)).min(file.len());
            (start < end).then(|| (start as u64, file.slice(start..end)))
        })
    }
}

/// One file, whatever it is called.
pub struct Memory(pub Bytes);

impl Sources for Memory {
    fn state(&self, _url: &str) -> Result<State, Error> {
        Ok(State { size: self.0.len() as u64, modified: None, etag: None })
    }

    fn read(&self, _url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        Ok(ranges.iter().map(|range| self.0.slice(range.start as usize..range.end as usize)).collect())
    }
}
