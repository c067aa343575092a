//! The value of chunks that are missing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeTuple, Serializer};

use super::nan::not_finite;

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
}

impl FillValue {
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
            Self::Bytes(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
        }
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
    fn what_json_lacks_has_a_bare_form() {
        assert_eq!(FillValue::Float(f64::NEG_INFINITY).bare().unwrap(), "-Infinity");
        assert_eq!(FillValue::Complex(1.5, f64::NAN).bare().unwrap(), "[1.5,NaN]");
        assert_eq!((FillValue::Float(1.0).bare(), FillValue::Complex(1.0, 2.0).bare()), (None, None));
    }
}
