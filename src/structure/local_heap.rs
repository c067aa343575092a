//! Local heaps, the names of old-style groups ([III.D]).

use crate::error::Problem;
use crate::field::convert::wide;
use crate::field::sizes::version;
use crate::field::{Address, Parsed, Sizes, Span, bytes, signature, skip};

/// Enough bytes for a local heap's header, whatever the widths.
pub(crate) const LONGEST_HEADER: u64 = 104;

/// The header of a local heap ([III.D]). Its free list is never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocalHeap {
    /// Bytes of the data segment.
    pub(crate) segment_size: u64,
    pub(crate) segment: Address,
}

impl LocalHeap {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, ()) = signature("HEAP", i)?;
        let (i, _version) = version(0..=0, i)?;
        let (i, ()) = skip(3, i)?;
        let (i, segment_size) = sizes.length(i)?;
        let (i, _free_list) = sizes.length(i)?;
        let (i, segment) = sizes.defined("data segment address", i)?;
        Ok((i, Self { segment_size, segment }))
    }
}

/// The NUL-terminated text at `offset` of a data segment.
pub(crate) fn text(offset: u64, segment: Span<'_>) -> Parsed<'_, &[u8]> {
    let (i, ()) = skip(offset, segment)?;
    let Some(length) = nom::Input::position(&i, |byte| byte == 0) else {
        return i.fail(Problem::Text("name without terminating NUL"));
    };
    let (rest, name) = bytes(wide(length), i)?;
    Ok((rest, name.bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Offsets of 4 bytes, lengths of 8.
    const HEADER: [u8; 28] = [
        b'H', b'E', b'A', b'P', // signature
        0,    // version
        0, 0, 0, // reserved
        0x58, 0, 0, 0, 0, 0, 0, 0, // data segment size
        0x10, 0, 0, 0, 0, 0, 0, 0, // offset to head of free list
        0xc8, 0x02, 0, 0, // address of data segment
    ];

    fn parse(bytes: &[u8]) -> Result<LocalHeap, Error> {
        let sizes = Sizes { offsets: Width::Four, lengths: Width::Eight };
        crate::structure::parse(Structure::LocalHeap, Span::new(bytes, AT), |i| LocalHeap::parse(sizes, i))
    }

    fn text_at(offset: u64, segment: &[u8]) -> Result<&[u8], Error> {
        crate::structure::parse(Structure::LocalHeap, Span::new(segment, AT), |i| text(offset, i))
    }

    #[test]
    fn the_header_tells_where_the_data_segment_lies() {
        assert_eq!(parse(&HEADER).unwrap(), LocalHeap { segment_size: 0x58, segment: Address(0x2c8) });
    }

    #[test]
    fn a_text_ends_at_its_nul() {
        let segment = b"\0\0\0\0temperature\0soft";
        assert_eq!(text_at(4, segment).unwrap(), b"temperature");
        assert_eq!(text_at(0, segment).unwrap(), b"");
        assert_eq!(
            message_of(text_at(16, segment)),
            "local heap at 0x60: name without terminating NUL is not valid text (at 0x70)"
        );
        assert_eq!(
            message_of(text_at(21, segment)),
            "local heap at 0x60: the bytes end inside the structure (at 0x60)"
        );
        assert!(text_at(u64::MAX, segment).is_err());
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(parse(&with(&HEADER, at, others)));
        assert_eq!(told(0, b"L"), "local heap at 0x60: signature is not \"HEAP\" (at 0x60)");
        assert_eq!(told(4, &[1]), "local heap at 0x60: version is 1 (at 0x64)");
        assert_eq!(told(24, &[0xff; 4]), "local heap at 0x60: data segment address is undefined (at 0x78)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&HEADER, parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&HEADER, |bytes| drop(parse(bytes)));
        never_panics(b"\0\0\0\0name\0", |bytes| drop(text_at(4, bytes)));
    }
}
