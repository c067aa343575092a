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
    /// Texts, each with its length before it.
    #[serde(rename = "vlen-utf8")]
    VlenUtf8,
}
