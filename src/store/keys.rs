//! The keys of a store, listed.

use super::Store;
use crate::reference::key::{chunk_name, joined};
use crate::reference::{Array, Node};
use crate::source::Sources;

impl<S: Sources> Store<S> {
    /// Every key, those of a node together: its documents, then its chunks in ascending order.
    pub fn keys(&self) -> impl Iterator<Item = String> {
        self.set.nodes.iter().flat_map(|(path, node)| {
            let (document, array) = match node {
                Node::Group(_) => (".zgroup", None),
                Node::Array(array) => (".zarray", Some(&**array)),
            };
            let chunks = array.into_iter().flat_map(chunk_names);
            let names = [document.to_owned(), ".zattrs".to_owned()].into_iter().chain(chunks);
            names.map(move |name| joined(path, &name))
        })
    }

    /// What lies directly under a path: names of keys, and of paths that go on.
    pub fn children(&self, path: &str) -> (Vec<String>, Vec<String>) {
        let (mut keys, mut paths) = (Vec::new(), Vec::new());
        match self.node(path) {
            Some((_, Node::Group(_))) => keys.extend([".zgroup".to_owned(), ".zattrs".to_owned()]),
            Some((_, Node::Array(array))) => {
                keys.extend([".zarray".to_owned(), ".zattrs".to_owned()]);
                keys.extend(chunk_names(array));
            }
            None => {}
        }
        for (node, _) in &self.set.nodes {
            let below = if path.is_empty() {
                Some(node.as_str())
            } else {
                node.strip_prefix(path).and_then(|rest| rest.strip_prefix('/'))
            };
            if let Some(name) = below.and_then(|rest| rest.split('/').next()).filter(|name| !name.is_empty()) {
                paths.push(name.to_owned());
            }
        }
        paths.sort_unstable();
        paths.dedup();
        (keys, paths)
    }
}

/// The names of an array's chunks, in ascending order.
fn chunk_names(array: &Array) -> impl Iterator<Item = String> {
    let mut numbers: Vec<u64> = array.chunks.number.iter().chain(array.chunks.inline.keys()).copied().collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| chunk_name(number, &array.chunks.grid))
}
