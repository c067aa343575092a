//! What HDF5 filters do to the bytes of a chunk, one file per filter; knows no structure.

pub(crate) mod blosc;
pub(crate) mod deflate;
pub(crate) mod fletcher32;
pub(crate) mod shuffle;
pub(crate) mod zstd;
