//! Parts of files, one after another, as one file: external raw data ([IV.A.2.h]).

use std::ops::Range;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};

use super::{Halt, Input, ReadAt};
use crate::field::convert::{narrow, wide};

/// A part of a file.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) input: Rc<Input>,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Parts of files as one; where a file ends before its part does, the rest reads as zeros.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    /// Each with the place of its first byte.
    parts: Vec<(u64, Segment)>,
    size: u64,
}

impl Segments {
    pub(crate) fn new(segments: impl IntoIterator<Item = Segment>) -> Self {
        let mut all = Self::default();
        for segment in segments {
            let start = all.size;
            all.size = start.saturating_add(segment.length);
            all.parts.push((start, segment));
        }
        all
    }

    fn read_one(&self, range: &Range<u64>) -> Result<Bytes, Halt> {
        let mut bytes = BytesMut::with_capacity(narrow(range.end.saturating_sub(range.start)));
        let first = self.parts.partition_point(|(start, part)| start.saturating_add(part.length) <= range.start);
        for (start, part) in self.parts.iter().skip(first).take_while(|(start, _)| *start < range.end) {
            let from = range.start.max(*start).saturating_sub(*start);
            let to = range.end.saturating_sub(*start).min(part.length);
            part.append(from, to, &mut bytes)?;
        }
        Ok(bytes.freeze())
    }
}

impl Segment {
    /// The bytes from one place of the part to another.
    fn append(&self, from: u64, to: u64, bytes: &mut BytesMut) -> Result<(), Halt> {
        let size = self.input.size();
        let place = |at: u64| self.offset.saturating_add(at).min(size);
        for read in self.input.source().read(std::slice::from_ref(&(place(from)..place(to))))? {
            bytes.extend_from_slice(&read);
            let missing = to.saturating_sub(from).saturating_sub(wide(read.len()));
            bytes.resize(bytes.len().saturating_add(narrow(missing)), 0);
        }
        Ok(())
    }
}

impl ReadAt for Segments {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Halt> {
        if let Some(range) = ranges.iter().find(|range| range.end > self.size) {
            return Err(super::outside(range, self.size));
        }
        ranges.iter().map(|range| self.read_one(range)).collect()
    }

    fn together(&self) -> u64 {
        self.parts.iter().map(|(_, part)| part.input.source().together()).min().unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_one_after_another_and_what_a_file_lacks_is_zero() {
        let input = Rc::new(Input::from(Bytes::from_static(b"abcdef")));
        let part = |offset, length| Segment { input: Rc::clone(&input), offset, length };
        let segments = Segments::new([part(1, 2), part(4, 4), part(0, 0), part(9, 1), part(0, 1)]);
        assert_eq!(segments.read(&[0..8, 1..3, 3..3]).unwrap(), [&b"bcef\0\0\0a"[..], b"ce", b""]);
        assert!(matches!(segments.read(&[0..1, 7..9]), Err(Halt::Error(_))));
    }
}
