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
