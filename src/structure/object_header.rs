//! Object headers: prefixes, blocks of messages, and what frames a message ([IV.A.1]).

use nom::number::complete::{le_u8, le_u16, le_u32};

use crate::error::Problem;
use crate::field::checksum::checksum;
use crate::field::sizes::{le_uint, length_of, sum, two_bit_width, version};
use crate::field::{Parsed, Span, bytes, signature, skip};

/// Most bytes of a version 2 prefix.
pub(crate) const LONGEST_PREFIX: u64 = 34;

/// What an object header begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) version: Version,
    /// Bytes of the prefix.
    pub(crate) size: u64,
    /// Bytes of the messages of the first block.
    pub(crate) messages_size: u64,
}

/// The two ways to frame messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two {
        /// Each message carries its creation index.
        creation_order: bool,
    },
}

/// A framed message: its type and where its body lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) message_type: u16,
    pub(crate) flags: Flags,
    pub(crate) creation_index: Option<u16>,
    /// File offset of the body.
    pub(crate) at: u64,
    /// Bytes of the body.
    pub(crate) size: u64,
}

/// A message's flags ([IV.A.1.a]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(pub(crate) u8);

impl Flags {
    /// The body says where the message is stored.
    pub(crate) fn is_shared(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// A reader that does not know the type must refuse the object. (0x08 asks the same of writers only.)
    pub(crate) fn must_be_understood(self) -> bool {
        self.0 & 0x80 != 0
    }
}

impl Prefix {
    /// Bytes of the whole first block: prefix, messages, and the checksum of version 2.
    pub(crate) fn block_size(&self) -> Option<u64> {
        let checksum = if self.version == Version::One { 0 } else { 4 };
        sum(&[self.size, self.messages_size, checksum])
    }

    pub(crate) fn parse(i: Span<'_>) -> Parsed<'_, Self> {
        if i.bytes().first() == Some(&1) { Self::parse_v1(i) } else { Self::parse_v2(i) }
    }

    fn parse_v1(i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(1..=1, i)?;
        let (i, ()) = skip(1, i)?;
        // The count covers the messages of all blocks; real files get it wrong, and libhdf5 goes by the blocks' ends.
        let (i, _messages) = le_u16(i)?;
        let (i, _reference_count) = le_u32(i)?;
        let (i, messages_size) = le_u32(i)?;
        let (i, ()) = skip(4, i)?;
        Ok((i, Self { version: Version::One, size: 16, messages_size: messages_size.into() }))
    }

    fn parse_v2(i: Span<'_>) -> Parsed<'_, Self> {
        let start = i;
        let (i, ()) = signature("OHDR", i)?;
        let (i, _version) = version(2..=2, i)?;
        let (i, flags) = le_u8(i)?;
        let (i, ()) = skip(if flags & 0x20 == 0 { 0 } else { 16 }, i)?;
        let (i, ()) = skip(if flags & 0x10 == 0 { 0 } else { 4 }, i)?;
        let (i, messages_size) = le_uint(two_bit_width(flags), i)?;
        let version = Version::Two { creation_order: flags & 0x04 != 0 };
        let size = length_of(&start.until(&i));
        Ok((i, Self { version, size, messages_size }))
    }

    /// The messages of the first block, which fills `i`.
    pub(crate) fn messages<'a>(&self, i: Span<'a>) -> Parsed<'a, Vec<Frame>> {
        let start = i;
        let (i, ()) = skip(self.size, i)?;
        let (i, body) = bytes(self.messages_size, i)?;
        let i = match self.version {
            Version::One => i,
            Version::Two { .. } => checksum(start.until(&i), i)?.0,
        };
        let (_, frames) = self.version.frames(body)?;
        Ok((i, frames))
    }
}

impl Version {
    /// The messages of a continuation block, which fills `i` ([IV.A.1.b], "OCHK").
    pub(crate) fn continuation(self, i: Span<'_>) -> Parsed<'_, Vec<Frame>> {
        if self == Self::One {
            return self.frames(i);
        }
        let start = i;
        let (i, ()) = signature("OCHK", i)?;
        let Some(size) = length_of(&i).checked_sub(4) else {
            return i.fail(Problem::Truncated);
        };
        let (i, body) = bytes(size, i)?;
        let (i, ()) = checksum(start.until(&i), i)?;
        let (_, frames) = self.frames(body)?;
        Ok((i, frames))
    }

    /// Bytes before a message's body.
    fn frame_size(self) -> u64 {
        match self {
            Self::One => 8,
            Self::Two { creation_order: false } => 4,
            Self::Two { creation_order: true } => 6,
        }
    }

    /// Messages up to the end; what is too short for one is a gap.
    fn frames(self, mut i: Span<'_>) -> Parsed<'_, Vec<Frame>> {
        let mut frames = Vec::new();
        while length_of(&i) >= self.frame_size() {
            let (rest, frame) = self.frame(i)?;
            frames.push(frame);
            i = rest;
        }
        Ok((i, frames))
    }

    fn frame(self, i: Span<'_>) -> Parsed<'_, Frame> {
        let (i, message_type) = match self {
            Self::One => le_u16(i)?,
            Self::Two { .. } => le_u8(i).map(|(i, message_type)| (i, message_type.into()))?,
        };
        let (i, size) = le_u16(i)?;
        let (i, flags) = le_u8(i)?;
        let (i, creation_index) = match self {
            Self::One => (skip(3, i)?.0, None),
            Self::Two { creation_order: false } => (i, None),
            Self::Two { creation_order: true } => le_u16(i).map(|(i, index)| (i, Some(index)))?,
        };
        let (rest, body) = bytes(size.into(), i)?;
        Ok((rest, Frame { message_type, flags: Flags(flags), creation_index, at: body.at(), size: size.into() }))
    }
}
