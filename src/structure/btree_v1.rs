//! Version 1 B-trees: old-style groups and chunks of layout versions 1 to 3 ([III.A.1]).

use nom::Parser;
use nom::multi::count;
use nom::number::complete::{le_u8, le_u16, le_u32, le_u64};

use crate::error::Problem;
use crate::field::convert::{narrow, wide};
use crate::field::sizes::sum;
use crate::field::{Address, Parsed, Sizes, Span, signature};

/// A node of a group's B-tree: the children, which are symbol table nodes at level 0. Keys are not needed to list a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupNode {
    pub(crate) level: u8,
    pub(crate) children: Vec<Address>,
}

/// A node of a chunk B-tree, in columns: `entries[n]` has the offsets `offsets[n * rank ..][.. rank]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChunkNode {
    pub(crate) level: u8,
    pub(crate) entries: Vec<ChunkEntry>,
    /// Offsets of each entry's first element in the dataset, in elements; the trailing one, in the element, is dropped.
    pub(crate) offsets: Vec<u64>,
}

/// One child of a chunk B-tree's node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkEntry {
    /// Bytes of the chunk in the file, after the filters.
    pub(crate) size: u32,
    /// Bit i set: filter i was skipped.
    pub(crate) filter_mask: u32,
    /// The chunk at level 0, else a node.
    pub(crate) child: Address,
}

impl GroupNode {
    /// Bytes that libhdf5 allocates for a node.
    pub(crate) fn size(sizes: Sizes, k: u16) -> Option<u64> {
        node_size(sizes, k, sizes.lengths.bytes())
    }

    /// `k` bounds the number of children to twice itself.
    pub(crate) fn parse(sizes: Sizes, k: u16, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, Prefix { level, entries_used }) = Prefix::parse(sizes, 0, k, i)?;
        let entry = |i| {
            let (i, _key) = sizes.length(i)?;
            sizes.defined("child address", i)
        };
        let (i, children) = count(entry, entries_used.into()).parse(i)?;
        Ok((i, Self { level, children }))
    }
}

impl ChunkNode {
    /// Bytes that libhdf5 allocates for a node.
    pub(crate) fn size(sizes: Sizes, k: u16, rank: usize) -> Option<u64> {
        let key = wide(rank).checked_add(2)?.checked_mul(8)?;
        node_size(sizes, k, key)
    }

    /// Bytes of the beginning of a node that hold as many entries as there are; no more than the node has.
    pub(crate) fn size_of_entries(sizes: Sizes, k: u16, rank: usize, entries: u64) -> Option<u64> {
        let address = sizes.offsets.bytes();
        let pair = wide(rank).checked_add(2)?.checked_mul(8)?.checked_add(address)?;
        let used = sum(&[8, address, address, pair.checked_mul(entries)?]);
        let all = Self::size(sizes, k, rank)?;
        Some(used.map_or(all, |used| used.min(all)))
    }

    /// The number of entries that a node says it has.
    pub(crate) fn entries_used(sizes: Sizes, k: u16, i: Span<'_>) -> Parsed<'_, u64> {
        let (i, prefix) = Prefix::parse(sizes, 1, k, i)?;
        Ok((i, prefix.entries_used.into()))
    }

    /// `rank` is that of the dataset: each key carries one offset more, always zero.
    pub(crate) fn parse(sizes: Sizes, k: u16, rank: usize, i: Span<'_>) -> Parsed<'_, Self> {
        let (mut i, Prefix { level, entries_used }) = Prefix::parse(sizes, 1, k, i)?;
        let mut entries = Vec::with_capacity(entries_used.into());
        let mut offsets = Vec::with_capacity(narrow(wide(rank).saturating_mul(entries_used.into())));
        for _ in 0..entries_used {
            let (rest, size) = le_u32(i)?;
            let (rest, filter_mask) = le_u32(rest)?;
            let mut rest = rest;
            for _ in 0..rank {
                let (after, offset) = le_u64(rest)?;
                offsets.push(offset);
                rest = after;
            }
            let (after, offset_in_element) = le_u64(rest)?;
            if offset_in_element != 0 {
                return rest.value("offset in the element", offset_in_element);
            }
            let (rest, child) = sizes.defined("child address", after)?;
            entries.push(ChunkEntry { size, filter_mask, child });
            i = rest;
        }
        Ok((i, Self { level, entries, offsets }))
    }
}

/// What both kinds of node begin with.
struct Prefix {
    level: u8,
    entries_used: u16,
}

impl Prefix {
    fn parse(sizes: Sizes, node_type: u8, k: u16, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, ()) = signature("TREE", i)?;
        let (rest, found) = le_u8(i)?;
        if found != node_type {
            return i.value("node type", found);
        }
        let (i, level) = le_u8(rest)?;
        let (rest, entries_used) = le_u16(i)?;
        if u32::from(entries_used) > u32::from(k).saturating_mul(2) {
            return i.fail(Problem::Value { field: "entries used", value: entries_used.into() });
        }
        let (i, _left_sibling) = sizes.address(rest)?;
        let (i, _right_sibling) = sizes.address(i)?;
        Ok((i, Self { level, entries_used }))
    }
}

/// 8 bytes, two siblings, 2K children and 2K + 1 keys.
fn node_size(sizes: Sizes, k: u16, key: u64) -> Option<u64> {
    let pairs = u64::from(k).checked_mul(2)?;
    let address = sizes.offsets.bytes();
    let children = address.checked_mul(pairs)?;
    let keys = key.checked_mul(pairs.checked_add(1)?)?;
    sum(&[8, address, address, children, keys])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// A node of a group's B-tree, with offsets of 4 bytes and lengths of 8.
    const GROUP: [u8; 48] = [
        b'T', b'R', b'E', b'E', // signature
        0,    // node type: group nodes
        1,    // node level
        2, 0, // entries used
        0xff, 0xff, 0xff, 0xff, // address of left sibling: undefined
        0x00, 0x09, 0, 0, // address of right sibling
        0, 0, 0, 0, 0, 0, 0, 0, // key 0: offset into local heap
        0x30, 0x04, 0, 0, // address of child 0
        8, 0, 0, 0, 0, 0, 0, 0, // key 1
        0x40, 0x05, 0, 0, // address of child 1
        16, 0, 0, 0, 0, 0, 0, 0, // key 2
    ];

    /// The used part of a node of 2 x 3 chunks, as libhdf5 2.0 writes it.
    const CHUNKS: [u8; 104] = [
        b'T', b'R', b'E', b'E', // signature
        1,    // node type: raw data chunks
        0,    // node level
        2, 0, // entries used
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // address of left sibling: undefined
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // address of right sibling: undefined
        12, 0, 0, 0, // key 0: size of chunk
        0, 0, 0, 0, // filter mask
        0, 0, 0, 0, 0, 0, 0, 0, // chunk offset in dimension 0
        3, 0, 0, 0, 0, 0, 0, 0, // chunk offset in dimension 1
        0, 0, 0, 0, 0, 0, 0, 0, // offset in the element
        0xbc, 0x0f, 0, 0, 0, 0, 0, 0, // address of child 0
        12, 0, 0, 0, // key 1: size of chunk
        1, 0, 0, 0, // filter mask
        2, 0, 0, 0, 0, 0, 0, 0, // chunk offset in dimension 0
        3, 0, 0, 0, 0, 0, 0, 0, // chunk offset in dimension 1
        0, 0, 0, 0, 0, 0, 0, 0, // offset in the element
        0xc8, 0x0f, 0, 0, 0, 0, 0, 0, // address of child 1
    ];

    const SIZES: Sizes = Sizes { offsets: Width::Four, lengths: Width::Eight };

    fn group(bytes: &[u8]) -> Result<GroupNode, Error> {
        crate::structure::parse(Structure::BtreeV1, Span::new(bytes, AT), |i| GroupNode::parse(SIZES, 1, i))
    }

    fn chunks(bytes: &[u8]) -> Result<ChunkNode, Error> {
        crate::structure::parse(Structure::BtreeV1, Span::new(bytes, AT), |i| ChunkNode::parse(Sizes::EIGHT, 1, 2, i))
    }

    #[test]
    fn a_group_node_has_children_between_keys() {
        assert_eq!(group(&GROUP).unwrap(), GroupNode { level: 1, children: vec![Address(0x430), Address(0x540)] });
    }

    #[test]
    fn a_chunk_node_has_an_offset_for_each_dimension() {
        let first = ChunkEntry { size: 12, filter_mask: 0, child: Address(0xfbc) };
        let second = ChunkEntry { size: 12, filter_mask: 1, child: Address(0xfc8) };
        let node = ChunkNode { level: 0, entries: vec![first, second], offsets: vec![0, 3, 2, 3] };
        assert_eq!(chunks(&CHUNKS).unwrap(), node);
    }

    /// libhdf5 2.0 keeps these many bytes for the nodes of a file with the default widths.
    #[test]
    fn a_node_has_room_for_2k_children() {
        assert_eq!(GroupNode::size(Sizes::EIGHT, 16), Some(544));
        assert_eq!(ChunkNode::size(Sizes::EIGHT, 32, 1), Some(24 + 64 * 8 + 65 * 24));
        assert_eq!(ChunkNode::size(Sizes::EIGHT, 32, usize::MAX), None);
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(group(&with(&GROUP, at, others)));
        assert_eq!(told(0, b"F"), "version 1 B-tree node at 0x60: signature is not \"TREE\" (at 0x60)");
        assert_eq!(told(4, &[1]), "version 1 B-tree node at 0x60: node type is 1 (at 0x64)");
        assert_eq!(told(6, &[3]), "version 1 B-tree node at 0x60: entries used is 3 (at 0x66)");
        assert_eq!(told(36, &[0xff; 4]), "version 1 B-tree node at 0x60: child address is undefined (at 0x84)");
        let told = |at, others: &[u8]| message_of(chunks(&with(&CHUNKS, at, others)));
        assert_eq!(told(4, &[0]), "version 1 B-tree node at 0x60: node type is 0 (at 0x64)");
        assert_eq!(told(48, &[7]), "version 1 B-tree node at 0x60: offset in the element is 7 (at 0x90)");
        assert_eq!(told(56, &[0xff; 8]), "version 1 B-tree node at 0x60: child address is undefined (at 0x98)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        // The last key bounds the last child and is not needed: a node may end before it.
        every_prefix_fails(&GROUP[..40], group);
        every_prefix_fails(&CHUNKS, chunks);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&GROUP, |bytes| drop(group(bytes)));
        never_panics(&CHUNKS, |bytes| drop(chunks(bytes)));
    }
}
