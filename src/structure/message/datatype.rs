//! Datatype message ([IV.A.2.d]).

use nom::Parser;
use nom::multi::count;
use nom::number::complete::{le_u8, le_u16, le_u32};

use crate::error::{LimitError, Problem};
use crate::field::convert::{narrow, wide};
use crate::field::sizes::{bytes_for, le_uint, length_of};
use crate::field::{Parsed, Span, bytes, skip};
use crate::limits::check;

/// What an element is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datatype {
    /// Bytes of an element.
    pub size: u32,
    /// Its class, with the class's own properties.
    pub class: Class,
}

/// The classes of datatypes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// Class 0.
    FixedPoint {
        /// Order of the bytes.
        order: ByteOrder,
        /// Two's complement, or unsigned.
        signed: bool,
        /// Which bits of the element carry the value.
        bits: Bits,
    },
    /// Class 1.
    FloatingPoint {
        /// Order of the bytes.
        order: ByteOrder,
        /// Which bits of the element carry the value.
        bits: Bits,
        /// How those bits make a number.
        format: FloatFormat,
    },
    /// Class 2, obsolete.
    Time {
        /// Order of the bytes.
        order: ByteOrder,
        /// Bits of precision.
        precision: u16,
    },
    /// Class 3: text of fixed length.
    String(Text),
    /// Class 4.
    BitField {
        /// Order of the bytes.
        order: ByteOrder,
        /// Which bits of the element carry the value.
        bits: Bits,
    },
    /// Class 5.
    Opaque {
        /// What the bytes are, in the writer's words.
        tag: String,
    },
    /// Class 6.
    Compound(Vec<Member>),
    /// Class 7.
    Reference(Reference),
    /// Class 8.
    Enumeration {
        /// An integer type.
        base: Box<Datatype>,
        /// Names, each with its value in the base type's bytes.
        members: Vec<(String, Vec<u8>)>,
    },
    /// Class 9: a sequence of any length, in the global heap.
    Sequence(Box<Datatype>),
    /// Class 9: text of any length, in the global heap.
    VariableString(Text),
    /// Class 10.
    Array {
        /// Size of each dimension, in elements of the base type.
        dimensions: Vec<u32>,
        /// The type of the array's elements.
        base: Box<Datatype>,
    },
    /// Class 11: real and imaginary part.
    Complex(Box<Datatype>),
}

/// Order of an element's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
    /// VAX mixed order (floating point only).
    Vax,
}

/// Which bits of an element carry its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bits {
    /// Position of the lowest bit.
    pub offset: u16,
    /// Number of bits.
    pub precision: u16,
}

/// How a floating-point number is laid out within its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FloatFormat {
    /// Bit of the sign.
    pub sign: u8,
    /// Lowest bit of the exponent.
    pub exponent_location: u8,
    /// Bits of the exponent.
    pub exponent_size: u8,
    /// Lowest bit of the mantissa.
    pub mantissa_location: u8,
    /// Bits of the mantissa.
    pub mantissa_size: u8,
    /// Bias of the exponent.
    pub bias: u32,
    /// 0: none, 1: the mantissa's highest bit is always set, 2: it is set and not stored.
    pub normalization: u8,
}

/// How text is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// What fills the rest of a text of fixed length.
    pub padding: Padding,
    /// The character set.
    pub charset: Charset,
}

/// What fills the rest of a text of fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Ends at the first NUL.
    NullTerminated,
    /// Trailing NULs are not text.
    NullPadded,
    /// Trailing spaces are not text.
    SpacePadded,
}

/// Character sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// ASCII; real files hold any bytes.
    Ascii,
    /// UTF-8.
    Utf8,
}

/// What a reference leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reference {
    /// An object header's address.
    Object,
    /// A region of a dataset, in the global heap.
    Region,
    /// The encoded references of HDF5 1.12 and later.
    Standard,
}

/// A field of a compound datatype.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The field's name.
    pub name: String,
    /// Its place in the element, in bytes.
    pub offset: u32,
    /// Its type.
    pub datatype: Datatype,
}

/// Version and the 24 class bits of a datatype's head.
#[derive(Clone, Copy)]
struct Head {
    version: u8,
    bits: u32,
    size: u32,
    /// The level of the types inside this one.
    depth: Depth,
}

/// How deep a type lies in other types, and how deep one may.
#[derive(Clone, Copy)]
struct Depth {
    level: u64,
    deepest: u64,
}

impl Depth {
    fn below(self) -> Result<Self, LimitError> {
        let level = self.level.saturating_add(1);
        check("datatype_depth", level, self.deepest)?;
        Ok(Self { level, ..self })
    }
}

impl Datatype {
    /// `deepest` is how many types may lie in one another ([`Limits::datatype_depth`](crate::Limits)).
    pub(crate) fn parse(deepest: u64, i: Span<'_>) -> Parsed<'_, Self> {
        Self::parse_at(Depth { level: 0, deepest }, i)
    }

    fn parse_at(depth: Depth, i: Span<'_>) -> Parsed<'_, Self> {
        let depth = match depth.below() {
            Ok(depth) => depth,
            Err(error) => return i.limit(error),
        };
        let (rest, head) = le_u32(i)?;
        let (at_properties, size) = le_u32(rest)?;
        if size == 0 {
            return rest.value("size", size);
        }
        let class = head & 0x0f;
        let version = u8::try_from((head >> 4) & 0x0f).unwrap_or(0);
        // Version 0 is seen in files of old third-party writers; its layout is that of version 1.
        if version > 5 {
            return i.value("version", version);
        }
        let head = Head { version: version.max(1), bits: head >> 8, size, depth };
        let (rest, class) = match class {
            0 => head.fixed_point(at_properties)?,
            1 => head.floating_point(i, at_properties)?,
            2 => head.time(at_properties)?,
            3 => (at_properties, Class::String(text(head.bits, i)?.1)),
            4 => head.bit_field(at_properties)?,
            5 => head.opaque(at_properties)?,
            6 => head.compound(at_properties)?,
            7 => (at_properties, Class::Reference(head.reference(i)?.1)),
            8 => head.enumeration(at_properties)?,
            9 => head.variable_length(i, at_properties)?,
            10 => head.array(at_properties)?,
            11 => head.complex(at_properties)?,
            _ => return i.value("class", class),
        };
        Ok((rest, Self { size, class }))
    }
}

impl Head {
    fn order(self) -> ByteOrder {
        if self.bits & 1 == 0 { ByteOrder::Little } else { ByteOrder::Big }
    }

    /// Offset and precision, which must lie inside the element.
    fn value_bits(self, i: Span<'_>) -> Parsed<'_, Bits> {
        let (at_precision, offset) = le_u16(i)?;
        let (rest, precision) = le_u16(at_precision)?;
        let end = u64::from(offset).saturating_add(precision.into());
        if precision == 0 || end > u64::from(self.size).saturating_mul(8) {
            return at_precision.value("bit precision", precision);
        }
        Ok((rest, Bits { offset, precision }))
    }

    fn fixed_point(self, i: Span<'_>) -> Parsed<'_, Class> {
        let (i, bits) = self.value_bits(i)?;
        Ok((i, Class::FixedPoint { order: self.order(), signed: self.bits & 8 != 0, bits }))
    }

    fn bit_field(self, i: Span<'_>) -> Parsed<'_, Class> {
        let (i, bits) = self.value_bits(i)?;
        Ok((i, Class::BitField { order: self.order(), bits }))
    }

    fn time(self, i: Span<'_>) -> Parsed<'_, Class> {
        let (i, precision) = le_u16(i)?;
        Ok((i, Class::Time { order: self.order(), precision }))
    }

    fn floating_point<'a>(self, start: Span<'a>, i: Span<'a>) -> Parsed<'a, Class> {
        let order = match (self.bits & 1 != 0, self.bits & 0x40 != 0) {
            (false, false) => ByteOrder::Little,
            (true, false) => ByteOrder::Big,
            (true, true) => ByteOrder::Vax,
            (false, true) => return start.value("byte order", 2_u8),
        };
        let (i, bits) = self.value_bits(i)?;
        let (i, exponent_location) = le_u8(i)?;
        let (i, exponent_size) = le_u8(i)?;
        let (i, mantissa_location) = le_u8(i)?;
        let (i, mantissa_size) = le_u8(i)?;
        let (i, bias) = le_u32(i)?;
        let sign = u8::try_from((self.bits >> 8) & 0xff).unwrap_or(0);
        let normalization = u8::try_from((self.bits >> 4) & 3).unwrap_or(0);
        let format = FloatFormat {
            sign,
            exponent_location,
            exponent_size,
            mantissa_location,
            mantissa_size,
            bias,
            normalization,
        };
        Ok((i, Class::FloatingPoint { order, bits, format }))
    }

    fn opaque(self, i: Span<'_>) -> Parsed<'_, Class> {
        let (i, tag) = bytes(u64::from(self.bits & 0xff), i)?;
        let tag = tag.bytes().split(|byte| *byte == 0).next().unwrap_or_default();
        Ok((i, Class::Opaque { tag: String::from_utf8_lossy(tag).into_owned() }))
    }

    fn reference(self, i: Span<'_>) -> Parsed<'_, Reference> {
        match self.bits & 0x0f {
            0 => Ok((i, Reference::Object)),
            1 => Ok((i, Reference::Region)),
            2..=4 if self.version >= 4 => Ok((i, Reference::Standard)),
            kind => i.value("reference type", kind),
        }
    }

    fn compound(self, i: Span<'_>) -> Parsed<'_, Class> {
        let members = self.bits & 0xffff;
        // A member takes at least a name, an offset and the head of a type.
        if u64::from(members).saturating_mul(10) > length_of(&i) {
            return i.value("number of members", members);
        }
        let (rest, members) = count(|i| self.member(i), narrow(members.into())).parse(i)?;
        if members.is_empty() {
            return i.value("number of members", 0_u8);
        }
        Ok((rest, Class::Compound(members)))
    }

    fn member(self, i: Span<'_>) -> Parsed<'_, Member> {
        let (at_offset, name) = self.name(i)?;
        let width = if self.version < 3 { 4 } else { bytes_for(self.size.into()) };
        let (i, offset) = le_uint(width, at_offset)?;
        let Ok(offset) = u32::try_from(offset) else {
            return at_offset.value("byte offset of member", offset);
        };
        let (i, dimensions) = if self.version == 1 { member_dimensions(i)? } else { (i, Vec::new()) };
        let (i, datatype) = Datatype::parse_at(self.depth, i)?;
        let datatype = if dimensions.is_empty() { datatype } else { array_of(at_offset, dimensions, datatype)?.1 };
        if u64::from(offset).saturating_add(datatype.size.into()) > self.size.into() {
            return at_offset.value("byte offset of member", offset);
        }
        Ok((i, Member { name, offset, datatype }))
    }

    /// A NUL-terminated name; versions 1 and 2 pad it to a multiple of 8 bytes.
    fn name(self, i: Span<'_>) -> Parsed<'_, String> {
        let Some(length) = nom::Input::position(&i, |byte| byte == 0) else {
            return i.fail(Problem::Text("name without terminating NUL"));
        };
        let (rest, name) = bytes(wide(length), i)?;
        let taken = wide(length).saturating_add(1);
        let padded = if self.version < 3 { taken.next_multiple_of(8) } else { taken };
        let (rest, ()) = skip(padded.saturating_sub(wide(length)), rest)?;
        Ok((rest, String::from_utf8_lossy(name.bytes()).into_owned()))
    }

    fn enumeration(self, i: Span<'_>) -> Parsed<'_, Class> {
        let members = self.bits & 0xffff;
        let (at_names, base) = Datatype::parse_at(self.depth, i)?;
        if base.size != self.size {
            let (found, expected) = (base.size.into(), self.size.into());
            return i.fail(Problem::Mismatch { field: "size of base type", found, expected });
        }
        if u64::from(members) > length_of(&at_names) {
            return i.value("number of members", members);
        }
        let (i, names) = count(|i| self.name(i), narrow(members.into())).parse(at_names)?;
        let (i, values) = count(|i| bytes(base.size.into(), i), narrow(members.into())).parse(i)?;
        let members = names.into_iter().zip(values.iter().map(|value| value.bytes().to_vec())).collect();
        Ok((i, Class::Enumeration { base: Box::new(base), members }))
    }

    fn variable_length<'a>(self, start: Span<'a>, i: Span<'a>) -> Parsed<'a, Class> {
        let (rest, base) = Datatype::parse_at(self.depth, i)?;
        match self.bits & 0x0f {
            0 => Ok((rest, Class::Sequence(Box::new(base)))),
            1 => Ok((rest, Class::VariableString(text(self.bits >> 4, start)?.1))),
            kind => start.value("variable-length type", kind),
        }
    }

    fn array(self, i: Span<'_>) -> Parsed<'_, Class> {
        let start = i;
        let (i, rank) = le_u8(start)?;
        if rank == 0 || rank > 32 {
            return start.value("dimensionality", rank);
        }
        let (i, ()) = skip(if self.version < 3 { 3 } else { 0 }, i)?;
        let (i, dimensions) = count(le_u32, rank.into()).parse(i)?;
        let permutations = if self.version < 3 { u64::from(rank).saturating_mul(4) } else { 0 };
        let (i, ()) = skip(permutations, i)?;
        let (i, base) = Datatype::parse_at(self.depth, i)?;
        let (_, array) = array_of(start, dimensions, base)?;
        if array.size != self.size {
            let (found, expected) = (array.size.into(), self.size.into());
            return start.fail(Problem::Mismatch { field: "size of array", found, expected });
        }
        Ok((i, array.class))
    }

    fn complex(self, i: Span<'_>) -> Parsed<'_, Class> {
        // Bit 0: both parts have one type; bits 1 and 2: rectangular form. libhdf5 2.x writes no other.
        if self.bits & 7 != 1 {
            return i.value("complex form", self.bits & 7);
        }
        let (rest, base) = Datatype::parse_at(self.depth, i)?;
        if Some(self.size) != base.size.checked_mul(2) {
            let (found, expected) = (self.size.into(), u64::from(base.size).saturating_mul(2));
            return i.fail(Problem::Mismatch { field: "size of complex", found, expected });
        }
        Ok((rest, Class::Complex(Box::new(base))))
    }
}

/// Padding (bits 0 to 3) and character set (bits 4 to 7) of text.
fn text(bits: u32, i: Span<'_>) -> Parsed<'_, Text> {
    let padding = match bits & 0x0f {
        0 => Padding::NullTerminated,
        1 => Padding::NullPadded,
        2 => Padding::SpacePadded,
        other => return i.value("padding type", other),
    };
    let charset = match (bits >> 4) & 0x0f {
        0 => Charset::Ascii,
        1 => Charset::Utf8,
        other => return i.value("character set", other),
    };
    Ok((i, Text { padding, charset }))
}

/// The dimensions that a member of a version 1 compound may have: rank, permutation, and always four sizes.
fn member_dimensions(i: Span<'_>) -> Parsed<'_, Vec<u32>> {
    let (rest, rank) = le_u8(i)?;
    if rank > 4 {
        return i.value("dimensionality", rank);
    }
    let (rest, ()) = skip(3, rest)?;
    let (rest, _permutation) = le_u32(rest)?;
    let (rest, ()) = skip(4, rest)?;
    let (rest, mut dimensions) = count(le_u32, 4).parse(rest)?;
    dimensions.truncate(rank.into());
    Ok((rest, dimensions))
}

/// The array type of `base` elements.
fn array_of(i: Span<'_>, dimensions: Vec<u32>, base: Datatype) -> Parsed<'_, Datatype> {
    if dimensions.contains(&0) {
        return i.value("dimension size", 0_u8);
    }
    let Some(size) = dimensions.iter().try_fold(base.size, |size, n| size.checked_mul(*n)) else {
        return i.fail(Problem::Overflow("size of array"));
    };
    Ok((i, Datatype { size, class: Class::Array { dimensions, base: Box::new(base) } }))
}
