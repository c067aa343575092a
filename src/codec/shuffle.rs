//! Shuffle, filter 2: the first bytes of all elements, then the second bytes, and so on; what is left over stays as it is.

use std::array;
use std::slice::Iter;

use crate::field::convert::narrow;

/// Puts each element's bytes together again, in place of those in `elements`.
pub(crate) fn decode_into(bytes: &[u8], element_size: u32, elements: &mut Vec<u8>) {
    elements.clear();
    match element_size {
        0 | 1 => elements.extend_from_slice(bytes),
        2 => together::<2>(bytes, elements),
        4 => together::<4>(bytes, elements),
        8 => together::<8>(bytes, elements),
        _ => *elements = permute(bytes, element_size, |elements, size| (elements, size)),
    }
}

/// The same, as new bytes.
pub(crate) fn decode(bytes: &[u8], element_size: u32) -> Vec<u8> {
    let mut elements = Vec::new();
    decode_into(bytes, element_size, &mut elements);
    elements
}

/// The same for elements of the usual sizes, several times as fast.
fn together<const SIZE: usize>(bytes: &[u8], together: &mut Vec<u8>) {
    let elements = bytes.len().checked_div(SIZE).unwrap_or(0);
    let mut rows = bytes.chunks_exact(elements.max(1)).map(<[u8]>::iter);
    let mut rows: [Iter<'_, u8>; SIZE] = array::from_fn(|_| rows.next().unwrap_or_default());
    together.reserve(bytes.len());
    for _ in 0..elements {
        together.extend_from_slice(&rows.each_mut().map(|row| row.next().copied().unwrap_or(0)));
    }
    together.extend(bytes.iter().skip(elements.saturating_mul(SIZE)));
}

/// Puts the bytes of one significance together.
pub(crate) fn encode(bytes: &[u8], element_size: u32) -> Vec<u8> {
    match element_size {
        0 | 1 => bytes.to_vec(),
        2 => apart::<2>(bytes),
        4 => apart::<4>(bytes),
        8 => apart::<8>(bytes),
        _ => permute(bytes, element_size, |elements, size| (size, elements)),
    }
}

/// The same for elements of the usual sizes, several times as fast.
fn apart<const SIZE: usize>(bytes: &[u8]) -> Vec<u8> {
    let (elements, tail) = bytes.as_chunks::<SIZE>();
    let mut shuffled = Vec::with_capacity(bytes.len());
    for significance in 0..SIZE {
        shuffled.extend(elements.iter().map(|element| element.get(significance).copied().unwrap_or(0)));
    }
    shuffled.extend_from_slice(tail);
    shuffled
}

/// Transposes a matrix of which `shape` says the rows and columns, from elements and element size.
fn permute(bytes: &[u8], element_size: u32, shape: impl Fn(usize, usize) -> (usize, usize)) -> Vec<u8> {
    let size = narrow(element_size.into());
    let elements = bytes.len().checked_div(size).unwrap_or(0);
    let (body, tail) = bytes.split_at_checked(elements.saturating_mul(size)).unwrap_or((bytes, &[]));
    let (rows, columns) = shape(elements, size);
    let mut permuted = Vec::with_capacity(bytes.len());
    for row in 0..rows {
        permuted.extend(body.iter().skip(row).step_by(rows.max(1)).take(columns));
    }
    permuted.extend_from_slice(tail);
    permuted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_of_one_significance_lie_together_and_the_tail_stays() {
        assert_eq!(encode(&[1, 2, 3, 4, 5, 6, 7], 2), [1, 3, 5, 2, 4, 6, 7]);
        assert_eq!(decode(&[1, 3, 5, 2, 4, 6, 7], 2), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(decode(&[1, 2], 4), [1, 2]);
        assert_eq!(decode(&[1, 2], 0), [1, 2]);
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 0_u32..20) {
            prop_assert_eq!(decode(&encode(&bytes, size), size), bytes);
        }
    }
}
