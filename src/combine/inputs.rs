//! The sets that are to be combined: columns of their chunks, and documents that are held once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::columns::Columns;
use crate::error::Error;
use crate::reference::key::split;
use crate::reference::{Manifest, Node, Recorded, ReferenceSet, UrlId, UrlTable};
use crate::zarr::{ArrayMetadata, Attributes};

/// Documents of one path that are kept to be compared with those of the next set.
const KEPT: usize = 4;

/// The sets, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) sets: Vec<Input>,
    pub(super) paths: Vec<String>,
    places: HashMap<String, usize>,
    documents: Vec<Vec<Arc<Documents>>>,
    /// The chunks of all sets by the number of their path.
    columns: Vec<Columns>,
    pub(super) urls: UrlTable,
    pub(super) recorded: BTreeMap<String, Recorded>,
    /// URLs whose files two sets have recorded differently, and the second of them.
    pub(super) changed: Vec<(String, String)>,
}

/// One set.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: String,
    /// Its position among all that were given.
    pub(super) index: usize,
    /// Whether it was combined before: its dimensions have their coordinates with them, wherever others have theirs from.
    pub(super) is_combined: bool,
    /// Coordinates that closures chose, by dimension.
    pub(super) chosen: BTreeMap<String, Vec<serde_json::Value>>,
    /// Its groups and arrays, ordered by the number of their path.
    pub(super) members: Vec<Member>,
}

/// A group or an array of a set.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) path: usize,
    pub(super) documents: Arc<Documents>,
    /// Number of chunks in each dimension.
    pub(super) grid: Vec<u64>,
    /// The rows of its chunks among those of all sets.
    pub(super) rows: Range<usize>,
    /// Chunks that are held here.
    pub(super) inline: BTreeMap<u64, Bytes>,
}

/// The documents of a group or an array.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Documents {
    Group(Attributes),
    Array(Box<ArrayMetadata>, Attributes),
}

impl Documents {
    pub(super) fn attributes(&self) -> &Attributes {
        match self {
            Self::Group(attributes) | Self::Array(_, attributes) => attributes,
        }
    }
}

impl Member {
    /// The metadata and the attributes, if it is an array.
    pub(super) fn array(&self) -> Option<(&ArrayMetadata, &Attributes)> {
        match &*self.documents {
            Documents::Array(metadata, attributes) => Some((metadata, attributes)),
            Documents::Group(_) => None,
        }
    }
}

impl Input {
    /// What it has under a path.
    pub(super) fn member(&self, path: usize) -> Option<&Member> {
        let at = self.members.binary_search_by_key(&path, |member| member.path).ok()?;
        self.members.get(at)
    }

    /// The same, to be changed.
    pub(super) fn member_mut(&mut self, path: usize) -> Option<&mut Member> {
        let at = self.members.binary_search_by_key(&path, |member| member.path).ok()?;
        self.members.get_mut(at)
    }
}

impl Inputs {
    /// Adds a set. Documents that an earlier one has too are held once.
    pub(super) fn add(&mut self, name: String, index: usize, set: ReferenceSet) -> Result<(), Error> {
        let ids: Result<Vec<UrlId>, Error> = set.urls.iter().map(|url| self.urls.id(url)).collect();
        let ids = ids?;
        for (url, state) in set.recorded {
            match self.recorded.get(&url) {
                Some(known) if *known != state => self.changed.push((url, name.clone())),
                Some(_) => {}
                None => drop(self.recorded.insert(url, state)),
            }
        }
        let mut members = Vec::with_capacity(set.nodes.len());
        for (path, node) in set.nodes {
            let (documents, chunks) = match node {
                Node::Group(attributes) => (Documents::Group(attributes), Manifest::default()),
                Node::Array(array) => (Documents::Array(Box::new(array.metadata), array.attributes), array.chunks),
            };
            let path = self.path(path);
            let documents = self.shared(path, documents);
            let of = |old: UrlId| ids.get(crate::convert::narrow(old.0.into())).copied().unwrap_or_default();
            let rows = self.columns.get_mut(path).map(|columns| columns.add(&chunks, of)).unwrap_or_default();
            members.push(Member { path, documents, grid: chunks.grid, rows, inline: chunks.inline });
        }
        members.sort_by_key(|member| member.path);
        self.sets.push(Input { name, index, is_combined: false, chosen: BTreeMap::new(), members });
        Ok(())
    }

    /// The lengths of a set's dimensions, by the group of the arrays that have them and by name: each group can have its own of a name.
    pub(super) fn sizes<'a>(&'a self, set: &'a Input) -> BTreeMap<(&'a str, &'a str), u64> {
        let mut sizes = BTreeMap::new();
        for member in &set.members {
            let Some((path, (metadata, attributes))) = self.paths.get(member.path).zip(member.array()) else {
                continue;
            };
            let lengths = attributes.dimensions().zip(metadata.shape.iter().copied());
            sizes.extend(lengths.map(|(name, length)| ((split(path).0, name), length)));
        }
        sizes
    }

    /// The length of a set's dimension: of several groups that have one of the name, in the one that is nearest to the root.
    pub(super) fn size(&self, set: &Input, name: &str) -> Option<u64> {
        let sizes = self.sizes(set);
        let of_name = sizes.iter().filter(|((_, known), _)| *known == name);
        of_name.min_by_key(|((group, _), _)| group.split_terminator('/').count()).map(|(_, length)| *length)
    }

    /// The documents of all sets with the number of their path, those that sets share once.
    pub(super) fn different_documents(&self) -> impl Iterator<Item = (usize, &Documents)> {
        let mut seen: HashSet<*const Documents> = HashSet::new();
        let members = self.sets.iter().flat_map(|input| &input.members);
        members
            .filter(move |member| seen.insert(Arc::as_ptr(&member.documents)))
            .map(|member| (member.path, &*member.documents))
    }

    /// The number of a path, if any set has it.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.places.get(path).copied()
    }

    /// The chunks of all sets under a path.
    pub(super) fn columns(&self, path: usize) -> Option<&Columns> {
        self.columns.get(path)
    }

    /// The same, which are not here any more.
    pub(super) fn take_columns(&mut self, path: usize) -> Columns {
        self.columns.get_mut(path).map(std::mem::take).unwrap_or_default()
    }

    /// The bytes that the chunks of one set under a path have in files, as far as references tell them.
    pub(super) fn stored_bytes(&self, set: usize, path: usize) -> u64 {
        let rows = self.sets.get(set).and_then(|input| input.member(path)).map(|member| member.rows.clone());
        let lengths = rows.zip(self.columns(path)).and_then(|(rows, columns)| columns.length.get(rows));
        let told = lengths.unwrap_or_default().iter().filter(|length| **length != Manifest::WHOLE);
        told.fold(0, |sum, length| sum.saturating_add(*length))
    }

    /// The chunks of one set under a path.
    pub(super) fn manifest(&self, set: usize, path: usize) -> Option<Manifest> {
        let Member { grid, rows, inline, .. } = self.sets.get(set)?.member(path)?;
        Some(self.columns(path)?.manifest(rows.clone(), grid.clone(), inline.clone()))
    }

    fn path(&mut self, path: String) -> usize {
        if let Some(number) = self.places.get(&path) {
            return *number;
        }
        let number = self.paths.len();
        self.paths.push(path.clone());
        self.places.insert(path, number);
        self.documents.push(Vec::new());
        self.columns.push(Columns::default());
        number
    }

    fn shared(&mut self, path: usize, documents: Documents) -> Arc<Documents> {
        let Some(known) = self.documents.get_mut(path) else { return Arc::new(documents) };
        if let Some(same) = known.iter().find(|known| ***known == documents) {
            return Arc::clone(same);
        }
        let documents = Arc::new(documents);
        if known.len() == KEPT {
            known.remove(0);
        }
        known.push(Arc::clone(&documents));
        documents
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Array;
    use crate::zarr::Dtype;

    fn set(url: &str, units: &str) -> ReferenceSet {
        let mut attributes = Attributes::with_dimensions(&["x".to_owned()]);
        attributes.insert("units", units);
        let metadata = ArrayMetadata::new(vec![1], vec![1], Dtype::Simple("|u1".to_owned()), None, Vec::new());
        let chunks =
            Manifest { grid: vec![1], number: vec![0], offset: vec![5], length: vec![1], ..Manifest::default() };
        let array = Node::Array(Box::new(Array { metadata, attributes, chunks }));
        let nodes = vec![(String::new(), Node::Group(Attributes::default())), ("x".to_owned(), array)];
        ReferenceSet { urls: vec![url.to_owned()], nodes, ..ReferenceSet::default() }
    }

    #[test]
    fn equal_documents_are_held_once_and_files_are_numbered_anew() {
        let mut inputs = Inputs::default();
        for (n, (url, units)) in [("a", "m"), ("b", "m"), ("a", "km")].into_iter().enumerate() {
            inputs.add(format!("s{n}"), n, set(url, units)).unwrap();
        }
        let path = inputs.find("x").unwrap();
        let members: Vec<&Member> = inputs.sets.iter().map(|set| set.member(path).unwrap()).collect();
        assert!(Arc::ptr_eq(&members[0].documents, &members[1].documents));
        assert_ne!(members[0].documents, members[2].documents);
        assert_eq!([inputs.urls.url(UrlId(0)), inputs.urls.url(UrlId(2))], [Some("a"), None]);
        let url = |set| inputs.manifest(set, path).unwrap().url(0).0;
        assert_eq!([url(0), url(1), url(2)], [0, 1, 0]);
        assert_eq!(inputs.sizes(&inputs.sets[0]), BTreeMap::from([(("", "x"), 1)]));
    }
}
