//! Group Info message ([IV.A.2.k]).

use nom::number::complete::{le_u8, le_u16};

use crate::field::sizes::version;
use crate::field::{Parsed, Span};

/// How a new-style group grows; a reader needs none of it but that the object is a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupInfo {
    /// Most links in the object header, fewest in dense storage.
    pub(crate) link_phase_change: Option<(u16, u16)>,
    /// Estimated number of links and length of their names.
    pub(crate) estimates: Option<(u16, u16)>,
}

impl GroupInfo {
    pub(crate) fn parse(i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(0..=0, i)?;
        let (i, flags) = le_u8(i)?;
        let (i, link_phase_change) = pair(flags & 1 != 0, i)?;
        let (i, estimates) = pair(flags & 2 != 0, i)?;
        Ok((i, Self { link_phase_change, estimates }))
    }
}

fn pair(present: bool, i: Span<'_>) -> Parsed<'_, Option<(u16, u16)>> {
    if !present {
        return Ok((i, None));
    }
    let (i, first) = le_u16(i)?;
    let (i, second) = le_u16(i)?;
    Ok((i, Some((first, second))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    const FULL: [u8; 10] = [
        0,    // version
        0x03, // flags: phase change values and estimates are stored
        8, 0, // link phase change: maximum compact value
        6, 0, // link phase change: minimum dense value
        4, 0, // estimated number of entries
        9, 0, // estimated link name length of entries
    ];

    fn parse(bytes: &[u8]) -> Result<GroupInfo, Error> {
        crate::structure::parse(Structure::GroupInfo, Span::new(bytes, AT), GroupInfo::parse)
    }

    #[test]
    fn each_pair_of_values_may_be_left_out() {
        let full = GroupInfo { link_phase_change: Some((8, 6)), estimates: Some((4, 9)) };
        assert_eq!(parse(&FULL).unwrap(), full);
        assert_eq!(parse(&[0, 1, 8, 0, 6, 0]).unwrap(), GroupInfo { estimates: None, ..full });
        assert_eq!(parse(&[0, 2, 4, 0, 9, 0]).unwrap(), GroupInfo { link_phase_change: None, ..full });
        assert_eq!(parse(&[0, 0]).unwrap(), GroupInfo { link_phase_change: None, estimates: None });
    }

    #[test]
    fn other_versions_are_refused() {
        assert_eq!(message_of(parse(&with(&FULL, 0, &[1]))), "group info message at 0x60: version is 1 (at 0x60)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&FULL, parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&FULL, |bytes| drop(parse(bytes)));
    }
}
