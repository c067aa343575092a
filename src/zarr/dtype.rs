//! Types of elements, in NumPy's notation.

use serde::Serialize;
use serde_json::Value;

use super::Invalid;
use super::codec::short;

/// What an element is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Dtype {
    /// Byte order, kind and size: `<f4`.
    Simple(String),
    /// Fields one after another, without gaps.
    Structured(Vec<Field>),
}

/// A field of a structured type: its name and its simple type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field(pub String, pub String);

/// A simple type, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scalar {
    /// What it is.
    pub kind: Kind,
    /// Whether its most significant byte comes first.
    pub big_endian: bool,
    /// Bytes of an element; 0 for objects, whose size is their own.
    pub size: u64,
}

/// Kinds of simple types, by NumPy's letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `b`.
    Boolean,
    /// `i`.
    Signed,
    /// `u`.
    Unsigned,
    /// `f`.
    Float,
    /// `c`.
    Complex,
    /// `S`: bytes of a text, padded with NUL.
    Bytes,
    /// `U`: characters of four bytes, padded with NUL.
    Text,
    /// `V`: opaque bytes.
    Opaque,
    /// `M`: a time since 1970.
    Datetime,
    /// `m`: a duration.
    Timedelta,
    /// `O`: what the codecs make.
    Object,
}

/// The largest element: no reader holds one of 2 GiB.
const LARGEST: u64 = (1 << 31) - 1;

impl Dtype {
    /// The type of a document, as zarr-python has them: simple ones, and fields of simple ones.
    pub(super) fn parse(document: &Value) -> Result<Self, Invalid> {
        match document {
            Value::String(text) => Scalar::parse(text).map(|_| Self::Simple(text.clone())),
            Value::Array(fields) if !fields.is_empty() => {
                let fields: Result<Vec<Field>, Invalid> = fields.iter().map(Field::parse).collect();
                let dtype = Self::Structured(fields?);
                dtype.size().filter(|size| *size <= LARGEST).ok_or_else(|| not_a_dtype(document))?;
                Ok(dtype)
            }
            _ => Err(not_a_dtype(document)),
        }
    }

    /// The simple type, if it is one.
    pub fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::Simple(text) => Scalar::parse(text).ok(),
            Self::Structured(_) => None,
        }
    }

    /// Bytes of an element before its codecs; 0 for objects.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Simple(text) => Scalar::parse(text).ok().map(|scalar| scalar.size),
            Self::Structured(fields) => fields.iter().try_fold(0_u64, |sum, Field(_, text)| {
                sum.checked_add(Scalar::parse(text).ok().filter(|scalar| scalar.size > 0)?.size)
            }),
        }
    }
}

impl Field {
    fn parse(document: &Value) -> Result<Self, Invalid> {
        match document.as_array().map(Vec::as_slice) {
            Some([Value::String(name), Value::String(dtype)]) => {
                let scalar = Scalar::parse(dtype)?;
                (scalar.kind != Kind::Object).then_some(()).ok_or_else(|| not_a_dtype(document))?;
                Ok(Self(name.clone(), dtype.clone()))
            }
            _ => Err(Invalid::new(format!("a field that is not [name, simple type]: {}", short(document)))),
        }
    }
}

impl Scalar {
    /// Takes a simple type apart.
    ///
    /// # Errors
    /// [`Invalid`] for a type that Zarr v2 does not have.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new(format!("dtype {text:?}"));
        let mut letters = text.chars();
        let (order, kind) = (letters.next().ok_or_else(wrong)?, letters.next().ok_or_else(wrong)?);
        let rest = letters.as_str();
        let (digits, unit) = rest.find('[').map_or((rest, ""), |at| rest.split_at(at));
        let kind = match kind {
            'b' => Kind::Boolean,
            'i' => Kind::Signed,
            'u' => Kind::Unsigned,
            'f' => Kind::Float,
            'c' => Kind::Complex,
            'S' => Kind::Bytes,
            'U' => Kind::Text,
            'V' => Kind::Opaque,
            'M' => Kind::Datetime,
            'm' => Kind::Timedelta,
            'O' => Kind::Object,
            _ => return Err(wrong()),
        };
        let is_decimal = digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.starts_with('0');
        let number: u64 = if digits.is_empty() { 0 } else { digits.parse().map_err(|_| wrong())? };
        let size = if kind == Kind::Text { number.saturating_mul(4) } else { number };
        let has_size = match kind {
            Kind::Boolean => size == 1,
            Kind::Signed | Kind::Unsigned => matches!(size, 1 | 2 | 4 | 8),
            Kind::Float => matches!(size, 2 | 4 | 8),
            Kind::Complex => matches!(size, 8 | 16),
            Kind::Bytes | Kind::Text | Kind::Opaque => (1..=LARGEST).contains(&size),
            Kind::Datetime | Kind::Timedelta => size == 8,
            Kind::Object => digits.is_empty(),
        };
        let has_unit = matches!(kind, Kind::Datetime | Kind::Timedelta);
        let is_unit = if has_unit { unit.len() > 2 && unit.ends_with(']') } else { unit.is_empty() };
        let has_order = matches!(order, '<' | '>') || order == '|';
        if !(is_decimal && has_size && is_unit && has_order) {
            return Err(wrong());
        }
        Ok(Self { kind, big_endian: order == '>', size })
    }
}

fn not_a_dtype(document: &Value) -> Invalid {
    Invalid::new(format!("dtype {}", short(document)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_simple_type_is_order_kind_and_size() {
        let scalar = |kind, big_endian, size| Ok(Scalar { kind, big_endian, size });
        assert_eq!(Scalar::parse(">f4"), scalar(Kind::Float, true, 4));
        assert_eq!(Scalar::parse("|b1"), scalar(Kind::Boolean, false, 1));
        assert_eq!(Scalar::parse("<U3"), scalar(Kind::Text, false, 12));
        assert_eq!(Scalar::parse("<M8[25s]"), scalar(Kind::Datetime, false, 8));
        assert_eq!(Scalar::parse("|O"), scalar(Kind::Object, false, 0));
        for wrong in
            ["", "<", "f4", "<f", "<f16", "<i3", "|S0", "<M8", "<i4[s]", "|O8", "|S2147483648", "<f99", "<i04", "é4"]
        {
            assert!(Scalar::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn fields_are_simple_types_one_after_another() {
        let dtype = Dtype::parse(&json!([["a", "<i4"], ["b", "|S3"]])).unwrap();
        assert_eq!(dtype.size(), Some(7));
        assert_eq!(serde_json::to_value(&dtype).unwrap(), json!([["a", "<i4"], ["b", "|S3"]]));
        for wrong in [
            json!([]),
            json!(5),
            json!([["a"]]),
            json!([["a", "<i4", [2]]]),
            json!([["a", [["b", "<i4"]]]]),
            json!([["a", "|O"]]),
        ] {
            assert!(Dtype::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
