//! Data Storage - External Data Files message ([IV.A.2.h]).

use nom::Parser;
use nom::multi::count;
use nom::number::complete::le_u16;

use crate::error::Problem;
use crate::field::sizes::{length_of, version};
use crate::field::{Address, Parsed, Sizes, Span, skip};

/// The files that hold a contiguous dataset's raw data, one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExternalFiles {
    /// The local heap of the files' names.
    pub(crate) heap: Address,
    pub(crate) slots: Vec<Slot>,
}

/// One file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Offset of the name in the local heap.
    pub(crate) name_offset: u64,
    /// Offset of the data in the file.
    pub(crate) offset: u64,
    /// Bytes of data in the file; `None` is unlimited.
    pub(crate) size: Option<u64>,
}

impl ExternalFiles {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(1..=1, i)?;
        let (i, ()) = skip(3, i)?;
        let (i, _allocated) = le_u16(i)?;
        let (at_heap, used) = le_u16(i)?;
        let (rest, heap) = sizes.defined("heap address", at_heap)?;
        let least = sizes.lengths.bytes().saturating_mul(3).saturating_mul(used.into());
        if length_of(&rest) < least {
            return i.fail(Problem::Value { field: "used slots", value: used.into() });
        }
        let slot = |i| {
            let (i, name_offset) = sizes.length(i)?;
            let (i, offset) = sizes.length(i)?;
            let (i, size) = sizes.unlimited(i)?;
            Ok((i, Slot { name_offset, offset, size }))
        };
        let (i, slots) = count(slot, used.into()).parse(rest)?;
        Ok((i, Self { heap, slots }))
    }
}
