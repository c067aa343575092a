//! What HDF5 filters do to the bytes of a chunk, one file per filter; knows no structure.

mod bits;
pub(crate) mod blosc;
pub(crate) mod deflate;
pub(crate) mod fletcher32;
pub(crate) mod lzf;
pub(crate) mod nbit;
pub(crate) mod scaleoffset;
pub(crate) mod shuffle;
pub(crate) mod szip;
pub(crate) mod zstd;
