//! Pages of a column: a header, and bytes that are compressed (`parquet.thrift`: `PageHeader`; `README.md` of Apache Parquet, "Data
//! Pages").

use bytes::Bytes;

use super::compression::{Codec, gzip};
use super::error::Wrong;
use super::thrift::{Kind, Reader, Writer};
use crate::error::Problem;
use crate::limits::Budget;

/// What pages are called in errors.
pub(crate) const PAGE: &str = "page";
const HEADER: &str = "page header";

/// How values are encoded (`Encoding`).
pub(crate) mod encoding {
    pub(crate) const PLAIN: i32 = 0;
    pub(crate) const RLE: i32 = 3;
    pub(crate) const RLE_DICTIONARY: i32 = 8;
}

/// The encodings of values that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Dictionary,
}

impl Encoding {
    fn of(number: i64) -> Result<Self, Wrong> {
        match number {
            0 => Ok(Self::Plain),
            2 | 8 => Ok(Self::Dictionary),
            4 => Err(Wrong::feature("the Parquet encoding BIT_PACKED")),
            5 => Err(Wrong::feature("the Parquet encoding DELTA_BINARY_PACKED")),
            6 => Err(Wrong::feature("the Parquet encoding DELTA_LENGTH_BYTE_ARRAY")),
            7 => Err(Wrong::feature("the Parquet encoding DELTA_BYTE_ARRAY")),
            9 => Err(Wrong::feature("the Parquet encoding BYTE_STREAM_SPLIT")),
            other => Err(Wrong::value(HEADER, "encoding", other)),
        }
    }
}

/// What a page holds, decompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Page {
    /// The values that indices of the column's data pages mean, plain.
    Dictionary {
        /// How many.
        count: u64,
        /// The values.
        values: Bytes,
    },
    /// Rows.
    Data {
        /// How many.
        count: u64,
        /// One level a row, as runs; empty where every value is there.
        levels: Bytes,
        /// How the values are encoded.
        encoding: Encoding,
        /// The values that are there.
        values: Bytes,
    },
    /// An index, which nobody needs.
    Other,
}

/// A page's header.
#[derive(Debug, Default)]
struct Header {
    kind: Option<i64>,
    uncompressed_page_size: Option<i64>,
    compressed_page_size: Option<i64>,
    crc: Option<i64>,
    /// The fields of `DataPageHeader`, `DictionaryPageHeader` or `DataPageHeaderV2`, by their numbers.
    fields: [Option<i64>; 8],
}

impl Header {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Wrong> {
        let mut header = Self::default();
        let mut last = 0;
        while let Some((id, kind)) = reader.field(&mut last)? {
            match (id, kind) {
                (1, Kind::I32) => header.kind = Some(reader.integer()?),
                (2, Kind::I32) => header.uncompressed_page_size = Some(reader.integer()?),
                (3, Kind::I32) => header.compressed_page_size = Some(reader.integer()?),
                (4, Kind::I32) => header.crc = Some(reader.integer()?),
                (5 | 7 | 8, Kind::Struct) => header.read_fields(reader)?,
                (_, kind) => reader.skip(kind)?,
            }
        }
        Ok(header)
    }

    fn read_fields(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        let mut last = 0;
        while let Some((id, kind)) = reader.field(&mut last)? {
            let value = match kind {
                Kind::I32 => Some(reader.integer()?),
                Kind::True => Some(1),
                Kind::False => Some(0),
                kind => {
                    reader.skip(kind)?;
                    None
                }
            };
            let field = usize::try_from(id).ok().and_then(|id| self.fields.get_mut(id));
            if let (Some(field), Some(value)) = (field, value) {
                *field = Some(value);
            }
        }
        Ok(())
    }

    /// A size or count, which is not negative.
    fn natural(field: &'static str, value: Option<i64>) -> Result<u64, Wrong> {
        let value = value.ok_or(Wrong::new(HEADER, Problem::Missing(field)))?;
        u64::try_from(value).map_err(|_| Wrong::value(HEADER, field, value))
    }

    fn field(&self, id: usize, name: &'static str) -> Result<u64, Wrong> {
        Self::natural(name, self.fields.get(id).copied().flatten())
    }

    fn encoding(&self, id: usize) -> Result<Encoding, Wrong> {
        let encoding = self.fields.get(id).copied().flatten();
        encoding.ok_or(Wrong::new(HEADER, Problem::Missing("encoding"))).and_then(Encoding::of)
    }
}

/// Pages of one column, one after another.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    rest: Bytes,
    codec: Codec,
    /// Whether there is a level for each row.
    optional: bool,
    /// What decompressed bytes are charged to.
    budget: &'a Budget,
}

impl<'a> Pages<'a> {
    pub(crate) fn new(bytes: Bytes, codec: Codec, optional: bool, budget: &'a Budget) -> Self {
        Self { rest: bytes, codec, optional, budget }
    }

    /// The next page; `None` where no byte is left.
    pub(crate) fn next(&mut self) -> Result<Option<Page>, Wrong> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut reader = Reader::new(&self.rest, HEADER);
        let header = Header::read(&mut reader)?;
        let size = Header::natural("compressed page size", header.compressed_page_size)?;
        let split = usize::try_from(size).ok().and_then(|size| reader.rest().split_at_checked(size));
        let (stored, rest) = split.ok_or(Wrong::new(PAGE, Problem::Truncated))?;
        let (stored, rest) = (self.rest.slice_ref(stored), self.rest.slice_ref(rest));
        self.rest = rest;
        verify(&header, &stored)?;
        self.budget.decoded(Header::natural("uncompressed page size", header.uncompressed_page_size)?)?;
        self.page(&header, &stored).map(Some)
    }

    fn page(&self, header: &Header, stored: &Bytes) -> Result<Page, Wrong> {
        let size = Header::natural("uncompressed page size", header.uncompressed_page_size)?;
        match header.kind {
            Some(0) => self.data_v1(header, &self.codec.decode(stored, size)?),
            Some(1) => Ok(Page::Other),
            Some(2) => {
                if header.encoding(2)? == Encoding::Dictionary && header.fields.get(2) != Some(&Some(2)) {
                    return Err(Wrong::value(HEADER, "encoding of a dictionary", 8));
                }
                let values = self.codec.decode(stored, size)?;
                Ok(Page::Dictionary { count: header.field(1, "number of values")?, values })
            }
            Some(3) => self.data_v2(header, stored, size),
            Some(other) => Err(Wrong::value(HEADER, "page type", other)),
            None => Err(Wrong::new(HEADER, Problem::Missing("page type"))),
        }
    }

    /// Version 1: the levels, with their size before them, are compressed with the values.
    fn data_v1(&self, header: &Header, bytes: &Bytes) -> Result<Page, Wrong> {
        let (mut levels, mut values) = (&[][..], &bytes[..]);
        if self.optional {
            let encoding = header.field(3, "encoding of levels")?;
            if encoding != 3 {
                return Err(Wrong::feature("a Parquet encoding of levels other than RLE"));
            }
            let (length, rest) = bytes.split_first_chunk().ok_or(Wrong::new(PAGE, Problem::Truncated))?;
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            (levels, values) = rest.split_at_checked(length).ok_or(Wrong::new(PAGE, Problem::Truncated))?;
        }
        Ok(Page::Data {
            count: header.field(1, "number of values")?,
            levels: bytes.slice_ref(levels),
            encoding: header.encoding(2)?,
            values: bytes.slice_ref(values),
        })
    }

    /// Version 2: the levels stand before the values, and are not compressed.
    fn data_v2(&self, header: &Header, stored: &Bytes, size: u64) -> Result<Page, Wrong> {
        if header.field(6, "bytes of repetition levels")? != 0 {
            return Err(Wrong::feature("a Parquet column of lists"));
        }
        let length = header.field(5, "bytes of definition levels")?;
        if !self.optional && length != 0 {
            return Err(Wrong::new(HEADER, Problem::Value { field: "bytes of definition levels", value: length }));
        }
        let split = usize::try_from(length).ok().and_then(|length| stored.split_at_checked(length));
        let (levels, values) = split.ok_or(Wrong::new(PAGE, Problem::Truncated))?;
        let size = size.checked_sub(length).ok_or(Wrong::new(PAGE, Problem::Truncated))?;
        let codec = if header.fields.get(7) == Some(&Some(0)) { Codec::Uncompressed } else { self.codec };
        let values = stored.slice_ref(values);
        Ok(Page::Data {
            count: header.field(1, "number of values")?,
            levels: stored.slice_ref(levels),
            encoding: header.encoding(4)?,
            // Of no values some writers compress nothing.
            values: if values.is_empty() && size == 0 { values } else { codec.decode(&values, size)? },
        })
    }
}

/// A page that has a checksum is as it was written.
fn verify(header: &Header, stored: &[u8]) -> Result<(), Wrong> {
    let Some(crc) = header.crc else { return Ok(()) };
    let mut computed = flate2::Crc::new();
    computed.update(stored);
    // An i32 stands for the 32 bits of an unsigned number.
    let stored = i32::try_from(crc).map_err(|_| Wrong::new(HEADER, Problem::Overflow("checksum")))?.cast_unsigned();
    if computed.sum() == stored || cfg!(fuzzing) {
        return Ok(());
    }
    Err(Wrong::new(PAGE, Problem::Checksum { stored, computed: computed.sum() }))
}

/// A page as it is stored, with gzip: its header first. Returns the bytes that it would have uncompressed, too.
pub(crate) fn write(page: &[u8], count: usize, dictionary: bool, values: i32) -> std::io::Result<(Vec<u8>, u64)> {
    let too_large = || std::io::Error::other("a page of 2 GiB or more");
    let natural = |n: usize| i32::try_from(n).map_err(|_| too_large());
    let stored = gzip(page)?;
    let mut crc = flate2::Crc::new();
    crc.update(&stored);
    let fields = Writer::default().i32(1, natural(count)?).i32(2, values);
    let (kind, id, fields) =
        if dictionary { (2, 7, fields) } else { (0, 5, fields.i32(3, encoding::RLE).i32(4, encoding::RLE)) };
    let mut bytes = Writer::default()
        .i32(1, kind)
        .i32(2, natural(page.len())?)
        .i32(3, natural(stored.len())?)
        .i32(4, crc.sum().cast_signed())
        .structure(id, fields)
        .end();
    let uncompressed = bytes.len().saturating_add(page.len());
    bytes.extend(stored);
    Ok((bytes, u64::try_from(uncompressed).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::Limits;

    fn first(bytes: &[u8], codec: Codec, optional: bool) -> Result<Option<Page>, Wrong> {
        Pages::new(Bytes::copy_from_slice(bytes), codec, optional, &Budget::new(Limits::default())).next()
    }

    fn v1(count: i32, encoding: i32, levels: i32) -> Writer {
        Writer::default().i32(1, count).i32(2, encoding).i32(3, levels).i32(4, 3)
    }

    fn page(kind: i32, id: i16, fields: Writer, bytes: &[u8]) -> Vec<u8> {
        let size = i32::try_from(bytes.len()).unwrap();
        let header = Writer::default().i32(1, kind).i32(2, size).i32(3, size).structure(id, fields).end();
        [&header, bytes].concat()
    }

    #[test]
    fn version_1_has_the_size_of_its_levels_before_them() {
        let bytes = page(0, 5, v1(3, 0, 3), &[2, 0, 0, 0, 6, 1, b'v']);
        let data = |levels: &'static [u8], values: &'static [u8]| Page::Data {
            count: 3,
            levels: Bytes::from_static(levels),
            encoding: Encoding::Plain,
            values: Bytes::from_static(values),
        };
        assert_eq!(first(&bytes, Codec::Uncompressed, true), Ok(Some(data(&[6, 1], b"v"))));
        assert_eq!(first(&bytes, Codec::Uncompressed, false), Ok(Some(data(&[], &[2, 0, 0, 0, 6, 1, b'v']))));
        for length in 1..bytes.len() {
            assert!(first(&bytes[..length], Codec::Uncompressed, true).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn version_2_has_its_levels_uncompressed() {
        let stored = [&[6, 1][..], &gzip(b"v").unwrap()].concat();
        let fields = |levels: i32, lists: i32| {
            let fields = Writer::default().i32(1, 3).i32(2, 0).i32(3, 3).i32(4, 8).i32(5, levels).i32(6, lists);
            let size = i32::try_from(stored.len()).unwrap();
            let header = Writer::default().i32(1, 3).i32(2, 3).i32(3, size).structure(8, fields).end();
            [&header[..], &stored].concat()
        };
        let expected = Page::Data {
            count: 3,
            levels: Bytes::from_static(&[6, 1]),
            encoding: Encoding::Dictionary,
            values: Bytes::from_static(b"v"),
        };
        assert_eq!(first(&fields(2, 0), Codec::Gzip, true), Ok(Some(expected)));
        let told = |bytes: &[u8], optional| first(bytes, Codec::Gzip, optional).unwrap_err().to_string();
        assert_eq!(told(&fields(2, 1), true), "a Parquet column of lists is not supported");
        assert_eq!(told(&fields(2, 0), false), "page header: bytes of definition levels is 2");
        assert_eq!(told(&fields(4, 0), true), "page: the bytes end inside the structure");
    }

    #[test]
    fn problems_are_told() {
        let told = |bytes: &[u8]| first(bytes, Codec::Uncompressed, true).unwrap_err().to_string();
        assert_eq!(
            told(&page(0, 5, v1(3, 5, 3), &[0; 4])),
            "the Parquet encoding DELTA_BINARY_PACKED is not supported"
        );
        assert_eq!(
            told(&page(0, 5, v1(3, 0, 4), &[0; 4])),
            "a Parquet encoding of levels other than RLE is not supported"
        );
        assert_eq!(told(&page(0, 5, v1(-3, 0, 3), &[0; 4])), "page header: number of values is -3");
        assert_eq!(told(&page(9, 5, v1(3, 0, 3), &[0; 4])), "page header: page type is 9");
        assert_eq!(
            told(&page(2, 7, Writer::default().i32(1, 1).i32(2, 8), &[])),
            "page header: encoding of a dictionary is 8"
        );
        assert_eq!(told(&Writer::default().i32(1, 0).i32(3, -1).end()), "page header: compressed page size is -1");
        assert_eq!(
            told(&Writer::default().i32(1, 0).i32(3, 0).end()),
            "page header: uncompressed page size is missing"
        );
        let (mut written, _) = write(b"abc", 1, true, 0).unwrap();
        *written.last_mut().unwrap() ^= 1;
        let error = first(&written, Codec::Gzip, true).unwrap_err().to_string();
        assert!(error.starts_with("page: checksum is 0x"), "{error}");
    }

    #[test]
    fn indices_are_passed_over() {
        assert_eq!(first(&page(1, 6, Writer::default(), b"any"), Codec::Uncompressed, true), Ok(Some(Page::Other)));
    }

    proptest! {
        #[test]
        fn pages_come_back_as_they_were(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let (written, _) = write(&bytes, 7, true, 0).unwrap();
            prop_assert_eq!(first(&written, Codec::Gzip, true), Ok(Some(Page::Dictionary { count: 7, values: bytes.into() })));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), optional: bool) {
            let budget = Budget::new(Limits::default());
            let mut pages = Pages::new(bytes.into(), Codec::Uncompressed, optional, &budget);
            while let Ok(Some(_)) = pages.next() {}
        }
    }
}
