//! Driver Info message ([IV.A.2.u]).

use nom::number::complete::le_u16;

use crate::field::sizes::version;
use crate::field::{Parsed, Span, bytes};
use crate::structure::driver_information::Driver;

/// The driver of a file whose superblock has no block for it.
pub(crate) fn parse(i: Span<'_>) -> Parsed<'_, Driver> {
    let (i, _version) = version(0..=0, i)?;
    let (i, identification) = bytes(8, i)?;
    let (i, size) = le_u16(i)?;
    Driver::information(identification, size.into(), i)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Written by libhdf5 2.0, members of 1024 bytes.
    const FAMILY: [u8; 19] = [
        0, // version
        b'N', b'C', b'S', b'A', b'f', b'a', b'm', b'i', // driver identification
        8, 0, // driver information size
        0, 4, 0, 0, 0, 0, 0, 0, // size of member file
    ];

    fn parsed(bytes: &[u8]) -> Result<Driver, Error> {
        crate::structure::parse(Structure::DriverInformationMessage, Span::new(bytes, AT), parse)
    }

    #[test]
    fn the_message_says_what_the_block_says() {
        assert_eq!(parsed(&FAMILY).unwrap(), Driver::Family { member_size: 1024 });
        assert_eq!(parsed(&with(&FAMILY, 1, b"NCSAmult")).unwrap(), Driver::Multi);
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let message = |at, others: &[u8]| message_of(parsed(&with(&FAMILY, at, others)));
        assert_eq!(message(0, &[1]), "driver information message at 0x60: version is 1 (at 0x60)");
        assert_eq!(message(9, &[7]), "driver information message at 0x60: driver information size is 7 (at 0x6b)");
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
