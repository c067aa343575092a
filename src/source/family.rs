//! A file that the family driver spread over members of equal size ([II.B]): read as the one file that it is.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::{Halt, Input, ReadAt};
use crate::error::{Error, Problem, Structure};
use crate::field::convert::{narrow, wide};

/// Where the bytes of a family lie: all members but the last are of one size, and the last is no larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Members {
    /// Bytes of the first member, and of every other but the last.
    pub(crate) each: u64,
    /// Members that hold anything.
    pub(crate) count: usize,
    /// Bytes of all.
    pub(crate) total: u64,
}

impl Members {
    /// Members of these sizes. libhdf5 leaves empty ones at the end of a family that became smaller (`H5FD__family_set_eoa`).
    pub(crate) fn of(sizes: &[u64]) -> Result<Self, Error> {
        let count = sizes.iter().rposition(|size| *size > 0).map_or(0, |last| last.saturating_add(1));
        let sizes = sizes.get(..count).unwrap_or_default();
        let each = sizes.first().copied().unwrap_or(0);
        let last = count.saturating_sub(1);
        let odd = sizes.iter().enumerate().find(|(n, size)| **size > each || (*n < last && **size < each));
        if let Some((member, size)) = odd {
            return Err(Error::Member { member, size: *size, expected: each });
        }
        let total = sizes.iter().try_fold(0_u64, |total, size| total.checked_add(*size));
        let overflow = || Error::format(Structure::File, 0, Problem::Overflow("size of the family"));
        Ok(Self { each, count, total: total.ok_or_else(overflow)? })
    }

    /// Whether the members may be those of a family whose members have `size` bytes: the only one may be shorter.
    pub(crate) fn fit(&self, size: u64) -> bool {
        if self.count > 1 { self.each == size } else { self.each <= size }
    }

    /// The member that a byte lies in, and its place there.
    pub(crate) fn place(&self, offset: u64) -> (u64, u64) {
        let each = self.each.max(1);
        (offset.checked_div(each).unwrap_or(0), offset.checked_rem(each).unwrap_or(0))
    }

    /// The first byte after the member that a byte lies in.
    fn end(&self, offset: u64) -> u64 {
        let (_, inside) = self.place(offset);
        offset.saturating_add(self.each.max(1).saturating_sub(inside))
    }

    /// The parts of a range that lie in one member each, in order.
    pub(crate) fn parts(&self, range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let part = move |start: u64| (start < range.end).then(|| start..self.end(start).min(range.end));
        std::iter::successors(part(range.start), move |before| part(before.end))
    }
}

/// The members of a family, as one file.
#[derive(Debug)]
pub(crate) struct Family {
    inputs: Vec<Input>,
    members: Members,
}

impl Family {
    pub(crate) fn new(inputs: Vec<Input>) -> Result<Self, Error> {
        let sizes: Vec<u64> = inputs.iter().map(Input::size).collect();
        Ok(Self { inputs, members: Members::of(&sizes)? })
    }

    /// Refuses a family of which a member is no longer what it was when it was opened.
    pub(super) fn unchanged(&self) -> Result<(), Error> {
        self.inputs.iter().try_for_each(Input::unchanged)
    }

    /// Parts of one member.
    fn read_member(&self, member: u64, parts: &[Range<u64>]) -> Result<Vec<Bytes>, Halt> {
        let local = |part: &Range<u64>| {
            let (_, start) = self.members.place(part.start);
            start..start.saturating_add(part.end.saturating_sub(part.start))
        };
        let ranges: Vec<_> = parts.iter().map(local).collect();
        match self.inputs.get(narrow(member)) {
            Some(input) => input.source().read(&ranges),
            None => Err(super::outside(parts.first().unwrap_or(&(0..0)), self.size())),
        }
    }
}

impl ReadAt for Family {
    fn size(&self) -> u64 {
        self.members.total
    }

    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Halt> {
        if let Some(range) = ranges.iter().find(|range| range.end > self.size()) {
            return Err(super::outside(range, self.size()));
        }
        let parts: Vec<_> = ranges.iter().flat_map(|range| self.members.parts(range.clone())).collect();
        let member = |part: &Range<u64>| self.members.place(part.start).0;
        let mut bytes = Vec::with_capacity(parts.len());
        for run in parts.chunk_by(|a, b| member(a) == member(b)) {
            bytes.extend(self.read_member(run.first().map_or(0, member), run)?);
        }
        let mut bytes = bytes.into_iter();
        Ok(ranges.iter().map(|range| whole(&mut bytes, range.end.saturating_sub(range.start))).collect())
    }

    fn together(&self) -> u64 {
        self.inputs.iter().map(|input| input.source().together()).min().unwrap_or(u64::MAX)
    }

    fn members(&self) -> Option<Members> {
        Some(self.members)
    }
}

/// `length` bytes, put together of as many parts as it takes.
fn whole(parts: &mut impl Iterator<Item = Bytes>, length: u64) -> Bytes {
    if length == 0 {
        return Bytes::new();
    }
    let first = parts.next().unwrap_or_default();
    if wide(first.len()) >= length {
        return first;
    }
    let mut whole = BytesMut::from(first.as_ref());
    while wide(whole.len()) < length {
        let Some(part) = parts.next() else { break };
        whole.extend_from_slice(&part);
    }
    whole.freeze()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file as members of `each` bytes, and `empty` ones after them.
    fn family(file: &[u8], each: usize, empty: usize) -> Family {
        let members = file.chunks(each).chain(std::iter::repeat_n(&[][..], empty));
        Family::new(members.map(|member| Bytes::copy_from_slice(member).into()).collect()).unwrap()
    }

    fn refusal(sizes: &[u64]) -> String {
        Members::of(sizes).unwrap_err().to_string()
    }

    #[test]
    fn a_range_may_span_members() {
        let family = family(b"abcdefghijk", 4, 2);
        assert_eq!(family.members, Members { each: 4, count: 3, total: 11 });
        let read = family.read(&[0..11, 3..5, 4..8, 6..6, 10..11, 0..1]).unwrap();
        assert_eq!(read, [&b"abcdefghijk"[..], b"de", b"efgh", b"", b"k", b"a"]);
        assert!(matches!(family.read(&[0..1, 10..12]), Err(Halt::Error(_))));
    }

    #[test]
    fn all_members_but_the_last_are_of_one_size() {
        assert_eq!(refusal(&[4, 3, 4]), "member 1 of the family has 3 bytes, and the first has 4");
        assert_eq!(refusal(&[4, 0, 4]), "member 1 of the family has 0 bytes, and the first has 4");
        assert_eq!(refusal(&[4, 5]), "member 1 of the family has 5 bytes, and the first has 4");
        assert_eq!(refusal(&[0, 1]), "member 1 of the family has 1 bytes, and the first has 0");
        assert_eq!(Members::of(&[4, 4, 1, 0, 0]).unwrap(), Members { each: 4, count: 3, total: 9 });
        assert_eq!(Members::of(&[]).unwrap(), Members { each: 0, count: 0, total: 0 });
        assert_eq!(refusal(&[u64::MAX, 1]), "file at 0x0: size of the family overflows (at 0x0)");
    }

    #[test]
    fn the_only_member_may_be_shorter_than_a_member_is() {
        let fit = |sizes: &[u64], size| Members::of(sizes).unwrap().fit(size);
        assert_eq!([fit(&[4], 4), fit(&[4], 9), fit(&[4], 3)], [true, true, false]);
        assert_eq!([fit(&[4, 1], 4), fit(&[4, 1], 9)], [true, false]);
    }

    proptest! {
        #[test]
        fn a_family_reads_as_the_file_that_it_is(each in 1_usize..90, ranges in prop::collection::vec((0_u64..60, 0_u64..20), 0..9)) {
            let file = Bytes::from((0..80).collect::<Vec<u8>>());
            let ranges: Vec<_> = ranges.into_iter().map(|(at, length)| at..at + length).collect();
            let read = family(&file, each, 1).read(&ranges).unwrap();
            prop_assert_eq!(read, file.read(&ranges).unwrap());
        }
    }
}
