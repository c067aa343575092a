//! Dataspace selections, as they are serialized ([VIII.A]).

use nom::Parser;
use nom::multi::count;
use nom::number::complete::{le_u8, le_u32};

use crate::error::Problem;
use crate::field::convert::{narrow, wide};
use crate::field::sizes::{le_uint, length_of, version};
use crate::field::{Parsed, Span, skip};

/// Elements of a dataspace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selection {
    /// No element.
    None,
    /// Every element.
    All,
    /// Single elements, in this order.
    Points(Vec<Vec<u64>>),
    /// Blocks at regular distances: what is selected in each dimension.
    Regular(Vec<Pattern>),
    /// Any blocks.
    Blocks(Vec<Block>),
}

/// What a regular hyperslab selects in one dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pattern {
    /// The first index.
    pub start: u64,
    /// From the start of one block to that of the next.
    pub stride: u64,
    /// How many blocks; `None` is unlimited.
    pub count: Option<u64>,
    /// Indices of a block; `None` is unlimited.
    pub block: Option<u64>,
}

/// A block of elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The first index in each dimension.
    pub start: Vec<u64>,
    /// The last index in each dimension.
    pub end: Vec<u64>,
}

impl Block {
    /// How many indices it has in each dimension; `None` if it ends before it starts, or has more than 64 bits count.
    pub(crate) fn counts(&self) -> Option<Vec<u64>> {
        let count = |(start, end): (&u64, &u64)| end.checked_sub(*start)?.checked_add(1);
        self.start.iter().zip(&self.end).map(count).collect()
    }
}

impl Selection {
    pub(crate) fn parse(i: Span<'_>) -> Parsed<'_, Self> {
        let (rest, selection_type) = le_u32(i)?;
        match selection_type {
            0 => nothing_more(rest, Self::None),
            1 => Self::parse_points(rest),
            2 => Self::parse_hyperslab(rest),
            3 => nothing_more(rest, Self::All),
            _ => i.value("selection type", selection_type),
        }
    }

    fn parse_points(i: Span<'_>) -> Parsed<'_, Self> {
        let (i, version) = wide_version(1..=2, i)?;
        let (i, width) = if version == 1 { (skip(8, i)?.0, 4) } else { encode_size(i)? };
        let (i, rank) = rank(i)?;
        let (i, points) = le_uint_counted("num points", width, rank, i)?;
        let (i, points) = count(|i| corner(width, rank, i), points).parse(i)?;
        Ok((i, Self::Points(points)))
    }

    fn parse_hyperslab(i: Span<'_>) -> Parsed<'_, Self> {
        let (at_flags, version) = wide_version(1..=3, i)?;
        if version == 1 {
            let (i, ()) = skip(8, at_flags)?;
            let (i, rank) = rank(i)?;
            return Self::parse_blocks(4, rank, i);
        }
        let (i, flags) = le_u8(at_flags)?;
        if flags > 1 {
            return at_flags.value("flags", flags);
        }
        let (i, width) = if version == 2 { (skip(4, i)?.0, 8) } else { encode_size(i)? };
        let (i, rank) = rank(i)?;
        if flags == 0 {
            return Self::parse_blocks(width, rank, i);
        }
        let (i, patterns) = count(|i| Pattern::parse(width, i), rank).parse(i)?;
        // Without blocks, or without anything in them, it selects nothing (`H5S_select_hyperslab`), unlimited elsewhere or not.
        let nothing = |pattern: &Pattern| pattern.count == Some(0) || pattern.block == Some(0);
        Ok((i, if patterns.iter().any(nothing) { Self::None } else { Self::Regular(patterns) }))
    }

    fn parse_blocks(width: u8, rank: usize, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, blocks) = le_uint_counted("num blocks", width, rank.saturating_mul(2), i)?;
        let (i, blocks) = count(|i| Block::parse(width, rank, i), blocks).parse(i)?;
        Ok((i, Self::Blocks(blocks)))
    }
}

impl Pattern {
    /// The four numbers of one dimension; all ones in their width is unlimited (`H5S__hyper_deserialize`).
    fn parse(width: u8, i: Span<'_>) -> Parsed<'_, Self> {
        let (at_stride, start) = le_uint(width, i)?;
        let (i, stride) = le_uint(width, at_stride)?;
        let (i, count) = unlimited(width, i)?;
        let (i, block) = unlimited(width, i)?;
        // Blocks that overlap are no selection (`H5S_select_hyperslab`).
        let several = count.is_none_or(|count| count > 1);
        if stride == 0 || (several && block.is_none_or(|block| block > stride)) {
            return at_stride.value("stride", stride);
        }
        Ok((i, Self { start, stride, count, block }))
    }
}

impl Block {
    fn parse(width: u8, rank: usize, i: Span<'_>) -> Parsed<'_, Self> {
        let (at_end, start) = corner(width, rank, i)?;
        let (i, end) = corner(width, rank, at_end)?;
        if start.iter().zip(&end).any(|(start, end)| start > end) {
            return at_end.fail(Problem::Order("corners of a block"));
        }
        Ok((i, Self { start, end }))
    }
}

/// The rest of a selection that has no more to say: version, reserved, length.
fn nothing_more(i: Span<'_>, selection: Selection) -> Parsed<'_, Selection> {
    let (i, _version) = wide_version(1..=1, i)?;
    let (i, ()) = skip(8, i)?;
    Ok((i, selection))
}

/// A version of four bytes.
fn wide_version(known: std::ops::RangeInclusive<u8>, i: Span<'_>) -> Parsed<'_, u8> {
    let (after, found) = le_u32(i)?;
    match u8::try_from(found) {
        Ok(_) => Ok((after, version(known, i)?.1)),
        Err(_) => i.value("version", found),
    }
}

/// Bytes of each number.
fn encode_size(i: Span<'_>) -> Parsed<'_, u8> {
    let (rest, size) = le_u8(i)?;
    if matches!(size, 2 | 4 | 8) { Ok((rest, size)) } else { i.value("encode size", size) }
}

fn rank(i: Span<'_>) -> Parsed<'_, usize> {
    let (rest, rank) = le_u32(i)?;
    if (1..=32).contains(&rank) { Ok((rest, narrow(rank.into()))) } else { i.value("rank", rank) }
}

/// How many things of `numbers` numbers each follow, if there are bytes for them.
fn le_uint_counted<'a>(field: &'static str, width: u8, numbers: usize, i: Span<'a>) -> Parsed<'a, usize> {
    let (rest, counted) = le_uint(width, i)?;
    let bytes = counted.checked_mul(wide(numbers)).and_then(|n| n.checked_mul(width.into()));
    if bytes.is_none_or(|bytes| bytes > length_of(&rest)) {
        return i.value(field, counted);
    }
    Ok((rest, narrow(counted)))
}

fn corner(width: u8, rank: usize, i: Span<'_>) -> Parsed<'_, Vec<u64>> {
    count(|i| le_uint(width, i), rank).parse(i)
}

/// A number of which all ones means unlimited.
fn unlimited(width: u8, i: Span<'_>) -> Parsed<'_, Option<u64>> {
    let (rest, number) = le_uint(width, i)?;
    let unlimited = i.until(&rest).bytes().iter().all(|byte| *byte == 0xff);
    Ok((rest, Some(number).filter(|_| !unlimited)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Written by libhdf5 2.0 with libver latest.
    const REGULAR: [u8; 30] = [
        2, 0, 0, 0, // selection type: hyperslab
        3, 0, 0, 0, // version
        1, // flags: regular
        2, // encode size
        2, 0, 0, 0, // rank
        5, 0, // start of dimension 0
        4, 0, // stride of dimension 0
        0xff, 0xff, // count of dimension 0: unlimited
        1, 0, // block of dimension 0
        0, 0, // start of dimension 1
        1, 0, // stride of dimension 1
        1, 0, // count of dimension 1
        4, 0, // block of dimension 1
    ];

    /// Written by libhdf5 2.0 with libver v110.
    const BLOCKS_ONE: [u8; 32] = [
        2, 0, 0, 0, // selection type: hyperslab
        1, 0, 0, 0, // version
        0, 0, 0, 0, // reserved
        16, 0, 0, 0, // length
        1, 0, 0, 0, // rank
        1, 0, 0, 0, // num blocks
        4, 0, 0, 0, // start of block 0
        7, 0, 0, 0, // end of block 0
    ];

    /// Written by libhdf5 2.0 with libver v110.
    const REGULAR_TWO: [u8; 49] = [
        2, 0, 0, 0, // selection type: hyperslab
        2, 0, 0, 0, // version
        1, // flags: regular
        36, 0, 0, 0, // length
        1, 0, 0, 0, // rank
        2, 0, 0, 0, 0, 0, 0, 0, // start of dimension 0
        1, 0, 0, 0, 0, 0, 0, 0, // stride of dimension 0
        1, 0, 0, 0, 0, 0, 0, 0, // count of dimension 0
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // block of dimension 0: unlimited
    ];

    const BLOCKS_THREE: [u8; 24] = [
        2, 0, 0, 0, // selection type: hyperslab
        3, 0, 0, 0, // version
        0, // flags
        2, // encode size
        1, 0, 0, 0, // rank
        2, 0, // num blocks
        0, 0, // start of block 0
        1, 0, // end of block 0
        5, 0, // start of block 1
        5, 0, // end of block 1
    ];

    const POINTS_ONE: [u8; 40] = [
        1, 0, 0, 0, // selection type: points
        1, 0, 0, 0, // version
        0, 0, 0, 0, // reserved
        24, 0, 0, 0, // length
        2, 0, 0, 0, // rank
        2, 0, 0, 0, // num points
        1, 0, 0, 0, 2, 0, 0, 0, // point 0
        0, 0, 0, 0, 3, 0, 0, 0, // point 1
    ];

    const POINTS_TWO: [u8; 31] = [
        1, 0, 0, 0, // selection type: points
        2, 0, 0, 0, // version
        8, // encode size
        1, 0, 0, 0, // rank
        1, 0, 0, 0, 0, 0, 0, 0, // num points
        9, 0, 0, 0, 0, 0, 0, 1, // point 0
        0, 0, // what follows
    ];

    /// Written by libhdf5 2.0.
    const ALL: [u8; 16] = [
        3, 0, 0, 0, // selection type: all
        1, 0, 0, 0, // version
        0, 0, 0, 0, // reserved
        0, 0, 0, 0, // length
    ];

    fn parse(bytes: &[u8]) -> Result<Selection, Error> {
        crate::structure::parse(Structure::Selection, Span::new(bytes, AT), Selection::parse)
    }

    fn pattern(start: u64, stride: u64, count: Option<u64>, block: Option<u64>) -> Pattern {
        Pattern { start, stride, count, block }
    }

    #[test]
    fn a_regular_hyperslab_has_four_numbers_a_dimension_and_all_ones_is_unlimited() {
        let expected = vec![pattern(5, 4, None, Some(1)), pattern(0, 1, Some(1), Some(4))];
        assert_eq!(parse(&REGULAR).unwrap(), Selection::Regular(expected));
        assert_eq!(parse(&REGULAR_TWO).unwrap(), Selection::Regular(vec![pattern(2, 1, Some(1), None)]));
    }

    #[test]
    fn a_hyperslab_without_elements_selects_nothing() {
        assert_eq!(parse(&with(&REGULAR, 26, &[0])).unwrap(), Selection::None);
        assert_eq!(parse(&with(&REGULAR, 28, &[0])).unwrap(), Selection::None);
    }

    #[test]
    fn numbers_take_two_four_or_eight_bytes() {
        let widened = |size: u8| {
            let numbers = REGULAR[14..].chunks(2).flat_map(|number| {
                let filler = if number == [0xff, 0xff] { 0xff } else { 0 };
                let mut number = number.to_vec();
                number.resize(size.into(), filler);
                number
            });
            [&REGULAR[..9], &[size], &REGULAR[10..14]].concat().into_iter().chain(numbers).collect::<Vec<u8>>()
        };
        assert_eq!(parse(&widened(4)).unwrap(), parse(&REGULAR).unwrap());
        assert_eq!(parse(&widened(8)).unwrap(), parse(&REGULAR).unwrap());
        assert_eq!(
            message_of(parse(&with(&REGULAR, 9, &[3]))),
            "dataspace selection at 0x60: encode size is 3 (at 0x69)"
        );
    }

    #[test]
    fn other_hyperslabs_are_blocks_from_corner_to_corner() {
        let one = |start, end| Block { start: vec![start], end: vec![end] };
        assert_eq!(parse(&BLOCKS_ONE).unwrap(), Selection::Blocks(vec![one(4, 7)]));
        assert_eq!(parse(&BLOCKS_THREE).unwrap(), Selection::Blocks(vec![one(0, 1), one(5, 5)]));
    }

    #[test]
    fn points_are_listed() {
        assert_eq!(parse(&POINTS_ONE).unwrap(), Selection::Points(vec![vec![1, 2], vec![0, 3]]));
        assert_eq!(parse(&POINTS_TWO).unwrap(), Selection::Points(vec![vec![(1 << 56) + 9]]));
    }

    #[test]
    fn none_and_all_say_no_more() {
        assert_eq!(parse(&ALL).unwrap(), Selection::All);
        assert_eq!(parse(&with(&ALL, 0, &[0])).unwrap(), Selection::None);
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |valid: &[u8], at, others: &[u8]| message_of(parse(&with(valid, at, others)));
        assert_eq!(told(&ALL, 0, &[4]), "dataspace selection at 0x60: selection type is 4 (at 0x60)");
        assert_eq!(told(&ALL, 4, &[2]), "dataspace selection at 0x60: version is 2 (at 0x64)");
        assert_eq!(told(&ALL, 4, &[1, 1]), "dataspace selection at 0x60: version is 257 (at 0x64)");
        assert_eq!(told(&REGULAR, 4, &[4]), "dataspace selection at 0x60: version is 4 (at 0x64)");
        assert_eq!(told(&REGULAR, 8, &[2]), "dataspace selection at 0x60: flags is 2 (at 0x68)");
        assert_eq!(told(&REGULAR, 10, &[0]), "dataspace selection at 0x60: rank is 0 (at 0x6a)");
        assert_eq!(told(&REGULAR, 10, &[33]), "dataspace selection at 0x60: rank is 33 (at 0x6a)");
        assert_eq!(told(&REGULAR, 16, &[0]), "dataspace selection at 0x60: stride is 0 (at 0x70)");
        assert_eq!(told(&REGULAR, 20, &[5]), "dataspace selection at 0x60: stride is 4 (at 0x70)");
        assert_eq!(told(&REGULAR, 20, &[0xff, 0xff]), "dataspace selection at 0x60: stride is 4 (at 0x70)");
        assert_eq!(told(&BLOCKS_ONE, 20, &[2]), "dataspace selection at 0x60: num blocks is 2 (at 0x74)");
        assert_eq!(
            told(&BLOCKS_ONE, 24, &[8]),
            "dataspace selection at 0x60: corners of a block out of order (at 0x7c)"
        );
        assert_eq!(told(&POINTS_ONE, 20, &[3]), "dataspace selection at 0x60: num points is 3 (at 0x74)");
        assert_eq!(told(&POINTS_TWO, 4, &[3]), "dataspace selection at 0x60: version is 3 (at 0x64)");
    }

    const EVERY: [&[u8]; 7] =
        [&REGULAR, &BLOCKS_ONE, &REGULAR_TWO, &BLOCKS_THREE, &POINTS_ONE, POINTS_TWO.split_at(29).0, &ALL];

    #[test]
    fn every_proper_prefix_is_refused() {
        for valid in EVERY {
            every_prefix_fails(valid, parse);
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        for valid in EVERY {
            never_panics(valid, |bytes| drop(parse(bytes)));
        }
    }
}
