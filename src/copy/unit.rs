//! New chunks that are filled at once: what they have of the source is read, each chunk of it once, and put together.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::layout::Laid;
use super::progress::Done;
use crate::batch::side_by_side;
use crate::error::Error;
use crate::field::convert::narrow;
use crate::reference::grid::{number, position};
use crate::store::{Decoded, Origin, Values, fill_element, fill_text};
use crate::window::{Place, Runs};

/// A box of new chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    /// The position of the first.
    first: Vec<u64>,
    /// How many in each dimension.
    count: Vec<u64>,
}

/// A part of a dimension: what is taken of a read, and what is read.
type Part = (Range<u64>, Range<u64>);

impl Unit {
    /// All boxes of a size in a grid of chunks.
    pub(super) fn all(grid: &[u64], size: &[u64]) -> impl Iterator<Item = Self> {
        let units: Vec<u64> = grid.iter().zip(size).map(|(n, size)| n.div_ceil((*size).max(1))).collect();
        let total = units.iter().fold(1, |total: u64, n| total.saturating_mul(*n));
        let (grid, size) = (grid.to_vec(), size.to_vec());
        (0..total).map(move |n| {
            let at = position(n, &units);
            let first: Vec<u64> = at.iter().zip(&size).map(|(n, size)| n.saturating_mul(*size)).collect();
            let count = first.iter().zip(size.iter().zip(&grid));
            let count = count.map(|(first, (size, all))| (*size).min(all.saturating_sub(*first))).collect();
            Self { first, count }
        })
    }

    /// One chunk, by its number.
    pub(super) fn one(chunk: u64, grid: &[u64]) -> Self {
        Self { first: position(chunk, grid), count: vec![1; grid.len()] }
    }

    /// How many chunks it has.
    pub(super) fn chunks(&self) -> u64 {
        self.count.iter().fold(1, |count, n| count.saturating_mul(*n))
    }

    /// How it is noted.
    pub(super) fn done(&self, laid: &Laid<'_>) -> Done {
        Done { array: laid.path.to_owned(), first: self.first.clone(), count: self.count.clone() }
    }

    /// Bytes of the elements that it has of the array.
    pub(super) fn bytes(&self, laid: &Laid<'_>) -> u64 {
        let lengths = self.ranges(laid).map(|range| range.end.saturating_sub(range.start));
        lengths.fold(super::layout::element(laid.source), u64::saturating_mul)
    }

    /// The elements that it has of the array.
    fn ranges<'u>(&'u self, laid: &'u Laid<'_>) -> impl Iterator<Item = Range<u64>> + 'u {
        let metadata = &laid.metadata;
        let sizes = metadata.chunks.iter().zip(&metadata.shape);
        self.first.iter().zip(&self.count).zip(sizes).map(|((first, count), (chunk, size))| {
            let start = first.saturating_mul(*chunk);
            start..start.saturating_add(count.saturating_mul(*chunk)).min(*size).max(start)
        })
    }

    /// Reads its chunks, and gives each to `take`, with its number; several threads do both.
    pub(super) fn each_chunk(
        &self,
        origin: &dyn Origin,
        laid: &Laid<'_>,
        jobs: usize,
        take: &(dyn Fn(u64, Decoded) -> Result<(), Error> + Sync),
    ) -> Result<(), Error> {
        let jobs = jobs.min(laid.fit.jobs);
        let parts: Vec<Vec<Part>> = self
            .ranges(laid)
            .zip(laid.fit.cuts.iter().zip(&laid.metadata.shape))
            .map(|(range, (cut, size))| cut.parts(&range, *size))
            .collect();
        let chunks: Vec<Mutex<Option<Decoded>>> =
            (0..self.chunks()).map(|n| Mutex::new(Some(self.empty(laid, n)))).collect();
        let counts: Vec<u64> = parts.iter().map(|parts| u64::try_from(parts.len()).unwrap_or(u64::MAX)).collect();
        let reads = counts.iter().fold(1, |reads: u64, n| reads.saturating_mul(*n));
        each(jobs, reads, &|n| {
            let at = position(n, &counts);
            let part = parts.iter().zip(at).filter_map(|(parts, at)| parts.get(narrow(at)).cloned());
            let (taken, read): (Vec<_>, Vec<_>) = part.unzip();
            let values = checked(origin.read(laid.path, &read)?, laid, &read)?;
            self.scatter(laid, &values, (&taken, &read), &chunks);
            Ok(())
        })?;
        each(jobs, self.chunks(), &|n| {
            let chunk = chunks.get(narrow(n)).and_then(|chunk| held(chunk).take());
            let place = self.place(n);
            match (chunk, number(&place, &laid.grid)) {
                (Some(chunk), Some(number)) => take(number, chunk),
                _ => Err(ended_early()),
            }
        })
    }

    /// The position in the grid of a chunk of this box.
    fn place(&self, n: u64) -> Vec<u64> {
        position(n, &self.count).iter().zip(&self.first).map(|(n, first)| first.saturating_add(*n)).collect()
    }

    /// A chunk before anything is in it: what lies outside the array stays the fill value.
    fn empty(&self, laid: &Laid<'_>, n: u64) -> Decoded {
        let metadata = &laid.metadata;
        let elements = metadata.chunks.iter().fold(1, |count: u64, n| count.saturating_mul(*n));
        let Some(size) = metadata.dtype.size().filter(|size| *size > 0) else {
            return Decoded::Texts(vec![fill_text(metadata).to_owned(); narrow(elements)]);
        };
        let sizes = metadata.chunks.iter().zip(&metadata.shape);
        let is_inside = self
            .place(n)
            .iter()
            .zip(sizes)
            .all(|(at, (chunk, size))| at.saturating_add(1).checked_mul(*chunk).is_some_and(|end| end <= *size));
        let element = fill_element(metadata);
        if is_inside || element.iter().all(|byte| *byte == 0) {
            return Decoded::Bytes(vec![0; narrow(elements.saturating_mul(size))]);
        }
        Decoded::Bytes(element.repeat(narrow(elements)))
    }

    /// Puts what was read in its places.
    fn scatter(
        &self,
        laid: &Laid<'_>,
        values: &Values,
        (taken, read): (&[Range<u64>], &[Range<u64>]),
        chunks: &[Mutex<Option<Decoded>>],
    ) {
        let sizes = &laid.metadata.chunks;
        let met: Vec<Range<u64>> =
            taken.iter().zip(sizes).map(|(part, size)| part.start / size..part.end.div_ceil(*size)).collect();
        let counts: Vec<u64> = met.iter().map(|range| range.end.saturating_sub(range.start)).collect();
        for n in 0..counts.iter().fold(1, |all: u64, n| all.saturating_mul(*n)) {
            let at: Vec<u64> =
                position(n, &counts).iter().zip(&met).map(|(n, met)| met.start.saturating_add(*n)).collect();
            let own: Vec<u64> = at.iter().zip(&self.first).map(|(at, first)| at.saturating_sub(*first)).collect();
            let Some(chunk) = number(&own, &self.count).and_then(|n| chunks.get(narrow(n))) else { continue };
            let (mut in_read, mut in_chunk, mut count) = (Vec::new(), Vec::new(), Vec::new());
            for ((part, read), (at, size)) in taken.iter().zip(read).zip(at.iter().zip(sizes)) {
                let corner = at.saturating_mul(*size);
                let start = part.start.max(corner);
                in_read.push(start.saturating_sub(read.start));
                in_chunk.push(start.saturating_sub(corner));
                count.push(part.end.min(corner.saturating_add(*size)).saturating_sub(start));
            }
            let (from, to): (Place<'_>, Place<'_>) = ((&values.shape, &in_read), (sizes, &in_chunk));
            let runs = Runs::new(&count, from, to);
            match (held(chunk).as_mut(), values.bytes(), values.texts()) {
                (Some(Decoded::Bytes(to)), Some(from), _) => {
                    runs.copy(from, to, narrow(laid.metadata.dtype.size().unwrap_or(0)));
                }
                (Some(Decoded::Texts(to)), _, Some(from)) => runs.copy(from, to, 1),
                _ => {}
            }
        }
    }
}

/// What an origin gave, if it is what it was asked for.
fn checked(values: Values, laid: &Laid<'_>, read: &[Range<u64>]) -> Result<Values, Error> {
    let lengths: Vec<u64> = read.iter().map(|range| range.end.saturating_sub(range.start)).collect();
    let elements = lengths.iter().fold(1, |count: u64, n| count.saturating_mul(*n));
    let size = laid.metadata.dtype.size().unwrap_or(0);
    let has = match (values.bytes(), values.texts()) {
        (Some(bytes), _) => size > 0 && u64::try_from(bytes.len()).ok() == elements.checked_mul(size),
        (_, Some(texts)) => size == 0 && u64::try_from(texts.len()).ok() == Some(elements),
        _ => false,
    };
    if has && values.shape == lengths && values.dtype == laid.metadata.dtype {
        return Ok(values);
    }
    let problem = format!("the source answers with other elements than those of {read:?}");
    Err(Error::Copy { target: laid.path.to_owned(), problem })
}

/// Does something for each number below `count`, several threads at once, until one fails.
fn each(jobs: usize, count: u64, work: &(dyn Fn(u64) -> Result<(), Error> + Sync)) -> Result<(), Error> {
    let (next, stop, failed) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(None));
    let job = || {
        while !stop.load(Ordering::Relaxed) {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= count {
                return;
            }
            if let Err(error) = work(n) {
                stop.store(true, Ordering::Relaxed);
                held(&failed).get_or_insert(error);
            }
        }
    };
    side_by_side(jobs.min(narrow(count)), job);
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// What a lock guards is whole whenever it is let go: a panic ends the copy.
pub(super) fn held<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread is gone that should not be.
pub(super) fn ended_early() -> Error {
    Error::Copy { target: "the copy".to_owned(), problem: "a thread of it ended early".to_owned() }
}
