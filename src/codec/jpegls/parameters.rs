//! The parameters of a scan and what follows from them (T.87, A.2.1 and C.2.4.1.1).

use crate::codec::refusal::Refusal;
use crate::error::{Problem, Unsupported};

/// The parameters that a preset coding parameters segment gives; 0 is the default of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Preset {
    pub(super) maximum: u16,
    pub(super) thresholds: [u16; 3],
    pub(super) reset: u16,
}

/// What samples are decoded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameters {
    /// MAXVAL: the largest sample.
    pub(super) maximum: i32,
    /// NEAR: how much samples may differ from what they were.
    pub(super) near: i32,
    /// T1, T2, T3: where the steps of gradients begin.
    pub(super) thresholds: [i32; 3],
    /// RESET: the number of samples after which the counters of a context are halved.
    pub(super) reset: i32,
    /// RANGE: the number of errors of prediction.
    pub(super) range: i32,
    /// Bits of such an error (qbpp).
    pub(super) error_bits: u32,
    /// LIMIT: most bits of a code.
    pub(super) limit: u32,
}

impl Parameters {
    /// The parameters of a scan of samples of `bits` bits, 2 to 16.
    pub(super) fn new(bits: u32, near: u8, preset: &Preset) -> Result<Self, Refusal> {
        let largest = 1_i32.wrapping_shl(bits).wrapping_sub(1);
        let maximum = given(preset.maximum).unwrap_or(largest);
        if maximum > largest {
            return Err(wrong("JPEG-LS MAXVAL", maximum).into());
        }
        // CharLS 2 takes RANGE and LIMIT from the bits of a sample instead, and so no two decoders agree.
        if maximum < largest {
            return Err(Unsupported::Feature("a JPEG-LS image with a MAXVAL that is not that of its bits").into());
        }
        let near = i32::from(near);
        if near > maximum / 2 {
            return Err(wrong("JPEG-LS NEAR", near).into());
        }
        let step = near.wrapping_mul(2).wrapping_add(1);
        let range = near.wrapping_mul(2).wrapping_add(maximum).checked_div(step).unwrap_or(0).wrapping_add(1);
        let sample_bits = bits_of(maximum.wrapping_add(1));
        let reset = given(preset.reset).unwrap_or(64);
        if !(3..=maximum.max(255)).contains(&reset) {
            return Err(wrong("JPEG-LS RESET", reset).into());
        }
        Ok(Self {
            maximum,
            near,
            thresholds: thresholds(maximum, near, preset)?,
            reset,
            range,
            error_bits: bits_of(range),
            limit: sample_bits.wrapping_add(sample_bits.max(8)).wrapping_mul(2),
        })
    }

    /// The step of a gradient, from -4 to 4.
    pub(super) fn step(&self, gradient: i32) -> i32 {
        let [first, second, third] = self.thresholds;
        let size = gradient.wrapping_abs();
        let step: i32 = match size {
            _ if size <= self.near => 0,
            _ if size < first => 1,
            _ if size < second => 2,
            _ if size < third => 3,
            _ => 4,
        };
        if gradient < 0 { step.wrapping_neg() } else { step }
    }

    /// The sample that a prediction and its error give (A.4.5, A.5.3).
    pub(super) fn sample(&self, predicted: i32, error: i32) -> i32 {
        let step = self.near.wrapping_mul(2).wrapping_add(1);
        let sample = predicted.wrapping_add(error.wrapping_mul(step));
        let turn = self.range.wrapping_mul(step);
        let sample = if sample < self.near.wrapping_neg() {
            sample.wrapping_add(turn)
        } else if sample > self.maximum.wrapping_add(self.near) {
            sample.wrapping_sub(turn)
        } else {
            sample
        };
        sample.clamp(0, self.maximum)
    }
}

fn given(value: u16) -> Option<i32> {
    (value != 0).then(|| value.into())
}

fn wrong(field: &'static str, value: i32) -> Problem {
    Problem::Value { field, value: value.unsigned_abs().into() }
}

/// Bits that numbers below `count` have.
fn bits_of(count: i32) -> u32 {
    32_u32.wrapping_sub(count.wrapping_sub(1).leading_zeros())
}

/// The thresholds that are given, else those that follow from the other parameters.
fn thresholds(maximum: i32, near: i32, preset: &Preset) -> Result<[i32; 3], Problem> {
    const BASIC: [(i32, i32, i32); 3] = [(3, 2, 3), (7, 3, 5), (21, 4, 7)];
    let mut least = near.wrapping_add(1);
    let mut thresholds = [0; 3];
    for ((threshold, (basic, smallest, per_near)), given_one) in thresholds.iter_mut().zip(BASIC).zip(preset.thresholds)
    {
        let of_near = per_near.wrapping_mul(near);
        let default = if maximum >= 128 {
            let factor = maximum.min(4095).wrapping_add(128) >> 8;
            factor.wrapping_mul(basic.wrapping_sub(smallest)).wrapping_add(smallest).wrapping_add(of_near)
        } else {
            let factor = 256_i32.checked_div(maximum.wrapping_add(1)).unwrap_or(1).max(1);
            basic.checked_div(factor).unwrap_or(0).wrapping_add(of_near).max(smallest)
        };
        let default = if default > maximum || default < least { least } else { default };
        *threshold = given(given_one).unwrap_or(default);
        if *threshold < least || *threshold > maximum {
            return Err(wrong("JPEG-LS threshold", *threshold));
        }
        least = *threshold;
    }
    Ok(thresholds)
}
