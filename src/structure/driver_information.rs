//! The driver information block ([II.B]).

use nom::number::complete::{le_u32, le_u64};

use crate::error::Problem;
use crate::field::sizes::version;
use crate::field::{Parsed, Span, bytes, skip};

/// Bytes of the block of a family; of another driver no more is looked at.
pub(crate) const LENGTH: u64 = 24;

/// How the bytes of a file are spread over several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// `NCSAfami`: members of equal size, one after another.
    Family {
        /// Bytes of a member.
        member_size: u64,
    },
    /// `NCSAmult`: a file for each kind of data.
    Multi,
    /// `Subfilin`: stripes in files beside this one. The specification does not know it (`H5FD__subfiling_sb_encode`).
    Subfiling,
    /// Any other.
    Other,
}

impl Driver {
    /// The block of a version 0 or 1 superblock.
    pub(crate) fn parse(i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(0..=0, i)?;
        let (i, ()) = skip(3, i)?;
        let (i, size) = le_u32(i)?;
        let (i, identification) = bytes(8, i)?;
        Self::information(identification, size.into(), i)
    }

    /// What follows a driver's identification: `size` bytes.
    pub(crate) fn information<'a>(identification: Span<'a>, size: u64, i: Span<'a>) -> Parsed<'a, Self> {
        match identification.bytes() {
            b"NCSAfami" if size < 8 => i.fail(Problem::Value { field: "driver information size", value: size }),
            b"NCSAfami" => {
                let (rest, member_size) = le_u64(i)?;
                if member_size == 0 {
                    return i.value("size of member file", member_size);
                }
                Ok((rest, Self::Family { member_size }))
            }
            b"NCSAmult" => Ok((i, Self::Multi)),
            b"Subfilin" => Ok((i, Self::Subfiling)),
            _ => Ok((i, Self::Other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Written by libhdf5 2.0, members of 1024 bytes.
    const FAMILY: [u8; 24] = [
        0, // version
        0, 0, 0, // reserved
        8, 0, 0, 0, // driver information size
        b'N', b'C', b'S', b'A', b'f', b'a', b'm', b'i', // driver identification
        0, 4, 0, 0, 0, 0, 0, 0, // size of member file
    ];

    fn parsed(bytes: &[u8]) -> Result<Driver, Error> {
        crate::structure::parse(Structure::DriverInformation, Span::new(bytes, AT), Driver::parse)
    }

    #[test]
    fn a_family_tells_the_size_of_its_members_and_other_drivers_their_names() {
        assert_eq!(parsed(&FAMILY).unwrap(), Driver::Family { member_size: 1024 });
        assert_eq!(parsed(&with(&FAMILY, 8, b"NCSAmult")).unwrap(), Driver::Multi);
        assert_eq!(parsed(&with(&FAMILY, 8, b"Subfilin")).unwrap(), Driver::Subfiling);
        assert_eq!(parsed(&with(&FAMILY, 8, b"somebody")).unwrap(), Driver::Other);
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let message = |at, others: &[u8]| message_of(parsed(&with(&FAMILY, at, others)));
        assert_eq!(message(0, &[1]), "driver information block at 0x60: version is 1 (at 0x60)");
        assert_eq!(message(4, &[7]), "driver information block at 0x60: driver information size is 7 (at 0x70)");
        assert_eq!(message(16, &[0; 8]), "driver information block at 0x60: size of member file is 0 (at 0x70)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&FAMILY, parsed);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&FAMILY, |bytes| drop(parsed(bytes)));
    }
}
