//! A Blosc2 chunk: blocks that went through filters and were compressed one by one, or a value that all elements have (c-blosc2,
//! `README_CHUNK_FORMAT.rst` and `blosc2.c`).

use super::super::unblosc::{Compressor, le_u32};
use super::super::{bitshuffle, shuffle};
use crate::field::convert::{narrow, wide};

/// Bytes of the header, after which come the offsets of the blocks, the plain bytes or the value of all elements.
const HEADER: usize = 32;

/// NaN, as C has it.
const NAN_4: [u8; 4] = [0, 0, 0xc0, 0x7f];
const NAN_8: [u8; 8] = [0, 0, 0, 0, 0, 0, 0xf8, 0x7f];

/// Something that bytes went through before they were compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    Shuffle,
    Bitshuffle,
    /// Differences from the first block, there from the element before.
    Delta,
}

/// What stands for the bytes.
enum Content<'a> {
    /// They are there as they are.
    Plain(&'a [u8]),
    /// Each element is this.
    Repeated(Vec<u8>),
    /// The chunk, with its header and the offsets of the blocks.
    Blocks(&'a [u8], Compressor),
}

pub(super) struct Chunk<'a> {
    /// Bytes of an element.
    pub(super) type_size: u64,
    /// Bytes before.
    pub(super) size: u64,
    /// Bytes of a block before.
    pub(super) block_size: u64,
    /// Whether blocks are in parts, one for each byte of an element.
    split: bool,
    /// In the order of writing.
    filters: Vec<Filter>,
    content: Content<'a>,
}

impl<'a> Chunk<'a> {
    /// The chunk that bytes begin with.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, _) = bytes.split_first_chunk::<HEADER>()?;
        let [version, compressor_version, flags, type_size, rest @ ..] = header;
        let (size, rest) = le_u32(rest)?;
        let (block_size, rest) = le_u32(rest)?;
        let (stored, rest) = le_u32(rest)?;
        let [filters @ .., _, _, m0, m1, m2, m3, m4, m5, reserved, flags2] = rest else { return None };
        // Dictionaries, longer headers, blocks that are elsewhere and other codecs are not known here.
        if !(3..=5).contains(version) || *compressor_version != 1 || *reserved != 0 || flags2 & 0b1000_1011 != 0 {
            return None;
        }
        // Both shuffles at once say that the header is the long one.
        if flags & 0b101 != 0b101 || *type_size == 0 || block_size == 0 || (block_size > size && size > 0) {
            return None;
        }
        let stored = bytes.get(..narrow(stored))?;
        let rest = stored.get(HEADER..)?;
        let content = match (flags2 >> 4 & 7, flags & 0b10 != 0) {
            (0, true) if wide(rest.len()) == size => Content::Plain(rest),
            (0, false) => Content::Blocks(stored, compressor(flags >> 5)?),
            (1, _) => Content::Repeated(vec![0]),
            (2, _) => Content::Repeated(not_a_number(u64::from(*type_size))?),
            (3, _) => Content::Repeated(rest.get(..usize::from(*type_size))?.to_vec()),
            // Elements that were never set have no values.
            _ => return None,
        };
        let type_size = u64::from(*type_size);
        if matches!(content, Content::Repeated(_))
            && !(size.is_multiple_of(type_size) && block_size.is_multiple_of(type_size))
        {
            return None;
        }
        let codes: Vec<(u8, u8)> = filters.iter().copied().zip([*m0, *m1, *m2, *m3, *m4, *m5]).collect();
        let filters = if matches!(content, Content::Blocks(..)) { known(&codes, *version)? } else { Vec::new() };
        Some(Self { type_size, size, block_size, split: flags & 1 << 4 == 0, filters, content })
    }

    /// A chunk of a frame of which all elements are zero or NaN.
    pub(super) fn special(kind: u64, type_size: u64, size: u64, block_size: u64) -> Option<Self> {
        let value = match kind {
            1 => vec![0],
            2 => not_a_number(type_size)?,
            _ => return None,
        };
        let content = Content::Repeated(value);
        let whole = block_size > 0 && size.is_multiple_of(type_size) && block_size.is_multiple_of(type_size);
        whole.then_some(Self { type_size, size, block_size, split: false, filters: Vec::new(), content })
    }

    /// Gives the blocks one after another to `take`, each with its number.
    pub(super) fn each_block(&self, mut take: impl FnMut(u64, &[u8]) -> Option<()>) -> Option<()> {
        let count = self.size.div_ceil(self.block_size);
        // Blocks do not overlap: no compressed byte is decoded twice.
        let mut unread = match self.content {
            Content::Blocks(stored, _) => wide(stored.len()),
            Content::Plain(_) | Content::Repeated(_) => 0,
        };
        let mut first = Vec::new();
        for number in 0..count {
            let start = number.saturating_mul(self.block_size);
            let size = self.block_size.min(self.size.saturating_sub(start));
            let block = match &self.content {
                Content::Plain(bytes) => bytes.get(narrow(start)..)?.get(..narrow(size))?.to_vec(),
                Content::Repeated(value) => value.iter().copied().cycle().take(narrow(size)).collect(),
                Content::Blocks(stored, compressor) => {
                    let at = number.saturating_mul(4).saturating_add(wide(HEADER));
                    let (offset, _) = le_u32(stored.get(narrow(at)..)?)?;
                    let block = self.block(stored.get(narrow(offset)..)?, size, *compressor, &mut unread)?;
                    self.unfiltered(block, &first)
                }
            };
            take(number, &block)?;
            if number == 0 {
                first = block;
            }
        }
        Some(())
    }

    /// The `size` bytes of the block that `bytes` begin with, as they were compressed.
    fn block(&self, mut bytes: &[u8], size: u64, compressor: Compressor, unread: &mut u64) -> Option<Vec<u8>> {
        let parts = if self.split && size == self.block_size { self.type_size } else { 1 };
        let part = size.checked_div(parts).filter(|part| *part > 0)?;
        let mut block = Vec::new();
        for _ in 0..parts {
            let (length, rest) = le_u32(bytes)?;
            *unread = unread.checked_sub(4)?;
            bytes = rest;
            let run = usize::try_from(part).ok().and_then(|part| block.len().checked_add(part))?;
            if let Some(value) = repeated(length, bytes) {
                block.resize(run, value?);
                bytes = bytes.get(usize::from(length != 0)..)?;
                continue;
            }
            let (stored, rest) = bytes.split_at_checked(narrow(length))?;
            *unread = unread.checked_sub(length)?;
            bytes = rest;
            if length == part {
                // It would not have become smaller.
                block.extend_from_slice(stored);
            } else {
                compressor.append(stored, part, &mut block)?;
            }
        }
        (wide(block.len()) == size).then_some(block)
    }

    /// A block before the filters; `first` is the first one, if this is another.
    fn unfiltered(&self, mut block: Vec<u8>, first: &[u8]) -> Vec<u8> {
        for filter in self.filters.iter().rev() {
            match filter {
                Filter::Shuffle => block = shuffle::decode(&block, u32::try_from(self.type_size).unwrap_or(1)),
                Filter::Bitshuffle => block = self.bits_together(&block),
                Filter::Delta => self.add_differences(&mut block, first),
            }
        }
        block
    }

    /// Undoes the shuffle of bits, of the elements that make whole bytes of each bit.
    fn bits_together(&self, block: &[u8]) -> Vec<u8> {
        let groups = wide(block.len()).checked_div(self.type_size.saturating_mul(8)).unwrap_or(0);
        let elements = groups.saturating_mul(8);
        let whole = narrow(elements.saturating_mul(self.type_size));
        let (bits, tail) = block.split_at_checked(whole).unwrap_or((block, &[]));
        let mut bytes = bitshuffle::unshuffle(bits, narrow(elements), self.type_size);
        bytes.extend_from_slice(tail);
        bytes
    }

    /// Undoes differences, which are bits that differ (`delta.c`).
    fn add_differences(&self, block: &mut [u8], first: &[u8]) {
        let width = match self.type_size {
            2 | 4 | 8 => self.type_size,
            size if size.is_multiple_of(8) => 8,
            _ => 1,
        };
        let width = narrow(width);
        if first.is_empty() {
            let mut before = vec![0; width];
            for element in block.chunks_exact_mut(width) {
                element.iter_mut().zip(&before).for_each(|(byte, before)| *byte ^= before);
                before.copy_from_slice(element);
            }
        } else {
            let whole = block.chunks_exact_mut(width).zip(first.chunks_exact(width));
            for (element, first) in whole {
                element.iter_mut().zip(first).for_each(|(byte, first)| *byte ^= first);
            }
        }
    }
}

/// The byte that a part consists of, if its length says that it is of one; none where it says so of no byte.
#[expect(clippy::option_option, reason = "a part that is no run is no mistake")]
fn repeated(length: u64, bytes: &[u8]) -> Option<Option<u8>> {
    if length == 0 {
        return Some(Some(0));
    }
    let negative = u32::try_from(length).ok()?.cast_signed();
    (negative < 0).then(|| {
        // A token whose lowest bit says that it is a run, of the byte whose negative is the length.
        bytes.first().filter(|token| **token & 1 == 1)?;
        u8::try_from(negative.unsigned_abs()).ok()
    })
}

fn compressor(number: u8) -> Option<Compressor> {
    match number {
        0 => Some(Compressor::BloscLz),
        1 => Some(Compressor::Lz4),
        3 => Some(Compressor::Zlib),
        4 => Some(Compressor::Zstd),
        _ => None,
    }
}

/// Filters, if they are all known: numbers with their parameters.
fn known(codes: &[(u8, u8)], version: u8) -> Option<Vec<Filter>> {
    // The first versions did not set the last one.
    let count = if version == 3 { 5 } else { 6 };
    let mut filters = Vec::new();
    for (code, parameter) in codes.iter().take(count) {
        match (code, parameter) {
            // Precision that was cut off stays so.
            (0 | 4, _) => {}
            (1, 0) => filters.push(Filter::Shuffle),
            (2, _) => filters.push(Filter::Bitshuffle),
            // What is undone before it would be another block's first.
            (3, _) if filters.is_empty() => filters.push(Filter::Delta),
            _ => return None,
        }
    }
    Some(filters)
}

fn not_a_number(type_size: u64) -> Option<Vec<u8>> {
    match type_size {
        4 => Some(NAN_4.to_vec()),
        8 => Some(NAN_8.to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chunk of LZ4 of elements of `type_size`, with one filter, in blocks of `block_size`.
    fn chunk(flags: u8, [flags2, filter]: [u8; 2], type_size: u8, [size, block_size]: [u8; 2], rest: &[u8]) -> Vec<u8> {
        let stored = u8::try_from(32 + rest.len()).unwrap();
        let header = [
            &[5, 1, flags | 0x25, type_size][..], // versions, flags, type size
            &[size, 0, 0, 0],                     // bytes before
            &[block_size, 0, 0, 0],               // bytes of a block
            &[stored, 0, 0, 0],                   // bytes of the chunk
            &[0, 0, 0, 0, 0, filter],             // filters
            &[0, 0],                              // other codecs
            &[0; 6],                              // parameters of the filters
            &[0, flags2],                         // reserved, more flags
        ];
        [&header.concat(), rest].concat()
    }

    fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
        let mut decoded = Vec::new();
        Chunk::parse(bytes)?.each_block(|_, block| {
            decoded.extend_from_slice(block);
            Some(())
        })?;
        Some(decoded)
    }

    #[test]
    fn parts_are_runs_or_compressed_or_as_they_are() {
        let rest = [
            &[44, 0, 0, 0, 53, 0, 0, 0, 69, 0, 0, 0][..], // where the blocks begin
            &[0, 0, 0, 0],                                // a part of zeros
            &[0xf9, 0xff, 0xff, 0xff, 1],                 // a part of sevens
            &[6, 0, 0, 0, 0x12, 9, 1, 0, 0x10, 9],        // LZ4: a nine, six more, and another
            &[2, 0, 0, 0, 1, 2],                          // the last block is not in parts
        ];
        let mut rest = rest.concat();
        let whole = chunk(0, [0, 1], 2, [10, 8], &rest);
        assert_eq!(decoded(&whole), None, "the second block has one part");
        rest.drain(4..8);
        rest[0] = 40;
        rest[4] = 59;
        let whole = chunk(0, [0, 1], 2, [10, 8], &rest);
        assert_eq!(decoded(&whole), Some(vec![0, 7, 0, 7, 0, 7, 0, 7, 1, 2]));
        assert_eq!(
            decoded(&chunk(0x10, [0, 1], 1, [8, 8], &[&[36, 0, 0, 0], &rest[17..27]].concat())),
            Some(vec![9; 8])
        );
        for length in 0..whole.len() {
            assert_eq!(decoded(&whole[..length]), None, "{length}");
        }
    }

    #[test]
    fn chunks_of_one_value_have_no_blocks() {
        assert_eq!(decoded(&chunk(0, [1 << 4, 1], 4, [8, 8], &[])), Some(vec![0; 8]));
        assert_eq!(decoded(&chunk(0, [2 << 4, 1], 4, [8, 4], &[])), Some(f32::NAN.to_le_bytes().repeat(2)));
        assert_eq!(decoded(&chunk(0, [2 << 4, 1], 8, [8, 8], &[])), Some(f64::NAN.to_le_bytes().to_vec()));
        assert_eq!(decoded(&chunk(0, [2 << 4, 1], 2, [8, 8], &[])), None);
        assert_eq!(decoded(&chunk(0, [3 << 4, 1], 2, [8, 8], &[1, 2])), Some([1, 2].repeat(4)));
        assert_eq!(decoded(&chunk(0, [3 << 4, 1], 3, [8, 8], &[1, 2, 3])), None);
        assert_eq!(decoded(&chunk(0, [4 << 4, 1], 4, [8, 8], &[])), None, "values that were never set");
        assert_eq!(decoded(&chunk(2, [0, 1], 4, [8, 4], &[5; 8])), Some(vec![5; 8]));
        assert_eq!(decoded(&chunk(2, [0, 1], 4, [8, 4], &[5; 7])), None);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let rest = [36, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4];
        assert_eq!(decoded(&chunk(0x10, [0, 0], 1, [4, 4], &rest)), Some(vec![1, 2, 3, 4]));
        for (flags2, filter) in [(1, 0), (2, 0), (8, 0), (0x80, 0), (0, 5), (0, 35)] {
            assert_eq!(decoded(&chunk(0x10, [flags2, filter], 1, [4, 4], &rest)), None, "{flags2} {filter}");
        }
        for (at, byte) in [(0, 2), (0, 6), (1, 2), (2, 0x31), (2, 0x55), (3, 0), (8, 0), (8, 5), (16, 35), (30, 1)] {
            let mut changed = chunk(0x10, [0, 0], 1, [4, 4], &rest);
            changed[at] = byte;
            assert_eq!(decoded(&changed), None, "{at} {byte}");
        }
        let mut twice = chunk(0x10, [0, 1], 1, [4, 4], &rest);
        twice[29] = 1;
        assert_eq!(decoded(&twice), None, "shuffled with a parameter");
    }

    #[test]
    fn differences_are_from_the_first_block() {
        let rest = [40, 0, 0, 0, 48, 0, 0, 0, 4, 0, 0, 0, 1, 1, 1, 2, 4, 0, 0, 0, 1, 1, 1, 1];
        assert_eq!(decoded(&chunk(0x10, [0, 3], 1, [8, 4], &rest)), Some(vec![1, 0, 1, 3, 0, 1, 0, 2]));
        assert_eq!(decoded(&chunk(0x10, [0, 3], 2, [8, 4], &rest)), Some(vec![1, 1, 0, 3, 0, 0, 1, 2]));
    }
}
