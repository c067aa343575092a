//! The documents of a store.

use std::collections::BTreeSet;

use super::layout::Laid;
use super::{CopyOptions, Target};
use crate::batch::fingerprint;
use crate::error::Error;
use crate::reference::key::{joined, split};
use crate::reference::{Node, ReferenceSet};
use crate::zarr::GROUP;

/// Keys and texts, in the order in which they are written: a group after what is in it.
pub(super) struct Documents(Vec<(String, String)>);

/// The version of `.zmetadata`.
const FORMAT: u32 = 1;

impl Documents {
    /// Those of a set: groups as they are, and the arrays that are written.
    pub(super) fn of(set: &ReferenceSet, arrays: &[Laid<'_>], options: &CopyOptions) -> Result<Self, Error> {
        let invalid = |path: &str, error: &serde_json::Error| Error::Reference {
            key: path.to_owned(),
            problem: format!("its documents cannot be written: {error}"),
        };
        let mut documents = Vec::new();
        let mut groups = BTreeSet::new();
        for laid in arrays {
            let array = laid.metadata.to_json(options.nan).map_err(|error| invalid(laid.path, &error))?;
            let attributes = laid.source.attributes.to_json(options.nan).map_err(|error| invalid(laid.path, &error))?;
            documents.push((joined(laid.path, ".zattrs"), attributes));
            documents.push((joined(laid.path, ".zarray"), array));
            groups.extend(above(laid.path));
        }
        for (path, node) in &set.nodes {
            if let Node::Group(attributes) = node {
                let attributes = attributes.to_json(options.nan).map_err(|error| invalid(path, &error))?;
                documents.push((joined(path, ".zattrs"), attributes));
                groups.extend(above(path).chain([path.as_str()]));
            }
        }
        // An array at the root is all that there is.
        let is_array = arrays.iter().any(|laid| laid.path.is_empty());
        groups.extend((!is_array).then_some(""));
        documents.extend(groups.iter().rev().map(|path| (joined(path, ".zgroup"), GROUP.to_owned())));
        Ok(Self(documents))
    }

    /// What tells these documents of this source from others.
    pub(super) fn fingerprint(&self, source: &str) -> String {
        fingerprint(format!("{} {source} {:?}", env!("CARGO_PKG_VERSION"), self.0))
    }

    /// All in one, and how the store was made.
    fn consolidated(&self, source: &str) -> Result<String, Error> {
        let name = |text: &str| serde_json::to_string(text).map_err(|error| Error::Document(error.to_string()));
        let mut sorted: Vec<&(String, String)> = self.0.iter().collect();
        sorted.sort_unstable();
        let members: Result<Vec<String>, Error> =
            sorted.iter().map(|(key, text)| Ok(format!("{}:{text}", name(key)?))).collect();
        Ok(format!(
            "{{\"metadata\":{{{}}},\"zarr_consolidated_format\":{FORMAT},\"h5refs\":{{\"version\":{},\"copy\":{}}}}}",
            members?.join(","),
            name(env!("CARGO_PKG_VERSION"))?,
            name(&self.fingerprint(source))?,
        ))
    }

    /// Keys and texts, the consolidated one last.
    pub(super) fn all(&self, source: &str) -> Result<Vec<(String, String)>, Error> {
        let mut all = self.0.clone();
        all.push((".zmetadata".to_owned(), self.consolidated(source)?));
        Ok(all)
    }

    pub(super) fn write(&self, target: &dyn Target, source: &str) -> Result<(), Error> {
        let (mut all, mut keys) = (self.all(source)?, Vec::new());
        let last = all.pop();
        for (key, text) in all {
            target.put(&key, text.as_bytes())?;
            keys.push(key);
        }
        target.sync(&keys)?;
        let Some((key, text)) = last else { return Ok(()) };
        target.put(&key, text.as_bytes())?;
        target.sync(&[key])
    }
}

/// The groups that a path lies in, the root last.
fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| (!path.is_empty()).then(|| split(path).0)).skip(1)
}
