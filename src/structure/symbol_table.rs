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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Written by libhdf5 2.0 with offsets of 4 bytes and lengths of 8: a dataset, a group and a soft link.
    const NODE: [u8; 116] = [
        b'S', b'N', b'O', b'D', // signature
        1,    // version number
        0,    // reserved
        3, 0, // number of symbols
        0x20, 0, 0, 0, 0, 0, 0, 0, // entry 0: link name offset
        0xe4, 0x05, 0, 0, // object header address
        0, 0, 0, 0, // cache type: nothing
        0, 0, 0, 0, // reserved
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // scratch-pad space
        0x08, 0, 0, 0, 0, 0, 0, 0, // entry 1: link name offset
        0x84, 0x02, 0, 0, // object header address
        1, 0, 0, 0, // cache type: group
        0, 0, 0, 0, // reserved
        0xac, 0x02, 0, 0, // scratch-pad space: address of B-tree
        0x44, 0x04, 0, 0, // address of name heap
        0, 0, 0, 0, 0, 0, 0, 0, // unused
        0x10, 0, 0, 0, 0, 0, 0, 0, // entry 2: link name offset
        0xff, 0xff, 0xff, 0xff, // object header address: undefined
        2, 0, 0, 0, // cache type: soft link
        0, 0, 0, 0, // reserved
        0x18, 0, 0, 0, // scratch-pad space: offset to link value
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // unused
    ];

    const SIZES: Sizes = Sizes { offsets: Width::Four, lengths: Width::Eight };

    fn parse(bytes: &[u8]) -> Result<Node, Error> {
        crate::structure::parse(Structure::SymbolTableNode, Span::new(bytes, AT), |i| Node::parse(SIZES, 2, i))
    }

    #[test]
    fn entries_tell_objects_groups_and_soft_links_apart() {
        let group = Cache::Group { btree: Some(Address(0x2ac)), heap: Some(Address(0x444)) };
        let entries = vec![
            Entry { name_offset: 0x20, object_header: Some(Address(0x5e4)), cache: Cache::Nothing },
            Entry { name_offset: 8, object_header: Some(Address(0x284)), cache: group },
            Entry { name_offset: 0x10, object_header: None, cache: Cache::SoftLink { path_offset: 0x18 } },
        ];
        assert_eq!(parse(&NODE).unwrap(), Node { entries });
    }

    #[test]
    fn a_node_has_room_for_2k_entries() {
        assert_eq!(Node::size(SIZES, 2), Some(8 + 4 * 36));
        assert_eq!(Node::size(Sizes::EIGHT, 4), Some(8 + 8 * 40));
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(parse(&with(&NODE, at, others)));
        assert_eq!(told(3, b"E"), "symbol table node at 0x60: signature is not \"SNOD\" (at 0x60)");
        assert_eq!(told(4, &[2]), "symbol table node at 0x60: version is 2 (at 0x64)");
        assert_eq!(told(6, &[5, 0]), "symbol table node at 0x60: number of symbols is 5 (at 0x66)");
        assert_eq!(told(20, &[3]), "symbol table node at 0x60: cache type is 3 (at 0x74)");
    }

    /// Two addresses of 16 bytes do not fit in the scratch-pad space; libhdf5 2.0 cannot open its own file of that kind.
    #[test]
    fn addresses_wider_than_the_scratch_pad_are_refused() {
        let sizes = Sizes { offsets: Width::Sixteen, lengths: Width::Eight };
        let mut bytes = [0; 48];
        bytes[24] = 1; // cache type: group
        let parsed = crate::structure::parse(Structure::Superblock, Span::new(&bytes, AT), |i| Entry::parse(sizes, i));
        assert_eq!(message_of(parsed), "superblock at 0x60: the bytes end inside the structure (at 0x90)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&NODE, parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&NODE, |bytes| drop(parse(bytes)));
    }
}
