//! The fill policy: zeros stay zeros, and chunks that were never written read as libhdf5 reads them.

use super::dtype::{Element, element};
use super::options::FillPolicy;
use crate::file::{Attribute, ByteOrder, Class, Datatype, FillValue as Hdf5Fill, Object, Value, decode};
use crate::zarr::{Dtype, FillValue};

/// What becomes of a dataset's fill value.
#[derive(Debug, PartialEq)]
pub(crate) struct Fill {
    /// `fill_value` of the array: what readers give for a missing chunk, and mask.
    pub(crate) declared: Option<FillValue>,
    /// The element that chunks never written are made of, where a reader would give another for a missing chunk.
    pub(crate) constant: Option<Vec<u8>>,
}

/// `_FillValue`: a numeric one moves to `fill_value` and leaves the attributes.
pub(crate) fn is_moved(attribute: &Attribute, datatype: &Datatype) -> bool {
    attribute.name == "_FillValue" && declared(attribute, datatype).is_some()
}

/// The fill value of a dataset. Without `_FillValue` nothing is declared: xarray would mask it, zeros first of all.
pub(crate) fn fill(object: &Object, datatype: &Datatype, fill: &Hdf5Fill, policy: FillPolicy) -> Fill {
    let declared = object.attribute("_FillValue").and_then(|attribute| declared(attribute, datatype));
    let size = usize::try_from(datatype.size).unwrap_or(0);
    let element = match fill {
        Hdf5Fill::Undefined => return Fill { declared, constant: None },
        Hdf5Fill::Value(bytes) if bytes.len() == size => bytes.clone(),
        // Zeros are what a reader gives; an element of them may be larger than the file.
        Hdf5Fill::Value(_) | Hdf5Fill::Default if declared.is_none() => return Fill { declared, constant: None },
        Hdf5Fill::Value(_) | Hdf5Fill::Default => vec![0; size],
    };
    let given = match &declared {
        Some(declared) => fill_value(datatype, &element).is_some_and(|value| same(&value, declared)),
        None => element.iter().all(|byte| *byte == 0),
    };
    match (given, policy, fill_value(datatype, &element)) {
        (true, ..) => Fill { declared, constant: None },
        (false, FillPolicy::Declare, Some(value)) if declared.is_none() => {
            Fill { declared: Some(value), constant: None }
        }
        (false, ..) => Fill { declared, constant: Some(element) },
    }
}

/// An element as a fill value, for the messages too.
pub(crate) fn fill_value(datatype: &Datatype, element: &[u8]) -> Option<FillValue> {
    match &datatype.class {
        Class::Enumeration { .. } if datatype.is_boolean() => Some(FillValue::Boolean(element != [0])),
        Class::Enumeration { base, .. } => fill_value(base, element),
        Class::FixedPoint { .. }
        | Class::BitField { .. }
        | Class::FloatingPoint { .. }
        | Class::Complex(_)
        | Class::Compound(_) => match decode(datatype, element)? {
            Value::Signed(n) => Some(FillValue::Signed(n)),
            Value::Unsigned(n) => Some(FillValue::Unsigned(n)),
            Value::Float(x) => Some(FillValue::Float(x)),
            Value::Complex(real, imaginary) => Some(FillValue::Complex(real, imaginary)),
            Value::Compound(_) => Some(FillValue::Bytes(element.to_vec())),
            _ => None,
        },
        Class::String(_) | Class::Opaque { .. } => Some(FillValue::Bytes(element.to_vec())),
        _ => None,
    }
}

/// The same value; NaN is itself here.
fn same(a: &FillValue, b: &FillValue) -> bool {
    let alike = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    match (a, b) {
        (FillValue::Float(a), FillValue::Float(b)) => alike(*a, *b),
        (FillValue::Complex(a, x), FillValue::Complex(b, y)) => alike(*a, *b) && alike(*x, *y),
        _ => a == b,
    }
}

/// A `_FillValue` of one number, as the dataset's type has it: NumPy casts it so when it masks.
fn declared(attribute: &Attribute, datatype: &Datatype) -> Option<FillValue> {
    let Ok([value]) = attribute.values.as_deref() else { return None };
    match (&datatype.class, value) {
        (Class::Enumeration { .. }, Value::Boolean(value)) if datatype.is_boolean() => Some(FillValue::Boolean(*value)),
        (Class::Enumeration { base, .. }, _) => declared(attribute, base),
        (Class::FixedPoint { .. } | Class::BitField { .. }, _) => {
            integer(value).and_then(|bits| integer_of(datatype, bits))
        }
        (Class::FloatingPoint { .. }, Value::Float(value)) => Some(float_of(datatype, *value)),
        (Class::FloatingPoint { .. }, Value::Signed(_) | Value::Unsigned(_)) => {
            number(value).map(|value| float_of(datatype, value))
        }
        // Not a record of two numbers and a gap.
        (Class::Compound(_) | Class::Complex(_), Value::Complex(real, imaginary)) if is_one_number(datatype) => {
            Some(FillValue::Complex(*real, *imaginary))
        }
        _ => None,
    }
}

/// Whether a compound is one complex number in Zarr, and no record.
fn is_one_number(datatype: &Datatype) -> bool {
    matches!(element(datatype), Ok(Element { dtype: Dtype::Simple(_), .. }))
}

/// The two's complement of a whole number.
fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Signed(n) => Some(n.cast_unsigned()),
        Value::Unsigned(n) => Some(*n),
        Value::Float(x) if x.fract() == 0.0 => format!("{x:.0}").parse::<i64>().ok().map(i64::cast_unsigned),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Signed(n) => n.to_string().parse().ok(),
        Value::Unsigned(n) => n.to_string().parse().ok(),
        Value::Float(x) => Some(*x),
        _ => None,
    }
}

/// The lowest bytes of a whole number as an element: -1 is 255 in one unsigned byte.
fn integer_of(datatype: &Datatype, bits: u64) -> Option<FillValue> {
    let little = bits.to_le_bytes();
    let mut element = little.get(..usize::try_from(datatype.size).ok()?)?.to_vec();
    if let Class::FixedPoint { order: ByteOrder::Big, .. } | Class::BitField { order: ByteOrder::Big, .. } =
        datatype.class
    {
        element.reverse();
    }
    fill_value(datatype, &element)
}

/// A float in the precision of the type.
fn float_of(datatype: &Datatype, value: f64) -> FillValue {
    #[expect(clippy::cast_possible_truncation, reason = "rounding to the type's precision is what is wanted")]
    let single = value as f32;
    match datatype.size {
        4 => FillValue::Float(single.into()),
        _ => FillValue::Float(value),
    }
}
