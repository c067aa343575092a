//! Scale-offset, filter 6: how far each number lies above the smallest, in as few bits as that takes (`H5Zscaleoffset.c`).

use super::bits::{Bits, ones};
use crate::error::Problem;
use crate::field::convert::narrow;

/// Bytes before the codes.
const HEADER: usize = 21;

/// What codes stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    /// Floats of 4 or 8 bytes, times this power of 10.
    Float(i32),
}

/// The filter's parameters.
#[derive(Debug)]
struct Parameters {
    kind: Kind,
    elements: u32,
    size: u32,
    big_endian: bool,
    /// The bits of the fill value, whose code is all ones.
    fill: Option<u64>,
}

/// Whether the parameters say that the bytes are left as they are: integers of as many bits as their type has.
pub(crate) fn is_idle(values: &[u32]) -> bool {
    match values {
        [2, factor, _, 0, size, ..] => values.len() == 20 && *factor > 0 && size.checked_mul(8) == Some(*factor),
        _ => false,
    }
}

/// The elements that `stream` holds; more than `most` bytes are refused.
pub(crate) fn decode(stream: &[u8], values: &[u32], most: u64) -> Result<Vec<u8>, Problem> {
    if is_idle(values) {
        return Ok(stream.to_vec());
    }
    let parameters = Parameters::new(values)?;
    parameters.elements(stream, most).ok_or(Problem::Decode("scale-offset stream"))
}

impl Parameters {
    fn new(values: &[u32]) -> Result<Self, Problem> {
        let wrong = |field, value: u32| Problem::Value { field, value: value.into() };
        let &[scale, factor, elements, class, size, sign, order, defined, low, high, ..] = values else {
            return Err(Problem::Missing("scale-offset parameter"));
        };
        let kind = match (class, scale) {
            (0, 2) if i64::from(factor.cast_signed()) > i64::from(size).saturating_mul(8) => {
                return Err(wrong("scale-offset minimum bits", factor));
            }
            (0, 2) => Kind::Integer,
            // Scale type 1 is the E-scaling that libhdf5 never had.
            (1, 0) => Kind::Float(factor.cast_signed()),
            (0 | 1, _) => return Err(wrong("scale-offset scale type", scale)),
            _ => return Err(wrong("scale-offset datatype class", class)),
        };
        if !matches!((kind, size), (Kind::Integer, 1 | 2) | (_, 4 | 8)) {
            return Err(wrong("scale-offset datatype size", size));
        }
        if sign > 1 {
            return Err(wrong("scale-offset datatype sign", sign));
        }
        let fill = (defined == 1).then_some(u64::from(high) << 32 | u64::from(low));
        Ok(Self { kind, elements, size, big_endian: order == 1, fill })
    }

    fn elements(&self, stream: &[u8], most: u64) -> Option<Vec<u8>> {
        let (header, codes) = stream.split_at_checked(HEADER)?;
        let (bits, header) = header.split_first_chunk::<4>()?;
        let (minimum_size, minimum) = header.split_first()?;
        let (minimum, _) = minimum.split_first_chunk::<8>()?;
        let minimum = u64::from_le_bytes(*minimum) & ones(u32::from(*minimum_size).saturating_mul(8).min(64));
        let bits = u32::from_le_bytes(*bits);
        let full = self.size.checked_mul(8)?;
        let size =
            u64::from(self.elements).checked_mul(self.size.into()).filter(|size| *size <= most && bits <= full)?;
        if bits == full {
            return Some(self.in_order(codes.get(..narrow(size))?));
        }
        let mut elements = Vec::with_capacity(narrow(size));
        let mut codes = Bits::new(codes);
        let value = self.value(bits, minimum);
        for _ in 0..self.elements {
            self.push(value(codes.take(bits)?), &mut elements);
        }
        Some(elements)
    }

    /// What codes of `bits` bits stand for, as the bits of an element.
    fn value(&self, bits: u32, minimum: u64) -> impl Fn(u64) -> u64 + use<> {
        let (kind, size, fill) = (self.kind, self.size, self.fill);
        let power = Power::new(kind);
        move |code| match (fill, kind, size) {
            (Some(fill), ..) if code == ones(bits) => fill,
            (_, Kind::Integer, _) => code.wrapping_add(minimum),
            (_, Kind::Float(_), 4) => power.single(code, minimum),
            (_, Kind::Float(_), _) => power.double(code, minimum),
        }
    }

    fn push(&self, value: u64, elements: &mut Vec<u8>) {
        let bytes = value.to_le_bytes();
        let bytes = bytes.iter().take(narrow(self.size.into()));
        if self.big_endian { elements.extend(bytes.rev()) } else { elements.extend(bytes) }
    }

    /// Little-endian elements in the byte order of the type.
    fn in_order(&self, elements: &[u8]) -> Vec<u8> {
        let mut elements = elements.to_vec();
        if self.big_endian {
            elements.chunks_exact_mut(narrow(self.size.into()).max(1)).for_each(<[u8]>::reverse);
        }
        elements
    }
}

/// The power of 10 that floats were multiplied with, in both precisions: libhdf5 computes in that of the type.
#[derive(Debug, Clone, Copy)]
struct Power {
    single: f32,
    double: f64,
}

impl Power {
    fn new(kind: Kind) -> Self {
        let exponent = match kind {
            Kind::Float(exponent) => exponent,
            Kind::Integer => 0,
        };
        // Larger exponents give infinity too, and smaller ones zero.
        let exponent = i16::try_from(exponent.clamp(-1000, 1000)).unwrap_or(0);
        // libhdf5 calls pow of the C library, as powf does; it is not rounded correctly for every exponent.
        Self { single: 10_f32.powf(exponent.into()), double: 10_f64.powf(exponent.into()) }
    }

    /// A code of at most 31 bits.
    fn single(self, code: u64, minimum: u64) -> u64 {
        let half = |bits: u64| u16::try_from(bits & 0xffff).map_or(0.0, f32::from);
        // Both terms are exact, so that their sum is rounded once.
        let code = half(code >> 16) * 65_536.0 + half(code);
        let minimum = u32::try_from(minimum & 0xffff_ffff).map_or(0.0, f32::from_bits);
        (code / self.single + minimum).to_bits().into()
    }

    /// A code of at most 63 bits.
    fn double(self, code: u64, minimum: u64) -> u64 {
        let half = |bits: u64| u32::try_from(bits & 0xffff_ffff).map_or(0.0, f64::from);
        let code = half(code >> 32) * 4_294_967_296.0 + half(code);
        (code / self.double + f64::from_bits(minimum)).to_bits()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::field::convert::wide;

    /// Parameters of three elements.
    fn values(kind: Kind, size: u32, order: u32, fill: Option<u64>) -> Vec<u32> {
        let (scale, factor, class) = match kind {
            Kind::Integer => (2, 0, 0),
            Kind::Float(exponent) => (0, exponent.cast_unsigned(), 1),
        };
        let mut values = vec![scale, factor, 3, class, size, 0, order, fill.is_some().into()];
        let half = |bits: u64| u32::try_from(bits & 0xffff_ffff).unwrap();
        values.extend([half(fill.unwrap_or(0)), half(fill.unwrap_or(0) >> 32)]);
        values.resize(20, 0);
        values
    }

    /// A chunk of these codes.
    fn chunk(bits: u32, minimum: u64, codes: &[u8]) -> Vec<u8> {
        let mut chunk = bits.to_le_bytes().to_vec(); // minimum bits
        chunk.push(8); // bytes of the minimum
        chunk.extend(minimum.to_le_bytes()); // the minimum
        chunk.extend([0; 8]); // not used
        chunk.extend(codes);
        chunk
    }

    #[test]
    fn integers_lie_above_the_minimum() {
        let chunk = chunk(4, 0xffff_ffff_ffff_fffe, &[0x01, 0xf0]);
        assert_eq!(decode(&chunk, &values(Kind::Integer, 1, 0, None), 3).unwrap(), [0xfe, 0xff, 13]);
        assert_eq!(decode(&chunk, &values(Kind::Integer, 2, 1, None), 6).unwrap(), [0xff, 0xfe, 0xff, 0xff, 0, 13]);
        assert_eq!(
            decode(&chunk, &values(Kind::Integer, 2, 0, Some(0x1234)), 6).unwrap(),
            [0xfe, 255, 255, 255, 0x34, 0x12]
        );
        let wide = [[0xfe, 255, 255, 255, 255, 255, 255, 255], [255; 8], [13, 0, 0, 0, 0, 0, 0, 0]].concat();
        assert_eq!(decode(&chunk, &values(Kind::Integer, 8, 0, None), 24).unwrap(), wide);
    }

    #[test]
    fn codes_of_no_bits_are_the_minimum_or_the_fill_value() {
        assert_eq!(decode(&chunk(0, 7, &[]), &values(Kind::Integer, 1, 0, None), 3).unwrap(), [7, 7, 7]);
        assert_eq!(decode(&chunk(0, 7, &[]), &values(Kind::Integer, 1, 0, Some(9)), 3).unwrap(), [9, 9, 9]);
    }

    #[test]
    fn codes_of_all_bits_are_the_numbers() {
        let chunk = chunk(16, 7, &[1, 2, 3, 4, 5, 6, 0]);
        assert_eq!(decode(&chunk, &values(Kind::Integer, 2, 0, Some(1)), 6).unwrap(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(decode(&chunk, &values(Kind::Integer, 2, 1, Some(1)), 6).unwrap(), [2, 1, 4, 3, 6, 5]);
        assert!(decode(&chunk[..26], &values(Kind::Integer, 2, 0, None), 6).is_err());
    }

    #[test]
    fn floats_are_codes_over_a_power_of_ten() {
        let singles = [(-1.5_f32).to_bits(), (0.01_f32 - 1.5).to_bits(), 99.0_f32.to_bits()];
        let stream = chunk(8, (-1.5_f32).to_bits().into(), &[0, 1, 255]);
        let expected: Vec<u8> = singles.iter().flat_map(|bits| bits.to_be_bytes()).collect();
        assert_eq!(decode(&stream, &values(Kind::Float(2), 4, 1, Some(singles[2].into())), 12).unwrap(), expected);
        let stream = chunk(8, 5.0_f64.to_bits(), &[0, 1, 255]);
        let expected: Vec<u8> = [5.0_f64, 105.0, 25505.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(decode(&stream, &values(Kind::Float(-2), 8, 0, None), 24).unwrap(), expected);
    }

    #[test]
    fn large_codes_are_rounded_once() {
        let power = Power::new(Kind::Float(0));
        for (code, single) in [
            (0x7fff_ffff, 2_147_483_648.0_f32), // up
            (0x0100_0001, 16_777_216.0),        // a tie, to even: down
            (0x0100_0003, 16_777_220.0),        // a tie, to even: up
            (0x7fff_ffbf, 2_147_483_520.0),     // down, though its upper half is odd
        ] {
            assert_eq!(power.single(code, 0), u64::from(single.to_bits()));
        }
        for (code, double) in [
            (u64::MAX >> 1, 9_223_372_036_854_775_808.0_f64),
            ((1 << 53) + 1, 9_007_199_254_740_992.0),
            ((1 << 53) + 3, 9_007_199_254_740_996.0),
        ] {
            assert_eq!(power.double(code, 0), double.to_bits());
        }
    }

    #[test]
    fn integers_of_all_bits_are_left_as_they_are() {
        let mut values = values(Kind::Integer, 4, 0, None);
        assert!(!is_idle(&values));
        values[1] = 32;
        assert!(is_idle(&values) && !is_idle(&values[..19]));
        assert_eq!(decode(b"abcd", &values, 4).unwrap(), b"abcd");
    }

    #[test]
    fn parameters_that_libhdf5_refuses_are_refused() {
        let message = |at: usize, value: u32| {
            let mut values = values(Kind::Integer, 4, 0, None);
            values[at] = value;
            decode(&chunk(0, 0, &[]), &values, 12).unwrap_err().to_string()
        };
        assert_eq!(message(0, 1), "scale-offset scale type is 1");
        assert_eq!(message(1, 33), "scale-offset minimum bits is 33");
        assert_eq!(message(2, 4), "scale-offset stream does not decode");
        assert_eq!(message(3, 2), "scale-offset datatype class is 2");
        assert_eq!(message(4, 3), "scale-offset datatype size is 3");
        assert_eq!(message(5, 2), "scale-offset datatype sign is 2");
        let single = values(Kind::Float(0), 2, 0, None);
        assert!(decode(&chunk(0, 0, &[]), &single, 12).is_err());
        let good = values(Kind::Integer, 4, 0, None);
        assert_eq!(decode(&chunk(33, 0, &[0; 20]), &good, 12), Err(Problem::Decode("scale-offset stream")));
        assert_eq!(decode(&[0; 20], &good, 12), Err(Problem::Decode("scale-offset stream")));
        assert_eq!(decode(&chunk(1, 0, &[]), &good, 12), Err(Problem::Decode("scale-offset stream")));
        assert_eq!(decode(&[], &good[..8], 12), Err(Problem::Missing("scale-offset parameter")));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_give_at_most_what_is_expected(
            start in 0_u32..70,
            stream in prop::collection::vec(any::<u8>(), 0..100),
            parameters in prop::collection::vec(prop_oneof![0_u32..9, any::<u32>()], 0..20),
            exponent in any::<i32>(),
            float in any::<bool>(),
            size in prop::sample::select(vec![1_u32, 2, 4, 8]),
            fill in any::<Option<u64>>(),
            most in 0_u64..300,
        ) {
            let stream = [&start.to_le_bytes()[..], &stream].concat();
            let kind = if float { Kind::Float(exponent) } else { Kind::Integer };
            for values in [parameters, values(kind, size, 0, fill)] {
                if let Ok(decoded) = decode(&stream, &values, most) {
                    prop_assert!(wide(decoded.len()) <= most || is_idle(&values));
                }
            }
        }
    }
}
