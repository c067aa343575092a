//! Data Storage - External Data Files message ([IV.A.2.h]).

use nom::Parser;
use nom::multi::count;
use nom::number::complete::le_u16;

use crate::error::Problem;
use crate::field::sizes::{length_of, version};
use crate::field::{Address, Parsed, Sizes, Span, skip};

/// The files that hold a contiguous dataset's raw data, one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExternalFiles {
    /// The local heap of the files' names.
    pub(crate) heap: Address,
    pub(crate) slots: Vec<Slot>,
}

/// One file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Offset of the name in the local heap.
    pub(crate) name_offset: u64,
    /// Offset of the data in the file.
    pub(crate) offset: u64,
    /// Bytes of data in the file; `None` is unlimited.
    pub(crate) size: Option<u64>,
}

impl ExternalFiles {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(1..=1, i)?;
        let (i, ()) = skip(3, i)?;
        let (i, _allocated) = le_u16(i)?;
        let (at_heap, used) = le_u16(i)?;
        let (rest, heap) = sizes.defined("heap address", at_heap)?;
        let least = sizes.lengths.bytes().saturating_mul(3).saturating_mul(used.into());
        if length_of(&rest) < least {
            return i.fail(Problem::Value { field: "used slots", value: used.into() });
        }
        let slot = |i| {
            let (i, name_offset) = sizes.length(i)?;
            let (i, offset) = sizes.length(i)?;
            let (i, size) = sizes.unlimited(i)?;
            Ok((i, Slot { name_offset, offset, size }))
        };
        let (i, slots) = count(slot, used.into()).parse(rest)?;
        Ok((i, Self { heap, slots }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Written by libhdf5 2.0.
    const MESSAGE: [u8; 64] = [
        1, // version
        0, 0, 0, // reserved
        2, 0, // allocated slots
        2, 0, // used slots
        0x30, 0x04, 0, 0, 0, 0, 0, 0, // heap address
        8, 0, 0, 0, 0, 0, 0, 0, // name offset of slot 0
        16, 0, 0, 0, 0, 0, 0, 0, // data offset in external file
        4, 0, 0, 0, 0, 0, 0, 0, // data size in external file
        16, 0, 0, 0, 0, 0, 0, 0, // name offset of slot 1
        0, 0, 0, 0, 0, 0, 0, 0, // data offset in external file
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // data size in external file: unlimited
    ];

    fn parse(sizes: Sizes, bytes: &[u8]) -> Result<ExternalFiles, Error> {
        crate::structure::parse(Structure::ExternalFiles, Span::new(bytes, AT), |i| ExternalFiles::parse(sizes, i))
    }

    fn eight(bytes: &[u8]) -> Result<ExternalFiles, Error> {
        parse(Sizes::EIGHT, bytes)
    }

    #[test]
    fn each_slot_is_a_part_of_a_file() {
        let slots =
            vec![Slot { name_offset: 8, offset: 16, size: Some(4) }, Slot { name_offset: 16, offset: 0, size: None }];
        assert_eq!(eight(&MESSAGE).unwrap(), ExternalFiles { heap: Address(0x430), slots });
    }

    #[test]
    fn unlimited_is_all_ones_in_the_files_own_width() {
        let sizes = Sizes { offsets: Width::Eight, lengths: Width::Two };
        let bytes = [&MESSAGE[..6], &[1, 0], &MESSAGE[8..16], &[8, 0, 0, 1, 0xff, 0xff]].concat();
        let slots = vec![Slot { name_offset: 8, offset: 256, size: None }];
        assert_eq!(parse(sizes, &bytes).unwrap(), ExternalFiles { heap: Address(0x430), slots });
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(eight(&with(&MESSAGE, at, others)));
        assert_eq!(told(0, &[2]), "external data files message at 0x60: version is 2 (at 0x60)");
        assert_eq!(told(6, &[3]), "external data files message at 0x60: used slots is 3 (at 0x66)");
        assert_eq!(told(8, &[0xff; 8]), "external data files message at 0x60: heap address is undefined (at 0x68)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&MESSAGE, eight);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&MESSAGE, |bytes| drop(eight(bytes)));
    }
}
