//! Shared Message Table message ([IV.A.2.p]).

use nom::number::complete::le_u8;

use crate::field::sizes::version;
use crate::field::{Address, Parsed, Sizes, Span};

/// Where a file's table of shared messages lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableLocation {
    pub(crate) table: Address,
    pub(crate) indexes: u8,
}

impl TableLocation {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(0..=0, i)?;
        let (i, table) = sizes.defined("shared message table address", i)?;
        let (i, indexes) = le_u8(i)?;
        Ok((i, Self { table, indexes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Written by libhdf5 2.0.
    const MESSAGE: [u8; 10] = [
        0, // version
        0x58, 0, 0, 0, 0, 0, 0, 0, // shared object header message table address
        1, // number of indices
    ];

    fn parse(bytes: &[u8]) -> Result<TableLocation, Error> {
        crate::structure::parse(Structure::SharedMessageTableMessage, Span::new(bytes, AT), |i| {
            TableLocation::parse(Sizes::EIGHT, i)
        })
    }

    #[test]
    fn the_table_has_an_address_and_a_number_of_indexes() {
        assert_eq!(parse(&MESSAGE).unwrap(), TableLocation { table: Address(0x58), indexes: 1 });
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(parse(&with(&MESSAGE, at, others)));
        assert_eq!(told(0, &[1]), "shared message table message at 0x60: version is 1 (at 0x60)");
        assert_eq!(
            told(1, &[0xff; 8]),
            "shared message table message at 0x60: shared message table address is undefined (at 0x61)"
        );
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&MESSAGE, parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&MESSAGE, |bytes| drop(parse(bytes)));
    }
}
