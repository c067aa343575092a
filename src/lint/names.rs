//! What the rules ask of paths, dimensions and URLs.

use std::collections::{BTreeMap, BTreeSet};

use super::array::Dimensions;
use crate::reference::{Array, Node, ReferenceSet};

/// The group that a node lies in, without leading slash.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The groups that have a document.
pub(super) struct Groups<'a>(BTreeSet<&'a str>);

impl<'a> Groups<'a> {
    pub(super) fn of(set: &'a ReferenceSet) -> Self {
        let group = |(path, node): &'a (String, Node)| matches!(node, Node::Group(_)).then_some(path.as_str());
        Self(set.nodes.iter().filter_map(group).collect())
    }

    pub(super) fn has_root(&self) -> bool {
        self.0.contains("")
    }

    /// The first group above a node that has no document, the root first.
    pub(super) fn lacking<'b>(&self, path: &'b str) -> Option<&'b str> {
        let above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        std::iter::once("").chain(above).find(|group| !self.0.contains(group))
    }
}

/// The protocol of a URL; none for a path.
pub(super) fn protocol(url: &str) -> Option<&str> {
    url.split_once("://").map(|(protocol, _)| protocol)
}

/// Is this a path that depends on where its reader looks from?
pub(super) fn is_relative(url: &str) -> bool {
    protocol(url).is_none() && !url.starts_with('/')
}

/// A dimension's name that another array of the group, or the same, has with another length.
pub(super) struct Conflict<'a> {
    pub(super) name: &'a str,
    pub(super) length: u64,
    /// The length where the name came first.
    pub(super) first: u64,
}

/// The lengths of dimensions by group and name, as arrays go by.
#[derive(Default)]
pub(super) struct Lengths<'a>(BTreeMap<(&'a str, &'a str), u64>);

impl<'a> Lengths<'a> {
    /// Takes the next array; tells the first of its dimensions that has another length already.
    pub(super) fn conflict(&mut self, path: &'a str, array: &'a Array) -> Option<Conflict<'a>> {
        let Dimensions::Names(names) = Dimensions::of(array) else { return None };
        names.into_iter().zip(&array.metadata.shape).find_map(|(name, length)| {
            let first = *self.0.entry((parent(path), name)).or_insert(*length);
            (first != *length).then_some(Conflict { name, length: *length, first })
        })
    }
}
