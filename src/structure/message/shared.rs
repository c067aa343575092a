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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    const ONE: [u8; 20] = [
        1, // version
        0, // type
        0, 0, 0, 0, 0, 0, // reserved
        3, 0, 0, 0, 0, 0, 0, 0, // index, as wide as a length
        0x78, 0x05, 0, 0, // address
    ];

    const TWO: [u8; 6] = [
        2, // version
        0, // type, without meaning before version 3
        0x78, 0x05, 0, 0, // address
    ];

    /// Written by libhdf5 2.0 for a fill value.
    const THREE: [u8; 10] = [
        3, // version
        1, // type: in the heap of shared messages
        0x00, 0x2e, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x00, // fractal heap ID
    ];

    const SIZES: Sizes = Sizes { offsets: Width::Four, lengths: Width::Eight };

    fn parse(bytes: &[u8]) -> Result<Shared, Error> {
        crate::structure::parse(Structure::SharedMessage, Span::new(bytes, AT), |i| Shared::parse(SIZES, i))
    }

    #[test]
    fn all_versions_tell_the_object_header_of_a_committed_datatype() {
        let committed = Shared::ObjectHeader(Address(0x578));
        assert_eq!(parse(&ONE).unwrap(), committed);
        assert_eq!(parse(&TWO).unwrap(), committed);
        assert_eq!(parse(&with(&TWO, 0, &[3, 2])).unwrap(), committed);
    }

    #[test]
    fn version_3_tells_the_heap_id_of_a_shared_message() {
        assert_eq!(parse(&THREE).unwrap(), Shared::Heap([0, 0x2e, 0, 0, 0, 0, 0x0c, 0]));
    }

    #[test]
    fn a_value_is_stored_here_or_elsewhere() {
        let stored = |shared| {
            let parser = |i| le_u8(i);
            crate::structure::parse(Structure::SharedMessage, Span::new(&TWO, AT), |i| {
                Stored::parse(shared, SIZES, i, parser)
            })
        };
        assert_eq!(stored(false).unwrap(), Stored::Here(2));
        assert_eq!(stored(true).unwrap(), Stored::Elsewhere(Shared::ObjectHeader(Address(0x578))));
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(parse(&with(&TWO, at, others)));
        assert_eq!(told(0, &[4]), "shared message at 0x60: version is 4 (at 0x60)");
        assert_eq!(told(0, &[3, 3]), "shared message at 0x60: type is 3 (at 0x61)");
        assert_eq!(told(2, &[0xff; 4]), "shared message at 0x60: object header address is undefined (at 0x62)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&ONE, parse);
        every_prefix_fails(&TWO, parse);
        every_prefix_fails(&THREE, parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&ONE, |bytes| drop(parse(bytes)));
        never_panics(&THREE, |bytes| drop(parse(bytes)));
    }
}
