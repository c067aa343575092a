//! Selections by number: which element of a dataset the `n`th of a selection is, and which of a box are selected ([VIII.A]).

use std::ops::Range;

use crate::error::Unsupported;
use crate::field::convert::wide;
use crate::file::virtual_extent::{block_start, limited_end};
use crate::file::{Pattern, SelectedBlock, Selection};
use crate::window::Window;

/// The elements of a selection in their order; those of a hyperslab are in C order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Picked {
    /// What is taken of each dimension.
    Regular(Vec<Axis>),
    /// Runs along the last dimension.
    Listed(Vec<Run>),
}

/// What is taken of one dimension: blocks at regular distances, the last of which may be cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    start: u64,
    stride: u64,
    block: u64,
    /// How many indices.
    length: u64,
}

/// Elements that follow one another along the last dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// The first element.
    pub(super) at: Vec<u64>,
    /// Its number in the selection.
    pub(super) number: u64,
    pub(super) length: u64,
}

/// How the unlimited dimension of a selection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clip {
    /// There is none.
    Limited,
    /// After so many indices.
    Slices(u64),
    /// It is one of its blocks, by number.
    Block(u64),
}

const OUTSIDE: Unsupported =
    Unsupported::VirtualMapping("a mapping reaches over the end of the source or of the dataset");

impl Picked {
    /// What a selection takes of a shape.
    pub(super) fn new(selection: &Selection, shape: &[u64], clip: Clip) -> Result<Self, Unsupported> {
        let rank = Unsupported::VirtualMapping("a mapping selects in another number of dimensions than there are");
        let picked = match selection {
            Selection::None => Self::Listed(Vec::new()),
            Selection::All => Self::Regular(shape.iter().map(|size| Axis::run(0, *size)).collect()),
            Selection::Regular(patterns) if patterns.len() == shape.len() => {
                Self::Regular(patterns.iter().map(|pattern| Axis::new(pattern, clip)).collect::<Result<_, _>>()?)
            }
            Selection::Blocks(blocks) if blocks.iter().all(|block| block.start.len() == shape.len()) => {
                listed(blocks, shape)?
            }
            Selection::Points(points) if points.iter().all(|point| point.len() == shape.len()) => {
                let run = |(number, at): (u64, &Vec<u64>)| Run { at: at.clone(), number, length: 1 };
                Self::Listed((0..).zip(points).map(run).collect())
            }
            _ => return Err(rank),
        };
        if picked.is_inside(shape) { Ok(picked) } else { Err(OUTSIDE) }
    }

    fn is_inside(&self, shape: &[u64]) -> bool {
        match self {
            Self::Regular(axes) => axes.iter().zip(shape).all(|(axis, size)| axis.end() <= Some(*size)),
            Self::Listed(runs) => runs.iter().all(|run| {
                let first = run.at.iter().zip(shape).all(|(at, size)| at < size);
                let end = run.at.last().map_or(Some(0), |at| at.checked_add(run.length));
                first && end.is_some_and(|end| shape.last().is_none_or(|size| end <= *size))
            }),
        }
    }

    /// How many elements there are, if that fits in 64 bits.
    pub(super) fn len(&self) -> Option<u64> {
        match self {
            Self::Regular(axes) if axes.iter().any(|axis| axis.length == 0) => Some(0),
            Self::Regular(axes) => axes.iter().try_fold(1_u64, |n, axis| n.checked_mul(axis.length)),
            Self::Listed(runs) => runs.last().map_or(Some(0), |run| run.number.checked_add(run.length)),
        }
    }

    /// How many runs are looked at for a box.
    pub(super) fn runs(&self) -> u64 {
        match self {
            Self::Regular(_) => 1,
            Self::Listed(runs) => wide(runs.len()),
        }
    }

    /// The element with a number, and how many follow it along the last dimension.
    pub(super) fn locate(&self, number: u64) -> Option<(Vec<u64>, u64)> {
        match self {
            Self::Regular(axes) => {
                let (mut rest, mut at, mut run) = (number, Vec::with_capacity(axes.len()), 1);
                for (n, axis) in axes.iter().rev().enumerate() {
                    let here = rest.checked_rem(axis.length)?;
                    rest = rest.checked_div(axis.length)?;
                    at.push(axis.index(here));
                    run = if n == 0 { axis.run_at(here) } else { run };
                }
                at.reverse();
                (rest == 0).then_some((at, run))
            }
            Self::Listed(runs) => {
                let run = runs.get(runs.partition_point(|run| run.number <= number).checked_sub(1)?)?;
                let past = number.checked_sub(run.number)?;
                let left = run.length.checked_sub(past).filter(|left| *left > 0)?;
                let mut at = run.at.clone();
                if let Some(last) = at.last_mut() {
                    *last = last.saturating_add(past);
                }
                Some((at, left))
            }
        }
    }

    /// The selected elements of a box, run by run.
    pub(super) fn within<E>(&self, window: &Window, mut each: impl FnMut(Run) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Regular(axes) => {
                let (Some((last, outer)), ranges) = (axes.split_last(), window.ranges().collect::<Vec<_>>()) else {
                    return each(Run { at: Vec::new(), number: 0, length: 1 });
                };
                let Some((range, outer_ranges)) = ranges.split_last() else { return Ok(()) };
                let inner: Vec<(u64, u64, u64)> = last.runs(range).collect();
                if inner.is_empty() {
                    return Ok(());
                }
                let outer: Vec<Vec<(u64, u64, u64)>> =
                    outer.iter().zip(outer_ranges).map(|(axis, range)| axis.runs(range).collect()).collect();
                let lengths: Vec<u64> = axes.iter().map(|axis| axis.length).collect();
                for (mut at, row) in rows(&outer, &lengths) {
                    at.push(0);
                    for (index, n, length) in &inner {
                        if let Some(last) = at.last_mut() {
                            *last = *index;
                        }
                        let number = row.saturating_mul(last.length).saturating_add(*n);
                        each(Run { at: at.clone(), number, length: *length })?;
                    }
                }
                Ok(())
            }
            Self::Listed(runs) => runs.iter().filter_map(|run| run.within(window)).try_for_each(each),
        }
    }
}

/// Every combination of single indices of the outer dimensions, with the number of its row.
fn rows(outer: &[Vec<(u64, u64, u64)>], lengths: &[u64]) -> impl Iterator<Item = (Vec<u64>, u64)> {
    let counts: Vec<u64> =
        outer.iter().map(|runs| runs.iter().fold(0, |n: u64, run| n.saturating_add(run.2))).collect();
    let total = counts.iter().fold(1_u64, |n, count| n.saturating_mul(*count));
    let starts: Vec<Vec<u64>> = outer.iter().map(|runs| starts(runs)).collect();
    (0..total).map(move |n| {
        let (mut rest, mut at, mut number, mut weight) =
            (n, Vec::with_capacity(counts.len().saturating_add(1)), 0_u64, 1_u64);
        for (((runs, starts), count), length) in outer.iter().zip(&starts).zip(&counts).zip(lengths).rev() {
            let here = rest.checked_rem(*count).unwrap_or(0);
            rest = rest.checked_div(*count).unwrap_or(0);
            let run = starts.partition_point(|start| *start <= here).saturating_sub(1);
            let past = here.saturating_sub(starts.get(run).copied().unwrap_or(0));
            let (index, n, _) = runs.get(run).copied().unwrap_or_default();
            at.push(index.saturating_add(past));
            number = number.saturating_add(n.saturating_add(past).saturating_mul(weight));
            weight = weight.saturating_mul(*length);
        }
        at.reverse();
        (at, number)
    })
}

/// How many indices come before each run.
fn starts(runs: &[(u64, u64, u64)]) -> Vec<u64> {
    let before = |n: &mut u64, run: &(u64, u64, u64)| Some(std::mem::replace(n, n.saturating_add(run.2)));
    runs.iter().scan(0, before).collect()
}

impl Axis {
    fn run(start: u64, length: u64) -> Self {
        Self { start, stride: length, block: length, length }
    }

    fn new(pattern: &Pattern, clip: Clip) -> Result<Self, Unsupported> {
        let Pattern { start, stride, count, block } = *pattern;
        let not_alike =
            Unsupported::VirtualMapping("a mapping selects another shape in the source than in the dataset");
        match (count, block, clip) {
            (Some(0), _, _) | (_, Some(0), _) => Ok(Self::run(start, 0)),
            (Some(_), Some(_), _) if limited_end(pattern).is_none() => Err(OUTSIDE),
            (Some(count), Some(block), _) if count == 1 || block == stride => {
                Ok(Self::run(start, count.saturating_mul(block)))
            }
            (Some(count), Some(block), _) => Ok(Self { start, stride, block, length: count.saturating_mul(block) }),
            (_, Some(block), Clip::Slices(length)) if block != stride => Ok(Self { start, stride, block, length }),
            (_, _, Clip::Slices(length)) => Ok(Self::run(start, length)),
            (None, Some(block), Clip::Block(number)) => {
                Ok(Self::run(block_start(pattern, number).ok_or(OUTSIDE)?, block))
            }
            _ => Err(not_alike),
        }
    }

    /// The `n`th index.
    fn index(&self, n: u64) -> u64 {
        let (block, inside) = (n.checked_div(self.block).unwrap_or(0), n.checked_rem(self.block).unwrap_or(0));
        self.start.saturating_add(block.saturating_mul(self.stride)).saturating_add(inside)
    }

    /// How many indices follow one another from the `n`th on.
    fn run_at(&self, n: u64) -> u64 {
        let inside = n.checked_rem(self.block).unwrap_or(0);
        self.block.saturating_sub(inside).min(self.length.saturating_sub(n))
    }

    /// The index after the last, if it fits in 64 bits.
    fn end(&self) -> Option<u64> {
        let Some(last) = self.length.checked_sub(1) else { return Some(0) };
        let (block, inside) = (last.checked_div(self.block)?, last.checked_rem(self.block)?);
        block.checked_mul(self.stride)?.checked_add(self.start)?.checked_add(inside)?.checked_add(1)
    }

    /// What is taken of a range: first index, its number, and how many follow one another.
    fn runs(&self, range: &Range<u64>) -> impl Iterator<Item = (u64, u64, u64)> {
        let axis = *self;
        let range = range.clone();
        let first = range.start.saturating_sub(self.start).checked_div(self.stride).unwrap_or(0);
        let blocks = self.length.checked_div(self.block).unwrap_or(0).saturating_add(1);
        (first..blocks)
            .map(move |block| (block, axis.start.saturating_add(block.saturating_mul(axis.stride))))
            .take_while({
                let end = range.end;
                move |(_, start)| *start < end
            })
            .filter_map(move |(block, start)| {
                let number = block.saturating_mul(axis.block);
                let length = axis.block.min(axis.length.saturating_sub(number));
                let from = start.max(range.start);
                let to = start.saturating_add(length).min(range.end);
                let past = from.saturating_sub(start);
                (from < to).then(|| (from, number.saturating_add(past), to.saturating_sub(from)))
            })
    }
}

impl Run {
    /// The part that lies in a box.
    fn within(&self, window: &Window) -> Option<Self> {
        let Some((last, outer)) = self.at.split_last() else { return Some(self.clone()) };
        let ranges: Vec<_> = window.ranges().collect();
        let (range, outer_ranges) = ranges.split_last()?;
        if !outer.iter().zip(outer_ranges).all(|(at, range)| range.contains(at)) {
            return None;
        }
        let (from, to) = ((*last).max(range.start), last.saturating_add(self.length).min(range.end));
        let past = from.checked_sub(*last)?;
        let length = to.checked_sub(from).filter(|length| *length > 0)?;
        let at = outer.iter().copied().chain([from]).collect();
        Some(Self { at, number: self.number.saturating_add(past), length })
    }
}

/// Blocks in C order of their elements, whatever order they are listed in.
fn listed(blocks: &[SelectedBlock], shape: &[u64]) -> Result<Picked, Unsupported> {
    let mut rows: Vec<(Vec<u64>, u64)> = Vec::new();
    for block in blocks {
        let is_inside = block.end.iter().zip(shape).all(|(end, size)| end < size);
        let counts = block.counts().filter(|_| is_inside).ok_or(OUTSIDE)?;
        let Some((length, outer)) = counts.split_last() else { continue };
        rows.extend((0..product(outer)).map(|n| (corner(&block.start, outer, n), *length)));
    }
    rows.sort_unstable();
    rows.dedup();
    let mut number = 0_u64;
    let mut runs = Vec::with_capacity(rows.len());
    for (at, length) in rows {
        runs.push(Run { at, number, length });
        number = number.checked_add(length).ok_or(OUTSIDE)?;
    }
    Ok(Picked::Listed(runs))
}

/// How many runs of elements the blocks of a selection are taken apart into, which may be many more than the bytes that list them.
pub(super) fn rows_of_blocks(selection: &Selection) -> u64 {
    let Selection::Blocks(blocks) = selection else { return 0 };
    let rows = |counts: Vec<u64>| counts.split_last().map_or(0, |(_, outer)| product(outer));
    blocks.iter().filter_map(SelectedBlock::counts).map(rows).fold(0, u64::saturating_add)
}

fn product(counts: &[u64]) -> u64 {
    counts.iter().fold(1, |n: u64, count| n.saturating_mul(*count))
}

/// The first element of the `n`th row of a block.
fn corner(start: &[u64], outer: &[u64], n: u64) -> Vec<u64> {
    let (mut rest, mut corner) = (n, start.to_vec());
    for (at, count) in corner.iter_mut().take(outer.len()).zip(outer).rev() {
        *at = at.saturating_add(rest.checked_rem(*count).unwrap_or(0));
        rest = rest.checked_div(*count).unwrap_or(0);
    }
    corner
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(start: u64, stride: u64, count: Option<u64>, block: Option<u64>) -> Pattern {
        Pattern { start, stride, count, block }
    }

    /// Every element of a selection by its number.
    fn elements(picked: &Picked) -> Vec<Vec<u64>> {
        (0..picked.len().unwrap()).map(|number| picked.locate(number).unwrap().0).collect()
    }

    /// The elements of a box, each with its number.
    fn within(picked: &Picked, window: &Window) -> Vec<(u64, Vec<u64>)> {
        let mut found = Vec::new();
        let each = |run: Run| -> Result<(), Unsupported> {
            for past in 0..run.length {
                let mut at = run.at.clone();
                if let Some(last) = at.last_mut() {
                    *last += past;
                }
                found.push((run.number + past, at));
            }
            Ok(())
        };
        picked.within(window, each).unwrap();
        found.sort();
        found
    }

    #[test]
    fn an_unlimited_selection_may_end_within_a_block() {
        let selection = Selection::Regular(vec![pattern(1, 4, None, Some(2))]);
        let picked = Picked::new(&selection, &[9], Clip::Slices(3)).unwrap();
        assert_eq!(elements(&picked), [[1], [2], [5]]);
        assert_eq!(picked.locate(3), None);
        let block = Picked::new(&selection, &[11], Clip::Block(2)).unwrap();
        assert_eq!(elements(&block), [[9], [10]]);
        assert_eq!(Picked::new(&selection, &[10], Clip::Block(2)), Err(OUTSIDE));
        assert!(Picked::new(&selection, &[10], Clip::Limited).is_err());
    }

    #[test]
    fn blocks_in_any_order_are_taken_row_by_row_and_points_as_they_are_listed() {
        let block = |start: [u64; 2], end: [u64; 2]| SelectedBlock { start: start.to_vec(), end: end.to_vec() };
        let blocks = Selection::Blocks(vec![block([1, 3], [2, 4]), block([0, 0], [1, 0])]);
        let picked = Picked::new(&blocks, &[3, 5], Clip::Limited).unwrap();
        assert_eq!(elements(&picked), [[0, 0], [1, 0], [1, 3], [1, 4], [2, 3], [2, 4]]);
        let points = Selection::Points(vec![vec![2, 1], vec![0, 4], vec![2, 0]]);
        let picked = Picked::new(&points, &[3, 5], Clip::Limited).unwrap();
        assert_eq!(elements(&picked), [[2, 1], [0, 4], [2, 0]]);
        for shape in [[2, 5], [3, 4]] {
            assert_eq!(Picked::new(&points, &shape, Clip::Limited), Err(OUTSIDE));
            assert_eq!(Picked::new(&blocks, &shape, Clip::Limited), Err(OUTSIDE));
        }
    }

    #[test]
    fn rows_of_blocks_are_counted_before_there_are_any() {
        let block = |start: [u64; 2], end: [u64; 2]| SelectedBlock { start: start.to_vec(), end: end.to_vec() };
        let rows = |blocks: &[SelectedBlock]| rows_of_blocks(&Selection::Blocks(blocks.to_vec()));
        assert_eq!(rows(&[block([1, 3], [2, 4]), block([0, 0], [1 << 40, 0])]), 3 + (1 << 40));
        assert_eq!(rows(&[block([0, 0], [u64::MAX - 1, 0]), block([0, 0], [9, 9])]), u64::MAX);
        assert_eq!((rows(&[block([2, 0], [1, 0])]), rows_of_blocks(&Selection::All)), (0, 0));
        // A block that is not inside is refused before its rows are listed.
        let outside = Selection::Blocks(vec![block([0, 0], [1 << 40, 0])]);
        assert_eq!(Picked::new(&outside, &[1 << 40, 1], Clip::Limited), Err(OUTSIDE));
    }

    #[test]
    fn a_scalar_is_one_element() {
        let picked = Picked::new(&Selection::All, &[], Clip::Limited).unwrap();
        assert_eq!((picked.len(), picked.locate(0)), (Some(1), Some((vec![], 1))));
        assert_eq!(within(&picked, &Window::whole(&[])), [(0, vec![])]);
    }

    proptest! {
        #[test]
        fn elements_of_a_box_have_the_numbers_by_which_they_are_found(
            axes in prop::collection::vec((0_u64..3, 0_u64..3, 1_u64..4, 1_u64..3), 1..4),
            corner in (0_u64..8, 0_u64..8),
        ) {
            let of = |(start, gap, count, block): &(u64, u64, u64, u64)| pattern(*start, block + gap, Some(*count), Some(*block));
            let shape = vec![20; axes.len()];
            let regular = Picked::new(&Selection::Regular(axes.iter().map(of).collect()), &shape, Clip::Limited).unwrap();
            let listed: Vec<Run> =
                (0..).zip(elements(&regular)).map(|(number, at)| Run { at, number, length: 1 }).collect();
            let listed = Picked::Listed(listed);
            prop_assert_eq!(elements(&regular), elements(&listed));
            prop_assert!(elements(&regular).is_sorted());
            let window = Window { start: vec![corner.0; axes.len()], count: vec![corner.1; axes.len()] };
            let expected: Vec<(u64, Vec<u64>)> = (0..)
                .zip(elements(&regular))
                .filter(|(_, at)| at.iter().zip(window.ranges()).all(|(at, range)| range.contains(at)))
                .collect();
            prop_assert_eq!(within(&regular, &window), expected.clone());
            prop_assert_eq!(within(&listed, &window), expected);
        }

        #[test]
        fn no_pattern_makes_it_panic(
            numbers in (any::<u64>(), 1_u64.., prop::option::of(any::<u64>()), prop::option::of(any::<u64>())),
            extent in any::<u64>(),
            (number, start) in (any::<u64>(), any::<u64>()),
            slices in prop_oneof![Just(Clip::Limited), any::<u64>().prop_map(Clip::Slices), any::<u64>().prop_map(Clip::Block)],
        ) {
            let (first, stride, count, block) = numbers;
            let selection = Selection::Regular(vec![pattern(first, stride, count, block)]);
            if let Ok(picked) = Picked::new(&selection, &[extent], slices) {
                let found = picked.locate(number);
                prop_assert_eq!(found.is_some(), picked.len().is_some_and(|length| number < length));
                let window = Window { start: vec![start], count: vec![5] };
                picked.within(&window, |_| -> Result<(), Unsupported> { Ok(()) }).unwrap();
            }
        }
    }
}
