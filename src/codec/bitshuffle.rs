//! Bitshuffle, filter 32008: the first bits of all elements of a block, then the second bits, and so on; the blocks are compressed or
//! not (`bshuf_h5filter.c`).

use std::array;
use std::slice::Iter;

use super::framed::Framed;
use super::{lz4, shuffle, zstd};
use crate::error::Problem;
use crate::field::convert::{narrow, wide};

/// Elements that are shuffled together: a byte of each bit.
const GROUP: u64 = 8;

/// How blocks are compressed (`bshuf_h5filter.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Lz4,
    Zstd,
}

/// The filter's parameters after its version.
struct Parameters {
    element_size: u64,
    /// Elements of a block; 0 leaves it to [`default_block`].
    block: u64,
    compression: Compression,
}

impl Parameters {
    fn of(client_data: &[u32]) -> Result<Self, Problem> {
        let parameter = |n: usize| client_data.get(n).copied().map(u64::from);
        let element_size =
            parameter(2).filter(|size| *size > 0).ok_or(Problem::Missing("element size of bitshuffle"))?;
        let compression = match parameter(4) {
            None | Some(0) => Compression::None,
            Some(2) => Compression::Lz4,
            Some(3) => Compression::Zstd,
            Some(value) => return Err(Problem::Value { field: "compression of bitshuffle", value }),
        };
        Ok(Self { element_size, block: parameter(3).unwrap_or(0), compression })
    }
}

/// The bytes before the filter with these parameters, at most `most`.
pub(crate) fn decode(bytes: &[u8], client_data: &[u32], most: u64) -> Result<Vec<u8>, Problem> {
    let Parameters { element_size, mut block, compression } = Parameters::of(client_data)?;
    let mut framed = Framed::new(bytes, "bitshuffle chunk");
    let mut total = wide(bytes.len());
    if compression != Compression::None {
        total = framed.total(most)?;
        block = u64::from(framed.size()?).checked_div(element_size).unwrap_or(0);
    }
    if block == 0 {
        block = default_block(element_size);
    }
    let elements = total.checked_div(element_size).unwrap_or(0);
    if total > most || !block.is_multiple_of(GROUP) || !total.is_multiple_of(element_size) {
        return Err(framed.wrong());
    }
    let tail = elements.checked_rem(GROUP).unwrap_or(0);
    let mut left = elements.saturating_sub(tail);
    let mut decoded = Vec::new();
    while left > 0 {
        let count = block.min(left);
        let size = count.saturating_mul(element_size);
        let shuffled = match compression {
            Compression::None => framed.take(size).map(<[u8]>::to_vec),
            Compression::Lz4 | Compression::Zstd => {
                decompressed(framed.block()?, size, compression).ok_or(framed.wrong())
            }
        };
        decoded.extend(unshuffle(&shuffled?, narrow(count), element_size));
        left = left.saturating_sub(count);
    }
    // What makes no byte of each bit stays as it is.
    decoded.extend_from_slice(framed.take(tail.saturating_mul(element_size))?);
    Ok(decoded)
}

/// Elements of a block where nothing says how many (`bshuf_default_block_size`).
fn default_block(element_size: u64) -> u64 {
    let fit = 8_192_u64.checked_div(element_size).unwrap_or(0);
    fit.saturating_sub(fit.checked_rem(GROUP).unwrap_or(0)).max(128)
}

/// The bytes of a block, if there are `size`.
fn decompressed(block: &[u8], size: u64, compression: Compression) -> Option<Vec<u8>> {
    if compression == Compression::Zstd {
        return zstd::decode(block, size).ok().filter(|decoded| wide(decoded.len()) == size);
    }
    let mut decoded = Vec::new();
    lz4::append(block, size, &mut decoded)?;
    Some(decoded)
}

/// Puts the bits of each element together again, of so many elements, a multiple of 8.
///
/// Eight rows of bits become the bytes of one significance of all elements; these are then put together as those of shuffle.
pub(crate) fn unshuffle(bits: &[u8], elements: usize, element_size: u64) -> Vec<u8> {
    let row = elements.checked_div(8).unwrap_or(0);
    let mut bytes = Vec::with_capacity(bits.len());
    for rows in bits.chunks_exact(elements.max(1)) {
        let mut rows = rows.chunks_exact(row.max(1)).map(<[u8]>::iter);
        let mut rows: [Iter<'_, u8>; 8] = array::from_fn(|_| rows.next().unwrap_or_default());
        for _ in 0..row {
            let column = rows.each_mut().map(|row| row.next().copied().unwrap_or(0));
            bytes.extend_from_slice(&transposed(column));
        }
    }
    shuffle::decode(&bytes, u32::try_from(element_size).unwrap_or(u32::MAX))
}

/// A matrix of 8 times 8 bits, its rows made columns: three times, quarters are exchanged with their opposites (Hacker's Delight 7-3).
fn transposed(rows: [u8; 8]) -> [u8; 8] {
    let exchanged = |x: u64, distance: u32, mask: u64| {
        let different = (x ^ (x >> distance)) & mask;
        x ^ different ^ (different << distance)
    };
    let x = u64::from_le_bytes(rows);
    let x = exchanged(x, 7, 0x00aa_00aa_00aa_00aa);
    let x = exchanged(x, 14, 0x0000_cccc_0000_cccc);
    exchanged(x, 28, 0x0000_0000_f0f0_f0f0).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WRONG: Problem = Problem::Decode("bitshuffle chunk");

    /// Bit by bit, the other way round, blocks as they are.
    fn shuffled(bytes: &[u8], size: usize, block: usize) -> Vec<u8> {
        let whole = bytes.len() / size / 8 * 8 * size;
        let of_block = |block: &[u8]| -> Vec<u8> {
            let elements: Vec<&[u8]> = block.chunks(size).collect();
            let bit = |element: &[u8], n: usize| element[n / 8] >> (n % 8) & 1;
            let byte = |n: usize, group: &[&[u8]]| (0..8).fold(0, |byte, i| byte | bit(group[i], n) << i);
            (0..size * 8).flat_map(|n| elements.chunks(8).map(move |group| byte(n, group))).collect()
        };
        let mut shuffled: Vec<u8> = bytes[..whole].chunks(block * size).flat_map(of_block).collect();
        shuffled.extend_from_slice(&bytes[whole..]);
        shuffled
    }

    #[test]
    fn bits_of_one_significance_lie_together_and_the_last_elements_stay() {
        let shuffled = [
            0b0000_0001, // bit 0: of the first element
            0b1000_0000, // bit 1: of the eighth
            0,
            0,
            0,
            0,
            0,           //
            0b0000_0011, // bit 7: of the first two
            9,           // the ninth element
        ];
        assert_eq!(decode(&shuffled, &[0, 2, 1], 9), Ok(vec![0x81, 0x80, 0, 0, 0, 0, 0, 2, 9]));
    }

    #[test]
    fn blocks_have_as_many_elements_as_they_always_had() {
        assert_eq!([1, 2, 3, 4, 8, 64, 100, 10_000].map(default_block), [8192, 4096, 2728, 2048, 1024, 128, 128, 128]);
    }

    #[test]
    fn compressed_blocks_have_their_sizes_before_them() {
        let chunk = [
            &[0, 0, 0, 0, 0, 0, 0, 18][..], // total size
            &[0, 0, 0, 16],                 // bytes of a block
            &[0, 0, 0, 10],                 // bytes of the block
            &[0x16, 0, 1, 0],               // a literal, and 10 bytes from one back
            &[0x50, 0, 0, 0, 0, 0x80],      // the last sequence: the last row of bits
            &[7, 7],                        // the ninth element
        ]
        .concat();
        let expected = [&[0; 15][..], &[0x80, 7, 7]].concat();
        assert_eq!(decode(&chunk, &[0, 4, 2, 0, 2], 18), Ok(expected));
        assert_eq!(decode(&chunk, &[0, 4, 2, 0, 2], 17), Err(WRONG), "more than is expected");
        assert_eq!(decode(&chunk, &[0, 4, 2, 0, 3], 18), Err(WRONG), "no frame of Zstandard");
        for length in 0..chunk.len() {
            assert_eq!(decode(&chunk[..length], &[0, 4, 2, 0, 2], 18), Err(WRONG), "{length} bytes");
        }
        let frame = zstd::encode(&[0; 16]);
        let length = u8::try_from(frame.len()).unwrap();
        let chunk = [&chunk[..12], &[0, 0, 0, length], &frame, &[7, 7]].concat();
        assert_eq!(decode(&chunk, &[0, 4, 2, 0, 3], 18), Ok([&[0; 16][..], &[7, 7]].concat()));
    }

    #[test]
    fn parameters_must_be_there_and_known() {
        let missing = Err(Problem::Missing("element size of bitshuffle"));
        assert_eq!(decode(&[0; 8], &[0, 4], 8), missing);
        assert_eq!(decode(&[0; 8], &[0, 4, 0], 8), missing);
        let unknown = Err(Problem::Value { field: "compression of bitshuffle", value: 1 });
        assert_eq!(decode(&[0; 8], &[0, 4, 1, 0, 1], 8), unknown);
        assert_eq!(decode(&[0; 9], &[0, 4, 2], 18), Err(WRONG), "half an element");
        assert_eq!(decode(&[0; 16], &[0, 4, 2, 4], 16), Err(WRONG), "blocks of no whole bytes");
        assert_eq!(decode(&[0; 16], &[0, 4, 2], 15), Err(WRONG), "more than is expected");
    }

    proptest! {
        #[test]
        fn decoding_undoes_bit_by_bit(bytes in prop::collection::vec(any::<u8>(), 0..600), size in 1_usize..14, block in 0_u32..5) {
            let bytes = &bytes[..bytes.len() / size * size];
            let wide = u32::try_from(size).unwrap();
            let elements = if block == 0 { narrow(default_block(wide.into())) } else { block as usize * 8 };
            let decoded = decode(&shuffled(bytes, size, elements), &[0, 4, wide, block * 8], 600);
            prop_assert_eq!(decoded.unwrap(), bytes);
        }

        #[test]
        fn any_bytes_decode_to_no_more_than_is_expected(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            most in 0_u8..100,
            client_data in prop::collection::vec(0_u32..10, 0..6),
        ) {
            let framed = [&[0, 0, 0, 0, 0, 0, 0, most, 0, 0, 0, 16, 0, 0, 0, 9][..], &bytes].concat();
            for bytes in [bytes, framed] {
                let decoded = decode(&bytes, &client_data, most.into()).unwrap_or_default();
                prop_assert!(decoded.len() <= most.into());
            }
        }
    }
}
