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

#[cfg(test)]
mod tests {
    use super::super::dataspace::Extent;
    use super::super::datatype::{Bits, ByteOrder, Class};
    use super::super::shared::Shared;
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::Address;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    // Written by libhdf5 2.0: "ab", a scalar of 16 bits with the value 5.

    /// Libver earliest.
    const ONE: [u8; 48] = [
        1, // version
        0, // reserved
        3, 0, // name size
        12, 0, // datatype size
        8, 0, // dataspace size
        b'a', b'b', 0, 0, 0, 0, 0, 0, // name, padded to a multiple of 8
        0x10, 8, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, // datatype, padded to a multiple of 8
        1, 0, 0, 0, 0, 0, 0, 0, // dataspace
        5, 0, 0, 0, 0, 0, 0, 0, // data
    ];

    /// Libver earliest, with a committed datatype.
    const TWO: [u8; 32] = [
        2, // version
        1, // flags: shared datatype
        3, 0, // name size
        10, 0, // datatype size
        8, 0, // dataspace size
        b'a', b'b', 0, // name
        2, 2, 0x78, 0x05, 0, 0, 0, 0, 0, 0, // datatype: a shared message
        1, 0, 0, 0, 0, 0, 0, 0, // dataspace
        5, 0, 0, // data
    ];

    /// Libver latest.
    const THREE: [u8; 30] = [
        3, // version
        0, // flags
        3, 0, // name size
        12, 0, // datatype size
        4, 0, // dataspace size
        0, // name character set encoding: ASCII
        b'a', b'b', 0, // name
        0x10, 8, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0, // datatype
        2, 0, 0, 0, // dataspace
        5, 0, // data
    ];

    fn parse(bytes: &[u8]) -> Result<Attribute<'_>, Error> {
        crate::structure::parse(Structure::Attribute, Span::new(bytes, AT), |i| Attribute::parse(Sizes::EIGHT, 2, i))
    }

    fn attribute(value: Span<'_>) -> Attribute<'_> {
        let bits = Bits { offset: 0, precision: 16 };
        let class = Class::FixedPoint { order: ByteOrder::Little, signed: true, bits };
        Attribute {
            name: b"ab".to_vec(),
            datatype: Stored::Here(Datatype { size: 2, class }),
            dataspace: Stored::Here(Dataspace { extent: Extent::Scalar, dimensions: vec![], maximum: vec![] }),
            value,
        }
    }

    #[test]
    fn version_1_pads_its_parts() {
        assert_eq!(parse(&ONE).unwrap(), attribute(Span::new(&ONE[40..], AT + 40)));
        // The byte that became the flags is reserved: nothing is shared.
        assert_eq!(parse(&with(&ONE, 1, &[7])).unwrap(), parse(&ONE).unwrap());
    }

    #[test]
    fn version_2_may_share_its_datatype() {
        let datatype = Stored::Elsewhere(Shared::ObjectHeader(Address(0x578)));
        assert_eq!(parse(&TWO).unwrap(), Attribute { datatype, ..attribute(Span::new(&TWO[29..], AT + 29)) });
    }

    #[test]
    fn version_3_has_a_character_set() {
        assert_eq!(parse(&THREE).unwrap(), attribute(Span::new(&THREE[28..], AT + 28)));
    }

    #[test]
    fn a_dataspace_may_be_shared_too() {
        let shared = [3, 1, 0, 0x16, 0, 0, 0, 0, 0x18, 0]; // version, type, fractal heap ID
        let bytes = [&with(&THREE[..24], 1, &[2, 3, 0, 12, 0, 10])[..], &shared, &[5, 0]].concat();
        let dataspace = Stored::Elsewhere(Shared::Heap([0, 0x16, 0, 0, 0, 0, 0x18, 0]));
        assert_eq!(parse(&bytes).unwrap(), Attribute { dataspace, ..attribute(Span::new(&[5, 0], AT + 34)) });
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(parse(&with(&THREE, at, others)));
        assert_eq!(told(0, &[4]), "attribute message at 0x60: version is 4 (at 0x60)");
        assert_eq!(told(1, &[4]), "attribute message at 0x60: flags is 4 (at 0x61)");
        // Problems of the parts keep their place.
        assert_eq!(told(4, &[11]), "attribute message at 0x60: the bytes end inside the structure (at 0x76)");
        assert_eq!(told(24, &[3]), "attribute message at 0x60: version is 3 (at 0x78)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        // The value fills the rest of the message: it is checked where type and shape are known.
        every_prefix_fails(&ONE[..40], parse);
        every_prefix_fails(&TWO[..29], parse);
        every_prefix_fails(&THREE[..28], parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&ONE, |bytes| drop(parse(bytes)));
        never_panics(&TWO, |bytes| drop(parse(bytes)));
        never_panics(&THREE, |bytes| drop(parse(bytes)));
    }
}
