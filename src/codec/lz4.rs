//! LZ4, filter 32004: blocks after a header of 12 bytes (`H5Zlz4.c`).

use super::framed::Framed;
use crate::error::Problem;
use crate::field::convert::{narrow, wide};

/// Bytes that a byte of a block can stand for.
const MOST_RATIO: u64 = 255;

/// What the blocks hold, at most `most` bytes.
pub(crate) fn decode(bytes: &[u8], most: u64) -> Result<Vec<u8>, Problem> {
    let mut framed = Framed::new(bytes, "LZ4 chunk");
    let total = framed.total(most)?;
    let block_size = u64::from(framed.size()?);
    let mut decoded = Vec::new();
    loop {
        let left = total.saturating_sub(wide(decoded.len()));
        if left == 0 {
            return Ok(decoded);
        }
        if block_size == 0 {
            return Err(framed.wrong());
        }
        let (size, block) = (block_size.min(left), framed.block()?);
        if wide(block.len()) == size {
            // It would not have become smaller.
            decoded.extend_from_slice(block);
        } else {
            append(block, size, &mut decoded).ok_or(framed.wrong())?;
        }
    }
}

/// Appends the `size` bytes that a block of LZ4 holds, if it holds as many.
pub(crate) fn append(block: &[u8], size: u64, decoded: &mut Vec<u8>) -> Option<()> {
    if size > wide(block.len()).saturating_mul(MOST_RATIO) {
        return None;
    }
    let start = decoded.len();
    decoded.resize(start.saturating_add(narrow(size)), 0);
    let written = lz4_flex::block::decompress_into(block, decoded.get_mut(start..)?).ok()?;
    (wide(written) == size).then_some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WRONG: Problem = Problem::Decode("LZ4 chunk");

    /// Thirty bytes in blocks of twenty.
    const CHUNK: [u8; 40] = [
        0, 0, 0, 0, 0, 0, 0, 30, // total size
        0, 0, 0, 20, // block size
        0, 0, 0, 10, // bytes of the first block
        0x1a, b'a', 1, 0, // a literal, and 14 bytes from one back
        0x50, b'b', b'c', b'd', b'e', b'f', // the last sequence, of five literals
        0, 0, 0, 10, // bytes of the second block: as many as it holds
        b'0', b'1', b'2', b'3', b'4', b'5', b'6', b'7', b'8', b'9',
    ];

    #[test]
    fn blocks_are_compressed_or_as_they_are() {
        assert_eq!(decode(&CHUNK, 30).unwrap(), b"aaaaaaaaaaaaaaabcdef0123456789");
        assert_eq!(decode(&[0; 12], 30), Ok(Vec::new()));
    }

    #[test]
    fn sizes_must_agree() {
        assert_eq!(decode(&CHUNK, 29), Err(WRONG), "more than is expected");
        let mut shorter = CHUNK;
        shorter[11] = 19;
        assert_eq!(decode(&shorter, 30), Err(WRONG), "the first block holds more");
        let no_blocks = [&CHUNK[..8], &[0; 4], &CHUNK[12..]].concat();
        assert_eq!(decode(&no_blocks, 30), Err(WRONG), "blocks of no bytes");
        for length in 0..CHUNK.len() {
            assert_eq!(decode(&CHUNK[..length], 30), Err(WRONG), "{length} bytes");
        }
    }

    #[test]
    fn nothing_is_allocated_for_bytes_that_cannot_be_there() {
        let chunk = [&[0, 0, 1, 0, 0, 0, 0, 0][..], &[0xff; 4], &[0, 0, 0, 1, 0]].concat();
        assert_eq!(decode(&chunk, u64::MAX), Err(WRONG));
    }

    proptest! {
        #[test]
        fn any_bytes_decode_to_no_more_than_is_expected(bytes in prop::collection::vec(any::<u8>(), 0..200), most in 0_u8..100) {
            let framed = [&[0, 0, 0, 0, 0, 0, 0, most, 0, 0, 0, 40, 0, 0, 0, 20][..], &bytes].concat();
            for bytes in [bytes, framed] {
                prop_assert!(decode(&bytes, most.into()).unwrap_or_default().len() <= most.into());
            }
        }
    }
}
