//! Elements decoded by their datatype ([IV.A.2.d]).

use byteorder::{BigEndian, ByteOrder as _, LittleEndian};

use super::File;
use crate::error::{Error, Problem, Structure, Unsupported};
use crate::field::convert::{narrow, wide};
use crate::field::sizes::le_uint;
use crate::field::{Address, Span};
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
    /// Opaque bytes.
    Opaque(Vec<u8>),
    /// The fields of a compound, in order.
    Compound(Vec<(String, Value)>),
    /// The elements of an array or sequence.
    Sequence(Vec<Value>),
    /// The address of the object that is referenced, relative to the base address; `None` for a null reference.
    Reference(Option<u64>),
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

impl FloatFormat {
    /// Whether these are the fields of IEEE 754 binary16, 32 or 64.
    pub(crate) fn is_ieee(&self, size: u32) -> bool {
        let of = |sign, exponent_size, mantissa_size, bias| FloatFormat {
            sign,
            exponent_location: mantissa_size,
            exponent_size,
            mantissa_location: 0,
            mantissa_size,
            bias,
            normalization: 2,
        };
        match size {
            2 => *self == of(15, 5, 10, 15),
            4 => *self == of(31, 8, 23, 127),
            8 => *self == of(63, 11, 52, 1023),
            _ => false,
        }
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
            Some(2_f64.powi(i32::try_from(exponent).ok()?))
        };
        let magnitude = if exponent == top {
            if mantissa == 0 { f64::INFINITY } else { f64::NAN }
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
            let raw = raw(*order, element)?;
            format.exact(if bits.offset == 0 { raw } else { return None })
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
        let size = narrow(datatype.size.into());
        let needed = u64::from(datatype.size).checked_mul(count);
        if needed.is_none_or(|needed| needed > wide(data.len())) {
            return Err(Error::format(Structure::Value, data.at(), Problem::Truncated).into());
        }
        join(data.bytes().chunks_exact(size).take(narrow(count)), |element| self.value(datatype, element, data.at()))
    }

    /// One element; `at` is the file offset of what it belongs to.
    fn value(&self, datatype: &Datatype, element: &[u8], at: u64) -> Result<Value, Halt> {
        let unreadable = || -> Halt { Unsupported::Datatype(datatype.name()).into() };
        match &datatype.class {
            Class::Compound(members) => {
                let members = join(members, |member| {
                    let field = part(element, member.offset, member.datatype.size).ok_or_else(unreadable)?;
                    Ok((member.name.clone(), self.value(&member.datatype, field, at)?))
                });
                Ok(complex(members?))
            }
            Class::Array { dimensions, base } => {
                let count = dimensions.iter().fold(1_u64, |n, size| n.saturating_mul((*size).into()));
                let elements = self.values(base, count, Span::new(element, at))?;
                Ok(nested(elements, dimensions))
            }
            Class::VariableString(_) => {
                let bytes = self.variable(element, 1, at)?;
                Ok(text(bytes.split(|byte| *byte == 0).next().unwrap_or_default()))
            }
            Class::Sequence(base) => {
                let bytes = self.variable(element, base.size.into(), at)?;
                let count = wide(bytes.len()).checked_div(base.size.into()).unwrap_or(0);
                Ok(Value::Sequence(self.values(base, count, Span::new(&bytes, at))?))
            }
            Class::Reference(Reference::Object) => {
                let parse = |i| self.sizes().address(i);
                let address = structure::parse(Structure::Value, Span::new(element, at), parse)?;
                Ok(Value::Reference(address.filter(|address| address.0 != 0).map(|Address(address)| address)))
            }
            Class::Reference(Reference::Region) => self.region(element, at),
            Class::Reference(Reference::Standard) => self.standard_reference(element, at),
            _ => decode(datatype, element).ok_or_else(unreadable),
        }
    }

    /// A region reference of old: a heap ID of the dataset's address and a selection (IV.B, "Dataset Region Reference").
    fn region(&self, element: &[u8], at: u64) -> Result<Value, Halt> {
        let id = structure::parse(Structure::Value, Span::new(element, at), |i| GlobalHeapId::parse(self.sizes(), i))?;
        let Some(id) = id else { return Ok(Value::Reference(None)) };
        self.global_heap(&[id])?;
        let object = self.heap_object(id)?;
        let address = structure::parse(Structure::GlobalHeap, Span::new(&object, at), |i| self.sizes().address(i))?;
        Ok(Value::Reference(address.map(|Address(address)| address)))
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
                self.global_heap(&[id])?;
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
        Ok(Value::Reference(Some(address)))
    }

    /// The bytes of a value of variable length: `length` elements of `size` bytes, in the global heap.
    fn variable(&self, element: &[u8], size: u64, at: u64) -> Result<bytes::Bytes, Halt> {
        let (length, id) = self.heap_id(element, at)?;
        let Some(id) = id.filter(|_| length > 0) else { return Ok(bytes::Bytes::new()) };
        self.global_heap(&[id])?;
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
