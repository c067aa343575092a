//! Deflate, filter 1: a zlib stream.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use crate::error::Problem;
use crate::field::convert::{narrow, wide};

/// At most `most` bytes of what `stream` holds; more is refused, whatever the stream says of itself.
pub(crate) fn decode(stream: &[u8], most: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::with_capacity(narrow(most.min(wide(stream.len()).saturating_mul(8))));
    let read = ZlibDecoder::new(stream).take(most.saturating_add(1)).read_to_end(&mut bytes);
    match read {
        Ok(_) if wide(bytes.len()) <= most => Ok(bytes),
        _ => Err(Problem::Decode("deflate stream")),
    }
}

/// A zlib stream of `bytes`, at a level of 0 to 9.
pub(crate) fn encode(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level.min(9)));
    // Writing to memory does not fail; if it ever did, what is missing would not decode.
    let _written = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_reads_back() {
        let bytes: Vec<u8> = (0..10_000_u32).map(|n| n.to_le_bytes()[0] / 3).collect();
        assert_eq!(decode(&encode(&bytes, 4), 10_000).unwrap(), bytes);
    }

    /// `zlib.compress(b"hello", 6)` of Python.
    #[test]
    fn a_foreign_stream_decodes() {
        let stream = [0x78, 0x9c, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x06, 0x2c, 0x02, 0x15];
        assert_eq!(decode(&stream, 5).unwrap(), b"hello");
    }

    #[test]
    fn a_bomb_stops_at_the_expected_size() {
        let bomb = encode(&vec![0; 1 << 20], 9);
        assert_eq!(decode(&bomb, 1000), Err(Problem::Decode("deflate stream")));
        assert_eq!(decode(b"not a stream", 1000), Err(Problem::Decode("deflate stream")));
    }
}
