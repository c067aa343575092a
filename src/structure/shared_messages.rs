//! The shared object header message table ([III.I]).

use nom::number::complete::{le_u8, le_u16, le_u32};

use crate::error::Problem;
use crate::field::checksum::checksum;
use crate::field::sizes::version;
use crate::field::{Address, Parsed, Sizes, Span, signature};

/// The indexes of a file's shared messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SharedMessageTable {
    pub(crate) indexes: Vec<Index>,
}

/// One index: which message types it holds, and the heap where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Index {
    /// Bit n set: messages of type n.
    pub(crate) message_types: u16,
    pub(crate) heap: Option<Address>,
}

impl SharedMessageTable {
    /// Bytes of a table of `indexes` indexes.
    pub(crate) fn size(sizes: Sizes, indexes: u8) -> u64 {
        let index = sizes.offsets.bytes().saturating_mul(2).saturating_add(14);
        index.saturating_mul(indexes.into()).saturating_add(8)
    }

    /// `indexes` is what the Shared Message Table message says.
    pub(crate) fn parse(sizes: Sizes, indexes: u8, i: Span<'_>) -> Parsed<'_, Self> {
        let start = i;
        let (mut i, ()) = signature("SMTB", i)?;
        let mut table = Vec::with_capacity(indexes.into());
        for _ in 0..indexes {
            let (rest, index) = Index::parse(sizes, i)?;
            table.push(index);
            i = rest;
        }
        let (rest, ()) = checksum(start.until(&i), i)?;
        Ok((rest, Self { indexes: table }))
    }

    /// The heap of messages of type `message_type`.
    pub(crate) fn heap(&self, message_type: u16) -> Result<Address, Problem> {
        let bit = 1_u16.checked_shl(message_type.into()).unwrap_or(0);
        let index = self.indexes.iter().find(|index| index.message_types & bit != 0);
        index.and_then(|index| index.heap).ok_or(Problem::Missing("heap of the message's type"))
    }
}

impl Index {
    fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(0..=0, i)?;
        let (i, _index_type) = le_u8(i)?;
        let (i, message_types) = le_u16(i)?;
        let (i, _minimum_size) = le_u32(i)?;
        let (i, _list_cutoff) = le_u16(i)?;
        let (i, _btree_cutoff) = le_u16(i)?;
        let (i, _messages) = le_u16(i)?;
        let (i, _index) = sizes.address(i)?;
        let (i, heap) = sizes.address(i)?;
        Ok((i, Self { message_types, heap }))
    }
}
