//! The widths that a file's superblock fixes for its offsets and lengths.

use nom::number::complete::le_u8;

use super::convert::wide;
use super::span::{Parsed, Span, bytes};
use crate::error::Problem;

/// An address as the file stores it: relative to the superblock's base address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Address(pub(crate) u64);

/// Bytes of an offset or a length field (II.A).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Two,
    Four,
    Eight,
    Sixteen,
    ThirtyTwo,
}

impl Width {
    /// libhdf5 accepts these five (`H5F__super_read`).
    pub(crate) fn from_bytes(n: u8) -> Option<Self> {
        Some(match n {
            2 => Self::Two,
            4 => Self::Four,
            8 => Self::Eight,
            16 => Self::Sixteen,
            32 => Self::ThirtyTwo,
            _ => return None,
        })
    }

    /// The width in bytes.
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
            Self::Sixteen => 16,
            Self::ThirtyTwo => 32,
        }
    }

    /// An unsigned number of this width; `None` is all ones: the undefined address, or unlimited.
    fn parse<'a>(self, field: &'static str, i: Span<'a>) -> Parsed<'a, Option<u64>> {
        let (rest, field_bytes) = bytes(self.bytes(), i)?;
        if field_bytes.bytes().iter().all(|byte| *byte == 0xff) {
            return Ok((rest, None));
        }
        match unsigned(field_bytes.bytes()) {
            Some(n) => Ok((rest, Some(n))),
            None => i.fail(Problem::Overflow(field)),
        }
    }
}

/// Size of Offsets and Size of Lengths ([II.A]), which every parser of addresses and lengths is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) offsets: Width,
    pub(crate) lengths: Width,
}

impl Sizes {
    /// The usual widths: 8 and 8.
    #[cfg(test)]
    pub(crate) const EIGHT: Self = Self { offsets: Width::Eight, lengths: Width::Eight };

    /// An address; the undefined address (all ones) is `None`.
    pub(crate) fn address(self, i: Span<'_>) -> Parsed<'_, Option<Address>> {
        let (i, address) = self.offsets.parse("address", i)?;
        Ok((i, address.map(Address)))
    }

    /// An address that must be defined.
    pub(crate) fn defined<'a>(self, field: &'static str, i: Span<'a>) -> Parsed<'a, Address> {
        match self.address(i)? {
            (rest, Some(address)) => Ok((rest, address)),
            (_, None) => i.fail(Problem::Undefined(field)),
        }
    }

    /// A length; all ones is the largest length there is.
    pub(crate) fn length(self, i: Span<'_>) -> Parsed<'_, u64> {
        let (i, length) = self.lengths.parse("length", i)?;
        Ok((i, length.unwrap_or(u64::MAX)))
    }

    /// A length of which all ones means unlimited: `None`.
    pub(crate) fn unlimited(self, i: Span<'_>) -> Parsed<'_, Option<u64>> {
        self.lengths.parse("length", i)
    }
}

/// A little-endian unsigned number of 1 to 8 bytes.
pub(crate) fn le_uint(width: u8, i: Span<'_>) -> Parsed<'_, u64> {
    let (rest, field) = bytes(width.into(), i)?;
    match unsigned(field.bytes()) {
        Some(n) => Ok((rest, n)),
        None => i.fail(Problem::Overflow("number")),
    }
}

/// The width of a length field that is fixed by two bits: 1, 2, 4 or 8 bytes.
pub(crate) fn two_bit_width(bits: u8) -> u8 {
    1 << (bits & 3)
}

/// A byte that must be one of the versions that a parser knows.
pub(crate) fn version(known: std::ops::RangeInclusive<u8>, i: Span<'_>) -> Parsed<'_, u8> {
    let (rest, version) = le_u8(i)?;
    if known.contains(&version) { Ok((rest, version)) } else { i.value("version", version) }
}

/// A little-endian number of any width, if it fits in 64 bits.
pub(crate) fn unsigned(bytes: &[u8]) -> Option<u64> {
    let (low, high) = bytes.split_at_checked(8).unwrap_or((bytes, &[]));
    if high.iter().any(|byte| *byte != 0) {
        return None;
    }
    Some(low.iter().rev().fold(0, |n, byte| (n << 8) | u64::from(*byte)))
}

/// Fewest bytes that hold `n`, at least one.
pub(crate) fn bytes_for(n: u64) -> u8 {
    let bits = u64::BITS.saturating_sub(n.leading_zeros()).max(1);
    u8::try_from(bits.div_ceil(8)).unwrap_or(8)
}

/// Lengths in bytes added up, or `None` where the sum does not fit.
pub(crate) fn sum(lengths: &[u64]) -> Option<u64> {
    lengths.iter().try_fold(0_u64, |total, n| total.checked_add(*n))
}

/// Bytes of `span` as a length in the file.
pub(crate) fn length_of(span: &Span<'_>) -> u64 {
    wide(span.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Sizes = Sizes { offsets: Width::Two, lengths: Width::Four };

    #[test]
    fn all_ones_in_the_files_own_width_is_undefined() {
        let i = Span::new(&[0xff, 0xff, 1], 0);
        let (rest, address) = TWO.address(i).unwrap();
        assert_eq!((rest.at(), address), (2, None));
        assert_eq!(TWO.defined("root", i), i.fail(Problem::Undefined("root")));
    }

    #[test]
    fn a_length_of_sixteen_bytes_is_read_when_it_fits() {
        let sizes = Sizes { offsets: Width::Eight, lengths: Width::Sixteen };
        let mut bytes = [0_u8; 16];
        bytes[0] = 7;
        assert_eq!(sizes.length(Span::new(&bytes, 0)).unwrap().1, 7);
        bytes[9] = 1;
        let i = Span::new(&bytes, 0);
        assert_eq!(sizes.length(i), i.fail(Problem::Overflow("length")));
        assert_eq!(sizes.unlimited(Span::new(&[0xff; 16], 0)).unwrap().1, None);
    }

    #[test]
    fn the_fewest_bytes_for_a_number() {
        assert_eq!([0, 1, 255, 256, 65_535, 65_536, u64::MAX].map(bytes_for), [1, 1, 1, 2, 2, 3, 8]);
    }
}
