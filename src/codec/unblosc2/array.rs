//! A B2ND array: the metalayer of a frame whose chunk is in blocks of several dimensions (c-blosc2, `README_B2ND_METALAYER.rst`).

use crate::field::convert::narrow;

/// Most dimensions (`B2ND_MAX_DIM`).
const MOST_DIMENSIONS: u8 = 8;

/// Blocks of each dimension may be padded to almost twice its size. What many dimensions make of that is more work than a file of few
/// bytes may ask for.
const MOST_PADDED: u64 = 16;

/// A dimension, in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Axis {
    shape: u64,
    chunk: u64,
    block: u64,
}

/// How elements lie in the blocks of the only chunk of an array.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Array {
    axes: Vec<Axis>,
}

impl Array {
    pub(super) fn parse(content: &[u8]) -> Option<Self> {
        // An array of five or more, the version, and the number of dimensions.
        let (&[0x95..=0x9f, _, dimensions @ 1..=MOST_DIMENSIONS], rest) = content.split_first_chunk()? else {
            return None;
        };
        let (shape, rest) = sizes::<8>(rest, dimensions, 0xd3)?;
        let (chunk, rest) = sizes::<4>(rest, dimensions, 0xd2)?;
        let (block, _) = sizes::<4>(rest, dimensions, 0xd2)?;
        let axes = shape.into_iter().zip(chunk).zip(block);
        let axes: Vec<Axis> = axes.map(|((shape, chunk), block)| Axis { shape, chunk, block }).collect();
        let is_one_chunk = axes.iter().all(|axis| 0 < axis.block && axis.block <= axis.chunk && 0 < axis.shape)
            && axes.iter().all(|axis| axis.shape == axis.chunk);
        is_one_chunk.then_some(Self { axes })
    }

    /// Whether this is the shape that the filter's parameters tell of chunks, if they do.
    pub(super) fn is_told(&self, values: &[u32]) -> bool {
        let Some(dimensions) = values.get(7) else { return true };
        let told = values.iter().skip(8).take(narrow((*dimensions).into())).map(|size| u64::from(*size));
        told.eq(self.axes.iter().map(|axis| axis.shape))
    }

    /// Elements of the array.
    pub(super) fn elements(&self) -> Option<u64> {
        self.axes.iter().try_fold(1, |product: u64, axis| product.checked_mul(axis.shape))
    }

    /// Elements of the chunk, at most `MOST_PADDED` times as many as there are, whose blocks are all whole, and of a block.
    pub(super) fn stored(&self) -> Option<(u64, u64)> {
        let (chunk, block) = self.axes.iter().try_fold((1, 1), |(chunk, block): (u64, u64), axis| {
            let whole = axis.chunk.div_ceil(axis.block).checked_mul(axis.block)?;
            Some((chunk.checked_mul(whole)?, block.checked_mul(axis.block)?))
        })?;
        (chunk <= self.elements()?.saturating_mul(MOST_PADDED)).then_some((chunk, block))
    }

    /// Puts the elements of a block to their places in the array.
    pub(super) fn place(&self, number: u64, block: &[u8], type_size: u64, bytes: &mut [u8]) -> Option<()> {
        let (last, others) = self.axes.split_last()?;
        let corner = self.corner(number)?;
        let (start, corner) = corner.split_last()?;
        let count = last.shape.saturating_sub(*start).min(last.block);
        let row = narrow(last.block.checked_mul(type_size)?);
        for (mut rest, elements) in (0..).zip(block.chunks_exact(row.max(1))) {
            let (mut at, mut stride, mut is_inside) = (*start, last.shape, count > 0);
            for (axis, corner) in others.iter().zip(corner).rev() {
                let position = corner.checked_add(u64::checked_rem(rest, axis.block)?)?;
                is_inside &= position < axis.shape;
                at = at.saturating_add(position.saturating_mul(stride));
                (rest, stride) = (rest.checked_div(axis.block)?, stride.saturating_mul(axis.shape));
            }
            if is_inside {
                let places = bytes.get_mut(narrow(at.checked_mul(type_size)?)..)?;
                let elements = elements.iter().take(narrow(count.checked_mul(type_size)?));
                places.iter_mut().zip(elements).for_each(|(place, byte)| *place = *byte);
            }
        }
        Some(())
    }

    /// The first element of a block.
    fn corner(&self, mut number: u64) -> Option<Vec<u64>> {
        let mut corner = Vec::new();
        for axis in self.axes.iter().rev() {
            let blocks = axis.chunk.div_ceil(axis.block);
            corner.push(number.checked_rem(blocks)?.checked_mul(axis.block)?);
            number = number.checked_div(blocks)?;
        }
        corner.reverse();
        Some(corner)
    }
}

/// A list of so many sizes of `N` bytes, each after this marker.
fn sizes<const N: usize>(bytes: &[u8], count: u8, marker: u8) -> Option<(Vec<u64>, &[u8])> {
    let (list, mut rest) = bytes.split_first()?;
    if *list != 0x90 | count {
        return None;
    }
    let mut sizes = Vec::new();
    for _ in 0..count {
        let (found, after) = rest.split_first()?;
        let (number, after) = after.split_first_chunk::<N>()?;
        if *found != marker {
            return None;
        }
        sizes.push(number.iter().try_fold(0_u64, |size, byte| Some(size.checked_mul(256)? | u64::from(*byte)))?);
        rest = after;
    }
    Some((sizes, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The metalayer of an array of 2 dimensions.
    fn metalayer(shape: [u8; 2], chunk: [u8; 2], block: [u8; 2]) -> Vec<u8> {
        let long = shape.map(|size| [0xd3, 0, 0, 0, 0, 0, 0, 0, size]).concat();
        let [chunk, block] = [chunk, block].map(|sizes| sizes.map(|size| [0xd2, 0, 0, 0, size]).concat());
        [&[0x97, 0, 2][..], &[0x92], &long, &[0x92], &chunk, &[0x92], &block].concat()
    }

    #[test]
    fn blocks_are_put_to_their_places_and_padding_is_left_out() {
        let array = Array::parse(&metalayer([3, 3], [3, 3], [2, 2])).unwrap();
        assert_eq!((array.elements(), array.stored()), (Some(9), Some((16, 4))));
        let mut bytes = [0; 9];
        for number in 0..4 {
            let first = u8::try_from(number * 4).unwrap();
            array.place(number, &[first, first + 1, first + 2, first + 3], 1, &mut bytes).unwrap();
        }
        assert_eq!(bytes, [0, 1, 4, 2, 3, 6, 8, 9, 12]);
    }

    #[test]
    fn a_metalayer_is_whole_and_of_one_chunk() {
        let whole = metalayer([3, 3], [3, 3], [2, 2]);
        assert!(Array::parse(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(Array::parse(&whole[..length]), None, "{length}");
        }
        assert_eq!(Array::parse(&metalayer([3, 3], [3, 2], [2, 2])), None, "two chunks");
        assert_eq!(Array::parse(&metalayer([3, 3], [3, 3], [4, 2])), None, "blocks that are larger than the chunk");
        assert_eq!(Array::parse(&metalayer([3, 3], [3, 3], [0, 2])), None);
        assert_eq!(Array::parse(&metalayer([3, 3], [3, 9], [2, 2])), None, "a chunk that is larger than the array");
        assert_eq!(Array::parse(&metalayer([3, 0], [3, 3], [2, 2])), None);
    }

    #[test]
    fn padding_is_bounded() {
        let cube = |dimensions| Array { axes: vec![Axis { shape: 3, chunk: 3, block: 2 }; dimensions] };
        assert_eq!(cube(8).stored(), Some((1 << 16, 1 << 8)));
        let wide = |dimensions| Array { axes: vec![Axis { shape: 65, chunk: 65, block: 64 }; dimensions] };
        assert_eq!((wide(4).stored(), wide(5).stored()), (Some((1 << 28, 1 << 24)), None));
    }

    #[test]
    fn chunks_have_the_shape_that_the_filter_tells() {
        let array = Array::parse(&metalayer([3, 5], [3, 5], [2, 2])).unwrap();
        let values = |shape: &[u32]| [&[1, 0, 4, 60, 5, 1, 0][..], shape].concat();
        assert!(array.is_told(&values(&[2, 3, 5])));
        assert!(array.is_told(&values(&[])));
        assert!(!array.is_told(&values(&[2, 5, 3])));
        assert!(!array.is_told(&values(&[1, 15])));
    }
}
