//! Chunk tables: where each chunk of a dataset lies, whatever index says so ([VII], [III.A.1]).

mod btree_v1;
mod btree_v2;
mod builder;
mod extensible_array;
mod fixed_array;
mod numbering;

use std::sync::Arc;

use super::File;
use super::dataset::Place;
use crate::source::Halt;
use crate::structure::message::data_layout::{Chunked, Index};
use builder::Builder;
use numbering::Numbering;

/// The chunks of a dataset that were written, in columns, in C order of the grid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChunkTable {
    /// Number of chunks in each dimension.
    pub grid: Vec<u64>,
    /// Number of each chunk: its position in the grid, in C order.
    pub number: Vec<u64>,
    /// File offset of each chunk's bytes.
    pub offset: Vec<u64>,
    /// Bytes of each chunk in the file, after the filters.
    pub size: Vec<u64>,
    /// Which filters the chunks skipped.
    pub masks: FilterMasks,
}

/// Filter masks: bit i set means that filter i was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterMasks {
    /// All chunks have this mask.
    Uniform(u32),
    /// One mask for each chunk.
    Each(Vec<u32>),
}

impl Default for FilterMasks {
    fn default() -> Self {
        Self::Uniform(0)
    }
}

impl ChunkTable {
    /// How many chunks were written.
    pub fn len(&self) -> usize {
        self.number.len()
    }

    /// Whether no chunk was written.
    pub fn is_empty(&self) -> bool {
        self.number.is_empty()
    }

    /// The position of each chunk in the grid.
    pub fn positions(&self) -> impl Iterator<Item = Vec<u64>> {
        self.positions_from(0)
    }

    /// The same from the `first`th on.
    pub(crate) fn positions_from(&self, first: usize) -> impl Iterator<Item = Vec<u64>> {
        let grid = Numbering::row_major(&self.grid);
        self.number.iter().skip(first).map(move |number| {
            let mut position = Vec::new();
            grid.position(*number, &mut position);
            position
        })
    }

    /// The filter mask of the `n`th chunk.
    pub fn mask(&self, n: usize) -> u32 {
        match &self.masks {
            FilterMasks::Uniform(mask) => *mask,
            FilterMasks::Each(masks) => masks.get(n).copied().unwrap_or(0),
        }
    }

    fn push_mask(&mut self, mask: u32) {
        let chunks = self.number.len();
        match &mut self.masks {
            FilterMasks::Uniform(uniform) if chunks == 0 => *uniform = mask,
            FilterMasks::Uniform(uniform) if *uniform == mask => {}
            FilterMasks::Uniform(uniform) => {
                let mut each = vec![*uniform; chunks];
                each.push(mask);
                self.masks = FilterMasks::Each(each);
            }
            FilterMasks::Each(each) => each.push(mask),
        }
    }
}

impl File<'_> {
    /// The chunk table of a dataset; kept, so that a replayed walk does not decode it again.
    pub(crate) fn chunk_table(
        &self,
        place: &Place<'_>,
        chunked: &Chunked,
        chunk: &[u64],
    ) -> Result<Arc<ChunkTable>, Halt> {
        if let Some(table) = self.memo.chunks(place.header.address) {
            return Ok(table);
        }
        let mut builder = Builder::new(self, place, chunk)?;
        if let Some(address) = chunked.address {
            match chunked.index {
                Index::BtreeV1 => self.btree_v1_chunks(address, &mut builder)?,
                Index::Single { filtered } => builder.add(&vec![0; chunk.len()], address, filtered)?,
                Index::Implicit => builder.implicit(address)?,
                Index::FixedArray => self.fixed_array_chunks(address, &mut builder)?,
                Index::ExtensibleArray => self.extensible_array_chunks(address, &mut builder)?,
                Index::BtreeV2 => self.btree_v2_chunks(address, &mut builder)?,
            }
        }
        let table = Arc::new(builder.finish()?);
        self.memo.keep(place.header.address, &table);
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::proofs::chunks;

    #[test]
    fn masks_are_one_until_they_differ() {
        let mut table = ChunkTable::default();
        let mut masks = Vec::new();
        for (number, mask) in [(0, 2), (1, 2), (2, 0)] {
            table.push_mask(mask);
            table.number.push(number);
            masks.push(table.masks.clone());
        }
        assert_eq!(masks, [FilterMasks::Uniform(2), FilterMasks::Uniform(2), FilterMasks::Each(vec![2, 2, 0])]);
        assert_eq!([0, 1, 2].map(|n| table.mask(n)), [2, 2, 0]);
    }

    /// Numbers, offsets and sizes as `testdata/chunk/*.json` has them.
    #[test]
    fn every_index_gives_the_same_kind_of_table() {
        let table = |bytes: &[u8], path| Arc::unwrap_or_clone(chunks(bytes, path).unwrap());
        let of = |grid: &[u64], number: &[u64], offset: &[u64], size: &[u64]| ChunkTable {
            grid: grid.to_vec(),
            number: number.to_vec(),
            offset: offset.to_vec(),
            size: size.to_vec(),
            masks: FilterMasks::Uniform(0),
        };
        let single = include_bytes!("../../../testdata/chunk/single.h5");
        assert_eq!(table(single, "/d"), of(&[1, 1], &[0], &[2048], &[48]));
        assert_eq!(table(single, "/gzip"), of(&[1, 1], &[0], &[2096], &[33]));
        assert_eq!(table(single, "/never_written"), of(&[1, 1], &[], &[], &[]));
        let fixed = include_bytes!("../../../testdata/chunk/fixed_array.h5");
        assert_eq!(table(fixed, "/sparse"), of(&[3, 2], &[5], &[2423], &[32]));
        let extensible = include_bytes!("../../../testdata/chunk/extensible_array.h5");
        assert_eq!(table(extensible, "/sparse"), of(&[300], &[0, 4, 40, 299], &[2514, 2516, 2518, 2520], &[2; 4]));
        let paged = include_bytes!("../../../testdata/chunk/fixed_array_paged.h5");
        assert_eq!(table(paged, "/d").number, [0, 5, 1023, 2048, 2499]);
        let paged = include_bytes!("../../../testdata/chunk/extensible_array_paged.h5");
        assert_eq!(table(paged, "/d").number, [0, 3, 100, 5000, 17_000, 70_000, 139_999]);
    }
}
