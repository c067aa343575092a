//! Blosc2, filter 32026, undone: a contiguous frame with one chunk, whose blocks may be those of a B2ND array (HDF5-Blosc2,
//! `blosc2_filter.c`; c-blosc2, `README_CFRAME_FORMAT.rst` and `frame.c`).

mod array;
mod chunk;

use self::array::Array;
use self::chunk::Chunk;
use crate::error::Problem;
use crate::field::convert::narrow;

/// Bytes of the header before the metalayers (`FRAME_HEADER_MINLEN`).
const HEADER: usize = 87;

/// Most metalayers (`BLOSC2_MAX_METALAYERS`).
const MOST_METALAYERS: u16 = 16;

/// At most `most` bytes of what a frame holds; more is refused.
pub(crate) fn decode(bytes: &[u8], values: &[u32], most: u64) -> Result<Vec<u8>, Problem> {
    let decoded = Frame::parse(bytes).and_then(|frame| match &frame.array {
        Some(array) if array.is_told(values) => frame.elements(array, most),
        Some(_) => None,
        None => frame.bytes(most),
    });
    decoded.ok_or(Problem::Decode("Blosc2 frame"))
}

struct Frame<'a> {
    /// Bytes of an element; a chunk has 1 for those of more than 255.
    type_size: u64,
    array: Option<Array>,
    chunk: Chunk<'a>,
}

impl<'a> Frame<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let flags = *bytes.get(0x19)?;
        let is_frame = bytes.get(1..10)? == b"\xa8b2frame\0" && bytes.first()? & 0xf0 == 0x90;
        // Version 1 or 2, offsets of 8 bytes, chunks of one size, in one piece.
        if !is_frame || !matches!(flags, 0x11 | 0x12) || *bytes.get(0x1a)? != 0 {
            return None;
        }
        let header_size = be_u32(bytes, 0x0b)?;
        let bytes = bytes.get(..narrow(be_u64(bytes, 0x10)?))?;
        let (size, stored) = (be_u64(bytes, 0x1e)?, be_u64(bytes, 0x27)?);
        let (type_size, block_size) = (be_u32(bytes, 0x30)?, be_u32(bytes, 0x35)?);
        let header = bytes.get(..narrow(header_size))?;
        let chunks = bytes.get(narrow(header_size)..)?;
        // The index is a chunk itself, of 8 bytes for the only chunk.
        let index = Chunk::parse(chunks.get(narrow(stored)..)?)?;
        let mut offset = None;
        if index.size == 8 {
            index.each_block(|_, block| {
                offset = block.try_into().ok().map(u64::from_le_bytes);
                Some(())
            })?;
        }
        let offset = offset?;
        // The highest byte of an offset says that it is none.
        let chunk = if offset >> 63 == 1 {
            Chunk::special(offset >> 56 & 7, type_size, size, block_size)?
        } else {
            Chunk::parse(chunks.get(narrow(offset)..)?)?
        };
        Some(Self { type_size, array: array(header)?, chunk })
    }

    /// The bytes of the chunk.
    fn bytes(&self, most: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        if self.chunk.size > most {
            return None;
        }
        self.chunk.each_block(|_, block| {
            bytes.extend_from_slice(block);
            Some(())
        })?;
        Some(bytes)
    }

    /// The elements of the array, in C order.
    fn elements(&self, array: &Array, most: u64) -> Option<Vec<u8>> {
        let size = array.elements()?.checked_mul(self.type_size).filter(|size| *size <= most)?;
        let (chunk, block) = array.stored()?;
        let stored = (chunk.checked_mul(self.type_size)?, block.checked_mul(self.type_size)?);
        // Padding is not what a chunk is made of.
        if stored != (self.chunk.size, self.chunk.block_size) || stored.1 > most {
            return None;
        }
        let mut bytes = vec![0; narrow(size)];
        self.chunk.each_block(|number, block| array.place(number, block, self.type_size, &mut bytes))?;
        Some(bytes)
    }
}

/// The array that the metalayers of a frame's header tell, if they tell one.
#[expect(clippy::option_option, reason = "no array is no mistake")]
fn array(header: &[u8]) -> Option<Option<Array>> {
    let (&[0x93, 0xcd, _, _, 0xde, high, low], mut rest) = header.get(HEADER..)?.split_first_chunk()? else {
        return None;
    };
    let count = u16::from_be_bytes([high, low]);
    for _ in 0..Some(count).filter(|count| *count <= MOST_METALAYERS)? {
        let (marker, after) = rest.split_first()?;
        let (name, after) = after.split_at_checked(usize::from(marker & 0x1f))?;
        if marker & 0xe0 != 0xa0 || after.first() != Some(&0xd2) {
            return None;
        }
        if matches!(name, b"b2nd" | b"caterva") {
            let at = be_u32(after, 1)?;
            let content = header.get(narrow(at)..).filter(|content| content.first() == Some(&0xc6))?;
            let content = content.get(5..)?.get(..narrow(be_u32(content, 1)?))?;
            return Array::parse(content).map(Some);
        }
        rest = after.get(5..)?;
    }
    Some(None)
}

fn be_u32(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|number| u32::from_be_bytes(*number).into())
}

fn be_u64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|number| u64::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WRONG: Problem = Problem::Decode("Blosc2 frame");

    /// A chunk of bytes as they are, of elements of 1 byte.
    fn plain(bytes: &[u8]) -> Vec<u8> {
        let size = u8::try_from(bytes.len()).unwrap();
        let header = [5, 1, 7, 1, size, 0, 0, 0, size, 0, 0, 0, size + 32, 0, 0, 0];
        [&header[..], &[0; 16], bytes].concat()
    }

    /// A frame of a chunk of 4 elements of 1 byte, at this offset; as an array of 2 by 2, or of none.
    fn frame(offset: u64, is_array: bool) -> Vec<u8> {
        let [chunk, index] = [plain(&[1, 2, 3, 4]), plain(&offset.to_le_bytes())];
        let mut metalayers = vec![0x93, 0xcd, 0, 7, 0xde, 0, 0, 0xdc, 0, 0];
        if is_array {
            let axes = |marker: u8, long: usize| [&[marker][..], &vec![0; long], &[2]].concat().repeat(2);
            let content = [&[0x97, 0, 2, 0x92][..], &axes(0xd3, 7), &[0x92], &axes(0xd2, 3), &[0x92], &axes(0xd2, 3)];
            let content = content.concat();
            let length = u8::try_from(content.len()).unwrap();
            let map = [&[0x93, 0xcd, 0, 17, 0xde, 0, 1, 0xa4][..], b"b2nd", &[0xd2, 0, 0, 0, 107, 0xdc, 0, 1]];
            metalayers = [&map.concat()[..], &[0xc6, 0, 0, 0, length], &content].concat();
        }
        let header_size = u8::try_from(HEADER + metalayers.len()).unwrap();
        let size = u16::try_from(HEADER + metalayers.len() + chunk.len() + index.len()).unwrap().to_be_bytes();
        let header = [
            &[0x9e, 0xa8][..],
            b"b2frame\0",
            &[0xd2, 0, 0, 0, header_size],               // header size
            &[0xcf, 0, 0, 0, 0, 0, 0, size[0], size[1]], // frame size
            &[0xa4, 0x12, 0, 0x50, 3],                   // flags
            &[0xd3, 0, 0, 0, 0, 0, 0, 0, 4],             // bytes before
            &[0xd3, 0, 0, 0, 0, 0, 0, 0, 36],            // bytes of the chunks
            &[0xd2, 0, 0, 0, 1, 0xd2, 0, 0, 0, 4],       // type size, block size
            &[0xd2, 0, 0, 0, 4, 0xd1, 0, 1, 0xd1, 0, 1], // chunk size, threads
            &[0xc2, 0xd8, 6],                            // no metalayers behind, filters
            &[0; 16],
        ];
        [&header.concat()[..], &metalayers, &chunk, &index].concat()
    }

    #[test]
    fn a_frame_holds_a_chunk_and_where_it_lies() {
        for is_array in [false, true] {
            let whole = frame(0, is_array);
            assert_eq!(decode(&whole, &[], 4), Ok(vec![1, 2, 3, 4]));
            assert_eq!(decode(&whole, &[], 3), Err(WRONG));
            assert_eq!(decode(&frame(1, is_array), &[], 4), Err(WRONG));
            assert_eq!(decode(&frame(0x81 << 56, is_array), &[], 4), Ok(vec![0; 4]));
            assert_eq!(decode(&frame(0x84 << 56, is_array), &[], 4), Err(WRONG), "values that were never set");
            for length in 0..whole.len() {
                assert_eq!(decode(&whole[..length], &[], 4), Err(WRONG), "{length}");
            }
            for (at, what) in [(2, "signature"), (0x19, "version"), (0x1a, "frame type"), (HEADER, "metalayers")] {
                let mut changed = whole.clone();
                changed[at] = 0x53;
                assert_eq!(decode(&changed, &[], 4), Err(WRONG), "{what}");
            }
        }
        let told = [1, 0, 1, 4, 5, 1, 0, 2, 2, 2];
        assert_eq!(decode(&frame(0, true), &told, 4), Ok(vec![1, 2, 3, 4]));
        assert_eq!(decode(&frame(0, true), &[&told[..8], &[1, 4]].concat(), 4), Err(WRONG));
    }

    proptest! {
        #[test]
        fn any_byte_may_be_another(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            is_array: bool,
            most in 0_u64..20,
        ) {
            let mut bytes = frame(0, is_array);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            prop_assert!(decode(&bytes, &[], most).map_or(0, |bytes| bytes.len()) <= narrow(most));
        }
    }
}
