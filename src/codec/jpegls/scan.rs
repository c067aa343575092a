//! A scan, line by line: samples that are predicted, and runs of samples that are alike (T.87, A.3 to A.7).

use super::bits::Bits;
use super::contexts::{Context, Interruption};
use super::parameters::Parameters;

/// How many bits the length of a run has, by the run index (A.2.1, J).
const RUN_BITS: [u8; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// How gradients are counted: each of three has nine steps, and what differs in the sign only is one.
const CONTEXTS: usize = 365;

/// Where the samples around one lie.
#[derive(Debug, Clone, Copy)]
struct Around {
    left: i32,
    above: i32,
    above_left: i32,
    above_right: i32,
}

/// What is decoded of a scan, `N` samples at a time.
pub(super) struct Scan<'a> {
    bits: Bits<'a>,
    parameters: Parameters,
    contexts: Vec<Context>,
    /// Where the sample above is another than those of the run, and where it is not.
    interruptions: [Interruption; 2],
}

/// A line of samples, with one more at each end: those of the line above, and the last.
pub(super) type Line<const N: usize> = Vec<[i32; N]>;

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8], parameters: Parameters) -> Self {
        Self {
            bits: Bits::new(bytes),
            parameters,
            contexts: vec![Context::new(&parameters); CONTEXTS],
            interruptions: [Interruption::new(0, &parameters), Interruption::new(1, &parameters)],
        }
    }

    /// What comes after the scan.
    pub(super) fn end(self) -> Option<&'a [u8]> {
        self.bits.end()
    }

    /// The next line after the one `above`, which is as long.
    pub(super) fn line<const N: usize>(
        &mut self,
        above: &[[i32; N]],
        run_index: &mut usize,
        line: &mut Line<N>,
    ) -> Option<()> {
        line.clear();
        line.push(*above.get(1)?);
        while let Some([above_left, over, above_right]) =
            above.get(line.len().wrapping_sub(1)..).and_then(<[_]>::first_chunk::<3>)
        {
            let left = *line.last()?;
            let around = gathered(&left, over, above_left, above_right);
            let gradients = around.map(|around| self.gradient(around));
            if gradients.iter().all(|gradient| *gradient == 0) {
                self.run(above, left, run_index, line)?;
                continue;
            }
            let mut pixel = [0; N];
            for ((sample, around), gradient) in pixel.iter_mut().zip(around).zip(gradients) {
                *sample = self.predicted(around, gradient)?;
            }
            line.push(pixel);
        }
        line.push(*line.last()?);
        Some(())
    }

    /// The number of a gradient, from -364 to 364 (A.3.3, A.3.4).
    fn gradient(&self, around: Around) -> i32 {
        let first = self.parameters.step(around.above_right.wrapping_sub(around.above));
        let second = self.parameters.step(around.above.wrapping_sub(around.above_left));
        let third = self.parameters.step(around.above_left.wrapping_sub(around.left));
        first.wrapping_mul(9).wrapping_add(second).wrapping_mul(9).wrapping_add(third)
    }

    /// A sample that is told by how much it differs from its prediction (A.4, A.5).
    fn predicted(&mut self, around: Around, gradient: i32) -> Option<i32> {
        let context = self.contexts.get_mut(usize::try_from(gradient.unsigned_abs()).ok()?)?;
        let Around { left, above, above_left, .. } = around;
        let edge = if above_left >= left.max(above) {
            left.min(above)
        } else if above_left <= left.min(above) {
            left.max(above)
        } else {
            left.wrapping_add(above).wrapping_sub(above_left)
        };
        let sign = if gradient < 0 { -1 } else { 1 };
        let corrected = edge.wrapping_add(context.correction.wrapping_mul(sign)).clamp(0, self.parameters.maximum);
        let shift = context.shift()?;
        let mapped = code(&mut self.bits, shift, self.parameters.limit, &self.parameters)?;
        let error = context.error(mapped, shift, self.parameters.near);
        context.learn(error, &self.parameters);
        Some(self.parameters.sample(corrected, error.wrapping_mul(sign)))
    }

    /// A run of pixels like the one to the left, and the one that interrupts it unless the line ends (A.7).
    fn run<const N: usize>(
        &mut self,
        above: &[[i32; N]],
        left: [i32; N],
        run_index: &mut usize,
        line: &mut Line<N>,
    ) -> Option<()> {
        let end = above.len().checked_sub(1)?;
        while self.bits.take(1)? == 1 {
            let whole = 1_usize.wrapping_shl(u32::from(*RUN_BITS.get(*run_index)?));
            let left_of_line = end.checked_sub(line.len())?;
            line.resize(line.len().wrapping_add(whole.min(left_of_line)), left);
            if whole <= left_of_line {
                *run_index = run_index.wrapping_add(1).min(31);
            }
            if line.len() == end {
                return Some(());
            }
        }
        let bits = u32::from(*RUN_BITS.get(*run_index)?);
        let run_end = line.len().wrapping_add(usize::try_from(self.bits.take(bits)?).ok()?);
        if run_end >= end {
            return None;
        }
        line.resize(run_end, left);
        let over = above.get(run_end)?;
        let limit = self.parameters.limit.wrapping_sub(bits).wrapping_sub(1);
        let mut pixel = [0; N];
        for ((sample, left), above) in pixel.iter_mut().zip(left).zip(over) {
            *sample = self.interrupting(left, *above, N > 1, limit)?;
        }
        line.push(pixel);
        *run_index = run_index.saturating_sub(1);
        Some(())
    }

    /// A sample that interrupts a run; one of several of a pixel is always predicted by the one above (A.7.2, B.3).
    fn interrupting(&mut self, left: i32, above: i32, is_one_of_several: bool, limit: u32) -> Option<i32> {
        let [other, same] = &mut self.interruptions;
        let is_same = !is_one_of_several && left.wrapping_sub(above).wrapping_abs() <= self.parameters.near;
        let context = if is_same { same } else { other };
        let shift = context.shift()?;
        let mapped = code(&mut self.bits, shift, limit, &self.parameters)?;
        let error = context.error(mapped, shift, &self.parameters);
        Some(match (is_same, above < left) {
            (true, _) => self.parameters.sample(left, error),
            (false, true) => self.parameters.sample(above, error.wrapping_neg()),
            (false, false) => self.parameters.sample(above, error),
        })
    }
}

/// A number in Golomb's code of at most `limit` bits (A.5.3).
fn code(bits: &mut Bits<'_>, shift: u32, limit: u32, parameters: &Parameters) -> Option<i32> {
    let longest = limit.checked_sub(parameters.error_bits)?.checked_sub(1)?;
    let high = bits.zeros(longest)?;
    let number = if high == longest {
        bits.take(parameters.error_bits)?.wrapping_add(1)
    } else {
        high.wrapping_shl(shift) | bits.take(shift)?
    };
    i32::try_from(number).ok()
}

/// The samples around each of a pixel's.
fn gathered<const N: usize>(
    left: &[i32; N],
    above: &[i32; N],
    above_left: &[i32; N],
    above_right: &[i32; N],
) -> [Around; N] {
    let mut gathered = [Around { left: 0, above: 0, above_left: 0, above_right: 0 }; N];
    let samples = left.iter().zip(above).zip(above_left.iter().zip(above_right));
    for (around, ((left, above), (above_left, above_right))) in gathered.iter_mut().zip(samples) {
        *around = Around { left: *left, above: *above, above_left: *above_left, above_right: *above_right };
    }
    gathered
}
