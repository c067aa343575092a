//! The superblock ([II.A]).

use nom::number::complete::{le_u8, le_u16, le_u32};

use super::symbol_table::Entry;
use crate::error::Problem;
use crate::field::checksum::checksum;
use crate::field::sizes::version;
use crate::field::{Address, Parsed, Sizes, Span, Width, skip};

/// The eight bytes that open a superblock.
pub(crate) const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// Enough bytes for a superblock of any version and any width that libhdf5 writes.
pub(crate) const LONGEST: u64 = 512;

/// The file's own description of itself ([II.A]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Superblock {
    pub(crate) version: u8,
    pub(crate) sizes: Sizes,
    /// Half the most children of a node of a group's B-tree, of its symbol table nodes, and of a chunk B-tree.
    pub(crate) k: KValues,
    /// 0x01: open for writing, 0x04: written by a SWMR writer.
    pub(crate) consistency_flags: u32,
    /// The base address as stored; libhdf5 goes by the place of the signature instead (`H5F__super_read`, "superblock moved").
    pub(crate) base_address: Option<Address>,
    /// The end of the file, relative to the base address.
    pub(crate) end_of_file: Option<Address>,
    /// Version 0 and 1: the driver information block.
    pub(crate) driver_information: Option<Address>,
    /// Version 2 and 3: the object header of the superblock extension.
    pub(crate) extension: Option<Address>,
    /// The root group's object header.
    pub(crate) root: Address,
}

/// The B-tree 'K' values of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KValues {
    pub(crate) group_leaf: u16,
    pub(crate) group_internal: u16,
    pub(crate) chunk: u16,
}

impl Default for KValues {
    /// libhdf5's defaults, which version 2 and 3 superblocks imply.
    fn default() -> Self {
        Self { group_leaf: 4, group_internal: 16, chunk: 32 }
    }
}

impl Superblock {
    /// `i` starts at the signature.
    pub(crate) fn parse(i: Span<'_>) -> Parsed<'_, Self> {
        let start = i;
        let (i, found) = crate::field::bytes(8, i)?;
        if found.bytes() != SIGNATURE {
            return start.fail(Problem::Signature("\\x89HDF\\r\\n\\x1a\\n"));
        }
        let (_, version) = version(0..=3, i)?;
        if version < 2 { Self::parse_old(i) } else { Self::parse_new(start, i) }
    }

    /// Versions 0 and 1.
    fn parse_old(i: Span<'_>) -> Parsed<'_, Self> {
        let (i, version) = le_u8(i)?;
        let (i, _free_space_version) = le_u8(i)?;
        let (i, _root_version) = le_u8(i)?;
        let (i, ()) = skip(1, i)?;
        let (i, _shared_header_version) = le_u8(i)?;
        let (i, sizes) = parse_sizes(i)?;
        let (i, ()) = skip(1, i)?;
        let (i, group_leaf) = le_u16(i)?;
        let (i, group_internal) = le_u16(i)?;
        let (i, consistency_flags) = le_u32(i)?;
        let (i, chunk) = if version == 0 {
            (i, KValues::default().chunk)
        } else {
            let (i, chunk) = le_u16(i)?;
            let (i, ()) = skip(2, i)?;
            (i, chunk)
        };
        let (i, base_address) = sizes.address(i)?;
        let (i, _free_space) = sizes.address(i)?;
        let (i, end_of_file) = sizes.address(i)?;
        let (i, driver_information) = sizes.address(i)?;
        let (rest, root) = Entry::parse(sizes, i)?;
        let Some(root) = root.object_header else {
            return i.fail(Problem::Undefined("root group object header address"));
        };
        let k = KValues { group_leaf, group_internal, chunk };
        Ok((
            rest,
            Self {
                version,
                sizes,
                k,
                consistency_flags,
                base_address,
                end_of_file,
                driver_information,
                extension: None,
                root,
            },
        ))
    }

    /// Versions 2 and 3.
    fn parse_new<'a>(start: Span<'a>, i: Span<'a>) -> Parsed<'a, Self> {
        let (i, version) = le_u8(i)?;
        let (i, sizes) = parse_sizes(i)?;
        let (i, consistency_flags) = le_u8(i)?;
        let (i, base_address) = sizes.address(i)?;
        let (i, extension) = sizes.address(i)?;
        let (i, end_of_file) = sizes.address(i)?;
        let (i, root) = sizes.defined("root group object header address", i)?;
        let (i, ()) = checksum(start.until(&i), i)?;
        Ok((
            i,
            Self {
                version,
                sizes,
                k: KValues::default(),
                consistency_flags: consistency_flags.into(),
                base_address,
                end_of_file,
                driver_information: None,
                extension,
                root,
            },
        ))
    }
}

fn parse_sizes(i: Span<'_>) -> Parsed<'_, Sizes> {
    let (rest, offsets) = le_u8(i)?;
    let Some(offsets) = Width::from_bytes(offsets) else {
        return i.value("size of offsets", offsets);
    };
    let (end, lengths) = le_u8(rest)?;
    let Some(lengths) = Width::from_bytes(lengths) else {
        return rest.value("size of lengths", lengths);
    };
    Ok((end, Sizes { offsets, lengths }))
}
