//! HDF5 datatypes as Zarr types.

use std::collections::BTreeSet;

use super::fields::{complex, complex_of, leaves, sign};
use crate::error::Unsupported;
use crate::file::{Bits, ByteOrder, Class, Datatype};
use crate::zarr::{Dtype, Field};

/// A datatype as Zarr has it: a type, and the dimensions that an array type adds to the dataset's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) dtype: Dtype,
    pub(crate) dimensions: Vec<u64>,
}

/// The Zarr type whose elements have the same bytes.
pub(crate) fn element(datatype: &Datatype) -> Result<Element, Unsupported> {
    let (base, dimensions) = datatype.without_arrays();
    let dtype = match (&base.class, plain(base)) {
        (_, Ok(dtype)) => Dtype::Simple(dtype),
        (Class::Compound(_), Err(_)) => Dtype::Structured(fields(base)?),
        (_, Err(refusal)) => return Err(refusal),
    };
    Ok(Element { dtype, dimensions })
}

/// A type without fields, or the compound that stands for a complex number.
pub(crate) fn plain(datatype: &Datatype) -> Result<String, Unsupported> {
    match &datatype.class {
        Class::Compound(members) => complex(datatype, members).ok_or_else(|| Unsupported::Datatype(datatype.name())),
        _ => simple(datatype),
    }
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

/// The NumPy type that h5py keeps in an opaque type's tag: `NUMPY:<M8[s]`. A type that NumPy has not would cost readers the whole set.
fn numpy(tag: &str, size: u32) -> Option<String> {
    let dtype = tag.strip_prefix("NUMPY:")?;
    let (order, kind) = (dtype.get(..1)?, dtype.get(1..2)?);
    let fits = match kind {
        "M" | "m" => {
            let unit = dtype.get(2..)?.strip_prefix("8[")?.strip_suffix(']')?;
            size == 8 && matches!(order, "<" | ">") && is_unit(unit)
        }
        "S" => order == "|" && dtype.get(2..)? == size.to_string(),
        _ => false,
    };
    fits.then(|| dtype.to_owned())
}

/// Whether a text is a unit of time as NumPy has it: `s`, or a number of them, `10ms`.
fn is_unit(text: &str) -> bool {
    const UNITS: [&str; 13] = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"];
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let count = text.strip_suffix(unit).unwrap_or_default();
    let is_count = count.is_empty() || count.parse::<i32>().is_ok_and(|count| count > 0);
    is_count && UNITS.contains(&unit)
}

/// Whether every bit of the element carries the value.
fn full(bits: Bits, size: u32) -> bool {
    bits.offset == 0 && u64::from(bits.precision) == u64::from(size) * 8
}

/// The fields of a compound in the order in which they lie, with what lies between them as fields of their own.
fn fields(datatype: &Datatype) -> Result<Vec<Field>, Unsupported> {
    let (mut fields, mut end) = (Vec::new(), 0_u32);
    for leaf in leaves(datatype)? {
        fields.extend(padding(leaf.offset.saturating_sub(end), end));
        end = leaf.end();
        let dtype = plain(leaf.datatype).map_err(|_| Unsupported::Datatype(datatype.name()))?;
        fields.push(Field(leaf.name, dtype));
    }
    fields.extend(padding(datatype.size.saturating_sub(end), end));
    let names: BTreeSet<&str> = fields.iter().map(|field| field.0.as_str()).collect();
    if names.len() == fields.len() { Ok(fields) } else { Err(Unsupported::Datatype(datatype.name())) }
}

/// A field for the bytes that no member covers.
fn padding(gap: u32, at: u32) -> Option<Field> {
    (gap > 0).then(|| Field(format!("__padding_{at}"), format!("|V{gap}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::proofs::float_type;
    use crate::file::{Charset, Member, Padding, Reference, Text};

    fn integer(order: ByteOrder, signed: bool, size: u32) -> Datatype {
        let bits = Bits { offset: 0, precision: u16::try_from(size * 8).unwrap() };
        Datatype { size, class: Class::FixedPoint { order, signed, bits } }
    }

    fn byte() -> Datatype {
        integer(ByteOrder::Little, true, 1)
    }

    fn float(order: ByteOrder, size: u32, exponent_size: u8, bias: u32) -> Datatype {
        float_type(order, size, exponent_size, u8::try_from(size * 8).unwrap() - 1 - exponent_size, bias)
    }

    fn single() -> Datatype {
        float(ByteOrder::Little, 4, 8, 127)
    }

    fn of(size: u32, class: Class) -> Datatype {
        Datatype { size, class }
    }

    fn opaque(tag: &str, size: u32) -> Datatype {
        of(size, Class::Opaque { tag: tag.to_owned() })
    }

    fn text(padding: Padding) -> Text {
        Text { padding, charset: Charset::Ascii }
    }

    fn enumeration(base: Datatype, members: &[(&str, u8)]) -> Datatype {
        let members = members.iter().map(|(name, value)| ((*name).to_owned(), vec![*value])).collect();
        of(base.size, Class::Enumeration { base: Box::new(base), members })
    }

    fn compound(size: u32, members: &[(&str, u32, Datatype)]) -> Datatype {
        let member = |(name, offset, datatype): &(&str, u32, Datatype)| Member {
            name: (*name).to_owned(),
            offset: *offset,
            datatype: datatype.clone(),
        };
        of(size, Class::Compound(members.iter().map(member).collect()))
    }

    /// The type as `.zarray` has it, or why there is none.
    fn told(datatype: &Datatype) -> String {
        match element(datatype) {
            Ok(element) => serde_json::to_string(&element.dtype).unwrap(),
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    fn numbers_have_their_order_kind_and_size() {
        let types = [
            (byte(), "\"|i1\""),
            (integer(ByteOrder::Big, false, 1), "\"|u1\""),
            (integer(ByteOrder::Little, true, 2), "\"<i2\""),
            (integer(ByteOrder::Big, false, 4), "\">u4\""),
            (integer(ByteOrder::Little, false, 8), "\"<u8\""),
            (float(ByteOrder::Little, 2, 5, 15), "\"<f2\""),
            (single(), "\"<f4\""),
            (float(ByteOrder::Big, 8, 11, 1_023), "\">f8\""),
            (of(2, Class::BitField { order: ByteOrder::Big, bits: Bits { offset: 0, precision: 16 } }), "\">u2\""),
        ];
        for (datatype, dtype) in types {
            assert_eq!(told(&datatype), dtype);
        }
    }

    #[test]
    fn booleans_enumerations_texts_and_opaque_bytes_have_a_type() {
        let types = [
            (enumeration(byte(), &[("FALSE", 0), ("TRUE", 1)]), "\"|b1\""),
            (enumeration(byte(), &[("clear", 0), ("TRUE", 1)]), "\"|i1\""),
            (of(5, Class::String(text(Padding::SpacePadded))), "\"|S5\""),
            (opaque("", 5), "\"|V5\""),
            (opaque("NUMPY:<M8[s]", 8), "\"<M8[s]\""),
            (opaque("NUMPY:>m8[10ms]", 8), "\">m8[10ms]\""),
            (opaque("NUMPY:|S3", 3), "\"|S3\""),
            // A tag that does not fit the bytes is only a tag.
            (opaque("NUMPY:<M8[s]", 4), "\"|V4\""),
            (opaque("NUMPY:|S3", 4), "\"|V4\""),
            (opaque("NUMPY:|O", 8), "\"|V8\""),
            (opaque("NUMPY:<M8[x]", 8), "\"|V8\""),
            (opaque("NUMPY:<M8[0s]", 8), "\"|V8\""),
            (opaque("NUMPY:<M8[99999999999s]", 8), "\"|V8\""),
            (opaque("NUMPY:?m8[s]", 8), "\"|V8\""),
            (opaque("NUMPY:<S3", 3), "\"|V3\""),
        ];
        for (datatype, dtype) in types {
            assert_eq!(told(&datatype), dtype);
        }
    }

    #[test]
    fn types_whose_bytes_no_numpy_type_has_are_refused_by_name() {
        let twelve_bits = Bits { offset: 4, precision: 12 };
        let signed = |bits| Class::FixedPoint { order: ByteOrder::Little, signed: true, bits };
        let types = [
            (of(2, signed(twelve_bits)), "int16 of precision 12 at bit 4"),
            (of(3, signed(Bits { offset: 0, precision: 24 })), "int24"),
            (of(1, Class::BitField { order: ByteOrder::Little, bits: twelve_bits }), "bit field of 1 bytes"),
            (float(ByteOrder::Little, 2, 8, 127), "float of 8 exponent and 7 mantissa bits in 2 bytes"),
            (float(ByteOrder::Vax, 4, 8, 127), "VAX float32"),
            (of(4, Class::Time { order: ByteOrder::Little, precision: 32 }), "time"),
            (of(8, Class::Reference(Reference::Object)), "object reference"),
            (of(12, Class::Reference(Reference::Region)), "region reference"),
            (of(16, Class::Sequence(Box::new(byte()))), "variable-length sequence of int8"),
            (of(16, Class::VariableString(text(Padding::NullTerminated))), "variable-length string"),
            (enumeration(of(3, signed(Bits { offset: 0, precision: 24 })), &[]), "enumeration of int24"),
            (of(4, Class::Complex(Box::new(float(ByteOrder::Little, 2, 5, 15)))), "complex of float16"),
        ];
        for (datatype, name) in types {
            assert_eq!(told(&datatype), format!("datatype {name} has no Zarr v2 form"));
        }
    }

    #[test]
    fn complex_numbers_are_native_or_named_as_h5py_names_them() {
        let double = || float(ByteOrder::Big, 8, 11, 1_023);
        assert_eq!(told(&of(8, Class::Complex(Box::new(single())))), "\"<c8\"");
        assert_eq!(told(&compound(16, &[("r", 0, double()), ("i", 8, double())])), "\">c16\"");
        assert_eq!(
            told(&compound(8, &[("real", 0, single()), ("imag", 4, single())])),
            r#"[["real","<f4"],["imag","<f4"]]"#
        );
        assert_eq!(told(&compound(12, &[("r", 0, single()), ("i", 8, single())])).matches("padding").count(), 1);
    }

    #[test]
    fn bytes_between_the_fields_of_a_compound_are_fields() {
        let padded = compound(12, &[("b", 4, single()), ("a", 0, byte())]);
        assert_eq!(told(&padded), r#"[["a","|i1"],["__padding_1","|V3"],["b","<f4"],["__padding_8","|V4"]]"#);
        let of_complex =
            compound(9, &[("c", 1, compound(8, &[("r", 0, single()), ("i", 4, single())])), ("a", 0, byte())]);
        assert_eq!(told(&of_complex), r#"[["a","|i1"],["c","<c8"]]"#);
    }

    #[test]
    fn compounds_whose_bytes_no_fields_have_are_refused() {
        let overlapping = compound(4, &[("x", 0, single()), ("y", 2, byte())]);
        assert_eq!(told(&overlapping), "datatype compound {x: float32, y: int8} has no Zarr v2 form");
        let named_as_padding = compound(3, &[("__padding_1", 0, byte()), ("b", 2, byte())]);
        assert!(told(&named_as_padding).ends_with("has no Zarr v2 form"));
        let text = of(16, Class::VariableString(text(Padding::NullTerminated)));
        assert_eq!(
            told(&compound(16, &[("x", 0, text)])),
            "datatype compound {x: variable-length string} has no Zarr v2 form"
        );
    }

    #[test]
    fn an_arrays_dimensions_are_the_datasets() {
        let inner = of(6, Class::Array { dimensions: vec![3], base: Box::new(integer(ByteOrder::Little, true, 2)) });
        let outer = of(24, Class::Array { dimensions: vec![2, 2], base: Box::new(inner) });
        let expected = Element { dtype: Dtype::Simple("<i2".to_owned()), dimensions: vec![2, 2, 3] };
        assert_eq!(element(&outer), Ok(expected));
    }

    /// `r` and `i`, and bytes after them where there is room.
    fn pair(size: u32) -> Datatype {
        compound(size, &[("r", 0, single()), ("i", 4, single())])
    }

    #[test]
    fn a_complex_number_with_padding_is_a_record() {
        assert_eq!(element(&pair(8)).unwrap().dtype, Dtype::Simple("<c8".to_owned()));
        let fields = [("r", "<f4"), ("i", "<f4"), ("__padding_8", "|V8")];
        let fields = fields.map(|(name, dtype)| Field(name.to_owned(), dtype.to_owned()));
        assert_eq!(element(&pair(16)).unwrap().dtype, Dtype::Structured(fields.into()));
    }
}
