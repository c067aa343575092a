//! Interpolation (`SZInterpolationCompressor`): from a grid of one element, each level fills in those between the ones that it has, line by
//! line along one dimension after another, block by block.

use super::fields::Fields;
use super::huffman;
use super::number::Number;
use super::positions::{Steps, number, strides, visit};
use super::quantizer::{Quantizer, zeros};
use crate::field::convert::narrow;

/// Levels of which the grid is this many elements wide or wider (2^2) allow half the error.
const NARROW_LEVELS: u32 = 3;

/// What is recovered, and how.
struct Recovery<'a, T> {
    values: Vec<T>,
    quantizer: Quantizer<'a>,
    /// Part of the bound that a level allows.
    scale: f64,
    is_cubic: bool,
}

/// A line of elements of which every other one is known.
#[derive(Debug, Clone, Copy)]
struct Line {
    start: usize,
    step: usize,
    count: usize,
}

/// The elements of a stream, of `dims` by its configuration.
pub(super) fn decode<T: Number>(i: &mut Fields<'_>, dims: &[u64], elements: u64) -> Option<Vec<T>> {
    for size in dims {
        i.u64().filter(|own| own == size)?;
    }
    let block = i.u32().filter(|block| *block > 0 && block.is_multiple_of(2))?;
    let is_cubic = match i.u32()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let order = permutation(dims.len(), narrow(i.u32()?.into()))?;
    let quantizer = Quantizer::new::<T>(i)?.with_steps(huffman::decode(i, elements)?);
    let mut recovery = Recovery { values: zeros(elements), quantizer, scale: 1.0, is_cubic };
    *recovery.values.first_mut()? = recovery.quantizer.recover(T::default(), 1.0)?;
    let sizes: Vec<usize> = dims.iter().map(|size| narrow(*size)).collect();
    let levels = sizes
        .iter()
        .filter_map(|size| size.checked_sub(1))
        .max()?
        .checked_ilog2()
        .map_or(0, |log| log.saturating_add(1));
    for level in (1..=levels).rev() {
        recovery.scale = if level >= NARROW_LEVELS { 0.5 } else { 1.0 };
        let stride = 1_usize.checked_shl(level.saturating_sub(1))?;
        recovery.level(&sizes, &order, stride, stride.checked_mul(narrow(block.into()))?)?;
    }
    recovery.quantizer.is_used_up().then_some(recovery.values)
}

/// The permutation of `count` dimensions that has this number in the order of all of them.
fn permutation(count: usize, mut number: usize) -> Option<Vec<usize>> {
    let mut left: Vec<usize> = (0..count).collect();
    let mut permutation = Vec::new();
    while !left.is_empty() {
        let others: usize = (1..left.len()).product();
        let next = number.checked_div(others).filter(|next| *next < left.len())?;
        permutation.push(left.remove(next));
        number = number.checked_rem(others)?;
    }
    Some(permutation)
}

impl<T: Number> Recovery<'_, T> {
    /// Fills in what lies `stride` elements from what is known, in blocks of `block` elements.
    fn level(&mut self, sizes: &[usize], order: &[usize], stride: usize, block: usize) -> Option<()> {
        let last: Vec<usize> = sizes.iter().map(|size| size.saturating_sub(1)).collect();
        let strides = strides(sizes)?;
        let blocks: Vec<_> = last.iter().map(|last| Steps { start: 0, end: *last, step: block }).collect();
        visit(&blocks, |first| {
            let end = |axis: usize| Some(first.get(axis)?.saturating_add(block).min(*last.get(axis)?));
            for (pass, axis) in order.iter().enumerate() {
                let mut steps = Vec::new();
                for (rank, other) in order.iter().enumerate() {
                    let start = *first.get(*other)?;
                    // What lies before the first is a neighbouring block's, unless there is none.
                    let step = if rank < pass { stride } else { stride.checked_mul(2)? };
                    let after = if start == 0 { 0 } else { start.saturating_add(step) };
                    steps.push(if rank == pass {
                        Steps { start, end: start, step: 1 }
                    } else {
                        Steps { start: after, end: end(*other)?, step }
                    });
                }
                let apart: Vec<usize> = order.iter().map(|axis| strides.get(*axis).copied()).collect::<Option<_>>()?;
                let length = end(*axis)?.checked_sub(*first.get(*axis)?)?;
                let count = length.checked_div(stride)?.checked_add(1)?;
                let step = stride.checked_mul(*strides.get(*axis)?)?;
                visit(&steps, |position| self.line(Line { start: number(position, &apart), step, count }))?;
            }
            Some(())
        })
    }

    /// Fills in every other element of a line.
    fn line(&mut self, line: Line) -> Option<()> {
        match line.count {
            0 | 1 => Some(()),
            5.. if self.is_cubic => self.cubic(line),
            _ => self.linear(line),
        }
    }

    fn linear(&mut self, line: Line) -> Option<()> {
        let last = line.count.checked_sub(1)?;
        for at in (1..last).step_by(2) {
            self.recover(line, at, [(1, -1), (1, 1)], 2)?;
        }
        match line.count {
            count if count % 2 == 1 => Some(()),
            2 => self.recover(line, last, [(1, -1)], 1),
            _ => {
                let (before, near) = (self.value(line, last, -3)?, self.value(line, last, -1)?);
                self.set(line, last, T::of_f64(-0.5 * before.to_f64() + 1.5 * near.to_f64()))
            }
        }
    }

    /// The elements inside, the first and the last of them that have neighbours on both sides, and one behind the last that is known.
    fn cubic(&mut self, line: Line) -> Option<()> {
        let last = line.count.checked_sub(1)?;
        let inside = (3..last.checked_sub(2)?).step_by(2);
        let after = inside.clone().next_back().map_or(Some(3), |at| at.checked_add(2))?;
        for at in inside {
            self.recover(line, at, [(-1, -3), (9, -1), (9, 1), (-1, 3)], 16)?;
        }
        self.recover(line, 1, [(3, -1), (6, 1), (-1, 3)], 8)?;
        self.recover(line, after, [(-1, -3), (6, -1), (3, 1)], 8)?;
        if line.count.is_multiple_of(2) {
            self.recover(line, last, [(3, -5), (-10, -3), (15, -1)], 8)?;
        }
        Some(())
    }

    /// Recovers the element of a line that is predicted from others, each with its weight and its distance.
    fn recover<const N: usize>(&mut self, line: Line, at: usize, from: [(i8, isize); N], divisor: i8) -> Option<()> {
        let mut terms = [(0, T::default()); N];
        for (term, (weight, distance)) in terms.iter_mut().zip(from) {
            *term = (weight, self.value(line, at, distance)?);
        }
        self.set(line, at, T::weighted(terms, divisor))
    }

    fn value(&self, line: Line, at: usize, distance: isize) -> Option<T> {
        self.values.get(line.element(at.checked_add_signed(distance)?)).copied()
    }

    fn set(&mut self, line: Line, at: usize, predicted: T) -> Option<()> {
        *self.values.get_mut(line.element(at))? = self.quantizer.recover(predicted, self.scale)?;
        Some(())
    }
}

impl Line {
    fn element(self, at: usize) -> usize {
        self.start.saturating_add(at.saturating_mul(self.step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_permuted_in_the_order_of_their_numbers() {
        assert_eq!(permutation(1, 0), Some(vec![0]));
        let all: Vec<_> = (0..6).filter_map(|number| permutation(3, number)).collect();
        assert_eq!(all, [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]);
        assert_eq!((permutation(3, 6), permutation(4, 23)), (None, Some(vec![3, 2, 1, 0])));
    }
}
