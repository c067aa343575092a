//! The wavelets of Cohen, Daubechies and Feauveau with 9 and 7 taps, undone by lifting (SPERR, `CDF97.cpp` and `CDF97.h`). Each operation is
//! rounded by itself, and in this order.

use super::extent::{Extent, Levels, half};
use crate::field::convert::narrow;

const H: [f64; 5] = [0.602_949_018_236, 0.266_864_118_443, -0.078_223_266_529, -0.016_864_118_443, 0.026_748_757_411];
const R0: f64 = H[0] - 2.0 * H[4] * H[1] / H[3];
const R1: f64 = H[2] - H[4] - H[4] * H[1] / H[3];
const S0: f64 = H[1] - H[3] - H[3] * R0 / R1;
const T0: f64 = H[0] - 2.0 * (H[2] - H[4]);
const ALPHA: f64 = H[4] / H[3];
const BETA: f64 = H[3] / R1;
const GAMMA: f64 = R1 / S0;
const DELTA: f64 = S0 / T0;
const EPSILON: f64 = std::f64::consts::SQRT_2 * T0;
const INVERSE_EPSILON: f64 = 1.0 / EPSILON;

/// Turns coefficients into values.
pub(super) fn invert(values: &mut [f64], extent: &Extent) {
    let lengths = extent.lengths();
    let [width, height, _] = lengths.map(|length| narrow(length.into()));
    let strides = [1, width, width.saturating_mul(height)];
    let mut transform = Transform { values, strides, line: Vec::new() };
    let halved = |times: [u32; 3]| {
        let [x, y, z] = lengths;
        [half(x, times[0]), half(y, times[1]), half(z, times[2])]
    };
    match extent.levels() {
        Levels::Dyadic(times) => {
            for level in (0..times).rev() {
                let lengths = halved([level; 3]);
                transform.lines([2, 0, 1], lengths);
                transform.lines([1, 0, 2], lengths);
                transform.lines([0, 1, 2], lengths);
            }
        }
        Levels::Packet { plane, depth } => {
            for level in (0..plane).rev() {
                let lengths = halved([level, level, 0]);
                transform.lines([1, 0, 2], lengths);
                transform.lines([0, 1, 2], lengths);
            }
            for level in (0..depth).rev() {
                transform.lines([2, 0, 1], halved([0, 0, level]));
            }
        }
    }
}

/// Values on their way.
struct Transform<'a> {
    values: &'a mut [f64],
    /// Elements from one to the next in each dimension.
    strides: [usize; 3],
    line: Vec<f64>,
}

impl Transform<'_> {
    /// One level of all lines along the first of the axes, in the box of these lengths.
    fn lines(&mut self, axes: [usize; 3], lengths: [u32; 3]) {
        let picked = axes.map(|axis| {
            let length = lengths.get(axis).copied().unwrap_or(0);
            (narrow(length.into()), self.strides.get(axis).copied().unwrap_or(0))
        });
        let [along, (inner, inner_stride), (outer, outer_stride)] = picked;
        for outer in 0..outer {
            for inner in 0..inner {
                let start = outer.saturating_mul(outer_stride).saturating_add(inner.saturating_mul(inner_stride));
                self.line(start, along);
            }
        }
    }

    /// One level of the line from `start` on.
    fn line(&mut self, start: usize, (length, stride): (usize, usize)) {
        let Some(values) = self.values.get_mut(start..) else { return };
        self.line.clear();
        self.line.extend(values.iter().step_by(stride).take(length));
        let middle = self.line.len().div_ceil(2);
        let (even, odd) = self.line.split_at_mut(middle);
        synthesize(even, odd);
        let even_places = values.iter_mut().step_by(stride.saturating_mul(2));
        even_places.zip(even).for_each(|(place, value)| *place = *value);
        let odd_places = values.iter_mut().skip(stride).step_by(stride.saturating_mul(2));
        odd_places.zip(odd).for_each(|(place, value)| *place = *value);
    }
}

/// Turns the smooth half and the detail half of a line into its even and odd elements.
fn synthesize(even: &mut [f64], odd: &mut [f64]) {
    for value in odd.iter_mut() {
        *value *= -EPSILON;
    }
    lift_even(even, odd, DELTA, |value| value * INVERSE_EPSILON);
    lift_odd(odd, even, GAMMA);
    lift_even(even, odd, BETA, |value| value);
    lift_odd(odd, even, ALPHA);
}

/// Takes from each even element its neighbours; beyond the ends the line is mirrored.
fn lift_even(even: &mut [f64], odd: &[f64], factor: f64, scale: impl Fn(f64) -> f64) {
    let (Some((first, even)), Some(next)) = (even.split_first_mut(), odd.first()) else { return };
    *first = scale(*first) - 2.0 * factor * next;
    let neighbours = odd.iter().zip(odd.iter().skip(1).chain(odd.last()));
    for (value, (before, after)) in even.iter_mut().zip(neighbours) {
        *value = scale(*value) - factor * (before + after);
    }
}

/// The same for the odd ones.
fn lift_odd(odd: &mut [f64], even: &[f64], factor: f64) {
    let neighbours = even.iter().zip(even.iter().skip(1).chain(even.last()));
    for (value, (before, after)) in odd.iter_mut().zip(neighbours) {
        *value -= factor * (before + after);
    }
}
