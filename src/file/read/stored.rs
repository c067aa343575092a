//! The elements of a box as they are stored, filters undone; what was never written is the fill value.

use std::ops::Range;

use super::super::dataset::{Dataset, Storage};
use super::super::filters::{Buffers, Filtered};
use super::super::{ChunkTable, FillValue, raw_data};
use crate::error::{Error, Problem, Structure, Unsupported};
use crate::field::convert::narrow;
use crate::limits::Budget;
use crate::source::{Halt, ReadAt};
use crate::window::{Runs, Window};

/// Most runs of a dataset in one piece that are read together.
const MOST_RUNS: usize = 1 << 16;

/// Where a dataset's elements are read from: its file, or the parts of other files.
pub(super) fn stored(
    source: &dyn ReadAt,
    dataset: &Dataset,
    window: &Window,
    budget: &Budget,
) -> Result<Vec<u8>, Halt> {
    budget.read(bytes_of(dataset, window))?;
    match &dataset.storage {
        Storage::Compact { elements, .. } => Ok(cut(dataset, elements, window)),
        Storage::Contiguous { offset: None, .. } => Ok(filled(dataset, window)),
        Storage::Contiguous { offset: Some(offset), .. } => in_one_piece(source, *offset, dataset, window),
        Storage::External(_) => in_one_piece(source, 0, dataset, window),
        Storage::Chunked { chunk, unfiltered_edges, chunks: Some(table), .. } => {
            let table = table.as_ref().map_err(Clone::clone)?;
            let chunks = Chunks { dataset, chunk, unfiltered_edges: *unfiltered_edges, table };
            chunks.read(source, window, budget)
        }
        Storage::Chunked { chunks: None, .. } | Storage::Virtual(_) => {
            Err(Unsupported::Feature("a dataset whose chunks were not looked up").into())
        }
    }
}

/// Bytes of the elements of a box.
pub(super) fn bytes_of(dataset: &Dataset, window: &Window) -> Option<u64> {
    window.elements().and_then(|elements| elements.checked_mul(dataset.datatype.size.into()))
}

/// A box of elements that were never written. Where nothing is promised of them, libhdf5 leaves the caller's buffer as it is; h5py's
/// is zeros.
pub(super) fn filled(dataset: &Dataset, window: &Window) -> Vec<u8> {
    match &dataset.fill {
        FillValue::Value(element) if element.iter().any(|byte| *byte != 0) => {
            element.repeat(narrow(window.elements().unwrap_or(0)))
        }
        _ => blank(dataset, window),
    }
}

fn blank(dataset: &Dataset, window: &Window) -> Vec<u8> {
    vec![0; narrow(bytes_of(dataset, window).unwrap_or(0))]
}

/// The same of elements that are all here.
fn cut(dataset: &Dataset, elements: &[u8], window: &Window) -> Vec<u8> {
    let mut bytes = blank(dataset, window);
    let shape = &dataset.dataspace.dimensions;
    let origin = vec![0; shape.len()];
    let runs = Runs::new(&window.count, (shape, &window.start), (&window.count, &origin));
    runs.copy(elements, &mut bytes, narrow(dataset.datatype.size.into()));
    bytes
}

/// Elements that lie one after another from an offset.
fn in_one_piece(source: &dyn ReadAt, offset: u64, dataset: &Dataset, window: &Window) -> Result<Vec<u8>, Halt> {
    let size = u64::from(dataset.datatype.size);
    let total = narrow(bytes_of(dataset, window).unwrap_or(0));
    let mut bytes = Vec::with_capacity(total);
    let shape = &dataset.dataspace.dimensions;
    let origin = vec![0; shape.len()];
    let runs = Runs::new(&window.count, (shape, &window.start), (&window.count, &origin));
    let length = runs.length.saturating_mul(size);
    let ranges = runs.flat_map(|(from, _)| {
        let start = offset.saturating_add(from.saturating_mul(size));
        pieces(start..start.saturating_add(length), source.together())
    });
    let mut ranges = ranges.peekable();
    while ranges.peek().is_some() {
        let batch: Vec<_> = ranges.by_ref().take(MOST_RUNS).collect();
        raw_data(source, &batch, |_, piece| {
            bytes.extend_from_slice(&piece);
            Ok(())
        })?;
    }
    Ok(bytes)
}

/// A range in pieces of at most `most` bytes.
fn pieces(range: Range<u64>, most: u64) -> impl Iterator<Item = Range<u64>> {
    let piece = move |start: u64| (start < range.end).then(|| start..start.saturating_add(most.max(1)).min(range.end));
    std::iter::successors(piece(range.start), move |before| piece(before.end))
}

/// A chunked dataset.
struct Chunks<'a> {
    dataset: &'a Dataset,
    chunk: &'a [u64],
    unfiltered_edges: bool,
    table: &'a ChunkTable,
}

/// A chunk that is read.
struct Wanted {
    /// Its position in the grid.
    position: Vec<u64>,
    /// The filters that it skipped.
    mask: u32,
    /// Where it lies.
    stored: Range<u64>,
}

impl Chunks<'_> {
    fn read(&self, source: &dyn ReadAt, window: &Window, budget: &Budget) -> Result<Vec<u8>, Halt> {
        if window.elements() == Some(0) {
            return Ok(Vec::new());
        }
        let wanted = self.wanted(window);
        let cells =
            self.cells(window).iter().fold(1_u64, |n, range| n.saturating_mul(range.end.saturating_sub(range.start)));
        let complete = u64::try_from(wanted.len()) == Ok(cells);
        let mut bytes = if complete { blank(self.dataset, window) } else { filled(self.dataset, window) };
        let size = self.chunk.iter().try_fold(u64::from(self.dataset.datatype.size), |n, count| n.checked_mul(*count));
        let size = size.ok_or_else(|| Error::format(Structure::Chunk, 0, Problem::Overflow("size of a chunk")))?;
        let ranges: Vec<_> = wanted.iter().map(|chunk| chunk.stored.clone()).collect();
        let mut buffers = Buffers::default();
        raw_data(source, &ranges, |n, stored| {
            let Some(Wanted { position, mask, stored: range }) = wanted.get(n) else { return Ok(()) };
            budget.read_chunk(size)?;
            let filtered = Filtered { structure: Structure::Chunk, at: range.start, bytes: &stored, mask: *mask, size };
            let elements = self.dataset.filters.undone(&filtered, &mut buffers)?;
            self.place(elements, position, window, &mut bytes);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// The chunks that a box meets in each dimension.
    fn cells(&self, window: &Window) -> Vec<Range<u64>> {
        let range = |(range, chunk): (Range<u64>, &u64)| {
            range.start.checked_div(*chunk).unwrap_or(0)..range.end.div_ceil((*chunk).max(1))
        };
        window.ranges().zip(self.chunk).map(range).collect()
    }

    /// The chunks of a box that were written.
    fn wanted(&self, window: &Window) -> Vec<Wanted> {
        let cells = self.cells(window);
        // Numbers of chunks ascend with their first dimension, whatever the others are.
        let row = self.table.grid.iter().skip(1).fold(1_u64, |n, size| n.saturating_mul(*size));
        let bound = |cell: u64| cell.saturating_mul(row);
        let (low, high) = cells.first().map_or((0, u64::MAX), |first| (bound(first.start), bound(first.end)));
        let from = self.table.number.partition_point(|number| *number < low);
        let to = self.table.number.partition_point(|number| *number < high);
        let places = self.table.offset.iter().zip(&self.table.size).skip(from);
        let rows = (from..to).zip(self.table.positions_from(from)).zip(places);
        let wanted = rows.filter_map(|((row, position), (offset, size))| {
            let met = cells.iter().zip(&position).all(|(cells, at)| cells.contains(at));
            let unfiltered = self.unfiltered_edges && self.is_partial(&position);
            let mask = if unfiltered { u32::MAX } else { self.table.mask(row) };
            met.then(|| Wanted { position, mask, stored: *offset..offset.saturating_add(*size) })
        });
        wanted.collect()
    }

    /// Whether a chunk reaches over the end of the dataset.
    fn is_partial(&self, position: &[u64]) -> bool {
        let ends = position.iter().zip(self.chunk).map(|(at, chunk)| at.saturating_add(1).saturating_mul(*chunk));
        ends.zip(&self.dataset.dataspace.dimensions).any(|(end, size)| end > *size)
    }

    /// Copies what a box has of a chunk.
    fn place(&self, elements: &[u8], position: &[u64], window: &Window, bytes: &mut [u8]) {
        let (mut count, mut from, mut to) = (Vec::new(), Vec::new(), Vec::new());
        for ((at, chunk), range) in position.iter().zip(self.chunk).zip(window.ranges()) {
            let first = at.saturating_mul(*chunk);
            let start = first.max(range.start);
            let end = first.saturating_add(*chunk).min(range.end);
            count.push(end.saturating_sub(start));
            from.push(start.saturating_sub(first));
            to.push(start.saturating_sub(range.start));
        }
        let runs = Runs::new(&count, (self.chunk, &from), (&window.count, &to));
        runs.copy(elements, bytes, narrow(self.dataset.datatype.size.into()));
    }
}
