//! What zfp writes before a stream, and its HDF5 filter into the parameters: which array it is, and how blocks are cut off (`H5Zzfp.c`;
//! zfp, `zfp_read_header`).

use super::bits::Bits;
use crate::error::Problem;

/// Most bits of a block (`ZFP_MAX_BITS`).
const MOST_BITS: u32 = 16_658;

/// Least exponent of a bit (`ZFP_MIN_EXP`); one less stands for reversible streams.
const LEAST_EXPONENT: i32 = -1_074;

/// A scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Int32,
    Int64,
    Float,
    Double,
}

impl Scalar {
    /// Bits of a scalar.
    pub(super) fn bits(self) -> u32 {
        match self {
            Self::Int32 | Self::Float => 32,
            Self::Int64 | Self::Double => 64,
        }
    }

    /// Bytes of a scalar.
    pub(super) fn size(self) -> u64 {
        u64::from(self.bits() / 8)
    }
}

/// How much of a block is in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) min_bits: u32,
    pub(super) max_bits: u32,
    /// Most planes of bits.
    pub(super) max_precision: u32,
    /// Exponent of the least bit.
    pub(super) min_exponent: i32,
}

impl Mode {
    /// Whether nothing was cut off.
    pub(super) fn is_reversible(self) -> bool {
        self.min_exponent < LEAST_EXPONENT
    }

    /// The mode that a number stands for, of 12 bits or of 64 (`zfp_stream_set_mode`).
    fn of(number: u64) -> Option<Self> {
        let low = |shift: u32, mask: u64| u32::try_from(number.wrapping_shr(shift) & mask).ok();
        let whole = Self { min_bits: 1, max_bits: MOST_BITS, max_precision: 64, min_exponent: LEAST_EXPONENT };
        let short = low(0, 0xfff)?;
        let mode = match short {
            0..2_048 => {
                let bits = short.saturating_add(1);
                Self { min_bits: bits, max_bits: bits, ..whole }
            }
            2_048..2_176 => Self { max_precision: short.checked_sub(2_047)?, ..whole },
            2_176 => Self { min_exponent: LEAST_EXPONENT.saturating_sub(1), ..whole },
            2_177..0xfff => {
                let exponent = i32::try_from(short.checked_sub(2_177)?).ok()?;
                Self { min_exponent: LEAST_EXPONENT.saturating_add(exponent), ..whole }
            }
            _ => Self {
                min_bits: low(12, 0x7fff)?.saturating_add(1),
                max_bits: low(27, 0x7fff)?.saturating_add(1),
                max_precision: low(42, 0x7f)?.saturating_add(1),
                min_exponent: i32::try_from(low(49, 0x7fff)?).ok()?.saturating_sub(16_495),
            },
        };
        (mode.min_bits <= mode.max_bits && mode.max_precision <= 64).then_some(mode)
    }
}

/// The array of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) scalar: Scalar,
    /// How many dimensions there are, 1 to 4.
    pub(super) dimensions: usize,
    /// The shape, the fastest dimension first; 1 where there is no dimension.
    pub(super) shape: [u64; 4],
    pub(super) mode: Mode,
}

impl Header {
    /// The header in the filter's parameters, after their versions.
    pub(super) fn parse(values: &[u32]) -> Result<Self, Problem> {
        let wrong = Problem::Decode("header of zfp");
        let bytes: Vec<u8> = values.iter().skip(1).take(6).flat_map(|value| value.to_le_bytes()).collect();
        let [b'z', b'f', b'p', version, rest @ ..] = bytes.as_slice() else { return Err(wrong) };
        if *version != 5 {
            return Err(Problem::Value { field: "version of zfp's format", value: (*version).into() });
        }
        Self::after_magic(&mut Bits::new(rest)).ok_or(wrong)
    }

    fn after_magic(bits: &mut Bits<'_>) -> Option<Self> {
        let scalar = match bits.take(2)? {
            0 => Scalar::Int32,
            1 => Scalar::Int64,
            2 => Scalar::Float,
            _ => Scalar::Double,
        };
        let (dimensions, width) = match bits.take(2)? {
            // The upper 16 of 48 bits do not count (`zfp_field_set_metadata`).
            0 => (1, 48),
            1 => (2, 24),
            2 => (3, 16),
            _ => (4, 12),
        };
        let mut shape = [1; 4];
        for size in shape.iter_mut().take(dimensions) {
            *size = (bits.take(width)? & 0xffff_ffff).saturating_add(1);
        }
        let short = bits.take(12)?;
        let number = if short == 0xfff { short | bits.take(52)? << 12 } else { short };
        Some(Self { scalar, dimensions, shape, mode: Mode::of(number)? })
    }

    /// Bytes of the array.
    pub(super) fn size(&self) -> Option<u64> {
        self.shape.iter().try_fold(self.scalar.size(), |size, n| size.checked_mul(*n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the filter stores for chunks of 5 rows of 6 floats; `last` holds the rate, or whatever it is.
    fn parse(last: &[u32]) -> Result<Header, Problem> {
        let first = [
            0x1010_5111, // versions: of the library, the format, the filter
            0x0570_667a, // zfp and the version of its format
            0x4000_0056, // scalar 2, dimensions 2, 6 and 5
        ];
        Header::parse(&[&first[..], last].concat())
    }

    #[test]
    fn each_mode_has_its_numbers() {
        let whole = Mode { min_bits: 1, max_bits: 16_658, max_precision: 64, min_exponent: -1_074 };
        let modes: [(&str, &[u32], Mode); 5] = [
            ("rate", &[0x0ff0_0000], Mode { min_bits: 256, max_bits: 256, ..whole }),
            ("precision", &[0x80b0_0000], Mode { max_precision: 12, ..whole }),
            ("accuracy", &[0xcac0_0000], Mode { min_exponent: -7, ..whole }),
            ("reversible", &[0x8800_0000], Mode { min_exponent: -1_075, ..whole }),
            ("expert", &[0xfff0_0000, 0xe088_0000, 0x0007_87af], Mode { max_bits: 16_657, ..whole }),
        ];
        for (name, last, mode) in modes {
            let header = parse(last).unwrap();
            assert_eq!(header, Header { scalar: Scalar::Float, dimensions: 2, shape: [6, 5, 1, 1], mode }, "{name}");
            assert_eq!(header.size(), Some(120));
        }
        assert!(parse(&[0x8800_0000]).unwrap().mode.is_reversible());
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let wrong = Err(Problem::Decode("header of zfp"));
        assert_eq!(Header::parse(&[]), wrong);
        assert_eq!(Header::parse(&[0, 0x7a66_7005, 0, 0]), wrong);
        assert_eq!(parse(&[]), wrong);
        assert_eq!(parse(&[0xfff0_0000]), wrong, "a number of 64 bits that ends too early");
        assert_eq!(parse(&[0x87f0_0000]), wrong, "128 planes of bits");
        assert_eq!(parse(&[0xfff0_0000, 0, 0]).unwrap().mode.max_bits, 1);
        assert_eq!(parse(&[0xfff0_0000, 1, 0]), wrong, "at least 2 bits and at most 1");
        let problem = Header::parse(&[0, 0x0470_667a, 0, 0]).unwrap_err();
        assert_eq!(problem.to_string(), "version of zfp's format is 4");
    }
}
