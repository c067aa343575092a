//! A reference set from documents and references that come in any order.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::grid::grid;
use super::key::{chunk_name, joined, split};
use super::{Array, Manifest, Node, Reference, ReferenceSet, UrlId, UrlTable, Urls};
use crate::error::Error;
use crate::zarr::{ArrayMetadata, Attributes};

/// Collects the nodes of a set.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    urls: UrlTable,
    nodes: Vec<(String, Node)>,
    /// Where the chunks of an array are collected, by its position among the nodes.
    columns: BTreeMap<usize, Columns>,
}

/// The chunks of one array, in any order.
#[derive(Debug, Default)]
struct Columns {
    number: Vec<u64>,
    url: Vec<UrlId>,
    offset: Vec<u64>,
    length: Vec<u64>,
    inline: Vec<(u64, Bytes)>,
}

impl Builder {
    pub(crate) fn group(&mut self, path: &str, attributes: Attributes) {
        self.nodes.push((path.to_owned(), Node::Group(attributes)));
    }

    /// Adds an array without chunks; gives its handle.
    pub(crate) fn array(&mut self, path: &str, metadata: ArrayMetadata, attributes: Attributes) -> usize {
        let chunks = Manifest { grid: grid(&metadata.shape, &metadata.chunks), ..Manifest::default() };
        self.nodes.push((path.to_owned(), Node::Array(Box::new(Array { metadata, attributes, chunks }))));
        self.nodes.len().saturating_sub(1)
    }

    /// The id of a file, which is the same each time.
    pub(crate) fn url(&mut self, url: &str) -> Result<UrlId, Error> {
        self.urls.id(url)
    }

    /// Adds a chunk to an array, by its handle.
    pub(crate) fn chunk(&mut self, array: usize, number: u64, reference: Reference) {
        let columns = self.columns.entry(array).or_default();
        let (url, offset, length) = match reference {
            Reference::Inline(bytes) => return columns.inline.push((number, bytes)),
            Reference::Whole { url } => (url, 0, Manifest::WHOLE),
            Reference::Range { url, offset, length } => (url, offset, length),
        };
        columns.number.push(number);
        columns.url.push(url);
        columns.offset.push(offset);
        columns.length.push(length);
    }

    /// The set, each group before its members.
    ///
    /// # Errors
    /// [`Error::Reference`] when a chunk is there twice, or is inline and has not the bytes of a chunk.
    pub(crate) fn finish(mut self) -> Result<ReferenceSet, Error> {
        for (at, columns) in std::mem::take(&mut self.columns) {
            if let Some((path, Node::Array(array))) = self.nodes.get_mut(at) {
                columns.fill(path, array)?;
            }
        }
        if !self.is_ordered() {
            let depth = |path: &str| if path.is_empty() { 0 } else { path.split('/').count() };
            self.nodes.sort_by_key(|(path, _)| depth(path));
        }
        Ok(ReferenceSet { urls: self.urls.into_urls(), nodes: self.nodes, ..ReferenceSet::default() })
    }
}

impl Builder {
    /// Whether each node comes after the group that it lies in.
    fn is_ordered(&self) -> bool {
        let places = self.nodes.iter().enumerate().map(|(at, (path, _))| (path.as_str(), at));
        let places: HashMap<&str, usize> = places.collect();
        let comes_late =
            |at, path: &str| !path.is_empty() && places.get(split(path).0).is_some_and(|parent| *parent > at);
        !self.nodes.iter().enumerate().any(|(at, (path, _))| comes_late(at, path))
    }
}

impl Columns {
    fn fill(mut self, path: &str, array: &mut Array) -> Result<(), Error> {
        let grid = array.chunks.grid.clone();
        let key = |number| joined(path, &chunk_name(number, &grid));
        let twice = |number| Error::Reference { key: key(number), problem: "is there twice".to_owned() };
        self.sort();
        if let Some((number, _)) = self.number.iter().zip(self.number.iter().skip(1)).find(|(a, b)| a == b) {
            return Err(twice(*number));
        }
        let due = array.metadata.chunk_bytes().filter(|_| array.metadata.codecs().next().is_none());
        for (number, bytes) in self.inline {
            let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if let Some(due) = due.filter(|due| *due != found) {
                let problem = format!("has {found} bytes inline, and a chunk has {due}");
                return Err(Error::Reference { key: key(number), problem });
            }
            let known = self.number.binary_search(&number).is_ok();
            if array.chunks.inline.insert(number, bytes).is_some() || known {
                return Err(twice(number));
            }
        }
        let first = self.url.first().copied().unwrap_or_default();
        let one = self.url.iter().all(|url| *url == first);
        array.chunks.urls = if one { Urls::One(first) } else { Urls::Each(self.url) };
        (array.chunks.number, array.chunks.offset, array.chunks.length) = (self.number, self.offset, self.length);
        Ok(())
    }

    /// Brings the rows into the order of their numbers, in which most sets have them already.
    fn sort(&mut self) {
        if self.number.is_sorted() {
            return;
        }
        let mut rows: Vec<_> = (self.number.iter().zip(&self.url))
            .zip(self.offset.iter().zip(&self.length))
            .map(|((number, url), (offset, length))| (*number, *url, *offset, *length))
            .collect();
        rows.sort_unstable();
        self.number = rows.iter().map(|row| row.0).collect();
        self.url = rows.iter().map(|row| row.1).collect();
        self.offset = rows.iter().map(|row| row.2).collect();
        self.length = rows.iter().map(|row| row.3).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zarr::{Codec, Dtype};

    fn array(filters: Vec<Codec>) -> ArrayMetadata {
        ArrayMetadata::new(vec![4], vec![2], Dtype::Simple("<i4".to_owned()), None, filters)
    }

    fn inline(bytes: &'static [u8]) -> Reference {
        Reference::Inline(Bytes::from_static(bytes))
    }

    #[test]
    fn chunks_come_in_any_order_and_groups_before_their_members() {
        let mut builder = Builder::default();
        let handle = builder.array("g/a", array(Vec::new()), Attributes::default());
        builder.group("", Attributes::default());
        builder.group("g", Attributes::default());
        let (one, two) = (builder.url("one").unwrap(), builder.url("two").unwrap());
        assert_eq!(builder.url("one").unwrap(), one);
        builder.chunk(handle, 1, Reference::Range { url: two, offset: 5, length: 8 });
        builder.chunk(handle, 0, Reference::Whole { url: one });
        let set = builder.finish().unwrap();
        assert_eq!(set.nodes.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["", "g", "g/a"]);
        let Some(Node::Array(array)) = set.node("g/a") else { panic!() };
        assert_eq!(array.chunks.number, [0, 1]);
        assert_eq!(array.chunks.get(0), Some(Reference::Whole { url: one }));
        assert_eq!(array.chunks.get(1), Some(Reference::Range { url: two, offset: 5, length: 8 }));
    }

    #[test]
    fn a_chunk_is_there_once_and_has_its_bytes() {
        let told = |filters: Vec<Codec>, chunks: Vec<(u64, Reference)>| {
            let mut builder = Builder::default();
            let handle = builder.array("a", array(filters), Attributes::default());
            builder.url("u").unwrap();
            for (number, reference) in chunks {
                builder.chunk(handle, number, reference);
            }
            builder.finish().map(|_| ()).map_err(|error| error.to_string())
        };
        let whole = Reference::Whole { url: UrlId(0) };
        assert_eq!(told(Vec::new(), vec![(0, whole.clone()), (1, inline(b"12345678"))]), Ok(()));
        let twice = Err("reference a/1: is there twice".to_owned());
        assert_eq!(told(Vec::new(), vec![(1, whole.clone()), (1, whole.clone())]), twice);
        assert_eq!(told(Vec::new(), vec![(1, whole), (1, inline(b"12345678"))]), twice);
        let short = Err("reference a/0: has 3 bytes inline, and a chunk has 8".to_owned());
        assert_eq!(told(Vec::new(), vec![(0, inline(b"123"))]), short);
        assert_eq!(told(vec![Codec::Zlib { level: 1 }], vec![(0, inline(b"123"))]), Ok(()));
    }
}
