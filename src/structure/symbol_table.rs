//! Symbol table nodes and entries, the links of old-style groups ([III.B], [III.C]).

use nom::Parser;
use nom::multi::count;
use nom::number::complete::{le_u8, le_u16, le_u32};

use crate::error::Problem;
use crate::field::sizes::sum;
use crate::field::sizes::version;
use crate::field::{Address, Parsed, Sizes, Span, bytes, signature, skip};

/// One link of an old-style group ([III.C]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Offset of the link's name in the group's local heap.
    pub(crate) name_offset: u64,
    pub(crate) object_header: Option<Address>,
    pub(crate) cache: Cache,
}

/// What an entry's scratch-pad space holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cache {
    /// Cache type 0.
    Nothing,
    /// Cache type 1: the B-tree and local heap of the group that is linked.
    Group { btree: Option<Address>, heap: Option<Address> },
    /// Cache type 2: a soft link, whose path is at this offset in the local heap.
    SoftLink { path_offset: u32 },
}

impl Entry {
    /// Bytes of an entry.
    pub(crate) fn size(sizes: Sizes) -> Option<u64> {
        sum(&[sizes.lengths.bytes(), sizes.offsets.bytes(), 24])
    }

    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        // III.C draws an offset; libhdf5 reads Size of Lengths (`H5G__ent_decode`, `H5G_SIZEOF_ENTRY`).
        let (i, name_offset) = sizes.length(i)?;
        let (i, object_header) = sizes.address(i)?;
        let (rest, cache_type) = le_u32(i)?;
        let (rest, ()) = skip(4, rest)?;
        let (rest, scratch) = bytes(16, rest)?;
        let cache = match cache_type {
            0 => Cache::Nothing,
            1 => {
                let (scratch, btree) = sizes.address(scratch)?;
                let (_, heap) = sizes.address(scratch)?;
                Cache::Group { btree, heap }
            }
            2 => Cache::SoftLink { path_offset: le_u32(scratch)?.1 },
            other => return i.value("cache type", other),
        };
        Ok((rest, Self { name_offset, object_header, cache }))
    }
}

/// A leaf of a group's B-tree ([III.B]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) entries: Vec<Entry>,
}

impl Node {
    /// Bytes that libhdf5 allocates for a node: 2K entries.
    pub(crate) fn size(sizes: Sizes, group_leaf_k: u16) -> Option<u64> {
        let entries = Entry::size(sizes)?.checked_mul(u64::from(group_leaf_k).checked_mul(2)?)?;
        sum(&[8, entries])
    }

    /// `group_leaf_k` bounds the number of entries to twice itself.
    pub(crate) fn parse(sizes: Sizes, group_leaf_k: u16, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, ()) = signature("SNOD", i)?;
        let (i, _version) = version(1..=1, i)?;
        let (i, _reserved) = le_u8(i)?;
        let (rest, symbols) = le_u16(i)?;
        if u32::from(symbols) > u32::from(group_leaf_k).saturating_mul(2) {
            return i.fail(Problem::Value { field: "number of symbols", value: symbols.into() });
        }
        let (i, entries) = count(|i| Entry::parse(sizes, i), symbols.into()).parse(rest)?;
        Ok((i, Self { entries }))
    }
}
