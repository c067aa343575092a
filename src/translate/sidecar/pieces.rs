//! Data in one piece as chunks of a bounded size.

use crate::reference::Manifest;
use crate::reference::grid::{grid, number, position};

/// Most bytes of a chunk, unless an element has more.
const MOST: u64 = 16 << 20;

/// Splits data in one piece, of elements of so many bytes, along its first dimensions, so that each chunk is a range of them; gives the chunk shape. The last ones
/// along a dimension may be shorter.
pub(super) fn split(shape: &[u64], element: u64, manifest: &mut Manifest) -> Vec<u64> {
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
    manifest.grid = grid(shape, &chunk);
    if let &[offset] = manifest.offset.as_slice() {
        ranges(shape, &chunk, (offset, element), manifest);
    }
    chunk
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
