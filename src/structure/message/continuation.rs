//! Object Header Continuation message ([IV.A.2.q]).

use crate::field::{Address, Parsed, Sizes, Span};

/// A further block of an object header's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Continuation {
    pub(crate) address: Address,
    /// Bytes of the block; in version 2 with signature and checksum.
    pub(crate) length: u64,
}

impl Continuation {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, address) = sizes.defined("continuation address", i)?;
        let (i, length) = sizes.length(i)?;
        Ok((i, Self { address, length }))
    }
}
