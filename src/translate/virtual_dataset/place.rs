//! Where the chunks of a source go in a virtual dataset.

use std::rc::Rc;

use super::sources::{Elements, Mapped, Source};
use super::steps::{Steps, greatest_common_divisor};
use crate::error::Unsupported;
use crate::file::{Pattern, Selection, block_start, regular_blocks, slices, unlimited};

/// A source's part of a virtual dataset.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) file: String,
    pub(super) source: Rc<Source>,
    /// One for each dimension of the virtual dataset.
    pub(super) axes: Vec<Axis>,
    /// Dimensions of the source of which a single index is taken, and which the virtual dataset lacks.
    pub(super) dropped: Vec<Dropped>,
}

/// A dimension of the source, and the index that is taken of it.
type Dropped = (usize, u64);

/// One dimension of the virtual dataset, of what comes from one source.
#[derive(Debug, Clone, Copy)]
pub(super) enum Axis {
    /// The source lacks it.
    Added(u64),
    /// It is this dimension of the source.
    Kept { dimension: usize, place: Steps, taken: Steps },
}

/// What a source asks of the chunks in one dimension of the virtual dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Exactly(u64),
    /// Any divisor.
    Divisor(u64),
}

const TOO_LARGE: Unsupported = Unsupported::VirtualMapping("its sources reach over 2^64 elements in one dimension");
const OUTSIDE: Unsupported =
    Unsupported::VirtualMapping("a mapping reaches over the end of the source or of the dataset");
const NOT_ALIKE: Unsupported =
    Unsupported::VirtualMapping("a mapping selects another shape in the source than in the dataset");
const NOT_WHOLE: Unsupported = Unsupported::VirtualMapping("a mapping does not consist of whole chunks of its source");

/// One block of an unlimited pattern.
fn block(pattern: &Pattern, number: u64) -> Result<Steps, Unsupported> {
    let (None, Some(length @ 1..)) = (pattern.count, pattern.block) else { return Err(NOT_ALIKE) };
    Ok(Steps::run(block_start(pattern, number).ok_or(TOO_LARGE)?, length))
}

impl Placement {
    /// The place of a mapping's source in a dataset of a shape; `None` where nothing is selected.
    pub(super) fn new(one: Mapped<'_>, shape: &[u64]) -> Result<Option<Self>, Unsupported> {
        let Mapped { mapping, block, file, source } = one;
        let (from, to) =
            (patterns(&mapping.source_selection, &source.shape)?, patterns(&mapping.virtual_selection, shape)?);
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) => (from, to),
            (None, None) => return Ok(None),
            _ => return Err(NOT_ALIKE),
        };
        if block.is_some() && (unlimited(&from).is_some() || unlimited(&to).is_none()) {
            return Err(Unsupported::VirtualMapping(
                "numbered sources without a limited selection for each unlimited block",
            ));
        }
        let length = match (unlimited(&from), unlimited(&to)) {
            (Some(from_at), Some(_)) => {
                from.iter().zip(&source.shape).nth(from_at).map(|(pattern, size)| slices(pattern, *size))
            }
            (Some(_), None) => return Err(NOT_ALIKE),
            _ => None,
        };
        let taken = steps(&from, &source.shape, None, length)?;
        let place = steps(&to, shape, block, length)?;
        let (Some(taken), Some(place)) = (taken, place) else { return Ok(None) };
        let (axes, dropped) = pair(&taken, &place).ok_or(NOT_ALIKE)?;
        Ok(Some(Self { file, source, axes, dropped }))
    }

    /// What the source asks of the chunks in each dimension of the virtual dataset.
    pub(super) fn wishes(&self) -> Result<Vec<Wish>, Unsupported> {
        let of_dimension = |dimension: usize| match &self.source.elements {
            Elements::Chunks(chunks) => chunks.chunk.get(dimension).copied().map_or(Wish::Exactly(1), Wish::Exactly),
            Elements::Whole(_) => self.wish_of_whole(dimension),
        };
        if self
            .dropped
            .iter()
            .any(|(dimension, _)| !matches!(of_dimension(*dimension), Wish::Exactly(1) | Wish::Divisor(_)))
        {
            return Err(NOT_WHOLE);
        }
        let wish = |axis: &Axis| match axis {
            Axis::Added(_) => Wish::Exactly(1),
            Axis::Kept { dimension, .. } => of_dimension(*dimension),
        };
        Ok(self.axes.iter().map(wish).collect())
    }

    /// Elements in one piece may be split in one dimension, if they are single indices before it and whole after it.
    fn wish_of_whole(&self, dimension: usize) -> Wish {
        let size = |dimension: usize| self.source.shape.get(dimension).copied().unwrap_or(1);
        let is_whole = |dimension: usize| self.taken(dimension).is_some_and(|taken| taken.len() == size(dimension));
        let split = (0..self.source.shape.len()).rev().find(|dimension| !is_whole(*dimension)).unwrap_or(0);
        match (dimension.cmp(&split), self.axis(dimension)) {
            (std::cmp::Ordering::Less, _) => Wish::Exactly(1),
            (std::cmp::Ordering::Greater, _) => Wish::Exactly(size(dimension)),
            (std::cmp::Ordering::Equal, Some((place, taken))) => {
                let strides = [place, taken].map(|steps| if steps.count == 1 { 0 } else { steps.stride });
                let numbers = [place.start, taken.start, taken.block, strides[0], strides[1]];
                Wish::Divisor(numbers.into_iter().fold(0, greatest_common_divisor))
            }
            (std::cmp::Ordering::Equal, None) => Wish::Divisor(1),
        }
    }

    fn axis(&self, wanted: usize) -> Option<(Steps, Steps)> {
        self.axes.iter().find_map(|axis| match axis {
            Axis::Kept { dimension, place, taken } if *dimension == wanted => Some((*place, *taken)),
            _ => None,
        })
    }

    /// What is taken of a dimension of the source.
    fn taken(&self, dimension: usize) -> Option<Steps> {
        let dropped = self.dropped.iter().find(|(dropped, _)| *dropped == dimension);
        self.axis(dimension).map(|(_, taken)| taken).or_else(|| dropped.map(|(_, index)| Steps::one(*index)))
    }

    /// The same in chunks instead of elements.
    pub(super) fn in_chunks(&self, chunk: &[u64], shape: &[u64]) -> Result<Self, Unsupported> {
        let axes = self.axes.iter().zip(chunk.iter().zip(shape)).map(|(axis, (chunk, size))| match axis {
            Axis::Added(index) => Some(Axis::Added(*index)),
            Axis::Kept { dimension, place, taken } => {
                let place = place.in_chunks(*chunk, *size)?;
                let end = taken.end();
                Some(Axis::Kept { dimension: *dimension, place, taken: taken.in_chunks(*chunk, end)? })
            }
        });
        let axes = axes.collect::<Option<_>>().ok_or(NOT_WHOLE)?;
        Ok(Self { file: self.file.clone(), source: Rc::clone(&self.source), axes, dropped: self.dropped.clone() })
    }

    /// Whether two have no place in common.
    pub(super) fn apart(&self, other: &Self) -> bool {
        self.axes.iter().zip(&other.axes).any(|(a, b)| a.place().apart(&b.place()))
    }

    /// A chunk's shape as the source has it.
    pub(super) fn own_chunk(&self, chunk: &[u64]) -> Vec<u64> {
        let mut own = vec![1; self.source.shape.len()];
        for (axis, chunk) in self.axes.iter().zip(chunk) {
            if let Axis::Kept { dimension, .. } = axis
                && let Some(own) = own.get_mut(*dimension)
            {
                *own = *chunk;
            }
        }
        own
    }

    /// How many places there are.
    pub(super) fn len(&self) -> Option<u64> {
        self.axes.iter().try_fold(1_u64, |n, axis| n.checked_mul(axis.place().len()))
    }

    /// The `n`th place, and the position in the source of what goes there.
    pub(super) fn cell(&self, n: u64) -> (Vec<u64>, Vec<u64>) {
        let mut position = vec![0; self.axes.len()];
        let mut from = vec![0; self.source.shape.len()];
        for (dimension, index) in &self.dropped {
            if let Some(from) = from.get_mut(*dimension) {
                *from = *index;
            }
        }
        let mut rest = n;
        for (axis, to) in self.axes.iter().zip(&mut position).rev() {
            let length = axis.place().len();
            let here = rest % length;
            rest /= length;
            *to = axis.place().index(here);
            if let Axis::Kept { dimension, taken, .. } = axis
                && let Some(from) = from.get_mut(*dimension)
            {
                *from = taken.index(here);
            }
        }
        (position, from)
    }

    /// The place of what has a position in the source, if it has one.
    pub(super) fn place_of(&self, from: &[u64]) -> Option<Vec<u64>> {
        if self.dropped.iter().any(|(dimension, index)| from.get(*dimension) != Some(index)) {
            return None;
        }
        let place = |axis: &Axis| match axis {
            Axis::Added(index) => Some(*index),
            Axis::Kept { dimension, place, taken } => Some(place.index(taken.position(*from.get(*dimension)?)?)),
        };
        self.axes.iter().map(place).collect()
    }
}

impl Axis {
    /// The indices in the virtual dataset.
    pub(super) fn place(&self) -> Steps {
        match self {
            Self::Added(index) => Steps::one(*index),
            Self::Kept { place, .. } => *place,
        }
    }
}

/// A selection as patterns; `None` selects nothing.
fn patterns(selection: &Selection, shape: &[u64]) -> Result<Option<Vec<Pattern>>, Unsupported> {
    let run = |start, length| Pattern { start, stride: length, count: Some(1), block: Some(length) };
    let patterns = match selection {
        Selection::None => return Ok(None),
        Selection::All => shape.iter().map(|size| run(0, *size)).collect(),
        Selection::Regular(patterns) => patterns.clone(),
        Selection::Blocks(blocks) if blocks.is_empty() => return Ok(None),
        Selection::Blocks(blocks) => regular_blocks(blocks)
            .ok_or(Unsupported::VirtualMapping("a mapping selects blocks at irregular distances"))?,
        Selection::Points(_) => return Err(Unsupported::VirtualMapping("a mapping selects single points")),
    };
    if patterns.len() != shape.len() {
        return Err(Unsupported::VirtualMapping("a mapping selects in another number of dimensions than there are"));
    }
    let nothing = |pattern: &Pattern| pattern.count == Some(0) || pattern.block == Some(0);
    Ok(Some(patterns).filter(|patterns| !patterns.iter().any(nothing)))
}

/// What patterns take of a shape: of an unlimited one a block, or the first `slices` indices; `None` is nothing.
fn steps(
    patterns: &[Pattern],
    shape: &[u64],
    number: Option<u64>,
    slices: Option<u64>,
) -> Result<Option<Vec<Steps>>, Unsupported> {
    let unlimited = unlimited(patterns);
    let mut all = Vec::with_capacity(patterns.len());
    for (dimension, (pattern, size)) in patterns.iter().zip(shape).enumerate() {
        let steps = match (number, slices) {
            _ if Some(dimension) != unlimited => Steps::limited(pattern, *size).ok_or(OUTSIDE)?,
            (Some(number), _) => block(pattern, number)?,
            (None, Some(0)) => return Ok(None),
            (None, Some(slices)) => {
                let broken = Unsupported::VirtualMapping("an unlimited mapping ends within a block");
                Steps::clipped(pattern, slices).ok_or(broken)?
            }
            (None, None) => return Err(NOT_ALIKE),
        };
        if steps.end() > *size {
            return Err(OUTSIDE);
        }
        all.push(steps);
    }
    Ok(Some(all))
}

/// The dimensions of a source and of a virtual dataset that belong together: elements follow one another in C order on both sides.
fn pair(taken: &[Steps], place: &[Steps]) -> Option<(Vec<Axis>, Vec<Dropped>)> {
    let lengths = |steps: &[Steps]| steps.iter().map(Steps::len).collect::<Vec<_>>();
    let same = lengths(taken) == lengths(place);
    // Where the shapes differ, dimensions of a single index are left out on both sides.
    let counts = |steps: &&Steps| same || steps.len() != 1;
    if taken.iter().filter(counts).count() != place.iter().filter(counts).count() {
        return None;
    }
    let mut kept = taken.iter().enumerate().filter(|(_, steps)| counts(steps));
    let axis = |place: &Steps| {
        if !counts(&place) {
            return Some(Axis::Added(place.start));
        }
        let (dimension, taken) = kept.next()?;
        let (place, taken) = Steps::matched(*place, *taken)?;
        Some(Axis::Kept { dimension, place, taken })
    };
    let axes = place.iter().map(axis).collect::<Option<_>>()?;
    let dropped = taken.iter().enumerate().filter(|(_, steps)| !counts(steps));
    Some((axes, dropped.map(|(dimension, steps)| (dimension, steps.start)).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::sources::Chunks;
    use super::*;
    use crate::file::{Bits, ByteOrder, Class, Datatype, FillValue, FilterPipeline, Mapping, SelectedBlock, extent};
    use crate::reference::Manifest;

    /// A source in one piece or in chunks of two, nothing of which is written.
    fn source(shape: &[u64], in_chunks: bool) -> Rc<Source> {
        let class = Class::BitField { order: ByteOrder::Little, bits: Bits { offset: 0, precision: 8 } };
        let chunks = Chunks {
            chunk: vec![2; shape.len()],
            manifest: Manifest::default(),
            codecs: Vec::new(),
            pipeline: FilterPipeline::default(),
            mask: 0,
            trailing: 0,
        };
        let elements = if in_chunks { Elements::Chunks(Box::new(chunks)) } else { Elements::Whole(Some(0)) };
        let datatype = Datatype { size: 1, class };
        Rc::new(Source { shape: shape.to_vec(), datatype, fill: FillValue::Default, elements })
    }

    fn any_size() -> impl Strategy<Value = u64> {
        prop_oneof![0_u64..6, (0_u64..3).prop_map(|n| u64::MAX - n), Just(1 << 33)]
    }

    /// What the parser lets through.
    fn any_pattern() -> impl Strategy<Value = Pattern> {
        let unlimited = || prop_oneof![4 => any_size().prop_map(Some), 1 => Just(None)];
        (any_size(), any_size(), unlimited(), unlimited())
            .prop_map(|(start, stride, count, block)| Pattern { start, stride, count, block })
            .prop_filter("blocks overlap", |Pattern { stride, count, block, .. }| {
                *stride > 0 && (*count == Some(1) || block.is_some_and(|block| block <= *stride))
            })
    }

    fn any_selection() -> impl Strategy<Value = Selection> {
        let corners = (vec(any_size(), 2), vec(any_size(), 2)).prop_filter("corners", |(a, b)| a <= b && a[1] <= b[1]);
        let block = corners.prop_map(|(start, end)| SelectedBlock { start, end });
        prop_oneof![
            1 => Just(Selection::All),
            8 => vec(any_pattern(), 2).prop_map(Selection::Regular),
            3 => vec(block, 0..4).prop_map(Selection::Blocks),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn no_selection_of_any_shape_makes_it_panic(
            selections in (any_selection(), any_selection()),
            from in vec(any_size(), 2),
            to in vec(any_size(), 2),
            block in prop_oneof![3 => Just(None), 1 => any_size().prop_map(Some)],
            in_chunks in any::<bool>(),
        ) {
            let (source_selection, virtual_selection) = selections;
            let mapping = Mapping { source_file: ".".into(), source_dataset: "d".into(), source_selection, virtual_selection };
            let mapped = || Mapped { mapping: &mapping, block, file: ".".to_owned(), source: source(&from, in_chunks) };
            let one = mapped();
            let Ok(shape) = extent(&to, &[None; 2], &[one.extent_of()]) else { return Ok(()) };
            let Ok(Some(placement)) = Placement::new(mapped(), &shape) else { return Ok(()) };
            let Ok(wishes) = placement.wishes() else { return Ok(()) };
            let chunk: Vec<u64> = wishes.iter().map(|(Wish::Exactly(n) | Wish::Divisor(n))| *n).collect();
            prop_assert!(!chunk.contains(&0));
            let Ok(placement) = placement.in_chunks(&chunk, &shape) else { return Ok(()) };
            prop_assert!(!placement.apart(&placement));
            let Some(length) = placement.len() else { return Ok(()) };
            for n in [0, length - 1] {
                let (place, from) = placement.cell(n);
                prop_assert_eq!(placement.place_of(&from), Some(place));
            }
        }
    }

    #[test]
    fn dimensions_are_paired_in_order_and_those_of_one_index_left_out() {
        let (run, one) = (Steps::run, Steps::one);
        let (axes, dropped) = pair(&[one(2), run(0, 4)], &[run(8, 4), one(7), one(3)]).unwrap();
        assert!(matches!(axes[..], [Axis::Kept { dimension: 1, .. }, Axis::Added(7), Axis::Added(3)]), "{axes:?}");
        assert_eq!(dropped, [(0, 2)]);
        let (axes, dropped) = pair(&[one(2), run(0, 4)], &[one(7), run(8, 4)]).unwrap();
        assert!(matches!(axes[..], [Axis::Kept { dimension: 0, .. }, Axis::Kept { dimension: 1, .. }]), "{axes:?}");
        assert_eq!(dropped, []);
        assert!(pair(&[run(0, 4), run(0, 3)], &[run(0, 3), run(0, 4)]).is_none());
        assert!(pair(&[run(0, 4)], &[run(0, 2), run(0, 2)]).is_none());
    }
}
