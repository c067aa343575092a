//! Chunks of a Zarr array, decoded.

use std::io::Read;

#[cfg(feature = "bitshuffle")]
use crate::codec::bitshuffle;
#[cfg(feature = "bzip2")]
use crate::codec::bzip2;
#[cfg(feature = "lz4")]
use crate::codec::lz4;
#[cfg(feature = "blosc")]
use crate::codec::unblosc;
#[cfg(feature = "zstd")]
use crate::codec::zstd;
use crate::codec::{deflate, fletcher32, lzf, shuffle, szip};
use crate::field::convert::wide;
use crate::zarr::{ArrayMetadata, Codec};

/// What a chunk was before its codecs: bytes of elements, or the elements themselves where they are objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decoded {
    Bytes(Vec<u8>),
    Texts(Vec<String>),
}

/// Undoes the codecs of a chunk that has `due` bytes, or is of objects and has at most `most` bytes.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn decode(metadata: &ArrayMetadata, chunk: &[u8], most: u64) -> Result<Decoded, String> {
    let due = metadata.chunk_bytes();
    // Checksums and headers of later codecs make a chunk a little longer on the way.
    let room = due.map_or(most, |due| due.saturating_add(due / 8).saturating_add(64));
    let mut bytes = None;
    for codec in metadata.codecs().rev() {
        let encoded = bytes.as_deref().unwrap_or(chunk);
        match codec {
            Codec::VlenUtf8 => return texts(encoded, elements(metadata)).map(Decoded::Texts),
            codec => bytes = Some(undo(codec, encoded, room)?),
        }
    }
    let bytes = bytes.unwrap_or_else(|| chunk.to_vec());
    match due {
        Some(due) if due == wide(bytes.len()) => Ok(Decoded::Bytes(bytes)),
        Some(due) => Err(format!("has {} bytes decoded, and a chunk has {due}", bytes.len())),
        None => Err("no codec makes objects of its bytes".to_owned()),
    }
}

/// Why a codec would not be undone at all, whatever the bytes.
pub(crate) fn refusal(codec: &Codec) -> Option<String> {
    let needs = |feature: &str, is_there: bool| {
        (!is_there).then(|| {
            format!("codec {} is decoded only where h5refs is built with the feature \"{feature}\"", codec.id())
        })
    };
    match codec {
        Codec::Blosc { .. } => needs("blosc", cfg!(feature = "blosc")),
        Codec::Bz2 { .. } => needs("bzip2", cfg!(feature = "bzip2")),
        Codec::Zstd { .. } => needs("zstd", cfg!(feature = "zstd")),
        Codec::ImagecodecsLz4h5 => needs("lz4", cfg!(feature = "lz4")),
        Codec::ImagecodecsBitshuffle { .. } => needs("bitshuffle", cfg!(feature = "bitshuffle")),
        Codec::ImagecodecsLzf { header: true } => {
            Some("codec imagecodecs_lzf with a header is not decoded here".to_owned())
        }
        Codec::Other(_) => Some(format!("codec {} is not decoded here", codec.id())),
        _ => None,
    }
}

fn undo(codec: &Codec, bytes: &[u8], most: u64) -> Result<Vec<u8>, String> {
    let undone = match codec {
        Codec::Zlib { .. } => deflate::decode(bytes, most),
        Codec::Gzip { .. } => return gunzip(bytes, most),
        Codec::Shuffle { elementsize } => Ok(shuffle::decode(bytes, *elementsize)),
        Codec::Fletcher32 => fletcher32::decode(bytes).map(<[u8]>::to_vec),
        #[cfg(feature = "blosc")]
        Codec::Blosc { .. } => unblosc::decode(bytes, most),
        #[cfg(feature = "bzip2")]
        Codec::Bz2 { .. } => bzip2::decode(bytes, most),
        #[cfg(feature = "zstd")]
        Codec::Zstd { .. } => zstd::decode(bytes, most),
        Codec::ImagecodecsLzf { header: false } => lzf::decode(bytes, most),
        #[cfg(feature = "lz4")]
        Codec::ImagecodecsLz4h5 => lz4::decode(bytes, most),
        Codec::ImagecodecsSzip { options_mask, pixels_per_block, bits_per_pixel, pixels_per_scanline } => {
            szip::decode(bytes, &[*options_mask, *pixels_per_block, *bits_per_pixel, *pixels_per_scanline], most)
        }
        // In blocks of the default size, without compression.
        #[cfg(feature = "bitshuffle")]
        Codec::ImagecodecsBitshuffle { itemsize } => bitshuffle::decode(bytes, &[0, 0, *itemsize, 0, 0], most),
        _ => return Err(refusal(codec).unwrap_or_default()),
    };
    undone.map_err(|problem| problem.to_string())
}

fn gunzip(bytes: &[u8], most: u64) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(bytes).take(most.saturating_add(1)).read_to_end(&mut decoded);
    match read {
        Ok(_) if wide(decoded.len()) <= most => Ok(decoded),
        _ => Err("gzip stream does not decode".to_owned()),
    }
}

/// Elements of a chunk.
fn elements(metadata: &ArrayMetadata) -> Option<u64> {
    metadata.chunks.iter().try_fold(1_u64, |n, chunk| n.checked_mul(*chunk))
}

/// Texts: their number, then each with its length before it, all numbers little-endian (numcodecs, `vlen.pyx`).
fn texts(bytes: &[u8], expected: Option<u64>) -> Result<Vec<String>, String> {
    let ends = || "vlen-utf8: the bytes end too early".to_owned();
    let number = |bytes: &mut &[u8]| {
        let (number, rest) = bytes.split_first_chunk().ok_or_else(ends)?;
        *bytes = rest;
        Ok::<u32, String>(u32::from_le_bytes(*number))
    };
    let mut rest = bytes;
    let count = number(&mut rest)?;
    if Some(u64::from(count)) != expected {
        return Err(format!("vlen-utf8: {count} texts, and a chunk has {} elements", expected.unwrap_or(u64::MAX)));
    }
    // Each takes four bytes at least, so a count that lies ends soon.
    let mut texts = Vec::new();
    for _ in 0..count {
        let length = number(&mut rest)?;
        let (text, after) =
            usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length)).ok_or_else(ends)?;
        texts.push(std::str::from_utf8(text).map_err(|error| format!("vlen-utf8: {error}"))?.to_owned());
        rest = after;
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zarr::Dtype;

    fn array(dtype: &str, codecs: Vec<Codec>) -> ArrayMetadata {
        ArrayMetadata::new(vec![3], vec![2], Dtype::Simple(dtype.to_owned()), None, codecs)
    }

    #[test]
    fn codecs_are_undone_in_the_order_of_decoding() {
        let plain: Vec<u8> = (0..8).collect();
        let codecs = vec![Codec::Shuffle { elementsize: 4 }, Codec::Zlib { level: 1 }, Codec::Fletcher32];
        let encoded = fletcher32::encode(&deflate::encode(&shuffle::encode(&plain, 4), 1));
        assert_eq!(decode(&array("<i4", codecs.clone()), &encoded, 0), Ok(Decoded::Bytes(plain.clone())));
        let with_compressor = ArrayMetadata { compressor: Some(Codec::Zlib { level: 1 }), ..array("<i4", Vec::new()) };
        assert_eq!(decode(&with_compressor, &deflate::encode(&plain, 1), 0), Ok(Decoded::Bytes(plain)));
        let mut wrong = encoded;
        wrong[3] ^= 1;
        assert!(decode(&array("<i4", codecs), &wrong, 0).is_err());
    }

    /// `gzip.compress(b"12345678", mtime=0)` of Python.
    #[test]
    fn gzip_is_read() {
        let stream = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0x33, 0x34, 0x32, 0x36, 0x31, 0x35, 0x33, 0xb7, 0, 0, 0xaf, 0xda, 0xe0,
            0x9a, 8, 0, 0, 0,
        ];
        let decoded = decode(&array("<i4", vec![Codec::Gzip { level: 1 }]), &stream, 0);
        assert_eq!(decoded, Ok(Decoded::Bytes(b"12345678".to_vec())));
    }

    #[test]
    fn texts_have_their_lengths_before_them() {
        let texts = array("|O", vec![Codec::VlenUtf8]);
        let bytes = b"\x02\0\0\0\x01\0\0\0a\x02\0\0\0\xc3\xa9";
        assert_eq!(decode(&texts, bytes, 100), Ok(Decoded::Texts(vec!["a".to_owned(), "é".to_owned()])));
        for wrong in [&bytes[..14], b"\x03\0\0\0", b"\xff\xff\xff\xff", b"", b"\x02\0\0\0\x01\0\0\0a\x01\0\0\0\xff"] {
            assert!(decode(&texts, wrong, 100).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_chunk_of_another_size_and_unknown_codecs_are_refused() {
        let told = |codecs, bytes: &[u8]| decode(&array("<i4", codecs), bytes, 0).unwrap_err();
        assert_eq!(told(Vec::new(), b"1234567"), "has 7 bytes decoded, and a chunk has 8");
        let delta = serde_json::json!({"id": "delta"});
        let other = Codec::Other(delta.as_object().unwrap().clone());
        assert_eq!(told(vec![other], b"12345678"), "codec delta is not decoded here");
        assert_eq!(
            told(vec![Codec::Zlib { level: 1 }], &deflate::encode(&[0; 100], 1)),
            "deflate stream does not decode"
        );
    }
}
