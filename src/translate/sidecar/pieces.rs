//! Data in one piece as chunks of a bounded size.

use crate::reference::Manifest;
use crate::reference::grid::{grid, number, position};

/// Most bytes of a chunk, unless an element has more.
const MOST: u64 = 16 << 20;

/// Bytes from which on a chunk is not made larger.
const ENOUGH: u64 = 1 << 20;

/// Splits data in one piece, of elements of so many bytes, along its first dimensions, so that each chunk is a range of them; gives the chunk shape. The last ones
/// along a dimension may be shorter.
pub(super) fn split(shape: &[u64], element: u64, manifest: &mut Manifest) -> Vec<u64> {
    let chunk = along_first(shape, element);
    manifest.grid = grid(shape, &chunk);
    if let &[offset] = manifest.offset.as_slice() {
        ranges(shape, &chunk, (offset, element), manifest);
    }
    chunk
}

/// The shape of chunks that are split along the first dimensions.
fn along_first(shape: &[u64], element: u64) -> Vec<u64> {
    let mut chunk: Vec<u64> = shape.iter().map(|size| (*size).max(1)).collect();
    let mut bytes = chunk.iter().fold(element, |n, size| n.saturating_mul(*size));
    for size in &mut chunk {
        if bytes <= MOST {
            break;
        }
        let inner = bytes / *size;
        *size = (MOST / inner.max(1)).max(1);
        bytes = inner.saturating_mul(*size);
    }
    chunk
}

/// The shape of chunks that are read from elsewhere, where they lie in chunks themselves: several of these, so that few are decoded
/// more than once. Dimensions that only one of the two has are the first.
pub(super) fn around(shape: &[u64], element: u64, stored: Option<&[u64]>) -> Vec<u64> {
    let Some(stored) = stored else { return along_first(shape, element) };
    let inner = stored.iter().rev().map(Some).chain(std::iter::repeat(None));
    let mut chunk: Vec<u64> = shape
        .iter()
        .rev()
        .zip(inner)
        .map(|(size, stored)| stored.map_or(1, |stored| *stored).min(*size).max(1))
        .collect();
    chunk.reverse();
    let mut bytes = chunk.iter().fold(element.max(1), |n, size| n.saturating_mul(*size));
    if bytes > MOST {
        return along_first(shape, element);
    }
    for (chunk, size) in chunk.iter_mut().zip(shape).rev() {
        while *chunk < *size && bytes <= ENOUGH {
            (*chunk, bytes) = (chunk.saturating_mul(2), bytes.saturating_mul(2));
        }
    }
    chunk.iter().zip(shape).map(|(chunk, size)| (*chunk).min((*size).max(1))).collect()
}

/// The chunks of a piece at an offset: before the dimension that is split each has one index, behind it all.
fn ranges(shape: &[u64], chunk: &[u64], (offset, size): (u64, u64), manifest: &mut Manifest) {
    let chunks: u64 = manifest.grid.iter().product();
    manifest.number = (0..chunks).collect();
    manifest.offset.clear();
    manifest.length.clear();
    for at in (0..chunks).map(|number| position(number, &manifest.grid)) {
        let first: Vec<u64> = at.iter().zip(chunk).map(|(place, chunk)| place * chunk).collect();
        let sizes = first.iter().zip(chunk).zip(shape).map(|((first, chunk), size)| (*chunk).min(size - first));
        // The data lie inside the file, so none of this overflows.
        manifest.offset.push(offset + number(&first, shape).unwrap_or(0) * size);
        manifest.length.push(sizes.product::<u64>() * size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Urls;

    /// A dataset of bytes in one piece at 100: its chunk shape, and the chunks.
    fn pieces(shape: &[u64]) -> (Vec<u64>, Manifest) {
        let mut manifest = Manifest { number: vec![0], offset: vec![100], length: vec![0], ..Manifest::default() };
        let chunk = split(shape, 1, &mut manifest);
        (chunk, manifest)
    }

    #[test]
    fn dimensions_of_one_index_change_nothing() {
        let (chunk, manifest) = pieces(&[1, 3, 16 << 20, 1]);
        assert_eq!((chunk, &manifest.grid), (vec![1, 1, 16 << 20, 1], &vec![1, 3, 1, 1]));
        assert_eq!(manifest.offset, [100, 100 + (16 << 20), 100 + (32 << 20)]);
    }

    #[test]
    fn chunks_read_from_elsewhere_are_whole_ones_of_the_source_until_they_are_large_enough() {
        let of = |shape: &[u64], stored: &[u64]| around(shape, 4, Some(stored));
        assert_eq!(of(&[7, 9], &[2, 4]), [7, 9]);
        assert_eq!(of(&[5_000, 1_000], &[10, 100]), [320, 1_000]);
        assert_eq!(of(&[5_000, 4_000, 1_000], &[10, 200, 100]), [10, 200, 200]);
        // A source of fewer dimensions, of more, and with larger chunks than the dataset.
        assert_eq!(of(&[50, 1_024, 1_024], &[256, 256]), [1, 512, 1_024]);
        assert_eq!(of(&[3_000], &[1, 500, 7]), [3_000]);
        assert_eq!(of(&[3, 3], &[1 << 40, 1 << 40]), [3, 3]);
        // Chunks that are too large themselves, and none at all.
        assert_eq!(of(&[8, 16 << 20], &[2, 16 << 20]), [1, 4 << 20]);
        assert_eq!(around(&[8, 16 << 20], 1, None), [1, 16 << 20]);
        assert_eq!((of(&[0, 4], &[2, 2]), of(&[], &[])), (vec![1, 4], vec![]));
    }

    #[test]
    fn small_data_stay_one_chunk() {
        let (chunk, manifest) = pieces(&[3, 4]);
        assert_eq!((chunk, manifest.offset, manifest.length), (vec![3, 4], vec![100], vec![12]));
        let (chunk, manifest) = pieces(&[]);
        assert_eq!((chunk, manifest.offset, manifest.length), (vec![], vec![100], vec![1]));
    }

    #[test]
    fn rows_are_split_where_they_fit() {
        let (chunk, manifest) = pieces(&[5, 8 << 20]);
        assert_eq!(chunk, [2, 8 << 20]);
        let expected = Manifest {
            grid: vec![3, 1],
            number: vec![0, 1, 2],
            urls: Urls::default(),
            offset: vec![100, 100 + (16 << 20), 100 + (32 << 20)],
            length: vec![16 << 20, 16 << 20, 8 << 20],
            ..Manifest::default()
        };
        assert_eq!(manifest, expected);
    }

    #[test]
    fn rows_that_are_too_long_are_split_themselves() {
        let (chunk, manifest) = pieces(&[2, 24 << 20]);
        assert_eq!((chunk, &manifest.grid), (vec![1, 16 << 20], &vec![2, 2]));
        assert_eq!(manifest.offset, [100, 100 + (16 << 20), 100 + (24 << 20), 100 + (40 << 20)]);
        assert_eq!(manifest.length, [16 << 20, 8 << 20, 16 << 20, 8 << 20]);
        // Rows of exactly one chunk each.
        let (chunk, manifest) = pieces(&[3, 16 << 20]);
        assert_eq!((chunk, manifest.grid, manifest.length), (vec![1, 16 << 20], vec![3, 1], vec![16 << 20; 3]));
    }
}
