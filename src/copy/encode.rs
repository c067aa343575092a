//! Chunks as they are stored.

use crate::codec::{deflate, shuffle};
use crate::error::Error;
use crate::store::{Decoded, fill_element};
use crate::zarr::{ArrayMetadata, Codec, Dtype, Kind};

/// What chunks are compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compressor {
    /// Nothing.
    None,
    /// zlib, at a level of 0 to 9.
    Zlib(u32),
    /// Zstandard, at the one level that its encoder in Rust has, which is about level 1; with the feature `zstd`.
    Zstd,
}

impl Default for Compressor {
    fn default() -> Self {
        // Level 1 of zlib-rs is looser by half than that of zlib (2 GB of temperatures: 1.23 GB and 0.84 GB); its level 2 is not (0.82 GB).
        Self::Zlib(2)
    }
}

impl Compressor {
    /// The codec of a document.
    pub(super) fn codec(self) -> Option<Codec> {
        match self {
            Self::None => None,
            Self::Zlib(level) => Some(Codec::Zlib { level: i32::try_from(level.min(9)).unwrap_or(9) }),
            Self::Zstd => Some(Codec::Zstd { level: 1 }),
        }
    }
}

/// The filters of elements of a type.
pub(super) fn filters(dtype: &Dtype, shuffled: bool) -> Vec<Codec> {
    match dtype.size().map(u32::try_from) {
        Some(Ok(0)) => vec![Codec::VlenUtf8],
        Some(Ok(elementsize)) if shuffled && elementsize > 1 => vec![Codec::Shuffle { elementsize }],
        _ => Vec::new(),
    }
}

/// The bytes that are stored for a chunk, of the codecs that are written here.
pub(super) fn encode(metadata: &ArrayMetadata, elements: Decoded) -> Result<Vec<u8>, Error> {
    let mut bytes = match elements {
        Decoded::Bytes(bytes) => bytes,
        Decoded::Texts(texts) => with_lengths(&texts)?,
    };
    for codec in metadata.codecs() {
        bytes = match codec {
            Codec::VlenUtf8 => continue,
            Codec::Shuffle { elementsize } => shuffle::encode(&bytes, *elementsize),
            Codec::Zlib { level } => deflate::encode(&bytes, u32::try_from(*level).unwrap_or(1)),
            #[cfg(feature = "zstd")]
            Codec::Zstd { .. } => crate::codec::zstd::compress_sized(&bytes),
            other => {
                let problem = format!("codec {} is not written", other.id());
                return Err(Error::Copy { target: "a chunk".to_owned(), problem });
            }
        };
    }
    Ok(bytes)
}

/// Texts: their number, then each with its length before it, all numbers little-endian (numcodecs, `vlen.pyx`).
fn with_lengths(texts: &[String]) -> Result<Vec<u8>, Error> {
    let number = |n: usize| {
        let too_long =
            "texts of more than 4 GiB, or more than 4 billion in a chunk, have no form in Zarr v2".to_owned();
        u32::try_from(n).map_err(|_| Error::Copy { target: "a chunk".to_owned(), problem: too_long })
    };
    let mut bytes = number(texts.len())?.to_le_bytes().to_vec();
    for text in texts {
        bytes.extend(number(text.len())?.to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    Ok(bytes)
}

/// Whether readers give exactly these elements for a chunk that is missing: all are the fill value, bit by bit. Where there is none,
/// readers differ in what they give; those of compounds, texts and other types, in how they read it.
pub(super) fn is_left_out(metadata: &ArrayMetadata, elements: &Decoded) -> bool {
    let is_plain = |kind| matches!(kind, Kind::Boolean | Kind::Signed | Kind::Unsigned | Kind::Float);
    let is_plain = metadata.dtype.scalar().is_some_and(|scalar| is_plain(scalar.kind));
    let Decoded::Bytes(bytes) = elements else { return false };
    if !is_plain || metadata.fill_value.is_none() {
        return false;
    }
    let element = fill_element(metadata);
    bytes.chunks_exact(element.len().max(1)).all(|one| one == element)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::decode;
    use crate::zarr::FillValue;

    fn array(dtype: &str, fill_value: Option<FillValue>, compressor: Compressor, shuffled: bool) -> ArrayMetadata {
        let dtype = Dtype::Simple(dtype.to_owned());
        let filters = filters(&dtype, shuffled);
        ArrayMetadata {
            compressor: compressor.codec(),
            ..ArrayMetadata::new(vec![4], vec![4], dtype, fill_value, filters)
        }
    }

    #[test]
    fn what_is_encoded_decodes() {
        let mut compressors = vec![Compressor::None, Compressor::Zlib(0), Compressor::Zlib(1), Compressor::Zlib(9)];
        compressors.extend(cfg!(feature = "zstd").then_some(Compressor::Zstd));
        for compressor in compressors {
            for (dtype, shuffled) in [("<f4", true), ("|u1", true), ("<f8", false), ("|S3", true)] {
                let metadata = array(dtype, None, compressor, shuffled);
                let bytes: Vec<u8> = (0..metadata.chunk_bytes().unwrap()).map(|n| u8::try_from(n).unwrap()).collect();
                let encoded = encode(&metadata, Decoded::Bytes(bytes.clone())).unwrap();
                assert_eq!(decode(&metadata, &encoded, 0), Ok(Decoded::Bytes(bytes)), "{metadata:?}");
            }
            let metadata = array("|O", None, compressor, true);
            let texts = Decoded::Texts(["a", "", "é\0", "b"].map(str::to_owned).into());
            let encoded = encode(&metadata, texts.clone()).unwrap();
            assert_eq!(decode(&metadata, &encoded, 1000), Ok(texts), "{metadata:?}");
        }
    }

    #[test]
    fn a_chunk_is_left_out_where_readers_give_the_same_bits() {
        let left_out = |dtype: &str, fill_value, bytes: &[u8]| {
            is_left_out(&array(dtype, fill_value, Compressor::None, false), &Decoded::Bytes(bytes.to_vec()))
        };
        let nan = f32::NAN.to_le_bytes().repeat(4);
        assert!(left_out("<f4", Some(FillValue::Float(f64::NAN)), &nan));
        let mut other_nan = nan.clone();
        other_nan[0] = 1;
        assert!(!left_out("<f4", Some(FillValue::Float(f64::NAN)), &other_nan));
        assert!(left_out("<i2", Some(FillValue::Signed(-1)), &[0xff; 8]));
        assert!(!left_out("<i2", None, &[0; 8]));
        assert!(!left_out("<f4", Some(FillValue::Float(0.0)), &(-0.0_f32).to_le_bytes().repeat(4)));
        assert!(!left_out("|S2", Some(FillValue::Bytes(vec![0, 0])), &[0; 8]));
        let texts = Decoded::Texts(vec![String::new(); 4]);
        assert!(!is_left_out(&array("|O", Some(FillValue::Text(String::new())), Compressor::None, false), &texts));
    }
}
