//! The header of the netCDF classic formats: CDF-1, CDF-2 with 64-bit offsets, CDF-5 with 64-bit data (netCDF's "File Format
//! Specifications", and `libsrc/v1hpg.c` of netCDF-C, which decides).

use nom::number::complete::{be_u32, be_u64};

use crate::error::Problem;
use crate::field::convert::wide;
use crate::field::{Parsed, Span, bytes, signature, skip};

/// What such a file begins with; the version follows.
pub(crate) const MAGIC: &[u8] = b"CDF";

/// `NC_DIMENSION`, `NC_VARIABLE` and `NC_ATTRIBUTE`: what a list is of.
const DIMENSIONS: u32 = 10;
const VARIABLES: u32 = 11;
const ATTRIBUTES: u32 = 12;

/// The header of a file: all that it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    /// How many records there are; `None` while a writer streams them.
    pub(crate) records: Option<u64>,
    pub(crate) dimensions: Vec<Dimension<'a>>,
    pub(crate) attributes: Vec<Attribute<'a>>,
    pub(crate) variables: Vec<Variable<'a>>,
    /// Bytes of the header.
    pub(crate) length: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dimension<'a> {
    pub(crate) name: &'a [u8],
    /// How many elements it has; `None` is the record dimension.
    pub(crate) length: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) element: Element,
    pub(crate) count: u64,
    /// The elements, without what they are padded with.
    pub(crate) values: Span<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable<'a> {
    pub(crate) name: &'a [u8],
    /// Positions among the dimensions; all are there.
    pub(crate) dimensions: Vec<usize>,
    pub(crate) attributes: Vec<Attribute<'a>>,
    pub(crate) element: Element,
    /// File offset of its first element.
    pub(crate) begin: u64,
    /// Where the header says so.
    pub(crate) begin_at: u64,
}

/// The types of elements, all big-endian (`nc_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    /// So many bytes, with a sign or without.
    Integer {
        bytes: u8,
        signed: bool,
    },
    Float {
        bytes: u8,
    },
    Char,
}

impl Element {
    /// Bytes of one.
    pub(crate) fn size(self) -> u8 {
        match self {
            Self::Integer { bytes, .. } | Self::Float { bytes } => bytes,
            Self::Char => 1,
        }
    }

    /// The types from `NC_UBYTE` on are those of CDF-5.
    fn parse(version: Version, i: Span<'_>) -> Parsed<'_, Self> {
        let (rest, number) = be_u32(i)?;
        let integer = |bytes, signed| Self::Integer { bytes, signed };
        let element = match number {
            1 => integer(1, true),
            2 => Self::Char,
            3 => integer(2, true),
            4 => integer(4, true),
            5 => Self::Float { bytes: 4 },
            6 => Self::Float { bytes: 8 },
            7 if version == Version::Data64 => integer(1, false),
            8 if version == Version::Data64 => integer(2, false),
            9 if version == Version::Data64 => integer(4, false),
            10 if version == Version::Data64 => integer(8, true),
            11 if version == Version::Data64 => integer(8, false),
            _ => return i.value("nc_type", number),
        };
        Ok((rest, element))
    }
}

/// What decides how wide counts and offsets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Classic,
    Offset64,
    Data64,
}

impl Version {
    fn parse(i: Span<'_>) -> Parsed<'_, Self> {
        let (rest, version) = nom::number::complete::be_u8(i)?;
        match version {
            1 => Ok((rest, Self::Classic)),
            2 => Ok((rest, Self::Offset64)),
            5 => Ok((rest, Self::Data64)),
            _ => i.value("version", version),
        }
    }

    /// A count or a length (`NON_NEG`).
    fn count<'a>(self, field: &'static str, i: Span<'a>) -> Parsed<'a, u64> {
        let (rest, count, negative) = match self {
            Self::Data64 => {
                let (rest, count) = be_u64(i)?;
                (rest, count, i64::try_from(count).is_err())
            }
            Self::Classic | Self::Offset64 => {
                let (rest, count) = be_u32(i)?;
                (rest, count.into(), i32::try_from(count).is_err())
            }
        };
        if negative { i.value(field, count) } else { Ok((rest, count)) }
    }

    /// How many records there are; all ones while they are streamed (`STREAMING`).
    fn records(self, i: Span<'_>) -> Parsed<'_, Option<u64>> {
        let width = if self == Self::Data64 { 8 } else { 4 };
        let (rest, field) = bytes(width, i)?;
        if field.bytes().iter().all(|byte| *byte == 0xff) {
            return Ok((rest, None));
        }
        let (rest, records) = self.count("numrecs", i)?;
        Ok((rest, Some(records)))
    }

    /// The offset of a variable in the file (`OFFSET`).
    fn offset(self, i: Span<'_>) -> Parsed<'_, u64> {
        let (rest, offset) = match self {
            Self::Classic => be_u32(i).map(|(rest, offset)| (rest, u64::from(offset)))?,
            Self::Offset64 | Self::Data64 => be_u64(i)?,
        };
        if i64::try_from(offset).is_err() { i.value("begin", offset) } else { Ok((rest, offset)) }
    }
}

impl<'a> Header<'a> {
    /// `i` starts at the file's first byte, and may go on after the header.
    pub(crate) fn parse(i: Span<'a>) -> Parsed<'a, Self> {
        let start = i;
        let (i, ()) = signature("CDF", i)?;
        let (i, version) = Version::parse(i)?;
        let (i, records) = version.records(i)?;
        let (i, dimensions) = list(DIMENSIONS, version, i, dimension)?;
        let (i, attributes) = list(ATTRIBUTES, version, i, attribute)?;
        let known = wide(dimensions.len());
        let (i, variables) = list(VARIABLES, version, i, |version, i| variable(version, known, i))?;
        let length = wide(start.until(&i).len());
        Ok((i, Self { records, dimensions, attributes, variables, length }))
    }
}

/// A list of one kind of thing. Where it is empty its kind means nothing (`ABSENT`; netCDF-C does not look at it).
fn list<'a, T>(
    kind: u32,
    version: Version,
    i: Span<'a>,
    item: impl Fn(Version, Span<'a>) -> Parsed<'a, T>,
) -> Parsed<'a, Vec<T>> {
    let (after, found) = be_u32(i)?;
    let (mut rest, count) = version.count("nelems", after)?;
    if count > 0 && found != kind {
        return i.value("list tag", found);
    }
    let mut items = Vec::new();
    // Each takes bytes: a count that is too large ends with them.
    for _ in 0..count {
        let (next, one) = item(version, rest)?;
        items.push(one);
        rest = next;
    }
    Ok((rest, items))
}

fn dimension(version: Version, i: Span<'_>) -> Parsed<'_, Dimension<'_>> {
    let (i, name) = name(version, i)?;
    let (i, length) = version.count("dim_length", i)?;
    Ok((i, Dimension { name, length: Some(length).filter(|length| *length > 0) }))
}

fn attribute(version: Version, i: Span<'_>) -> Parsed<'_, Attribute<'_>> {
    let (i, name) = name(version, i)?;
    let (i, element) = Element::parse(version, i)?;
    let (at, count) = version.count("nelems", i)?;
    let Some(length) = count.checked_mul(element.size().into()) else { return i.fail(Problem::Overflow("nelems")) };
    let (i, values) = padded(length, at)?;
    Ok((i, Attribute { name, element, count, values }))
}

fn variable(version: Version, known: u64, i: Span<'_>) -> Parsed<'_, Variable<'_>> {
    let (i, name) = name(version, i)?;
    let (mut i, rank) = version.count("nelems", i)?;
    let mut dimensions = Vec::new();
    for _ in 0..rank {
        let (rest, id) = version.count("dimid", i)?;
        match usize::try_from(id) {
            Ok(at) if id < known => dimensions.push(at),
            _ => return i.value("dimid", id),
        }
        i = rest;
    }
    let (i, attributes) = list(ATTRIBUTES, version, i, attribute)?;
    let (i, element) = Element::parse(version, i)?;
    // What a variable of more than 4 GiB cannot say here; netCDF-C goes by the shape instead.
    let (i, ()) = skip(if version == Version::Data64 { 8 } else { 4 }, i)?;
    let begin_at = i.at();
    let (i, begin) = version.offset(i)?;
    Ok((i, Variable { name, dimensions, attributes, element, begin, begin_at }))
}

fn name(version: Version, i: Span<'_>) -> Parsed<'_, &[u8]> {
    let (i, length) = version.count("nelems", i)?;
    let (i, name) = padded(length, i)?;
    Ok((i, name.bytes()))
}

/// Bytes that are followed by as many as make a multiple of four of them; what these are is not looked at.
fn padded(length: u64, i: Span<'_>) -> Parsed<'_, Span<'_>> {
    let (i, found) = bytes(length, i)?;
    let (i, ()) = skip(length.wrapping_neg() % 4, i)?;
    Ok((i, found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Structure;
    use crate::structure::parse;

    /// Bytes of a header in the making, of a version.
    struct Writer {
        version: u8,
        bytes: Vec<u8>,
    }

    impl Writer {
        fn new(version: u8, records: u64) -> Self {
            let mut new = Self { version, bytes: [MAGIC, &[version]].concat() };
            new.count(records);
            new
        }

        fn word(&mut self, word: u32) {
            self.bytes.extend(word.to_be_bytes());
        }

        fn count(&mut self, count: u64) {
            if self.version == 5 {
                self.bytes.extend(count.to_be_bytes());
            } else {
                self.word(u32::try_from(count).unwrap());
            }
        }

        fn list(&mut self, kind: u32, count: u64) {
            self.word(kind);
            self.count(count);
        }

        fn padded(&mut self, bytes: &[u8]) {
            self.count(bytes.len() as u64);
            self.bytes.extend(bytes);
            while !self.bytes.len().is_multiple_of(4) {
                self.bytes.push(0);
            }
        }

        /// Two dimensions, an attribute, and a variable with one of its own.
        fn example(version: u8) -> Vec<u8> {
            let mut w = Self::new(version, 7);
            w.list(DIMENSIONS, 2);
            w.padded(b"t");
            w.count(0);
            w.padded(b"lat-x");
            w.count(3);
            w.list(ATTRIBUTES, 1);
            w.padded(b"title");
            w.word(2);
            w.padded(b"no");
            w.list(VARIABLES, 1);
            w.padded(b"v");
            w.count(2);
            w.count(0);
            w.count(1);
            w.list(ATTRIBUTES, 1);
            w.padded(b"_FillValue");
            w.word(3);
            w.count(1);
            w.bytes.extend([0xff, 0xfe, 0, 0]);
            w.word(3);
            w.count(8);
            if version == 1 {
                w.word(0x1234);
            } else {
                w.bytes.extend(0x1_0000_1234_u64.to_be_bytes());
            }
            w.bytes
        }
    }

    fn header(bytes: &[u8]) -> Header<'_> {
        parse(Structure::Classic, Span::new(bytes, 0), Header::parse).unwrap()
    }

    fn told(bytes: &[u8]) -> String {
        parse(Structure::Classic, Span::new(bytes, 0), Header::parse)
            .err()
            .map_or(String::new(), |error| error.to_string())
    }

    #[test]
    fn the_three_versions_differ_in_widths_only() {
        for (version, begin) in [(1, 0x1234), (2, 0x1_0000_1234), (5, 0x1_0000_1234)] {
            let bytes = Writer::example(version);
            let header = header(&bytes);
            assert_eq!(header.records, Some(7));
            let dimensions: Vec<_> = header.dimensions.iter().map(|one| (one.name, one.length)).collect();
            assert_eq!(dimensions, [(&b"t"[..], None), (b"lat-x", Some(3))]);
            let title = header.attributes[0];
            assert_eq!((title.name, title.element, title.values.bytes()), (&b"title"[..], Element::Char, &b"no"[..]));
            let [v] = &header.variables[..] else { panic!() };
            assert_eq!((v.name, &v.dimensions[..], v.begin), (&b"v"[..], &[0, 1][..], begin));
            let short = Element::Integer { bytes: 2, signed: true };
            let fill = v.attributes[0];
            assert_eq!(
                (v.element, fill.element, fill.count, fill.values.bytes()),
                (short, short, 1, &[0xff, 0xfe][..])
            );
        }
    }

    #[test]
    fn every_prefix_is_cut_off_and_what_follows_is_not_looked_at() {
        for version in [1, 2, 5] {
            let bytes = Writer::example(version);
            for end in 0..bytes.len() {
                assert!(told(&bytes[..end]).contains("the bytes end inside the structure"), "{version}: {end}");
            }
            let longer = [&bytes[..], b"more"].concat();
            assert_eq!(header(&longer), header(&bytes));
        }
    }

    #[test]
    fn records_that_are_streamed_are_not_counted() {
        let empty = |version, records| {
            let mut w = Writer::new(version, records);
            (0..3).for_each(|_| w.list(0, 0));
            w.bytes
        };
        assert_eq!(header(&empty(1, 0xffff_ffff)).records, None);
        assert_eq!(header(&empty(5, u64::MAX)).records, None);
        assert_eq!(header(&empty(5, 0xffff_ffff)).records, Some(0xffff_ffff));
        assert_eq!(told(&empty(2, 0x8000_0000)), "netCDF classic header at 0x0: numrecs is 2147483648 (at 0x4)");
    }

    #[test]
    fn what_no_version_has_is_refused() {
        assert_eq!(told(b"CDF\x03"), "netCDF classic header at 0x0: version is 3 (at 0x3)");
        assert_eq!(told(b"CDX\x01"), "netCDF classic header at 0x0: signature is not \"CDF\" (at 0x0)");
        let mut wrong = Writer::new(1, 0);
        wrong.list(VARIABLES, 1);
        assert_eq!(told(&wrong.bytes), "netCDF classic header at 0x0: list tag is 11 (at 0x8)");
        let typed = |version, number: u32| {
            let mut w = Writer::new(version, 0);
            w.list(0, 0);
            w.list(ATTRIBUTES, 1);
            w.padded(b"a");
            w.word(number);
            w.count(0);
            w.list(0, 0);
            told(&w.bytes)
        };
        assert_eq!(typed(5, 11), "");
        assert_eq!(typed(2, 7), "netCDF classic header at 0x0: nc_type is 7 (at 0x20)");
        assert_eq!(typed(5, 12), "netCDF classic header at 0x0: nc_type is 12 (at 0x30)");
        let example = Writer::example(1);
        let at = example.windows(8).position(|bytes| bytes == [0, 0, 0, 0, 0, 0, 0, 1]).unwrap();
        let changed = crate::structure::proofs::with(&example, at + 4, &2_u32.to_be_bytes());
        assert!(told(&changed).contains("dimid is 2"), "{}", told(&changed));
    }

    #[test]
    fn counts_that_are_too_large_end_with_the_bytes() {
        let mut w = Writer::new(5, 0);
        w.list(DIMENSIONS, i64::MAX as u64);
        assert!(told(&w.bytes).contains("the bytes end inside the structure"));
        let mut w = Writer::new(5, 0);
        w.list(0, 0);
        w.list(ATTRIBUTES, 1);
        w.padded(b"a");
        w.word(6);
        w.count(i64::MAX as u64);
        assert!(told(&w.bytes).contains("nelems"), "{}", told(&w.bytes));
    }
}
