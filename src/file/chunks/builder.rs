//! A chunk table in the making: every entry of an index is checked before it is believed.

use super::numbering::Numbering;
use super::{ChunkTable, FilterMasks};
use crate::error::{Error, Problem, Structure};
use crate::field::Address;
use crate::file::File;
use crate::file::dataset::Place;

/// A chunk table in the making, and what its entries are checked against.
pub(super) struct Builder<'a> {
    file: &'a File<'a>,
    place: &'a Place<'a>,
    chunk: &'a [u64],
    /// Bytes of a chunk before its filters.
    bytes: u64,
    table: ChunkTable,
}

impl<'a> Builder<'a> {
    pub(super) fn new(file: &'a File<'_>, place: &'a Place<'_>, chunk: &'a [u64]) -> Result<Self, Error> {
        let grid = place.dataspace.dimensions.iter().zip(chunk).map(|(size, chunk)| size.div_ceil((*chunk).max(1)));
        let bytes = chunk.iter().try_fold(u64::from(place.datatype.size), |bytes, size| bytes.checked_mul(*size));
        let bytes = bytes.ok_or_else(|| place.layout_problem(Problem::Overflow("size of a chunk")))?;
        let table = ChunkTable { grid: grid.collect(), ..ChunkTable::default() };
        Ok(Self { file, place, chunk, bytes, table })
    }

    pub(super) fn rank(&self) -> usize {
        self.chunk.len()
    }

    /// Whether the dataset's chunks go through filters, so that an index must say their sizes.
    pub(super) fn is_filtered(&self) -> bool {
        !self.place.filters.filters.is_empty()
    }

    /// How arrays of chunks number them.
    pub(super) fn numbering(&self) -> Numbering {
        Numbering::new(&self.place.dataspace.maximum, self.chunk)
    }

    /// The position in the grid of the chunk whose first element is at `offsets`.
    pub(super) fn position(&self, offsets: &[u64], position: &mut Vec<u64>) -> Result<(), Problem> {
        position.clear();
        for (offset, chunk) in offsets.iter().zip(self.chunk) {
            let place = offset.checked_div(*chunk).unwrap_or(0);
            if place.checked_mul(*chunk) != Some(*offset) {
                return Err(Problem::Value { field: "chunk offset", value: *offset });
            }
            position.push(place);
        }
        Ok(())
    }

    /// A chunk at a position of the grid; `filtered` is its size in the file and its mask, where the index has them.
    pub(super) fn add(
        &mut self,
        position: &[u64],
        address: Address,
        filtered: Option<(u64, u32)>,
    ) -> Result<(), Error> {
        let refuse = |problem| self.file.problem_at(Structure::Chunk, address, problem);
        if filtered.is_none() && self.is_filtered() {
            return Err(refuse(Problem::Missing("size of the filtered chunk")));
        }
        let Some(number) = self.number(position).map_err(refuse)? else { return Ok(()) };
        let (size, mask) = filtered.unwrap_or((self.bytes, 0));
        if size == 0 {
            return Err(refuse(Problem::Value { field: "chunk size", value: 0 }));
        }
        if !self.is_filtered() && size != self.bytes {
            return Err(refuse(Problem::Mismatch { field: "chunk size", found: size, expected: self.bytes }));
        }
        let range = self.file.range(Structure::Chunk, address, size)?;
        self.table.push_mask(mask);
        self.table.number.push(number);
        self.table.offset.push(range.start);
        self.table.size.push(size);
        Ok(())
    }

    /// The number of the chunk at a position; `None` for one that a dataset which has shrunk has left behind.
    fn number(&self, position: &[u64]) -> Result<Option<u64>, Problem> {
        let mut number = 0_u64;
        let mut outside = false;
        let most = self.place.dataspace.maximum.iter().zip(self.chunk);
        for (place, (grid, (most, chunk))) in position.iter().zip(self.table.grid.iter().zip(most)) {
            if place >= grid {
                outside = true;
                if most.is_some_and(|most| *place >= most.div_ceil((*chunk).max(1))) {
                    return Err(Problem::Value { field: "chunk offset", value: place.saturating_mul(*chunk) });
                }
            }
            number = match number.checked_mul(*grid).and_then(|number| number.checked_add(*place)) {
                Some(number) => number,
                None if outside => 0,
                None => return Err(Problem::Overflow("chunk number")),
            };
        }
        Ok((!outside).then_some(number))
    }

    /// Chunks without an index, one after another in the order of their numbers (VII.B).
    pub(super) fn implicit(&mut self, first: Address) -> Result<(), Error> {
        let file = self.file;
        let refuse = |problem| file.problem_at(Structure::Chunk, first, problem);
        let chunks = self.table.grid.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
        let bytes = chunks.and_then(|chunks| chunks.checked_mul(self.bytes));
        let (Some(chunks), Some(bytes)) = (chunks, bytes) else {
            return Err(refuse(Problem::Overflow("number of chunks")));
        };
        file.range(Structure::Chunk, first, bytes)?;
        file.budget().chunks(chunks)?;
        let (numbering, current) = (self.numbering(), Numbering::row_major(&self.table.grid));
        let mut position = Vec::with_capacity(self.rank());
        for number in 0..chunks {
            current.position(number, &mut position);
            let index = numbering.index(&position);
            let offset = index.and_then(|index| index.checked_mul(self.bytes)?.checked_add(first.0));
            let offset = offset.ok_or_else(|| refuse(Problem::Overflow("chunk address")))?;
            self.add(&position, Address(offset), None)?;
        }
        Ok(())
    }

    /// The table in C order, if no chunk is there twice.
    pub(super) fn finish(self) -> Result<ChunkTable, Error> {
        let mut table = self.table;
        if !table.number.is_sorted() {
            table.sort();
        }
        if table.number.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(self.place.layout_problem(Problem::Duplicate("chunk")));
        }
        table.number.shrink_to_fit();
        table.offset.shrink_to_fit();
        table.size.shrink_to_fit();
        Ok(table)
    }
}

impl ChunkTable {
    /// Puts all columns in the order of the numbers.
    fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.number.len()).collect();
        order.sort_unstable_by_key(|n| self.number.get(*n));
        self.number = permuted(&self.number, &order);
        self.offset = permuted(&self.offset, &order);
        self.size = permuted(&self.size, &order);
        if let FilterMasks::Each(masks) = &mut self.masks {
            *masks = permuted(masks, &order);
        }
    }
}

fn permuted<T: Copy>(column: &[T], order: &[usize]) -> Vec<T> {
    order.iter().filter_map(|n| column.get(*n).copied()).collect()
}
