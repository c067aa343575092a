//! The framing of the filters LZ4 and bitshuffle: a header, then blocks with their sizes before them, all numbers big-endian.

use crate::error::Problem;
use crate::field::convert::narrow;

/// What is left of a chunk; `what` it is, errors say.
pub(crate) struct Framed<'a> {
    bytes: &'a [u8],
    what: &'static str,
}

impl<'a> Framed<'a> {
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, what }
    }

    /// The number of bytes of the whole chunk, decoded, at most `most`.
    pub(crate) fn total(&mut self, most: u64) -> Result<u64, Problem> {
        let (total, rest) = self.bytes.split_first_chunk().ok_or(self.wrong())?;
        self.bytes = rest;
        Some(u64::from_be_bytes(*total)).filter(|total| *total <= most).ok_or(self.wrong())
    }

    /// A size of a block.
    pub(crate) fn size(&mut self) -> Result<u32, Problem> {
        let (size, rest) = self.bytes.split_first_chunk().ok_or(self.wrong())?;
        self.bytes = rest;
        Ok(u32::from_be_bytes(*size))
    }

    /// The next block, as it is stored.
    pub(crate) fn block(&mut self) -> Result<&'a [u8], Problem> {
        let size = self.size()?;
        self.take(size.into())
    }

    /// The next bytes.
    pub(crate) fn take(&mut self, size: u64) -> Result<&'a [u8], Problem> {
        let (taken, rest) = self.bytes.split_at_checked(narrow(size)).ok_or(self.wrong())?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn wrong(&self) -> Problem {
        Problem::Decode(self.what)
    }
}
