//! How arrays of chunks number them: over the grid of the maximum dimensions, not the current ones.

/// The numbering of a dataset's chunks in fixed arrays, extensible arrays and implicit storage. VII does not say so: the grid is that
/// of the maximum dimensions (`max_down_chunks`), and an unlimited dimension is moved to the front (`H5VM_swizzle_coords`).
pub(super) struct Numbering {
    /// Dimensions in the order of numbering, the slowest first.
    order: Vec<usize>,
    /// Number of chunks in each dimension, in that order; that of the first is never needed.
    sizes: Vec<u64>,
}

impl Numbering {
    pub(super) fn new(maximum: &[Option<u64>], chunk: &[u64]) -> Self {
        let unlimited = maximum.iter().position(Option::is_none).unwrap_or(0);
        let mut order: Vec<usize> = (0..chunk.len()).filter(|dimension| *dimension != unlimited).collect();
        order.insert(0, unlimited);
        let size = |dimension: &usize| {
            let most = maximum.get(*dimension).copied().flatten().unwrap_or(u64::MAX);
            most.div_ceil(chunk.get(*dimension).copied().unwrap_or(1).max(1))
        };
        let sizes = order.iter().map(size).collect();
        Self { order, sizes }
    }

    /// C order over a grid.
    pub(super) fn row_major(grid: &[u64]) -> Self {
        Self { order: (0..grid.len()).collect(), sizes: grid.to_vec() }
    }

    /// The position in the grid of the chunk with an index.
    pub(super) fn position(&self, index: u64, position: &mut Vec<u64>) {
        position.clear();
        position.resize(self.order.len(), 0);
        let mut rest = index;
        for (n, (dimension, size)) in self.order.iter().zip(&self.sizes).enumerate().rev() {
            let place = if n == 0 { rest } else { rest.checked_rem(*size).unwrap_or(0) };
            rest = rest.checked_div(*size).unwrap_or(0);
            if let Some(slot) = position.get_mut(*dimension) {
                *slot = place;
            }
        }
    }

    /// The index of the chunk at a position.
    pub(super) fn index(&self, position: &[u64]) -> Option<u64> {
        self.order.iter().zip(&self.sizes).enumerate().try_fold(0_u64, |index, (n, (dimension, size))| {
            let index = if n == 0 { 0 } else { index.checked_mul(*size)? };
            index.checked_add(position.get(*dimension).copied()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position(numbering: &Numbering, index: u64) -> Vec<u64> {
        let mut position = Vec::new();
        numbering.position(index, &mut position);
        assert_eq!(numbering.index(&position), Some(index));
        position
    }

    #[test]
    fn chunks_are_numbered_over_the_maximum_dimensions() {
        // At most 7 x 9 elements in chunks of 2 x 3: a grid of 4 x 3.
        let numbering = Numbering::new(&[Some(7), Some(9)], &[2, 3]);
        assert_eq!(position(&numbering, 5), [1, 2]);
    }

    #[test]
    fn an_unlimited_dimension_comes_first() {
        let numbering = Numbering::new(&[Some(4), None, Some(6)], &[2, 5, 3]);
        // 2 x 2 chunks for each one along the unlimited dimension.
        assert_eq!(position(&numbering, 0), [0, 0, 0]);
        assert_eq!(position(&numbering, 1), [0, 0, 1]);
        assert_eq!(position(&numbering, 2), [1, 0, 0]);
        assert_eq!(position(&numbering, 7), [1, 1, 1]);
    }

    #[test]
    fn row_major_is_c_order_over_the_grid() {
        let grid = Numbering::row_major(&[2, 3]);
        let positions: Vec<_> = (0..6).map(|index| position(&grid, index)).collect();
        assert_eq!(positions, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
    }

    #[test]
    fn an_index_of_more_than_64_bits_is_none() {
        let numbering = Numbering::new(&[None, Some(1 << 40)], &[1, 1]);
        assert_eq!(numbering.index(&[1 << 23, 5]), Some((1 << 63) + 5));
        assert_eq!(numbering.index(&[1 << 24, 0]), None);
    }

    /// Chunks of 1 to 8 elements along up to four dimensions, of which one may be unlimited.
    fn datasets() -> impl Strategy<Value = (Vec<Option<u64>>, Vec<u64>)> {
        let dimensions = proptest::collection::vec((1..1_000_u64, 1..8_u64), 1..5);
        (dimensions, any::<Option<proptest::sample::Index>>()).prop_map(|(dimensions, unlimited)| {
            let (sizes, chunk): (Vec<_>, Vec<_>) = dimensions.into_iter().unzip();
            let mut maximum: Vec<_> = sizes.into_iter().map(Some).collect();
            if let Some(unlimited) = unlimited {
                let unlimited = unlimited.index(maximum.len());
                maximum[unlimited] = None;
            }
            (maximum, chunk)
        })
    }

    proptest! {
        #[test]
        fn every_index_has_its_own_position((maximum, chunk) in datasets(), index in 0..1_000_000_u64) {
            let numbering = Numbering::new(&maximum, &chunk);
            let found = position(&numbering, index);
            prop_assert_eq!(found.len(), chunk.len());
            // Only the dimension that is numbered first may reach past its maximum.
            let first = maximum.iter().position(Option::is_none).unwrap_or(0);
            for dimension in (0..chunk.len()).filter(|dimension| *dimension != first) {
                prop_assert!(found[dimension] < maximum[dimension].unwrap().div_ceil(chunk[dimension]));
            }
        }
    }
}
