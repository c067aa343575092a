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
