//! Object headers: prefixes, blocks of messages, and what frames a message ([IV.A.1]).

use nom::number::complete::{le_u8, le_u16, le_u32};

use crate::error::Problem;
use crate::field::checksum::checksum;
use crate::field::sizes::{le_uint, length_of, sum, two_bit_width, version};
use crate::field::{Parsed, Span, bytes, signature, skip};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, sealed, with};

    /// A committed datatype, written by libhdf5 2.0, libver earliest.
    const ONE: [u8; 40] = [
        1, // version
        0, // reserved
        1, 0, // total number of header messages
        1, 0, 0, 0, // object reference count
        24, 0, 0, 0, // object header size
        0, 0, 0, 0, // reserved
        3, 0, // header message #1 type: datatype
        16, 0, // size of header message #1 data
        5, // header message #1 flags
        0, 0, 0, // reserved
        0x10, 8, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, // header message #1 data
    ];

    /// The same, libver latest.
    const TWO: [u8; 49] = [
        b'O', b'H', b'D', b'R', // signature
        2,    // version
        0x20, // flags: times are stored, size of chunk #0 takes one byte
        0x9f, 0x41, 0x00, 0x6b, 0x9f, 0x41, 0x00, 0x6b, // access time, modification time
        0x9f, 0x41, 0x00, 0x6b, 0x9f, 0x41, 0x00, 0x6b, // change time, birth time
        22,   // size of chunk #0
        3,    // header message #1 type: datatype
        12, 0, // size of header message #1 data
        5, // header message #1 flags
        0x10, 8, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0, // header message #1 data
        0, 2, 0, 0, // header message #2: NIL, of two bytes
        0, 0, // header message #2 data
        0xf0, 0x87, 0x71, 0xae, // checksum
    ];

    const PLAIN: Version = Version::Two { creation_order: false };
    const ORDERED: Version = Version::Two { creation_order: true };

    fn parse(bytes: &[u8]) -> Result<(Prefix, Vec<Frame>), Error> {
        crate::structure::parse(Structure::ObjectHeader, Span::new(bytes, AT), |i| {
            let (_, prefix) = Prefix::parse(i)?;
            let (i, frames) = prefix.messages(i)?;
            Ok((i, (prefix, frames)))
        })
    }

    fn continuation(version: Version, bytes: &[u8]) -> Result<Vec<Frame>, Error> {
        crate::structure::parse(Structure::ObjectHeader, Span::new(bytes, AT), |i| version.continuation(i))
    }

    fn frame(message_type: u16, flags: u8, at: u64, size: u64) -> Frame {
        Frame { message_type, flags: Flags(flags), creation_index: None, at, size }
    }

    #[test]
    fn version_1_frames_messages_in_8_bytes() {
        let (prefix, frames) = parse(&ONE).unwrap();
        assert_eq!(prefix, Prefix { version: Version::One, size: 16, messages_size: 24 });
        assert_eq!(prefix.block_size(), Some(40));
        assert_eq!(frames, [frame(3, 5, 0x78, 16)]);
    }

    #[test]
    fn version_2_frames_messages_in_4_bytes() {
        let (prefix, frames) = parse(&TWO).unwrap();
        assert_eq!(prefix, Prefix { version: PLAIN, size: 23, messages_size: 22 });
        assert_eq!(prefix.block_size(), Some(49));
        assert_eq!(frames, [frame(3, 5, 0x7b, 12), frame(0, 0, 0x8b, 2)]);
    }

    #[test]
    fn creation_order_adds_an_index_to_each_message() {
        let bytes = sealed(&[
            b'O', b'H', b'D', b'R', // signature
            2,    // version
            0x15, // flags: phase change values, creation order, size of chunk #0 takes two bytes
            8, 0, 6, 0, // maximum number of compact attributes, minimum number of dense attributes
            12, 0, // size of chunk #0
            0x12, 1, 0, 0, // header message #1 type, size and flags
            7, 0, // header message #1 creation order
            9, // header message #1 data
            0, 0, 0, 0, 0, // gap
        ]);
        let (prefix, frames) = parse(&bytes).unwrap();
        assert_eq!(prefix, Prefix { version: ORDERED, size: 12, messages_size: 12 });
        assert_eq!(frames, [Frame { creation_index: Some(7), ..frame(0x12, 0, 0x72, 1) }]);
    }

    #[test]
    fn the_size_of_the_first_block_takes_up_to_8_bytes() {
        let bytes = sealed(&[b'O', b'H', b'D', b'R', 2, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(parse(&bytes).unwrap(), (Prefix { version: PLAIN, size: 14, messages_size: 0 }, Vec::new()));
        let huge = with(&bytes, 6, &[0xff; 8]);
        assert_eq!(message_of(parse(&huge)), "object header at 0x60: the bytes end inside the structure (at 0x6e)");
        let prefix = Prefix { version: PLAIN, size: 14, messages_size: u64::MAX };
        assert_eq!(prefix.block_size(), None);
    }

    #[test]
    fn a_continuation_of_version_1_is_nothing_but_messages() {
        assert_eq!(continuation(Version::One, &ONE[16..]).unwrap(), [frame(3, 5, 0x68, 16)]);
        // Every prefix shorter than a message's frame is a gap: an empty block is valid.
        assert_eq!(continuation(Version::One, &ONE[16..23]).unwrap(), []);
        assert_eq!(
            message_of(continuation(Version::One, &ONE[16..39])),
            "object header at 0x60: the bytes end inside the structure (at 0x68)"
        );
    }

    #[test]
    fn a_continuation_of_version_2_has_signature_and_checksum() {
        let bytes = sealed(&[
            b'O', b'C', b'H', b'K', // signature
            6, 2, 0, 0, // header message #1 type, size and flags
            1, 2, // header message #1 data
            0, 0, 0, // gap
        ]);
        assert_eq!(continuation(PLAIN, &bytes).unwrap(), [frame(6, 0, 0x68, 2)]);
        every_prefix_fails(&bytes, |bytes| continuation(PLAIN, bytes));
        assert_eq!(
            message_of(continuation(PLAIN, &with(&bytes, 0, b"F"))),
            "object header at 0x60: signature is not \"OCHK\" (at 0x60)"
        );
        assert_eq!(
            message_of(continuation(PLAIN, &sealed(b"OCHK\x06\x02\x00\x00\x01"))),
            "object header at 0x60: the bytes end inside the structure (at 0x68)"
        );
        never_panics(&bytes[..13], |bytes| drop(continuation(ORDERED, &sealed(bytes))));
    }

    #[test]
    fn flags_tell_shared_messages_and_those_that_must_be_understood() {
        let told = |flags| (Flags(flags).is_shared(), Flags(flags).must_be_understood());
        assert_eq!([0x02, 0x80, 0x08].map(told), [(true, false), (false, true), (false, false)]);
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(parse(&with(&TWO, at, others)));
        assert_eq!(told(0, b"U"), "object header at 0x60: signature is not \"OHDR\" (at 0x60)");
        assert_eq!(told(4, &[1]), "object header at 0x60: version is 1 (at 0x64)");
        assert_eq!(told(45, &[0xf1]), "object header at 0x60: checksum is 0xae7187f1, computed 0xae7187f0 (at 0x8d)");
        assert_eq!(
            message_of(parse(&with(&ONE, 18, &[17]))),
            "object header at 0x60: the bytes end inside the structure (at 0x78)"
        );
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&ONE, parse);
        every_prefix_fails(&TWO, parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&ONE, |bytes| drop(parse(bytes)));
        never_panics(&TWO[..45], |bytes| drop(parse(&sealed(bytes))));
        never_panics(&ONE[16..], |bytes| drop(continuation(Version::One, bytes)));
    }
}
