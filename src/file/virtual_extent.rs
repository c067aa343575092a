//! The extent of a virtual dataset in its unlimited dimensions, which is that of its sources now.

use super::{Pattern, Selection};
use crate::error::Unsupported;
use crate::structure::virtual_mappings::Mapping;

/// A mapping of a virtual dataset, and what its extent depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExtentOf<'m> {
    pub(crate) mapping: &'m Mapping,
    /// The number of the block, where the names of the sources are numbered.
    pub(crate) block: Option<u64>,
    /// The shape of the source; `None` is one that is not there.
    pub(crate) shape: Option<&'m [u64]>,
}

const TOO_LARGE: Unsupported = Unsupported::VirtualMapping("its sources reach over 2^64 elements in one dimension");

/// The extent as the sources have it (`H5D__virtual_set_extent_unlim`).
pub(crate) fn extent(
    stored: &[u64],
    maximum: &[Option<u64>],
    mapped: &[ExtentOf<'_>],
) -> Result<Vec<u64>, Unsupported> {
    let mut found: Vec<Option<u64>> = vec![None; stored.len()];
    let mut least = vec![0_u64; stored.len()];
    for one in mapped {
        let ends = limited_ends(&one.mapping.virtual_selection);
        least.iter_mut().zip(ends).for_each(|(least, end)| *least = end.max(*least));
        let Selection::Regular(patterns) = &one.mapping.virtual_selection else { continue };
        let Some((dimension, pattern)) = unlimited(patterns).and_then(|at| Some((at, patterns.get(at)?))) else {
            continue;
        };
        let end = one.end(pattern)?;
        if let Some(found) = found.get_mut(dimension) {
            *found = Some(end.max(found.unwrap_or(0)));
        }
    }
    // libhdf5 opens no such dataset (`H5D_virtual_check_min_dims`).
    if stored.iter().zip(&least).any(|(stored, least)| stored < least) {
        return Err(Unsupported::VirtualMapping("a mapping reaches over the end of the source or of the dataset"));
    }
    let sizes = stored.iter().zip(maximum).zip(found.iter().zip(&least));
    let sizes = sizes.map(|((stored, maximum), (found, least))| match found.map(|found| found.max(*least)) {
        Some(size) if maximum.is_some_and(|maximum| size > maximum) => {
            Err(Unsupported::VirtualMapping("its sources reach over its maximum dimensions"))
        }
        Some(size) => Ok(size),
        None => Ok(*stored),
    });
    sizes.collect()
}

impl ExtentOf<'_> {
    /// The index after the last that an unlimited pattern of the virtual dataset has elements for.
    fn end(&self, pattern: &Pattern) -> Result<u64, Unsupported> {
        let Some(shape) = self.shape else { return Ok(0) };
        if let Some(number) = self.block {
            let block = pattern.block.filter(|block| *block > 0 && pattern.count.is_none()).ok_or(NOT_ALIKE)?;
            return block_start(pattern, number).and_then(|start| start.checked_add(block)).ok_or(TOO_LARGE);
        }
        let Selection::Regular(patterns) = &self.mapping.source_selection else { return Err(NOT_ALIKE) };
        let dimension = unlimited(patterns).ok_or(NOT_ALIKE)?;
        let (from, size) = patterns.iter().zip(shape).nth(dimension).ok_or(NOT_ALIKE)?;
        reach(pattern, slices(from, *size)).ok_or(TOO_LARGE)
    }
}

const NOT_ALIKE: Unsupported =
    Unsupported::VirtualMapping("a mapping selects another shape in the source than in the dataset");

/// The extent that a selection needs in each dimension in which it is limited (`H5D_virtual_update_min_dims`).
fn limited_ends(selection: &Selection) -> Vec<u64> {
    match selection {
        Selection::Regular(patterns) => patterns.iter().map(|pattern| limited_end(pattern).unwrap_or(0)).collect(),
        Selection::Blocks(blocks) => {
            let ends = blocks.iter().map(|block| &block.end);
            ends.fold(vec![0; blocks.first().map_or(0, |block| block.end.len())], |least: Vec<u64>, end| {
                least.iter().zip(end).map(|(least, end)| (*least).max(end.saturating_add(1))).collect()
            })
        }
        Selection::None | Selection::All | Selection::Points(_) => Vec::new(),
    }
}

/// The index after the last of a limited pattern.
pub(crate) fn limited_end(pattern: &Pattern) -> Option<u64> {
    let last = pattern.count?.checked_sub(1)?.checked_mul(pattern.stride)?.checked_add(pattern.start)?;
    last.checked_add(pattern.block?)
}

/// Whether the extent of a virtual dataset depends on the sources of a mapping.
pub(crate) fn is_unlimited(mapping: &Mapping) -> bool {
    matches!(&mapping.virtual_selection, Selection::Regular(patterns) if unlimited(patterns).is_some())
}

/// The dimension in which a regular hyperslab is unlimited.
pub(crate) fn unlimited(patterns: &[Pattern]) -> Option<usize> {
    patterns.iter().position(|pattern| pattern.count.is_none() || pattern.block.is_none())
}

/// The first index of one block of an unlimited pattern, if the block ends below 2^64.
pub(crate) fn block_start(pattern: &Pattern, number: u64) -> Option<u64> {
    let start = number.checked_mul(pattern.stride)?.checked_add(pattern.start)?;
    start.checked_add(pattern.block?).map(|_| start)
}

/// How many indices an unlimited pattern takes of a dimension of `extent` (`H5S_hyper_get_clip_extent_match`).
pub(crate) fn slices(pattern: &Pattern, extent: u64) -> u64 {
    let Pattern { start, stride, .. } = *pattern;
    let left = extent.saturating_sub(start);
    match pattern.block {
        Some(block) if block != stride => {
            let rest = left.checked_rem(stride).unwrap_or(0);
            left.checked_div(stride).unwrap_or(left).saturating_mul(block).saturating_add(rest.min(block))
        }
        _ => left,
    }
}

/// The extent that the first `slices` indices of an unlimited pattern reach (`H5S__hyper_get_clip_extent_real`).
pub(crate) fn reach(pattern: &Pattern, slices: u64) -> Option<u64> {
    let Pattern { start, stride, .. } = *pattern;
    let Some(last) = slices.checked_sub(1) else { return Some(0) };
    match pattern.block {
        Some(block) if block != stride => {
            let (count, rest) = (last.checked_div(block)?, last.checked_rem(block)?);
            count.checked_mul(stride)?.checked_add(start)?.checked_add(rest)?.checked_add(1)
        }
        _ => start.checked_add(slices),
    }
}

#[cfg(test)]
mod tests {
    use super::super::SelectedBlock;
    use super::*;

    fn pattern(start: u64, stride: u64, count: Option<u64>, block: Option<u64>) -> Pattern {
        Pattern { start, stride, count, block }
    }

    #[test]
    fn an_unlimited_pattern_takes_what_there_is() {
        let every_fourth = pattern(1, 4, None, Some(2));
        assert_eq!([0, 1, 2, 3, 4, 6, 7].map(|extent| slices(&every_fourth, extent)), [0, 0, 1, 2, 2, 3, 4]);
        assert_eq!([0, 1, 2, 3, 4].map(|n| reach(&every_fourth, n)), [0, 2, 3, 6, 7].map(Some));
        for all in [pattern(5, 1, Some(1), None), pattern(5, 1, None, Some(1))] {
            assert_eq!((slices(&all, 9), reach(&all, 4)), (4, Some(9)));
        }
        assert_eq!(reach(&pattern(u64::MAX, 1, None, Some(1)), 4), None);
    }

    #[test]
    fn limited_selections_need_an_extent_of_their_own() {
        let block = |start: [u64; 2], end: [u64; 2]| SelectedBlock { start: start.to_vec(), end: end.to_vec() };
        let regular = vec![pattern(1, 3, Some(2), Some(1)), pattern(3, 1, Some(1), None)];
        assert_eq!(limited_ends(&Selection::Regular(regular)), [5, 0]);
        assert_eq!(limited_ends(&Selection::Blocks(vec![block([0, 4], [0, 9]), block([2, 0], [3, 1])])), [4, 10]);
        assert_eq!(limited_ends(&Selection::All), [0; 0]);
    }

    #[test]
    fn a_source_that_is_not_there_gives_nothing() {
        let all = |count| Selection::Regular(vec![pattern(2, 1, count, Some(1))]);
        let mapping = Mapping {
            source_file: ".".into(),
            source_dataset: "d".into(),
            source_selection: all(None),
            virtual_selection: all(None),
        };
        let of = |shape| extent(&[3], &[None], &[ExtentOf { mapping: &mapping, block: None, shape }]).unwrap();
        assert_eq!((of(None), of(Some(&[9][..]))), (vec![0], vec![9]));
    }
}
