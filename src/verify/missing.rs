//! Chunks that an array is without, where its dataset may have them.

use std::collections::BTreeSet;
use std::ops::Range;

use super::boxes::boxes;
use super::values::Pair;
use crate::field::convert::wide;
use crate::file::{ChunkTable, Storage};
use crate::reference::grid::{number, position};
use crate::reference::{Array, Manifest};
use crate::source::Sources;

/// Most chunks of an array that are looked at though they are missing.
const MOST: usize = 100_000;

/// Chunks that are missing.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Missing {
    /// Those that are to be compared, by number.
    pub(super) numbers: Vec<u64>,
    /// Whether others are not known to be missing in the file too.
    pub(super) has_more: bool,
}

impl Missing {
    /// All of an array that has few chunks; of others those that the dataset has.
    pub(super) fn of<S: Sources>(pair: &Pair<'_, S>) -> Self {
        let (array, dataset) = (pair.stored.array(), pair.dataset.dataset());
        let total = array.chunks.grid.iter().fold(1_u64, |total, size| total.saturating_mul(*size));
        match &dataset.storage {
            _ if total <= wide(MOST) => gaps(&array.chunks, total),
            Storage::Chunked { chunk, chunks: Some(Ok(table)), .. } => {
                of_table(array, pair.dataset.shape(), chunk, table)
            }
            Storage::Contiguous { offset: Some(_), .. } => gaps(&array.chunks, total),
            Storage::Contiguous { offset: None, .. } => Self::default(),
            _ => Self { numbers: Vec::new(), has_more: wide(array.chunks.present()) < total },
        }
    }
}

/// The first numbers that a manifest does not have.
fn gaps(chunks: &Manifest, total: u64) -> Missing {
    let mut missing = (0..total).filter(|number| !has(chunks, *number));
    let numbers = missing.by_ref().take(MOST).collect();
    Missing { numbers, has_more: missing.next().is_some() }
}

/// Those that share elements with the chunks of a table, which may have another shape.
fn of_table(array: &Array, shape: &[u64], chunk: &[u64], table: &ChunkTable) -> Missing {
    let chunks = &array.chunks;
    let mut missing = BTreeSet::new();
    // Chunks of unlike shapes may meet at more places than there are chunks.
    let mut looks = chunks.present().saturating_add(table.len()).saturating_mul(4).saturating_add(MOST);
    let mut has_more = false;
    'all: for written in &table.number {
        for cell in boxes(&cells(array, shape, chunk, &position(*written, &table.grid)), 1, 1) {
            has_more = looks == 0 || missing.len() == MOST;
            if has_more {
                break 'all;
            }
            looks -= 1;
            let place: Vec<u64> = cell.iter().map(|range| range.start).collect();
            missing.extend(number(&place, &chunks.grid).filter(|number| !has(chunks, *number)));
        }
    }
    Missing { numbers: missing.into_iter().collect(), has_more }
}

/// The places of chunks of the array that a chunk of the dataset has a part in.
fn cells(array: &Array, shape: &[u64], chunk: &[u64], place: &[u64]) -> Vec<Range<u64>> {
    let all = array.chunks.grid.iter().zip(&array.metadata.chunks).enumerate();
    let of = all.map(|(n, (most, own))| match (place.get(n), chunk.get(n), shape.get(n)) {
        (Some(place), Some(size), Some(end)) => {
            let start = place.saturating_mul(*size);
            let end = start.saturating_add(*size).min(*end);
            let own = (*own).max(1);
            (start / own).min(*most)..end.div_ceil(own).min(*most)
        }
        // The dimensions of an array type.
        _ => 0..*most,
    });
    of.collect()
}

fn has(chunks: &Manifest, number: u64) -> bool {
    chunks.inline.contains_key(&number) || chunks.number.binary_search(&number).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::FilterMasks;
    use crate::reference::grid::grid;
    use crate::zarr::{ArrayMetadata, Attributes, Dtype};

    /// An array of 6 by 8 elements.
    fn array(chunk: [u64; 2], present: &[u64]) -> Array {
        let (dtype, shape) = (Dtype::Simple("<i4".to_owned()), vec![6, 8]);
        let chunks = Manifest { grid: grid(&shape, &chunk), number: present.to_vec(), ..Manifest::default() };
        let metadata = ArrayMetadata::new(shape, chunk.to_vec(), dtype, None, Vec::new());
        Array { metadata, attributes: Attributes::default(), chunks }
    }

    /// What the array is without where the dataset has its chunks of 3 by 4 elements 1 (upper right) and 2 (lower left).
    fn without(array: &Array) -> Vec<u64> {
        let table = ChunkTable {
            grid: vec![2, 2],
            number: vec![1, 2],
            offset: vec![0; 2],
            size: vec![48; 2],
            masks: FilterMasks::default(),
        };
        let missing = of_table(array, &[6, 8], &[3, 4], &table);
        assert!(!missing.has_more);
        missing.numbers
    }

    #[test]
    fn chunks_that_the_dataset_has_are_missing() {
        assert_eq!(without(&array([3, 4], &[1, 2])), [0; 0]);
        assert_eq!(without(&array([3, 4], &[2, 3])), [1]);
        // Halves and quarters of them, and both in one.
        assert_eq!(without(&array([3, 2], &[2, 4])), [3, 5]);
        assert_eq!(without(&array([6, 4], &[])), [0, 1]);
        assert_eq!(without(&array([6, 8], &[])), [0]);
        // Rows 2 and 3 are parts of all four.
        assert_eq!(without(&array([2, 8], &[])), [0, 1, 2]);
    }

    #[test]
    fn gaps_are_the_numbers_that_a_manifest_does_not_have() {
        let mut chunks = Manifest { number: vec![0, 2, 3], ..Manifest::default() };
        chunks.inline.insert(5, bytes::Bytes::new());
        assert_eq!(gaps(&chunks, 7), Missing { numbers: vec![1, 4, 6], has_more: false });
        let many = gaps(&chunks, u64::MAX);
        assert_eq!((many.numbers.len(), many.numbers[MOST - 1], many.has_more), (MOST, wide(MOST) + 3, true));
    }
}
