//! The shared object header message table ([III.I]).

use nom::number::complete::{le_u8, le_u16, le_u32};

use super::message::types;
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
        // Old fill values lie with the new ones (`H5SM__type_to_flag`).
        let message_type = if message_type == types::FILL_VALUE_OLD { types::FILL_VALUE } else { message_type };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, sealed, with};

    /// Written by libhdf5 2.0: an index of dataspaces, fill values and filter pipelines, and one of datatypes and attributes.
    const TABLE: [u8; 68] = [
        b'S', b'M', b'T', b'B', // signature
        0,    // version for index 0
        0,    // index type for index 0: list
        0x22, 0x08, // message type flags for index 0
        4, 0, 0, 0, // minimum message size for index 0
        50, 0, // list cutoff for index 0
        40, 0, // B-tree cutoff for index 0
        3, 0, // number of messages for index 0
        0x73, 0x04, 0, 0, 0, 0, 0, 0, // index address for index 0
        0xcd, 0x07, 0, 0, 0, 0, 0, 0, // fractal heap address for index 0
        0, // version for index 1
        0, // index type for index 1
        0x08, 0x10, // message type flags for index 1
        10, 0, 0, 0, // minimum message size for index 1
        50, 0, // list cutoff for index 1
        40, 0, // B-tree cutoff for index 1
        1, 0, // number of messages for index 1
        0x5f, 0x08, 0, 0, 0, 0, 0, 0, // index address for index 1
        0xb9, 0x0b, 0, 0, 0, 0, 0, 0, // fractal heap address for index 1
        0x79, 0x5e, 0xc3, 0xc5, // checksum
    ];

    fn parse(bytes: &[u8]) -> Result<SharedMessageTable, Error> {
        crate::structure::parse(Structure::SharedMessageTable, Span::new(bytes, AT), |i| {
            SharedMessageTable::parse(Sizes::EIGHT, 2, i)
        })
    }

    #[test]
    fn each_index_has_its_message_types_and_its_heap() {
        let indexes = vec![
            Index { message_types: 0x0822, heap: Some(Address(0x7cd)) },
            Index { message_types: 0x1008, heap: Some(Address(0xbb9)) },
        ];
        assert_eq!(parse(&TABLE).unwrap(), SharedMessageTable { indexes });
        assert_eq!(SharedMessageTable::size(Sizes::EIGHT, 2), 68);
    }

    #[test]
    fn a_heap_is_found_by_message_type() {
        let table = parse(&TABLE).unwrap();
        assert_eq!(table.heap(types::FILTER_PIPELINE), Ok(Address(0x7cd)));
        assert_eq!(table.heap(types::ATTRIBUTE), Ok(Address(0xbb9)));
        let missing = Err(Problem::Missing("heap of the message's type"));
        assert_eq!(table.heap(types::LINK), missing);
        assert_eq!(table.heap(u16::MAX), missing);
        let without_heap = parse(&sealed(&with(&TABLE[..64], 26, &[0xff; 8]))).unwrap();
        assert_eq!(without_heap.heap(types::DATASPACE), missing);
    }

    /// libhdf5 2.0 shares old fill value messages too, in the heap of the new ones (`H5SM__type_to_flag`).
    #[test]
    fn old_fill_values_lie_in_the_heap_of_the_new_ones() {
        assert_eq!(parse(&TABLE).unwrap().heap(types::FILL_VALUE_OLD), Ok(Address(0x7cd)));
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(parse(&with(&TABLE, at, others)));
        assert_eq!(told(0, b"T"), "shared object header message table at 0x60: signature is not \"SMTB\" (at 0x60)");
        assert_eq!(told(34, &[1]), "shared object header message table at 0x60: version is 1 (at 0x82)");
        assert_eq!(
            told(64, &[0x78]),
            "shared object header message table at 0x60: checksum is 0xc5c35e78, computed 0xc5c35e79 (at 0xa0)"
        );
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&TABLE, parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&TABLE[..64], |bytes| drop(parse(&sealed(bytes))));
    }
}
