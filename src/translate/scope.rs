//! The part of a file that is asked for.

use std::sync::Arc;

use super::array::array;
use super::attribute::Paths;
use super::external_link::{Linked, linked};
use super::options::{CodecPolicy, LinkPolicy, Options};
use super::sidecar::Beside;
use super::subject::{Parts, Subject};
use crate::error::{Error, Unsupported};
use crate::file::{ChunkTable, Content, File, Link, Object, Tree};
use crate::limits::check;
use crate::netcdf::{Dimensions, is_dimension_only};
use crate::source::{Halt, attempt};
use crate::zarr::RESERVED;

/// The part of a file that is asked for.
pub(crate) struct Scope<'a> {
    pub(crate) options: &'a Options,
    /// What the paths of the group's members begin with, `/` at the end.
    pub(crate) prefix: String,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        let group = options.group.trim_matches('/');
        let prefix = if group.is_empty() { "/".to_owned() } else { format!("/{group}/") };
        Self { options, prefix }
    }

    pub(crate) fn check(&self, tree: &Tree) -> Result<(), Error> {
        let path = self.prefix.trim_end_matches('/');
        let root = tree.objects.iter().find(|object| object.path.trim_end_matches('/') == path);
        match root.map(|object| &object.node.content) {
            Some(Ok(Content::Group)) => Ok(()),
            Some(Err(error)) => Err(error.clone()),
            _ => Err(Error::NotFound { path: self.options.group.clone() }),
        }
    }

    /// Whether the dataset at a path is asked for.
    pub(crate) fn wants(&self, path: &str) -> bool {
        path.starts_with(&self.prefix) && self.options.select.chooses(path)
    }

    /// The key of the node at a path, if it lies in the group: the path below the group.
    pub(crate) fn key<'p>(&self, path: &'p str) -> Option<&'p str> {
        if path.len() + 1 == self.prefix.len() && self.prefix.starts_with(path) {
            return Some("");
        }
        path.strip_prefix(&self.prefix)
    }

    /// Refuses a path below the group that cannot be a key of a Zarr store.
    pub(crate) fn keyable(&self, key: &str) -> Result<(), Error> {
        if key.split('/').any(|part| RESERVED.contains(&part)) {
            return Err(Unsupported::Name("Zarr keeps it for a document of its own").into());
        }
        Ok(check("key_bytes", u64::try_from(key.len()).unwrap_or(u64::MAX), self.options.limits.key_bytes)?)
    }

    /// What an external link leads to, if it lies in the group and such are followed; an error costs this one only.
    pub(crate) fn linked(
        &self,
        file: &File<'_>,
        link: &Link,
        beside: &mut Beside<'_, '_, '_>,
    ) -> Result<Option<Result<Linked, Error>>, Halt> {
        let wanted = self.options.links == LinkPolicy::All && self.key(&link.path).is_some();
        if wanted { Ok(attempt(linked(file, link, self.options, beside))?.transpose()) } else { Ok(None) }
    }

    /// Whether an object is a dataset that is asked for and becomes an array.
    pub(crate) fn is_array(&self, object: &Object) -> bool {
        self.wants(&object.path) && object.dataset().is_some() && !is_dimension_only(object)
    }

    /// The chunk table of an object, if it becomes an array that has one.
    pub(crate) fn chunks(&self, object: &mut Object) -> Option<Result<Arc<ChunkTable>, Error>> {
        if self.is_array(object) { object.take_chunks() } else { None }
    }

    /// The array that an object becomes, if it is a dataset that is asked for; an error costs this one only.
    pub(crate) fn array(
        &self,
        file: &File<'_>,
        dimensions: &Dimensions,
        paths: &Paths<'_>,
        object: &Object,
        chunks: Option<Result<Arc<ChunkTable>, Error>>,
    ) -> Result<Option<Result<Parts, Error>>, Halt> {
        let Some(subject) = self.subject(dimensions, paths, object) else { return Ok(None) };
        let chunks = match chunks.transpose() {
            Ok(chunks) => chunks,
            Err(error) => return Ok(Some(Err(error))),
        };
        self.of_subject(file, subject, chunks).map(Some)
    }

    /// A dataset that is asked for and becomes an array.
    pub(crate) fn subject<'s>(
        &self,
        dimensions: &'s Dimensions,
        paths: &'s Paths<'s>,
        object: &'s Object,
    ) -> Option<Subject<'s>> {
        let dataset = object.dataset().filter(|_| self.is_array(object))?;
        Some(Subject { object, dataset, longer: dimensions.longer(&object.path), paths })
    }

    /// The same of a subject. Where chunks have to be made, codecs that this crate does not apply are of no use.
    fn of_subject(
        &self,
        file: &File<'_>,
        subject: Subject<'_>,
        chunks: Option<Arc<ChunkTable>>,
    ) -> Result<Result<Parts, Error>, Halt> {
        if self.options.codecs == CodecPolicy::Standard || subject.dataset.filters.filters.is_empty() {
            return attempt(array(file, subject, chunks, self.options));
        }
        match attempt(array(file, subject, chunks.clone(), self.options))? {
            Err(Error::Unsupported(_)) => {
                let standard = Options { codecs: CodecPolicy::Standard, ..self.options.clone() };
                attempt(array(file, subject, chunks, &standard))
            }
            made => Ok(made),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Select;
    use super::super::proofs::{keys, refused, translated};
    use super::*;
    use crate::file::proofs::exceeded;
    use crate::limits::Limits;
    use crate::structure::proofs::{message_of, with};

    const HARD_LINKS: &[u8] = include_bytes!("../../testdata/group/hard_links.h5");
    const NESTED: &[u8] = include_bytes!("../../testdata/group/nested.h5");

    #[test]
    fn names_that_zarr_keeps_for_itself_are_refused() {
        for name in RESERVED.iter().filter(|name| name.len() < 8) {
            let at = HARD_LINKS.windows(7).position(|bytes| bytes == b"second\0").unwrap();
            let changed = with(HARD_LINKS, at, format!("{name}\0").as_bytes());
            let expected = format!("/{name}: name cannot be a Zarr key: Zarr keeps it for a document of its own");
            assert_eq!(refused(&changed, Limits::default()), [expected]);
            assert_eq!(keys(&changed, |_| ()), ["", "first", "g", "g/third"]);
        }
    }

    #[test]
    fn keys_that_are_too_long_are_refused() {
        assert_eq!(
            refused(HARD_LINKS, Limits { key_bytes: 5, ..Limits::default() }),
            [format!("/g/third: {}", exceeded("key_bytes", 5, 7)), format!("/second: {}", exceeded("key_bytes", 5, 6))]
        );
    }

    #[test]
    fn a_group_becomes_the_root() {
        for group in ["/a/b", "a/b", "/a/b/"] {
            let keys = keys(NESTED, |options| options.group = group.to_owned());
            assert_eq!(keys, ["", "c", "c/d", "c/d/e", "c/d/e/values"]);
        }
        for group in ["/a/x", "/a/b/c/d/e/values"] {
            let error = translated(NESTED, |options| options.group = group.to_owned());
            assert_eq!(message_of(error.map(drop)), format!("{group}: no such object"));
        }
    }

    #[test]
    fn only_datasets_that_are_chosen_are_translated() {
        let chosen = keys(HARD_LINKS, |options| options.select = Select::new(|path| path == "/second"));
        assert_eq!(chosen, ["", "g", "second"]);
    }
}
