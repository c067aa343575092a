//! What HDF5 filters do to the bytes of a chunk, one file per filter; knows no structure.

mod bits;
#[cfg(feature = "bitshuffle")]
pub(crate) mod bitshuffle;
pub(crate) mod blosc;
#[cfg(feature = "blosc")]
mod blosclz;
#[cfg(feature = "bzip2")]
pub(crate) mod bzip2;
pub(crate) mod deflate;
pub(crate) mod fletcher32;
pub(crate) mod lzf;
pub(crate) mod nbit;
pub(crate) mod scaleoffset;
pub(crate) mod shuffle;
#[cfg(feature = "snappy")]
pub(crate) mod snappy;
#[cfg(feature = "sz3")]
pub(crate) mod sz3;
pub(crate) mod szip;
#[cfg(feature = "lz4")]
mod framed;
#[cfg(feature = "lz4")]
pub(crate) mod lz4;
#[cfg(feature = "blosc")]
pub(crate) mod unblosc;
pub(crate) mod zstd;
