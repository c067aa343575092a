//! Coordinates along a dimension: exact values with an order.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use super::cf_time::TimeUnits;
use crate::store::Elements;
use crate::zarr::{Dtype, Kind};

/// Most coordinates of all sets along one dimension.
pub(super) const MOST_COORDINATES: u64 = 1 << 24;

/// One coordinate.
#[derive(Debug, Clone)]
pub enum Coordinate {
    /// Integers, and times in the unit of their type.
    Integer(i128),
    /// Floats; NaN is no coordinate.
    Float(f64),
    /// Texts.
    Text(String),
}

impl Ord for Coordinate {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            // Of the floats, both zeros are one coordinate; NaN does not come here.
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b).unwrap_or_else(|| a.total_cmp(b)),
            (a, b) => a.kind().cmp(&b.kind()),
        }
    }
}

impl PartialOrd for Coordinate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Coordinate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Coordinate {}

impl fmt::Display for Coordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// Most characters of all texts along one dimension, each counted with the length of the longest.
const MOST_CHARACTERS: usize = 1 << 26;

/// Coordinates of one type.
#[derive(Debug, Clone)]
pub(super) struct Coordinates {
    /// Their type; of texts it is `<U1` until the longest is known.
    pub(super) dtype: Dtype,
    pub(super) values: Vec<Coordinate>,
}

impl Coordinate {
    fn kind(&self) -> u8 {
        match self {
            Self::Integer(_) => 0,
            Self::Float(_) => 1,
            Self::Text(_) => 2,
        }
    }

    /// The float that is the same number, if there is one.
    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => {
                #[expect(clippy::cast_precision_loss, reason = "compared with the integer below")]
                let float = *value as f64;
                #[expect(clippy::cast_possible_truncation, reason = "a float that is no such integer is unequal to it")]
                let is_same = float as i128 == *value;
                is_same.then_some(float)
            }
            Self::Float(value) => Some(*value),
            Self::Text(_) => None,
        }
    }

    /// The position that it is, if it is one.
    pub(super) fn index(&self) -> Option<usize> {
        usize::try_from(self.integer()?).ok()
    }

    /// The integer that is the same number, if there is one.
    fn integer(&self) -> Option<i128> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Float(value) => {
                #[expect(clippy::cast_possible_truncation, reason = "a float without fraction below 2^100 is exact")]
                let integer = *value as i128;
                (value.fract() == 0.0 && value.abs() < 1e30).then_some(integer)
            }
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

impl Coordinates {
    /// The elements of an array; texts in words where they are no coordinates.
    pub(super) fn of(dtype: &Dtype, elements: Elements) -> Result<Self, String> {
        fn integers<T: Into<i128>>(values: Vec<T>) -> Vec<Coordinate> {
            values.into_iter().map(|value| Coordinate::Integer(value.into())).collect()
        }
        fn floats<T: Into<f64>>(values: Vec<T>) -> Vec<Coordinate> {
            values.into_iter().map(|value| Coordinate::Float(value.into())).collect()
        }
        fn texts(values: impl Iterator<Item = String>) -> Vec<Coordinate> {
            values.map(Coordinate::Text).collect()
        }
        let mut dtype = dtype.clone();
        let values = match elements {
            Elements::Boolean(values) => integers(values.into_iter().map(i8::from).collect()),
            Elements::Int8(values) => integers(values),
            Elements::Int16(values) => integers(values),
            Elements::Int32(values) => integers(values),
            Elements::Datetime(values) | Elements::Timedelta(values) if values.contains(&i64::MIN) => {
                return Err("has one that is no time (NaT)".to_owned());
            }
            Elements::Int64(values) | Elements::Datetime(values) | Elements::Timedelta(values) => integers(values),
            Elements::Uint8(values) => integers(values),
            Elements::Uint16(values) => integers(values),
            Elements::Uint32(values) => integers(values),
            Elements::Uint64(values) => integers(values),
            Elements::Float16(values) | Elements::Float32(values) => floats(values),
            Elements::Float64(values) => floats(values),
            Elements::Text(values) => {
                dtype = text_dtype(1);
                texts(values.into_iter())
            }
            Elements::Bytes(values) => {
                dtype = text_dtype(1);
                let values: Result<Vec<String>, _> =
                    values.iter().map(|bytes| std::str::from_utf8(bytes).map(str::to_owned)).collect();
                texts(values.map_err(|_| "has bytes that are no text".to_owned())?.into_iter())
            }
            _ => return Err(format!("is of type {}, of which there are no coordinates", name(&dtype))),
        };
        Ok(Self { dtype, values })
    }

    /// The one element that some bytes are.
    pub(super) fn of_bytes(dtype: &Dtype, bytes: &[u8]) -> Option<Coordinate> {
        Self::of(dtype, Elements::of(dtype, bytes)).ok()?.values.pop()
    }

    /// JSON values: numbers and texts.
    pub(super) fn of_json(values: &[Value]) -> Result<Self, String> {
        let coordinate = |value: &Value| match value {
            Value::Number(number) => {
                let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
                integer.map(Coordinate::Integer).or_else(|| number.as_f64().map(Coordinate::Float))
            }
            Value::String(text) => Some(Coordinate::Text(text.clone())),
            _ => None,
        };
        let wrong = |value: &Value| format!("is {value}, which is no coordinate");
        let values: Result<Vec<Coordinate>, String> =
            values.iter().map(|value| coordinate(value).ok_or_else(|| wrong(value))).collect();
        let values = values?;
        let dtype = match values.iter().map(Coordinate::kind).max() {
            Some(2) => text_dtype(1),
            Some(1) => Dtype::Simple("<f8".to_owned()),
            _ => Dtype::Simple("<i8".to_owned()),
        };
        Self { dtype: dtype.clone(), values }.converted(&dtype)
    }

    /// Whether their type says what their numbers are: times and durations in a unit.
    pub(super) fn has_unit(&self) -> bool {
        self.dtype.scalar().is_some_and(|scalar| matches!(scalar.kind, Kind::Datetime | Kind::Timedelta))
    }

    /// The same coordinates in another type, if all can be.
    pub(super) fn converted(self, dtype: &Dtype) -> Result<Self, String> {
        let Some(scalar) = dtype.scalar() else { return Err(format!("{} is no type of coordinates", name(dtype))) };
        let wrong = |value: &Coordinate| format!("{value} is no {}", name(dtype));
        let own = self.dtype.clone();
        let has_unit = self.has_unit();
        let convert = |value: Coordinate| match scalar.kind {
            _ if has_unit => in_unit(&value, &own, dtype)
                .map(Coordinate::Integer)
                .ok_or_else(|| format!("{value} of type {} is no {}", name(&own), name(dtype))),
            Kind::Signed | Kind::Unsigned | Kind::Boolean | Kind::Timedelta => {
                value.integer().map(Coordinate::Integer).ok_or_else(|| wrong(&value))
            }
            Kind::Datetime => match &value {
                Coordinate::Text(text) => date(text, dtype).map(Coordinate::Integer).ok_or_else(|| wrong(&value)),
                _ => value.integer().map(Coordinate::Integer).ok_or_else(|| wrong(&value)),
            },
            Kind::Float => {
                let float = match &value {
                    Coordinate::Text(text) => text.trim().parse().ok(),
                    other => other.float(),
                };
                float.map(Coordinate::Float).ok_or_else(|| wrong(&value))
            }
            Kind::Text | Kind::Bytes | Kind::Object => Ok(match value {
                Coordinate::Text(text) => Coordinate::Text(text),
                number => Coordinate::Text(number.to_string()),
            }),
            _ => Err(wrong(&value)),
        };
        let values: Result<Vec<Coordinate>, String> = self.values.into_iter().map(convert).collect();
        Ok(Self { dtype: dtype.clone(), values: values? })
    }

    /// The type and the bytes of the elements, if each has one of them.
    pub(super) fn encoded(&self) -> Result<(Dtype, Vec<u8>), String> {
        if self.values.iter().any(|value| matches!(value, Coordinate::Text(_))) {
            return self.texts();
        }
        let scalar = self.dtype.scalar().ok_or_else(|| format!("{} is no type of coordinates", name(&self.dtype)))?;
        let mut bytes = Vec::with_capacity(self.values.len() * 8);
        for value in &self.values {
            let element = element(value, scalar.kind, crate::convert::narrow(scalar.size));
            let mut element = element.ok_or_else(|| format!("{value} is no {}", name(&self.dtype)))?;
            if scalar.big_endian {
                element.reverse();
            }
            bytes.extend(element);
        }
        Ok((self.dtype.clone(), bytes))
    }

    /// As characters of four bytes, as many as the longest text has.
    fn texts(&self) -> Result<(Dtype, Vec<u8>), String> {
        let text = |value: &Coordinate| match value {
            Coordinate::Text(text) => text.clone(),
            number => number.to_string(),
        };
        let texts: Vec<String> = self.values.iter().map(text).collect();
        let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
        // One long text makes all others as long.
        if longest.saturating_mul(texts.len()) > MOST_CHARACTERS {
            return Err(format!("{} texts, one of {longest} characters, are more than are held", texts.len()));
        }
        let mut bytes = Vec::new();
        for text in texts {
            let end = bytes.len() + 4 * longest;
            bytes.extend(text.chars().flat_map(|c| u32::from(c).to_le_bytes()));
            bytes.resize(end, 0);
        }
        Ok((text_dtype(longest), bytes))
    }
}

/// The little-endian bytes of a number in a type, if it is one of its numbers.
fn element(value: &Coordinate, kind: Kind, size: usize) -> Option<Vec<u8>> {
    match (kind, value) {
        (Kind::Float, value) => {
            let value = value.float()?;
            match size {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::float_cmp,
                    reason = "compared with the value: it is exact or none"
                )]
                4 => (f64::from(value as f32) == value).then(|| (value as f32).to_le_bytes().to_vec()),
                8 => Some(value.to_le_bytes().to_vec()),
                _ => None,
            }
        }
        (_, value) => {
            let value = value.integer()?;
            let bits = u32::try_from(size).ok()?.checked_mul(8).filter(|bits| *bits <= 64)?;
            let (least, most) = match kind {
                Kind::Unsigned => (0, (1_i128 << bits) - 1),
                Kind::Boolean => (0, 1),
                _ => (-(1_i128 << (bits.max(1) - 1)), (1_i128 << (bits.max(1) - 1)) - 1),
            };
            let bytes = value.to_le_bytes();
            (least..=most).contains(&value).then(|| bytes.get(..size).map(<[u8]>::to_vec))?
        }
    }
}

/// Texts of so many characters.
fn text_dtype(characters: usize) -> Dtype {
    Dtype::Simple(format!("<U{characters}"))
}

/// A type as it is written.
pub(super) fn name(dtype: &Dtype) -> String {
    match dtype {
        Dtype::Simple(text) => text.clone(),
        fields @ Dtype::Structured(_) => serde_json::to_string(fields).unwrap_or_default(),
    }
}

/// An ISO date as a number of the unit of a type of times.
fn date(text: &str, dtype: &Dtype) -> Option<i128> {
    let unit = datetime_unit(dtype)?;
    let since = TimeUnits::parse(&format!("seconds since {text}"), Some("proleptic_gregorian")).ok()??;
    let instant = since.decode_integer(0)?;
    (instant % unit == 0).then(|| instant / unit)
}

/// The number that a time of a type with a unit has in another such type, if it has one.
fn in_unit(value: &Coordinate, from: &Dtype, to: &Dtype) -> Option<i128> {
    let kind = |dtype: &Dtype| dtype.scalar().map(|scalar| scalar.kind);
    let nanoseconds = value.integer().filter(|_| kind(from) == kind(to))?.checked_mul(datetime_unit(from)?)?;
    let unit = datetime_unit(to)?;
    (nanoseconds % unit == 0).then(|| nanoseconds / unit)
}

/// Nanoseconds of the unit of a type of times.
pub(super) fn datetime_unit(dtype: &Dtype) -> Option<i128> {
    let Dtype::Simple(dtype) = dtype else { return None };
    Some(match dtype.split_once('[')?.1.strip_suffix(']')? {
        "D" => 86_400_000_000_000,
        "h" => 3_600_000_000_000,
        "m" => 60_000_000_000,
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" => 1_000,
        "ns" => 1,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn simple(text: &str) -> Dtype {
        Dtype::Simple(text.to_owned())
    }

    #[test]
    fn json_numbers_are_integers_unless_one_is_not() {
        let of = |values: Value| Coordinates::of_json(values.as_array().unwrap()).unwrap().encoded().unwrap();
        assert_eq!(of(json!([1, -2])), (simple("<i8"), [1_i64.to_le_bytes(), (-2_i64).to_le_bytes()].concat()));
        assert_eq!(of(json!([1, 0.5])).0, simple("<f8"));
        assert_eq!(of(json!(["a", "bcd"])), (simple("<U3"), b"a\0\0\0\0\0\0\0\0\0\0\0b\0\0\0c\0\0\0d\0\0\0".to_vec()));
        assert!(Coordinates::of_json(&[json!(null)]).is_err());
    }

    #[test]
    fn a_type_holds_the_value_or_there_is_an_error() {
        let of = |text: &str, dtype: &str| {
            let values = vec![Coordinate::Text(text.to_owned())];
            Coordinates { dtype: simple("<U1"), values }.converted(&simple(dtype)).and_then(|to| to.encoded())
        };
        assert_eq!(of("007", "<i2").unwrap().1, [7, 0]);
        assert_eq!(of("7", ">i2").unwrap().1, [0, 7]);
        assert_eq!(of("0.5", "<f4").unwrap().1, 0.5_f32.to_le_bytes());
        assert_eq!(of("1970-01-02", "<M8[s]").unwrap().1, 86_400_i64.to_le_bytes());
        for (text, dtype) in
            [("300", "|u1"), ("-1", "|u1"), ("x", "<i4"), ("0.1", "<f4"), ("", "<i4"), ("2000-01-01T12:00", "<M8[D]")]
        {
            assert!(of(text, dtype).is_err(), "{text} as {dtype}");
        }
    }

    #[test]
    fn times_in_another_unit_are_the_same_times() {
        let of = |value: i128, from: &str, to: &str| {
            let all = Coordinates { dtype: simple(from), values: vec![Coordinate::Integer(value)] };
            all.converted(&simple(to)).map(|all| all.values[0].clone())
        };
        assert_eq!(of(10_957, "<M8[D]", "<M8[s]"), Ok(Coordinate::Integer(946_684_800)));
        assert_eq!(of(-86_400_000, "<m8[ms]", "<m8[D]"), Ok(Coordinate::Integer(-1)));
        assert_eq!(of(7, ">M8[ns]", "<M8[ns]"), Ok(Coordinate::Integer(7)));
        for (value, from, to) in
            [(1, "<M8[s]", "<M8[D]"), (1, "<M8[s]", "<m8[s]"), (1, "<M8[s]", "<i8"), (1, "<M8[Y]", "<M8[D]")]
        {
            assert!(of(value, from, to).is_err(), "{value} of {from} as {to}");
        }
    }

    #[test]
    fn both_zeros_are_one_coordinate() {
        assert_eq!(Coordinate::Float(0.0), Coordinate::Float(-0.0));
        assert!(Coordinate::Float(1.5) < Coordinate::Float(2.0));
        assert!(Coordinate::Integer(i128::MIN) < Coordinate::Integer(3));
    }
}
