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
        // libhdf5 counts chunks as (maximum + chunk - 1) / chunk, without a look at an overflow (`H5D__chunk_set_sizes`).
        let mut most = place.dataspace.maximum.iter().zip(chunk);
        if most.any(|(most, chunk)| most.is_some_and(|most| most.checked_add(*chunk).is_none())) {
            return Err(place.layout_problem(Problem::Overflow("number of chunks")));
        }
        let table = ChunkTable { grid: grid.collect(), ..ChunkTable::default() };
        Ok(Self { file, place, chunk, bytes, table })
    }

    pub(super) fn rank(&self) -> usize {
        self.chunk.len()
    }

    /// Number of chunks of the whole grid.
    pub(super) fn most(&self) -> u64 {
        self.table.grid.iter().fold(1, |all, count| all.saturating_mul(*count))
    }

    /// Whether the dataset's chunks go through filters, so that an index must say their sizes.
    pub(super) fn is_filtered(&self) -> bool {
        !self.place.filters.filters.is_empty()
    }

    /// The width that the size of a filtered chunk has in an index, in bytes: what the largest chunk needs and one more
    /// (`H5D_FARRAY_FILT_COMPUTE_CHUNK_SIZE_LEN`), and Size of Lengths from layout version 5 on. `None` without filters.
    pub(super) fn size_width(&self) -> Option<u8> {
        let layout_version = self.place.layout.body.bytes.first().copied().unwrap_or(0);
        let width = if layout_version < 5 {
            let needed = self.bytes.checked_ilog2().unwrap_or(0).saturating_add(8) / 8;
            needed.saturating_add(1).min(8)
        } else {
            u32::try_from(self.file.sizes().lengths.bytes()).unwrap_or(8)
        };
        self.is_filtered().then_some(u8::try_from(width).unwrap_or(8))
    }

    /// Whether the chunks of an array of chunks have sizes as this dataset's have.
    pub(super) fn agrees(&self, array: Address, width: Option<u8>) -> Result<(), Error> {
        let problem = Problem::Missing("agreement of index and filters");
        if self.size_width() == width { Ok(()) } else { Err(self.file.problem_at(Structure::Chunk, array, problem)) }
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
                let offset = place.checked_mul(*chunk).and_then(|offset| offset.checked_add(*chunk));
                if offset.is_none() || most.is_some_and(|most| *place >= most.div_ceil((*chunk).max(1))) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::proofs::{chunks, resealed};
    use crate::structure::proofs::{message_of, with};

    /// Six chunks of 2 x 4 integers of four bytes; its B-tree has no checksum.
    const BTREE_V1: &[u8] = include_bytes!("../../../testdata/chunk/btree_v1.h5");
    /// The same chunks of 5 x 6 integers, as records of type 10.
    const BTREE_V2: &[u8] = include_bytes!("../../../testdata/chunk/btree_v2.h5");
    /// The only leaf of `BTREE_V2`.
    const LEAF: usize = 0x1000;
    const FIXED_ARRAY: &[u8] = include_bytes!("../../../testdata/chunk/fixed_array.h5");

    /// Where the `n`th key of the only node of `BTREE_V1` starts: size, filter mask, three offsets, and then the child.
    fn key(n: usize) -> usize {
        0x590 + 40 * n
    }

    fn told(at: usize, others: &[u8]) -> String {
        message_of(chunks(&with(BTREE_V1, at, others), "/d"))
    }

    #[test]
    fn chunks_are_listed_in_c_order() {
        let expected = ChunkTable {
            grid: vec![3, 2],
            number: (0..6).collect(),
            offset: vec![4016, 4048, 4080, 4112, 4144, 4176],
            size: vec![32; 6],
            masks: FilterMasks::Uniform(0),
        };
        assert_eq!(*chunks(BTREE_V1, "/d").unwrap(), expected);
    }

    /// Of these six chunks libhdf5 finds three, and reads the fill value for the others.
    #[test]
    fn records_of_a_tree_that_do_not_ascend_are_refused() {
        let mut records = BTREE_V2[LEAF + 6..LEAF + 6 + 6 * 24].to_vec();
        records.rotate_left(24);
        assert_eq!(
            message_of(chunks(&resealed(BTREE_V2, LEAF, LEAF + 6, &records), "/d")),
            "version 2 B-tree header at 0x1bf: chunks out of order (at 0x1bf)"
        );
    }

    /// Its first element would be at 2^64 or after.
    #[test]
    fn a_chunk_whose_offset_is_no_number_of_64_bits_is_refused() {
        let last = LEAF + 6 + 5 * 24 + 8;
        let record = |row: u8| message_of(chunks(&resealed(BTREE_V2, LEAF, last, &[2, 0, 0, 0, 0, 0, 0, row]), "/d"));
        assert_eq!(record(0x80), "chunk at 0x8a0: chunk offset is 18446744073709551615 (at 0x8a0)");
    }

    #[test]
    fn masks_are_sorted_with_their_chunks() {
        let masks = FilterMasks::Each(vec![1, 2, 3]);
        let mut table = ChunkTable {
            grid: vec![9],
            number: vec![7, 0, 3],
            offset: vec![70, 10, 30],
            size: vec![700, 100, 300],
            masks,
        };
        table.sort();
        assert_eq!((table.number, table.offset, table.size), (vec![0, 3, 7], vec![10, 30, 70], vec![100, 300, 700]));
        assert_eq!(table.masks, FilterMasks::Each(vec![2, 3, 1]));
    }

    #[test]
    fn a_chunk_that_a_shrunken_dataset_left_behind_is_dropped() {
        let table = chunks(include_bytes!("../../../testdata/chunk/stale.h5"), "/d").unwrap();
        assert_eq!((&table.grid, &table.number, &table.offset), (&vec![2, 1], &vec![0, 1], &vec![4016, 4048]));
    }

    #[test]
    fn a_chunk_beyond_the_maximum_size_is_refused() {
        assert_eq!(told(key(5) + 8, &[6]), "chunk at 0x1050: chunk offset is 6 (at 0x1050)");
        assert_eq!(told(key(5) + 16, &[8]), "chunk at 0x1050: chunk offset is 8 (at 0x1050)");
    }

    #[test]
    fn a_chunk_between_two_places_of_the_grid_is_refused() {
        assert_eq!(told(key(5) + 8, &[5]), "version 1 B-tree node at 0x578: chunk offset is 5 (at 0x578)");
    }

    #[test]
    fn a_chunk_that_is_there_twice_is_refused() {
        assert_eq!(told(key(5) + 16, &[0]), "version 1 B-tree node at 0x578: duplicate chunk (at 0x578)");
        let second_at_the_first = resealed(BTREE_V2, LEAF, LEAF + 6 + 24 + 8, &[0; 16]);
        assert_eq!(
            message_of(chunks(&second_at_the_first, "/d")),
            "version 2 B-tree header at 0x1bf: duplicate chunk (at 0x1bf)"
        );
    }

    #[test]
    fn keys_that_do_not_ascend_are_refused() {
        assert_eq!(told(key(5) + 8, &[0]), "version 1 B-tree node at 0x578: chunks out of order (at 0x578)");
    }

    #[test]
    fn the_size_of_an_unfiltered_chunk_is_that_of_its_elements() {
        assert_eq!(told(key(1), &[31]), "chunk at 0xfd0: chunk size is 31, not 32 (at 0xfd0)");
        assert_eq!(told(key(1), &[0]), "chunk at 0xfd0: chunk size is 0 (at 0xfd0)");
    }

    #[test]
    fn a_chunk_outside_the_file_is_refused() {
        assert_eq!(
            told(key(5) + 32, &[0x51]),
            "chunk at 0x1051: 32 bytes at 0x1051 are not inside the file of 4208 bytes (at 0x1051)"
        );
    }

    /// The layout of the unfiltered dataset names the array of the filtered one, and the other way round.
    #[test]
    fn an_index_must_have_sizes_exactly_where_chunks_are_filtered() {
        let unfiltered = resealed(FIXED_ARRAY, 0xb3, 0x107, &[0x29, 0x03]);
        assert_eq!(
            message_of(chunks(&unfiltered, "/d")),
            "chunk at 0x329: agreement of index and filters is missing (at 0x329)"
        );
        let filtered = resealed(FIXED_ARRAY, 0x21d, 0x281, &[0xbf, 0x01]);
        assert_eq!(
            message_of(chunks(&filtered, "/gzip")),
            "chunk at 0x1bf: agreement of index and filters is missing (at 0x1bf)"
        );
    }

    /// Nine of ten elements are set: libhdf5 reads the fill value where the tenth is.
    #[test]
    fn an_element_past_those_that_are_set_is_a_missing_chunk() {
        let array = include_bytes!("../../../testdata/chunk/extensible_array.h5");
        assert_eq!(chunks(array, "/d").unwrap().number.last(), Some(&9));
        assert_eq!(chunks(&resealed(array, 0x1bf, 0x1eb, &[9]), "/d").unwrap().number.last(), Some(&8));
    }

    #[test]
    fn sizes_of_filtered_chunks_are_as_wide_as_the_layouts_version_has_them() {
        assert!(chunks(FIXED_ARRAY, "/gzip").is_ok());
        assert_eq!(
            message_of(chunks(&resealed(FIXED_ARRAY, 0x21d, 0x277, &[5]), "/gzip")),
            "chunk at 0x329: agreement of index and filters is missing (at 0x329)"
        );
    }

    #[test]
    fn a_maximum_that_a_chunk_more_would_overflow_is_refused() {
        let wide = |last: u8| {
            let most = [last, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
            chunks(&resealed(FIXED_ARRAY, 0xb3, 0xdb, &most), "/d")
        };
        assert!(wide(0xfb).is_ok());
        assert_eq!(message_of(wide(0xfc)), "data layout message at 0xfd: number of chunks overflows (at 0xfd)");
    }

    #[test]
    fn chunks_without_an_index_lie_inside_the_file() {
        let implicit = include_bytes!("../../../testdata/chunk/implicit.h5");
        assert_eq!(chunks(implicit, "/d").unwrap().offset, [2048, 2080, 2112, 2144, 2176, 2208]);
        let larger = resealed(implicit, 0xb3, 0xc4, &[0x10]);
        let larger = resealed(&larger, 0xb3, 0xd4, &[0x10]);
        let size = implicit.len();
        assert_eq!(
            message_of(chunks(&larger, "/d")),
            format!("chunk at 0x800: 131264 bytes at 0x800 are not inside the file of {size} bytes (at 0x800)")
        );
    }
}
