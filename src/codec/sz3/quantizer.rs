//! The linear quantizer (`LinearQuantizer`): how many steps a value lies from its prediction, or the value itself.

use super::fields::Fields;
use super::number::Number;
use crate::field::convert::{narrow, wide};

/// The values of a stream, in the order in which they are recovered.
#[derive(Debug)]
pub(super) struct Quantizer<'a> {
    /// Half a step: the bound of the error.
    bound: f64,
    /// The number of steps that stands for none.
    radius: i32,
    /// The values that are stored as they are.
    unpredictable: Fields<'a>,
    steps: std::vec::IntoIter<i32>,
}

impl<'a> Quantizer<'a> {
    /// The quantizer as it is stored, without its steps.
    pub(super) fn new<T: Number>(i: &mut Fields<'a>) -> Option<Self> {
        const LINEAR: u8 = 2;
        let _kind = i.u8().filter(|kind| *kind == LINEAR)?;
        let bound = i.f64()?;
        let radius = i.i32()?;
        let count = i.u64()?;
        let unpredictable = i.take(count.checked_mul(wide(T::SIZE))?)?;
        Some(Self { bound, radius, unpredictable: Fields::new(unpredictable), steps: Vec::new().into_iter() })
    }

    pub(super) fn with_steps(self, steps: Vec<i32>) -> Self {
        Self { steps: steps.into_iter(), ..self }
    }

    /// The next value, which was predicted, `scale` times the bound being allowed.
    pub(super) fn recover<T: Number>(&mut self, predicted: T, scale: f64) -> Option<T> {
        let steps = self.steps.next()?;
        if steps == 0 {
            return T::read(self.unpredictable.take(wide(T::SIZE))?);
        }
        let bounds = steps.checked_sub(self.radius)?.checked_mul(2)?;
        Some(T::of_f64(predicted.to_f64() + f64::from(bounds) * (self.bound * scale)))
    }

    /// Whether every step and every value was used.
    pub(super) fn is_used_up(&self) -> bool {
        self.steps.as_slice().is_empty() && self.unpredictable.rest.is_empty()
    }
}

/// The values of a chunk before they are recovered.
pub(super) fn zeros<T: Number>(count: u64) -> Vec<T> {
    vec![T::default(); narrow(count)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quantizer with a value of 16 bits that is stored as it is.
    const QUANTIZER: [u8; 23] = [
        2, // kind
        0, 0, 0, 0, 0, 0, 0xe0, 0x3f, // bound: 0.5
        10, 0, 0, 0, // radius
        1, 0, 0, 0, 0, 0, 0, 0, // number of values that are stored
        0xe8, 0x03, // 1000
    ];

    #[test]
    fn values_are_steps_from_their_prediction_or_stored() {
        let mut fields = Fields::new(&QUANTIZER);
        let mut quantizer = Quantizer::new::<i16>(&mut fields).unwrap().with_steps(vec![13, 0, 8, 12, 0]);
        assert_eq!(fields.rest, b"");
        assert_eq!(quantizer.recover(100_i16, 1.0), Some(103));
        assert_eq!(quantizer.recover(100_i16, 1.0), Some(1000));
        assert_eq!(quantizer.recover(100_i16, 1.0), Some(98));
        assert_eq!(quantizer.recover(100_i16, 0.5), Some(101));
        assert!(!quantizer.is_used_up());
        assert_eq!(quantizer.recover(100_i16, 1.0), None, "no other value is stored");
        assert!(quantizer.is_used_up());
        assert_eq!(quantizer.recover(100_i16, 1.0), None, "no steps are left");
    }

    #[test]
    fn it_is_stored_whole() {
        for length in 0..QUANTIZER.len() {
            assert!(Quantizer::new::<i16>(&mut Fields::new(&QUANTIZER[..length])).is_none(), "{length} bytes");
        }
        let mut other = QUANTIZER;
        other[0] = 1;
        assert!(Quantizer::new::<i16>(&mut Fields::new(&other)).is_none());
        assert!(Quantizer::new::<i32>(&mut Fields::new(&QUANTIZER)).is_none(), "the value would be longer");
    }
}
