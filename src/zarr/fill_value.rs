//! The value of chunks that are missing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeTuple, Serializer};
use serde_json::{Value, json};

use super::codec::short;
use super::dtype::{Kind, Scalar};
use super::nan::{is_name, marked_float, not_finite};
use super::{Dtype, Invalid};

/// A fill value, in the forms that Zarr v2 has for it.
#[derive(Debug, Clone, PartialEq)]
pub enum FillValue {
    /// `|b1`.
    Boolean(bool),
    /// Signed integers.
    Signed(i64),
    /// Unsigned integers.
    Unsigned(u64),
    /// Floats; those that JSON lacks are written as `"NaN"`, `"Infinity"`, `"-Infinity"`.
    Float(f64),
    /// Complex numbers, as a pair.
    Complex(f64, f64),
    /// Fixed strings, opaque and structured types: the element's bytes, in base64.
    Bytes(Vec<u8>),
    /// Texts of any length, and of characters.
    Text(String),
}

impl FillValue {
    /// The fill value of a document, in the forms that zarr-python reads for this type; `None` for null.
    pub(super) fn parse(document: &Value, dtype: &Dtype) -> Result<Option<Self>, Invalid> {
        let wrong = || Invalid::new(format!("fill_value {} of dtype {}", short(document), short(&json!(dtype))));
        if document.is_null() {
            return Ok(None);
        }
        let Some(Scalar { kind, size, .. }) = dtype.scalar() else {
            return Self::bytes(document, dtype.size()).map(Some).ok_or_else(wrong);
        };
        let value = match kind {
            Kind::Boolean => boolean(document).map(Self::Boolean),
            Kind::Signed => signed(document, size).map(Self::Signed),
            Kind::Unsigned => unsigned(document, size).map(Self::Unsigned),
            Kind::Float => float(document).map(Self::Float),
            Kind::Complex => match document.as_array().map(Vec::as_slice) {
                Some([real, imaginary]) => float(real).zip(float(imaginary)).map(|(x, y)| Self::Complex(x, y)),
                _ => float(document).map(|real| Self::Complex(real, 0.0)),
            },
            Kind::Bytes | Kind::Opaque => Self::bytes(document, Some(size)),
            Kind::Datetime | Kind::Timedelta if document == "NaT" => Some(Self::Signed(i64::MIN)),
            Kind::Datetime | Kind::Timedelta => document.as_i64().map(Self::Signed),
            Kind::Text => {
                document.as_str().or_else(|| is_zero(document).then_some("")).map(|text| Self::Text(text.to_owned()))
            }
            // kerchunk writes 0 for texts too.
            Kind::Object if is_zero(document) => return Ok(None),
            Kind::Object => document.as_str().map(|text| Self::Text(text.to_owned())),
        };
        value.map(Some).ok_or_else(wrong)
    }

    /// An element's bytes; zeros at its end may be left out, and 0 or an empty text is nothing but zeros.
    fn bytes(document: &Value, size: Option<u64>) -> Option<Self> {
        let mut bytes = match document {
            Value::String(text) => STANDARD.decode(text).ok()?,
            number if is_zero(number) => Vec::new(),
            _ => return None,
        };
        let size = usize::try_from(size?).ok().filter(|size| *size >= bytes.len())?;
        bytes.resize(size, 0);
        Some(Self::Bytes(bytes))
    }

    /// Is this the float that equals nothing?
    pub(crate) fn is_nan(&self) -> bool {
        matches!(self, Self::Float(value) if value.is_nan())
    }

    /// The value with bare tokens for what JSON lacks; `None` where it is strict JSON anyway.
    pub(crate) fn bare(&self) -> Option<String> {
        // A number as Python writes it: the shortest digits that are read back as the same float, as strict JSON has them.
        let number = |x: &f64| not_finite(*x).map_or_else(|| serde_json::Value::from(*x).to_string(), str::to_owned);
        match self {
            Self::Float(x) => not_finite(*x).map(str::to_owned),
            Self::Complex(real, imaginary) if !(real.is_finite() && imaginary.is_finite()) => {
                Some(format!("[{},{}]", number(real), number(imaginary)))
            }
            _ => None,
        }
    }
}

impl Serialize for FillValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Float(value) => Number(*value).serialize(serializer),
            Self::Complex(real, imaginary) => {
                let mut pair = serializer.serialize_tuple(2)?;
                pair.serialize_element(&Number(*real))?;
                pair.serialize_element(&Number(*imaginary))?;
                pair.end()
            }
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
        }
    }
}

fn is_zero(document: &Value) -> bool {
    document.as_f64() == Some(0.0)
}

fn boolean(document: &Value) -> Option<bool> {
    match document {
        Value::Bool(value) => Some(*value),
        number => number.as_u64().filter(|number| *number < 2).map(|number| number == 1),
    }
}

/// An integer; Python also writes it as a float without fraction.
fn signed(document: &Value, size: u64) -> Option<i64> {
    let number = document.as_i64().or_else(|| whole(document)?.parse().ok())?;
    let beyond = 64_u64.checked_sub(size.checked_mul(8)?)?;
    (number.checked_shl(u32::try_from(beyond).ok()?)? >> beyond == number).then_some(number)
}

/// The same without a sign.
fn unsigned(document: &Value, size: u64) -> Option<u64> {
    let number = document.as_u64().or_else(|| whole(document)?.parse().ok())?;
    (number.leading_zeros() >= 64_u32.checked_sub(u32::try_from(size).ok()?.checked_mul(8)?)?).then_some(number)
}

/// The digits of a float without fraction that is exact as an integer.
fn whole(document: &Value) -> Option<String> {
    let number = document.as_f64().filter(|x| x.fract() == 0.0 && x.abs() <= 9_007_199_254_740_992.0)?;
    Some(format!("{number:.0}"))
}

/// A float, or the name of one that JSON lacks.
fn float(document: &Value) -> Option<f64> {
    let Value::String(text) = document else { return document.as_f64() };
    match marked_float(text).or(Some(text.as_str()).filter(|text| is_name(text)))? {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        _ => Some(f64::NEG_INFINITY),
    }
}

/// A float as JSON, by the names that Zarr has for what JSON lacks.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match not_finite(self.0) {
            Some(name) => serializer.serialize_str(name),
            None => serializer.serialize_f64(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_strict_json() {
        let forms = [
            (FillValue::Boolean(true), "true"),
            (FillValue::Signed(-5), "-5"),
            (FillValue::Unsigned(u64::MAX), "18446744073709551615"),
            (FillValue::Float(f64::from(0.1_f32)), "0.10000000149011612"),
            (FillValue::Float(f64::NEG_INFINITY), "\"-Infinity\""),
            (FillValue::Complex(1.5, f64::NAN), "[1.5,\"NaN\"]"),
            (FillValue::Bytes(b"ab\0".to_vec()), "\"YWIA\""),
        ];
        for (value, json) in forms {
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
        }
    }

    #[test]
    fn a_fill_value_is_one_that_its_type_has() {
        let of = |document: Value, dtype: &str| FillValue::parse(&document, &Dtype::Simple(dtype.to_owned()));
        assert_eq!(of(json!(-128), "|i1"), Ok(Some(FillValue::Signed(-128))));
        assert_eq!(of(json!(-9999.0), "<i2"), Ok(Some(FillValue::Signed(-9999))));
        assert_eq!(of(json!(u64::MAX), "<u8"), Ok(Some(FillValue::Unsigned(u64::MAX))));
        assert_eq!(of(json!("-Infinity"), "<f4"), Ok(Some(FillValue::Float(f64::NEG_INFINITY))));
        assert_eq!(of(json!([1, 2.5]), "<c8"), Ok(Some(FillValue::Complex(1.0, 2.5))));
        assert_eq!(of(json!("YWI="), "|S3"), Ok(Some(FillValue::Bytes(b"ab\0".to_vec()))));
        assert_eq!(of(json!("NaT"), "<M8[ns]"), Ok(Some(FillValue::Signed(i64::MIN))));
        assert_eq!((of(Value::Null, "<i2"), of(json!(0), "|O")), (Ok(None), Ok(None)));
        let wrong = [
            (json!(128), "|i1"),
            (json!(-1), "<u8"),
            (json!(300), "|u1"),
            (json!(1.5), "<i4"),
            (json!("NaN"), "<i4"),
            (json!({"a": 1}), "<f8"),
            (json!("abc"), "|S3"),
            (json!("YWJj"), "|S2"),
            (json!(2), "|b1"),
        ];
        for (document, dtype) in wrong {
            assert!(of(document.clone(), dtype).is_err(), "{document} {dtype}");
        }
    }

    #[test]
    fn what_json_lacks_has_a_bare_form() {
        assert_eq!(FillValue::Float(f64::NEG_INFINITY).bare().unwrap(), "-Infinity");
        assert_eq!(FillValue::Complex(1.5, f64::NAN).bare().unwrap(), "[1.5,NaN]");
        assert_eq!((FillValue::Float(1.0).bare(), FillValue::Complex(1.0, 2.0).bare()), (None, None));
    }
}
