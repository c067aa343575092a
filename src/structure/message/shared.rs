//! Messages that are stored elsewhere ([IV.A.2], "shared message").

use nom::number::complete::le_u8;

use crate::error::Problem;
use crate::field::sizes::version;
use crate::field::{Address, Parsed, Sizes, Span, bytes, skip};

/// Where a shared message is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shared {
    /// In the object header at this address: a committed datatype.
    ObjectHeader(Address),
    /// In the file's heap of shared messages, under this heap ID.
    Heap([u8; 8]),
}

impl Shared {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (at_type, version) = version(1..=3, i)?;
        let (rest, kind) = le_u8(at_type)?;
        match (version, kind) {
            (1, _) => {
                let (i, ()) = skip(6, rest)?;
                // The object's index in its symbol table node, which nobody needs.
                let (i, ()) = skip(sizes.lengths.bytes(), i)?;
                Self::object_header(sizes, i)
            }
            (2, _) | (3, 2) => Self::object_header(sizes, rest),
            (3, 1) => {
                let (rest, id) = bytes(8, rest)?;
                let Ok(id) = id.bytes().try_into() else {
                    return id.fail(Problem::Truncated);
                };
                Ok((rest, Self::Heap(id)))
            }
            (_, kind) => at_type.value("type", kind),
        }
    }

    fn object_header(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, address) = sizes.defined("object header address", i)?;
        Ok((i, Self::ObjectHeader(address)))
    }
}

/// A value that a message holds, or that another message holds for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stored<T> {
    Here(T),
    Elsewhere(Shared),
}

impl<T> Stored<T> {
    /// Parses `i` as a reference to a shared message, or with `parser`.
    pub(crate) fn parse<'a>(
        shared: bool,
        sizes: Sizes,
        i: Span<'a>,
        parser: impl FnOnce(Span<'a>) -> Parsed<'a, T>,
    ) -> Parsed<'a, Self> {
        if shared {
            let (i, place) = Shared::parse(sizes, i)?;
            Ok((i, Self::Elsewhere(place)))
        } else {
            let (i, value) = parser(i)?;
            Ok((i, Self::Here(value)))
        }
    }
}
