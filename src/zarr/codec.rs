//! Codecs, by the names that numcodecs gives them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Invalid;

/// One step of a chunk's encoding. What a document leaves out has numcodecs' default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "id", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Codec {
    /// A zlib stream.
    Zlib {
        /// Level of compression, -1 to 9.
        #[serde(default = "one")]
        level: i32,
    },
    /// A gzip stream.
    Gzip {
        /// Level of compression, -1 to 9.
        #[serde(default = "one")]
        level: i32,
    },
    /// Bytes of one significance together.
    Shuffle {
        /// Bytes of an element.
        #[serde(default = "four")]
        elementsize: u32,
    },
    /// A checksum after the bytes.
    Fletcher32,
    /// A Blosc frame, which says itself how it is decoded.
    Blosc {
        /// The compressor inside.
        #[serde(default = "lz4")]
        cname: Cow<'static, str>,
        /// Level of compression, 0 to 9.
        #[serde(default = "five")]
        clevel: u32,
        /// -1 by the size of an element, 0 none, 1 bytes, 2 bits.
        #[serde(default = "one")]
        shuffle: i32,
        /// Bytes of a block; 0 leaves it to Blosc.
        #[serde(default)]
        blocksize: u32,
    },
    /// A Zstandard frame.
    Zstd {
        /// Level of compression; negative ones are fast.
        #[serde(default)]
        level: i32,
    },
    /// A bzip2 stream.
    Bz2 {
        /// Level of compression, 1 to 9.
        #[serde(default = "one")]
        level: i32,
    },
    /// An LZF stream without header, by imagecodecs.
    #[serde(rename = "imagecodecs_lzf")]
    ImagecodecsLzf {
        /// Whether a header says how long the bytes are; HDF5 has none.
        header: bool,
    },
    /// The blocks of HDF5's filter LZ4, by imagecodecs.
    #[serde(rename = "imagecodecs_lz4h5")]
    ImagecodecsLz4h5,
    /// A chunk of HDF5's filter szip, by imagecodecs: the filter's four parameters.
    #[serde(rename = "imagecodecs_szip")]
    ImagecodecsSzip {
        /// Bits that choose a coding.
        options_mask: u32,
        /// Pixels of a block.
        pixels_per_block: u32,
        /// Bits of a pixel.
        bits_per_pixel: u32,
        /// Pixels of a scanline.
        pixels_per_scanline: u32,
    },
    /// Bits of one significance together, by imagecodecs.
    #[serde(rename = "imagecodecs_bitshuffle")]
    ImagecodecsBitshuffle {
        /// Bytes of an element.
        itemsize: u32,
    },
    /// Texts, each with its length before it.
    #[serde(rename = "vlen-utf8")]
    VlenUtf8,
    /// Any other, with its parameters, as its document has it.
    #[serde(untagged)]
    Other(Map<String, Value>),
}

fn one() -> i32 {
    1
}

fn four() -> u32 {
    4
}

fn five() -> u32 {
    5
}

fn lz4() -> Cow<'static, str> {
    Cow::Borrowed("lz4")
}

impl Codec {
    /// A codec of a document. One whose name is known must have parameters that it can have.
    pub(super) fn parse(document: Value) -> Result<Self, Invalid> {
        let id = document.get("id").and_then(Value::as_str).map(str::to_owned);
        let id = id.ok_or_else(|| Invalid::new(format!("a codec without an id: {}", short(&document))))?;
        let told = short(&document);
        match serde_json::from_value(document) {
            Ok(Self::Other(_)) if KNOWN.contains(&id.as_str()) => {
                Err(Invalid::new(format!("parameters of a codec: {told}")))
            }
            Ok(codec) => Ok(codec),
            Err(_) => Err(Invalid::new(format!("a codec that is no object: {told}"))),
        }
    }

    /// The name by which readers know it.
    pub fn id(&self) -> &str {
        match self {
            Self::Zlib { .. } => "zlib",
            Self::Gzip { .. } => "gzip",
            Self::Shuffle { .. } => "shuffle",
            Self::Fletcher32 => "fletcher32",
            Self::Blosc { .. } => "blosc",
            Self::Zstd { .. } => "zstd",
            Self::Bz2 { .. } => "bz2",
            Self::ImagecodecsLzf { .. } => "imagecodecs_lzf",
            Self::ImagecodecsLz4h5 => "imagecodecs_lz4h5",
            Self::ImagecodecsSzip { .. } => "imagecodecs_szip",
            Self::ImagecodecsBitshuffle { .. } => "imagecodecs_bitshuffle",
            Self::VlenUtf8 => "vlen-utf8",
            Self::Other(document) => document.get("id").and_then(Value::as_str).unwrap_or_default(),
        }
    }
}

/// Those that have a variant of their own.
const KNOWN: [&str; 12] = [
    "zlib",
    "gzip",
    "shuffle",
    "fletcher32",
    "blosc",
    "zstd",
    "bz2",
    "imagecodecs_lzf",
    "imagecodecs_lz4h5",
    "imagecodecs_szip",
    "imagecodecs_bitshuffle",
    "vlen-utf8",
];

/// A value as a message shows it.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

impl Codec {
    /// Whether imagecodecs has the codec, and numcodecs not.
    pub fn is_of_imagecodecs(&self) -> bool {
        matches!(
            self,
            Self::ImagecodecsLzf { .. }
                | Self::ImagecodecsLz4h5
                | Self::ImagecodecsSzip { .. }
                | Self::ImagecodecsBitshuffle { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_document_leaves_out_is_numcodecs_default() {
        let of = |document| Codec::parse(document).unwrap();
        assert_eq!(of(json!({"id": "zlib"})), Codec::Zlib { level: 1 });
        assert_eq!(of(json!({"id": "shuffle"})), Codec::Shuffle { elementsize: 4 });
        let blosc = Codec::Blosc { cname: "lz4".into(), clevel: 5, shuffle: 1, blocksize: 0 };
        assert_eq!(of(json!({"id": "blosc"})), blosc);
        assert_eq!(of(json!({"id": "vlen-utf8"})), Codec::VlenUtf8);
    }

    #[test]
    fn a_codec_that_is_not_known_keeps_its_document() {
        let document = json!({"id": "delta", "dtype": "<i4"});
        let codec = Codec::parse(document.clone()).unwrap();
        assert_eq!((codec.id(), serde_json::to_value(&codec).unwrap()), ("delta", document));
    }

    #[test]
    fn no_codec_is_taken_for_another() {
        for document in [json!([1]), json!({"level": 1}), json!({"id": 5}), json!({"id": "zlib", "level": "x"})] {
            assert!(Codec::parse(document.clone()).is_err(), "{document}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let blosc = Codec::Blosc { cname: "zstd".into(), clevel: 7, shuffle: 2, blocksize: 0 };
        let known = [
            Codec::Zlib { level: 4 },
            Codec::Gzip { level: 9 },
            Codec::Shuffle { elementsize: 8 },
            Codec::Fletcher32,
            blosc,
            Codec::Zstd { level: -1 },
            Codec::Bz2 { level: 9 },
            Codec::ImagecodecsLzf { header: false },
            Codec::ImagecodecsLz4h5,
            Codec::ImagecodecsSzip {
                options_mask: 141,
                pixels_per_block: 16,
                bits_per_pixel: 32,
                pixels_per_scanline: 128,
            },
            Codec::ImagecodecsBitshuffle { itemsize: 1 },
            Codec::VlenUtf8,
        ];
        for codec in known {
            let document = serde_json::to_value(&codec).unwrap();
            assert_eq!(document["id"], codec.id());
            assert!(KNOWN.contains(&codec.id()));
            assert_eq!(Codec::parse(document).unwrap(), codec);
        }
    }
}
