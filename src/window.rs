//! Boxes of elements, and the runs that one consists of in two arrays.

use std::ops::Range;

use crate::error::Unsupported;
use crate::field::convert::narrow;

/// A box of elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// The first index in each dimension.
    pub(crate) start: Vec<u64>,
    /// How many indices in each dimension.
    pub(crate) count: Vec<u64>,
}

impl Window {
    /// All elements of a shape.
    pub(crate) fn whole(shape: &[u64]) -> Self {
        Self { start: vec![0; shape.len()], count: shape.to_vec() }
    }

    /// One range for each dimension, if these lie inside a shape.
    pub(crate) fn of(ranges: &[Range<u64>], shape: &[u64]) -> Result<Self, Unsupported> {
        let inside = |(range, size): (&Range<u64>, &u64)| range.start <= range.end && range.end <= *size;
        if ranges.len() != shape.len() || !ranges.iter().zip(shape).all(inside) {
            return Err(Unsupported::Feature("a slice that is not inside the dataset"));
        }
        let count = ranges.iter().map(|range| range.end.saturating_sub(range.start)).collect();
        Ok(Self { start: ranges.iter().map(|range| range.start).collect(), count })
    }

    /// How many elements there are, if that fits in 64 bits.
    pub(crate) fn elements(&self) -> Option<u64> {
        if self.count.contains(&0) {
            return Some(0);
        }
        self.count.iter().try_fold(1_u64, |n, count| n.checked_mul(*count))
    }

    /// The indices of one dimension.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        self.start.iter().zip(&self.count).map(|(start, count)| *start..start.saturating_add(*count))
    }
}

/// A place in an array: its shape, and the first index in each dimension.
pub(crate) type Place<'a> = (&'a [u64], &'a [u64]);

/// The runs of a box that are without a gap in two arrays: where each starts in both, in elements.
#[derive(Debug)]
pub(crate) struct Runs {
    /// Elements of each run.
    pub(crate) length: u64,
    /// Dimensions outside the runs, the innermost first.
    steps: Vec<Step>,
    next: Option<(u64, u64)>,
}

#[derive(Debug)]
struct Step {
    count: u64,
    done: u64,
    /// Elements from one index to the next in each array.
    strides: (u64, u64),
}

impl Runs {
    /// A box of `count` elements; both arrays are in memory or in a file, so that no offset exceeds 64 bits.
    pub(crate) fn new(count: &[u64], from: Place<'_>, to: Place<'_>) -> Self {
        let (mut length, mut whole) = (1_u64, true);
        let (mut steps, mut strides, mut first) = (Vec::new(), (1_u64, 1_u64), (0_u64, 0_u64));
        let places = from.0.iter().zip(from.1).zip(to.0.iter().zip(to.1));
        for (count, ((from_size, from_at), (to_size, to_at))) in count.iter().zip(places).rev() {
            first.0 = first.0.saturating_add(from_at.saturating_mul(strides.0));
            first.1 = first.1.saturating_add(to_at.saturating_mul(strides.1));
            if whole {
                length = length.saturating_mul(*count);
                whole = count == from_size && count == to_size;
            } else if *count != 1 {
                steps.push(Step { count: *count, done: 0, strides });
            }
            strides = (strides.0.saturating_mul(*from_size), strides.1.saturating_mul(*to_size));
        }
        let next = (!count.contains(&0)).then_some(first);
        Self { length, steps, next }
    }

    /// Copies the box; each element is `unit` items.
    pub(crate) fn copy<T: Clone>(self, from: &[T], to: &mut [T], unit: usize) {
        let length = narrow(self.length).saturating_mul(unit);
        for (at, place) in self {
            let start = |element: u64| narrow(element).saturating_mul(unit);
            let source = from.get(start(at)..start(at).saturating_add(length));
            let target = to.get_mut(start(place)..start(place).saturating_add(length));
            if let (Some(source), Some(target)) = (source, target) {
                target.clone_from_slice(source);
            }
        }
    }
}

impl Iterator for Runs {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        let found = self.next.take()?;
        let (mut from, mut to) = found;
        for Step { count, done, strides } in &mut self.steps {
            *done = done.saturating_add(1);
            if *done < *count {
                self.next = Some((from.saturating_add(strides.0), to.saturating_add(strides.1)));
                break;
            }
            *done = 0;
            let back = count.saturating_sub(1);
            from = from.saturating_sub(strides.0.saturating_mul(back));
            to = to.saturating_sub(strides.1.saturating_mul(back));
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn runs(count: &[u64], from: Place<'_>, to: Place<'_>) -> (u64, Vec<(u64, u64)>) {
        let runs = Runs::new(count, from, to);
        (runs.length, runs.collect())
    }

    #[test]
    fn rows_that_follow_one_another_in_both_arrays_are_one_run() {
        let of = |count, from, to| runs(count, from, to);
        assert_eq!(of(&[2, 3, 4], (&[5, 3, 4], &[1, 0, 0]), (&[2, 3, 4], &[0, 0, 0])), (24, vec![(12, 0)]));
        assert_eq!(of(&[2, 2], (&[5, 3], &[1, 1]), (&[2, 2], &[0, 0])), (2, vec![(4, 0), (7, 2)]));
        assert_eq!(of(&[1, 2], (&[1, 3], &[0, 1]), (&[4, 2], &[3, 0])), (2, vec![(1, 6)]));
        assert_eq!(of(&[], (&[], &[]), (&[], &[])), (1, vec![(0, 0)]));
        assert_eq!(of(&[2, 0], (&[2, 3], &[0, 0]), (&[2, 0], &[0, 0])).1, []);
    }

    #[test]
    fn a_window_lies_inside_its_shape() {
        let of = |ranges: &[Range<u64>]| Window::of(ranges, &[4, 5]).map(|window| window.count);
        assert_eq!(of(&[1..4, 5..5]), Ok(vec![3, 0]));
        let outside = Unsupported::Feature("a slice that is not inside the dataset");
        let backwards = Range { start: 3, end: 2 };
        for wrong in [vec![0..5, 0..5], vec![0..1; 1], vec![backwards, 0..1], vec![]] {
            assert_eq!(of(&wrong), Err(outside.clone()));
        }
    }

    proptest! {
        #[test]
        fn every_element_of_a_box_is_copied_to_its_place(
            dimensions in prop::collection::vec((1_u64..4, 0_u64..3, 0_u64..3, 0_u64..3, 0_u64..3), 0..4),
            unit in 1_usize..3,
        ) {
            let of = |f: fn(&(u64, u64, u64, u64, u64)) -> u64| dimensions.iter().map(f).collect::<Vec<u64>>();
            let count = of(|d| d.0);
            let (from_at, to_at) = (of(|d| d.1), of(|d| d.2));
            let (from_shape, to_shape) = (of(|d| d.0 + d.1 + d.3), of(|d| d.0 + d.2 + d.4));
            let size = |shape: &[u64]| narrow(shape.iter().product::<u64>()) * unit;
            let from: Vec<u64> = (1..=size(&from_shape).try_into().unwrap()).collect();
            let mut to = vec![0; size(&to_shape)];
            Runs::new(&count, (&from_shape, &from_at), (&to_shape, &to_at)).copy(&from, &mut to, unit);
            let mut expected = vec![0; to.len()];
            let place = |n: u64, at: &[u64], shape: &[u64]| {
                let (mut rest, mut stride, mut place) = (n, 1, 0);
                for ((count, at), shape) in count.iter().zip(at).zip(shape).rev() {
                    place += (at + rest % count) * stride;
                    rest /= count;
                    stride *= shape;
                }
                narrow(place) * unit
            };
            for n in 0..count.iter().product::<u64>() {
                let (a, b) = (place(n, &from_at, &from_shape), place(n, &to_at, &to_shape));
                expected[b..b + unit].copy_from_slice(&from[a..a + unit]);
            }
            prop_assert_eq!(to, expected);
        }
    }
}
