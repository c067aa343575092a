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
#[cfg(feature = "fcidecomp")]
pub(crate) mod fcidecomp;
pub(crate) mod fletcher32;
#[cfg(feature = "fcidecomp")]
mod jpegls;
pub(crate) mod lzf;
pub(crate) mod nbit;
pub(crate) mod refusal;
pub(crate) mod scaleoffset;
pub(crate) mod shuffle;
#[cfg(feature = "snappy")]
pub(crate) mod snappy;
#[cfg(feature = "sperr")]
pub(crate) mod sperr;
#[cfg(feature = "sz3")]
pub(crate) mod sz3;
pub(crate) mod szip;
#[cfg(feature = "lz4")]
mod framed;
#[cfg(feature = "lz4")]
pub(crate) mod lz4;
#[cfg(feature = "blosc")]
pub(crate) mod unblosc;
#[cfg(feature = "blosc")]
pub(crate) mod unblosc2;
pub(crate) mod zstd;
#[cfg(feature = "zfp")]
pub(crate) mod zfp;
