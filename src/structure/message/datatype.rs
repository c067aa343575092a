//! Datatype message ([IV.A.2.d]).

use nom::Parser;
use nom::multi::count;
use nom::number::complete::{le_u8, le_u16, le_u32};

use crate::error::{LimitError, Problem, Unsupported};
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

/// Levels that are read at most, whatever the limits are: types are walked by recursion, and a thread's stack has 2 MiB.
const DEEPEST: u64 = 128;

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
    /// What an array type is an array of, and its dimensions; any other type is itself.
    pub(crate) fn without_arrays(&self) -> (&Self, Vec<u64>) {
        let (mut base, mut all) = (self, Vec::new());
        while let Class::Array { dimensions, base: inner } = &base.class {
            all.extend(dimensions.iter().copied().map(u64::from));
            base = inner;
        }
        (base, all)
    }

    /// Bytes that only make sense together: an array of numbers is numbers, however many, and any other element is one thing.
    pub(crate) fn unit(&self) -> u32 {
        let base = self.without_arrays().0;
        match base.class {
            Class::FixedPoint { .. } | Class::FloatingPoint { .. } | Class::BitField { .. } => base.size,
            _ => self.size,
        }
    }

    /// `deepest` is how many types may lie in one another ([`Limits::datatype_depth`](crate::Limits)).
    pub(crate) fn parse(deepest: u64, i: Span<'_>) -> Parsed<'_, Self> {
        Self::parse_at(Depth { level: 0, deepest }, i)
    }

    fn parse_at(depth: Depth, i: Span<'_>) -> Parsed<'_, Self> {
        let depth = match depth.below() {
            Ok(depth) if depth.level > DEEPEST => {
                return i.unsupported(Unsupported::Feature("a datatype of more than 128 levels"));
            }
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
        // Bit 6 has no meaning before version 3 (`H5O__dtype_decode_helper`).
        let order = match (self.bits & 1 != 0, self.version >= 3 && self.bits & 0x40 != 0) {
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
            // In messages of version 4, and of earlier ones by HDF5 1.11.
            2..=4 => Ok((i, Reference::Standard)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    // All but the tables of version 1 members with dimensions are written by libhdf5 2.0:
    // the lower versions with libver earliest, version 5 with libver latest.

    /// Signed, 16 bits, big-endian.
    const INTEGER: [u8; 12] = [
        0x10, // class and version: fixed-point, 1
        0x09, 0, 0, // class bit field: big-endian, signed
        2, 0, 0, 0, // size
        0, 0, // bit offset
        16, 0, // bit precision
    ];

    const FLOAT: [u8; 20] = [
        0x11, // class and version: floating-point, 1
        0x20, 0x1f, 0, // class bit field: implied mantissa bit, sign in bit 31
        4, 0, 0, 0, // size
        0, 0, // bit offset
        32, 0,  // bit precision
        23, // exponent location
        8,  // exponent size
        0,  // mantissa location
        23, // mantissa size
        127, 0, 0, 0, // exponent bias
    ];

    const OPAQUE: [u8; 24] = [
        0x15, // class and version: opaque, 1
        16, 0, 0, // class bit field: length of tag
        3, 0, 0, 0, // size
        b'j', b'p', b'e', b'g', b' ', b'b', b'l', b'o', b'c', b'k', 0, 0, 0, 0, 0, 0, // ASCII tag
    ];

    /// Version 1 compounds always have room for dimensions; here the second member has two.
    const COMPOUND_ONE: [u8; 120] = [
        0x16, // class and version: compound, 1
        2, 0, 0, // class bit field: number of members
        14, 0, 0, 0, // size
        b'a', 0, 0, 0, 0, 0, 0, 0, // name, padded to a multiple of 8
        0, 0, 0, 0, // byte offset of member
        0, // dimensionality
        0, 0, 0, // reserved
        0, 0, 0, 0, // dimension permutation
        0, 0, 0, 0, // reserved
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // dimension #1 to #4 size
        0x10, 8, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0, // member type
        b'e', b'i', b'g', b'h', b't', b'c', b'h', b'r', 0, 0, 0, 0, 0, 0, 0, 0, // name
        2, 0, 0, 0, // byte offset of member
        2, // dimensionality
        0, 0, 0, // reserved
        0, 0, 0, 0, // dimension permutation
        0, 0, 0, 0, // reserved
        2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // dimension #1 to #4 size
        0x10, 8, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0, // member type
    ];

    const COMPOUND_TWO: [u8; 92] = [
        0x26, // class and version: compound, 2
        2, 0, 0, // class bit field: number of members
        0x2c, 0x01, 0, 0, // size
        b'a', 0, 0, 0, 0, 0, 0, 0, // name, padded to a multiple of 8
        0, 0, 0, 0, // byte offset of member
        0x10, 8, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0, // member type
        b'l', b'o', b'n', b'g', b'n', b'a', b'm', b'e', 0, 0, 0, 0, 0, 0, 0, 0, // name
        0x00, 0x01, 0, 0,    // byte offset of member
        0x2a, // member type, class and version: array, 2
        0, 0, 0, // class bit field
        12, 0, 0, 0, // size
        2, // dimensionality
        0, 0, 0, // reserved
        2, 0, 0, 0, 3, 0, 0, 0, // dimension #1 and #2 size
        0, 0, 0, 0, 1, 0, 0, 0, // permutation index #1 and #2
        0x10, 8, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0, // base type
    ];

    const COMPOUND_FIVE: [u8; 64] = [
        0x56, // class and version: compound, 5
        2, 0, 0, // class bit field: number of members
        0x2c, 0x01, 0, 0, // size
        b'a', 0, // name
        0, 0, // byte offset of member, in as few bytes as the size takes
        0x10, 8, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0, // member type
        b'l', b'o', b'n', b'g', b'n', b'a', b'm', b'e', 0, // name
        0x00, 0x01, // byte offset of member
        0x5a, 0, 0, 0, // member type, class and version: array, 5
        12, 0, 0, 0, // size
        2, // dimensionality
        2, 0, 0, 0, 3, 0, 0, 0, // dimension #1 and #2 size
        0x10, 8, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0, // base type
    ];

    const ENUM_ONE: [u8; 38] = [
        0x18, // class and version: enumeration, 1
        2, 0, 0, // class bit field: number of members
        1, 0, 0, 0, // size
        0x10, 8, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0, // base type
        b'F', b'A', b'L', b'S', b'E', 0, 0, 0, // name, padded to a multiple of 8
        b'T', b'R', b'U', b'E', 0, 0, 0, 0, // name
        0, 1, // values
    ];

    const ENUM_FIVE: [u8; 33] = [
        0x58, // class and version: enumeration, 5
        2, 0, 0, // class bit field: number of members
        1, 0, 0, 0, // size
        0x10, 8, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0, // base type
        b'F', b'A', b'L', b'S', b'E', 0, // name
        b'T', b'R', b'U', b'E', 0, // name
        0, 1, // values
    ];

    const SEQUENCE: [u8; 20] = [
        0x19, // class and version: variable-length, 1
        0, 0, 0, // class bit field: sequence
        16, 0, 0, 0, // size
        0x10, 8, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0, // base type
    ];

    const TEXT: [u8; 20] = [
        0x19, // class and version: variable-length, 1
        0x01, 0x01, 0, // class bit field: string, null-terminated, UTF-8
        16, 0, 0, 0, // size
        0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0, // base type
    ];

    const COMPLEX: [u8; 28] = [
        0x5b, // class and version: complex, 5
        1, 0, 0, // class bit field: homogeneous, rectangular
        8, 0, 0, 0, // size
        0x11, 0x20, 0x1f, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0, // base type
    ];

    fn parse(bytes: &[u8]) -> Result<Datatype, Error> {
        crate::structure::parse(Structure::Datatype, Span::new(bytes, AT), |i| Datatype::parse(3, i))
    }

    fn whole(size: u32) -> Bits {
        Bits { offset: 0, precision: u16::try_from(size * 8).unwrap() }
    }

    fn integer(size: u32, signed: bool) -> Datatype {
        Datatype { size, class: Class::FixedPoint { order: ByteOrder::Little, signed, bits: whole(size) } }
    }

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
        Datatype { size: 4, class: Class::FloatingPoint { order: ByteOrder::Little, bits: whole(4), format } }
    }

    fn array() -> Datatype {
        let class = Class::Array { dimensions: vec![2, 3], base: Box::new(integer(2, true)) };
        Datatype { size: 12, class }
    }

    fn member(name: &str, offset: u32, datatype: Datatype) -> Member {
        Member { name: name.to_owned(), offset, datatype }
    }

    #[test]
    fn an_integer_may_fill_a_part_of_its_bytes() {
        let class = Class::FixedPoint { order: ByteOrder::Big, signed: true, bits: whole(2) };
        assert_eq!(parse(&INTEGER).unwrap(), Datatype { size: 2, class });
        let twelve = [0x10, 0, 0, 0, 2, 0, 0, 0, 2, 0, 12, 0];
        let bits = Bits { offset: 2, precision: 12 };
        let class = Class::FixedPoint { order: ByteOrder::Little, signed: false, bits };
        assert_eq!(parse(&twelve).unwrap(), Datatype { size: 2, class });
    }

    #[test]
    fn a_float_tells_how_its_bits_make_a_number() {
        assert_eq!(parse(&FLOAT).unwrap(), float());
    }

    /// libhdf5 2.0 reads the same orders from files whose bit 6 was set by hand.
    #[test]
    fn vax_order_exists_from_version_3_on() {
        let order = |head: [u8; 2]| match parse(&with(&FLOAT, 0, &head)).unwrap().class {
            Class::FloatingPoint { order, .. } => order,
            other => panic!("not a float: {other:?}"),
        };
        assert_eq!(order([0x31, 0x61]), ByteOrder::Vax);
        assert_eq!(order([0x11, 0x61]), ByteOrder::Big);
        assert_eq!(order([0x11, 0x60]), ByteOrder::Little);
    }

    #[test]
    fn classes_without_parts_have_a_line_each() {
        let time = Class::Time { order: ByteOrder::Little, precision: 32 };
        assert_eq!(parse(&[0x12, 0, 0, 0, 4, 0, 0, 0, 32, 0]).unwrap(), Datatype { size: 4, class: time });
        let text = Class::String(Text { padding: Padding::SpacePadded, charset: Charset::Utf8 });
        assert_eq!(parse(&[0x13, 0x12, 0, 0, 5, 0, 0, 0]).unwrap(), Datatype { size: 5, class: text });
        let text = Class::String(Text { padding: Padding::NullPadded, charset: Charset::Ascii });
        assert_eq!(parse(&[0x13, 0x01, 0, 0, 5, 0, 0, 0]).unwrap(), Datatype { size: 5, class: text });
        let bits = Class::BitField { order: ByteOrder::Big, bits: whole(1) };
        assert_eq!(parse(&[0x14, 1, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0]).unwrap(), Datatype { size: 1, class: bits });
        let opaque = Class::Opaque { tag: "jpeg block".to_owned() };
        assert_eq!(parse(&OPAQUE).unwrap(), Datatype { size: 3, class: opaque });
    }

    #[test]
    fn references_are_of_old_kinds_or_of_the_standard_one() {
        let reference = |bytes: [u8; 8]| parse(&bytes).unwrap();
        let old = |size, kind| Datatype { size, class: Class::Reference(kind) };
        assert_eq!(reference([0x17, 0, 0, 0, 8, 0, 0, 0]), old(8, Reference::Object));
        assert_eq!(reference([0x17, 1, 0, 0, 12, 0, 0, 0]), old(12, Reference::Region));
        for kind in [0x12, 0x13, 0x14] {
            assert_eq!(reference([0x47, kind, 0, 0, 18, 0, 0, 0]), old(18, Reference::Standard));
        }
    }

    #[test]
    fn a_version_1_member_with_dimensions_is_an_array() {
        let members = vec![member("a", 0, integer(1, true)), member("eightchr", 2, array())];
        assert_eq!(parse(&COMPOUND_ONE).unwrap(), Datatype { size: 14, class: Class::Compound(members) });
    }

    #[test]
    fn version_0_is_read_as_version_1() {
        assert_eq!(parse(&with(&COMPOUND_ONE, 0, &[0x06])).unwrap(), parse(&COMPOUND_ONE).unwrap());
    }

    #[test]
    fn a_version_2_member_has_a_padded_name_and_four_bytes_of_offset() {
        let members = vec![member("a", 0, integer(1, true)), member("longname", 256, array())];
        assert_eq!(parse(&COMPOUND_TWO).unwrap(), Datatype { size: 300, class: Class::Compound(members) });
    }

    #[test]
    fn a_compact_offset_takes_the_fewest_bytes() {
        assert_eq!(parse(&COMPOUND_FIVE).unwrap(), parse(&COMPOUND_TWO).unwrap());
        assert_eq!(parse(&with(&COMPOUND_FIVE, 0, &[0x36])).unwrap(), parse(&COMPOUND_TWO).unwrap());
        // 255 is the largest size whose offsets take one byte.
        let of = |size: [u8; 2], offset: &[u8]| {
            let head = [0x36, 1, 0, 0, size[0], size[1], 0, 0, b'a', 0];
            parse(&[&head, offset, &INTEGER].concat())
        };
        assert!(of([255, 0], &[9]).is_ok());
        assert!(of([0, 1], &[9, 0]).is_ok());
        assert!(of([0, 1], &[9]).is_err());
    }

    #[test]
    fn names_of_an_enumeration_are_padded_before_version_3() {
        let members = vec![("FALSE".to_owned(), vec![0]), ("TRUE".to_owned(), vec![1])];
        let class = Class::Enumeration { base: Box::new(integer(1, true)), members };
        let boolean = Datatype { size: 1, class };
        assert_eq!(parse(&ENUM_ONE).unwrap(), boolean);
        assert_eq!(parse(&ENUM_FIVE).unwrap(), boolean);
        assert_eq!(parse(&with(&ENUM_FIVE, 0, &[0x38])).unwrap(), boolean);
    }

    #[test]
    fn variable_length_is_a_sequence_or_text() {
        let class = Class::Sequence(Box::new(integer(2, true)));
        assert_eq!(parse(&SEQUENCE).unwrap(), Datatype { size: 16, class });
        let text = Text { padding: Padding::NullTerminated, charset: Charset::Utf8 };
        assert_eq!(parse(&TEXT).unwrap(), Datatype { size: 16, class: Class::VariableString(text) });
    }

    #[test]
    fn an_array_has_permutations_before_version_3() {
        assert_eq!(parse(&COMPOUND_TWO[52..]).unwrap(), array());
        assert_eq!(parse(&COMPOUND_FIVE[35..]).unwrap(), array());
    }

    #[test]
    fn a_complex_number_has_two_parts_of_one_type() {
        assert_eq!(parse(&COMPLEX).unwrap(), Datatype { size: 8, class: Class::Complex(Box::new(float())) });
    }

    /// What a change of `bytes` at `at` makes the parser say after the structure's name.
    fn told(bytes: &[u8], at: usize, others: &[u8]) -> String {
        let message = message_of(parse(&with(bytes, at, others)));
        message.strip_prefix("datatype message at 0x60: ").unwrap().to_owned()
    }

    #[test]
    fn problems_of_plain_types_are_told_at_their_fields() {
        assert_eq!(message_of(parse(&with(&INTEGER, 0, &[0x60]))), "datatype message at 0x60: version is 6 (at 0x60)");
        assert_eq!(told(&INTEGER, 0, &[0x1c]), "class is 12 (at 0x60)");
        assert_eq!(told(&INTEGER, 4, &[0]), "size is 0 (at 0x64)");
        assert_eq!(told(&INTEGER, 10, &[0]), "bit precision is 0 (at 0x6a)");
        assert_eq!(told(&INTEGER, 8, &[1]), "bit precision is 16 (at 0x6a)");
        assert_eq!(told(&FLOAT, 0, &[0x31, 0x60]), "byte order is 2 (at 0x60)");
        assert_eq!(told(&INTEGER, 0, &[0x13, 0x03]), "padding type is 3 (at 0x60)");
        assert_eq!(told(&INTEGER, 0, &[0x13, 0x20]), "character set is 2 (at 0x60)");
        assert_eq!(told(&INTEGER, 0, &[0x17, 5]), "reference type is 5 (at 0x60)");
        assert_eq!(told(&INTEGER, 0, &[0x47, 5]), "reference type is 5 (at 0x60)");
    }

    #[test]
    fn problems_of_compounds_are_told_at_their_fields() {
        assert_eq!(told(&COMPOUND_FIVE, 1, &[0]), "number of members is 0 (at 0x68)");
        assert_eq!(told(&COMPOUND_FIVE, 1, &[6]), "number of members is 6 (at 0x68)");
        assert_eq!(told(&COMPOUND_FIVE, 33, &[0x21]), "byte offset of member is 289 (at 0x81)");
        assert_eq!(told(&COMPOUND_ONE, 20, &[5]), "dimensionality is 5 (at 0x74)");
        assert_eq!(told(&COMPOUND_ONE, 92, &[0]), "dimension size is 0 (at 0xac)");
        assert_eq!(told(&COMPOUND_ONE, 92, &[0xff; 8]), "size of array overflows (at 0xac)");
        let nameless = [&[0x36, 1, 0, 0, 9, 0, 0, 0][..], &[b'a'; 12]].concat();
        assert_eq!(told(&nameless, 0, &[]), "name without terminating NUL is not valid text (at 0x68)");
    }

    #[test]
    fn problems_of_derived_types_are_told_at_their_fields() {
        assert_eq!(told(&ENUM_FIVE, 4, &[2]), "size of base type is 1, not 2 (at 0x68)");
        assert_eq!(told(&ENUM_FIVE, 1, &[14]), "number of members is 14 (at 0x68)");
        assert_eq!(told(&SEQUENCE, 1, &[2]), "variable-length type is 2 (at 0x60)");
        assert_eq!(told(&TEXT, 1, &[0x31]), "padding type is 3 (at 0x60)");
        assert_eq!(told(&TEXT, 2, &[2]), "character set is 2 (at 0x60)");
        let array = &COMPOUND_FIVE[35..];
        assert_eq!(told(array, 8, &[0]), "dimensionality is 0 (at 0x68)");
        assert_eq!(told(array, 8, &[33]), "dimensionality is 33 (at 0x68)");
        assert_eq!(told(array, 9, &[4]), "size of array is 24, not 12 (at 0x68)");
        assert_eq!(told(&COMPLEX, 1, &[3]), "complex form is 3 (at 0x68)");
        assert_eq!(told(&COMPLEX, 4, &[4]), "size of complex is 4, not 8 (at 0x68)");
    }

    #[test]
    fn types_lie_in_one_another_as_deep_as_the_limit_allows() {
        let vector = [0x5a, 0, 0, 0, 2, 0, 0, 0, 1, 1, 0, 0, 0]; // array of one element of two bytes
        let nested = |depth| parse(&[vector.repeat(depth), INTEGER.to_vec()].concat());
        assert!(nested(2).is_ok());
        assert_eq!(message_of(nested(3)), "4 exceeds Limits::datatype_depth = 3; raise it if the file is trusted");
    }

    #[test]
    fn no_limit_makes_recursion_deeper_than_the_stack() {
        let sequence = [0x19, 0, 0, 0, 16, 0, 0, 0];
        let nested = |levels: usize| {
            let bytes = [sequence.repeat(levels - 1), INTEGER.to_vec()].concat();
            crate::structure::parse(Structure::Datatype, Span::new(&bytes, AT), |i| Datatype::parse(u64::MAX, i))
                .map(drop)
        };
        assert!(nested(128).is_ok());
        assert_eq!(message_of(nested(129)), "a datatype of more than 128 levels is not supported");
        assert!(nested(100_000).is_err());
    }

    const ALL: [&[u8]; 11] = [
        &INTEGER,
        &FLOAT,
        &OPAQUE,
        &COMPOUND_ONE,
        &COMPOUND_TWO,
        &COMPOUND_FIVE,
        &ENUM_ONE,
        &ENUM_FIVE,
        &SEQUENCE,
        &TEXT,
        &COMPLEX,
    ];

    #[test]
    fn every_proper_prefix_is_refused() {
        for bytes in ALL {
            every_prefix_fails(bytes, parse);
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        for bytes in ALL {
            never_panics(bytes, |bytes| drop(parse(bytes)));
        }
    }
}
