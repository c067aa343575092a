//! Bytes that know where in the file they lie, and the parse errors that say so.

use std::iter::{Copied, Enumerate};
use std::slice::Iter;

use nom::error::{ErrorKind, ParseError};
use nom::{Err, Input, Needed};

use super::convert::{narrow, wide};
use crate::error::{LimitError, Problem, Unsupported};

/// A piece of the file: its bytes and the file offset of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span<'a> {
    bytes: &'a [u8],
    at: u64,
}

/// What a parser answers: the rest of the input and the value, or where and why it refused.
pub(crate) type Parsed<'a, T> = Result<(Span<'a>, T), Err<Fault>>;

/// Why a parser refused, and the file offset of the field it refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: u64,
    pub(crate) blame: Blame,
}

/// Who is to blame for a [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Blame {
    Problem(Problem),
    Limit(LimitError),
    Unsupported(Unsupported),
}

impl<'a> Span<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: u64) -> Self {
        Self { bytes, at }
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// File offset of the first byte.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes between the start of `self` and the start of `rest`, which must be a later part of the same input.
    pub(crate) fn until(&self, rest: &Span<'a>) -> Span<'a> {
        self.take(narrow(rest.at.saturating_sub(self.at)))
    }

    /// Refuses the field that starts here: the specification forbids it.
    pub(crate) fn fail<T>(self, problem: Problem) -> Parsed<'a, T> {
        Err(Err::Failure(Fault { at: self.at, blame: Blame::Problem(problem) }))
    }

    /// Refuses the field that starts here: it exceeds a limit.
    pub(crate) fn limit<T>(self, error: LimitError) -> Parsed<'a, T> {
        Err(Err::Failure(Fault { at: self.at, blame: Blame::Limit(error) }))
    }

    /// Refuses the structure that starts here: the specification allows it, and it is not read.
    pub(crate) fn unsupported<T>(self, what: Unsupported) -> Parsed<'a, T> {
        Err(Err::Failure(Fault { at: self.at, blame: Blame::Unsupported(what) }))
    }

    /// Refuses a value of the field that starts here.
    pub(crate) fn value<T>(self, field: &'static str, value: impl Into<u64>) -> Parsed<'a, T> {
        self.fail(Problem::Value { field, value: value.into() })
    }
}

/// Takes `n` bytes as a span of their own.
pub(crate) fn bytes(n: u64, i: Span<'_>) -> Parsed<'_, Span<'_>> {
    if wide(i.len()) < n {
        return i.fail(Problem::Truncated);
    }
    let (rest, taken) = i.take_split(narrow(n));
    Ok((rest, taken))
}

/// Passes over `n` bytes.
pub(crate) fn skip(n: u64, i: Span<'_>) -> Parsed<'_, ()> {
    let (i, _) = bytes(n, i)?;
    Ok((i, ()))
}

/// A structure's four- or eight-byte signature.
pub(crate) fn signature<'a>(text: &'static str, i: Span<'a>) -> Parsed<'a, ()> {
    let (rest, found) = bytes(wide(text.len()), i)?;
    if found.bytes() != text.as_bytes() {
        return i.fail(Problem::Signature(text));
    }
    Ok((rest, ()))
}

impl<'a> ParseError<Span<'a>> for Fault {
    /// The number parsers of nom fail for one reason only: too few bytes.
    fn from_error_kind(input: Span<'a>, _kind: ErrorKind) -> Self {
        Self { at: input.at, blame: Blame::Problem(Problem::Truncated) }
    }

    fn append(_input: Span<'a>, _kind: ErrorKind, other: Self) -> Self {
        other
    }
}

impl<'a> Input for Span<'a> {
    type Item = u8;
    type Iter = Copied<Iter<'a, u8>>;
    type IterIndices = Enumerate<Self::Iter>;

    fn input_len(&self) -> usize {
        self.bytes.len()
    }

    fn take(&self, index: usize) -> Self {
        self.take_split(index).1
    }

    fn take_from(&self, index: usize) -> Self {
        self.take_split(index).0
    }

    /// An index past the end takes everything: nothing here can panic.
    fn take_split(&self, index: usize) -> (Self, Self) {
        let (taken, rest) = self.bytes.split_at_checked(index).unwrap_or((self.bytes, &[]));
        (Self { bytes: rest, at: self.at.saturating_add(wide(taken.len())) }, Self { bytes: taken, at: self.at })
    }

    fn position<P: Fn(Self::Item) -> bool>(&self, predicate: P) -> Option<usize> {
        self.bytes.iter().position(|byte| predicate(*byte))
    }

    fn iter_elements(&self) -> Self::Iter {
        self.bytes.iter().copied()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.bytes.iter().copied().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        if self.bytes.len() >= count { Ok(count) } else { Err(Needed::Unknown) }
    }
}

#[cfg(test)]
mod tests {
    use nom::number::complete::{le_u16, le_u32};

    use super::*;

    #[test]
    fn a_span_knows_the_offset_of_each_field() {
        let i = Span::new(&[1, 2, 3, 4], 0x60);
        let (i, two): (Span<'_>, u16) = le_u16::<_, Fault>(i).unwrap();
        assert_eq!((i.at(), two), (0x62, 0x0201));
        let error = le_u32::<_, Fault>(i).unwrap_err();
        assert_eq!(error, Err::Error(Fault { at: 0x62, blame: Blame::Problem(Problem::Truncated) }));
    }

    #[test]
    fn a_wrong_signature_is_told_at_its_first_byte() {
        let i = Span::new(b"TREX", 8);
        assert_eq!(signature("TREE", i), i.fail(Problem::Signature("TREE")));
    }

    #[test]
    fn taking_past_the_end_takes_what_is_there() {
        let i = Span::new(&[1, 2], 5);
        assert_eq!(i.take(9), i);
        assert_eq!(i.take_from(9), Span::new(&[], 7));
        assert_eq!(bytes(3, i), i.fail(Problem::Truncated));
    }
}
