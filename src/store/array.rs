//! An array of a store: its chunks, and boxes of its elements.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

use super::codecs::{Decoded, decode};
use super::values::{Data, Values};
use super::{Store, fill};
use crate::error::Error;
use crate::field::convert::{narrow, wide};
use crate::limits::check;
use crate::reference::grid::{number, position};
use crate::reference::key::{chunk_name, joined};
use crate::reference::{Array, Reference, UrlId};
use crate::source::{Sources, exact};
use crate::window::{Runs, Window};
use crate::zarr::Order;

/// Most chunks that are fetched together.
const MOST_TOGETHER: usize = 1024;

/// Decoded bytes of the chunks that are fetched together, unless one has more.
const BYTES_TOGETHER: u64 = 64 << 20;

/// A part of a chunk, in bytes.
struct Run {
    number: u64,
    bytes: Range<u64>,
}

/// An array of a store.
#[derive(Debug)]
pub struct StoredArray<'a, S> {
    pub(super) store: &'a Store<S>,
    pub(super) path: &'a str,
    pub(super) array: &'a Array,
}

impl<'a, S: Sources> StoredArray<'a, S> {
    /// Its path, without leading slash.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// Its documents, and where its chunks lie.
    pub fn array(&self) -> &'a Array {
        self.array
    }

    /// The bytes of chunks as they are stored; `None` for those that are missing.
    ///
    /// # Errors
    /// What the sources answer.
    pub fn stored_chunks(&self, numbers: &[u64]) -> Result<Vec<Option<Bytes>>, Error> {
        let references: Vec<Option<Reference>> = numbers.iter().map(|number| self.array.chunks.get(*number)).collect();
        let sizes = self.store.sizes(references.iter().flatten())?;
        let mut stored = vec![None; numbers.len()];
        let mut wanted: BTreeMap<UrlId, (Vec<usize>, Vec<Range<u64>>)> = BTreeMap::new();
        for (at, reference) in references.into_iter().enumerate() {
            let (url, range) = match reference {
                None => continue,
                Some(Reference::Inline(bytes)) => {
                    stored[at] = Some(bytes);
                    continue;
                }
                Some(Reference::Whole { url }) => (url, 0..sizes.get(&url).copied().unwrap_or_default()),
                Some(Reference::Range { url, offset, length }) => (url, offset..offset.saturating_add(length)),
            };
            check("chunk_bytes", range.end.saturating_sub(range.start), self.store.limits.chunk_bytes)?;
            let (places, ranges) = wanted.entry(url).or_default();
            places.push(at);
            ranges.push(range);
        }
        let files: Vec<(&str, &[Range<u64>])> =
            wanted.iter().map(|(url, (_, ranges))| (self.store.set.url(*url), ranges.as_slice())).collect();
        let mut answers = self.store.sources.read_many(&files).into_iter();
        for ((url, ranges), (places, _)) in files.iter().zip(wanted.values()) {
            let bytes = answers.next().unwrap_or_else(|| Ok(Vec::new()))?;
            for (at, bytes) in places.iter().zip(exact(url, ranges, bytes)?) {
                stored[*at] = Some(bytes);
            }
        }
        Ok(stored)
    }

    /// The elements of one whole chunk, by its number; `None` if it is missing.
    ///
    /// # Errors
    /// What the sources answer, and [`Error::Chunk`] where it does not decode.
    pub fn chunk(&self, number: u64) -> Result<Option<Values>, Error> {
        let Some(stored) = self.stored_chunks(&[number])?.pop().flatten() else { return Ok(None) };
        let data = self.decoded(number, &stored)?;
        Ok(Some(Values { shape: self.array.metadata.chunks.clone(), dtype: self.array.metadata.dtype.clone(), data }))
    }

    /// All elements.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_all(&self) -> Result<Values, Error> {
        self.read_window(&Window::whole(&self.array.metadata.shape))
    }

    /// The elements of a box: one range of indices for each dimension.
    ///
    /// # Errors
    /// What the sources answer, [`Error::Chunk`] where the box is not inside the array or a chunk does not decode, and
    /// [`Error::Limit`].
    pub fn read(&self, ranges: &[Range<u64>]) -> Result<Values, Error> {
        let window =
            Window::of(ranges, &self.array.metadata.shape).map_err(|problem| wrong(self.path, problem.to_string()))?;
        self.read_window(&window)
    }

    fn read_window(&self, window: &Window) -> Result<Values, Error> {
        let metadata = &self.array.metadata;
        let elements = window.elements().unwrap_or(u64::MAX);
        let size = metadata.dtype.size().unwrap_or(0);
        let limits = &self.store.limits;
        // A text takes the room of its own bytes, and of what says where they are.
        let bytes = elements.saturating_mul(if size == 0 { 24 } else { size });
        check("read_bytes", bytes, limits.read_bytes)?;
        let mut data = if size == 0 {
            Data::Texts(vec![fill::text(metadata).to_owned(); narrow(elements)])
        } else {
            Data::Bytes(filled(&fill::element(metadata), narrow(elements)))
        };
        let decoded = metadata.chunk_bytes().unwrap_or(limits.chunk_bytes / 64).max(1);
        let together = narrow(BYTES_TOGETHER / decoded).clamp(self.store.threads, MOST_TOGETHER);
        let mut numbers = self.numbers(window).peekable();
        if let Some(run) = numbers.peek().and_then(|number| self.run(*number, window))
            && let Some(bytes) = self.plain(&run)?
        {
            return Ok(Values {
                shape: window.count.clone(),
                dtype: metadata.dtype.clone(),
                data: Data::Bytes(bytes.to_vec()),
            });
        }
        if numbers.peek().is_some() {
            check("chunk_bytes", decoded, limits.chunk_bytes)?;
        }
        while numbers.peek().is_some() {
            let batch: Vec<u64> = numbers.by_ref().take(together).collect();
            let stored = self.stored_chunks(&batch)?;
            for (number, chunk) in batch.iter().zip(self.decode_all(&batch, &stored)?) {
                if let Some(chunk) = chunk {
                    self.place(window, *number, &chunk, &mut data);
                }
            }
        }
        Ok(Values { shape: window.count.clone(), dtype: metadata.dtype.clone(), data })
    }

    /// Whether chunks are their elements in C order, so that parts of them can be read.
    pub(crate) fn is_plain(&self) -> bool {
        let metadata = &self.array.metadata;
        metadata.codecs().next().is_none() && metadata.order == Order::C && metadata.chunk_bytes().is_some()
    }

    /// Where a box lies in a chunk, if it is a part of it without a gap.
    fn run(&self, number: u64, window: &Window) -> Option<Run> {
        let (chunks, size) = (&self.array.metadata.chunks, self.array.metadata.dtype.size()?);
        if !self.is_plain() || window.count.contains(&0) {
            return None;
        }
        let (mut first, mut is_wide) = (0_u64, false);
        let cell = position(number, &self.array.chunks.grid);
        for ((range, chunk), cell) in window.ranges().zip(chunks).zip(cell) {
            let start = range.start.checked_sub(cell.checked_mul(*chunk)?)?;
            let count = range.end.saturating_sub(range.start);
            if start.checked_add(count)? > *chunk || (is_wide && count < *chunk) {
                return None;
            }
            is_wide |= count > 1;
            first = first.checked_mul(*chunk)?.checked_add(start)?;
        }
        let (start, length) = (first.checked_mul(size)?, window.elements()?.checked_mul(size)?);
        Some(Run { number, bytes: start..start.checked_add(length)? })
    }

    /// The bytes of a part of a chunk, if that is there and has the size that it should have.
    fn plain(&self, run: &Run) -> Result<Option<Bytes>, Error> {
        let Some(reference) = self.array.chunks.get(run.number) else { return Ok(None) };
        let (url, range) = self.store.place(&reference)?;
        if Some(range.end.saturating_sub(range.start)) != self.array.metadata.chunk_bytes() {
            return Ok(None);
        }
        if let Reference::Inline(bytes) = &reference {
            return Ok(bytes.get(narrow(run.bytes.start)..narrow(run.bytes.end)).map(|part| bytes.slice_ref(part)));
        }
        let part = range.start.saturating_add(run.bytes.start)..range.start.saturating_add(run.bytes.end);
        Ok(self.store.sources.read(url, &[part])?.pop())
    }

    /// The chunks that meet a box, as far as they are not missing.
    fn numbers(&self, window: &Window) -> impl Iterator<Item = u64> {
        let chunks = &self.array.metadata.chunks;
        let cells: Vec<(u64, u64)> = (window.ranges().zip(chunks))
            .map(|(range, chunk)| {
                let first = range.start / chunk;
                (first, if range.is_empty() { 0 } else { range.end.div_ceil(*chunk).saturating_sub(first) })
            })
            .collect();
        let counts: Vec<u64> = cells.iter().map(|(_, count)| *count).collect();
        let total = counts.iter().try_fold(1_u64, |n, count| n.checked_mul(*count)).unwrap_or(0);
        let manifest = &self.array.chunks;
        (0..total).filter_map(move |n| {
            let cell: Vec<u64> =
                position(n, &counts).iter().zip(&cells).map(|(n, (first, _))| first.saturating_add(*n)).collect();
            number(&cell, &manifest.grid).filter(|number| manifest.get(*number).is_some())
        })
    }

    /// Decodes chunks, several at a time where the store has several threads.
    fn decode_all(&self, numbers: &[u64], stored: &[Option<Bytes>]) -> Result<Vec<Option<Data>>, Error> {
        let one = |(number, stored): (&u64, &Option<Bytes>)| {
            stored.as_ref().map(|bytes| self.decoded(*number, bytes)).transpose()
        };
        let threads = self.store.threads.min(numbers.len());
        if threads <= 1 {
            return numbers.iter().zip(stored).map(one).collect();
        }
        let share = numbers.len().div_ceil(threads);
        std::thread::scope(|scope| {
            let parts: Vec<_> = (numbers.chunks(share).zip(stored.chunks(share)))
                .map(|(numbers, stored)| {
                    scope.spawn(move || numbers.iter().zip(stored).map(one).collect::<Result<Vec<_>, _>>())
                })
                .collect();
            let mut all = Vec::with_capacity(numbers.len());
            for part in parts {
                let gone = || Err(wrong(self.path, "a thread that decoded its chunks ended early"));
                all.extend(part.join().unwrap_or_else(|_| gone())?);
            }
            Ok(all)
        })
    }

    /// The elements of a chunk, in C order.
    fn decoded(&self, number: u64, stored: &[u8]) -> Result<Data, Error> {
        let metadata = &self.array.metadata;
        let key = || joined(self.path, &chunk_name(number, &self.array.chunks.grid));
        let decoded =
            decode(metadata, stored, self.store.limits.chunk_bytes).map_err(|problem| wrong(&key(), problem))?;
        Ok(match (decoded, metadata.order) {
            (Decoded::Bytes(bytes), Order::C) => Data::Bytes(bytes),
            (Decoded::Bytes(bytes), Order::F) => {
                let size = narrow(metadata.dtype.size().unwrap_or(1)).max(1);
                let elements: Vec<&[u8]> = bytes.chunks_exact(size).collect();
                Data::Bytes(in_c_order(&elements, &metadata.chunks).concat())
            }
            (Decoded::Texts(texts), Order::C) => Data::Texts(texts),
            (Decoded::Texts(texts), Order::F) => Data::Texts(in_c_order(&texts, &metadata.chunks)),
        })
    }

    /// Copies what a box has of a chunk.
    fn place(&self, window: &Window, number: u64, chunk: &Data, data: &mut Data) {
        let chunks = &self.array.metadata.chunks;
        let corner: Vec<u64> = position(number, &self.array.chunks.grid)
            .iter()
            .zip(chunks)
            .map(|(n, chunk)| n.saturating_mul(*chunk))
            .collect();
        let (mut in_chunk, mut in_box, mut count) = (Vec::new(), Vec::new(), Vec::new());
        for ((range, corner), chunk) in window.ranges().zip(&corner).zip(chunks) {
            let start = range.start.max(*corner);
            in_chunk.push(start.saturating_sub(*corner));
            in_box.push(start.saturating_sub(range.start));
            count.push(range.end.min(corner.saturating_add(*chunk)).saturating_sub(start));
        }
        let runs = Runs::new(&count, (chunks, &in_chunk), (&window.count, &in_box));
        match (chunk, data) {
            (Data::Bytes(from), Data::Bytes(to)) => {
                runs.copy(from, to, narrow(self.array.metadata.dtype.size().unwrap_or(0)));
            }
            (Data::Texts(from), Data::Texts(to)) => runs.copy(from, to, 1),
            _ => {}
        }
    }
}

fn wrong(key: &str, problem: impl Into<String>) -> Error {
    Error::Chunk { key: key.to_owned(), problem: problem.into() }
}

/// Elements of which the first dimension varies fastest, with the last varying fastest.
fn in_c_order<T: Clone>(elements: &[T], shape: &[u64]) -> Vec<T> {
    let reversed: Vec<u64> = shape.iter().rev().copied().collect();
    let place = |n: u64| {
        let mut place = position(n, shape);
        place.reverse();
        number(&place, &reversed).map_or(0, narrow)
    };
    (0..wide(elements.len())).filter_map(|n| elements.get(place(n)).cloned()).collect()
}

fn filled(element: &[u8], count: usize) -> Vec<u8> {
    if element.iter().all(|byte| *byte == 0) {
        vec![0; element.len().saturating_mul(count)]
    } else {
        element.repeat(count)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::reference::{Builder, ReferenceSet};
    use crate::zarr::{ArrayMetadata, Attributes, Codec, Dtype, FillValue};

    /// A set of one array `a`, and the file `f` that its chunks lie in.
    fn store(metadata: ArrayMetadata, chunks: Vec<(u64, Reference)>, file: &[u8]) -> Store<HashMap<String, Bytes>> {
        let mut builder = Builder::default();
        builder.group("", Attributes::default());
        let array = builder.array("a", metadata, Attributes::default());
        builder.url("f").unwrap();
        for (number, reference) in chunks {
            builder.chunk(array, number, reference);
        }
        let set: ReferenceSet = builder.finish().unwrap();
        Store::new(set, HashMap::from([("f".to_owned(), Bytes::copy_from_slice(file))]))
    }

    fn simple(shape: &[u64], chunks: &[u64], dtype: &str) -> ArrayMetadata {
        ArrayMetadata::new(shape.to_vec(), chunks.to_vec(), Dtype::Simple(dtype.to_owned()), None, Vec::new())
    }

    fn range(offset: u64, length: u64) -> Reference {
        Reference::Range { url: UrlId(0), offset, length }
    }

    #[test]
    fn chunks_are_put_together_and_missing_ones_are_filled() {
        let metadata = ArrayMetadata { fill_value: Some(FillValue::Unsigned(9)), ..simple(&[3, 3], &[2, 2], "|u1") };
        let inline = Reference::Inline(Bytes::from_static(&[5, 6, 0, 0]));
        let store = store(metadata, vec![(0, range(1, 4)), (3, inline)], &[0, 1, 2, 3, 4]);
        let array = store.array("a").unwrap();
        assert_eq!(array.read_all().unwrap().bytes().unwrap(), [1, 2, 9, 3, 4, 9, 9, 9, 5]);
        let part = array.read(&[1..3, 1..3]).unwrap();
        assert_eq!(
            (part.shape.as_slice(), part.elements()),
            ([2, 2].as_slice(), super::super::Elements::Uint8(vec![4, 9, 9, 5]))
        );
        assert_eq!(array.read(&[2..2, 0..3]).unwrap().bytes().unwrap(), [0; 0]);
        assert_eq!(array.chunk(1).unwrap(), None);
        assert!(array.read(&[0..4, 0..1]).is_err());
        assert!(array.read(std::slice::from_ref(&(0..1))).is_err());
    }

    #[test]
    fn the_first_dimension_may_vary_fastest() {
        let metadata = ArrayMetadata { order: Order::F, ..simple(&[2, 3], &[2, 3], "<u2") };
        let file: Vec<u8> = [1_u16, 4, 2, 5, 3, 6].iter().flat_map(|n| n.to_le_bytes()).collect();
        let store = store(metadata, vec![(0, range(0, 12))], &file);
        let values = store.array("a").unwrap().read_all().unwrap();
        assert_eq!(values.elements(), super::super::Elements::Uint16(vec![1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn texts_and_scalars_are_read() {
        let texts = ArrayMetadata { filters: vec![Codec::VlenUtf8], ..simple(&[3], &[2], "|O") };
        let inline = Reference::Inline(Bytes::from_static(b"\x02\0\0\0\x01\0\0\0a\x01\0\0\0b"));
        let values = store(texts, vec![(0, inline)], b"").array("a").unwrap().read_all().unwrap();
        assert_eq!(values.texts().unwrap(), ["a", "b", ""]);
        let scalar = store(simple(&[], &[], "<i4"), vec![(0, Reference::Whole { url: UrlId(0) })], &[7, 0, 0, 0]);
        assert_eq!(scalar.array("a").unwrap().read_all().unwrap().bytes().unwrap(), [7, 0, 0, 0]);
    }

    #[test]
    fn what_does_not_decode_says_which_chunk() {
        let metadata = ArrayMetadata { filters: vec![Codec::Zlib { level: 1 }], ..simple(&[4], &[2], "<i4") };
        let store = store(metadata, vec![(1, range(0, 3))], b"xyz");
        let error = store.array("a").unwrap().read_all().unwrap_err();
        assert_eq!(error.to_string(), "a/1: deflate stream does not decode");
        assert!(matches!(store.array("b"), Err(Error::NotFound { .. })));
    }

    #[test]
    fn a_part_of_a_chunk_without_codecs_is_read_by_itself() {
        let file: Vec<u8> = (0..24).collect();
        let limits = crate::Limits { chunk_bytes: 12, ..crate::Limits::default() };
        let large = store(simple(&[4, 6], &[4, 6], "|u1"), vec![(0, range(0, 24))], &file).with_limits(limits);
        let array = large.array("a").unwrap();
        let read = |ranges: &[Range<u64>]| array.read(ranges).map(|values| values.bytes().unwrap().to_vec());
        assert_eq!(read(&[1..3, 0..6]).unwrap(), file[6..18]);
        assert_eq!(read(&[3..4, 2..5]).unwrap(), file[20..23]);
        // With a gap the whole chunk is read.
        assert!(matches!(read(&[1..3, 0..5]), Err(Error::Limit(_))));
        let chunked = store(simple(&[4, 3], &[2, 3], "|u1"), vec![(1, range(5, 6))], &file);
        let array = chunked.array("a").unwrap();
        assert_eq!(array.read(&[3..4, 0..3]).unwrap().bytes().unwrap(), &file[8..11]);
        assert_eq!(array.read(&[1..3, 1..2]).unwrap().bytes().unwrap(), [0, 6]);
        let inline = Reference::Inline(Bytes::from_static(b"abcd"));
        let held = store(simple(&[4], &[4], "|u1"), vec![(0, inline)], &file);
        assert_eq!(held.array("a").unwrap().read(std::slice::from_ref(&(1..3))).unwrap().bytes().unwrap(), b"bc");
        let short = store(simple(&[4], &[4], "|u1"), vec![(0, range(0, 3))], &file);
        let error = short.array("a").unwrap().read(std::slice::from_ref(&(0..1))).unwrap_err();
        assert_eq!(error.to_string(), "a/0: has 3 bytes decoded, and a chunk has 4");
    }

    #[test]
    fn an_array_that_is_too_large_is_refused_before_anything_is_read() {
        let sparse = store(simple(&[1 << 40], &[1 << 10], "<f8"), Vec::new(), b"");
        let error = sparse.array("a").unwrap().read_all().unwrap_err();
        assert!(matches!(error, Error::Limit(limit) if limit.which == "read_bytes"));
        assert_eq!(sparse.array("a").unwrap().read(std::slice::from_ref(&(5..6))).unwrap().bytes().unwrap(), [0; 8]);
        let coded = ArrayMetadata { filters: vec![Codec::Zlib { level: 1 }], ..simple(&[1 << 40], &[1 << 40], "<f8") };
        let large = store(coded, vec![(0, range(0, 8 << 40))], b"");
        assert!(matches!(large.array("a").unwrap().read(std::slice::from_ref(&(5..6))), Err(Error::Limit(_))));
    }

    proptest! {
        #[test]
        fn any_box_is_that_part_of_the_whole(
            dimensions in prop::collection::vec((1_u64..7, 1_u64..4, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..4),
            threads in 1_usize..4,
        ) {
            let (shape, chunks): (Vec<u64>, Vec<u64>) = dimensions.iter().map(|d| (d.0, d.1)).unzip();
            let metadata = simple(&shape, &chunks, "|u1");
            let grid = crate::reference::grid::grid(&shape, &chunks);
            let size = chunks.iter().product::<u64>();
            let count = grid.iter().product::<u64>();
            let file: Vec<u8> = (0..count * size).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let present = (0..count).filter(|n| n % 3 != 1).map(|n| (n, range(n * size, size))).collect();
            let store = store(metadata, present, &file).with_threads(threads);
            let array = store.array("a").unwrap();
            let whole = array.read_all().unwrap();
            let ranges: Vec<Range<u64>> = dimensions.iter().map(|d| {
                let (a, b) = (d.2.index(usize::try_from(d.0).unwrap() + 1), d.3.index(usize::try_from(d.0).unwrap() + 1));
                u64::try_from(a.min(b)).unwrap()..u64::try_from(a.max(b)).unwrap()
            }).collect();
            let part = array.read(&ranges).unwrap();
            let expected: Vec<u8> = (0..shape.iter().product::<u64>()).filter(|n| {
                position(*n, &shape).iter().zip(&ranges).all(|(at, range)| range.contains(at))
            }).map(|n| {
                let at = position(n, &shape);
                let cell: Vec<u64> = at.iter().zip(&chunks).map(|(at, chunk)| at / chunk).collect();
                let inside: Vec<u64> = at.iter().zip(&chunks).map(|(at, chunk)| at % chunk).collect();
                let cell = number(&cell, &grid).unwrap();
                if cell % 3 == 1 { 0 } else { file[narrow(cell * size + number(&inside, &chunks).unwrap())] }
            }).collect();
            prop_assert_eq!(part.bytes().unwrap(), &expected[..]);
            prop_assert_eq!(wide(whole.bytes().unwrap().len()), shape.iter().product::<u64>());
        }
    }
}
