//! The values of a column: entries, and for each row the position of its entry (`Encodings.md` of Apache Parquet).

use bytes::Bytes;

use super::error::Wrong;
use super::footer::{Chunk, Column, Physical};
use super::hybrid;
use super::page::{Encoding, PAGE, Page, Pages};
use crate::error::Problem;
use crate::limits::Budget;

/// Bytes of memory that an entry of a dictionary takes, roughly.
const ENTRY: u64 = 32;

/// A column that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cells<T> {
    /// Values; those of a dictionary are there once.
    pub(crate) entries: Vec<T>,
    /// The position of each row's value among them, if the row has one.
    pub(crate) rows: Vec<Option<u32>>,
}

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), rows: Vec::new() }
    }
}

impl<T> Cells<T> {
    /// The value of a row.
    pub(crate) fn get(&self, row: usize) -> Option<&T> {
        let entry = self.rows.get(row).copied().flatten()?;
        self.entries.get(usize::try_from(entry).ok()?)
    }
}

/// Values of a column's type, one after another, as many as are asked for.
pub(crate) type Plain<T> = fn(Physical, &Bytes, u64) -> Result<Vec<T>, Wrong>;

/// Integers of 32 or 64 bits.
pub(crate) fn integers(physical: Physical, bytes: &Bytes, count: u64) -> Result<Vec<i64>, Wrong> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let values: Vec<i64> = match physical {
        Physical::Int32 => {
            bytes.as_chunks().0.iter().take(count).map(|word| i32::from_le_bytes(*word).into()).collect()
        }
        Physical::Int64 => bytes.as_chunks().0.iter().take(count).map(|word| i64::from_le_bytes(*word)).collect(),
        Physical::ByteArray | Physical::Other => return Err(Wrong::feature("a Parquet column of another type")),
    };
    if values.len() == count { Ok(values) } else { Err(truncated()) }
}

/// Byte arrays, each with its length before it.
pub(crate) fn byte_arrays(physical: Physical, bytes: &Bytes, count: u64) -> Result<Vec<Bytes>, Wrong> {
    if physical != Physical::ByteArray {
        return Err(Wrong::feature("a Parquet column of another type"));
    }
    let (mut rest, mut values) = (&bytes[..], Vec::new());
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk().ok_or(truncated())?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (value, after) = after.split_at_checked(length).ok_or(truncated())?;
        values.push(bytes.slice_ref(value));
        rest = after;
    }
    Ok(values)
}

fn truncated() -> Wrong {
    Wrong::new(PAGE, Problem::Truncated)
}

/// Reads the rows of columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a, T> {
    column: &'a Column,
    plain: Plain<T>,
    budget: &'a Budget,
}

impl<'a, T> Reader<'a, T> {
    pub(crate) fn new(column: &'a Column, plain: Plain<T>, budget: &'a Budget) -> Self {
        Self { column, plain, budget }
    }

    /// The column's name.
    pub(crate) fn name(&self) -> &'a String {
        &self.column.name
    }

    /// Appends the rows of one group, of which memory has been charged already.
    pub(crate) fn read(&self, chunk: &Chunk, cells: &mut Cells<T>) -> Result<(), Wrong> {
        let mut pages = Pages::new(chunk.bytes.clone(), chunk.codec, self.column.optional, self.budget);
        let (mut left, mut dictionary) = (chunk.values, None);
        while left > 0 {
            match pages.next()?.ok_or(truncated())? {
                Page::Other => {}
                Page::Dictionary { .. } if dictionary.is_some() => {
                    return Err(Wrong::new(PAGE, Problem::Duplicate("dictionary")));
                }
                Page::Dictionary { count, values } => dictionary = Some(self.dictionary(count, &values, cells)?),
                Page::Data { count, levels, encoding, values } => {
                    left = left.checked_sub(count).ok_or(Wrong::new(
                        PAGE,
                        Problem::Mismatch { field: "number of values", found: count, expected: left },
                    ))?;
                    let present = self.present(&levels, count)?;
                    let entries = self.entries(
                        encoding,
                        &values,
                        present.iter().filter(|there| **there).count(),
                        dictionary,
                        cells,
                    )?;
                    let mut entries = entries.into_iter();
                    cells.rows.extend(present.into_iter().map(|there| if there { entries.next() } else { None }));
                }
            }
        }
        Ok(())
    }

    /// Appends the entries of a dictionary. Returns where they begin, and how many they are.
    fn dictionary(&self, count: u64, values: &Bytes, cells: &mut Cells<T>) -> Result<(u32, u32), Wrong> {
        if count == 0 {
            // pyarrow gives a column of nulls a type of integers, and an empty dictionary: testdata/parquet/pyarrow_columns.
            return Ok((0, 0));
        }
        self.budget.decoded(u64::try_from(values.len()).unwrap_or(u64::MAX).min(count).saturating_mul(ENTRY))?;
        let first = position(cells.entries.len())?;
        cells.entries.extend((self.plain)(self.column.physical, values, count)?);
        let after = position(cells.entries.len())?;
        Ok((first, after.saturating_sub(first)))
    }

    /// Whether each row of a page has a value.
    fn present(&self, levels: &[u8], count: u64) -> Result<Vec<bool>, Wrong> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if !self.column.optional {
            return Ok(vec![true; count]);
        }
        let levels = hybrid::decode(levels, 1, count).ok_or(Wrong::new(PAGE, Problem::Decode("definition levels")))?;
        Ok(levels.into_iter().map(|level| level == 1).collect())
    }

    /// The positions of a page's values among the entries.
    fn entries(
        &self,
        encoding: Encoding,
        values: &Bytes,
        count: usize,
        dictionary: Option<(u32, u32)>,
        cells: &mut Cells<T>,
    ) -> Result<Vec<u32>, Wrong> {
        if count == 0 {
            return Ok(Vec::new());
        }
        if encoding == Encoding::Plain {
            let first = position(cells.entries.len())?;
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            cells.entries.extend((self.plain)(self.column.physical, values, count)?);
            return Ok((first..position(cells.entries.len())?).collect());
        }
        let (first, length) = dictionary.ok_or(Wrong::new(PAGE, Problem::Missing("dictionary")))?;
        let indices = indices(values, count).ok_or(Wrong::new(PAGE, Problem::Decode("indices of the dictionary")))?;
        let entry = |index: u32| {
            let entry = first.checked_add(index).filter(|_| index < length);
            entry.ok_or(Wrong::new(PAGE, Problem::Value { field: "index of the dictionary", value: index.into() }))
        };
        indices.into_iter().map(entry).collect()
    }
}

/// Positions in a dictionary: the bits of one, and then runs.
fn indices(values: &[u8], count: usize) -> Option<Vec<u32>> {
    let (width, runs) = values.split_first()?;
    if *width > 32 {
        return None;
    }
    hybrid::decode(runs, (*width).into(), count)
}

fn position(entries: usize) -> Result<u32, Wrong> {
    u32::try_from(entries).map_err(|_| Wrong::new(PAGE, Problem::Overflow("number of values")))
}

#[cfg(test)]
mod tests {
    use super::super::compression::Codec;
    use super::super::page;
    use super::*;
    use crate::limits::Limits;

    fn byte_array(text: &str) -> Vec<u8> {
        [&u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat()
    }

    fn read(pages: &[Vec<u8>], values: u64, limits: Limits) -> Result<Cells<Bytes>, Wrong> {
        let column = Column { name: "path".to_owned(), physical: Physical::ByteArray, optional: true };
        let chunk = Chunk { path: vec!["path".to_owned()], codec: Codec::Gzip, values, bytes: pages.concat().into() };
        let mut cells = Cells::default();
        Reader::new(&column, byte_arrays, &Budget::new(limits)).read(&chunk, &mut cells).map(|()| cells)
    }

    fn data(levels: &[u8], encoding: i32, values: &[u8], count: usize) -> Vec<u8> {
        let length = u32::try_from(levels.len()).unwrap().to_le_bytes();
        page::write(&[&length, levels, values].concat(), count, false, encoding).unwrap().0
    }

    fn dictionary(texts: &[&str]) -> Vec<u8> {
        let values: Vec<u8> = texts.iter().flat_map(|text| byte_array(text)).collect();
        page::write(&values, texts.len(), true, 0).unwrap().0
    }

    #[test]
    fn rows_have_the_positions_of_their_values() {
        let pages = [
            dictionary(&["a", "b"]),
            data(&[3, 0b0000_0101], 8, &[1, 2, 1, 2, 0], 3), // one, none, one: the second and the first
            data(&[4, 1], 0, &[byte_array("c"), byte_array("a")].concat(), 2), // plain after all
            data(&[2, 0], 8, &[], 1),
        ];
        let cells = read(&pages, 6, Limits::default()).unwrap();
        assert_eq!(cells.entries, ["a", "b", "c", "a"]);
        assert_eq!(cells.rows, [Some(1), None, Some(0), Some(2), Some(3), None]);
        assert_eq!((cells.get(0).unwrap(), cells.get(1), cells.get(9)), (&Bytes::from_static(b"b"), None, None));
    }

    #[test]
    fn problems_are_told() {
        let told = |pages: &[Vec<u8>], values| read(pages, values, Limits::default()).unwrap_err().to_string();
        let one = || dictionary(&["a"]);
        assert_eq!(told(&[one()], 1), "page: the bytes end inside the structure");
        assert_eq!(told(&[one(), one()], 1), "page: duplicate dictionary");
        assert_eq!(told(&[data(&[2, 1], 8, &[1, 2, 0], 1)], 1), "page: dictionary is missing");
        assert_eq!(told(&[one(), data(&[2, 1], 8, &[1, 2, 1], 1)], 1), "page: index of the dictionary is 1");
        assert_eq!(
            told(&[one(), data(&[2, 1], 8, &[33, 2, 0], 1)], 1),
            "page: indices of the dictionary does not decode"
        );
        assert_eq!(told(&[one(), data(&[2, 1], 8, &[], 1)], 1), "page: indices of the dictionary does not decode");
        assert_eq!(told(&[one(), data(&[], 8, &[1, 2, 0], 1)], 1), "page: definition levels does not decode");
        assert_eq!(told(&[data(&[4, 0], 0, &[], 2)], 1), "page: number of values is 2, not 1");
    }

    #[test]
    fn a_dictionary_has_no_more_entries_than_bytes() {
        let vast = page::write(&byte_array("a"), 1_000_000_000, true, 0).unwrap().0;
        assert_eq!(
            read(&[vast], 1, Limits::default()).unwrap_err().to_string(),
            "page: the bytes end inside the structure"
        );
        let limits = Limits { decoded_bytes: 100, ..Limits::default() };
        let error = read(&[dictionary(&["a", "b", "c"])], 1, limits).unwrap_err().to_string();
        assert!(error.starts_with("111 exceeds Limits::decoded_bytes = 100"), "{error}");
    }

    #[test]
    fn integers_have_32_or_64_bits() {
        let bytes = Bytes::from_static(&[255, 255, 255, 255, 255, 255, 255, 255, 1]);
        assert_eq!(integers(Physical::Int64, &bytes, 1), Ok(vec![-1]));
        assert_eq!(integers(Physical::Int32, &bytes, 2), Ok(vec![-1, -1]));
        assert!(integers(Physical::Int64, &bytes, 2).is_err());
        assert_eq!(
            integers(Physical::Other, &bytes, 1).unwrap_err().to_string(),
            "a Parquet column of another type is not supported"
        );
        assert!(byte_arrays(Physical::Int32, &bytes, 1).is_err());
    }
}
