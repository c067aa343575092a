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
        let (at_type, flags) = le_u8(i)?;
        let (at_order, link_type) = if flags & 0x08 == 0 { (at_type, 0) } else { le_u8(at_type)? };
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
        let (i, target) = Target::parse(sizes, at_type, link_type, i)?;
        Ok((i, Self { name: name.bytes().to_vec(), creation_order, target }))
    }
}

impl Target {
    fn parse<'a>(sizes: Sizes, at_type: Span<'a>, link_type: u8, i: Span<'a>) -> Parsed<'a, Self> {
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
            2..64 => at_type.value("link type", link_type),
        }
    }
}

fn sized(i: Span<'_>) -> Parsed<'_, Span<'_>> {
    let (i, length) = le_u16(i)?;
    bytes(length.into(), i)
}

/// An external link's value: version and flags, then two NUL-terminated texts.
fn external(i: Span<'_>) -> Parsed<'_, (Vec<u8>, Vec<u8>)> {
    let (rest, version_and_flags) = le_u8(i)?;
    if version_and_flags >> 4 != 0 {
        return i.value("external link version", version_and_flags >> 4);
    }
    let mut texts = rest.bytes().split(|byte| *byte == 0);
    match (texts.next(), texts.next(), texts.next()) {
        (Some(file), Some(path), Some(_)) => Ok((rest, (file.to_vec(), path.to_vec()))),
        _ => rest.fail(Problem::Text("external link without terminating NUL")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    // Written by libhdf5 2.0 for a group that tracks creation order.

    const HARD: [u8; 20] = [
        1,    // version
        0x04, // flags: creation order is stored
        2, 0, 0, 0, 0, 0, 0, 0,    // creation order
        1,    // length of link name
        b'h', // link name
        0x7e, 0x0a, 0, 0, 0, 0, 0, 0, // address of the link's object header
    ];

    const SOFT: [u8; 17] = [
        1,    // version
        0x0c, // flags: link type and creation order are stored
        1,    // link type: soft
        0, 0, 0, 0, 0, 0, 0, 0,    // creation order
        1,    // length of link name
        b'a', // link name
        2, 0, // length of soft link value
        b'/', b'x', // soft link value
    ];

    const EXTERNAL: [u8; 26] = [
        1,    // version
        0x1c, // flags: link type, creation order and character set are stored
        64,   // link type: external
        1, 0, 0, 0, 0, 0, 0, 0, // creation order
        1, // link name character set: UTF-8
        2, // length of link name
        0xc3, 0xa9, // link name
        9, 0, // length of external link value
        0, // version and flags of the value
        b'f', b'.', b'h', b'5', 0, // file name
        b'/', b'y', 0, // full object path
    ];

    const USER_DEFINED: [u8; 12] = [
        1,    // version
        0x09, // flags: link type is stored, length of link name takes two bytes
        65,   // link type
        2, 0, // length of link name
        b'u', b'd', // link name
        3, 0, // length of user-defined data
        1, 2, 3, // user-defined data
    ];

    fn parse(bytes: &[u8]) -> Result<Link, Error> {
        crate::structure::parse(Structure::Link, Span::new(bytes, AT), |i| Link::parse(Sizes::EIGHT, i))
    }

    #[test]
    fn each_type_of_link_has_its_target() {
        let link = |name: &[u8], creation_order, target| Link { name: name.to_vec(), creation_order, target };
        assert_eq!(parse(&HARD).unwrap(), link(b"h", Some(2), Target::Hard(Address(0xa7e))));
        assert_eq!(parse(&SOFT).unwrap(), link(b"a", Some(0), Target::Soft(b"/x".to_vec())));
        let external = Target::External { file: b"f.h5".to_vec(), path: b"/y".to_vec() };
        assert_eq!(parse(&EXTERNAL).unwrap(), link("é".as_bytes(), Some(1), external));
        assert_eq!(parse(&USER_DEFINED).unwrap(), link(b"ud", None, Target::UserDefined(65)));
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |bytes: &[u8], at, others: &[u8]| message_of(parse(&with(bytes, at, others)));
        assert_eq!(told(&HARD, 0, &[2]), "link message at 0x60: version is 2 (at 0x60)");
        assert_eq!(told(&HARD, 10, &[0]), "link message at 0x60: length of link name is 0 (at 0x6a)");
        assert_eq!(told(&HARD, 12, &[0xff; 8]), "link message at 0x60: object header address is undefined (at 0x6c)");
        assert_eq!(told(&SOFT, 2, &[2]), "link message at 0x60: link type is 2 (at 0x62)");
        assert_eq!(told(&EXTERNAL, 17, &[0x10]), "link message at 0x60: external link version is 1 (at 0x71)");
        assert_eq!(
            told(&EXTERNAL, 25, b"z"),
            "link message at 0x60: external link without terminating NUL is not valid text (at 0x72)"
        );
        let long_name = [1, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, b'h'];
        assert_eq!(message_of(parse(&long_name)), "link message at 0x60: the bytes end inside the structure (at 0x6a)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&HARD, parse);
        every_prefix_fails(&SOFT, parse);
        every_prefix_fails(&EXTERNAL, parse);
        every_prefix_fails(&USER_DEFINED, parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&HARD, |bytes| drop(parse(bytes)));
        never_panics(&EXTERNAL, |bytes| drop(parse(bytes)));
    }
}
