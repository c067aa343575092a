//! Fill Value messages, old and new ([IV.A.2.e], [IV.A.2.f]).

use nom::number::complete::{le_i32, le_u8, le_u32};

use crate::field::sizes::version;
use crate::field::{Parsed, Span, bytes};

/// What elements read as that were never written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FillValue {
    /// Nothing is promised.
    Undefined,
    /// The library's default: zeros.
    Default,
    /// An element, in the dataset's datatype.
    Value(Vec<u8>),
}

/// When fill values are written (`H5D_FILL_TIME_NEVER`): then nothing is promised of what was never written.
const NEVER: u8 = 1;

impl FillValue {
    /// The new message, type 5, versions 1 to 3.
    pub(crate) fn parse(i: Span<'_>) -> Parsed<'_, Self> {
        let (i, version) = version(1..=3, i)?;
        if version == 3 { Self::parse_v3(i) } else { Self::parse_v1(i) }
    }

    /// The old message, type 4.
    pub(crate) fn parse_old(i: Span<'_>) -> Parsed<'_, Self> {
        let (i, size) = le_u32(i)?;
        let (i, value) = bytes(size.into(), i)?;
        Ok((i, Self::of(value)))
    }

    fn parse_v1(i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _allocation_time) = le_u8(i)?;
        let (i, write_time) = le_u8(i)?;
        let (i, defined) = le_u8(i)?;
        // IV.A.2.f has a size in version 1 always; libhdf5 reads one only if the value is defined (`H5O__fill_new_decode`).
        if defined == 0 {
            return Ok((i, Self::Undefined));
        }
        let (i, size) = le_i32(i)?;
        // The size is signed; libhdf5 takes a negative one for a value that is not defined.
        let Ok(size) = u64::try_from(size) else {
            return Ok((i, Self::Undefined));
        };
        let (i, value) = bytes(size, i)?;
        Ok((i, Self::unless_never(write_time, value)))
    }

    fn parse_v3(i: Span<'_>) -> Parsed<'_, Self> {
        let (at_flags, flags) = le_u8(i)?;
        if flags & 0xc0 != 0 {
            return i.value("flags", flags);
        }
        let write_time = (flags >> 2) & 3;
        if flags & 0x10 != 0 {
            return Ok((at_flags, Self::Undefined));
        }
        if flags & 0x20 == 0 {
            return Ok((at_flags, if write_time == NEVER { Self::Undefined } else { Self::Default }));
        }
        let (rest, value) = sized(at_flags)?;
        Ok((rest, Self::unless_never(write_time, value)))
    }

    fn unless_never(write_time: u8, value: Span<'_>) -> Self {
        if write_time == NEVER { Self::Undefined } else { Self::of(value) }
    }

    /// A value of no bytes is the default one.
    fn of(value: Span<'_>) -> Self {
        if value.is_empty() { Self::Default } else { Self::Value(value.bytes().to_vec()) }
    }
}

fn sized(i: Span<'_>) -> Parsed<'_, Span<'_>> {
    let (i, size) = le_u32(i)?;
    bytes(size.into(), i)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Versions 1 and 2; written by libhdf5 2.0 as version 2, libver earliest.
    const TWO: [u8; 10] = [
        2, // version
        3, // space allocation time: incremental
        2, // fill value write time: if set
        1, // fill value defined
        2, 0, 0, 0, // size
        7, 0, // fill value
    ];

    /// Written by libhdf5 2.0, libver v110.
    const THREE: [u8; 8] = [
        3,    // version
        0x2b, // flags: allocated incrementally, written if set, defined
        2, 0, 0, 0, // size
        7, 0, // fill value
    ];

    fn parse(bytes: &[u8]) -> Result<FillValue, Error> {
        crate::structure::parse(Structure::FillValue, Span::new(bytes, AT), FillValue::parse)
    }

    fn old(bytes: &[u8]) -> Result<FillValue, Error> {
        crate::structure::parse(Structure::FillValue, Span::new(bytes, AT), FillValue::parse_old)
    }

    #[test]
    fn a_value_is_an_elements_bytes() {
        let seven = FillValue::Value(vec![7, 0]);
        assert_eq!(parse(&TWO).unwrap(), seven);
        assert_eq!(parse(&with(&TWO, 0, &[1])).unwrap(), seven);
        assert_eq!(parse(&THREE).unwrap(), seven);
        assert_eq!(old(&TWO[4..]).unwrap(), seven);
    }

    /// The messages are those of libhdf5 2.0.
    #[test]
    fn a_value_without_bytes_is_the_default() {
        assert_eq!(parse(&[2, 2, 2, 1, 0, 0, 0, 0]).unwrap(), FillValue::Default);
        assert_eq!(parse(&[3, 0x0a]).unwrap(), FillValue::Default);
        assert_eq!(parse(&[3, 0x2a, 0, 0, 0, 0]).unwrap(), FillValue::Default);
        assert_eq!(old(&[0, 0, 0, 0]).unwrap(), FillValue::Default);
    }

    /// The messages are those of libhdf5 2.0 after `H5Pset_fill_value(.., NULL)`.
    #[test]
    fn an_undefined_value_has_no_size() {
        assert_eq!(parse(&[2, 2, 2, 0]).unwrap(), FillValue::Undefined);
        assert_eq!(parse(&[3, 0x1a]).unwrap(), FillValue::Undefined);
    }

    /// libhdf5 2.0 says so of a file whose size was set by hand.
    #[test]
    fn a_negative_size_is_an_undefined_value() {
        assert_eq!(parse(&with(&TWO, 4, &[0xff; 4])).unwrap(), FillValue::Undefined);
        assert_eq!(parse(&with(&TWO, 0, &[1, 2, 2, 1, 0xff, 0xff, 0xff, 0xff])).unwrap(), FillValue::Undefined);
    }

    #[test]
    fn a_value_that_is_never_written_promises_nothing() {
        assert_eq!(parse(&[2, 2, 1, 1, 0, 0, 0, 0]).unwrap(), FillValue::Undefined);
        assert_eq!(parse(&with(&TWO, 2, &[1])).unwrap(), FillValue::Undefined);
        assert_eq!(parse(&[3, 0x06]).unwrap(), FillValue::Undefined);
        assert_eq!(parse(&with(&THREE, 1, &[0x26])).unwrap(), FillValue::Undefined);
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        assert_eq!(message_of(parse(&[4, 0])), "fill value message at 0x60: version is 4 (at 0x60)");
        assert_eq!(message_of(parse(&[3, 0x40])), "fill value message at 0x60: flags is 64 (at 0x61)");
        assert_eq!(
            message_of(parse(&with(&THREE, 2, &[3]))),
            "fill value message at 0x60: the bytes end inside the structure (at 0x66)"
        );
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&TWO, parse);
        every_prefix_fails(&THREE, parse);
        every_prefix_fails(&TWO[4..], old);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&TWO, |bytes| drop(parse(bytes)));
        never_panics(&THREE, |bytes| drop(parse(bytes)));
        never_panics(&TWO[4..], |bytes| drop(old(bytes)));
    }
}
