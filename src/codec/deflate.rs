//! Deflate, filter 1: a zlib stream.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};

use crate::error::Problem;
use crate::field::convert::{narrow, wide};

/// At most `most` bytes of what `stream` holds, in place of those in `bytes`; more is refused, whatever the stream says of itself.
pub(crate) fn decode_into(stream: &[u8], most: u64, bytes: &mut Vec<u8>) -> Result<(), Problem> {
    bytes.clear();
    bytes.reserve(narrow(most.min(wide(stream.len()).saturating_mul(8))));
    let mut inflate = Decompress::new(true);
    loop {
        let (before, read) = (bytes.len(), narrow(inflate.total_in()));
        let rest = stream.get(read..).unwrap_or_default();
        match inflate.decompress_vec(rest, bytes, FlushDecompress::Finish) {
            Ok(Status::StreamEnd) if wide(bytes.len()) <= most => return Ok(()),
            // All of the room is used: the stream holds more, or is about to end.
            Ok(Status::Ok | Status::BufError) if bytes.len() == bytes.capacity() && wide(bytes.len()) <= most => {
                bytes.reserve(bytes.len().max(64));
            }
            Ok(Status::Ok) if bytes.len() > before || narrow(inflate.total_in()) > read => {}
            _ => return Err(Problem::Decode("deflate stream")),
        }
    }
}

/// The same, as new bytes.
pub(crate) fn decode(stream: &[u8], most: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    decode_into(stream, most, &mut bytes).map(|()| bytes)
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
