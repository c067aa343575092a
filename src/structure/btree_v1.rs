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
