//! Blosc 1, filter 32001, undone: blocks that are compressed one by one, their bytes or bits shuffled before that (c-blosc, `blosc.c`
//! and `README_HEADER.rst`). Buffers are made in [`blosc`](super::blosc).

use super::{bitshuffle, blosclz, deflate, lz4, shuffle, snappy, zstd};
use crate::error::Problem;
use crate::field::convert::{narrow, wide};

/// Bytes of the header, after which come the offsets of the blocks.
const HEADER: usize = 16;

/// Most parts of a block (`MAX_SPLITS`), and the least elements that a block in parts has (`MIN_BUFFERSIZE`).
const MOST_PARTS: u64 = 16;
const LEAST_ELEMENTS: u64 = 128;

/// At most `most` bytes of what a buffer holds; more is refused.
pub(crate) fn decode(buffer: &[u8], most: u64) -> Result<Vec<u8>, Problem> {
    Buffer::parse(buffer, most).and_then(|buffer| buffer.decoded()).ok_or(Problem::Decode("Blosc buffer"))
}

/// What bytes went through before they were compressed.
#[derive(Clone, Copy)]
enum Shuffle {
    None,
    Bytes,
    Bits,
}

/// The compressor of the blocks.
#[derive(Clone, Copy)]
pub(super) enum Compressor {
    BloscLz,
    Lz4,
    Snappy,
    Zlib,
    Zstd,
}

struct Buffer<'a> {
    /// Whether the bytes are there as they are.
    plain: bool,
    /// Whether blocks are in parts, one for each byte of an element.
    split: bool,
    shuffle: Shuffle,
    compressor: Compressor,
    /// Bytes of an element.
    type_size: u64,
    /// Bytes before.
    size: u64,
    /// Bytes of a block before.
    block_size: u64,
    /// The buffer, with its header.
    stored: &'a [u8],
}

impl<'a> Buffer<'a> {
    fn parse(bytes: &'a [u8], most: u64) -> Option<Self> {
        let ([version, compressor_version, flags, type_size], rest) = bytes.split_first_chunk()?;
        let (size, rest) = le_u32(rest)?;
        let (block_size, rest) = le_u32(rest)?;
        let (stored, _) = le_u32(rest)?;
        // Bit 3 is that of other formats; the compressors have one version each.
        if (*version, *compressor_version, flags & 1 << 3) != (2, 1, 0) || *type_size == 0 || size > most {
            return None;
        }
        let shuffle = match (flags & 1 != 0, flags & 1 << 2 != 0) {
            (true, _) if *type_size > 1 => Shuffle::Bytes,
            (_, true) => Shuffle::Bits,
            _ => Shuffle::None,
        };
        let compressor = match flags >> 5 {
            0 => Compressor::BloscLz,
            1 => Compressor::Lz4,
            2 => Compressor::Snappy,
            3 => Compressor::Zlib,
            4 => Compressor::Zstd,
            _ => return None,
        };
        Some(Self {
            plain: flags & 1 << 1 != 0,
            split: flags & 1 << 4 == 0,
            shuffle,
            compressor,
            type_size: (*type_size).into(),
            size,
            block_size,
            stored: bytes.get(..narrow(stored))?,
        })
    }

    fn decoded(&self) -> Option<Vec<u8>> {
        if self.plain {
            return self.stored.get(HEADER..).filter(|bytes| wide(bytes.len()) == self.size).map(<[u8]>::to_vec);
        }
        let mut decoded = Vec::new();
        let mut offsets = self.stored.get(HEADER..)?;
        // Blocks do not overlap: no compressed byte is decoded twice.
        let mut unread = wide(self.stored.len());
        while wide(decoded.len()) < self.size {
            let (offset, rest) = le_u32(offsets)?;
            offsets = rest;
            let size = self.block_size.min(self.size.saturating_sub(wide(decoded.len())));
            let block = self.block(self.stored.get(narrow(offset)..)?, size, &mut unread)?;
            decoded.extend(self.unshuffled(block, size));
        }
        Some(decoded)
    }

    /// The `size` bytes of the block that `bytes` begin with, as they were compressed.
    fn block(&self, mut bytes: &[u8], size: u64, unread: &mut u64) -> Option<Vec<u8>> {
        let elements = size.checked_div(self.type_size)?;
        let in_parts =
            self.split && size == self.block_size && self.type_size <= MOST_PARTS && elements >= LEAST_ELEMENTS;
        let parts = if in_parts { self.type_size } else { 1 };
        let part = size.checked_div(parts).filter(|part| *part > 0)?;
        let mut block = Vec::new();
        for _ in 0..parts {
            let (length, rest) = le_u32(bytes)?;
            let (stored, rest) = rest.split_at_checked(narrow(length))?;
            *unread = unread.checked_sub(length.saturating_add(4))?;
            bytes = rest;
            if length == part {
                // It would not have become smaller.
                block.extend_from_slice(stored);
            } else {
                self.compressor.append(stored, part, &mut block)?;
            }
        }
        (wide(block.len()) == size).then_some(block)
    }

    /// The bytes of a block in their order.
    fn unshuffled(&self, block: Vec<u8>, size: u64) -> Vec<u8> {
        let elements = size.checked_div(self.type_size).unwrap_or(0);
        match self.shuffle {
            Shuffle::Bytes => shuffle::decode(&block, u32::try_from(self.type_size).unwrap_or(1)),
            // Other numbers of elements make no whole bytes of each bit: they are left as they are.
            Shuffle::Bits if elements.is_multiple_of(8) => {
                let whole = narrow(elements.saturating_mul(self.type_size));
                let (bits, tail) = block.split_at_checked(whole).unwrap_or((&block, &[]));
                let mut bytes = bitshuffle::unshuffle(bits, narrow(elements), self.type_size);
                bytes.extend_from_slice(tail);
                bytes
            }
            Shuffle::None | Shuffle::Bits => block,
        }
    }
}

impl Compressor {
    /// Appends the `size` bytes that a stream holds, if it holds as many.
    pub(super) fn append(self, stream: &[u8], size: u64, decoded: &mut Vec<u8>) -> Option<()> {
        let bytes = match self {
            Self::BloscLz => return blosclz::append(stream, size, decoded),
            Self::Lz4 => return lz4::append(stream, size, decoded),
            Self::Snappy => snappy::decode(stream, size)?,
            Self::Zlib => deflate::decode(stream, size).ok()?,
            Self::Zstd => zstd::decode(stream, size).ok()?,
        };
        decoded.extend_from_slice(&bytes);
        (wide(bytes.len()) == size).then_some(())
    }
}

pub(super) fn le_u32(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number).into(), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::blosc::encode;

    const WRONG: Problem = Problem::Decode("Blosc buffer");

    /// A buffer of elements of 2 bytes in blocks of 8 bytes, of which there are 10.
    fn buffer(flags: u8, blocks: &[&[u8]]) -> Vec<u8> {
        let mut stored = Vec::new();
        let mut offsets = Vec::new();
        for block in blocks {
            offsets.extend(u32::try_from(16 + 4 * blocks.len() + stored.len()).unwrap().to_le_bytes());
            stored.extend(u32::try_from(block.len()).unwrap().to_le_bytes());
            stored.extend_from_slice(block);
        }
        let size = u8::try_from(16 + offsets.len() + stored.len()).unwrap();
        let header = [
            &[2, 1, flags, 2][..], // versions, flags, type size
            &[10, 0, 0, 0],        // bytes before
            &[8, 0, 0, 0],         // bytes of a block
            &[size, 0, 0, 0],      // bytes of the buffer
        ];
        [&header.concat()[..], &offsets, &stored].concat()
    }

    #[test]
    fn blocks_are_unshuffled_one_by_one() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
        let plain = buffer(0x20, &[&bytes, &[9, 10]]);
        assert_eq!(decode(&plain, 10).unwrap(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let shuffled = buffer(0x21, &[&bytes, &[9, 10]]);
        assert_eq!(decode(&shuffled, 10).unwrap(), [1, 5, 2, 6, 3, 7, 4, 8, 9, 10]);
        let few = buffer(0x24, &[&bytes, &[9, 10]]);
        assert_eq!(decode(&few, 10), decode(&plain, 10), "four elements make no whole bytes of bits");
    }

    #[test]
    fn each_compressor_has_its_number() {
        let zlib = deflate::encode(&[7; 8], 9);
        let zstd = zstd::encode(&[7; 8]);
        let snappy = [8, 0, 7, 3 << 2 | 1, 1]; // 8 bytes: a literal, and 4 + 3 from one back
        let lz4 = [0x12, 7, 1, 0, 0x10, 7];
        let blosclz = [0x20, 7, 0xa0, 0];
        let streams: [&[u8]; 5] = [&blosclz, &lz4, &snappy, &zlib, &zstd];
        for (number, stream) in (0_u8..).zip(streams) {
            let buffer = buffer(number << 5 | 1 << 4, &[stream, &[7, 7]]);
            assert_eq!(decode(&buffer, 10), Ok(vec![7; 10]), "compressor {number}");
            assert_eq!(decode(&buffer, 9), Err(WRONG));
            for length in 0..buffer.len() {
                assert_eq!(decode(&buffer[..length], 10), Err(WRONG), "{length} bytes of compressor {number}");
            }
        }
        assert_eq!(decode(&buffer(5 << 5, &[&[7; 8], &[7, 7]]), 10), Err(WRONG));
    }

    #[test]
    fn blocks_share_no_bytes() {
        // One block of 2 bytes, which all offsets lead to.
        let shared = |blocks: u8| {
            let size = 16 + 4 * blocks + 6;
            let header = [2, 1, 0x20, 2, 2 * blocks, 0, 0, 0, 2, 0, 0, 0, size, 0, 0, 0];
            [&header[..], &[size - 6, 0, 0, 0].repeat(blocks.into()), &[2, 0, 0, 0, 7, 7]].concat()
        };
        assert_eq!(decode(&shared(1), 20), Ok(vec![7; 2]));
        assert_eq!(decode(&shared(11), 22), Ok(vec![7; 22]), "the buffer has as many bytes as are read");
        assert_eq!(decode(&shared(12), 24), Err(WRONG));
    }

    #[test]
    fn buffers_of_bytes_as_they_are_read_back() {
        assert_eq!(decode(&encode(b"abc", 4).unwrap(), 3).unwrap(), b"abc");
        assert_eq!(decode(&encode(b"", 4).unwrap(), 3).unwrap(), b"");
        assert_eq!(decode(&encode(b"abc", 4).unwrap(), 2), Err(WRONG));
        let changed = |at: usize, byte: u8| {
            let mut buffer = encode(b"abc", 4).unwrap();
            buffer[at] = byte;
            decode(&buffer, 3)
        };
        for (at, byte, what) in [
            (0, 3, "version"),
            (1, 2, "version of the compressor"),
            (2, 2 | 8, "flags"),
            (3, 0, "type size"),
            (4, 2, "size"),
            (12, 20, "size of the buffer"),
        ] {
            assert_eq!(changed(at, byte), Err(WRONG), "{what}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_decode_to_no_more_than_is_expected(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            flags: u8,
            type_size in 0_u8..5,
            size in 0_u8..40,
            block_size in 0_u8..20,
        ) {
            let length = u8::try_from(bytes.len() + 24).unwrap();
            let header = [2, 1, flags & !8, type_size, size, 0, 0, 0, block_size, 0, 0, 0, length, 0, 0, 0];
            let buffer = [&header[..], &[24, 0, 0, 0, 30, 0, 0, 0], &bytes].concat();
            prop_assert!(decode(&buffer, 30).unwrap_or_default().len() <= 30);
        }
    }
}
