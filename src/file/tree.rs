//! What a file holds: every object under every path, and the links that lead nowhere in it.

use std::sync::Arc;

use super::attribute::Attribute;
use super::chunks::ChunkTable;
use super::dataset::{Dataset, Storage};
use crate::error::Error;
use crate::structure::message::datatype::Datatype;

/// The objects of a file, each group before its members, and links that are not objects.
#[derive(Debug)]
#[non_exhaustive]
pub struct Tree {
    /// Objects under every path that hard links give them; the first is the root group, `/`.
    pub objects: Vec<Object>,
    /// Links that are no hard links to an object, in the same order.
    pub links: Vec<Link>,
    /// The dimensions that the format itself has: those of netCDF-3. HDF5 has none, only what netCDF-4 makes of dimension scales.
    pub dimensions: Vec<Dimension>,
}

/// A dimension that the format itself has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// Its name.
    pub name: String,
    /// How many elements it has.
    pub length: u64,
    /// Whether it grows: the record dimension.
    pub unlimited: bool,
}

/// An object under one of its paths.
#[derive(Debug, Clone)]
pub struct Object {
    /// Absolute path.
    pub path: String,
    /// Address of the object header, the same for every path of an object.
    pub address: u64,
    /// What it is.
    pub node: Arc<Node>,
}

/// What an object is, shared by all its paths.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its kind and contents, or why it cannot be read.
    pub content: Result<Content, Error>,
    /// Its attributes, or why they cannot be read.
    pub attributes: Result<Vec<Attribute>, Error>,
}

/// The kinds of object.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Content {
    /// A group; its members are objects of their own.
    Group,
    /// A dataset.
    Dataset(Box<Dataset>),
    /// A committed datatype.
    Datatype(Datatype),
}

/// A link that is not an object of this file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Absolute path of the link itself.
    pub path: String,
    /// Where it leads.
    pub kind: LinkKind,
}

/// Where a link leads that is not an object of this file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkKind {
    /// To a path of this file.
    Soft {
        /// The path as it is stored.
        target: String,
        /// The path of the object it leads to, if it leads to one.
        object: Option<String>,
    },
    /// To an object of another file.
    External {
        /// The other file's name.
        file: String,
        /// The path in it.
        path: String,
    },
    /// To what an application knows.
    UserDefined(u8),
    /// To a group that the link lies in.
    Loop {
        /// The group's path.
        group: String,
    },
    /// To an object whose name cannot be part of a path.
    Unnameable(&'static str),
}

impl Object {
    /// The dataset, if the object is one that can be read.
    pub fn dataset(&self) -> Option<&Dataset> {
        match &self.node.content {
            Ok(Content::Dataset(dataset)) => Some(dataset),
            _ => None,
        }
    }

    /// Gives a dataset another extent than the one that is stored.
    pub(crate) fn set_extent(&mut self, extent: Vec<u64>) {
        if let Ok(Content::Dataset(dataset)) = &mut Arc::make_mut(&mut self.node).content {
            dataset.dataspace.dimensions = extent;
        }
    }

    /// Takes the chunk table out of a dataset that has it and no further path; else a share of it.
    pub(crate) fn take_chunks(&mut self) -> Option<Result<Arc<ChunkTable>, Error>> {
        if let Some(Node { content: Ok(Content::Dataset(dataset)), .. }) = Arc::get_mut(&mut self.node) {
            return dataset.storage.chunks_mut().and_then(Option::take);
        }
        match &self.dataset()?.storage {
            Storage::Chunked { chunks, .. } => chunks.clone(),
            _ => None,
        }
    }

    /// The attributes, as far as they can be read.
    pub fn attributes(&self) -> &[Attribute] {
        self.node.attributes.as_deref().unwrap_or_default()
    }

    /// An attribute by name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes().iter().find(|attribute| attribute.name == name)
    }
}

impl Tree {
    /// The object at an absolute path, soft links followed.
    pub fn find(&self, path: &str) -> Option<&Object> {
        let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
        let direct = |path: &str| self.objects.iter().find(|object| object.path == path);
        direct(path).or_else(|| {
            let link = self.links.iter().find(|link| link.path == path)?;
            let LinkKind::Soft { object: Some(object), .. } = &link.kind else { return None };
            direct(object)
        })
    }
}
