//! Attribute message ([IV.A.2.m]).

use nom::number::complete::{le_u8, le_u16};

use super::dataspace::Dataspace;
use super::datatype::Datatype;
use super::shared::Stored;
use crate::field::sizes::{length_of, version};
use crate::field::{Parsed, Sizes, Span, bytes, skip};

/// An attribute: its datatype and dataspace may be stored elsewhere; its value fills the rest of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    /// The name, as its character set says or not.
    pub(crate) name: Vec<u8>,
    pub(crate) datatype: Stored<Datatype>,
    pub(crate) dataspace: Stored<Dataspace>,
    pub(crate) value: Span<'a>,
}

impl<'a> Attribute<'a> {
    pub(crate) fn parse(sizes: Sizes, depth: u64, i: Span<'a>) -> Parsed<'a, Self> {
        let (at_flags, version) = version(1..=3, i)?;
        let (i, flags) = le_u8(at_flags)?;
        // Version 1 has a reserved byte there, and no shared parts.
        let flags = if version == 1 { 0 } else { flags };
        if flags > 3 {
            return at_flags.value("flags", flags);
        }
        let (i, name_size) = le_u16(i)?;
        let (i, datatype_size) = le_u16(i)?;
        let (i, dataspace_size) = le_u16(i)?;
        let (i, _character_set) = if version == 3 { le_u8(i)? } else { (i, 0) };
        let (i, name) = part(version, name_size, i)?;
        let (i, datatype) = part(version, datatype_size, i)?;
        let (i, dataspace) = part(version, dataspace_size, i)?;
        let (_, datatype) = Stored::parse(flags & 1 != 0, sizes, datatype, |i| Datatype::parse(depth, i))?;
        let (_, dataspace) = Stored::parse(flags & 2 != 0, sizes, dataspace, |i| Dataspace::parse(sizes, i))?;
        let name = name.bytes().split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        let (rest, value) = bytes(length_of(&i), i)?;
        Ok((rest, Self { name, datatype, dataspace, value }))
    }
}

/// Name, datatype or dataspace; version 1 pads each to a multiple of 8 bytes.
fn part(version: u8, size: u16, i: Span<'_>) -> Parsed<'_, Span<'_>> {
    let size = u64::from(size);
    let (i, part) = bytes(size, i)?;
    let padding = if version == 1 { size.next_multiple_of(8).saturating_sub(size) } else { 0 };
    let (i, ()) = skip(padding, i)?;
    Ok((i, part))
}
