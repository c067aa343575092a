//! Zstandard, filter 32015: a frame (RFC 8878). Frames are only made here, of blocks as they are: it takes no compressor to hold a
//! chunk that the file does not have as one.

/// Bytes that a block may have (RFC 8878, 3.1.1.2).
const BLOCK: usize = 128 << 10;

/// A frame of `bytes`: blocks of one repeated byte, or of bytes as they are.
pub(crate) fn encode(bytes: &[u8]) -> Vec<u8> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut frame = vec![
        0x28, 0xb5, 0x2f, 0xfd, // magic number
        0xe0, // frame header descriptor: a content size of 8 bytes, a single segment, no checksum
    ];
    frame.extend(size.to_le_bytes()); // frame content size
    let mut blocks = bytes.chunks(BLOCK).peekable();
    if blocks.peek().is_none() {
        frame.extend([1, 0, 0]); // the last block, of no bytes
    }
    while let Some(block) = blocks.next() {
        let repeated = block.first().filter(|first| block.iter().all(|byte| byte == *first));
        let (kind, content) = repeated.map_or((0, block), |first| (1, std::slice::from_ref(first)));
        let last = u32::from(blocks.peek().is_none());
        let length = u32::try_from(block.len()).unwrap_or(0);
        frame.extend((last | kind << 1 | length << 3).to_le_bytes().into_iter().take(3));
        frame.extend_from_slice(content);
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_repeated_bytes_or_bytes_as_they_are() {
        let head = |size: u64| [&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &size.to_le_bytes()].concat();
        assert_eq!(encode(b""), [&head(0)[..], &[1, 0, 0]].concat());
        assert_eq!(encode(b"abc"), [&head(3)[..], &[1 | 3 << 3, 0, 0], b"abc"].concat());
        assert_eq!(encode(&[7; 300]), [&head(300)[..], &[0x63, 0x09, 0, 7]].concat());
        let long = encode(&vec![0; BLOCK + 1]);
        assert_eq!(long, [&head(131_073)[..], &[0x02, 0, 0x10, 0], &[0x0b, 0, 0, 0]].concat());
    }
}
