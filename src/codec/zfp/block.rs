//! A block of four scalars a dimension: planes of bits, the most significant first, of coefficients that a transform makes integers of
//! one exponent (zfp, `template/decode.c`, `decodef.c`, `revdecode.c`, `revdecodef.c`).
//!
//! Integers of 32 bits are the upper half of the 64 that are reckoned with.

use super::bits::Bits;
use super::header::{Header, Mode, Scalar};
use super::order::order;
use crate::field::convert::narrow;

/// Digits of a number to the base -2 that stand for something negative.
const NEGATIVE_DIGITS: u64 = 0xaaaa_aaaa_aaaa_aaaa;

/// Reads block after block.
pub(super) struct Blocks<'a> {
    bits: Bits<'a>,
    scalar: Scalar,
    mode: Mode,
    /// How many dimensions there are, 1 to 4.
    dimensions: usize,
    /// Bits of the block that are read.
    used: u32,
    /// Coefficients by frequency, and then by place.
    planes: Vec<u64>,
    block: Vec<i64>,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(header: &Header, stream: &'a [u8]) -> Self {
        let size = order(header.dimensions).len();
        Self {
            bits: Bits::new(stream),
            scalar: header.scalar,
            mode: header.mode,
            dimensions: header.dimensions,
            used: 0,
            planes: vec![0; size],
            block: vec![0; size],
        }
    }

    /// The scalars of the next block, the bits of each at the top of a number; `None` where the stream ends before.
    pub(super) fn next(&mut self) -> Option<&[i64]> {
        self.used = 0;
        match self.scalar {
            Scalar::Int32 | Scalar::Int64 if self.mode.is_reversible() => self.reversible()?,
            Scalar::Int32 | Scalar::Int64 => self.lossy(self.mode.max_precision)?,
            Scalar::Float | Scalar::Double if self.mode.is_reversible() => self.reversible_floats()?,
            Scalar::Float | Scalar::Double => self.floats()?,
        }
        self.bits.skip(self.mode.min_bits.saturating_sub(self.used))?;
        Some(&self.block)
    }

    fn take(&mut self, bits: u32) -> Option<u64> {
        self.used = self.used.saturating_add(bits);
        self.bits.take(bits)
    }

    fn floats(&mut self) -> Option<()> {
        if self.take(1)? == 0 {
            self.block.fill(0);
            return Some(());
        }
        let exponent = self.exponent()?;
        let headroom = i32::try_from(self.dimensions).ok()?.saturating_add(1).saturating_mul(2);
        let precision = exponent.saturating_sub(self.mode.min_exponent).saturating_add(headroom);
        self.lossy(u32::try_from(precision).unwrap_or(0).min(self.mode.max_precision))?;
        self.scale(exponent);
        Some(())
    }

    fn reversible_floats(&mut self) -> Option<()> {
        if self.take(1)? == 0 {
            self.block.fill(0);
            return Some(());
        }
        if self.take(1)? == 0 {
            let exponent = self.exponent()?;
            self.reversible()?;
            self.scale(exponent);
            return Some(());
        }
        // The bits of floats, as numbers that are in the same order.
        self.reversible()?;
        let magnitude = i64::MAX & self.kept();
        for value in self.block.iter_mut().filter(|value| **value < 0) {
            *value ^= magnitude;
        }
        Some(())
    }

    /// The largest exponent of a block of floats.
    fn exponent(&mut self) -> Option<i32> {
        let (bits, bias) = match self.scalar {
            Scalar::Int32 | Scalar::Float => (8, 127),
            Scalar::Int64 | Scalar::Double => (11, 1_023),
        };
        i32::try_from(self.take(bits)?).ok()?.checked_sub(bias)
    }

    fn lossy(&mut self, precision: u32) -> Option<()> {
        self.planes(precision)?;
        let kept = self.kept();
        self.each_line(|line| unlift(line, kept));
        Some(())
    }

    fn reversible(&mut self) -> Option<()> {
        let bits = if self.scalar.bits() == 32 { 5 } else { 6 };
        let precision = u32::try_from(self.take(bits)?).ok()?.saturating_add(1);
        self.planes(precision)?;
        self.each_line(unlift_reversible);
        Some(())
    }

    /// The bits that integers have.
    fn kept(&self) -> i64 {
        if self.scalar.bits() == 32 { !0xffff_ffff } else { !0 }
    }

    /// The integers of at most so many planes of bits.
    fn planes(&mut self, precision: u32) -> Option<()> {
        // What is left of nothing is without end, as for zfp.
        let mut left = self.mode.max_bits.wrapping_sub(self.used);
        let size = self.planes.len();
        self.planes.fill(0);
        // Coefficients that are not 0 so far, and those before them.
        let mut known = 0_usize;
        for plane in 0..precision.min(self.scalar.bits()) {
            let bit = (1_u64 << 63).wrapping_shr(plane);
            let plain = known.min(narrow(left.into()));
            for coefficient in self.planes.iter_mut().take(plain) {
                left = left.saturating_sub(1);
                self.used = self.used.wrapping_add(1);
                if self.bits.bit()? {
                    *coefficient |= bit;
                }
            }
            while known < size && left > 0 {
                (left, self.used) = (left.saturating_sub(1), self.used.wrapping_add(1));
                if !self.bits.bit()? {
                    break;
                }
                while known < size.saturating_sub(1) && left > 0 {
                    (left, self.used) = (left.saturating_sub(1), self.used.wrapping_add(1));
                    if self.bits.bit()? {
                        break;
                    }
                    known = known.saturating_add(1);
                }
                *self.planes.get_mut(known)? |= bit;
                known = known.saturating_add(1);
            }
            if left == 0 {
                break;
            }
        }
        let negative = NEGATIVE_DIGITS & self.kept().cast_unsigned();
        for (place, digits) in order(self.dimensions).iter().zip(&self.planes) {
            *self.block.get_mut(usize::from(*place))? = (digits ^ negative).wrapping_sub(negative).cast_signed();
        }
        Some(())
    }

    /// Changes every four numbers that lie in a line, the slowest dimension first.
    fn each_line(&mut self, change: impl Fn([i64; 4]) -> [i64; 4]) {
        let mut slab = self.block.len();
        while slab >= 4 {
            let row = slab / 4;
            for slab in self.block.chunks_exact_mut(slab) {
                let (low, high) = slab.split_at_mut(row.saturating_mul(2));
                let ((first, second), (third, fourth)) = (low.split_at_mut(row), high.split_at_mut(row));
                for (((x, y), z), w) in first.iter_mut().zip(second).zip(third).zip(fourth) {
                    [*x, *y, *z, *w] = change([*x, *y, *z, *w]);
                }
            }
            slab = row;
        }
    }

    /// Makes floats of integers, of which the largest have this exponent.
    fn scale(&mut self, exponent: i32) {
        if self.scalar == Scalar::Float {
            let scale = power_of_two(exponent.saturating_sub(30), 127, 23);
            let scale = f32::from_bits(u32::try_from(scale).unwrap_or(0));
            for value in &mut self.block {
                let product = scale * nearest_float(*value >> 32);
                *value = i64::from(product.to_bits().cast_signed()) << 32;
            }
        } else {
            let scale = f64::from_bits(power_of_two(exponent.saturating_sub(62), 1_023, 52));
            for value in &mut self.block {
                *value = (scale * nearest_double(*value)).to_bits().cast_signed();
            }
        }
    }
}

/// Undoes the transform of four numbers that loses their lowest bits.
fn unlift([mut x, mut y, mut z, mut w]: [i64; 4], kept: i64) -> [i64; 4] {
    let half = |n: i64| n >> 1 & kept;
    y = y.wrapping_add(half(w));
    w = w.wrapping_sub(half(y));
    y = y.wrapping_add(w);
    w = w.wrapping_shl(1).wrapping_sub(y);
    z = z.wrapping_add(x);
    x = x.wrapping_shl(1).wrapping_sub(z);
    y = y.wrapping_add(z);
    z = z.wrapping_shl(1).wrapping_sub(y);
    w = w.wrapping_add(x);
    x = x.wrapping_shl(1).wrapping_sub(w);
    [x, y, z, w]
}

/// Undoes the transform of four numbers that loses nothing: differences of differences.
fn unlift_reversible([x, mut y, mut z, mut w]: [i64; 4]) -> [i64; 4] {
    w = w.wrapping_add(z);
    z = z.wrapping_add(y);
    w = w.wrapping_add(z);
    y = y.wrapping_add(x);
    z = z.wrapping_add(y);
    w = w.wrapping_add(z);
    [x, y, z, w]
}

/// The bits of a power of two, of a float with this bias and so many bits of fraction; 0 where it is too small for one.
fn power_of_two(exponent: i32, bias: i32, fraction: u32) -> u64 {
    let biased = exponent.saturating_add(bias);
    match u32::try_from(biased) {
        Ok(biased) if biased > 0 => u64::from(biased).wrapping_shl(fraction),
        _ => {
            let below = biased.unsigned_abs().saturating_add(1);
            fraction.checked_sub(below).map_or(0, |bit| 1_u64.wrapping_shl(bit))
        }
    }
}

/// The float next to an integer of 32 bits: both halves are floats, so that only their sum is rounded.
fn nearest_float(n: i64) -> f32 {
    let (high, low) = (i16::try_from(n >> 16).unwrap_or(0), u16::try_from(n & 0xffff).unwrap_or(0));
    f32::from(high) * 65_536.0 + f32::from(low)
}

/// The double next to an integer of 64 bits, likewise.
fn nearest_double(n: i64) -> f64 {
    let (high, low) = (i32::try_from(n >> 32).unwrap_or(0), u32::try_from(n & 0xffff_ffff).unwrap_or(0));
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn powers_of_two_have_one_bit_or_one_exponent() {
        for exponent in -200..=98 {
            let bits = u32::try_from(power_of_two(exponent, 127, 23)).unwrap();
            let expected = if exponent < -149 { 0.0 } else { 2_f64.powi(exponent) };
            assert_eq!(f64::from(f32::from_bits(bits)).to_bits(), expected.to_bits(), "{exponent}");
        }
        for exponent in [-1_085, -1_075, -1_074, -1_073, -1_023, -1_022, 0, 962] {
            let expected =
                if exponent < -1_074 { 0.0 } else { 2_f64.powi(exponent / 2) * 2_f64.powi(exponent - exponent / 2) };
            assert_eq!(power_of_two(exponent, 1_023, 52), expected.to_bits(), "{exponent}");
        }
    }

    #[test]
    fn a_transform_of_four_numbers_is_undone() {
        // 4 times the mean, and differences, of 3, 3, 3, 3.
        assert_eq!(unlift([3, 0, 0, 0], !0), [3, 3, 3, 3]);
        assert_eq!(unlift([3 << 32, 1 << 32, 0, 0], !0xffff_ffff).map(|n| n >> 32), [4, 4, 2, 2]);
        assert_eq!(unlift_reversible([1, 1, 1, 1]), [1, 2, 4, 8]);
    }

    proptest! {
        #[test]
        fn integers_become_the_nearest_floats(n: i64) {
            // What is read of digits is rounded once.
            prop_assert_eq!(nearest_float(n >> 32).to_bits(), (n >> 32).to_string().parse::<f32>().unwrap().to_bits());
            prop_assert_eq!(nearest_double(n).to_bits(), n.to_string().parse::<f64>().unwrap().to_bits());
        }
    }
}
