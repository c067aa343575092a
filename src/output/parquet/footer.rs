//! The footer of a file: which columns there are, and where each one's pages lie (`parquet.thrift`: `FileMetaData`).

use bytes::Bytes;

use super::compression::Codec;
use super::error::Wrong;
use super::thrift::{Kind, Reader};
use crate::error::Problem;

/// Before the first page and after the footer.
pub(crate) const MAGIC: &[u8; 4] = b"PAR1";
const FILE: &str = "Parquet file";
const FOOTER: &str = "Parquet footer";
/// Most bytes of a footer: what they say takes some fifty times as many in memory.
const LARGEST: usize = 16 << 20;

/// Types of values (`Type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Physical {
    Int32,
    Int64,
    ByteArray,
    Other,
}

/// A column of the file: one that is no part of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) physical: Physical,
    /// Whether values may be missing.
    pub(crate) optional: bool,
}

/// The pages of a column in one group of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The names of the column and of those that it is a part of.
    pub(crate) path: Vec<String>,
    pub(crate) codec: Codec,
    /// Rows.
    pub(crate) values: u64,
    /// The pages.
    pub(crate) bytes: Bytes,
}

/// A group of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) rows: u64,
    pub(crate) chunks: Vec<Chunk>,
}

/// What the footer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) rows: u64,
    pub(crate) columns: Vec<Column>,
    pub(crate) groups: Vec<Group>,
}

impl Footer {
    /// `wanted` says of which columns the pages are looked up.
    pub(crate) fn read(file: &Bytes, wanted: &[&str]) -> Result<Self, Wrong> {
        let signature = || Wrong::new(FILE, Problem::Signature("PAR1"));
        if file.last_chunk() == Some(b"PARE") {
            return Err(Wrong::feature("Parquet with an encrypted footer"));
        }
        let body = file.strip_prefix(MAGIC).and_then(|body| body.strip_suffix(MAGIC)).ok_or_else(signature)?;
        let (rest, length) = body.split_last_chunk().ok_or(Wrong::new(FILE, Problem::Truncated))?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > LARGEST {
            return Err(Wrong::feature("a Parquet footer of more than 16 MiB"));
        }
        let at = rest.len().checked_sub(length).ok_or(Wrong::new(FOOTER, Problem::Truncated))?;
        let (pages, footer) = rest.split_at_checked(at).ok_or(Wrong::new(FOOTER, Problem::Truncated))?;
        let parser = Parser { pages: &file.slice_ref(pages), wanted };
        parser.footer(&mut Reader::new(footer, FOOTER))
    }
}

/// What all parts of the footer are read with.
struct Parser<'a> {
    /// The bytes between the signature and the footer.
    pages: &'a Bytes,
    wanted: &'a [&'a str],
}

/// A node of the schema.
#[derive(Default)]
struct Element {
    physical: Option<i64>,
    repetition: i64,
    name: String,
    children: i64,
}

impl Parser<'_> {
    fn footer(&self, reader: &mut Reader<'_>) -> Result<Footer, Wrong> {
        let (mut rows, mut schema, mut groups) = (None, Vec::new(), Vec::new());
        let mut last = 0;
        while let Some((id, kind)) = reader.field(&mut last)? {
            match (id, kind) {
                (2, Kind::List) => schema = list(reader, element)?,
                (3, Kind::I64) => rows = Some(natural("number of rows", reader.integer()?)?),
                (4, Kind::List) => groups = list(reader, |reader| self.group(reader))?,
                (8, Kind::Struct) => return Err(Wrong::feature("encrypted Parquet")),
                (_, kind) => reader.skip(kind)?,
            }
        }
        Ok(Footer { rows: required("number of rows", rows)?, columns: columns(schema)?, groups })
    }

    fn group(&self, reader: &mut Reader<'_>) -> Result<Group, Wrong> {
        let (mut rows, mut chunks) = (None, Vec::new());
        let mut last = 0;
        while let Some((id, kind)) = reader.field(&mut last)? {
            match (id, kind) {
                (1, Kind::List) => chunks = list(reader, |reader| self.chunk(reader))?,
                (3, Kind::I64) => rows = Some(natural("number of rows", reader.integer()?)?),
                (_, kind) => reader.skip(kind)?,
            }
        }
        Ok(Group { rows: required("number of rows", rows)?, chunks: chunks.into_iter().flatten().collect() })
    }

    /// A `ColumnChunk`; `None` where the column is not wanted.
    fn chunk(&self, reader: &mut Reader<'_>) -> Result<Option<Chunk>, Wrong> {
        let (mut chunk, mut elsewhere) = (None, false);
        let mut last = 0;
        while let Some((id, kind)) = reader.field(&mut last)? {
            match (id, kind) {
                (1, Kind::Binary) => elsewhere = !reader.binary()?.is_empty(),
                (3, Kind::Struct) => chunk = Some(self.metadata(reader)?),
                (8, Kind::Struct) => return Err(Wrong::feature("encrypted Parquet")),
                (_, kind) => reader.skip(kind)?,
            }
        }
        let chunk = required("column metadata", chunk)?;
        if elsewhere && chunk.is_some() {
            return Err(Wrong::feature("a Parquet column in another file"));
        }
        Ok(chunk)
    }

    /// A `ColumnMetaData`.
    fn metadata(&self, reader: &mut Reader<'_>) -> Result<Option<Chunk>, Wrong> {
        let (mut path, mut codec, mut values, mut size, mut data, mut dictionary) =
            (None, None, None, None, None, None);
        let mut last = 0;
        while let Some((id, kind)) = reader.field(&mut last)? {
            match (id, kind) {
                (3, Kind::List) => path = Some(list(reader, text)?),
                (4, Kind::I32) => codec = Some(reader.integer()?),
                (5, Kind::I64) => values = Some(natural("number of values", reader.integer()?)?),
                (7, Kind::I64) => size = Some(natural("compressed size", reader.integer()?)?),
                (9, Kind::I64) => data = Some(natural("data page offset", reader.integer()?)?),
                (11, Kind::I64) => dictionary = Some(natural("dictionary page offset", reader.integer()?)?),
                (_, kind) => reader.skip(kind)?,
            }
        }
        let path: Vec<String> = required("path in the schema", path)?;
        if path.first().is_none_or(|name| !self.wanted.contains(&name.as_str())) {
            return Ok(None);
        }
        let data = required("data page offset", data)?;
        // Some writers say 0 where there is none.
        let start = dictionary.filter(|dictionary| *dictionary > 0).map_or(data, |dictionary| dictionary.min(data));
        Ok(Some(Chunk {
            path,
            codec: Codec::of(required("codec", codec)?)?,
            values: required("number of values", values)?,
            bytes: self.range(start, required("compressed size", size)?)?,
        }))
    }

    /// Bytes between the signature and the footer, by their offset in the file.
    fn range(&self, start: u64, length: u64) -> Result<Bytes, Wrong> {
        let outside = || {
            let size = u64::try_from(self.pages.len()).unwrap_or(u64::MAX).saturating_add(4);
            Wrong::new(FOOTER, Problem::OutsideFile { offset: start, length, size })
        };
        let range = || {
            let start = usize::try_from(start.checked_sub(4)?).ok()?;
            let end = start.checked_add(usize::try_from(length).ok()?)?;
            self.pages.get(start..end)
        };
        range().map(|bytes| self.pages.slice_ref(bytes)).ok_or_else(outside)
    }
}

/// A `SchemaElement`.
fn element(reader: &mut Reader<'_>) -> Result<Element, Wrong> {
    let mut element = Element::default();
    let mut last = 0;
    while let Some((id, kind)) = reader.field(&mut last)? {
        match (id, kind) {
            (1, Kind::I32) => element.physical = Some(reader.integer()?),
            (3, Kind::I32) => element.repetition = reader.integer()?,
            (4, Kind::Binary) => element.name = utf8(reader.binary()?)?,
            (5, Kind::I32) => element.children = reader.integer()?,
            (_, kind) => reader.skip(kind)?,
        }
    }
    Ok(element)
}

/// The columns below the root of a schema that is listed depth first. One that has parts is told as of another type.
fn columns(schema: Vec<Element>) -> Result<Vec<Column>, Wrong> {
    let mut elements = schema.into_iter();
    let mut left = natural("number of columns", elements.next().map_or(0, |root| root.children))?;
    let mut columns = Vec::new();
    while left > 0 {
        left = left.saturating_sub(1);
        let column = required("column of the schema", elements.next())?;
        let mut parts = natural("number of parts", column.children)?;
        let whole = parts == 0 && matches!(column.repetition, 0 | 1);
        while parts > 0 {
            let part = required("part of a column", elements.next())?;
            let more = natural("number of parts", part.children)?;
            parts = parts.saturating_sub(1).saturating_add(more);
        }
        let physical = match column.physical {
            Some(1) if whole => Physical::Int32,
            Some(2) if whole => Physical::Int64,
            Some(6) if whole => Physical::ByteArray,
            _ => Physical::Other,
        };
        columns.push(Column { name: column.name, physical, optional: column.repetition == 1 });
    }
    Ok(columns)
}

fn list<T>(
    reader: &mut Reader<'_>,
    mut each: impl FnMut(&mut Reader<'_>) -> Result<T, Wrong>,
) -> Result<Vec<T>, Wrong> {
    let (count, kind) = reader.list()?;
    if count > 0 && !matches!(kind, Kind::Struct | Kind::Binary) {
        return Err(Wrong::new(FOOTER, Problem::Missing("list")));
    }
    (0..count).map(|_| each(reader)).collect()
}

fn text(reader: &mut Reader<'_>) -> Result<String, Wrong> {
    reader.binary().and_then(utf8)
}

fn utf8(bytes: &[u8]) -> Result<String, Wrong> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Wrong::new(FOOTER, Problem::Text("name of a column")))
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, Wrong> {
    value.ok_or(Wrong::new(FOOTER, Problem::Missing(field)))
}

fn natural(field: &'static str, value: i64) -> Result<u64, Wrong> {
    u64::try_from(value).map_err(|_| Wrong::value(FOOTER, field, value))
}

#[cfg(test)]
mod tests {
    use super::super::thrift::Writer;
    use super::*;

    fn column(name: &str, physical: i32, repetition: i32) -> Writer {
        Writer::default().i32(1, physical).i32(3, repetition).text(4, name)
    }

    fn chunk(name: &str, codec: i32, data: i64, size: i64) -> Writer {
        let metadata = Writer::default().texts(3, &[name]).i32(4, codec).i64(5, 9).i64(7, size).i64(9, data);
        Writer::default().i64(2, 4).structure(3, metadata)
    }

    fn file(rows: i64, schema: Vec<Writer>, chunks: Vec<Writer>) -> Bytes {
        let group = Writer::default().structures(1, chunks).i64(2, 0).i64(3, 9);
        let footer = Writer::default().i32(1, 1).structures(2, schema).i64(3, rows).structures(4, vec![group]).end();
        let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
        Bytes::from([MAGIC, &b"0123456789"[..], &footer, &length, MAGIC].concat())
    }

    fn root(children: i32) -> Writer {
        Writer::default().text(4, "schema").i32(5, children)
    }

    #[test]
    fn the_wanted_columns_have_their_pages() {
        let schema = vec![root(2), column("a", 6, 1), column("b", 2, 0)];
        let file = file(9, schema, vec![chunk("a", 0, 6, 3), chunk("b", 99, 0, 0)]);
        let footer = Footer::read(&file, &["a"]).unwrap();
        let expected = [
            Column { name: "a".to_owned(), physical: Physical::ByteArray, optional: true },
            Column { name: "b".to_owned(), physical: Physical::Int64, optional: false },
        ];
        assert_eq!((footer.rows, footer.columns.as_slice()), (9, &expected[..]));
        let pages = Chunk {
            path: vec!["a".to_owned()],
            codec: Codec::Uncompressed,
            values: 9,
            bytes: Bytes::from_static(b"234"),
        };
        assert_eq!(footer.groups, [Group { rows: 9, chunks: vec![pages] }]);
        for length in 0..file.len() {
            assert!(Footer::read(&file.slice(..length), &["a"]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn parts_of_columns_are_no_columns() {
        let list = Writer::default().i32(3, 1).text(4, "l").i32(5, 1);
        let inner = Writer::default().i32(3, 2).text(4, "list").i32(5, 1);
        let schema = vec![root(2), list, inner, column("element", 2, 1), column("a", 2, 0)];
        let columns = Footer::read(&file(9, schema, vec![]), &[]).unwrap().columns;
        let found: Vec<_> = columns.iter().map(|column| (column.name.as_str(), column.physical)).collect();
        assert_eq!(found, [("l", Physical::Other), ("a", Physical::Int64)]);
    }

    #[test]
    fn problems_are_told() {
        let schema = || vec![root(1), column("a", 6, 1)];
        let told = |file: Bytes| Footer::read(&file, &["a"]).unwrap_err().to_string();
        assert_eq!(told(Bytes::from_static(b"PAR")), "Parquet file: signature is not \"PAR1\"");
        assert_eq!(told(Bytes::from_static(b"PAR1PAR1")), "Parquet file: the bytes end inside the structure");
        assert_eq!(told(Bytes::from_static(b"PAR1PARE")), "Parquet with an encrypted footer is not supported");
        assert_eq!(
            told(file(9, schema(), vec![chunk("a", 0, 6, 9)])),
            "Parquet footer: 9 bytes at 0x6 are not inside the file of 14 bytes"
        );
        assert_eq!(
            told(file(9, schema(), vec![chunk("a", 0, 3, 1)])),
            "Parquet footer: 1 bytes at 0x3 are not inside the file of 14 bytes"
        );
        assert_eq!(told(file(9, schema(), vec![chunk("a", 0, 4, -1)])), "Parquet footer: compressed size is -1");
        assert_eq!(told(file(-9, schema(), vec![])), "Parquet footer: number of rows is -9");
        assert_eq!(
            told(file(9, vec![root(2), column("a", 6, 1)], vec![])),
            "Parquet footer: column of the schema is missing"
        );
    }
}
