//! Zstandard, filter 32015: frames (RFC 8878). They are made of blocks as they are: it takes no compressor to hold a chunk that the
//! file does not have as one.

#[cfg(feature = "zstd")]
use std::io::Read;

#[cfg(feature = "zstd")]
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
#[cfg(feature = "zstd")]
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
#[cfg(feature = "zstd")]
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

#[cfg(feature = "zstd")]
use crate::error::Problem;
#[cfg(feature = "zstd")]
use crate::field::convert::{narrow, wide};

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

/// At most `most` bytes of what `frames` hold; more is refused.
#[cfg(feature = "zstd")]
pub(crate) fn decode(frames: &[u8], most: u64) -> Result<Vec<u8>, Problem> {
    expand(frames, most).map_err(|_| Problem::Decode("Zstandard frame"))
}

/// Why frames are not decoded.
#[cfg(feature = "zstd")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// They hold more than is wanted.
    TooLong,
    /// They do not decode.
    Wrong,
}

/// What `frames` hold, if that is at most `most` bytes.
#[cfg(feature = "zstd")]
pub(crate) fn expand(frames: &[u8], most: u64) -> Result<Vec<u8>, Stop> {
    let (mut rest, mut decoded) = (frames, Vec::new());
    while !rest.is_empty() {
        append(&mut rest, most, &mut decoded)?;
    }
    Ok(decoded)
}

/// Appends what the first frame of `rest` holds, which it leaves behind it.
#[cfg(feature = "zstd")]
fn append(rest: &mut &[u8], most: u64, decoded: &mut Vec<u8>) -> Result<(), Stop> {
    let start = decoded.len();
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(u64::MAX);
    let header = frame_header(rest, most);
    match decoder.init(header.as_slice()) {
        Ok(()) => {}
        Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
            *rest = rest.get(8..).and_then(|rest| rest.get(narrow(length.into())..)).ok_or(Stop::Wrong)?;
            return Ok(());
        }
        Err(_) => return Err(Stop::Wrong),
    }
    let size = decoder.content_size();
    if size > most {
        return Err(Stop::TooLong);
    }
    *rest = rest.get(narrow(decoder.bytes_read_from_source())..).ok_or(Stop::Wrong)?;
    loop {
        let decoded_blocks = decoder.decode_blocks(&mut *rest, BlockDecodingStrategy::UptoBlocks(1));
        let finished = decoded_blocks.map_err(|_| Stop::Wrong)?;
        decoder.collect_to_writer(&mut *decoded).map_err(|_| Stop::Wrong)?;
        if wide(decoded.len()) > most {
            return Err(Stop::TooLong);
        }
        if finished {
            break;
        }
    }
    let intact =
        decoder.get_checksum_from_data().is_none_or(|stored| decoder.get_calculated_checksum() == Some(stored));
    let whole = size == 0 || wide(decoded.len().saturating_sub(start)) == size;
    if whole && (intact || cfg!(fuzzing)) { Ok(()) } else { Err(Stop::Wrong) }
}

/// One compressed frame of all that `bytes` gives, without its size and with a checksum; where reading fails the bytes end.
#[cfg(feature = "zstd")]
pub(crate) fn compress(bytes: impl Read) -> Vec<u8> {
    compress_to_vec(UntilFailed(bytes), CompressionLevel::Fastest)
}

/// The same of bytes that are here, with their number in the frame's header, which some readers need.
#[cfg(feature = "zstd")]
pub(crate) fn compress_sized(bytes: &[u8]) -> Vec<u8> {
    // Magic number, descriptor and window, as the compressor writes them.
    const DESCRIPTOR: usize = 4;
    const HEADER: usize = 6;
    let mut frame = compress_to_vec(bytes, CompressionLevel::Fastest);
    if let Some(descriptor) = frame.get_mut(DESCRIPTOR).filter(|descriptor| **descriptor & 0b1110_0011 == 0) {
        *descriptor |= 0b1100_0000; // a content size of 8 bytes
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        frame.splice(HEADER..HEADER, size.to_le_bytes());
    }
    frame
}

/// The compressor panics where its source fails.
#[cfg(feature = "zstd")]
struct UntilFailed<R>(R);

#[cfg(feature = "zstd")]
impl<R: Read> Read for UntilFailed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => return Ok(read.unwrap_or(0)),
            }
        }
    }
}

/// Whether one frame decodes to bytes that have its checksum.
#[cfg(feature = "zstd")]
pub(crate) fn is_intact(frame: &[u8]) -> bool {
    let (mut rest, mut decoder) = (frame, FrameDecoder::new());
    if decoder.init(&mut rest).is_err() {
        return false;
    }
    loop {
        match decoder.decode_blocks(&mut rest, BlockDecodingStrategy::UptoBlocks(1)) {
            Ok(finished) if decoder.collect_to_writer(std::io::sink()).is_err() || finished => break,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    let stored = decoder.get_checksum_from_data();
    rest.is_empty() && stored.is_some() && decoder.get_calculated_checksum() == stored
}

/// The bytes that a frame's header lies in (3.1.1.1), with a window no larger than `most` bytes need.
///
/// The decoder keeps as many bytes as the window has, which a frame of a few bytes may say to be gigabytes.
#[cfg(feature = "zstd")]
fn frame_header(frame: &[u8], most: u64) -> Vec<u8> {
    const LONGEST: usize = 18;
    const SINGLE_SEGMENT: u8 = 1 << 5;
    let mut header: Vec<u8> = frame.iter().copied().take(LONGEST).collect();
    let single = header.get(4).is_some_and(|descriptor| descriptor & SINGLE_SEGMENT != 0);
    let skippable = header.first() != Some(&0x28);
    if let Some(window) = header.get_mut(5).filter(|_| !single && !skippable) {
        let needed = most.max(wide(BLOCK)).checked_next_power_of_two().unwrap_or(1 << 63).ilog2();
        let enough = u8::try_from(needed.saturating_sub(10).min(31)).unwrap_or(31) << 3;
        *window = (*window).min(enough);
    }
    header
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "zstd")]
    use proptest::prelude::*;

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

    /// What libzstd makes of ten times "h5refs", with the size and a checksum.
    #[cfg(feature = "zstd")]
    const FRAME: [u8; 25] = [
        0x28, 0xb5, 0x2f, 0xfd, // magic number
        0x24, // frame header descriptor: a content size of 1 byte, a single segment, a checksum
        60,   // frame content size
        0x65, 0x00, 0x00, // the last block, compressed, of 12 bytes
        0x30, 0x68, 0x35, 0x72, 0x65, 0x66, 0x73, 0x01, 0x00, 0xcb, 0x59, 0x8a, // literals and sequences
        0x1e, 0x55, 0x2f, 0xa6, // content checksum
    ];

    #[cfg(feature = "zstd")]
    const WRONG: Problem = Problem::Decode("Zstandard frame");

    #[cfg(feature = "zstd")]
    #[test]
    fn a_foreign_frame_decodes_and_none_of_its_beginnings() {
        assert_eq!(decode(&FRAME, 60).unwrap(), b"h5refs".repeat(10));
        assert_eq!(decode(&FRAME, 59), Err(WRONG));
        for length in 1..FRAME.len() {
            assert_eq!(decode(&FRAME[..length], 60), Err(WRONG), "{length} bytes");
        }
        for at in [5, 10, 24] {
            let mut wrong = FRAME;
            wrong[at] ^= 1;
            assert_eq!(decode(&wrong, 600), Err(WRONG), "byte {at} is another");
        }
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn frames_follow_each_other_and_some_are_skipped() {
        let skipped = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9];
        let frames = [&encode(b"abc")[..], &skipped, &FRAME, &encode(b"")].concat();
        assert_eq!(decode(&frames, 63), Ok([b"abc".to_vec(), b"h5refs".repeat(10)].concat()));
        assert_eq!(decode(&frames, 62), Err(WRONG));
        assert_eq!(decode(&skipped[..9], 62), Err(WRONG));
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn frames_need_no_size_and_no_more_memory_than_they_fill() {
        let head = [0x28, 0xb5, 0x2f, 0xfd, 0, 31 << 3]; // no content size, a window of 2 TiB
        let blocks = [0x02, 0, 0x10, 7, 0x1b, 0, 0, 8]; // 128 KiB of 7, and 3 of 8
        let frame = [&head[..], &blocks].concat();
        let expected = [vec![7; BLOCK], vec![8; 3]].concat();
        assert_eq!(decode(&frame, 131_075), Ok(expected));
        assert_eq!(decode(&frame, 131_074), Err(WRONG));
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn a_compressed_frame_is_intact_and_none_with_another_byte() {
        let frame = compress(&b"h5refs".repeat(30)[..]);
        assert_eq!(expand(&frame, 180), Ok(b"h5refs".repeat(30)));
        assert_eq!((expand(&frame, 179), is_intact(&frame)), (Err(Stop::TooLong), true));
        assert!(!is_intact(&frame[..frame.len() - 1]));
        let mut wrong = frame.clone();
        *wrong.last_mut().unwrap() ^= 1;
        assert_eq!((expand(&wrong, 180), is_intact(&wrong)), (Err(Stop::Wrong), false));
        assert!(!is_intact(&[frame, vec![0]].concat()));
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn what_is_encoded_decodes() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n / 70_000).to_le_bytes()[0]).collect();
        assert_eq!(decode(&encode(&bytes), 300_000).unwrap(), bytes);
    }

    #[cfg(feature = "zstd")]
    proptest! {
        #[test]
        fn a_frame_with_changed_bytes_decodes_to_no_more_than_is_expected(changes in prop::collection::vec((4..FRAME.len(), any::<u8>()), 1..4)) {
            let mut changed = FRAME;
            for (at, byte) in changes {
                changed[at] = byte;
            }
            prop_assert!(decode(&changed, 100).unwrap_or_default().len() <= 100);
        }

        #[test]
        fn arbitrary_blocks_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0, 8, 0x05 | 0x50, 0, 0][..], &bytes].concat();
            prop_assert!(decode(&frame, 100).unwrap_or_default().len() <= 100);
        }
    }
}
