//! Chunks by number: positions in a grid, in C order.

/// The number of chunks along each dimension of an array.
pub(crate) fn grid(shape: &[u64], chunk: &[u64]) -> Vec<u64> {
    shape.iter().zip(chunk).map(|(size, chunk)| size.div_ceil((*chunk).max(1))).collect()
}

/// The position of the chunk with a number.
pub(crate) fn position(number: u64, grid: &[u64]) -> Vec<u64> {
    let mut rest = number;
    let places = grid.iter().rev().map(|size| {
        let place = rest % (*size).max(1);
        rest /= (*size).max(1);
        place
    });
    let mut position: Vec<u64> = places.collect();
    position.reverse();
    position
}

/// The number of the chunk at a position, if it fits in 64 bits.
pub(crate) fn number(position: &[u64], grid: &[u64]) -> Option<u64> {
    position.iter().zip(grid).try_fold(0_u64, |number, (place, size)| number.checked_mul(*size)?.checked_add(*place))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_chunk_of_a_dimension_may_be_partial() {
        assert_eq!(grid(&[5, 0, 4], &[2, 3, 4]), [3, 0, 1]);
    }

    #[test]
    fn the_last_dimension_varies_fastest() {
        assert_eq!(position(6, &[2, 4]), [1, 2]);
        assert_eq!(position(0, &[]), [0; 0]);
        assert_eq!(number(&[u64::MAX, 1], &[u64::MAX, u64::MAX]), None);
    }

    proptest! {
        #[test]
        fn a_position_has_the_number_it_was_made_of(grid in prop::collection::vec(1_u64..9, 0..5), n in any::<u64>()) {
            let n = n % grid.iter().product::<u64>();
            prop_assert_eq!(number(&position(n, &grid), &grid), Some(n));
        }
    }
}
