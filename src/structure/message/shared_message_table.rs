//! Shared Message Table message ([IV.A.2.p]).

use nom::number::complete::le_u8;

use crate::field::sizes::version;
use crate::field::{Address, Parsed, Sizes, Span};

/// Where a file's table of shared messages lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableLocation {
    pub(crate) table: Address,
    pub(crate) indexes: u8,
}

impl TableLocation {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(0..=0, i)?;
        let (i, table) = sizes.defined("shared message table address", i)?;
        let (i, indexes) = le_u8(i)?;
        Ok((i, Self { table, indexes }))
    }
}
