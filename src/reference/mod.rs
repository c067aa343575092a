//! The reference model: which bytes of which file are a chunk. Knows no HDF5.

pub(crate) mod grid;
mod manifest;
mod set;

pub use manifest::{Manifest, Urls};
pub use set::{Array, Node, Reference, ReferenceSet, UrlId};
