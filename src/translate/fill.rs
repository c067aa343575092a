//! The fill policy: zeros stay zeros, and chunks that were never written read as libhdf5 reads them.

use super::dtype::{Element, element};
use super::float::float_bits;
use super::options::FillPolicy;
use super::texts::Texts;
use crate::error::Error;
use crate::field::convert::narrow;
use crate::file::{
    Attribute, Bits, ByteOrder, Class, Datatype, FillValue as Hdf5Fill, Object, Padding, Text, Value, decode,
};
use crate::limits::{Limits, check};
use crate::zarr::{Dtype, FillValue};

/// What becomes of a dataset's fill value.
#[derive(Debug, PartialEq)]
pub(crate) struct Fill {
    /// `fill_value` of the array: what readers give for a missing chunk, and mask.
    pub(crate) declared: Option<FillValue>,
    /// The element that chunks never written are made of, where a reader would give another for a missing chunk.
    pub(crate) constant: Option<Vec<u8>>,
}

/// `_FillValue`: a numeric one moves to `fill_value` and leaves the attributes, as in kerchunk; text is told in both places.
pub(crate) fn is_moved(attribute: &Attribute, datatype: &Datatype) -> bool {
    let is_text = matches!(datatype.class, Class::String(_));
    attribute.name == "_FillValue" && !is_text && declared(attribute, datatype).is_some()
}

/// The fill value of a dataset. Without `_FillValue` nothing is declared: xarray would mask it, zeros first of all.
pub(crate) fn fill(object: &Object, datatype: &Datatype, fill: &Hdf5Fill, policy: FillPolicy) -> Fill {
    let declared = object.attribute("_FillValue").and_then(|attribute| declared(attribute, datatype));
    let Some(element) = constant(datatype, fill, declared.as_ref()) else { return Fill { declared, constant: None } };
    match (policy, fill_value(datatype, &element)) {
        // xarray opens no set with a record that has a fill value.
        (FillPolicy::Declare, Some(value)) if declared.is_none() && is_simple(datatype) => {
            Fill { declared: Some(value), constant: None }
        }
        _ => Fill { declared, constant: Some(element) },
    }
}

/// The element that chunks never written are made of, where a reader that knows what is declared would give another.
pub(crate) fn constant(datatype: &Datatype, fill: &Hdf5Fill, declared: Option<&FillValue>) -> Option<Vec<u8>> {
    let size = usize::try_from(datatype.size).unwrap_or(0);
    let zeros = declared.is_none() && missing_is_zeros(datatype);
    let mut element = match fill {
        Hdf5Fill::Undefined => return None,
        Hdf5Fill::Value(bytes) if bytes.len() == size => bytes.clone(),
        // Zeros are what a reader gives; an element of them may be larger than the file.
        Hdf5Fill::Value(_) | Hdf5Fill::Default if zeros => return None,
        Hdf5Fill::Value(_) | Hdf5Fill::Default => vec![0; size],
    };
    Texts::of(datatype).end(&mut element);
    let given = match declared {
        Some(declared) => fill_value(datatype, &element).is_some_and(|value| same(&value, declared)),
        None => zeros && element.iter().all(|byte| *byte == 0),
    };
    (!given).then_some(element)
}

/// An element of zeros, if it may be held.
pub(crate) fn zeros(datatype: &Datatype, limits: &Limits) -> Result<Vec<u8>, Error> {
    check("element_bytes", datatype.size.into(), limits.element_bytes)?;
    Ok(vec![0; narrow(datatype.size.into())])
}

/// Whether readers give zeros for missing chunks where `fill_value` is null: for records with texts or bytes zarr 3.1 does not, nor for
/// times.
fn missing_is_zeros(datatype: &Datatype) -> bool {
    let is_bytes = |dtype: &str| dtype.starts_with("|S") || dtype.starts_with("|V");
    match element(datatype) {
        Ok(Element { dtype: Dtype::Simple(dtype), .. }) => !dtype.contains(['M', 'm']),
        Ok(Element { dtype: Dtype::Structured(fields), .. }) => !fields.iter().any(|field| is_bytes(&field.1)),
        Err(_) => true,
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

/// A `_FillValue` of one number or text that the dataset's type has: xarray masks no other.
fn declared(attribute: &Attribute, datatype: &Datatype) -> Option<FillValue> {
    let Ok([value]) = attribute.values.as_deref() else { return None };
    match (&datatype.class, value) {
        (Class::Enumeration { .. }, Value::Boolean(value)) if datatype.is_boolean() => Some(FillValue::Boolean(*value)),
        (Class::Enumeration { base, .. }, _) => declared(attribute, base),
        (Class::FixedPoint { signed, bits, .. }, _) => integer(whole(value)?, *signed, *bits),
        (Class::BitField { bits, .. }, _) => integer(whole(value)?, false, *bits),
        (Class::FloatingPoint { .. }, Value::Float(x)) if attribute.datatype == *datatype => Some(FillValue::Float(*x)),
        (Class::FloatingPoint { .. }, _) => float(real(value)?, datatype),
        // Not a record of two numbers and a gap.
        (Class::Compound(_) | Class::Complex(_), Value::Complex(real, imaginary)) if is_simple(datatype) => {
            Some(FillValue::Complex(*real, *imaginary))
        }
        (Class::String(text), Value::Text(value)) => padded(value.as_bytes(), *text, datatype),
        (Class::String(text), Value::NotUtf8(value)) => padded(value, *text, datatype),
        _ => None,
    }
}

/// Whether an element is one value in Zarr, and no record: a compound may stand for a complex number.
fn is_simple(datatype: &Datatype) -> bool {
    matches!(element(datatype), Ok(Element { dtype: Dtype::Simple(_), .. }))
}

/// A whole number.
fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Signed(n) => Some((*n).into()),
        Value::Unsigned(n) => Some((*n).into()),
        Value::Float(x) if x.fract() == 0.0 => format!("{x:.0}").parse().ok(),
        _ => None,
    }
}

/// A whole number as an integer of so many bits, if it is one.
fn integer(n: i128, signed: bool, bits: Bits) -> Option<FillValue> {
    let value_bits = u32::from(bits.precision).min(64) - u32::from(signed);
    let end = 1_i128 << value_bits;
    let start = if signed { -end } else { 0 };
    if !(start..end).contains(&n) {
        return None;
    }
    if signed { i64::try_from(n).ok().map(FillValue::Signed) } else { u64::try_from(n).ok().map(FillValue::Unsigned) }
}

/// A number as a double, if it is one.
fn real(value: &Value) -> Option<f64> {
    if let Value::Float(x) = value {
        return Some(*x);
    }
    let n = whole(value)?;
    let x: f64 = n.to_string().parse().ok()?;
    (format!("{x:.0}") == n.to_string()).then_some(x)
}

/// A number as a float of a type, if it is one.
fn float(x: f64, datatype: &Datatype) -> Option<FillValue> {
    let Class::FloatingPoint { order, format, .. } = &datatype.class else { return None };
    if !format.is_ieee(datatype.size) {
        return None;
    }
    let mut element = float_bits(x, datatype.size).to_le_bytes().to_vec();
    element.truncate(usize::try_from(datatype.size).unwrap_or(0));
    if *order == ByteOrder::Big {
        element.reverse();
    }
    fill_value(datatype, &element).filter(|value| same(value, &FillValue::Float(x)))
}

/// A text as an element, if it is not too long.
fn padded(value: &[u8], text: Text, datatype: &Datatype) -> Option<FillValue> {
    let size = usize::try_from(datatype.size).ok().filter(|size| *size >= value.len())?;
    let mut element = value.to_vec();
    element.resize(size, if text.padding == Padding::SpacePadded { b' ' } else { 0 });
    Some(FillValue::Bytes(element))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Bits, Charset, Content, Dataspace, Extent, FloatFormat, Member, Node, Padding, Text};

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
        let (name, values) = ("_FillValue".to_owned(), Ok(values.to_vec()));
        Attribute { name, name_is_utf8: true, datatype: short(), dataspace: scalar(), values }
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
    fn a_number_of_another_type_is_declared_where_the_datas_type_has_it() {
        let byte = || integer(false, ByteOrder::Little, 1);
        assert_eq!(moved(&byte(), Value::Signed(8)), Some(FillValue::Unsigned(8)));
        assert_eq!(moved(&integer(true, ByteOrder::Big, 2), Value::Signed(-2)), Some(FillValue::Signed(-2)));
        assert_eq!(moved(&short(), Value::Float(-9.0)), Some(FillValue::Signed(-9)));
        assert_eq!(moved(&single(), Value::Signed(-32_768)), Some(FillValue::Float(-32_768.0)));
        // xarray masks neither 255 nor 0.1 of 32 bits for these, whichever engine opens the file.
        assert_eq!(moved(&byte(), Value::Signed(-1)), None);
        assert_eq!(moved(&byte(), Value::Float(256.0)), None);
        assert_eq!(moved(&short(), Value::Signed(32_768)), None);
        assert_eq!(moved(&single(), Value::Float(0.1)), None);
        assert_eq!(moved(&single(), Value::Float(1e300)), None);
        assert_eq!(moved(&single(), Value::Signed((1 << 24) + 1)), None);
    }

    #[test]
    fn a_float_of_16_bits_is_declared_where_16_bits_hold_it() {
        let format =
            FloatFormat { sign: 15, exponent_location: 10, exponent_size: 5, mantissa_size: 10, bias: 15, ..IEEE };
        let bits = Bits { offset: 0, precision: 16 };
        let half = Datatype { size: 2, class: Class::FloatingPoint { order: ByteOrder::Big, bits, format } };
        for held in [0.099_975_585_937_5, -10000.0, 2052.0, 65_504.0, 5.960_464_477_539_063e-8, f64::NEG_INFINITY] {
            assert_eq!(moved(&half, Value::Float(held)), Some(FillValue::Float(held)));
        }
        for other in [0.1, 2049.0, 65_519.0, 65_520.0, -1e20, 2.9e-8] {
            assert_eq!(moved(&half, Value::Float(other)), None);
        }
        assert!(matches!(moved(&half, Value::Float(f64::NAN)), Some(FillValue::Float(x)) if x.is_nan()));
    }

    #[test]
    fn a_text_is_declared_as_the_type_has_it_and_stays_an_attribute() {
        let text = |padding| {
            let class = Class::String(Text { padding, charset: Charset::Ascii });
            Datatype { size: 2, class }
        };
        let declared = |padding, value: &str| moved(&text(padding), Value::Text(value.to_owned()));
        assert_eq!(declared(Padding::NullPadded, "z"), Some(FillValue::Bytes(b"z\0".to_vec())));
        assert_eq!(declared(Padding::SpacePadded, "z"), Some(FillValue::Bytes(b"z ".to_vec())));
        assert_eq!(declared(Padding::NullPadded, "zzz"), None);
        assert!(!is_moved(&attribute(&[Value::Text("z".to_owned())]), &text(Padding::NullPadded)));
    }

    #[test]
    fn records_with_texts_and_times_are_held_where_zeros_were_never_written() {
        let member = |name: &str, offset, datatype| Member { name: name.to_owned(), offset, datatype };
        let compound = |size, members: Vec<Member>| Datatype { size, class: Class::Compound(members) };
        let opaque = |tag: &str| Datatype { size: 8, class: Class::Opaque { tag: tag.to_owned() } };
        let constant = |datatype: &Datatype| told(datatype, &Hdf5Fill::Default, None, FillPolicy::Exact).constant;
        assert_eq!(constant(&compound(4, vec![member("a", 0, short()), member("b", 2, short())])), None);
        // With a gap, which is a field of bytes.
        assert_eq!(constant(&compound(4, vec![member("a", 0, short())])), Some(vec![0; 4]));
        assert_eq!(constant(&opaque("NUMPY:<M8[s]")), Some(vec![0; 8]));
        assert_eq!(constant(&opaque("")), None);
    }

    #[test]
    fn an_element_that_is_larger_than_the_file_is_not_made() {
        let array = |n| Datatype { size: n * 2, class: Class::Array { dimensions: vec![n], base: Box::new(short()) } };
        let large = array(1 << 30);
        assert_eq!(told(&large, &Hdf5Fill::Default, None, FillPolicy::Exact).constant, None);
        assert_eq!(zeros(&array(3), &Limits::default()).unwrap(), [0; 6]);
        let error = zeros(&large, &Limits::default()).unwrap_err().to_string();
        assert!(error.contains("element_bytes"), "{error}");
    }

    #[test]
    fn a_record_has_no_declared_fill_value() {
        let members = vec![Member { name: "a".to_owned(), offset: 0, datatype: short() }];
        let record = Datatype { size: 2, class: Class::Compound(members) };
        let seven = Hdf5Fill::Value(vec![7, 0]);
        let fill = told(&record, &seven, None, FillPolicy::Declare);
        assert_eq!(fill, Fill { declared: None, constant: Some(vec![7, 0]) });
    }

    #[test]
    fn what_is_no_value_of_the_type_stays_an_attribute() {
        assert_eq!(moved(&short(), Value::Float(-9.5)), None);
        assert_eq!(moved(&short(), Value::Float(f64::NAN)), None);
        assert_eq!(moved(&short(), Value::Text("9".to_owned())), None);
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
