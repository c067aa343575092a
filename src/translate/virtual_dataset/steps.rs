//! What a selection takes in one dimension.

use crate::file::Pattern;

/// Blocks of indices at regular distances; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) start: u64,
    /// From the start of one block to that of the next.
    pub(super) stride: u64,
    pub(super) count: u64,
    /// Indices of a block.
    pub(super) block: u64,
}

impl Steps {
    /// A single index.
    pub(super) fn one(index: u64) -> Self {
        Self::run(index, 1)
    }

    /// Indices without a gap.
    pub(super) fn run(start: u64, length: u64) -> Self {
        Self { start, stride: length, count: 1, block: length }
    }

    /// What a limited pattern takes of a dimension of `extent`; `None` where it reaches over the end.
    pub(super) fn limited(pattern: &Pattern, extent: u64) -> Option<Self> {
        let Pattern { start, stride, count, block } = *pattern;
        let (count, block) = (count?, block?);
        let last = count.checked_sub(1)?.checked_mul(stride)?.checked_add(start)?;
        if last.checked_add(block)? > extent {
            return None;
        }
        let joined = count == 1 || stride == block;
        Some(if joined { Self::run(start, count * block) } else { Self { start, stride, count, block } })
    }

    /// The first `slices` indices of an unlimited pattern; `None` where they end within one of several blocks.
    pub(super) fn clipped(pattern: &Pattern, slices: u64) -> Option<Self> {
        let Pattern { start, stride, .. } = *pattern;
        match pattern.block {
            Some(block) if block != stride && slices > block => {
                let whole = slices.is_multiple_of(block);
                whole.then_some(Self { start, stride, count: slices / block, block })
            }
            _ => Some(Self::run(start, slices)),
        }
    }

    /// How many indices are taken.
    pub(super) fn len(&self) -> u64 {
        self.count * self.block
    }

    /// The index after the last.
    pub(super) fn end(&self) -> u64 {
        self.start + (self.count - 1) * self.stride + self.block
    }

    /// The same indices in blocks of `block`, if they are one run.
    fn split(self, block: u64) -> Option<Self> {
        let one = self.count == 1 && self.block.is_multiple_of(block);
        one.then_some(Self { stride: block, count: self.block / block, block, ..self })
    }

    /// Both in blocks of one size, so that block follows block on both sides.
    pub(super) fn matched(a: Self, b: Self) -> Option<(Self, Self)> {
        match (a.count, b.count) {
            _ if a.len() != b.len() => None,
            _ if a.block == b.block => Some((a, b)),
            (1, _) => a.split(b.block).map(|a| (a, b)),
            (_, 1) => b.split(a.block).map(|b| (a, b)),
            _ => None,
        }
    }

    /// The chunks of `chunk` indices that the blocks consist of; `None` where they do not, but for the last one at `extent`.
    pub(super) fn in_chunks(&self, chunk: u64, extent: u64) -> Option<Self> {
        let apart = self.count == 1 || self.stride.is_multiple_of(chunk);
        let whole = self.block.is_multiple_of(chunk) || (self.count == 1 && self.end() == extent);
        let aligned = self.start.is_multiple_of(chunk) && apart && whole;
        let block = self.block.div_ceil(chunk);
        let stride = if self.count == 1 { block } else { self.stride / chunk };
        aligned.then_some(Self { start: self.start / chunk, stride, count: self.count, block })
    }

    /// The `n`th index.
    pub(super) fn index(&self, n: u64) -> u64 {
        self.start + n / self.block * self.stride + n % self.block
    }

    /// Which index it is, if it is taken.
    pub(super) fn position(&self, index: u64) -> Option<u64> {
        let past = index.checked_sub(self.start)?;
        let (n, inside) = (past / self.stride, past % self.stride);
        (n < self.count && inside < self.block).then(|| n * self.block + inside)
    }

    /// Whether two certainly have no index in common.
    pub(super) fn apart(&self, other: &Self) -> bool {
        if self.end() <= other.start || other.end() <= self.start {
            return true;
        }
        let period = |steps: &Self| if steps.count == 1 { 0 } else { steps.stride };
        let period = greatest_common_divisor(period(self), period(other));
        let (first, second) = if self.start <= other.start { (self, other) } else { (other, self) };
        let Some(between) = (second.start - first.start).checked_rem(period) else { return false };
        between >= first.block && period - between >= second.block
    }
}

pub(super) fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(start: u64, stride: u64, count: Option<u64>, block: Option<u64>) -> Pattern {
        Pattern { start, stride, count, block }
    }

    fn steps(start: u64, stride: u64, count: u64, block: u64) -> Steps {
        Steps { start, stride, count, block }
    }

    fn indices(steps: &Steps) -> Vec<u64> {
        (0..steps.len()).map(|n| steps.index(n)).collect()
    }

    #[test]
    fn blocks_that_touch_are_one_run() {
        let limited =
            |start, stride, count, block| Steps::limited(&pattern(start, stride, Some(count), Some(block)), 20);
        assert_eq!(limited(2, 3, 4, 3), Some(Steps::run(2, 12)));
        assert_eq!(limited(2, 9, 1, 3), Some(Steps::run(2, 3)));
        assert_eq!(limited(2, 5, 4, 3), Some(steps(2, 5, 4, 3)));
        assert_eq!(limited(3, 5, 4, 3), None);
        assert_eq!(limited(u64::MAX, 5, 2, 3), None);
    }

    #[test]
    fn an_unlimited_pattern_takes_what_there_is() {
        let every_fourth = pattern(1, 4, None, Some(2));
        assert_eq!(Steps::clipped(&every_fourth, 4), Some(steps(1, 4, 2, 2)));
        assert_eq!(Steps::clipped(&every_fourth, 3), None);
        assert_eq!(Steps::clipped(&every_fourth, 1), Some(Steps::run(1, 1)));
        for all in [pattern(5, 1, Some(1), None), pattern(5, 1, None, Some(1))] {
            assert_eq!(Steps::clipped(&all, 4), Some(Steps::run(5, 4)));
        }
    }

    #[test]
    fn a_run_is_matched_with_blocks_and_blocks_only_with_blocks_like_them() {
        let blocks = steps(3, 10, 2, 4);
        assert_eq!(Steps::matched(Steps::run(0, 8), blocks), Some((steps(0, 4, 2, 4), blocks)));
        assert_eq!(Steps::matched(blocks, Steps::run(0, 8)), Some((blocks, steps(0, 4, 2, 4))));
        assert_eq!(Steps::matched(blocks, Steps::run(0, 7)), None);
        assert_eq!(Steps::matched(blocks, steps(0, 3, 4, 2)), None);
    }

    #[test]
    fn blocks_are_whole_chunks_or_none() {
        assert_eq!(steps(4, 8, 3, 4).in_chunks(2, 100), Some(steps(2, 4, 3, 2)));
        assert_eq!(steps(4, 8, 3, 4).in_chunks(8, 100), None);
        assert_eq!(steps(4, 6, 3, 4).in_chunks(4, 100), None);
        assert_eq!(Steps::run(3, 4).in_chunks(2, 100), None);
        // The last chunk of the array may stick out.
        assert_eq!(Steps::run(4, 5).in_chunks(4, 9), Some(Steps::run(1, 2)));
        assert_eq!(Steps::run(4, 5).in_chunks(4, 10), None);
    }

    #[test]
    fn interleaved_steps_are_apart() {
        assert!(steps(0, 4, 9, 2).apart(&steps(2, 4, 9, 2)));
        assert!(!steps(0, 4, 9, 3).apart(&steps(2, 4, 9, 2)));
        assert!(!Steps::run(0, 10).apart(&steps(2, 4, 9, 2)));
        assert!(Steps::run(0, 2).apart(&Steps::run(2, 4)));
        assert!(!Steps::run(0, 3).apart(&Steps::run(2, 4)));
    }

    proptest! {
        #[test]
        fn positions_are_those_of_indices_and_apart_is_never_wrong(
            a in (0_u64..20, 0_u64..5, 1_u64..5, 1_u64..5),
            b in (0_u64..20, 0_u64..5, 1_u64..5, 1_u64..5),
        ) {
            let [a, b] = [a, b].map(|(start, gap, count, block)| steps(start, block + gap, count, block));
            let (of_a, of_b) = (indices(&a), indices(&b));
            for index in 0..60 {
                let expected = of_a.iter().position(|known| *known == index);
                prop_assert_eq!(a.position(index), expected.map(|n| u64::try_from(n).unwrap()));
            }
            prop_assert!(!a.apart(&b) || of_a.iter().all(|index| !of_b.contains(index)));
            prop_assert_eq!(a.end(), of_a.last().unwrap() + 1);
        }
    }
}
