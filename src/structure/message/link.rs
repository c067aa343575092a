//! Link message ([IV.A.2.g]).

use nom::number::complete::{le_u8, le_u16, le_u64};

use crate::error::Problem;
use crate::field::sizes::{le_uint, two_bit_width, version};
use crate::field::{Address, Parsed, Sizes, Span, bytes};

/// A link of a new-style group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// The name, as its character set says or not.
    pub(crate) name: Vec<u8>,
    pub(crate) creation_order: Option<u64>,
    pub(crate) target: Target,
}

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// An object header of this file.
    Hard(Address),
    /// A path.
    Soft(Vec<u8>),
    /// A path in another file.
    External { file: Vec<u8>, path: Vec<u8> },
    /// A type of link that an application defines.
    UserDefined(u8),
}

impl Link {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(1..=1, i)?;
        let (i, flags) = le_u8(i)?;
        let (at_order, link_type) = if flags & 0x08 == 0 { (i, 0) } else { le_u8(i)? };
        let (i, creation_order) = if flags & 0x04 == 0 {
            (at_order, None)
        } else {
            let (i, order) = le_u64(at_order)?;
            (i, Some(order))
        };
        let (i, _character_set) = if flags & 0x10 == 0 { (i, 0) } else { le_u8(i)? };
        let (at_name, length) = le_uint(two_bit_width(flags), i)?;
        if length == 0 {
            return i.value("length of link name", length);
        }
        let (i, name) = bytes(length, at_name)?;
        let (i, target) = Target::parse(sizes, link_type, i)?;
        Ok((i, Self { name: name.bytes().to_vec(), creation_order, target }))
    }
}

impl Target {
    fn parse(sizes: Sizes, link_type: u8, i: Span<'_>) -> Parsed<'_, Self> {
        match link_type {
            0 => {
                let (i, address) = sizes.defined("object header address", i)?;
                Ok((i, Self::Hard(address)))
            }
            1 => {
                let (i, path) = sized(i)?;
                Ok((i, Self::Soft(path.bytes().to_vec())))
            }
            64 => {
                let (i, value) = sized(i)?;
                let (_, (file, path)) = external(value)?;
                Ok((i, Self::External { file, path }))
            }
            65.. => {
                let (i, _value) = sized(i)?;
                Ok((i, Self::UserDefined(link_type)))
            }
            2..64 => i.value("link type", link_type),
        }
    }
}

fn sized(i: Span<'_>) -> Parsed<'_, Span<'_>> {
    let (i, length) = le_u16(i)?;
    bytes(length.into(), i)
}

/// An external link's value: version and flags, then two NUL-terminated texts.
fn external(i: Span<'_>) -> Parsed<'_, (Vec<u8>, Vec<u8>)> {
    let (i, version_and_flags) = le_u8(i)?;
    if version_and_flags >> 4 != 0 {
        return i.value("external link version", version_and_flags >> 4);
    }
    let mut texts = i.bytes().split(|byte| *byte == 0);
    match (texts.next(), texts.next(), texts.next()) {
        (Some(file), Some(path), Some(_)) => Ok((i, (file.to_vec(), path.to_vec()))),
        _ => i.fail(Problem::Text("external link without terminating NUL")),
    }
}
