//! Contexts: what was learned of samples with gradients alike (T.87, A.2.2, A.5, A.6).

use super::parameters::Parameters;

/// Most that a prediction is corrected by, upwards and downwards (`MIN_C` and `MAX_C`).
const CORRECTIONS: (i32, i32) = (-128, 127);

/// The context of samples of one gradient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    /// A: the sum of the sizes of errors.
    sizes: i64,
    /// B: what the errors add up to beyond the correction.
    bias: i32,
    /// C: what predictions are corrected by.
    pub(super) correction: i32,
    /// N: how many samples there were.
    count: i32,
}

impl Context {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self { sizes: first_sizes(parameters), bias: 0, correction: 0, count: 1 }
    }

    /// The parameter k of the code of the next error; `None` where nothing but a wrong stream leads to it.
    pub(super) fn shift(&self) -> Option<u32> {
        shift(self.sizes, self.count)
    }

    /// The error that a code stands for (A.5.2, undone).
    pub(super) fn error(&self, mapped: i32, shift: u32, near: i32) -> i32 {
        let half = mapped >> 1;
        let is_odd = mapped & 1 != 0;
        let turned = near == 0 && shift == 0 && self.bias.wrapping_mul(2) <= self.count.wrapping_neg();
        match (turned, is_odd) {
            (false, false) | (true, true) => half,
            (false, true) | (true, false) => half.wrapping_add(1).wrapping_neg(),
        }
    }

    /// Learns from an error (A.6).
    pub(super) fn learn(&mut self, error: i32, parameters: &Parameters) {
        let step = parameters.near.wrapping_mul(2).wrapping_add(1);
        self.bias = self.bias.wrapping_add(error.wrapping_mul(step));
        self.sizes = self.sizes.wrapping_add(i64::from(error.wrapping_abs()));
        if self.count == parameters.reset {
            self.sizes >>= 1;
            self.bias >>= 1;
            self.count >>= 1;
        }
        self.count = self.count.wrapping_add(1);
        let (least, most) = CORRECTIONS;
        if self.bias <= self.count.wrapping_neg() {
            self.bias = self.bias.wrapping_add(self.count).max(self.count.wrapping_neg().wrapping_add(1));
            self.correction = self.correction.wrapping_sub(1).max(least);
        } else if self.bias > 0 {
            self.bias = self.bias.wrapping_sub(self.count).min(0);
            self.correction = self.correction.wrapping_add(1).min(most);
        }
    }
}

/// The context of samples that interrupt runs (A.7.2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Interruption {
    /// `RItype`: 1 where the sample above is as those of the run.
    kind: i32,
    /// A: the sum of the sizes of errors.
    sizes: i64,
    /// N: how many samples there were.
    count: i32,
    /// Nn: how many of their errors were negative.
    negative: i32,
}

impl Interruption {
    pub(super) fn new(kind: i32, parameters: &Parameters) -> Self {
        Self { kind, sizes: first_sizes(parameters), count: 1, negative: 0 }
    }

    pub(super) fn shift(&self) -> Option<u32> {
        let of_kind = if self.kind == 0 { 0 } else { self.count >> 1 };
        shift(self.sizes.wrapping_add(of_kind.into()), self.count)
    }

    /// The error that a code stands for, from which the context learns.
    pub(super) fn error(&mut self, mapped: i32, shift: u32, parameters: &Parameters) -> i32 {
        let doubled = mapped.wrapping_add(self.kind);
        let is_odd = doubled & 1 != 0;
        let size = doubled.wrapping_add(1) >> 1;
        let odd_is_negative = shift != 0 || self.negative.wrapping_mul(2) >= self.count;
        let error = if is_odd == odd_is_negative { size.wrapping_neg() } else { size };
        self.negative = self.negative.wrapping_add(i32::from(error < 0));
        self.sizes = self.sizes.wrapping_add(i64::from(mapped.wrapping_add(1).wrapping_sub(self.kind) >> 1));
        if self.count == parameters.reset {
            self.sizes >>= 1;
            self.count >>= 1;
            self.negative >>= 1;
        }
        self.count = self.count.wrapping_add(1);
        error
    }
}

fn first_sizes(parameters: &Parameters) -> i64 {
    i64::from(parameters.range.wrapping_add(32) >> 6).max(2)
}

/// The smallest k with `count` times 2^k no less than `sizes`.
fn shift(sizes: i64, count: i32) -> Option<u32> {
    (0..=16).find(|shift| i64::from(count).wrapping_shl(*shift) >= sizes)
}
