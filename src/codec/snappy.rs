//! Snappy (`format_description.txt`), without frames.

use crate::field::convert::wide;

/// The `size` bytes that a stream holds, if it says so. Three of its bytes make 64 at most.
pub(crate) fn decode(stream: &[u8], size: u64) -> Option<Vec<u8>> {
    let told = snap::raw::decompress_len(stream).ok()?;
    if wide(told) != size || size > wide(stream.len()).saturating_mul(64) {
        return None;
    }
    snap::raw::Decoder::new().decompress_vec(stream).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stream_has_the_size_that_it_says() {
        let stream = [8, 0, 7, 3 << 2 | 1, 1]; // 8 bytes: a literal, and 4 + 3 from one back
        assert_eq!((decode(&stream, 8), decode(&stream, 7)), (Some(vec![7; 8]), None));
        for length in 0..stream.len() {
            assert_eq!(decode(&stream[..length], 8), None, "{length} bytes");
        }
        let more_than_it_can_hold = [0xff, 0xff, 0xff, 0x7f, 0, 7];
        assert_eq!(decode(&more_than_it_can_hold, 0x0fff_ffff), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), size in 0_u64..200) {
            prop_assert!(decode(&bytes, size).is_none_or(|decoded| wide(decoded.len()) == size));
        }
    }
}
