//! What elements of missing chunks read as.

use byteorder::{BigEndian, ByteOrder, LittleEndian};

use crate::field::convert::narrow;
use crate::zarr::{ArrayMetadata, FillValue, Kind, Scalar};

/// The bytes of such an element: those of the fill value, or zeros.
pub(crate) fn element(metadata: &ArrayMetadata) -> Vec<u8> {
    let size = narrow(metadata.dtype.size().unwrap_or(0));
    let mut element = vec![0; size];
    match (&metadata.fill_value, metadata.dtype.scalar()) {
        (Some(FillValue::Bytes(bytes)), _) => element.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from),
        (Some(value), Some(scalar)) if scalar.big_endian => write::<BigEndian>(value, scalar, &mut element),
        (Some(value), Some(scalar)) => write::<LittleEndian>(value, scalar, &mut element),
        _ => {}
    }
    element
}

/// The text of such an element.
pub(crate) fn text(metadata: &ArrayMetadata) -> &str {
    match &metadata.fill_value {
        Some(FillValue::Text(text)) => text,
        _ => "",
    }
}

fn write<O: ByteOrder>(value: &FillValue, scalar: Scalar, element: &mut [u8]) {
    let size = element.len();
    match value {
        FillValue::Boolean(value) => element.fill(u8::from(*value)),
        FillValue::Signed(value) => O::write_int(element, *value, size),
        FillValue::Unsigned(value) => O::write_uint(element, *value, size),
        FillValue::Float(value) => float::<O>(*value, element),
        FillValue::Complex(real, imaginary) => {
            let (first, second) = element.split_at_mut(size / 2);
            float::<O>(*real, first);
            float::<O>(*imaginary, second);
        }
        FillValue::Text(text) if scalar.kind == Kind::Text => {
            for (character, place) in text.chars().zip(element.chunks_exact_mut(4)) {
                O::write_u32(place, character.into());
            }
        }
        FillValue::Text(_) | FillValue::Bytes(_) => {}
    }
}

fn float<O: ByteOrder>(value: f64, element: &mut [u8]) {
    match element.len() {
        2 => O::write_u16(element, half(value)),
        #[expect(clippy::cast_possible_truncation, reason = "a fill value of the type is held exactly in its size")]
        4 => O::write_f32(element, value as f32),
        8 => O::write_f64(element, value),
        _ => {}
    }
}

/// The bits of the nearest 16-bit float.
fn half(value: f64) -> u16 {
    let bits = value.to_bits();
    let sign = u16::try_from(bits >> 63).unwrap_or(0) << 15;
    let magnitude = value.abs();
    if value.is_nan() {
        return sign | 0x7e00;
    }
    // Steps of 2^-24 below 2^-14; above, 10 bits behind the leading one. Halves go to the even neighbour.
    let exponent =
        if magnitude < 6.103_515_625e-5 { -14 } else { i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0) - 1023 };
    if exponent > 15 {
        return sign | 0x7c00;
    }
    let steps = (magnitude * 2_f64.powi(10 - exponent)).round_ties_even();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 2^11")]
    let steps = steps as u16;
    let before = u16::try_from(exponent + 14).unwrap_or(0) << 10;
    // The leading one adds 1 to the exponent, and so does rounding up to the next power.
    sign | (before + steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zarr::{Dtype, Field};

    fn of(dtype: &str, fill_value: FillValue) -> Vec<u8> {
        element(&ArrayMetadata::new(vec![1], vec![1], Dtype::Simple(dtype.to_owned()), Some(fill_value), Vec::new()))
    }

    #[test]
    fn an_element_has_the_bytes_of_its_type() {
        assert_eq!(of(">i2", FillValue::Signed(-2)), [0xff, 0xfe]);
        assert_eq!(of("<u4", FillValue::Unsigned(258)), [2, 1, 0, 0]);
        assert_eq!(of("|b1", FillValue::Boolean(true)), [1]);
        assert_eq!(of(">f4", FillValue::Float(1.5)), 1.5_f32.to_be_bytes());
        assert_eq!(of("<c8", FillValue::Complex(1.0, -2.0)), [1_f32.to_le_bytes(), (-2_f32).to_le_bytes()].concat());
        assert_eq!(of("|S3", FillValue::Bytes(b"ab\0".to_vec())), b"ab\0");
        assert_eq!(of("<U2", FillValue::Text("é".to_owned())), [0xe9, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(of("<M8[s]", FillValue::Signed(i64::MIN)), i64::MIN.to_le_bytes());
        let fields =
            Dtype::Structured(vec![Field("a".to_owned(), "<i4".to_owned()), Field("b".to_owned(), "|S1".to_owned())]);
        assert_eq!(element(&ArrayMetadata::new(vec![1], vec![1], fields, None, Vec::new())), [0; 5]);
    }

    /// `numpy.float16(x).view("u2")`.
    #[test]
    fn halves_are_rounded_as_numpy_rounds() {
        let cases = [
            (1.0, 0x3c00),
            (-2.5, 0xc100),
            (0.1, 0x2e66),
            (65504.0, 0x7bff),
            (65519.0, 0x7bff),
            (65520.0, 0x7c00),
            (1e10, 0x7c00),
            (6e-8, 0x0001),
            (6.1e-5, 0x03ff),
            (6.103_515_625e-5, 0x0400),
            (2048.0, 0x6800),
            (2049.0, 0x6800),
            (2051.0, 0x6802),
            (0.0, 0),
            (-0.0, 0x8000),
            (f64::INFINITY, 0x7c00),
            (1.999_9, 0x4000),
        ];
        for (value, bits) in cases {
            assert_eq!(half(value), bits, "{value}");
        }
    }
}
