//! Elements by their type.

use bytes::Bytes;

use crate::field::convert::narrow;
use crate::zarr::{Dtype, Field, Kind, Scalar};

/// The elements of an array in C order, as numbers and texts of this machine.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Elements {
    /// `b1`.
    Boolean(Vec<bool>),
    /// `i1`.
    Int8(Vec<i8>),
    /// `i2`.
    Int16(Vec<i16>),
    /// `i4`.
    Int32(Vec<i32>),
    /// `i8`.
    Int64(Vec<i64>),
    /// `u1`.
    Uint8(Vec<u8>),
    /// `u2`.
    Uint16(Vec<u16>),
    /// `u4`.
    Uint32(Vec<u32>),
    /// `u8`.
    Uint64(Vec<u64>),
    /// `f2`, each of which a 32-bit float holds exactly.
    Float16(Vec<f32>),
    /// `f4`.
    Float32(Vec<f32>),
    /// `f8`.
    Float64(Vec<f64>),
    /// `c8`: real and imaginary part.
    Complex64(Vec<[f32; 2]>),
    /// `c16`.
    Complex128(Vec<[f64; 2]>),
    /// `S`: bytes of texts, without the NULs at their end.
    Bytes(Vec<Bytes>),
    /// `U` and objects: texts.
    Text(Vec<String>),
    /// `V`: opaque bytes.
    Opaque(Vec<Bytes>),
    /// `M8`: times since 1970 in the unit of the type; the least number is no time.
    Datetime(Vec<i64>),
    /// `m8`: durations in the unit of the type.
    Timedelta(Vec<i64>),
    /// Structured types: each field with its name.
    Records(Vec<(String, Elements)>),
}

impl Elements {
    pub(crate) fn of(dtype: &Dtype, bytes: &[u8]) -> Self {
        match (dtype, dtype.scalar()) {
            (Dtype::Structured(fields), _) => Self::Records(columns(fields, bytes)),
            (Dtype::Simple(_), Some(scalar)) => Self::scalars(scalar, bytes),
            (Dtype::Simple(_), None) => Self::Opaque(Vec::new()),
        }
    }

    fn scalars(scalar: Scalar, bytes: &[u8]) -> Self {
        /// Numbers of either byte order.
        macro_rules! numbers {
            ($number:ty) => {
                numbers(bytes, scalar.big_endian, <$number>::from_be_bytes, <$number>::from_le_bytes)
            };
        }
        match (scalar.kind, scalar.size) {
            (Kind::Boolean, _) => Self::Boolean(bytes.iter().map(|byte| *byte != 0).collect()),
            (Kind::Signed, 1) => Self::Int8(numbers!(i8)),
            (Kind::Signed, 2) => Self::Int16(numbers!(i16)),
            (Kind::Signed, 4) => Self::Int32(numbers!(i32)),
            (Kind::Signed, _) => Self::Int64(numbers!(i64)),
            (Kind::Unsigned, 1) => Self::Uint8(bytes.to_vec()),
            (Kind::Unsigned, 2) => Self::Uint16(numbers!(u16)),
            (Kind::Unsigned, 4) => Self::Uint32(numbers!(u32)),
            (Kind::Unsigned, _) => Self::Uint64(numbers!(u64)),
            (Kind::Float, 2) => Self::Float16(numbers!(u16).into_iter().map(from_half).collect()),
            (Kind::Float, 4) => Self::Float32(numbers!(f32)),
            (Kind::Float, _) => Self::Float64(numbers!(f64)),
            (Kind::Complex, 8) => Self::Complex64(pairs(&numbers!(f32))),
            (Kind::Complex, _) => Self::Complex128(pairs(&numbers!(f64))),
            (Kind::Datetime, _) => Self::Datetime(numbers!(i64)),
            (Kind::Timedelta, _) => Self::Timedelta(numbers!(i64)),
            (Kind::Text, _) => {
                Self::Text(parts(scalar, bytes).map(|part| characters(part, scalar.big_endian)).collect())
            }
            (Kind::Bytes, _) => {
                Self::Bytes(parts(scalar, bytes).map(|part| Bytes::copy_from_slice(trimmed(part))).collect())
            }
            (Kind::Opaque | Kind::Object, _) => {
                Self::Opaque(parts(scalar, bytes).map(Bytes::copy_from_slice).collect())
            }
        }
    }
}

/// The fields of records, each with its elements together.
fn columns(fields: &[Field], bytes: &[u8]) -> Vec<(String, Elements)> {
    let scalars: Vec<(&str, Scalar)> =
        fields.iter().filter_map(|Field(name, dtype)| Some((name.as_str(), Scalar::parse(dtype).ok()?))).collect();
    let record = scalars.iter().fold(0_usize, |sum, (_, scalar)| sum.saturating_add(narrow(scalar.size)));
    let mut start = 0_usize;
    let column = |(name, scalar): (&str, Scalar)| {
        let end = start.saturating_add(narrow(scalar.size));
        let field: Vec<u8> =
            bytes.chunks_exact(record.max(1)).filter_map(|record| record.get(start..end)).flatten().copied().collect();
        start = end;
        (name.to_owned(), Elements::scalars(scalar, &field))
    };
    scalars.into_iter().map(column).collect()
}

fn numbers<T, const N: usize>(bytes: &[u8], big_endian: bool, be: fn([u8; N]) -> T, le: fn([u8; N]) -> T) -> Vec<T> {
    let (elements, _) = bytes.as_chunks::<N>();
    elements.iter().map(|element| if big_endian { be(*element) } else { le(*element) }).collect()
}

fn pairs<T: Copy>(parts: &[T]) -> Vec<[T; 2]> {
    parts.as_chunks::<2>().0.to_vec()
}

fn parts(scalar: Scalar, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.chunks_exact(narrow(scalar.size).max(1))
}

/// Bytes without the NULs at their end.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    bytes.get(..end).unwrap_or_default()
}

/// Characters of four bytes; what is none becomes U+FFFD.
fn characters(bytes: &[u8], big_endian: bool) -> String {
    let codes = numbers(bytes, big_endian, u32::from_be_bytes, u32::from_le_bytes);
    let end = codes.iter().rposition(|code| *code != 0).map_or(0, |last| last.saturating_add(1));
    codes.into_iter().take(end).map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The number that the bits of a 16-bit float stand for.
fn from_half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (fraction + 1024.0) * 2_f32.powi(exponent.saturating_sub(25)),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dtype: &str, bytes: &[u8]) -> Elements {
        Elements::of(&Dtype::Simple(dtype.to_owned()), bytes)
    }

    #[test]
    fn numbers_are_read_in_their_byte_order() {
        assert_eq!(of("<i2", &[1, 0, 0xff, 0xff]), Elements::Int16(vec![1, -1]));
        assert_eq!(of(">u4", &[0, 0, 1, 2]), Elements::Uint32(vec![258]));
        assert_eq!(of("<f8", &1.5_f64.to_le_bytes()), Elements::Float64(vec![1.5]));
        assert_eq!(
            of(">c8", &[1_f32.to_be_bytes(), 2_f32.to_be_bytes()].concat()),
            Elements::Complex64(vec![[1.0, 2.0]])
        );
        assert_eq!(of("|b1", &[0, 1, 2]), Elements::Boolean(vec![false, true, true]));
        assert_eq!(of("<M8[D]", &i64::MIN.to_le_bytes()), Elements::Datetime(vec![i64::MIN]));
    }

    #[test]
    fn texts_end_before_their_padding() {
        assert_eq!(
            of("|S3", b"a\0\0\0b\0"),
            Elements::Bytes(vec![Bytes::from_static(b"a"), Bytes::from_static(b"\0b")])
        );
        assert_eq!(of("|V2", b"a\0"), Elements::Opaque(vec![Bytes::from_static(b"a\0")]));
        assert_eq!(of("<U2", &[0xe9, 0, 0, 0, 0, 0, 0, 0]), Elements::Text(vec!["é".to_owned()]));
    }

    #[test]
    fn halves_are_exact() {
        let Elements::Float16(numbers) = of("<f2", &[0, 0x3c, 1, 0, 0xff, 0x7b, 0, 0xfc, 0, 0x80]) else { panic!() };
        assert_eq!(numbers, [1.0, 5.960_464_5e-8, 65504.0, f32::NEG_INFINITY, 0.0]);
        assert!(numbers[4].is_sign_negative());
        let Elements::Float16(nan) = of("<f2", &[0, 0x7e]) else { panic!() };
        assert!(nan[0].is_nan());
    }

    #[test]
    fn records_are_columns() {
        let fields = vec![Field("a".to_owned(), "<i2".to_owned()), Field("b".to_owned(), "|S2".to_owned())];
        let records = Elements::of(&Dtype::Structured(fields), b"\x01\0x\0\x02\0yz");
        let texts = vec![Bytes::from_static(b"x"), Bytes::from_static(b"yz")];
        let expected = vec![("a".to_owned(), Elements::Int16(vec![1, 2])), ("b".to_owned(), Elements::Bytes(texts))];
        assert_eq!(records, Elements::Records(expected));
    }
}
