//! One record file: the references of as many chunks as it has rows (kerchunk's `df.py`, fsspec's `LazyReferenceMapper`).

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::column::{Cells, Plain, Reader, byte_arrays, integers};
use super::error::Wrong;
use super::footer::{Footer, Group};
use crate::error::Problem;
use crate::limits::Budget;
use crate::output::inline;

/// What record files are called in errors.
pub(crate) const RECORD: &str = "record file";
/// The columns, in the order in which fsspec takes them.
pub(crate) const COLUMNS: [&str; 4] = ["path", "offset", "size", "raw"];
/// Bytes of memory that a row takes while it is read, roughly.
const ROW: u64 = 160;

/// The rows of a record file, in columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Record {
    /// The files that are referenced, each once.
    pub(crate) paths: Vec<String>,
    /// The position of each row's file; none where a chunk is missing or inline.
    pub(crate) path: Vec<Option<u32>>,
    /// Offset of each row; 0 where there is no file.
    pub(crate) offset: Vec<u64>,
    /// Bytes of each row; 0 at offset 0 is a whole file.
    pub(crate) size: Vec<u64>,
    /// The bytes of chunks that are inline, by row.
    pub(crate) raw: BTreeMap<usize, Bytes>,
}

impl Record {
    /// Reads a record file of at most so many rows.
    pub(crate) fn read(file: &Bytes, most: u64, budget: &Budget) -> Result<Self, Wrong> {
        let footer = Footer::read(file, &COLUMNS)?;
        if footer.rows > most {
            let problem = Problem::Mismatch { field: "number of rows", found: footer.rows, expected: most };
            return Err(Wrong::new(RECORD, problem));
        }
        budget.decoded(footer.rows.saturating_mul(ROW))?;
        let table = Table { footer: &footer, budget };
        let (path, raw) = (table.cells("path", byte_arrays)?, table.cells("raw", byte_arrays)?);
        let (offset, size) = (table.cells("offset", integers)?, table.cells("size", integers)?);
        let missing = |column| Wrong::new(RECORD, Problem::Missing(column));
        let ranges = match (path, offset, size) {
            (Some(path), Some(offset), Some(size)) => Some((path, offset, size)),
            // All are inline.
            (None, None, None) if raw.is_some() => None,
            (None, ..) => return Err(missing("column path")),
            (_, None, _) => return Err(missing("column offset")),
            (_, _, None) => return Err(missing("column size")),
        };
        let rows = usize::try_from(footer.rows).unwrap_or(usize::MAX);
        let mut record = Self::of_missing(rows);
        if let Some(raw) = raw {
            let there = (0..rows).filter_map(|row| Some((row, raw.get(row)?)));
            record.raw = there.map(|(row, stored)| Ok((row, bytes(stored, budget)?))).collect::<Result<_, Wrong>>()?;
        }
        if let Some((path, offset, size)) = ranges {
            record.fill(&path, &offset, &size)?;
        }
        Ok(record)
    }

    /// Rows of missing chunks.
    pub(crate) fn of_missing(rows: usize) -> Self {
        Self { path: vec![None; rows], offset: vec![0; rows], size: vec![0; rows], ..Self::default() }
    }

    fn fill(&mut self, path: &Cells<Bytes>, offset: &Cells<i64>, size: &Cells<i64>) -> Result<(), Wrong> {
        let paths = self.intern(&path.entries)?;
        let columns = self.path.iter_mut().zip(&mut self.offset).zip(&mut self.size);
        for (row, ((to_path, to_offset), to_size)) in columns.enumerate() {
            // As fsspec has it: bytes that are there come first.
            if self.raw.contains_key(&row) {
                continue;
            }
            let entry = path.rows.get(row).copied().flatten().and_then(|entry| usize::try_from(entry).ok());
            let Some(entry) = entry else {
                no_reference(offset.get(row), size.get(row))?;
                continue;
            };
            *to_path = paths.get(entry).copied();
            *to_offset = natural("offset", offset.get(row))?;
            *to_size = natural("size", size.get(row))?;
        }
        Ok(())
    }

    /// The position of each entry's text among those that differ.
    fn intern(&mut self, entries: &[Bytes]) -> Result<Vec<u32>, Wrong> {
        let mut known: HashMap<&[u8], u32> = HashMap::new();
        let mut positions = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Some(position) = known.get(&entry[..]) {
                positions.push(*position);
                continue;
            }
            let text = std::str::from_utf8(entry).map_err(|_| Wrong::new(RECORD, Problem::Text("path")))?;
            let position = u32::try_from(self.paths.len())
                .map_err(|_| Wrong::new(RECORD, Problem::Overflow("number of paths")))?;
            self.paths.push(text.to_owned());
            known.insert(entry, position);
            positions.push(position);
        }
        Ok(positions)
    }
}

/// The bytes of a row that is inline. fsspec takes what begins as base64 does for base64, whatever wrote it.
fn bytes(stored: &Bytes, budget: &Budget) -> Result<Bytes, Wrong> {
    let Some(decoded) = inline::decoded(stored) else { return Ok(stored.clone()) };
    budget.decoded(u64::try_from(stored.len()).unwrap_or(u64::MAX))?;
    decoded.map(Bytes::from).map_err(|_| Wrong::new(RECORD, Problem::Decode("base64")))
}

/// A row without a path is a missing chunk, which lies nowhere: a place without a file was meant as something else.
fn no_reference(offset: Option<&i64>, size: Option<&i64>) -> Result<(), Wrong> {
    match (offset, size) {
        (None | Some(0), None | Some(0)) => Ok(()),
        _ => Err(Wrong::new(RECORD, Problem::Missing("path of a range"))),
    }
}

fn natural(field: &'static str, value: Option<&i64>) -> Result<u64, Wrong> {
    let value = *value.ok_or(Wrong::new(RECORD, Problem::Missing(field)))?;
    u64::try_from(value).map_err(|_| Wrong::value(RECORD, field, value))
}

/// The columns of a file.
struct Table<'a> {
    footer: &'a Footer,
    budget: &'a Budget,
}

impl Table<'_> {
    /// A column by its name, if it is there.
    fn cells<T>(&self, name: &'static str, plain: Plain<T>) -> Result<Option<Cells<T>>, Wrong> {
        let mut columns = self.footer.columns.iter().filter(|column| column.name == name);
        let Some(column) = columns.next() else { return Ok(None) };
        if columns.next().is_some() {
            return Err(Wrong::new(RECORD, Problem::Duplicate("column")));
        }
        let mut cells = Cells::default();
        let mut rows = 0_u64;
        for group in &self.footer.groups {
            rows = rows.saturating_add(group.rows);
            if rows > self.footer.rows {
                return Err(self.other_rows(rows));
            }
            Self::group(group, &Reader::new(column, plain, self.budget), &mut cells)?;
        }
        if rows == self.footer.rows { Ok(Some(cells)) } else { Err(self.other_rows(rows)) }
    }

    fn other_rows(&self, found: u64) -> Wrong {
        Wrong::new(RECORD, Problem::Mismatch { field: "rows of the groups", found, expected: self.footer.rows })
    }

    fn group<T>(group: &Group, reader: &Reader<'_, T>, cells: &mut Cells<T>) -> Result<(), Wrong> {
        let mut chunks = group.chunks.iter().filter(|chunk| chunk.path.first() == Some(reader.name()));
        let (Some(chunk), None) = (chunks.next(), chunks.next()) else {
            return Err(Wrong::new(RECORD, Problem::Missing("column of a group of rows")));
        };
        if chunk.path.len() != 1 {
            return Err(Wrong::feature("a Parquet column with parts"));
        }
        if chunk.values != group.rows {
            let problem = Problem::Mismatch { field: "number of values", found: chunk.values, expected: group.rows };
            return Err(Wrong::new(RECORD, problem));
        }
        reader.read(chunk, cells)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::write::write;
    use super::*;
    use crate::limits::Limits;

    fn read(file: &[u8]) -> Result<Record, Wrong> {
        Record::read(&Bytes::copy_from_slice(file), 1000, &Budget::new(Limits::default()))
    }

    fn record() -> Record {
        Record {
            paths: vec!["s3://b/a.nc".to_owned(), "s3://b/é.nc".to_owned()],
            path: vec![Some(1), None, None, Some(0), Some(1)],
            offset: vec![10, 0, 0, 0, 1 << 40],
            size: vec![1, 0, 0, 0, 7],
            raw: [(1, Bytes::from_static(b"\0inline"))].into(),
        }
    }

    #[test]
    fn rows_are_ranges_whole_files_inline_or_missing() {
        assert_eq!(
            read(&write(&record(), &record().paths).unwrap()),
            Ok(Record {
                paths: vec!["s3://b/é.nc".to_owned(), "s3://b/a.nc".to_owned()],
                path: vec![Some(0), None, None, Some(1), Some(0)],
                ..record()
            })
        );
        assert_eq!(read(&write(&Record::of_missing(3), &[]).unwrap()), Ok(Record::of_missing(3)));
        assert_eq!(read(&write(&Record::of_missing(0), &[]).unwrap()), Ok(Record::of_missing(0)));
    }

    #[test]
    fn more_rows_than_a_record_has_are_refused() {
        let file = Bytes::from(write(&record(), &record().paths).unwrap());
        let told = |most, limits| Record::read(&file, most, &Budget::new(limits)).unwrap_err().to_string();
        assert_eq!(told(4, Limits::default()), "record file: number of rows is 5, not 4");
        let few = Limits { decoded_bytes: 799, ..Limits::default() };
        assert!(told(5, few).starts_with("800 exceeds Limits::decoded_bytes = 799"));
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        let told = |record: &Record| read(&write(record, &[]).unwrap()).unwrap_err().to_string();
        let nowhere = Record { size: vec![5], ..Record::of_missing(1) };
        assert_eq!(told(&nowhere), "record file: path of a range is missing");
    }

    #[test]
    fn a_cut_file_is_refused_wherever_it_is_cut() {
        let file = write(&record(), &record().paths).unwrap();
        for length in 0..file.len() {
            assert!(read(&file[..length]).is_err(), "{length} of {} bytes", file.len());
        }
    }

    #[test]
    fn bytes_that_begin_as_base64_does_stand_as_base64() {
        let bytes = Bytes::from_static(b"base64:AAAA");
        let mut record = Record::of_missing(1);
        record.raw.insert(0, bytes.clone());
        let file = write(&record, &[]).unwrap();
        let footer = Footer::read(&Bytes::from(file.clone()), &COLUMNS).unwrap();
        let budget = Budget::new(Limits::default());
        let stored = Table { footer: &footer, budget: &budget }.cells("raw", byte_arrays).unwrap().unwrap();
        assert_eq!(stored.get(0).unwrap(), "base64:YmFzZTY0OkFBQUE=");
        assert_eq!(read(&file).unwrap().raw[&0], bytes);
    }

    #[test]
    fn what_stands_behind_the_prefix_is_base64_whoever_wrote_it() {
        let budget = || Budget::new(Limits { decoded_bytes: 20, ..Limits::default() });
        let told = |stored: &'static str| bytes(&Bytes::from_static(stored.as_bytes()), &budget());
        assert_eq!(told("base64:AAAA"), Ok(Bytes::from_static(b"\0\0\0")));
        assert_eq!(told("base6"), Ok(Bytes::from_static(b"base6")));
        assert_eq!(told("base64:@@@@").unwrap_err().to_string(), "record file: base64 does not decode");
        let long = told("base64:AAAAAAAAAAAAAAAA").unwrap_err().to_string();
        assert!(long.starts_with("23 exceeds Limits::decoded_bytes = 20"), "{long}");
    }

    /// Rows of any kind, over three files.
    fn any_rows() -> impl Strategy<Value = Record> {
        let range = (0_u32..3, 0..i64::MAX.cast_unsigned(), 0..i64::MAX.cast_unsigned());
        let raw = prop::collection::vec(any::<u8>(), 0..20);
        let raw = prop_oneof![raw.clone(), raw.prop_map(|text| [b"base64:", &text[..]].concat())];
        let row = (prop::option::of(range), prop::option::of(raw));
        prop::collection::vec(row, 0..60).prop_map(|rows| {
            let mut record = Record::of_missing(rows.len());
            for (n, (range, raw)) in rows.into_iter().enumerate() {
                if let Some(raw) = raw {
                    record.raw.insert(n, raw.into());
                } else if let Some((path, offset, size)) = range {
                    (record.path[n], record.offset[n], record.size[n]) = (Some(path), offset, size);
                }
            }
            record.paths = ["a", "b", "c"].map(str::to_owned).to_vec();
            record
        })
    }

    /// The rows with their paths as texts.
    fn rows(record: &Record) -> Vec<(Option<&str>, u64, u64, Option<&Bytes>)> {
        let text = |path: Option<u32>| path.map(|path| record.paths[usize::try_from(path).unwrap()].as_str());
        let row = |n: usize| (text(record.path[n]), record.offset[n], record.size[n], record.raw.get(&n));
        (0..record.path.len()).map(row).collect()
    }

    proptest! {
        #[test]
        fn rows_come_back_as_they_were(record in any_rows()) {
            let back = read(&write(&record, &record.paths).unwrap()).unwrap();
            prop_assert_eq!(rows(&back), rows(&record));
        }

        #[test]
        fn a_changed_byte_does_not_panic(record in any_rows(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut file = write(&record, &record.paths).unwrap();
            let at = at.index(file.len());
            file[at] ^= 1 << bit;
            let _ = read(&file);
        }

        #[test]
        fn arbitrary_footers_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
            let _ = read(&[b"PAR1", &bytes[..], &length, b"PAR1"].concat());
        }
    }
}
