//! Elements decoded by their datatype ([IV.A.2.d]).

use byteorder::{BigEndian, ByteOrder as _, LittleEndian};

use super::File;
use crate::error::{Error, Problem, Structure, Unsupported};
use crate::field::convert::{narrow, wide};
use crate::field::sizes::le_uint;
use crate::field::{Address, Span};
use crate::limits::check;
use crate::source::{Halt, join};
use crate::structure;
use crate::structure::global_heap::GlobalHeapId;
use crate::structure::message::datatype::{
    Bits, ByteOrder, Class, Datatype, FloatFormat, Member, Padding, Reference, Text,
};

/// One element of an attribute or dataset.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A signed integer, or an enumeration's.
    Signed(i64),
    /// An unsigned integer or bit field.
    Unsigned(u64),
    /// A floating-point number of at most 64 bits, exactly.
    Float(f64),
    /// An enumeration of FALSE and TRUE, which is how h5py writes booleans.
    Boolean(bool),
    /// Real and imaginary part.
    Complex(f64, f64),
    /// Text, without its padding.
    Text(String),
    /// Text whose bytes are not UTF-8.
    NotUtf8(Vec<u8>),
    /// A number of which 64 bits do not hold every digit, in the bytes of the file; in datasets only.
    Wide(Vec<u8>),
    /// Opaque bytes.
    Opaque(Vec<u8>),
    /// The fields of a compound, in order.
    Compound(Vec<(String, Value)>),
    /// The elements of an array or sequence.
    Sequence(Vec<Value>),
    /// The address of the object that is referenced, relative to the base address; `None` for a null reference.
    Reference(Option<u64>),
    /// The address of the dataset a region of which is referenced; `None` for a null reference.
    Region(Option<u64>),
}

/// What is done about numbers that 64 bits do not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wider {
    Refuse,
    AsStored,
}

impl Datatype {
    /// Whether this is h5py's boolean: an enumeration of FALSE = 0 and TRUE = 1 in one byte.
    pub fn is_boolean(&self) -> bool {
        let Class::Enumeration { members, .. } = &self.class else { return false };
        let mut named: Vec<(&str, &[u8])> =
            members.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        named.sort_unstable();
        named == [("FALSE", &[0_u8][..]), ("TRUE", &[1_u8][..])]
    }

    /// The class in words, for messages.
    pub fn name(&self) -> String {
        match &self.class {
            Class::FixedPoint { signed, bits, .. } => {
                let sign = if *signed { "int" } else { "uint" };
                if u64::from(bits.precision) == u64::from(self.size).saturating_mul(8) {
                    format!("{sign}{}", bits.precision)
                } else {
                    format!(
                        "{sign}{} of precision {} at bit {}",
                        u64::from(self.size).saturating_mul(8),
                        bits.precision,
                        bits.offset
                    )
                }
            }
            Class::FloatingPoint { order, bits, format } => match (order, format) {
                (ByteOrder::Vax, _) => format!("VAX float{}", bits.precision),
                (_, format) if format.is_ieee(self.size) => format!("float{}", bits.precision),
                (_, FloatFormat { exponent_size, mantissa_size, .. }) => {
                    format!(
                        "float of {exponent_size} exponent and {mantissa_size} mantissa bits in {} bytes",
                        self.size
                    )
                }
            },
            Class::Time { .. } => "time".to_owned(),
            Class::String(_) => format!("string of {} bytes", self.size),
            Class::BitField { .. } => format!("bit field of {} bytes", self.size),
            Class::Opaque { tag } => format!("opaque of {} bytes \"{tag}\"", self.size),
            Class::Compound(members) => {
                let members: Vec<_> =
                    members.iter().map(|member| format!("{}: {}", member.name, member.datatype.name())).collect();
                format!("compound {{{}}}", members.join(", "))
            }
            Class::Reference(Reference::Object) => "object reference".to_owned(),
            Class::Reference(Reference::Region) => "region reference".to_owned(),
            Class::Reference(Reference::Standard) => "standard reference".to_owned(),
            Class::Enumeration { base, .. } if self.is_boolean() => format!("boolean ({})", base.name()),
            Class::Enumeration { base, .. } => format!("enumeration of {}", base.name()),
            Class::Sequence(base) => format!("variable-length sequence of {}", base.name()),
            Class::VariableString(_) => "variable-length string".to_owned(),
            Class::Array { dimensions, base } => format!("array {dimensions:?} of {}", base.name()),
            Class::Complex(base) => format!("complex of {}", base.name()),
        }
    }
}

impl Datatype {
    /// Integers of so many bytes, all of whose bits count.
    pub(crate) fn integer(order: ByteOrder, signed: bool, size: u8) -> Self {
        let bits = Bits { offset: 0, precision: u16::from(size).saturating_mul(8) };
        Self { size: size.into(), class: Class::FixedPoint { order, signed, bits } }
    }

    /// IEEE's floats of so many bytes: 2, 4 or 8.
    pub(crate) fn float(order: ByteOrder, size: u8) -> Option<Self> {
        let (bits, format) =
            (Bits { offset: 0, precision: u16::from(size).saturating_mul(8) }, FloatFormat::ieee(size.into())?);
        Some(Self { size: size.into(), class: Class::FloatingPoint { order, bits, format } })
    }
}

impl FloatFormat {
    /// The fields of IEEE 754 binary16, 32 or 64.
    pub(crate) fn ieee(size: u32) -> Option<Self> {
        let of = |sign, exponent_size, mantissa_size, bias| Self {
            sign,
            exponent_location: mantissa_size,
            exponent_size,
            mantissa_location: 0,
            mantissa_size,
            bias,
            normalization: 2,
        };
        match size {
            2 => Some(of(15, 5, 10, 15)),
            4 => Some(of(31, 8, 23, 127)),
            8 => Some(of(63, 11, 52, 1023)),
            _ => None,
        }
    }

    /// Whether these are the fields of IEEE 754 binary16, 32 or 64.
    pub(crate) fn is_ieee(&self, size: u32) -> bool {
        Self::ieee(size).as_ref() == Some(self)
    }

    /// The number that `bits` stand for, if a double holds it exactly.
    fn exact(&self, bits: u64) -> Option<f64> {
        if self.mantissa_size > 52 || self.exponent_size > 11 || self.normalization != 2 {
            return None;
        }
        let field = |location: u8, size: u8| mask(bits.checked_shr(location.into()).unwrap_or(0), size.into());
        let (exponent, mantissa) =
            (field(self.exponent_location, self.exponent_size), field(self.mantissa_location, self.mantissa_size));
        let negative = field(self.sign, 1) == 1;
        let top = mask(u64::MAX, self.exponent_size.into());
        let fraction = float(mantissa) * 2_f64.powi(0_i32.saturating_sub(self.mantissa_size.into()));
        let power = |n: u64| {
            let exponent = i64::try_from(n).ok()?.saturating_sub(self.bias.into());
            let exponent = i32::try_from(exponent).ok()?;
            // Those of normal doubles: 2 to any other power would come out as zero or infinity, or lose digits of the fraction.
            (-1022..=1023).contains(&exponent).then(|| 2_f64.powi(exponent))
        };
        let magnitude = if exponent == top {
            if mantissa == 0 { f64::INFINITY } else { f64::NAN }
        } else if exponent == 0 && mantissa == 0 {
            0.0
        } else if exponent == 0 {
            fraction * power(1)?
        } else {
            (1.0 + fraction) * power(exponent)?
        };
        Some(if negative { -magnitude } else { magnitude })
    }
}

/// A whole number below 2^53 as a float.
fn float(n: u64) -> f64 {
    let (high, low) = (u32::try_from(n >> 32).unwrap_or(u32::MAX), u32::try_from(n & 0xffff_ffff).unwrap_or(0));
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

/// The lowest `size` bits.
fn mask(bits: u64, size: u32) -> u64 {
    bits & u64::MAX.checked_shr(64_u32.saturating_sub(size)).unwrap_or(0)
}

/// The element's bytes as a number of at most 64 bits.
fn raw(order: ByteOrder, element: &[u8]) -> Option<u64> {
    if element.is_empty() || element.len() > 8 {
        return None;
    }
    match order {
        ByteOrder::Little => Some(LittleEndian::read_uint(element, element.len())),
        ByteOrder::Big => Some(BigEndian::read_uint(element, element.len())),
        ByteOrder::Vax => None,
    }
}

/// The bits that carry the value.
fn unsigned(order: ByteOrder, bits: Bits, element: &[u8]) -> Option<u64> {
    let raw = raw(order, element)?.checked_shr(bits.offset.into())?;
    Some(mask(raw, bits.precision.into()))
}

/// The same, in two's complement.
fn signed(order: ByteOrder, bits: Bits, element: &[u8]) -> Option<i64> {
    let value = unsigned(order, bits, element)?;
    let unused = 64_u32.checked_sub(bits.precision.into())?;
    value.checked_shl(unused)?.cast_signed().checked_shr(unused)
}

/// A floating-point number, if a double holds it exactly.
fn real(datatype: &Datatype, element: &[u8]) -> Option<f64> {
    let Class::FloatingPoint { order, bits, format } = &datatype.class else { return None };
    match (format.is_ieee(datatype.size), datatype.size) {
        (true, 4) => Some(f32::from_bits(u32::try_from(raw(*order, element)?).ok()?).into()),
        (true, 8) => Some(f64::from_bits(raw(*order, element)?)),
        _ => {
            // Places of fields count from the element's first bit, and not from the offset (`H5T__conv_f_f`).
            let inside = u16::from(format.exponent_location.min(format.mantissa_location)) >= bits.offset;
            format.exact(raw(*order, element).filter(|_| inside)?)
        }
    }
}

/// A text of fixed length without what pads it.
fn unpadded(text: Text, element: &[u8]) -> &[u8] {
    let end_of =
        |padding: u8| element.iter().rposition(|byte| *byte != padding).map_or(0, |last| last.saturating_add(1));
    let end = match text.padding {
        Padding::NullTerminated => element.iter().position(|byte| *byte == 0).unwrap_or(element.len()),
        Padding::NullPadded => end_of(0),
        Padding::SpacePadded => end_of(b' '),
    };
    element.get(..end).unwrap_or(element)
}

fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::Text(text.to_owned()),
        Err(_) => Value::NotUtf8(bytes.to_vec()),
    }
}

/// An element whose value lies in its own bytes.
pub(crate) fn decode(datatype: &Datatype, element: &[u8]) -> Option<Value> {
    match &datatype.class {
        Class::FixedPoint { order, signed: true, bits } => signed(*order, *bits, element).map(Value::Signed),
        Class::FixedPoint { order, bits, .. } | Class::BitField { order, bits } => {
            unsigned(*order, *bits, element).map(Value::Unsigned)
        }
        Class::FloatingPoint { .. } => real(datatype, element).map(Value::Float),
        Class::String(padding) => Some(text(unpadded(*padding, element))),
        Class::Opaque { .. } => Some(Value::Opaque(element.to_vec())),
        Class::Enumeration { .. } if datatype.is_boolean() => Some(Value::Boolean(element != [0])),
        Class::Enumeration { base, .. } => decode(base, element),
        Class::Compound(members) => {
            let field = |member: &Member| {
                let field = part(element, member.offset, member.datatype.size)?;
                Some((member.name.clone(), decode(&member.datatype, field)?))
            };
            members.iter().map(field).collect::<Option<_>>().map(complex)
        }
        Class::Complex(base) => {
            let part = |offset| part(element, offset, base.size).and_then(|bytes| real(base, bytes));
            Some(Value::Complex(part(0)?, part(base.size)?))
        }
        _ => None,
    }
}

impl File<'_> {
    /// `count` elements that lie one after another in `data`, which starts at a file offset.
    pub(crate) fn values(&self, datatype: &Datatype, count: u64, data: Span<'_>) -> Result<Vec<Value>, Halt> {
        // Each value of a compound has the names of its members.
        let names = names_bytes(datatype).saturating_mul(count);
        check("attribute_bytes", names, self.limits().attribute_bytes)?;
        self.decoded(datatype, count, data, Wider::Refuse)
    }

    /// The same of elements of a dataset, which may be many.
    pub(crate) fn elements(&self, datatype: &Datatype, count: u64, data: Span<'_>) -> Result<Vec<Value>, Halt> {
        let each = names_bytes(datatype).saturating_add(values_bytes(datatype));
        check("read_bytes", each.saturating_mul(count), self.limits().read_bytes)?;
        self.decoded(datatype, count, data, Wider::AsStored)
    }

    fn decoded(&self, datatype: &Datatype, count: u64, data: Span<'_>, wider: Wider) -> Result<Vec<Value>, Halt> {
        let size = narrow(datatype.size.into());
        let needed = u64::from(datatype.size).checked_mul(count);
        if needed.is_none_or(|needed| needed > wide(data.len())) {
            return Err(Error::format(Structure::Value, data.at(), Problem::Truncated).into());
        }
        join(data.bytes().chunks_exact(size).take(narrow(count)), |element| {
            self.value(datatype, element, data.at(), wider)
        })
    }

    /// One element; `at` is the file offset of what it belongs to.
    fn value(&self, datatype: &Datatype, element: &[u8], at: u64, wider: Wider) -> Result<Value, Halt> {
        let unreadable = || -> Halt { Unsupported::Datatype(datatype.name()).into() };
        match &datatype.class {
            Class::Compound(members) => {
                let members = join(members, |member| {
                    let field = part(element, member.offset, member.datatype.size).ok_or_else(unreadable)?;
                    Ok((member.name.clone(), self.value(&member.datatype, field, at, wider)?))
                });
                Ok(complex(members?))
            }
            Class::Array { dimensions, base } => {
                let count = dimensions.iter().fold(1_u64, |n, size| n.saturating_mul((*size).into()));
                let elements = self.decoded(base, count, Span::new(element, at), wider)?;
                Ok(nested(elements, dimensions))
            }
            Class::VariableString(_) => {
                let bytes = self.variable(element, 1, at)?;
                Ok(text(bytes.split(|byte| *byte == 0).next().unwrap_or_default()))
            }
            Class::Sequence(base) => {
                let bytes = self.variable(element, base.size.into(), at)?;
                let count = wide(bytes.len()).checked_div(base.size.into()).unwrap_or(0);
                check("attribute_bytes", names_bytes(base).saturating_mul(count), self.limits().attribute_bytes)?;
                Ok(Value::Sequence(self.decoded(base, count, Span::new(&bytes, at), wider)?))
            }
            Class::Reference(Reference::Object) => {
                let parse = |i| self.sizes().address(i);
                let address = structure::parse(Structure::Value, Span::new(element, at), parse)?;
                Ok(Value::Reference(address.filter(|address| address.0 != 0).map(|Address(address)| address)))
            }
            Class::Reference(Reference::Region) => self.region(element, at),
            Class::Reference(Reference::Standard) => self.standard_reference(element, at),
            Class::FixedPoint { .. } | Class::BitField { .. } | Class::FloatingPoint { .. } | Class::Complex(_)
                if wider == Wider::AsStored =>
            {
                Ok(decode(datatype, element).unwrap_or_else(|| Value::Wide(element.to_vec())))
            }
            _ => decode(datatype, element).ok_or_else(unreadable),
        }
    }

    /// A region reference of old: a heap ID of the dataset's address and a selection (IV.B, "Dataset Region Reference").
    fn region(&self, element: &[u8], at: u64) -> Result<Value, Halt> {
        let id = structure::parse(Structure::Value, Span::new(element, at), |i| GlobalHeapId::parse(self.sizes(), i))?;
        let Some(id) = id else { return Ok(Value::Region(None)) };
        let object = self.heap_object(id)?;
        let address = structure::parse(Structure::GlobalHeap, Span::new(&object, at), |i| self.sizes().address(i))?;
        Ok(Value::Region(address.map(|Address(address)| address)))
    }

    /// A reference of HDF5 1.12 and later (VIII.B): type, flags, and a token, in the element or in the global heap.
    fn standard_reference(&self, element: &[u8], at: u64) -> Result<Value, Halt> {
        let head = structure::parse(Structure::Value, Span::new(element, at), |i| {
            let (i, kind) = nom::number::complete::le_u8(i)?;
            let (i, flags) = nom::number::complete::le_u8(i)?;
            Ok((i, (kind, flags, i)))
        });
        let (kind, flags, rest) = head?;
        let body = match kind {
            // A null reference.
            0 => return Ok(Value::Reference(None)),
            2 => bytes::Bytes::copy_from_slice(rest.bytes()),
            3 | 4 => {
                let (_, id) = self.heap_id(rest.bytes(), rest.at())?;
                let Some(id) = id else { return Ok(Value::Reference(None)) };
                self.heap_object(id)?
            }
            _ => return Err(Unsupported::Feature("a reference of an unknown type").into()),
        };
        if flags & 1 != 0 {
            return Err(Unsupported::Feature("a reference into another file").into());
        }
        let address = structure::parse(Structure::Value, Span::new(&body, at), |i| {
            let (i, size) = nom::number::complete::le_u8(i)?;
            le_uint(size.clamp(1, 8), i)
        })?;
        Ok(if kind == 3 { Value::Region(Some(address)) } else { Value::Reference(Some(address)) })
    }

    /// The bytes of a value of variable length: `length` elements of `size` bytes, in the global heap.
    fn variable(&self, element: &[u8], size: u64, at: u64) -> Result<bytes::Bytes, Halt> {
        let (length, id) = self.heap_id(element, at)?;
        let Some(id) = id.filter(|_| length > 0) else { return Ok(bytes::Bytes::new()) };
        let object = self.heap_object(id)?;
        let needed = u64::from(length).checked_mul(size).map_or(usize::MAX, narrow);
        match object.get(..needed) {
            Some(_) => Ok(object.slice(..needed)),
            None => Err(self.problem_at(Structure::GlobalHeap, id.collection, Problem::Truncated).into()),
        }
    }

    /// Number of elements and heap ID of a value of variable length ([IV.B], "variable-length").
    fn heap_id(&self, element: &[u8], at: u64) -> Result<(u32, Option<GlobalHeapId>), Error> {
        structure::parse(Structure::Value, Span::new(element, at), |i| {
            let (i, length) = nom::number::complete::le_u32(i)?;
            let (i, id) = GlobalHeapId::parse(self.sizes(), i)?;
            Ok((i, (length, id)))
        })
    }
}

/// Bytes of the names in one value of a type; those in sequences are counted with the sequence.
fn names_bytes(datatype: &Datatype) -> u64 {
    match &datatype.class {
        Class::Compound(members) => members.iter().fold(0, |sum: u64, member| {
            sum.saturating_add(wide(member.name.len())).saturating_add(names_bytes(&member.datatype))
        }),
        Class::Array { dimensions, base } => {
            dimensions.iter().fold(names_bytes(base), |bytes, size| bytes.saturating_mul((*size).into()))
        }
        _ => 0,
    }
}

/// Bytes of the values that one element becomes, but for what lies in heaps.
fn values_bytes(datatype: &Datatype) -> u64 {
    let inside = match &datatype.class {
        Class::Compound(members) => {
            members.iter().fold(0, |sum: u64, member| sum.saturating_add(values_bytes(&member.datatype)))
        }
        Class::Array { dimensions, base } => {
            dimensions.iter().fold(values_bytes(base), |bytes, size| bytes.saturating_mul((*size).into()))
        }
        _ => datatype.size.into(),
    };
    inside.saturating_add(wide(size_of::<Value>()))
}

/// A part of an element.
fn part(element: &[u8], offset: u32, size: u32) -> Option<&[u8]> {
    let start = narrow(offset.into());
    element.get(start..start.checked_add(narrow(size.into()))?)
}

/// A compound of two floats named as h5py names the parts of a complex number is one.
fn complex(members: Vec<(String, Value)>) -> Value {
    match members.as_slice() {
        [(r, Value::Float(real)), (i, Value::Float(imaginary))] if (r.as_str(), i.as_str()) == ("r", "i") => {
            Value::Complex(*real, *imaginary)
        }
        _ => Value::Compound(members),
    }
}

/// A flat list of elements as nested sequences of the given sizes.
fn nested(elements: Vec<Value>, dimensions: &[u32]) -> Value {
    let mut level = elements;
    for size in dimensions.iter().skip(1).rev() {
        let mut rest = level.into_iter().peekable();
        let mut above = Vec::new();
        while rest.peek().is_some() {
            above.push(Value::Sequence(rest.by_ref().take(narrow((*size).into()).max(1)).collect()));
        }
        level = above;
    }
    Value::Sequence(level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::proofs::{float_type, opened};
    use crate::limits::Limits;
    use crate::structure::message::datatype::Charset;
    use crate::structure::proofs::{AT, message_of};

    const LITTLE: ByteOrder = ByteOrder::Little;
    const BIG: ByteOrder = ByteOrder::Big;

    fn integer(order: ByteOrder, signed: bool, size: u32, offset: u16, precision: u16) -> Datatype {
        Datatype { size, class: Class::FixedPoint { order, signed, bits: Bits { offset, precision } } }
    }

    fn single() -> Datatype {
        float_type(LITTLE, 4, 8, 23, 127)
    }

    fn string(size: u32, padding: Padding) -> Datatype {
        Datatype { size, class: Class::String(Text { padding, charset: Charset::Ascii }) }
    }

    fn compound(size: u32, members: &[(&str, u32, Datatype)]) -> Datatype {
        let member = |(name, offset, datatype): &(&str, u32, Datatype)| Member {
            name: (*name).to_owned(),
            offset: *offset,
            datatype: datatype.clone(),
        };
        Datatype { size, class: Class::Compound(members.iter().map(member).collect()) }
    }

    fn enumeration(base: Datatype, members: &[(&str, &[u8])]) -> Datatype {
        let members = members.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
        Datatype { size: base.size, class: Class::Enumeration { base: Box::new(base), members } }
    }

    /// Elements as the file of a few datasets would have them.
    fn values(datatype: &Datatype, count: u64, bytes: &[u8]) -> Result<Vec<Value>, Error> {
        let file = include_bytes!("../../testdata/superblock/v0.h5");
        opened(file, Limits::default(), |file| file.values(datatype, count, Span::new(bytes, AT)))
    }

    fn real_of(datatype: &Datatype, bytes: &[u8]) -> Option<f64> {
        match decode(datatype, bytes)? {
            Value::Float(x) => Some(x),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn integers_of_every_width_are_read_in_both_orders() {
        for size in 1..=8_u8 {
            let bits = u16::from(size) * 8;
            let mut bytes: Vec<u8> = (1..=size).map(|byte| byte | 0x80).collect();
            let value = bytes.iter().rev().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
            let negative = i64::from_ne_bytes((value << (64 - bits)).to_ne_bytes()) >> (64 - bits);
            for order in [LITTLE, BIG] {
                let of = |signed| integer(order, signed, size.into(), 0, bits);
                assert_eq!(decode(&of(false), &bytes), Some(Value::Unsigned(value)), "{size} bytes, {order:?}");
                assert_eq!(decode(&of(true), &bytes), Some(Value::Signed(negative)), "{size} bytes, {order:?}");
                bytes.reverse();
            }
        }
    }

    #[test]
    fn the_largest_and_smallest_integers_are_kept() {
        let minimum = i64::MIN.to_le_bytes();
        assert_eq!(decode(&integer(LITTLE, true, 8, 0, 64), &minimum), Some(Value::Signed(i64::MIN)));
        assert_eq!(decode(&integer(LITTLE, false, 8, 0, 64), &[0xff; 8]), Some(Value::Unsigned(u64::MAX)));
    }

    /// As `testdata/datatype/odd_precision.h5` has them: 12 bits at bit 4, and 20 bits of a big-endian integer.
    #[test]
    fn only_the_bits_of_the_precision_count() {
        let shifted = integer(LITTLE, true, 2, 4, 12);
        assert_eq!(decode(&shifted, &[0xff, 0xff]), Some(Value::Signed(-1)));
        assert_eq!(decode(&shifted, &[0x0f, 0x7d]), Some(Value::Signed(2_000)));
        assert_eq!(decode(&integer(BIG, true, 4, 0, 20), &[0, 0x0f, 0xff, 0xff]), Some(Value::Signed(-1)));
        assert_eq!(decode(&integer(LITTLE, false, 2, 0, 12), &[0xd0, 0xf7]), Some(Value::Unsigned(2_000)));
        let bit_field = Class::BitField { order: BIG, bits: Bits { offset: 1, precision: 3 } };
        assert_eq!(decode(&Datatype { size: 1, class: bit_field }, &[0xfa]), Some(Value::Unsigned(5)));
    }

    #[test]
    fn integers_of_more_than_64_bits_are_refused() {
        assert_eq!(decode(&integer(LITTLE, false, 9, 0, 72), &[0; 9]), None);
        assert_eq!(
            message_of(values(&integer(LITTLE, true, 16, 0, 128), 1, &[0; 16])),
            "datatype int128 has no Zarr v2 form"
        );
    }

    #[test]
    fn the_parts_of_a_float_count_from_its_first_bit_wherever_its_precision_starts() {
        // As libhdf5 writes 1, -2.5 and 1/3 with 20 bits from bit 7 on.
        let bytes = [[0, 0, 0xf0, 0x01], [0, 0, 0x04, 0x06], [0x80, 0x55, 0xd5, 0x01]];
        let parts = FloatFormat {
            sign: 26,
            exponent_location: 20,
            exponent_size: 6,
            mantissa_location: 7,
            mantissa_size: 13,
            bias: 31,
            normalization: 2,
        };
        let bits = Bits { offset: 7, precision: 20 };
        let of = |order| Datatype { size: 4, class: Class::FloatingPoint { order, bits, format: parts } };
        for (mut bytes, value) in bytes.into_iter().zip([1.0, -2.5, 0.333_343_505_859_375]) {
            assert_eq!(real_of(&of(LITTLE), &bytes), Some(value));
            bytes.reverse();
            assert_eq!(real_of(&of(BIG), &bytes), Some(value));
        }
    }

    #[test]
    fn floats_of_16_bits_are_exact() {
        let half = float_type(LITTLE, 2, 5, 10, 15);
        let cases: [(u16, f64); 8] = [
            (0x3c00, 1.0),
            (0xc100, -2.5),
            (0x7bff, 65_504.0),
            (0x0400, 2_f64.powi(-14)),
            (0x0001, 2_f64.powi(-24)),
            (0x8000, -0.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (bits, value) in cases {
            let found = real_of(&half, &bits.to_le_bytes()).unwrap();
            assert_eq!(found.to_bits(), value.to_bits(), "{bits:#06x}");
        }
        assert!(real_of(&half, &[0x00, 0x7e]).unwrap().is_nan());
    }

    #[test]
    fn floats_of_32_and_64_bits_are_read_in_both_orders() {
        assert_eq!(real_of(&single(), &0.1_f32.to_le_bytes()), Some(f64::from(0.1_f32)));
        assert_eq!(real_of(&float_type(BIG, 4, 8, 23, 127), &0.1_f32.to_be_bytes()), Some(f64::from(0.1_f32)));
        let double = |order| float_type(order, 8, 11, 52, 1_023);
        assert_eq!(real_of(&double(LITTLE), &5e-324_f64.to_le_bytes()), Some(5e-324));
        assert_eq!(real_of(&double(BIG), &f64::MAX.to_be_bytes()), Some(f64::MAX));
    }

    /// `testdata/datatype/unusual_floats.h5`, and the five bits of F4E2M1 and the like.
    #[test]
    fn floats_of_other_formats_are_exact() {
        let brain = float_type(LITTLE, 2, 8, 7, 127);
        assert_eq!(
            [0x3f80_u16, 0xc020, 0x42c8].map(|bits| real_of(&brain, &bits.to_le_bytes())),
            [Some(1.0), Some(-2.5), Some(100.0)]
        );
        let e5m2 = float_type(LITTLE, 1, 5, 2, 15);
        assert_eq!(
            [0x3c, 0x3d, 0x01].map(|bits| real_of(&e5m2, &[bits])),
            [Some(1.0), Some(1.25), Some(2_f64.powi(-16))]
        );
    }

    /// A bias of 1,100 makes numbers for which a double has no exponent, or only with fewer digits.
    #[test]
    fn floats_beyond_the_exponents_of_a_double_are_refused() {
        let small = float_type(LITTLE, 8, 11, 52, 1_100);
        let with_exponent = |exponent: u64| real_of(&small, &(exponent << 52).to_le_bytes());
        assert_eq!(
            [0, 1, 77, 78, 1_100].map(with_exponent),
            [Some(0.0), None, None, Some(2_f64.powi(-1_022)), Some(1.0)]
        );
        assert_eq!(real_of(&small, &1_u64.to_le_bytes()), None);
        let large = float_type(LITTLE, 8, 11, 52, 5);
        assert_eq!(
            [1_028_u64, 1_029].map(|exponent| real_of(&large, &(exponent << 52).to_le_bytes())),
            [Some(2_f64.powi(1_023)), None]
        );
    }

    #[test]
    fn floats_of_vax_of_128_bits_and_without_hidden_bit_are_refused() {
        let told = |datatype: &Datatype, bytes: &[u8]| message_of(values(datatype, 1, bytes));
        let vax = float_type(ByteOrder::Vax, 4, 8, 23, 129);
        assert_eq!(told(&vax, &[0; 4]), "datatype VAX float32 has no Zarr v2 form");
        let quadruple = float_type(LITTLE, 16, 15, 112, 16_383);
        assert_eq!(
            told(&quadruple, &[0; 16]),
            "datatype float of 15 exponent and 112 mantissa bits in 16 bytes has no Zarr v2 form"
        );
        let mut extended = float_type(LITTLE, 8, 11, 52, 1_023);
        if let Class::FloatingPoint { format, .. } = &mut extended.class {
            format.normalization = 0;
        }
        assert_eq!(decode(&extended, &[0; 8]), None);
    }

    #[test]
    fn padding_of_strings_is_no_text() {
        let read = |padding, bytes: &[u8]| decode(&string(6, padding), bytes);
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        assert_eq!(read(Padding::NullTerminated, b"ab\0cd\0"), text("ab"));
        assert_eq!(read(Padding::NullTerminated, b"abcdef"), text("abcdef"));
        assert_eq!(read(Padding::NullPadded, b"ab\0c\0\0"), text("ab\0c"));
        assert_eq!(read(Padding::SpacePadded, b" ab   "), text(" ab"));
        assert_eq!(read(Padding::SpacePadded, b"ab\0   "), text("ab\0"));
        for padding in [Padding::NullTerminated, Padding::NullPadded] {
            assert_eq!(read(padding, &[0; 6]), text(""));
        }
        assert_eq!(read(Padding::NullPadded, b"caf\xe9\0\0"), Some(Value::NotUtf8(b"caf\xe9".to_vec())));
    }

    #[test]
    fn enumerations_are_their_numbers_and_h5pys_booleans_true_or_false() {
        let byte = || integer(LITTLE, true, 1, 0, 8);
        let boolean = enumeration(byte(), &[("FALSE", &[0]), ("TRUE", &[1])]);
        assert_eq!(
            [[0], [1], [2]].map(|bytes| decode(&boolean, &bytes)),
            [false, true, true].map(|b| Some(Value::Boolean(b)))
        );
        let other = enumeration(byte(), &[("FALSE", &[0]), ("TRUE", &[255])]);
        assert_eq!(decode(&other, &[255]), Some(Value::Signed(-1)));
        let wide = enumeration(integer(BIG, false, 2, 0, 16), &[("FALSE", &[0, 0]), ("TRUE", &[0, 1])]);
        assert_eq!(decode(&wide, &[0, 1]), Some(Value::Unsigned(1)));
    }

    #[test]
    fn fields_are_read_where_they_lie() {
        let datatype =
            compound(7, &[("x", 3, integer(BIG, false, 2, 0, 16)), ("y", 0, string(2, Padding::NullPadded))]);
        let fields = vec![("x".to_owned(), Value::Unsigned(0x0102)), ("y".to_owned(), Value::Text("ab".to_owned()))];
        let expected = Value::Compound(fields);
        assert_eq!(decode(&datatype, &[b'a', b'b', 9, 1, 2, 9, 9]).as_ref(), Some(&expected));
        assert_eq!(values(&datatype, 1, &[b'a', b'b', 9, 1, 2, 9, 9]).unwrap(), [expected]);
    }

    #[test]
    fn two_floats_are_complex_only_by_h5pys_names() {
        let bytes = [1.5_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat();
        let of = |names: [&str; 2]| compound(8, &[(names[0], 0, single()), (names[1], 4, single())]);
        assert_eq!(decode(&of(["r", "i"]), &bytes), Some(Value::Complex(1.5, -2.0)));
        for names in [["real", "imag"], ["i", "r"], ["x", "y"]] {
            assert!(matches!(decode(&of(names), &bytes), Some(Value::Compound(_))), "{names:?}");
        }
        let integers =
            compound(2, &[("r", 0, integer(LITTLE, true, 1, 0, 8)), ("i", 1, integer(LITTLE, true, 1, 0, 8))]);
        assert!(matches!(decode(&integers, &[1, 2]), Some(Value::Compound(_))));
        let native = Datatype { size: 8, class: Class::Complex(Box::new(single())) };
        assert_eq!(decode(&native, &bytes), Some(Value::Complex(1.5, -2.0)));
    }

    #[test]
    fn arrays_are_nested_as_their_dimensions_are() {
        let base = Box::new(integer(LITTLE, false, 1, 0, 8));
        let datatype = Datatype { size: 6, class: Class::Array { dimensions: vec![3, 1, 2], base } };
        let row = |numbers: [u64; 2]| Value::Sequence(vec![Value::Sequence(numbers.map(Value::Unsigned).to_vec())]);
        let expected = Value::Sequence(vec![row([1, 2]), row([3, 4]), row([5, 6])]);
        assert_eq!(values(&datatype, 1, &[1, 2, 3, 4, 5, 6]).unwrap(), [expected]);
    }

    #[test]
    fn values_that_have_no_heap_object_are_empty() {
        let sequence = Datatype { size: 16, class: Class::Sequence(Box::new(single())) };
        assert_eq!(values(&sequence, 1, &[0; 16]).unwrap(), [Value::Sequence(Vec::new())]);
        let text = Text { padding: Padding::NullTerminated, charset: Charset::Utf8 };
        let text = Datatype { size: 16, class: Class::VariableString(text) };
        assert_eq!(values(&text, 2, &[0; 32]).unwrap(), [Value::Text(String::new()), Value::Text(String::new())]);
    }

    #[test]
    fn null_references_lead_nowhere() {
        let reference = |size, kind| Datatype { size, class: Class::Reference(kind) };
        let object = reference(8, Reference::Object);
        let mut elements = [[0; 8], [0xff; 8], [0; 8]];
        elements[2][0] = 0x60;
        assert_eq!(
            values(&object, 3, elements.as_flattened()).unwrap(),
            [None, None, Some(0x60)].map(Value::Reference)
        );
        assert_eq!(values(&reference(12, Reference::Region), 1, &[0; 12]).unwrap(), [Value::Region(None)]);
        assert_eq!(values(&reference(64, Reference::Standard), 1, &[0; 64]).unwrap(), [Value::Reference(None)]);
    }

    #[test]
    fn standard_references_to_objects_hold_their_address() {
        let standard = Datatype { size: 18, class: Class::Reference(Reference::Standard) };
        let mut element = [0; 18];
        element[..5].copy_from_slice(&[2, 0, 8, 0x60, 0x01]); // type: object; flags; token size; token
        assert_eq!(values(&standard, 1, &element).unwrap(), [Value::Reference(Some(0x160))]);
        element[1] = 1;
        assert_eq!(message_of(values(&standard, 1, &element)), "a reference into another file is not supported");
        element[0] = 9;
        assert_eq!(message_of(values(&standard, 1, &element)), "a reference of an unknown type is not supported");
    }

    #[test]
    fn values_that_end_before_their_last_element_are_refused() {
        let told = |count| message_of(values(&single(), count, &[0; 7]));
        assert_eq!(told(2), "value at 0x60: the bytes end inside the structure (at 0x60)");
        assert_eq!(told(u64::MAX), "value at 0x60: the bytes end inside the structure (at 0x60)");
    }

    #[test]
    fn a_time_has_no_value() {
        let time = Datatype { size: 4, class: Class::Time { order: LITTLE, precision: 32 } };
        assert_eq!(message_of(values(&time, 1, &[0; 4])), "datatype time has no Zarr v2 form");
    }
}
