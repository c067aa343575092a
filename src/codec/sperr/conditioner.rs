//! The header of a stream: the mean of the elements and the step of the coefficients, or the one value of all (SPERR, `Conditioner.cpp`).

use crate::error::Problem;

/// Bit of the first byte: the mean was subtracted, as it always is.
const MEAN: u8 = 0x80;

/// Bit of the first byte: all elements are the same.
const CONSTANT: u8 = 1;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Conditioner {
    Constant { count: u64, value: f64 },
    Varied { mean: f64, step: f64 },
}

impl Conditioner {
    /// The header, and what follows it.
    pub(super) fn parse(stream: &[u8]) -> Result<(Self, &[u8]), Problem> {
        let (flags, i) = stream.split_first().ok_or(Problem::Truncated)?;
        let (first, i) = i.split_first_chunk().ok_or(Problem::Truncated)?;
        let (second, rest) = i.split_first_chunk().ok_or(Problem::Truncated)?;
        let wrong = |field, value: f64| Problem::Value { field, value: value.to_bits() };
        let conditioner = match *flags {
            MEAN => Self::Varied { mean: f64::from_le_bytes(*first), step: f64::from_le_bytes(*second) },
            flags if flags == MEAN | CONSTANT => {
                Self::Constant { count: u64::from_le_bytes(*first), value: f64::from_le_bytes(*second) }
            }
            flags => return Err(Problem::Value { field: "sperr conditioner flags", value: flags.into() }),
        };
        match conditioner {
            Self::Varied { mean, .. } if !mean.is_finite() => Err(wrong("sperr mean", mean)),
            Self::Varied { step, .. } if !step.is_finite() || step <= 0.0 => {
                Err(wrong("sperr quantization step", step))
            }
            conditioner => Ok((conditioner, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(flags: u8, first: [u8; 8], second: f64) -> Vec<u8> {
        [&[flags][..], &first, &second.to_le_bytes(), &[7]].concat()
    }

    #[test]
    fn elements_have_a_mean_or_are_all_the_same() {
        let varied = header(0x80, 1.5_f64.to_le_bytes(), 0.25);
        assert_eq!(Conditioner::parse(&varied), Ok((Conditioner::Varied { mean: 1.5, step: 0.25 }, &[7][..])));
        let constant = header(0x81, 12_u64.to_le_bytes(), -3.0);
        assert_eq!(Conditioner::parse(&constant), Ok((Conditioner::Constant { count: 12, value: -3.0 }, &[7][..])));
        for end in 0..17 {
            assert_eq!(Conditioner::parse(&varied[..end]), Err(Problem::Truncated));
        }
    }

    #[test]
    fn other_flags_and_numbers_that_are_none_are_refused() {
        let message = |header: Vec<u8>| Conditioner::parse(&header).unwrap_err().to_string();
        assert_eq!(message(header(0, [0; 8], 1.0)), "sperr conditioner flags is 0");
        assert_eq!(message(header(0xc0, [0; 8], 1.0)), "sperr conditioner flags is 192");
        assert_eq!(message(header(0x80, [0xff; 8], 1.0)), "sperr mean is 18446744073709551615");
        assert_eq!(message(header(0x80, [0; 8], 0.0)), "sperr quantization step is 0");
        assert_eq!(message(header(0x80, [0; 8], f64::INFINITY)), "sperr quantization step is 9218868437227405312");
    }
}
