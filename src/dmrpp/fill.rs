//! What elements read as that were never written, as far as a sidecar tells it.
//!
//! Hyrax writes the number that the bytes of the fill value are on the machine that wrote the sidecar, floats rounded to six digits
//! (`build_dmrpp_util.cc`, `get_value_as_string`). So floats are known only where nothing can have been rounded, or where the attribute
//! `_FillValue` is a number that is written so; and numbers of the other byte order only where both orders are the same.

use super::attribute::real;
use super::datatype::element;
use crate::file::{Attribute, ByteOrder, Class, Datatype, FillValue, Padding, Text, Value};
use crate::netcdf::default_fill;

/// The fill value, or why it is not known.
pub(crate) fn fill(
    text: Option<&str>,
    datatype: &Datatype,
    declared: Option<&Attribute>,
    order: Option<ByteOrder>,
) -> Result<FillValue, String> {
    let is_little = order == Some(ByteOrder::Little);
    let Some(text) = text else { return Err("which value chunks have that were never written".to_owned()) };
    let known = match &datatype.class {
        Class::Enumeration { base, .. } => integer(text, base, declared, is_little),
        Class::FixedPoint { .. } => integer(text, datatype, declared, is_little),
        Class::FloatingPoint { .. } => float(text, datatype, declared, is_little),
        // Of a structure the word for the library's default.
        Class::Compound(_) if text == "0" => Some(vec![0; usize::try_from(datatype.size).unwrap_or(0)]),
        Class::String(kind) => string(text, datatype, *kind),
        _ => None,
    };
    let is_integer = matches!(datatype.class, Class::Enumeration { .. } | Class::FixedPoint { .. });
    if known.is_none() && is_integer && order.is_none() && element(text, &little(datatype)).is_some() {
        return Err(format!(
            "the byte order of {text}, the value of chunks that were never written (--byte-order says it)"
        ));
    }
    let untold = || format!("the value of chunks that were never written, which it has as \"{text}\", exactly");
    known.map(FillValue::Value).ok_or_else(untold)
}

/// The fill value as Hyrax takes it: the numbers as they are written; but netCDF's own is known by its six digits. Of numbers of the other
/// byte order nobody knows what Hyrax takes.
pub(crate) fn served(text: Option<&str>, datatype: &Datatype, order: Option<ByteOrder>) -> Option<FillValue> {
    let mut numbers = text.filter(|_| order != Some(ByteOrder::Big))?.split_ascii_whitespace();
    let mut all = vec![0; usize::try_from(datatype.size).ok()?];
    for (offset, base, count) in parts(datatype) {
        let start = usize::try_from(offset).ok()?;
        let elements = all.get_mut(start..)?.chunks_exact_mut(usize::try_from(base.size).ok()?.max(1));
        for place in elements.take(usize::try_from(count).ok()?) {
            let number = numbers.next()?;
            let element = match &base.class {
                Class::FloatingPoint { .. } => {
                    let netcdf = default_fill(base).filter(|fill| written(fill).as_deref() == Some(number));
                    netcdf.or_else(|| bytes(real(number, base.size)?, base))
                }
                _ => element(number, base),
            };
            place.copy_from_slice(&element.filter(|element| element.len() == place.len())?);
        }
    }
    numbers.next().is_none().then_some(FillValue::Value(all))
}

/// Where the numbers of an element lie, what they are, and how many.
fn parts(datatype: &Datatype) -> Vec<(u32, &Datatype, u32)> {
    match &datatype.class {
        Class::Compound(members) => members.iter().map(|member| part(member.offset, &member.datatype)).collect(),
        _ => vec![part(0, datatype)],
    }
}

fn part(offset: u32, datatype: &Datatype) -> (u32, &Datatype, u32) {
    match &datatype.class {
        Class::Array { base, .. } => (offset, numbers(base), datatype.size.checked_div(base.size).unwrap_or(0)),
        _ => (offset, numbers(datatype), 1),
    }
}

/// The numbers that an enumeration is of.
fn numbers(datatype: &Datatype) -> &Datatype {
    match &datatype.class {
        Class::Enumeration { base, .. } => base,
        _ => datatype,
    }
}

fn little(datatype: &Datatype) -> Datatype {
    let mut datatype = datatype.clone();
    if let Class::FixedPoint { order, .. } | Class::FloatingPoint { order, .. } = &mut datatype.class {
        *order = ByteOrder::Little;
    }
    datatype
}

/// What was written of it is the value of its bytes as they lie, least first.
fn integer(text: &str, datatype: &Datatype, declared: Option<&Attribute>, is_little: bool) -> Option<Vec<u8>> {
    let bytes = element(text, &little(datatype))?;
    let mut reversed = bytes.clone();
    reversed.reverse();
    if is_little || bytes == reversed {
        return Some(bytes);
    }
    // In the order of the elements, whichever way it was read.
    let declared = whole(declared?)?;
    let declared = element(&declared, datatype)?;
    (declared == bytes || declared == reversed).then_some(declared)
}

fn whole(attribute: &Attribute) -> Option<String> {
    match attribute.values.as_deref() {
        Ok([Value::Signed(n)]) => Some(n.to_string()),
        Ok([Value::Unsigned(n)]) => Some(n.to_string()),
        _ => None,
    }
}

fn float(text: &str, datatype: &Datatype, declared: Option<&Attribute>, is_little: bool) -> Option<Vec<u8>> {
    let value = real(text, datatype.size)?;
    // Of the digits those that count: zeros at the front do not.
    let mantissa = text.trim().split(['e', 'E']).next().unwrap_or(text).trim_start_matches(['-', '+', '0', '.']);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    // So many digits tell every number of the type from the others.
    let enough = if datatype.size == 4 { 9 } else { 17 };
    let zero = value.to_bits() == 0;
    // A number that is too large for its type is none, though it reads as infinity.
    let is_word = !value.is_finite() && !text.contains(|c: char| c.is_ascii_digit());
    if zero || (is_little && (is_word || value == 0.0 || (value.is_finite() && digits >= enough))) {
        return bytes(value, datatype);
    }
    let declared = match declared?.values.as_deref() {
        Ok([Value::Float(x)]) if datatype == &typed(datatype, declared?)? => *x,
        _ => return None,
    };
    let element = bytes(declared, datatype)?;
    let reversed: Vec<u8> = element.iter().rev().copied().collect();
    let is_written = |element: &[u8]| written(element).is_some_and(|written| written == text.trim());
    // Of the other order the one or the other, by who wrote the sidecar.
    (is_written(&element) || (!is_little && is_written(&reversed))).then_some(element)
}

/// A number's bytes, least first, as Hyrax writes the number.
fn written(element: &[u8]) -> Option<String> {
    let single = || <[u8; 4]>::try_from(element).ok().map(|bytes| f32::from_le_bytes(bytes).into());
    let double = || <[u8; 8]>::try_from(element).ok().map(f64::from_le_bytes);
    single().or_else(double).map(rounded)
}

/// The type of an attribute in the order of another type.
fn typed(datatype: &Datatype, attribute: &Attribute) -> Option<Datatype> {
    let Class::FloatingPoint { order: wanted, .. } = &datatype.class else { return None };
    let mut typed = attribute.datatype.clone();
    let Class::FloatingPoint { order, .. } = &mut typed.class else { return None };
    *order = *wanted;
    Some(typed)
}

/// A number's bytes, in the order of the type.
fn bytes(value: f64, datatype: &Datatype) -> Option<Vec<u8>> {
    let Class::FloatingPoint { order, .. } = &datatype.class else { return None };
    let mut bytes = match datatype.size {
        #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the value is one of 32 bits")]
        4 => (value as f32).to_le_bytes().to_vec(),
        _ => value.to_le_bytes().to_vec(),
    };
    if *order == ByteOrder::Big {
        bytes.reverse();
    }
    Some(bytes)
}

/// A number of six digits as C++ writes it to a stream: `%g`.
fn rounded(value: f64) -> String {
    if value.is_nan() {
        return if value.is_sign_negative() { "-nan" } else { "nan" }.to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:.5e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let short = |digits: &str| {
        if digits.contains('.') {
            digits.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            digits.to_owned()
        }
    };
    if (-4..6).contains(&exponent) {
        let decimals = usize::try_from(5_i32.saturating_sub(exponent)).unwrap_or(0);
        return short(&format!("{value:.decimals$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", short(mantissa), exponent.unsigned_abs())
}

/// A text; what follows its end is not written.
fn string(text: &str, datatype: &Datatype, kind: Text) -> Option<Vec<u8>> {
    let size = usize::try_from(datatype.size).ok()?;
    let ends = kind.padding == Padding::NullTerminated;
    if !text.is_ascii()
        || text.len() > size
        || text.starts_with("unsupported-")
        || (!ends && text.len() < size && size > 1)
    {
        return None;
    }
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(size, 0);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::datatype::numeric;
    use super::*;
    use crate::file::{Dataspace, Extent, Member};

    fn told(kind: &str, order: ByteOrder, text: &str) -> Option<Vec<u8>> {
        let datatype = numeric(kind, order).unwrap();
        match fill(Some(text), &datatype, None, Some(order)) {
            Ok(FillValue::Value(bytes)) => Some(bytes),
            _ => None,
        }
    }

    #[test]
    fn integers_are_known_in_the_order_of_the_machine() {
        assert_eq!(told("Int32", ByteOrder::Little, "-99"), Some((-99_i32).to_le_bytes().to_vec()));
        assert_eq!(told("Int8", ByteOrder::Big, "-127"), Some(vec![0x81]));
        assert_eq!(told("UInt16", ByteOrder::Big, "257"), Some(vec![1, 1]));
        assert_eq!(told("Int32", ByteOrder::Big, "-99"), None);
        assert_eq!(told("UInt8", ByteOrder::Little, "256"), None);
        assert_eq!(told("Int16", ByteOrder::Little, "unsupported-type"), None);
    }

    #[test]
    fn integers_of_no_order_are_known_where_both_are_the_same() {
        let told = |text| fill(Some(text), &numeric("Int16", ByteOrder::Little).unwrap(), None, None);
        assert_eq!(told("-1"), Ok(FillValue::Value(vec![255, 255])));
        let untold = "the byte order of 7, the value of chunks that were never written (--byte-order says it)";
        assert_eq!(told("7"), Err(untold.to_owned()));
    }

    #[test]
    fn a_fill_value_is_served_as_it_is_written() {
        let little = ByteOrder::Little;
        let single = numeric("Float32", little).unwrap();
        let pair = super::super::datatype::array(numeric("Int16", little).unwrap(), &[2], 2).unwrap();
        let member = |offset, datatype| Member { name: String::new(), offset, datatype };
        let members = vec![member(0, single.clone()), member(8, pair)];
        let structure = Datatype { size: 12, class: Class::Compound(members) };
        let all = [&(-9999.9_f32).to_le_bytes()[..], &[0; 4], &[1, 0, 2, 0]].concat();
        assert_eq!(served(Some("-9999.9 1 2"), &structure, Some(little)), Some(FillValue::Value(all)));
        for wrong in ["-9999.9 1", "-9999.9 1 2 3", "-9999.9 1 99999", "x 1 2", ""] {
            assert_eq!(served(Some(wrong), &structure, Some(little)), None, "{wrong}");
        }
        let netcdf = 0x479e_0000_0000_0000_u64.to_le_bytes().to_vec();
        let double = numeric("Float64", little).unwrap();
        assert_eq!(served(Some("9.96921e+36"), &double, Some(little)), Some(FillValue::Value(netcdf)));
        assert_eq!(served(Some("1"), &numeric("Float32", ByteOrder::Big).unwrap(), Some(ByteOrder::Big)), None);
        assert_eq!(served(None, &single, Some(little)), None);
    }

    #[test]
    fn floats_are_known_where_nothing_was_rounded() {
        assert_eq!(told("Float32", ByteOrder::Little, "0"), Some(vec![0; 4]));
        assert_eq!(told("Float32", ByteOrder::Big, "0"), Some(vec![0; 4]));
        assert_eq!(told("Float64", ByteOrder::Little, "inf"), Some(f64::INFINITY.to_le_bytes().to_vec()));
        // -999.9999 is written so too.
        assert_eq!(told("Float32", ByteOrder::Little, "-1000"), None);
        assert_eq!(told("Float32", ByteOrder::Little, "9.96921e+36"), None);
        // 0.0012345670 is written so, and zeros at the front are no digits.
        assert_eq!(told("Float32", ByteOrder::Little, "0.00123457"), None);
        assert_eq!(
            told("Float32", ByteOrder::Little, "-0.000123456789"),
            Some((-0.000_123_456_79_f32).to_le_bytes().to_vec())
        );
        assert_eq!(told("Float32", ByteOrder::Little, "1e+40"), None);
        assert_eq!(told("Float32", ByteOrder::Little, "9.96920997e+36"), Some(9.969_21e36_f32.to_le_bytes().to_vec()));
        assert_eq!(told("Float64", ByteOrder::Little, "9.96920997e+36"), None);
    }

    #[test]
    fn a_declared_number_that_is_written_so_is_the_fill_value() {
        let datatype = numeric("Float32", ByteOrder::Little).unwrap();
        let declared = |value: f32| Attribute {
            name: "_FillValue".to_owned(),
            name_is_utf8: true,
            datatype: datatype.clone(),
            dataspace: Dataspace { extent: Extent::Scalar, dimensions: Vec::new(), maximum: Vec::new() },
            values: Ok(vec![Value::Float(value.into())]),
        };
        let told = |value| fill(Some("-9999.9"), &datatype, Some(&declared(value)), Some(ByteOrder::Little)).ok();
        assert_eq!(told(-9999.9), Some(FillValue::Value((-9999.9_f32).to_le_bytes().to_vec())));
        assert_eq!(told(-9999.8), None);
    }

    /// By `std::ostringstream` of GCC 12.
    #[test]
    fn numbers_are_written_as_streams_write_them() {
        let written = [
            (0.0, "0"),
            (-9999.9, "-9999.9"),
            (-999.9999, "-1000"),
            (999_999.5, "1e+06"),
            (123_456.0, "123456"),
            (0.0001, "0.0001"),
            (0.000_012_345_67, "1.23457e-05"),
            (9.969_209_968_386_869e36, "9.96921e+36"),
            (1e300, "1e+300"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in written {
            assert_eq!(rounded(value), text);
        }
    }
}
