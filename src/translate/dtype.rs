//! HDF5 datatypes as Zarr types.

use crate::error::Unsupported;
use crate::file::{Bits, ByteOrder, Class, Datatype, Member};
use crate::zarr::{Dtype, Field};

/// A datatype as Zarr has it: a type, and the dimensions that an array type adds to the dataset's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) dtype: Dtype,
    pub(crate) dimensions: Vec<u64>,
}

/// The Zarr type whose elements have the same bytes.
pub(crate) fn element(datatype: &Datatype) -> Result<Element, Unsupported> {
    if let Class::Array { dimensions, base } = &datatype.class {
        let mut element = element(base)?;
        let dimensions = dimensions.iter().copied().map(u64::from);
        element.dimensions = dimensions.chain(element.dimensions).collect();
        return Ok(element);
    }
    let dtype = match &datatype.class {
        Class::Compound(members) => match complex(datatype, members) {
            Some(dtype) => Dtype::Simple(dtype),
            None => Dtype::Structured(fields(datatype, members)?),
        },
        _ => Dtype::Simple(simple(datatype)?),
    };
    Ok(Element { dtype, dimensions: Vec::new() })
}

/// A type without fields.
fn simple(datatype: &Datatype) -> Result<String, Unsupported> {
    let size = datatype.size;
    let refused = || Unsupported::Datatype(datatype.name());
    match &datatype.class {
        Class::FixedPoint { order, signed, bits } if full(*bits, size) && matches!(size, 1 | 2 | 4 | 8) => {
            Ok(format!("{}{}{size}", sign(*order, size), if *signed { 'i' } else { 'u' }))
        }
        Class::BitField { order, bits } if full(*bits, size) && matches!(size, 1 | 2 | 4 | 8) => {
            Ok(format!("{}u{size}", sign(*order, size)))
        }
        Class::FloatingPoint { order: order @ (ByteOrder::Little | ByteOrder::Big), format, .. }
            if format.is_ieee(size) =>
        {
            Ok(format!("{}f{size}", sign(*order, size)))
        }
        Class::String(_) => Ok(format!("|S{size}")),
        Class::Opaque { tag } => Ok(numpy(tag, size).unwrap_or_else(|| format!("|V{size}"))),
        Class::Enumeration { .. } if datatype.is_boolean() => Ok("|b1".to_owned()),
        Class::Enumeration { base, .. } => simple(base).map_err(|_| refused()),
        Class::Complex(base) => complex_of(datatype, base).ok_or_else(refused),
        _ => Err(refused()),
    }
}

/// The NumPy type that h5py keeps in an opaque type's tag: `NUMPY:<M8[s]`.
fn numpy(tag: &str, size: u32) -> Option<String> {
    let dtype = tag.strip_prefix("NUMPY:")?;
    let fits = match dtype.get(1..2)? {
        "M" | "m" => size == 8 && dtype.get(2..4)? == "8[" && dtype.ends_with(']'),
        "S" => dtype.get(2..)? == size.to_string(),
        _ => false,
    };
    fits.then(|| dtype.to_owned())
}

/// Whether every bit of the element carries the value.
fn full(bits: Bits, size: u32) -> bool {
    bits.offset == 0 && u64::from(bits.precision) == u64::from(size) * 8
}

/// NumPy's mark of the byte order.
fn sign(order: ByteOrder, size: u32) -> char {
    match order {
        _ if size == 1 => '|',
        ByteOrder::Little => '<',
        ByteOrder::Big | ByteOrder::Vax => '>',
    }
}

/// A compound of two floats that stands for a complex number, as h5py writes it (`cfg.complex_names`).
fn complex(datatype: &Datatype, members: &[Member]) -> Option<String> {
    let [real, imaginary] = members else { return None };
    // Other pairs of floats are records: h5py, and with it xarray, reads no other names as complex.
    let named = (real.name.as_str(), imaginary.name.as_str()) == ("r", "i");
    let adjacent = real.offset == 0 && imaginary.offset == real.datatype.size;
    (named && adjacent && real.datatype == imaginary.datatype).then(|| complex_of(datatype, &real.datatype))?
}

/// A complex number of two such parts, with nothing after them.
fn complex_of(datatype: &Datatype, part: &Datatype) -> Option<String> {
    match (&part.class, part.size) {
        (Class::FloatingPoint { order, format, .. }, 4 | 8)
            if format.is_ieee(part.size) && datatype.size == part.size * 2 =>
        {
            Some(format!("{}c{}", sign(*order, part.size), part.size * 2))
        }
        _ => None,
    }
}

/// The members in the order in which they lie, with what lies between them as fields of their own: Zarr has no gaps.
fn fields(datatype: &Datatype, members: &[Member]) -> Result<Vec<Field>, Unsupported> {
    let mut ordered: Vec<&Member> = members.iter().collect();
    ordered.sort_by_key(|member| member.offset);
    let (mut fields, mut end) = (Vec::with_capacity(members.len()), 0_u32);
    for member in ordered {
        let gap = member.offset.checked_sub(end).ok_or_else(|| Unsupported::Datatype(datatype.name()))?;
        fields.extend(padding(gap, end));
        let dtype = match &member.datatype.class {
            Class::Compound(parts) => {
                complex(&member.datatype, parts).ok_or_else(|| Unsupported::Datatype(datatype.name()))?
            }
            _ => simple(&member.datatype).map_err(|_| Unsupported::Datatype(datatype.name()))?,
        };
        fields.push(Field(member.name.clone(), dtype));
        end = member.offset.saturating_add(member.datatype.size);
    }
    fields.extend(padding(datatype.size.saturating_sub(end), end));
    Ok(fields)
}

/// A field for the bytes that no member covers.
fn padding(gap: u32, at: u32) -> Option<Field> {
    (gap > 0).then(|| Field(format!("__padding_{at}"), format!("|V{gap}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::FloatFormat;

    fn float() -> Datatype {
        let format = FloatFormat {
            sign: 31,
            exponent_location: 23,
            exponent_size: 8,
            mantissa_location: 0,
            mantissa_size: 23,
            bias: 127,
            normalization: 2,
        };
        let bits = Bits { offset: 0, precision: 32 };
        Datatype { size: 4, class: Class::FloatingPoint { order: ByteOrder::Little, bits, format } }
    }

    fn pair(size: u32) -> Datatype {
        let member = |name: &str, offset| Member { name: name.to_owned(), offset, datatype: float() };
        Datatype { size, class: Class::Compound(vec![member("r", 0), member("i", 4)]) }
    }

    #[test]
    fn a_complex_number_with_padding_is_a_record() {
        assert_eq!(element(&pair(8)).unwrap().dtype, Dtype::Simple("<c8".to_owned()));
        let fields = [("r", "<f4"), ("i", "<f4"), ("__padding_8", "|V8")];
        let fields = fields.map(|(name, dtype)| Field(name.to_owned(), dtype.to_owned()));
        assert_eq!(element(&pair(16)).unwrap().dtype, Dtype::Structured(fields.into()));
    }
}
