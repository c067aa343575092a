//! Where the chunks of each set come to lie in the combined array: arithmetic on grids, and no bytes.

/// How indices of one dimension of a set's grid become indices of the combined grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AxisMap {
    /// They stay what they are.
    Same,
    /// Each chunk has its place; `None` is left out.
    Moved(Vec<Option<u64>>),
    /// The set's array lacks the dimension and is at all these places.
    Repeated(Vec<u64>),
    /// Each chunk is cut into tiles: which tile of the chunk comes where.
    Tiled(Vec<Vec<(u64, u64)>>),
}

/// Rows of one chunk that are without a gap in the combined array too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// First row in the chunk.
    row: u64,
    /// Its place in the combined array.
    at: u64,
    rows: u64,
}

/// The positions of a set's rows along a dimension; `None` where another set's are taken instead.
pub(super) type Positions = [Option<u64>];

/// The place of each chunk, if every one is whole, starts at a multiple of the chunk's length, and only the last of all is not full.
pub(super) fn moved(positions: &Positions, chunk: u64, length: u64) -> Option<Vec<Option<u64>>> {
    let place = |rows: &Positions| match runs(rows).as_slice() {
        [] => Some(None),
        [Run { row: 0, at, rows: count }] => {
            let is_whole =
                *count == crate::convert::wide(rows.len()) && (*count == chunk || at.checked_add(*count)? == length);
            (is_whole && at % chunk == 0).then_some(Some(at / chunk))
        }
        _ => None,
    };
    positions.chunks(crate::convert::narrow(chunk).max(1)).map(place).collect()
}

/// The length of tiles into which the chunks of all sets can be cut, given each set's positions and the length of its chunks: what divides
/// the places and the lengths of all runs. The last tile of all may be partial, where the chunk that it is cut from goes on for a whole one.
pub(super) fn tile(sets: &[(&Positions, u64)], length: u64) -> u64 {
    let (mut tile, mut last) = (0, Vec::new());
    for (positions, chunk) in sets {
        for run in positions.chunks(crate::convert::narrow(*chunk).max(1)).flat_map(runs) {
            tile = gcd(gcd(tile, run.row), run.at);
            if run.at.saturating_add(run.rows) == length {
                last.push((run, *chunk));
            } else {
                tile = gcd(tile, run.rows);
            }
        }
    }
    let known = tile;
    for (run, chunk) in last {
        let end = run.rows.checked_next_multiple_of(known).and_then(|rows| rows.checked_add(run.row));
        if end.is_none_or(|end| end > chunk) {
            tile = gcd(tile, run.rows);
        }
    }
    tile
}

/// Which tile of each chunk comes where.
pub(super) fn tiled(positions: &Positions, chunk: u64, tile: u64) -> Vec<Vec<(u64, u64)>> {
    let tiles = |run: Run| {
        (0..run.rows.div_ceil(tile.max(1))).map(move |n| (run.row / tile.max(1) + n, run.at / tile.max(1) + n))
    };
    let chunks = positions.chunks(crate::convert::narrow(chunk).max(1));
    chunks.map(|rows| runs(rows).into_iter().flat_map(tiles).collect()).collect()
}

/// The rows of a chunk that stay together.
fn runs(rows: &Positions) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (row, at) in rows.iter().enumerate() {
        let (row, Some(at)) = (crate::convert::wide(row), *at) else { continue };
        match runs.last_mut() {
            Some(last) if last.row + last.rows == row && last.at + last.rows == at => last.rows += 1,
            _ => runs.push(Run { row, at, rows: 1 }),
        }
    }
    runs
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(positions: impl IntoIterator<Item = u64>) -> Vec<Option<u64>> {
        positions.into_iter().map(Some).collect()
    }

    #[test]
    fn a_chunk_moves_where_its_rows_stay_together_and_fill_it() {
        assert_eq!(moved(&at(4..8), 2, 12), Some(vec![Some(2), Some(3)]));
        // The last of all may be partial.
        assert_eq!(moved(&at(4..7), 2, 7), Some(vec![Some(2), Some(3)]));
        assert_eq!(moved(&at(4..7), 2, 9), None);
        // A chunk that is longer than the data.
        assert_eq!(moved(&at(0..4), 512, 4), Some(vec![Some(0)]));
        assert_eq!(moved(&at(0..4), 512, 8), None);
        // Chunks of one row come anywhere.
        assert_eq!(moved(&at([0, 2, 4]), 1, 5), Some(vec![Some(0), Some(2), Some(4)]));
        assert_eq!(moved(&at([0, 2]), 2, 5), None);
        assert_eq!(moved(&at(1..3), 2, 4), None);
        assert_eq!(moved(&[None, None, Some(2), Some(3)], 2, 4), Some(vec![None, Some(1)]));
        assert_eq!(moved(&[], 4, 9), Some(Vec::new()));
    }

    #[test]
    fn months_have_tiles_of_their_common_divisor() {
        // 30 days and 60 days in one chunk each.
        let (first, second) = (at(0..30), at(30..90));
        let length = tile(&[(&first, 30), (&second, 60)], 90);
        assert_eq!(length, 30);
        assert_eq!(tiled(&first, 30, length), [[(0, 0)]]);
        assert_eq!(tiled(&second, 60, length), [[(0, 1), (1, 2)]]);
        assert_eq!(tile(&[(&at(0..31), 31), (&at(31..59), 28)], 59), 1);
        // Four of the 512 rows of a chunk.
        assert_eq!(tile(&[(&at(0..4), 512), (&at(4..8), 512)], 8), 4);
        // The last tile is partial: its chunk has three rows.
        assert_eq!(tile(&[(&at(0..3), 3), (&at(3..6), 4), (&at(6..7), 3)], 7), 3);
        assert_eq!(tiled(&at(6..7), 3, 3), [[(0, 2)]]);
        assert_eq!(tile(&[(&at(0..3), 3), (&at(3..6), 4), (&at(6..7), 2)], 7), 1);
        assert_eq!(tiled(&at(4..8), 512, 4), [[(0, 1)]]);
    }
}
