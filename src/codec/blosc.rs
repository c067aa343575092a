//! Blosc 1, filter 32001: a buffer after a header of 16 bytes (c-blosc, `README_HEADER.rst`). Buffers are only made here, of bytes as
//! they are: it takes no compressor to hold a chunk that the file does not have as one. They are undone in `unblosc`.

/// Bytes of the header.
const HEADER: u32 = 16;

/// A buffer of `bytes` as they are; none holds 2^31 bytes and more.
pub(crate) fn encode(bytes: &[u8], element_size: u32) -> Option<Vec<u8>> {
    let size = u32::try_from(bytes.len()).ok().filter(|size| i32::try_from(size.saturating_add(HEADER)).is_ok())?;
    let mut buffer = vec![
        2,                                              // version of the format
        1,                                              // version of the compressor's format
        2,                                              // flags: bytes as they are
        u8::try_from(element_size).unwrap_or(1).max(1), // type size
    ];
    buffer.extend(size.to_le_bytes()); // bytes before
    buffer.extend(size.to_le_bytes()); // bytes of a block
    buffer.extend(size.saturating_add(HEADER).to_le_bytes()); // bytes of the buffer
    buffer.extend_from_slice(bytes);
    Some(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_tells_its_sizes() {
        let expected = [&[2, 1, 2, 4, 3, 0, 0, 0, 3, 0, 0, 0, 19, 0, 0, 0][..], b"abc"].concat();
        assert_eq!(encode(b"abc", 4), Some(expected));
        assert_eq!(encode(b"", 300).unwrap()[3], 1);
    }
}
