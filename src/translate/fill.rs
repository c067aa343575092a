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
    let Some(element) = constant(datatype, fill, declared.as_ref()) else { return Fill { declared, constant: None } };
    match (policy, fill_value(datatype, &element)) {
        (FillPolicy::Declare, Some(value)) if declared.is_none() => Fill { declared: Some(value), constant: None },
        _ => Fill { declared, constant: Some(element) },
    }
}

/// The element that chunks never written are made of, where a reader that knows what is declared would give another.
pub(crate) fn constant(datatype: &Datatype, fill: &Hdf5Fill, declared: Option<&FillValue>) -> Option<Vec<u8>> {
    let size = usize::try_from(datatype.size).unwrap_or(0);
    let element = match (fill, declared) {
        (Hdf5Fill::Value(bytes), _) if bytes.len() == size => bytes.clone(),
        // Zeros are what a reader gives; an element of them may be larger than the file.
        (Hdf5Fill::Undefined, _) | (Hdf5Fill::Value(_) | Hdf5Fill::Default, None) => return None,
        (Hdf5Fill::Value(_) | Hdf5Fill::Default, Some(_)) => vec![0; size],
    };
    let given = match declared {
        Some(declared) => fill_value(datatype, &element).is_some_and(|value| same(&value, declared)),
        None => element.iter().all(|byte| *byte == 0),
    };
    (!given).then_some(element)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Bits, Charset, Content, Dataspace, Extent, FloatFormat, Node, Padding, Text};

    const IEEE: FloatFormat = FloatFormat {
        sign: 31,
        exponent_location: 23,
        exponent_size: 8,
        mantissa_location: 0,
        mantissa_size: 23,
        bias: 127,
        normalization: 2,
    };

    fn integer(signed: bool, order: ByteOrder, size: u32) -> Datatype {
        let bits = Bits { offset: 0, precision: if size == 1 { 8 } else { 16 } };
        Datatype { size, class: Class::FixedPoint { order, signed, bits } }
    }

    fn short() -> Datatype {
        integer(true, ByteOrder::Little, 2)
    }

    fn single() -> Datatype {
        let bits = Bits { offset: 0, precision: 32 };
        Datatype { size: 4, class: Class::FloatingPoint { order: ByteOrder::Little, bits, format: IEEE } }
    }

    fn scalar() -> Dataspace {
        Dataspace { extent: Extent::Scalar, dimensions: Vec::new(), maximum: Vec::new() }
    }

    fn attribute(values: &[Value]) -> Attribute {
        Attribute { name: "_FillValue".to_owned(), datatype: short(), dataspace: scalar(), values: Ok(values.to_vec()) }
    }

    /// What becomes of a dataset with this fill value and, if there is one, this `_FillValue`.
    fn told(datatype: &Datatype, hdf5: &Hdf5Fill, declared: Option<Value>, policy: FillPolicy) -> Fill {
        let attributes = declared.map(|value| attribute(&[value])).into_iter().collect();
        let node = Node { content: Ok(Content::Group), attributes: Ok(attributes) };
        let object = Object { path: "/d".to_owned(), address: 0, node: node.into() };
        fill(&object, datatype, hdf5, policy)
    }

    /// The value that a `_FillValue` declares for a type.
    fn moved(datatype: &Datatype, value: Value) -> Option<FillValue> {
        told(datatype, &Hdf5Fill::Undefined, Some(value), FillPolicy::Exact).declared
    }

    #[test]
    fn what_libhdf5_reads_is_kept_where_readers_would_give_another_value() {
        let seven = || Hdf5Fill::Value(vec![7, 0]);
        let (zero, constant) = (Some(vec![0, 0]), Some(vec![7, 0]));
        let table = [
            (Hdf5Fill::Default, None, None),
            (Hdf5Fill::Undefined, None, None),
            (seven(), None, constant.clone()),
            (Hdf5Fill::Default, Some(0), None),
            (Hdf5Fill::Default, Some(9), zero),
            (Hdf5Fill::Undefined, Some(9), None),
            (seven(), Some(7), None),
            (seven(), Some(9), constant),
        ];
        for (hdf5, attribute, constant) in table {
            let expected = Fill { declared: attribute.map(FillValue::Signed), constant };
            let found = told(&short(), &hdf5, attribute.map(Value::Signed), FillPolicy::Exact);
            assert_eq!(found, expected, "{hdf5:?}, _FillValue {attribute:?}");
        }
    }

    #[test]
    fn a_fill_value_is_declared_where_that_is_accepted_and_no_other_is() {
        let told = |hdf5: Hdf5Fill, attribute| told(&short(), &hdf5, attribute, FillPolicy::Declare);
        let seven = || Hdf5Fill::Value(vec![7, 0]);
        assert_eq!(told(seven(), None), Fill { declared: Some(FillValue::Signed(7)), constant: None });
        assert_eq!(told(Hdf5Fill::Default, None), Fill { declared: None, constant: None });
        let nine = Some(FillValue::Signed(9));
        assert_eq!(told(seven(), Some(Value::Signed(9))), Fill { declared: nine, constant: Some(vec![7, 0]) });
    }

    #[test]
    fn nan_is_nan_and_minus_zero_is_not_zero() {
        let of = |hdf5: f32, attribute: Option<f64>| {
            let hdf5 = Hdf5Fill::Value(hdf5.to_le_bytes().to_vec());
            told(&single(), &hdf5, attribute.map(Value::Float), FillPolicy::Exact).constant
        };
        assert_eq!(of(f32::from_bits(0x7fc0_0001), Some(f64::NAN)), None);
        assert_eq!(of(f32::NAN, None), Some(f32::NAN.to_le_bytes().to_vec()));
        assert_eq!(of(-0.0, None), Some(vec![0, 0, 0, 0x80]));
        assert_eq!(of(-0.0, Some(0.0)), Some(vec![0, 0, 0, 0x80]));
    }

    #[test]
    fn a_declared_value_is_cast_to_the_type_of_the_data() {
        let byte = || integer(false, ByteOrder::Little, 1);
        assert_eq!(moved(&byte(), Value::Signed(-1)), Some(FillValue::Unsigned(255)));
        assert_eq!(moved(&integer(true, ByteOrder::Big, 2), Value::Signed(-2)), Some(FillValue::Signed(-2)));
        assert_eq!(moved(&short(), Value::Float(-9.0)), Some(FillValue::Signed(-9)));
        assert_eq!(moved(&single(), Value::Float(0.1)), Some(FillValue::Float(f64::from(0.1_f32))));
        assert_eq!(moved(&single(), Value::Signed(-32_768)), Some(FillValue::Float(-32_768.0)));
    }

    #[test]
    fn what_is_no_value_of_the_type_stays_an_attribute() {
        assert_eq!(moved(&short(), Value::Float(-9.5)), None);
        assert_eq!(moved(&short(), Value::Float(f64::NAN)), None);
        assert_eq!(moved(&short(), Value::Text("9".to_owned())), None);
        let text = Class::String(Text { padding: Padding::NullPadded, charset: Charset::Ascii });
        let text = Datatype { size: 1, class: text };
        assert_eq!(moved(&text, Value::Text("z".to_owned())), None);
        assert!(!is_moved(&attribute(&[Value::Text("z".to_owned())]), &text));
        assert!(!is_moved(&attribute(&[Value::Signed(1), Value::Signed(2)]), &short()));
        assert!(is_moved(&attribute(&[Value::Signed(1)]), &short()));
        let other = Attribute { name: "missing_value".to_owned(), ..attribute(&[Value::Signed(1)]) };
        assert!(!is_moved(&other, &short()));
    }

    #[test]
    fn every_class_has_its_form_of_fill_value() {
        let boxed = Box::new(integer(true, ByteOrder::Little, 1));
        let members = vec![("FALSE".to_owned(), vec![0]), ("TRUE".to_owned(), vec![1])];
        let boolean = Datatype { size: 1, class: Class::Enumeration { base: boxed.clone(), members } };
        assert_eq!(fill_value(&boolean, &[1]), Some(FillValue::Boolean(true)));
        let other = Datatype { size: 1, class: Class::Enumeration { base: boxed, members: Vec::new() } };
        assert_eq!(fill_value(&other, &[255]), Some(FillValue::Signed(-1)));
        let opaque = Datatype { size: 2, class: Class::Opaque { tag: String::new() } };
        assert_eq!(fill_value(&opaque, b"ab"), Some(FillValue::Bytes(b"ab".to_vec())));
        let complex = Datatype { size: 8, class: Class::Complex(Box::new(single())) };
        assert_eq!(fill_value(&complex, &[0; 8]), Some(FillValue::Complex(0.0, 0.0)));
        let sequence = Datatype { size: 16, class: Class::Sequence(Box::new(short())) };
        assert_eq!(fill_value(&sequence, &[0; 16]), None);
    }
}
