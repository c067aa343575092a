//! The compressions of pages (`Compression.md` of Apache Parquet).

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::error::Wrong;
use super::page::PAGE;
use crate::error::Problem;

/// How the pages of a column are compressed (`CompressionCodec`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Uncompressed,
    Snappy,
    Gzip,
    Zstd,
}

/// The number of [`Codec::Gzip`].
pub(crate) const GZIP: i32 = 2;

impl Codec {
    pub(crate) fn of(number: i64) -> Result<Self, Wrong> {
        match number {
            0 => Ok(Self::Uncompressed),
            1 => Ok(Self::Snappy),
            2 => Ok(Self::Gzip),
            6 => Ok(Self::Zstd),
            3 => Err(Wrong::feature("Parquet compressed with LZO")),
            4 => Err(Wrong::feature("Parquet compressed with Brotli")),
            5 | 7 => Err(Wrong::feature("Parquet compressed with LZ4")),
            other => Err(Wrong::value("column metadata", "codec", other)),
        }
    }

    /// The `size` bytes that a page had before, if it says so.
    pub(crate) fn decode(self, page: &Bytes, size: u64) -> Result<Bytes, Wrong> {
        let decoded = match self {
            Self::Uncompressed => page.clone(),
            Self::Gzip => gunzip(page, size)?.into(),
            Self::Snappy => snappy(page, size)?.into(),
            Self::Zstd => zstd(page, size)?.into(),
        };
        if u64::try_from(decoded.len()) == Ok(size) { Ok(decoded) } else { Err(undecoded()) }
    }
}

fn undecoded() -> Wrong {
    Wrong::new(PAGE, Problem::Decode("compressed page"))
}

fn gunzip(page: &[u8], size: u64) -> Result<Vec<u8>, Wrong> {
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(page).take(size.saturating_add(1)).read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|_| undecoded())
}

#[cfg(feature = "snappy")]
fn snappy(page: &[u8], size: u64) -> Result<Vec<u8>, Wrong> {
    crate::codec::snappy::decode(page, size).ok_or_else(undecoded)
}

#[cfg(not(feature = "snappy"))]
fn snappy(_page: &[u8], _size: u64) -> Result<Vec<u8>, Wrong> {
    Err(crate::error::Unsupported::Compression { name: "Snappy", feature: "snappy" }.into())
}

#[cfg(feature = "zstd")]
fn zstd(page: &[u8], size: u64) -> Result<Vec<u8>, Wrong> {
    crate::codec::zstd::decode(page, size).map_err(|_| undecoded())
}

#[cfg(not(feature = "zstd"))]
fn zstd(_page: &[u8], _size: u64) -> Result<Vec<u8>, Wrong> {
    Err(crate::error::Unsupported::Compression { name: "Zstandard", feature: "zstd" }.into())
}

/// A gzip stream, without a name or a time.
pub(crate) fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_size_that_it_says() {
        let page = Bytes::from(gzip(b"references").unwrap());
        assert_eq!(Codec::Gzip.decode(&page, 10).unwrap(), "references");
        for size in [0, 9, 11] {
            assert_eq!(
                Codec::Gzip.decode(&page, size).unwrap_err().to_string(),
                "page: compressed page does not decode",
                "{size} bytes"
            );
        }
        assert_eq!(Codec::Uncompressed.decode(&Bytes::from_static(b"ab"), 2).unwrap(), "ab");
        assert!(Codec::Uncompressed.decode(&Bytes::from_static(b"ab"), 3).is_err());
    }

    #[test]
    fn a_bomb_stops_at_the_size_that_it_says() {
        let bomb = Bytes::from(gzip(&vec![0; 1 << 20]).unwrap());
        assert!(Codec::Gzip.decode(&bomb, 1000).is_err());
    }

    #[cfg(feature = "snappy")]
    #[test]
    fn snappy_decodes() {
        let page = Bytes::from_static(&[8, 0, 7, 3 << 2 | 1, 1]); // 8 bytes: a literal, and 4 + 3 from one back
        assert_eq!(Codec::Snappy.decode(&page, 8).unwrap(), vec![7; 8]);
        assert!(Codec::Snappy.decode(&page, 7).is_err());
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn zstandard_decodes() {
        let page = Bytes::from(crate::codec::zstd::encode(b"references"));
        assert_eq!(Codec::Zstd.decode(&page, 10).unwrap(), "references");
        assert!(Codec::Zstd.decode(&page, 9).is_err());
    }

    #[cfg(not(feature = "zstd"))]
    #[test]
    fn without_its_feature_a_compression_is_refused_by_name() {
        assert_eq!(
            Codec::Zstd.decode(&Bytes::new(), 0).unwrap_err().to_string(),
            "Parquet compressed with Zstandard is read only where h5refs is built with the feature \"zstd\""
        );
    }

    #[test]
    fn others_are_refused_by_name() {
        assert_eq!(Codec::of(4).unwrap_err().to_string(), "Parquet compressed with Brotli is not supported");
        assert_eq!(Codec::of(8).unwrap_err().to_string(), "column metadata: codec is 8");
        assert_eq!(Codec::of(-1).unwrap_err().to_string(), "column metadata: codec is -1");
    }
}
