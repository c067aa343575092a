//! Attributes, their values from text by the type that is declared.

use super::datatype::{element, numeric, strings};
use super::document;
use crate::error::{Error, LimitError, Unsupported};
use crate::field::convert::wide;
use crate::file::{Attribute, ByteOrder, Class, Dataspace, Datatype, Extent, Value, decode};
use crate::limits::{Limits, check};

/// What Hyrax adds: how the sidecar was made, where a variable was before names were changed, and checksums.
const ADDED: [&str; 2] = ["build_dmrpp_metadata", "DAP4_Checksum_CRC32"];

/// Whether an attribute is none of the file's.
pub(crate) fn is_added(attribute: &document::Attribute) -> bool {
    ADDED.contains(&attribute.name.as_str())
}

/// An attribute as that of a file. Its shape is not told: several values are one dimension of them.
pub(crate) fn attribute(declared: &document::Attribute, limits: &Limits) -> Attribute {
    let little = ByteOrder::Little;
    let is_text = matches!(declared.kind.as_str(), "String" | "URL");
    let datatype = if is_text { Some(strings()) } else { numeric(&declared.kind, little) };
    let values = match &datatype {
        None => Err(Unsupported::NotTold(format!("the value of an attribute of type {}", declared.kind)).into()),
        Some(datatype) => values(declared, datatype, limits),
    };
    let count = wide(declared.values.len());
    let dataspace = match count {
        1 => Dataspace { extent: Extent::Scalar, dimensions: Vec::new(), maximum: Vec::new() },
        _ => Dataspace { extent: Extent::Simple, dimensions: vec![count], maximum: vec![Some(count)] },
    };
    Attribute {
        name: declared.name.clone(),
        name_is_utf8: true,
        datatype: datatype.unwrap_or_else(strings),
        dataspace,
        values,
    }
}

fn values(declared: &document::Attribute, datatype: &Datatype, limits: &Limits) -> Result<Vec<Value>, Error> {
    let bytes = declared.values.iter().fold(0_u64, |sum, text| sum.saturating_add(wide(text.len())));
    let fits: Result<(), LimitError> = check("attribute_bytes", bytes, limits.attribute_bytes);
    fits?;
    let wrong = || Unsupported::NotTold(format!("a value of the type {}", declared.kind));
    let value = |text: &String| match &datatype.class {
        Class::VariableString(_) => Some(Value::Text(text.clone())),
        Class::FloatingPoint { .. } => real(text, datatype.size).map(Value::Float),
        _ => decode(datatype, &element(text, datatype)?),
    };
    declared.values.iter().map(|text| value(text).ok_or_else(|| wrong().into())).collect()
}

/// A number of 32 or 64 bits, as the nearest of its decimal.
pub(crate) fn real(text: &str, size: u32) -> Option<f64> {
    let text = text.trim();
    if size == 4 { text.parse::<f32>().ok().map(f64::from) } else { text.parse().ok() }
}

/// Whether text has what Hyrax puts in the place of characters that XML has not: a backslash and three octal digits.
pub(crate) fn has_octal(attribute: &Attribute) -> bool {
    let is_octal = |digits: &[u8]| digits.iter().all(|digit| (b'0'..=b'7').contains(digit));
    let in_text = |text: &str| {
        text.as_bytes()
            .windows(4)
            .any(|four| four.split_first().is_some_and(|(first, rest)| *first == b'\\' && is_octal(rest)))
    };
    attribute.values.iter().flatten().any(|value| matches!(value, Value::Text(text) if in_text(text)))
}
