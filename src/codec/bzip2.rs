//! bzip2, filter 307: a bzip2 stream.

use std::io::{Read, Write};

use bzip2::Compression;
use bzip2::read::BzDecoder;
use bzip2::write::BzEncoder;

use crate::error::Problem;
use crate::field::convert::wide;

/// At most `most` bytes of what `stream` holds; more is refused.
pub(crate) fn decode(stream: &[u8], most: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    match BzDecoder::new(stream).take(most.saturating_add(1)).read_to_end(&mut bytes) {
        Ok(_) if wide(bytes.len()) <= most => Ok(bytes),
        _ => Err(Problem::Decode("bzip2 stream")),
    }
}

/// A stream of `bytes`, in blocks of 1 to 9 times 100 kB.
pub(crate) fn encode(bytes: &[u8], block_size: u32) -> Vec<u8> {
    let mut encoder = BzEncoder::new(Vec::new(), Compression::new(block_size.clamp(1, 9)));
    // Writing to memory does not fail; if it ever did, what is missing would not decode.
    let _written = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `bz2.compress(b"hello")` of Python.
    const HELLO: [u8; 41] = [
        0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0x19, 0x31, 0x65, 0x3d, 0x00, 0x00, 0x00, 0x81,
        0x00, 0x02, 0x44, 0xa0, 0x00, 0x21, 0x9a, 0x68, 0x33, 0x4d, 0x07, 0x33, 0x8b, 0xb9, 0x22, 0x9c, 0x28, 0x48,
        0x0c, 0x98, 0xb2, 0x9e, 0x80,
    ];

    #[test]
    fn a_foreign_stream_decodes_and_none_of_its_beginnings() {
        assert_eq!(decode(&HELLO, 5).unwrap(), b"hello");
        for length in 0..HELLO.len() {
            assert_eq!(decode(&HELLO[..length], 5), Err(Problem::Decode("bzip2 stream")), "{length} bytes");
        }
        let mut wrong = HELLO;
        wrong[38] ^= 1;
        assert_eq!(decode(&wrong, 5), Err(Problem::Decode("bzip2 stream")), "the checksum is another");
    }

    #[test]
    fn a_bomb_stops_at_the_expected_size() {
        let bomb = encode(&vec![0; 1 << 20], 0);
        assert_eq!(decode(&bomb, 1000), Err(Problem::Decode("bzip2 stream")));
        assert_eq!(decode(&bomb, 1 << 20).unwrap(), vec![0; 1 << 20]);
    }

    proptest! {
        #[test]
        fn a_stream_with_a_changed_byte_decodes_to_the_same_or_not_at_all(at in 0..HELLO.len(), byte: u8) {
            let mut changed = HELLO;
            changed[at] = byte;
            prop_assert!(decode(&changed, 5).is_ok_and(|bytes| bytes == b"hello") || decode(&changed, 5).is_err());
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let stream = [&HELLO[..10], &bytes].concat();
            prop_assert!(decode(&stream, 50).unwrap_or_default().len() <= 50);
        }
    }
}
