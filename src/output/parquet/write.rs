//! A record file as bytes: one group of rows; a dictionary of the paths, the other columns plain; pages of version 1 with gzip.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use super::compression::GZIP;
use super::footer::MAGIC;
use super::hybrid;
use super::page::{self, encoding};
use super::record::{COLUMNS, Record};
use super::thrift::Writer;
use crate::output::inline;

/// Rows of a page, at most.
const PAGE_ROWS: usize = 1 << 16;
/// Bytes of inline chunks in a page, at most, unless one chunk has more.
const PAGE_BYTES: usize = 16 << 20;

/// Numbers of `parquet.thrift`.
mod number {
    pub(super) const INT64: i32 = 2;
    pub(super) const BYTE_ARRAY: i32 = 6;
    pub(super) const REQUIRED: i32 = 0;
    pub(super) const OPTIONAL: i32 = 1;
    /// `ConvertedType.UTF8`.
    pub(super) const UTF8: i32 = 0;
}

/// The rows as a file; positions of files are those in `paths`.
///
/// # Errors
/// Numbers and pages that Parquet has no room for.
pub(crate) fn write(record: &Record, paths: &[String]) -> io::Result<Vec<u8>> {
    let mut file = File { bytes: MAGIC.to_vec(), columns: Vec::new(), rows: record.path.len() };
    file.paths(record, paths)?;
    file.integers("offset", &record.offset)?;
    file.integers("size", &record.size)?;
    file.raw(record)?;
    file.end()
}

/// A file that is being written.
struct File {
    bytes: Vec<u8>,
    /// The metadata of the columns that are there.
    columns: Vec<Writer>,
    rows: usize,
}

/// A column that is being written.
struct Column {
    name: &'static str,
    physical: i32,
    /// Offset of the dictionary page.
    dictionary: Option<usize>,
    /// Offset of the first data page.
    data: usize,
    /// Bytes of the pages and their headers before compression.
    uncompressed: u64,
    nulls: usize,
}

impl File {
    fn column(&self, name: &'static str, physical: i32) -> Column {
        let at = self.bytes.len();
        Column { name, physical, dictionary: None, data: at, uncompressed: 0, nulls: 0 }
    }

    fn page(&mut self, column: &mut Column, page: &[u8], count: usize, values: i32) -> io::Result<()> {
        let (stored, uncompressed) = page::write(page, count, false, values)?;
        self.bytes.extend(stored);
        column.uncompressed = column.uncompressed.saturating_add(uncompressed);
        Ok(())
    }

    /// The paths that rows have, each once, as they come, and then their positions: readers take long for texts that are plain.
    fn paths(&mut self, record: &Record, paths: &[String]) -> io::Result<()> {
        let mut column = self.column("path", number::BYTE_ARRAY);
        let (dictionary, positions) = used(record, paths)?;
        let plain: io::Result<Vec<Vec<u8>>> = dictionary.iter().map(|path| byte_array(path.as_bytes())).collect();
        let (stored, uncompressed) = page::write(&plain?.concat(), dictionary.len(), true, encoding::PLAIN)?;
        self.bytes.extend(stored);
        column.dictionary = Some(column.data);
        column.data = self.bytes.len();
        column.uncompressed = uncompressed;
        let width = hybrid::width(u32::try_from(dictionary.len().saturating_sub(1)).unwrap_or(u32::MAX));
        // Pages of no bits per value are valid, and not what every reader has seen.
        let width = width.max(1);
        for rows in positions.chunks(PAGE_ROWS) {
            let mut page = levels(rows.iter().map(Option::is_some))?;
            page.extend(width.to_le_bytes().first());
            let there: Vec<u32> = rows.iter().copied().flatten().collect();
            page.extend(hybrid::encode(&there, width));
            column.nulls = column.nulls.saturating_add(rows.len().saturating_sub(there.len()));
            self.page(&mut column, &page, rows.len(), encoding::RLE_DICTIONARY)?;
        }
        self.end_column(&column)
    }

    fn integers(&mut self, name: &'static str, values: &[u64]) -> io::Result<()> {
        let mut column = self.column(name, number::INT64);
        for rows in values.chunks(PAGE_ROWS) {
            let page: io::Result<Vec<[u8; 8]>> = rows.iter().map(|value| Ok(int64(*value)?.to_le_bytes())).collect();
            self.page(&mut column, page?.as_flattened(), rows.len(), encoding::PLAIN)?;
        }
        self.end_column(&column)
    }

    fn raw(&mut self, record: &Record) -> io::Result<()> {
        let mut column = self.column("raw", number::BYTE_ARRAY);
        let mut start = 0;
        while start < self.rows {
            let rows = raw_page(record, start..self.rows);
            start = rows.end;
            let mut page = levels(rows.clone().map(|row| record.raw.contains_key(&row)))?;
            for value in record.raw.range(rows.clone()).map(|(_, value)| value) {
                page.extend(byte_array(&stored(value))?);
            }
            self.page(&mut column, &page, rows.len(), encoding::PLAIN)?;
        }
        column.nulls = self.rows.saturating_sub(record.raw.len());
        self.end_column(&column)
    }

    /// Notes what the footer says of a column (`ColumnChunk`).
    fn end_column(&mut self, column: &Column) -> io::Result<()> {
        let start = column.dictionary.unwrap_or(column.data);
        let values = if column.dictionary.is_some() {
            &[encoding::PLAIN, encoding::RLE, encoding::RLE_DICTIONARY][..]
        } else {
            &[encoding::PLAIN, encoding::RLE]
        };
        let mut metadata = Writer::default()
            .i32(1, column.physical)
            .i32s(2, values)
            .texts(3, &[column.name])
            .i32(4, GZIP)
            .i64(5, position(self.rows)?)
            .i64(6, int64(column.uncompressed)?)
            .i64(7, position(self.bytes.len().saturating_sub(start))?)
            .i64(9, position(column.data)?);
        if let Some(dictionary) = column.dictionary {
            metadata = metadata.i64(11, position(dictionary)?);
        }
        // Readers choose the types of their columns by the number of nulls, if they are told.
        let metadata = metadata.structure(12, Writer::default().i64(3, position(column.nulls)?));
        self.columns.push(Writer::default().i64(2, position(start)?).structure(3, metadata));
        Ok(())
    }

    /// The footer (`FileMetaData`).
    fn end(mut self) -> io::Result<Vec<u8>> {
        let (rows, size) = (position(self.rows)?, position(self.bytes.len())?);
        let group = Writer::default().structures(1, self.columns).i64(2, size).i64(3, rows);
        let footer = Writer::default()
            .i32(1, 1)
            .structures(2, schema())
            .i64(3, rows)
            .structures(4, vec![group])
            .text(6, concat!("h5refs version ", env!("CARGO_PKG_VERSION")))
            .end();
        let length = u32::try_from(footer.len()).map_err(|_| io::Error::other("a footer of 4 GiB"))?;
        self.bytes.extend(footer);
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(MAGIC);
        Ok(self.bytes)
    }
}

/// The root and the columns (`SchemaElement`).
fn schema() -> Vec<Writer> {
    let [path, offset, size, raw] = COLUMNS;
    let column = |name, physical, repetition| Writer::default().i32(1, physical).i32(3, repetition).text(4, name);
    let string = Writer::default().structure(1, Writer::default());
    vec![
        Writer::default().text(4, "schema").i32(5, 4),
        column(path, number::BYTE_ARRAY, number::OPTIONAL).i32(6, number::UTF8).structure(10, string),
        column(offset, number::INT64, number::REQUIRED),
        column(size, number::INT64, number::REQUIRED),
        column(raw, number::BYTE_ARRAY, number::OPTIONAL),
    ]
}

/// The paths that rows have, in the order in which they come, and each row's position among them.
fn used<'a>(record: &Record, paths: &'a [String]) -> io::Result<(Vec<&'a str>, Vec<Option<u32>>)> {
    let (mut dictionary, mut known) = (Vec::new(), vec![None; paths.len()]);
    let mut position = |path: u32| {
        let path = usize::try_from(path).ok()?;
        let (text, known) = (paths.get(path)?, known.get_mut(path)?);
        if known.is_none() {
            *known = u32::try_from(dictionary.len()).ok();
            dictionary.push(text.as_str());
        }
        *known
    };
    let unknown = || io::Error::other("a reference to a file that the set does not have");
    let positions = record.path.iter().map(|path| path.map(|path| position(path).ok_or_else(unknown)).transpose());
    let positions = positions.collect::<io::Result<_>>()?;
    Ok((dictionary, positions))
}

/// Inline bytes as a reader gives them back: fsspec decodes what begins as base64 does.
fn stored(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.starts_with(inline::PREFIX.as_bytes()) {
        return Cow::Owned(inline::encoded(bytes).into_bytes());
    }
    Cow::Borrowed(bytes)
}

/// As many rows from the first as a page holds.
fn raw_page(record: &Record, rows: Range<usize>) -> Range<usize> {
    let end = rows.start.saturating_add(PAGE_ROWS).min(rows.end);
    let mut bytes = 0_usize;
    for (row, value) in record.raw.range(rows.start..end) {
        bytes = bytes.saturating_add(value.len());
        if bytes > PAGE_BYTES && *row > rows.start {
            return rows.start..*row;
        }
    }
    rows.start..end
}

/// Definition levels with their size before them.
fn levels(there: impl Iterator<Item = bool>) -> io::Result<Vec<u8>> {
    let levels: Vec<u32> = there.map(u32::from).collect();
    byte_array(&hybrid::encode(&levels, 1))
}

fn byte_array(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::Error::other("a value of 4 GiB or more"))?;
    Ok([&length.to_le_bytes(), bytes].concat())
}

fn position(n: usize) -> io::Result<i64> {
    i64::try_from(n).map_err(io::Error::other)
}

fn int64(n: u64) -> io::Result<i64> {
    i64::try_from(n).map_err(|_| io::Error::other(format!("{n} is no offset or size of Parquet, which has 63 bits")))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::limits::{Budget, Limits};

    #[test]
    fn what_has_no_place_in_a_file_is_refused() {
        let told = |record| write(&record, &[]).unwrap_err().to_string();
        let one = Record { path: vec![Some(0)], ..Record::of_missing(1) };
        assert_eq!(told(one), "a reference to a file that the set does not have");
        let far = Record { offset: vec![1 << 63], ..Record::of_missing(1) };
        assert_eq!(told(far), "9223372036854775808 is no offset or size of Parquet, which has 63 bits");
    }

    #[test]
    fn rows_of_many_pages_come_back_as_they_were() {
        let rows = PAGE_ROWS + 9;
        let large = Bytes::from(vec![7; PAGE_BYTES - 3]);
        let record = Record {
            paths: vec!["a".to_owned(), "b".to_owned()],
            path: (0..rows).map(|row| if row % 3 == 0 { None } else { Some(u32::from(row < 2)) }).collect(),
            offset: (0..rows).map(|row| if row % 3 == 0 { 0 } else { u64::try_from(row).unwrap() }).collect(),
            size: (0..rows).map(|row| u64::from(row % 3 != 0)).collect(),
            raw: [(0, large.clone()), (3, large), (6, Bytes::from_static(b"z"))].into(),
        };
        assert_eq!(raw_page(&record, 0..rows), 0..3);
        assert_eq!(raw_page(&record, 3..rows), 3..PAGE_ROWS + 3);
        let file = Bytes::from(write(&record, &record.paths).unwrap());
        let back = Record::read(&file, u64::MAX, &Budget::new(Limits::default())).unwrap();
        let paths: Vec<Option<&String>> =
            back.path.iter().map(|path| path.map(|path| &back.paths[usize::try_from(path).unwrap()])).collect();
        let expected: Vec<Option<&String>> =
            record.path.iter().map(|path| path.map(|path| &record.paths[usize::try_from(path).unwrap()])).collect();
        assert_eq!((paths, back.offset, back.size, back.raw), (expected, record.offset, record.size, record.raw));
    }
}
