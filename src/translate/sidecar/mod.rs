//! Values that no reference can express as they lie: decoded, and written to a file beside the references as chunks that readers know.

mod array;
mod coding;
mod constants;
mod pass;
mod pieces;

use std::fmt;
use std::io::Write;

pub(crate) use array::{Written, may_hold};
pub(crate) use pass::{Beside, Pass, is_wanted};

use crate::error::Error;

/// A file of chunks that is written beside the references, and named by them like any other file.
///
/// Chunks are only ever appended. Where an array is refused while it is written, what was written of it stays, and nothing refers
/// to it.
pub struct Sidecar<'w> {
    url: String,
    out: &'w mut dyn Write,
    bytes: u64,
    referenced: u64,
}

/// A part of the sidecar file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    offset: u64,
    length: u64,
}

impl<'w> Sidecar<'w> {
    /// A sidecar file that is written to `out`, which is empty, and that references call `url`.
    pub fn new(url: impl Into<String>, out: &'w mut dyn Write) -> Self {
        Self { url: url.into(), out, bytes: 0, referenced: 0 }
    }

    /// Bytes that were written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that references lead to; where there are none the file is not needed.
    pub fn referenced(&self) -> u64 {
        self.referenced
    }

    fn append(&mut self, chunk: &[u8]) -> Result<Place, Error> {
        self.out.write_all(chunk).map_err(|error| Error::io("the sidecar file", error))?;
        let place = Place { offset: self.bytes, length: u64::try_from(chunk.len()).unwrap_or(u64::MAX) };
        self.bytes = place.offset.saturating_add(place.length);
        Ok(place)
    }
}

impl fmt::Debug for Sidecar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sidecar").field("url", &self.url).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
