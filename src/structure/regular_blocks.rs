//! Blocks of a selection at regular distances.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::selection::{Block, Pattern, Selection};

impl Selection {
    /// The same elements, as patterns if they are blocks at regular distances: those need no list.
    pub(crate) fn regular(&self) -> Cow<'_, Self> {
        let patterns = match self {
            Self::Blocks(blocks) => regular_blocks(blocks),
            _ => None,
        };
        patterns.map_or(Cow::Borrowed(self), |patterns| Cow::Owned(Self::Regular(patterns)))
    }
}

/// Blocks as the patterns that they were made of: version 1 of a hyperslab lists every block of a regular one.
pub(crate) fn regular_blocks(blocks: &[Block]) -> Option<Vec<Pattern>> {
    let rank = blocks.first()?.start.len();
    let of_dimension = |dimension: usize| {
        let ends = blocks.iter().map(|block| Some((*block.start.get(dimension)?, *block.end.get(dimension)?)));
        pattern(&ends.collect::<Option<BTreeSet<_>>>()?)
    };
    let patterns: Vec<Pattern> = (0..rank).map(of_dimension).collect::<Option<_>>()?;
    let all = patterns.iter().try_fold(1_u64, |n, pattern| n.checked_mul(pattern.count?));
    let starts: BTreeSet<&[u64]> = blocks.iter().map(|block| block.start.as_slice()).collect();
    let each_once = starts.len() == blocks.len() && all == u64::try_from(blocks.len()).ok();
    each_once.then_some(patterns)
}

/// The pattern of ranges from first to last index.
fn pattern(ranges: &BTreeSet<(u64, u64)>) -> Option<Pattern> {
    let (start, end) = *ranges.first()?;
    let length = |first: u64, last: u64| last.checked_sub(first)?.checked_add(1);
    let block = length(start, end)?;
    let next = ranges.iter().nth(1).map_or(start.checked_add(block)?, |(next, _)| *next);
    let stride = next.checked_sub(start).filter(|stride| *stride >= block)?;
    let mut expected = Some(start);
    for (first, last) in ranges {
        if expected != Some(*first) || length(*first, *last) != Some(block) {
            return None;
        }
        expected = first.checked_add(stride);
    }
    Some(Pattern { start, stride, count: u64::try_from(ranges.len()).ok(), block: Some(block) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(corners: &[([u64; 2], [u64; 2])]) -> Vec<Block> {
        corners.iter().map(|(start, end)| Block { start: start.to_vec(), end: end.to_vec() }).collect()
    }

    fn limited(start: u64, stride: u64, count: u64, block: u64) -> Pattern {
        Pattern { start, stride, count: Some(count), block: Some(block) }
    }

    #[test]
    fn blocks_at_regular_distances_are_patterns() {
        let grid = [([1, 0], [1, 1]), ([1, 5], [1, 6]), ([4, 0], [4, 1]), ([4, 5], [4, 6])];
        assert_eq!(regular_blocks(&blocks(&grid)), Some(vec![limited(1, 3, 2, 1), limited(0, 5, 2, 2)]));
        assert_eq!(regular_blocks(&blocks(&grid[..1])), Some(vec![limited(1, 1, 1, 1), limited(0, 2, 1, 2)]));
        assert_eq!(regular_blocks(&blocks(&grid[..3])), None);
        assert_eq!(regular_blocks(&blocks(&[grid[0], grid[0], grid[1], grid[2]])), None);
        assert_eq!(regular_blocks(&blocks(&[([0, 0], [0, 0]), ([0, 2], [0, 2]), ([0, 5], [0, 5])])), None);
        assert_eq!(regular_blocks(&blocks(&[([0, 0], [0, 0]), ([0, 2], [0, 3])])), None);
        assert_eq!(regular_blocks(&blocks(&[([0, 0], [0, 2]), ([0, 1], [0, 3])])), None);
        assert_eq!(regular_blocks(&blocks(&[([0, 0], [0, u64::MAX])])), None);
    }
}
