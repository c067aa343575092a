//! A set of references: groups and arrays under their paths.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Manifest, Recorded};
use crate::zarr::{ArrayMetadata, Attributes};

/// Groups and arrays whose chunks lie in other files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReferenceSet {
    /// The files that are referenced, each once; a [`UrlId`] is a position here.
    pub urls: Vec<String>,
    /// The nodes by path, each group before its members; the root group's path is empty.
    pub nodes: Vec<(String, Node)>,
    /// What files were when the references were made, by their URLs, as far as it is known.
    pub recorded: BTreeMap<String, Recorded>,
}

/// A file of a [`ReferenceSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UrlId(pub u32);

/// A group or an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A group.
    Group(Attributes),
    /// An array.
    Array(Box<Array>),
}

/// An array and its chunks.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// `.zarray`.
    pub metadata: ArrayMetadata,
    /// `.zattrs`.
    pub attributes: Attributes,
    /// Where the chunks lie.
    pub chunks: Manifest,
}

/// What a key of the store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The bytes themselves.
    Inline(Bytes),
    /// A whole file.
    Whole {
        /// The file.
        url: UrlId,
    },
    /// A part of a file.
    Range {
        /// The file.
        url: UrlId,
        /// Offset of the first byte.
        offset: u64,
        /// Number of bytes.
        length: u64,
    },
}

impl ReferenceSet {
    /// The node at a path, without leading slash; the root's is empty.
    pub fn node(&self, path: &str) -> Option<&Node> {
        self.nodes.iter().find(|(known, _)| known == path).map(|(_, node)| node)
    }

    /// The arrays and their paths.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.nodes.iter().filter_map(|(path, node)| match node {
            Node::Array(array) => Some((path.as_str(), &**array)),
            Node::Group(_) => None,
        })
    }

    /// The file of an id.
    pub fn url(&self, id: UrlId) -> &str {
        usize::try_from(id.0).ok().and_then(|at| self.urls.get(at)).map_or("", String::as_str)
    }
}
