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
    /// What stands for the superblock of a netCDF classic file, which has none.
    pub(crate) fn of_classic() -> Self {
        Self {
            version: 0,
            sizes: Sizes { offsets: Width::Eight, lengths: Width::Eight },
            k: KValues::default(),
            consistency_flags: 0,
            base_address: None,
            end_of_file: None,
            driver_information: None,
            extension: None,
            root: Address(0),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, sealed, with};

    /// Written by libhdf5 2.0, libver earliest.
    const ZERO: [u8; 96] = [
        0x89, b'H', b'D', b'F', b'\r', b'\n', 0x1a, b'\n', // signature
        0,     // version of superblock
        0,     // version of the file's free space storage
        0,     // version of the root group symbol table entry
        0,     // reserved
        0,     // version of shared header message format
        8,     // size of offsets
        8,     // size of lengths
        0,     // reserved
        4, 0, // group leaf node K
        16, 0, // group internal node K
        0, 0, 0, 0, // file consistency flags
        0, 0, 0, 0, 0, 0, 0, 0, // base address
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // address of file free space info: undefined
        0x20, 0x03, 0, 0, 0, 0, 0, 0, // end of file address
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // driver information block address: undefined
        // root group symbol table entry
        0, 0, 0, 0, 0, 0, 0, 0, // link name offset
        0x60, 0, 0, 0, 0, 0, 0, 0, // object header address
        1, 0, 0, 0, // cache type: group
        0, 0, 0, 0, // reserved
        0x88, 0, 0, 0, 0, 0, 0, 0, 0xa8, 0x02, 0, 0, 0, 0, 0, 0, // scratch-pad space
    ];

    /// Written by libhdf5 2.0 with K values of 2, 3 and 5.
    const ONE: [u8; 100] = [
        0x89, b'H', b'D', b'F', b'\r', b'\n', 0x1a, b'\n', // signature
        1, 0, 0, 0, 0, // versions and a reserved byte
        8, 8, 0, // size of offsets, size of lengths, reserved
        2, 0, 3, 0, // group leaf and internal node K
        0, 0, 0, 0, // file consistency flags
        5, 0, // indexed storage internal node K
        0, 0, // reserved
        0, 0, 0, 0, 0, 0, 0, 0, // base address
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // address of file free space info
        0x84, 0x01, 0, 0, 0, 0, 0, 0, // end of file address
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // driver information block address
        0, 0, 0, 0, 0, 0, 0, 0, // link name offset
        0x64, 0, 0, 0, 0, 0, 0, 0, // object header address
        1, 0, 0, 0, 0, 0, 0, 0, // cache type, reserved
        0x8c, 0, 0, 0, 0, 0, 0, 0, 0x0c, 0x01, 0, 0, 0, 0, 0, 0, // scratch-pad space
    ];

    /// Written by libhdf5 2.0, libver v108.
    const TWO: [u8; 48] = [
        0x89, b'H', b'D', b'F', b'\r', b'\n', 0x1a, b'\n', // signature
        2,     // version of superblock
        8,     // size of offsets
        8,     // size of lengths
        0,     // file consistency flags
        0, 0, 0, 0, 0, 0, 0, 0, // base address
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // superblock extension address: undefined
        0xb3, 0, 0, 0, 0, 0, 0, 0, // end of file address
        0x30, 0, 0, 0, 0, 0, 0, 0, // root group object header address
        0x87, 0x67, 0x2a, 0x28, // superblock checksum
    ];

    fn parse(bytes: &[u8]) -> Result<Superblock, Error> {
        crate::structure::parse(Structure::Superblock, Span::new(bytes, AT), Superblock::parse)
    }

    fn zero() -> Superblock {
        Superblock {
            version: 0,
            sizes: Sizes::EIGHT,
            k: KValues::default(),
            consistency_flags: 0,
            base_address: Some(Address(0)),
            end_of_file: Some(Address(0x320)),
            driver_information: None,
            extension: None,
            root: Address(0x60),
        }
    }

    #[test]
    fn versions_0_and_1_end_with_the_root_groups_entry() {
        assert_eq!(parse(&ZERO).unwrap(), zero());
        let k = KValues { group_leaf: 2, group_internal: 3, chunk: 5 };
        let one = Superblock { version: 1, k, end_of_file: Some(Address(0x184)), root: Address(0x64), ..zero() };
        assert_eq!(parse(&ONE).unwrap(), one);
    }

    #[test]
    fn versions_2_and_3_end_with_a_checksum() {
        let two = Superblock { version: 2, end_of_file: Some(Address(0xb3)), root: Address(0x30), ..zero() };
        assert_eq!(parse(&TWO).unwrap(), two);
        let three = with(&with(&TWO, 8, &[3]), 44, &[0x95, 0x55, 0x56, 0x8b]); // libver v110 of libhdf5 2.0
        assert_eq!(parse(&three).unwrap(), Superblock { version: 3, ..two.clone() });
        let swmr = sealed(&with(&with(&TWO, 8, &[3]), 11, &[5])[..44]);
        assert_eq!(parse(&swmr).unwrap(), Superblock { version: 3, consistency_flags: 5, ..two.clone() });
        let extended = sealed(&with(&TWO, 20, &[9, 0, 0, 0, 0, 0, 0, 0])[..44]);
        assert_eq!(parse(&extended).unwrap(), Superblock { extension: Some(Address(9)), ..two });
    }

    /// Written by libhdf5 2.0 with offsets of 4 bytes and lengths of 8.
    #[test]
    fn the_root_entrys_name_offset_is_as_wide_as_a_length() {
        let bytes = [
            0x89, b'H', b'D', b'F', b'\r', b'\n', 0x1a, b'\n', // signature
            0, 0, 0, 0, 0, // versions and a reserved byte
            4, 8, 0, // size of offsets, size of lengths, reserved
            4, 0, 16, 0, // group leaf and internal node K
            0, 0, 0, 0, // file consistency flags
            0, 0, 0, 0, // base address
            0xff, 0xff, 0xff, 0xff, // address of file free space info
            0x08, 0x08, 0, 0, // end of file address
            0xff, 0xff, 0xff, 0xff, // driver information block address
            0, 0, 0, 0, 0, 0, 0, 0, // link name offset
            0x4c, 0, 0, 0, // object header address
            1, 0, 0, 0, 0, 0, 0, 0, // cache type, reserved
            0x74, 0, 0, 0, 0x0c, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // scratch-pad space
        ];
        let sizes = Sizes { offsets: Width::Four, lengths: Width::Eight };
        let (end_of_file, root) = (Some(Address(0x808)), Address(0x4c));
        assert_eq!(parse(&bytes).unwrap(), Superblock { sizes, end_of_file, root, ..zero() });
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |bytes: &[u8], at, others: &[u8]| message_of(parse(&with(bytes, at, others)));
        assert_eq!(told(&ZERO, 3, b"G"), "superblock at 0x60: signature is not \"\\x89HDF\\r\\n\\x1a\\n\" (at 0x60)");
        assert_eq!(told(&ZERO, 8, &[4]), "superblock at 0x60: version is 4 (at 0x68)");
        assert_eq!(told(&ZERO, 13, &[3]), "superblock at 0x60: size of offsets is 3 (at 0x6d)");
        assert_eq!(told(&TWO, 10, &[0]), "superblock at 0x60: size of lengths is 0 (at 0x6a)");
        assert_eq!(
            told(&ZERO, 64, &[0xff; 8]),
            "superblock at 0x60: root group object header address is undefined (at 0x98)"
        );
        assert_eq!(
            told(&TWO, 36, &[0xff; 8]),
            "superblock at 0x60: root group object header address is undefined (at 0x84)"
        );
        assert_eq!(
            told(&TWO, 44, &[0x88]),
            "superblock at 0x60: checksum is 0x282a6788, computed 0x282a6787 (at 0x8c)"
        );
        assert_eq!(message_of(parse(&TWO[..20])), "superblock at 0x60: the bytes end inside the structure (at 0x74)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&ZERO, parse);
        every_prefix_fails(&ONE, parse);
        every_prefix_fails(&TWO, parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&ONE, |bytes| drop(parse(bytes)));
        never_panics(&TWO[..44], |bytes| drop(parse(&sealed(bytes))));
    }
}
