//! An array of a combined set, before its chunks are taken out of the sets.

use super::layout::AxisMap;
use crate::reference::Manifest;
use crate::zarr::{ArrayMetadata, Attributes};

/// An array of the combined set.
#[derive(Debug)]
pub(super) struct Combined {
    pub(super) metadata: ArrayMetadata,
    pub(super) attributes: Attributes,
    pub(super) chunks: Chunks,
}

/// Where the chunks of a combined array come from.
#[derive(Debug)]
pub(super) enum Chunks {
    /// One set has them.
    Of(usize),
    /// They are inline.
    Held(Manifest),
    /// Each set's have their places.
    Parts(Vec<Part>),
}

/// The chunks of one set.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) set: usize,
    /// For each dimension of the combined array.
    pub(super) maps: Vec<AxisMap>,
    /// Bytes of a tile, where chunks are cut.
    pub(super) tile_bytes: u64,
    /// Bytes of a chunk that is cut.
    pub(super) cut_from: Option<u64>,
}
