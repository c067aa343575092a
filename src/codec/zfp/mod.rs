//! zfp, filter 32013: blocks of four elements a dimension, each to a number of bits or to a precision, or as it was. The filter's
//! parameters hold zfp's header, and a chunk is a stream without (`H5Zzfp.c`; zfp, `decompress.c`).

mod bits;
mod block;
mod header;
mod order;

use self::block::Blocks;
use self::header::Header;
use crate::error::Problem;
use crate::field::convert::{narrow, wide};

/// Elements of a block, along each dimension.
const SIDE: u64 = 4;

/// The elements of a stream that was made with these parameters, little-endian; more than `most` bytes are refused.
pub(crate) fn decode(stream: &[u8], values: &[u32], most: u64) -> Result<Vec<u8>, Problem> {
    let header = Header::parse(values)?;
    let size = header.size().filter(|size| *size <= most).ok_or(Problem::Decode("zfp stream"))?;
    array(&header, stream, size).ok_or(Problem::Decode("zfp stream"))
}

/// The `size` bytes of the array.
fn array(header: &Header, stream: &[u8], size: u64) -> Option<Vec<u8>> {
    // Each block takes a bit at the least, and none has more elements than there are.
    let blocks = header.shape.iter().fold(1, |blocks: u64, size| blocks.saturating_mul(size.div_ceil(SIDE)));
    if blocks.div_ceil(8) > wide(stream.len()) {
        return None;
    }
    let mut bytes = vec![0; narrow(size)];
    let mut blocks = Blocks::new(header, stream);
    let [nx, ny, nz, nw] = header.shape;
    let starts = |n: u64| (0..n).step_by(narrow(SIDE));
    for w in starts(nw) {
        for z in starts(nz) {
            for y in starts(ny) {
                for x in starts(nx) {
                    place(blocks.next()?, header, [x, y, z, w], &mut bytes);
                }
            }
        }
    }
    Some(bytes)
}

/// Puts the elements of a block to their places, those that lie in the array.
fn place(block: &[i64], header: &Header, [x, y, z, w]: [u64; 4], bytes: &mut [u8]) {
    let [nx, ny, nz, nw] = header.shape;
    let size = header.scalar.size();
    for (n, element) in (0_u64..).zip(block) {
        let [x, y, z, w] = [(x, n), (y, n >> 2), (z, n >> 4), (w, n >> 6)].map(|(at, n)| at.saturating_add(n & 3));
        if x >= nx || y >= ny || z >= nz || w >= nw {
            continue;
        }
        let at = [(nz, z), (ny, y), (nx, x)].iter().fold(w, |at, (n, i)| at.saturating_mul(*n).saturating_add(*i));
        let place = bytes.iter_mut().skip(narrow(at.saturating_mul(size)));
        // The element is at the top of the number.
        let element = element.to_le_bytes().into_iter().skip(narrow(8_u64.saturating_sub(size)));
        place.zip(element).for_each(|(byte, value)| *byte = value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WRONG: Problem = Problem::Decode("zfp stream");

    /// The filter's parameters for an array of so many integers of 32 bits, at a number of bits for each block.
    fn integers(count: u32, bits: u32) -> [u32; 4] {
        let count = count - 1;
        [0x1010_5111, 0x0570_667a, count << 4, count >> 28 | (bits - 1) << 20]
    }

    #[test]
    fn a_block_of_planes_is_integers() {
        // Plane 0: no coefficient is known, none has a bit. Plane 1: the first has one, no other.
        let stream = [0b0000_0110, 0];
        assert_eq!(decode(&stream, &integers(4, 4), 16).unwrap(), 0x4000_0000_i32.to_le_bytes().repeat(4));
        // Two blocks of a byte, the second of two elements.
        let expected = [[0, 0, 0, 0x40].repeat(4), vec![0; 8]].concat();
        assert_eq!(decode(&stream, &integers(6, 8), 24), Ok(expected));
    }

    #[test]
    fn a_stream_holds_as_much_as_its_header_says() {
        assert_eq!(decode(&[0; 2], &integers(8, 8), 32), Ok(vec![0; 32]));
        assert_eq!(decode(&[0; 2], &integers(8, 8), 31), Err(WRONG));
        assert_eq!(decode(&[0; 1], &integers(8, 8), 32), Err(WRONG));
        assert_eq!(decode(&[0; 100], &integers(u32::MAX, 8), u64::MAX), Err(WRONG), "nothing is made ready for them");
    }

    proptest! {
        #[test]
        fn any_bytes_decode_to_the_size_of_the_array(
            stream in prop::collection::vec(any::<u8>(), 0..200),
            values in prop::array::uniform4(any::<u32>()),
            short: bool,
            sides: [u8; 4],
        ) {
            // Arrays of at most 8 elements a dimension, of all types and modes.
            let [kind, mode, low, high] = values.map(u64::from);
            let dimensions = kind >> 2 & 3;
            let width = [48, 24, 16, 12][usize::try_from(dimensions).unwrap()];
            let sides = (0..=dimensions).zip(sides).fold(0, |sides, (axis, side)| sides | u64::from(side & 7) << (axis * width));
            let mode = if short { mode & 0xfff } else { 0xfff | low << 12 | high << 44 };
            let header = u128::from(kind & 15 | sides << 4) | u128::from(mode) << 52;
            let words = (0..4).map(|n| u32::try_from(header >> (32 * n) & 0xffff_ffff).unwrap());
            let values: Vec<u32> = [0, 0x0570_667a].into_iter().chain(words).collect();
            if let Ok(bytes) = decode(&stream, &values, 1 << 16) {
                prop_assert_eq!(Some(u64::try_from(bytes.len()).unwrap()), Header::parse(&values).unwrap().size());
            }
            prop_assert!(decode(&stream, &values, 3).is_err());
        }
    }
}
