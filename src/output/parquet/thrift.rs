//! Thrift's compact protocol, in which footers and page headers are written (`thrift-compact-protocol.md` of Apache Thrift).

use super::error::Wrong;
use crate::error::Problem;

/// Structs and lists within each other that are passed over.
const DEPTH: u32 = 16;

/// What a field or an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    True,
    False,
    I8,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List,
    Set,
    Map,
    Struct,
}

const KINDS: [Kind; 12] = [
    Kind::True,
    Kind::False,
    Kind::I8,
    Kind::I16,
    Kind::I32,
    Kind::I64,
    Kind::Double,
    Kind::Binary,
    Kind::List,
    Kind::Set,
    Kind::Map,
    Kind::Struct,
];

impl Kind {
    /// Kinds are numbered from 1; 0 ends a struct.
    fn of(nibble: u8) -> Option<Self> {
        KINDS.get(usize::from(nibble.checked_sub(1)?)).copied()
    }

    fn nibble(self) -> u8 {
        let position = KINDS.iter().position(|kind| *kind == self).and_then(|position| u8::try_from(position).ok());
        position.map_or(0, |position| position.saturating_add(1))
    }
}

/// A field of a struct: its number and what it is.
pub(crate) type Field = (i16, Kind);

/// Bytes that are read from the front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    /// What is read, in errors.
    part: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], part: &'static str) -> Self {
        Self { bytes, part }
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// The next field, where the last one's number was `last`; `None` ends the struct.
    pub(crate) fn field(&mut self, last: &mut i16) -> Result<Option<Field>, Wrong> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        let kind = Kind::of(byte & 0x0f).ok_or(self.wrong("field type", i64::from(byte & 0x0f)))?;
        let id = match byte >> 4 {
            0 => i16::try_from(self.integer()?).ok(),
            delta => last.checked_add(delta.into()),
        };
        *last = id.ok_or(Wrong::new(self.part, Problem::Overflow("field number")))?;
        Ok(Some((*last, kind)))
    }

    /// An integer of any width.
    pub(crate) fn integer(&mut self) -> Result<i64, Wrong> {
        let zigzag = self.varint()?;
        let magnitude = i64::try_from(zigzag >> 1).unwrap_or(0);
        Ok(if zigzag & 1 == 0 { magnitude } else { !magnitude })
    }

    pub(crate) fn binary(&mut self) -> Result<&'a [u8], Wrong> {
        let length = self.varint()?;
        let split = usize::try_from(length).ok().and_then(|length| self.bytes.split_at_checked(length));
        let (taken, rest) = split.ok_or(self.truncated())?;
        self.bytes = rest;
        Ok(taken)
    }

    /// How many elements a list has, and what they are. Each has a byte at least.
    pub(crate) fn list(&mut self) -> Result<(u64, Kind), Wrong> {
        let byte = self.byte()?;
        if byte == 0 {
            // fastparquet 2026.9 gives an empty list no type: testdata/parquet/kerchunk.
            return Ok((0, Kind::Struct));
        }
        let kind = Kind::of(byte & 0x0f).ok_or(self.wrong("element type", i64::from(byte & 0x0f)))?;
        let count = match byte >> 4 {
            15 => self.varint()?,
            count => count.into(),
        };
        self.there(count)?;
        Ok((count, kind))
    }

    /// Passes over a value.
    pub(crate) fn skip(&mut self, kind: Kind) -> Result<(), Wrong> {
        // Of a field, the kind is the value.
        if matches!(kind, Kind::True | Kind::False) { Ok(()) } else { self.pass(kind, DEPTH) }
    }

    fn pass(&mut self, kind: Kind, depth: u32) -> Result<(), Wrong> {
        let deeper = depth.checked_sub(1).ok_or(Wrong::feature("a Thrift struct of more than 16 levels"))?;
        match kind {
            // Of an element, the value is a byte.
            Kind::True | Kind::False | Kind::I8 => self.byte().map(drop),
            Kind::I16 | Kind::I32 | Kind::I64 => self.varint().map(drop),
            Kind::Double => (0..8).try_for_each(|_| self.byte().map(drop)),
            Kind::Binary => self.binary().map(drop),
            Kind::List | Kind::Set => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.pass(kind, deeper))
            }
            Kind::Map => self.pass_map(deeper),
            Kind::Struct => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    if !matches!(kind, Kind::True | Kind::False) {
                        self.pass(kind, deeper)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn pass_map(&mut self, deeper: u32) -> Result<(), Wrong> {
        let count = self.varint()?;
        if count == 0 {
            return Ok(());
        }
        self.there(count)?;
        let kinds = self.byte()?;
        let key = Kind::of(kinds >> 4).ok_or(self.wrong("key type", i64::from(kinds >> 4)))?;
        let value = Kind::of(kinds & 0x0f).ok_or(self.wrong("value type", i64::from(kinds & 0x0f)))?;
        (0..count).try_for_each(|_| {
            self.pass(key, deeper)?;
            self.pass(value, deeper)
        })
    }

    /// As many bytes, at least, are left.
    fn there(&self, count: u64) -> Result<(), Wrong> {
        let left = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        if count > left { Err(self.truncated()) } else { Ok(()) }
    }

    fn byte(&mut self) -> Result<u8, Wrong> {
        let (byte, rest) = self.bytes.split_first().ok_or(self.truncated())?;
        self.bytes = rest;
        Ok(*byte)
    }

    fn varint(&mut self) -> Result<u64, Wrong> {
        let (value, rest) = varint(self.bytes).ok_or(self.truncated())?;
        self.bytes = rest;
        Ok(value)
    }

    fn truncated(&self) -> Wrong {
        Wrong::new(self.part, Problem::Truncated)
    }

    fn wrong(&self, field: &'static str, value: i64) -> Wrong {
        Wrong::value(self.part, field, value)
    }
}

/// A number of seven bits a byte, the lowest first (ULEB128), and what comes after it; `None` where it does not end, or not in 64 bits.
pub(crate) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (mut rest, mut value) = (bytes, 0_u64);
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        rest = after;
        let part = u64::from(byte & 0x7f);
        value |= part.checked_shl(shift).filter(|shifted| shifted >> shift == part)?;
        if byte & 0x80 == 0 {
            return Some((value, rest));
        }
    }
    None
}

/// Appends a number of seven bits a byte.
pub(crate) fn push_varint(mut value: u64, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// A struct that is written.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    last: i16,
}

impl Writer {
    pub(crate) fn i32(mut self, id: i16, value: i32) -> Self {
        self.begin(id, Kind::I32);
        push_varint(zigzag(value.into()), &mut self.bytes);
        self
    }

    pub(crate) fn i64(mut self, id: i16, value: i64) -> Self {
        self.begin(id, Kind::I64);
        push_varint(zigzag(value), &mut self.bytes);
        self
    }

    pub(crate) fn text(mut self, id: i16, text: &str) -> Self {
        self.begin(id, Kind::Binary);
        push_text(text, &mut self.bytes);
        self
    }

    pub(crate) fn structure(mut self, id: i16, inner: Self) -> Self {
        self.begin(id, Kind::Struct);
        self.bytes.extend(inner.end());
        self
    }

    pub(crate) fn structures(mut self, id: i16, inner: Vec<Self>) -> Self {
        self.list(id, Kind::Struct, inner.len());
        for inner in inner {
            self.bytes.extend(inner.end());
        }
        self
    }

    pub(crate) fn i32s(mut self, id: i16, values: &[i32]) -> Self {
        self.list(id, Kind::I32, values.len());
        for value in values {
            push_varint(zigzag((*value).into()), &mut self.bytes);
        }
        self
    }

    pub(crate) fn texts(mut self, id: i16, texts: &[&str]) -> Self {
        self.list(id, Kind::Binary, texts.len());
        for text in texts {
            push_text(text, &mut self.bytes);
        }
        self
    }

    /// The struct's bytes.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }

    fn begin(&mut self, id: i16, kind: Kind) {
        // Numbers of fields ascend by less than 16 in every struct of Parquet.
        let delta = u8::try_from(id.saturating_sub(self.last)).unwrap_or(0);
        self.last = id;
        self.bytes.push(delta << 4 | kind.nibble());
    }

    fn list(&mut self, id: i16, kind: Kind, count: usize) {
        self.begin(id, Kind::List);
        if let Ok(few @ 0..15) = u8::try_from(count) {
            self.bytes.push(few << 4 | kind.nibble());
        } else {
            self.bytes.push(0xf0 | kind.nibble());
            push_varint(u64::try_from(count).unwrap_or(u64::MAX), &mut self.bytes);
        }
    }
}

fn push_text(text: &str, out: &mut Vec<u8>) {
    push_varint(u64::try_from(text.len()).unwrap_or(u64::MAX), out);
    out.extend_from_slice(text.as_bytes());
}

/// Small magnitudes as small numbers: 0, -1, 1, -2, ..
fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PART: &str = "struct";

    #[test]
    fn a_struct_is_a_field_after_the_other_and_a_zero() {
        let written = Writer::default()
            .i32(1, 1)
            .i64(5, -2)
            .text(6, "ab")
            .structure(7, Writer::default().texts(3, &["c"]))
            .i32s(8, &[0; 15])
            .end();
        let expected = [
            &[0x15, 2][..],            // field 1, i32: 1
            &[0x46, 3],                // field 5, i64: -2
            &[0x18, 2, b'a', b'b'],    // field 6, binary
            &[0x1c],                   // field 7, struct
            &[0x39, 0x18, 1, b'c', 0], // its field 3, a list of one binary
            &[0x19, 0xf5, 15],         // field 8, a list of 15 i32
            &[0; 15],
            &[0],
        ];
        assert_eq!(written, expected.concat());
    }

    #[test]
    fn fields_are_read_or_passed_over() {
        let bytes = [
            &[0x15, 3][..],                     // field 1, i32: -2
            &[0x05, 0x64, 2],                   // field 50 by its number, i32: 1
            &[0x11, 0x12],                      // fields 51 and 52: true, false
            &[0x17, 0, 0, 0, 0, 0, 0, 0, 0],    // field 53, double
            &[0x1b, 1, 0x85, 1, b'k', 4],       // field 54, a map of one binary to i32
            &[0x19, 0x21, 1, 0],                // field 55, a list of two booleans
            &[0x1c, 0x13, 7, 0x1c, 0x12, 0, 0], // field 56, a struct of a byte and a struct
            &[0x18, 1, b'z', 0],                // field 57, binary; the end
            &[99],
        ]
        .concat();
        let mut reader = Reader::new(&bytes, PART);
        let mut last = 0;
        assert_eq!(reader.field(&mut last), Ok(Some((1, Kind::I32))));
        assert_eq!(reader.integer(), Ok(-2));
        let mut kinds = Vec::new();
        while let Some((id, kind)) = reader.field(&mut last).unwrap() {
            kinds.push((id, kind));
            reader.skip(kind).unwrap();
        }
        let expected = [
            (50, Kind::I32),
            (51, Kind::True),
            (52, Kind::False),
            (53, Kind::Double),
            (54, Kind::Map),
            (55, Kind::List),
            (56, Kind::Struct),
            (57, Kind::Binary),
        ];
        assert_eq!((kinds.as_slice(), reader.rest()), (&expected[..], &[99][..]));
    }

    #[test]
    fn depth_and_counts_are_bounded() {
        let deep = [&[0x1c; 40][..], &[0; 40]].concat();
        assert_eq!(
            Reader::new(&deep, PART).skip(Kind::Struct).unwrap_err().to_string(),
            "a Thrift struct of more than 16 levels is not supported"
        );
        let many = [0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f, 0];
        assert_eq!(
            Reader::new(&many, PART).list().unwrap_err().to_string(),
            "struct: the bytes end inside the structure"
        );
        assert_eq!(Reader::new(&[0x1e], PART).field(&mut 0).unwrap_err().to_string(), "struct: field type is 14");
        assert_eq!(
            Reader::new(&[0xf5], PART).field(&mut i16::MAX.clone()).unwrap_err().to_string(),
            "struct: field number overflows"
        );
    }

    #[test]
    fn numbers_have_64_bits() {
        let longest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(varint(&longest), Some((u64::MAX, &[][..])));
        let over = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
        assert_eq!((varint(&over), varint(&[0x80])), (None, None));
    }

    proptest! {
        #[test]
        fn numbers_come_back_as_they_were(value: i64) {
            let written = Writer::default().i64(1, value).end();
            let mut reader = Reader::new(&written, PART);
            reader.field(&mut 0).unwrap();
            prop_assert_eq!((reader.integer(), reader.rest()), (Ok(value), &[0][..]));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut reader = Reader::new(&bytes, PART);
            let _ = reader.skip(Kind::Struct);
            prop_assert!(reader.rest().len() <= bytes.len());
        }
    }
}
