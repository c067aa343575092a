//! Types of DAP4 as those of HDF5.

use super::document::{Enumeration, Variable};
use super::malformed;
use super::number::{number, numbers};
use crate::error::{Error, Problem, Unsupported};
use crate::field::convert::wide;
use crate::file::{ByteOrder, Charset, Class, Datatype, Member, Padding, Text};

/// Members of one structure.
const MOST_MEMBERS: usize = 4_096;

/// A number by the name that DAP4 has for its type.
pub(crate) fn numeric(kind: &str, order: ByteOrder) -> Option<Datatype> {
    let (signed, size) = match kind {
        "Byte" | "UInt8" | "Char" => (false, 1),
        "Int8" => (true, 1),
        "UInt16" => (false, 2),
        "Int16" => (true, 2),
        "UInt32" => (false, 4),
        "Int32" => (true, 4),
        "UInt64" => (false, 8),
        "Int64" => (true, 8),
        "Float32" => return Datatype::float(order, 4),
        "Float64" => return Datatype::float(order, 8),
        _ => return None,
    };
    Some(Datatype::integer(order, signed, size))
}

/// Texts of so many bytes. What fills the rest is not told of all; what is behind a NUL may be anything then.
pub(crate) fn string(size: u64, pad: Option<&str>) -> Result<Datatype, Error> {
    let padding = match pad {
        None | Some("null_term" | "not_set") => Padding::NullTerminated,
        Some("space_pad") => Padding::SpacePadded,
        Some("null_pad") => Padding::NullPadded,
        Some(other) => return Err(Unsupported::NotTold(format!("what the padding {other} of texts is")).into()),
    };
    let size = u32::try_from(size).ok().filter(|size| *size > 0);
    let size = size.ok_or(Unsupported::Feature("texts of no bytes or of more than 2^32"))?;
    Ok(Datatype { size, class: Class::String(Text { padding, charset: Charset::Ascii }) })
}

/// Texts of any length.
pub(crate) fn strings() -> Datatype {
    let text = Text { padding: Padding::NullTerminated, charset: Charset::Utf8 };
    Datatype { size: 16, class: Class::VariableString(text) }
}

/// An enumeration.
pub(crate) fn enumeration(declared: &Enumeration, order: ByteOrder, at: u64) -> Result<Datatype, Error> {
    let wrong = || malformed(at, Problem::Number("value of a member of the enumeration"));
    let base = numeric(&declared.base, order);
    let base = base.filter(|base| matches!(base.class, Class::FixedPoint { .. })).ok_or_else(wrong)?;
    let member = |(name, value): &(String, String)| Some((name.clone(), element(value, &base)?));
    let members: Option<Vec<(String, Vec<u8>)>> = declared.members.iter().map(member).collect();
    let members = members.ok_or_else(wrong)?;
    Ok(Datatype { size: base.size, class: Class::Enumeration { base: Box::new(base), members } })
}

/// An integer's bytes.
pub(crate) fn element(text: &str, datatype: &Datatype) -> Option<Vec<u8>> {
    let Class::FixedPoint { order, signed, bits } = &datatype.class else { return None };
    let value: i128 = text.trim().parse().ok()?;
    let end = 1_i128.checked_shl(u32::from(bits.precision).checked_sub(u32::from(*signed))?)?;
    let start = if *signed { end.checked_neg()? } else { 0 };
    (start..end).contains(&value).then_some(())?;
    let mut bytes = value.to_le_bytes().to_vec();
    bytes.truncate(usize::try_from(datatype.size).ok()?);
    if *order == ByteOrder::Big {
        bytes.reverse();
    }
    Some(bytes)
}

/// A structure of numbers, its members where `ends` says; members lie one after another where it says nothing.
pub(crate) fn structure(variable: &Variable, ends: Option<&str>, order: ByteOrder) -> Result<Datatype, Error> {
    let wrong = |name| malformed(variable.at, Problem::Number(name));
    let types = members(variable, |member| self::member(member, order))?;
    let told = match ends {
        None => None,
        Some(ends) => {
            let ends = numbers(ends, MOST_MEMBERS).filter(|ends| ends.len() == types.len());
            Some(ends.ok_or_else(|| wrong("structOffset"))?)
        }
    };
    let (mut members, mut offset) = (Vec::with_capacity(types.len()), 0_u32);
    for (n, (member, datatype)) in variable.members.iter().zip(types).enumerate() {
        let packed = offset.checked_add(datatype.size).ok_or_else(|| wrong("structOffset"))?;
        let end = match told.as_ref().and_then(|ends| ends.get(n)) {
            Some(end) => u32::try_from(*end).ok().filter(|end| *end >= packed).ok_or_else(|| wrong("structOffset"))?,
            None => packed,
        };
        members.push(Member { name: member.name.clone(), offset, datatype });
        offset = end;
    }
    Ok(Datatype { size: offset, class: Class::Compound(members) })
}

/// What each member of a structure is.
pub(crate) fn members<T>(variable: &Variable, kind: impl Fn(&Variable) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    if variable.members.is_empty() || variable.members.len() > MOST_MEMBERS {
        return Err(malformed(variable.at, Problem::Number("number of members")));
    }
    variable.members.iter().map(kind).collect()
}

/// The type of a member of a structure: a number, or an array of them.
pub(crate) fn member(member: &Variable, order: ByteOrder) -> Result<Datatype, Error> {
    let base = numeric(&member.kind, order).ok_or_else(|| unknown(member))?;
    let (dimensions, count) = dimensions(member)?;
    Ok(array(base, &dimensions, count).ok_or_else(|| unknown(member))?)
}

fn unknown(member: &Variable) -> Unsupported {
    Unsupported::NotTold(format!("how the member {} of type {} is stored", member.name, member.kind))
}

/// The dimensions of a member of a structure, and how many elements it has: at least one.
pub(crate) fn dimensions(member: &Variable) -> Result<(Vec<u32>, u32), Error> {
    if let Some(error) = &member.wrong {
        return Err(error.clone());
    }
    let size = |dim: &super::document::Dim| u32::try_from(number(dim.size.as_deref()?)?).ok().filter(|size| *size > 0);
    let dimensions: Option<Vec<u32>> = member.dims.iter().map(size).collect();
    let dimensions = dimensions.ok_or_else(|| unknown(member))?;
    let count = dimensions.iter().try_fold(1_u32, |n, size| n.checked_mul(*size)).ok_or_else(|| unknown(member))?;
    Ok((dimensions, count))
}

/// An array of a type; one without dimensions is the type.
pub(crate) fn array(base: Datatype, dimensions: &[u32], count: u32) -> Option<Datatype> {
    if dimensions.is_empty() {
        return Some(base);
    }
    let size = count.checked_mul(base.size)?;
    Some(Datatype { size, class: Class::Array { dimensions: dimensions.to_vec(), base: Box::new(base) } })
}

/// Bytes of all elements, if they fit in 64 bits.
pub(crate) fn bytes_of(shape: &[u64], datatype: &Datatype) -> Option<u64> {
    shape.iter().try_fold(u64::from(datatype.size), |n, size| n.checked_mul(*size))
}

/// Whether two orders of bytes are two different types.
pub(crate) fn has_order(datatype: &Datatype) -> bool {
    match &datatype.class {
        Class::String(_) | Class::VariableString(_) => false,
        Class::Compound(members) => members.iter().any(|member| has_order(&member.datatype)),
        Class::Array { base, .. } => has_order(base),
        _ => wide(usize::try_from(datatype.size).unwrap_or(usize::MAX)) > 1,
    }
}
