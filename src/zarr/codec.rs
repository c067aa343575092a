//! Codecs, by the names that numcodecs gives them.

use serde::Serialize;

/// One step of a chunk's encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "id", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Codec {
    /// A zlib stream.
    Zlib {
        /// Level of compression, 0 to 9.
        level: u32,
    },
    /// Bytes of one significance together.
    Shuffle {
        /// Bytes of an element.
        elementsize: u32,
    },
    /// A checksum after the bytes.
    Fletcher32,
    /// A Blosc frame, which says itself how it is decoded.
    Blosc {
        /// The compressor inside.
        cname: &'static str,
        /// Level of compression, 0 to 9.
        clevel: u32,
        /// 0 none, 1 bytes, 2 bits.
        shuffle: u32,
        /// Bytes of a block; 0 leaves it to Blosc.
        blocksize: u32,
    },
    /// A Zstandard frame.
    Zstd {
        /// Level of compression; negative ones are fast.
        level: i32,
    },
    /// A bzip2 stream.
    Bz2 {
        /// Level of compression, 1 to 9.
        level: u32,
    },
    /// Texts, each with its length before it.
    #[serde(rename = "vlen-utf8")]
    VlenUtf8,
}
