//! Link Info message ([IV.A.2.c]).

use nom::number::complete::le_u8;

use crate::field::sizes::version;
use crate::field::{Address, Parsed, Sizes, Span, skip};

/// Where a new-style group's dense links lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinkInfo {
    /// The heap of link messages; `None` while the links are in the object header.
    pub(crate) fractal_heap: Option<Address>,
    pub(crate) name_index: Option<Address>,
    /// Present where creation order is indexed.
    pub(crate) creation_order_index: Option<Address>,
    /// Whether creation order is tracked.
    pub(crate) creation_order_tracked: bool,
}

impl LinkInfo {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(0..=0, i)?;
        let (i, flags) = le_u8(i)?;
        let creation_order_tracked = flags & 1 != 0;
        let (i, ()) = skip(if creation_order_tracked { 8 } else { 0 }, i)?;
        let (i, fractal_heap) = sizes.address(i)?;
        let (i, name_index) = sizes.address(i)?;
        let (i, creation_order_index) = if flags & 2 == 0 { (i, None) } else { sizes.address(i)? };
        Ok((i, Self { fractal_heap, name_index, creation_order_index, creation_order_tracked }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Written by libhdf5 2.0 for a group of dense links.
    const TRACKED: [u8; 34] = [
        0,    // version
        0x03, // flags: creation order is tracked and indexed
        2, 0, 0, 0, 0, 0, 0, 0, // maximum creation index
        0x0e, 0x01, 0, 0, 0, 0, 0, 0, // fractal heap address
        0xa0, 0x01, 0, 0, 0, 0, 0, 0, // address of version 2 B-tree for name index
        0xc6, 0x01, 0, 0, 0, 0, 0, 0, // address of version 2 B-tree for creation order index
    ];

    fn parse(bytes: &[u8]) -> Result<LinkInfo, Error> {
        crate::structure::parse(Structure::LinkInfo, Span::new(bytes, AT), |i| LinkInfo::parse(Sizes::EIGHT, i))
    }

    #[test]
    fn creation_order_may_be_tracked_and_indexed() {
        let tracked = LinkInfo {
            fractal_heap: Some(Address(0x10e)),
            name_index: Some(Address(0x1a0)),
            creation_order_index: Some(Address(0x1c6)),
            creation_order_tracked: true,
        };
        assert_eq!(parse(&TRACKED).unwrap(), tracked);
        let unindexed = LinkInfo { creation_order_index: None, ..tracked };
        assert_eq!(parse(&with(&TRACKED, 1, &[1])[..26]).unwrap(), unindexed);
    }

    #[test]
    fn compact_links_have_no_heap() {
        let bytes = [[0; 2].as_slice(), &[0xff; 16]].concat();
        let compact = LinkInfo {
            fractal_heap: None,
            name_index: None,
            creation_order_index: None,
            creation_order_tracked: false,
        };
        assert_eq!(parse(&bytes).unwrap(), compact);
        every_prefix_fails(&bytes, parse);
    }

    #[test]
    fn other_versions_are_refused() {
        let told = message_of(parse(&with(&TRACKED, 0, &[1])));
        assert_eq!(told, "link info message at 0x60: version is 1 (at 0x60)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&TRACKED, parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&TRACKED, |bytes| drop(parse(bytes)));
    }
}
