//! Fill Value messages, old and new ([IV.A.2.e], [IV.A.2.f]).

use nom::number::complete::{le_u8, le_u32};

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
        let (i, value) = sized(i)?;
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
