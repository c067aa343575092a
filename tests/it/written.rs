//! Files at random, written here byte by byte: what is read is the tree that was written.

use std::collections::BTreeMap;

use bytes::Bytes;
use h5refs::reference::Node;
use h5refs::{Input, Limits, Options, Scan};
use proptest::prelude::*;

use crate::writer::Draft;
use crate::writer::index::FixedArray;
use crate::writer::message::{self, INTEGER, Message, UNDEFINED, group_header, header};
use crate::{files, rounds};

/// A group, or a dataset of integers of four bytes.
#[derive(Debug, Clone)]
enum Written {
    Group(BTreeMap<String, Written>),
    Dataset(Dataset),
}

#[derive(Debug, Clone)]
struct Dataset {
    shape: Vec<u64>,
    /// Chunks, and which of them are there; `None` is contiguous.
    chunks: Option<(Vec<u64>, Vec<bool>)>,
}

/// Where each chunk of an array lies that is there.
type Chunks = BTreeMap<u64, (u64, u64)>;

/// What is read of a dataset: its shape, its chunk shape, and its chunks.
type Told = (Vec<u64>, Vec<u64>, Chunks);

/// A file, and what is in it by path without the first slash; groups have nothing.
#[derive(Default)]
struct Writer {
    file: Draft,
    told: BTreeMap<String, Option<Told>>,
}

impl Writer {
    /// A file with all objects, and what is in it.
    fn file(root: &Written) -> (Vec<u8>, BTreeMap<String, Option<Told>>) {
        let mut writer = Self::default();
        let root = writer.object("", root);
        (writer.file.finish(root), writer.told)
    }

    /// The address of an object's header; what it leads to is written before it.
    fn object(&mut self, path: &str, written: &Written) -> u64 {
        let header = match written {
            Written::Group(members) => {
                let mut links = Vec::new();
                for (name, member) in members {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                    let address = self.object(&path, member);
                    links.push(message::hard_link(name.as_bytes(), address));
                }
                self.told.insert(path.to_owned(), None);
                group_header(&links)
            }
            Written::Dataset(dataset) => {
                let (layout, told) = self.layout(dataset);
                self.told.insert(path.to_owned(), Some(told));
                let space = message::dataspace(&dataset.shape);
                header(&[space, message::datatype(&INTEGER), message::fill_value(), layout])
            }
        };
        self.file.add(&header)
    }

    /// The data, and the Data Layout message (IV.A.2.i) that leads to them.
    fn layout(&mut self, dataset: &Dataset) -> (Message, Told) {
        let shape = dataset.shape.clone();
        let Some((chunk, present)) = &dataset.chunks else {
            let length = 4 * shape.iter().product::<u64>();
            let at = self.file.add(&vec![7; usize::try_from(length).unwrap()]);
            return (message::contiguous(at, length), (shape.clone(), shape, [(0, (at, length))].into()));
        };
        let length = 4 * chunk.iter().product::<u64>();
        let mut chunks = Chunks::new();
        for (number, _) in (0..).zip(present).filter(|(_, present)| **present) {
            chunks.insert(number, (self.file.add(&vec![7; usize::try_from(length).unwrap()]), length));
        }
        let index = self.fixed_array(present.len() as u64, &chunks);
        let sizes = [chunk, &[4][..]].concat();
        (message::chunked(&sizes, 0, &[3, 10], index), (shape, chunk.clone(), chunks))
    }

    /// A fixed array with an entry for each chunk.
    fn fixed_array(&mut self, entries: u64, chunks: &Chunks) -> u64 {
        let addresses: Vec<u64> =
            (0..entries).map(|number| chunks.get(&number).map_or(UNDEFINED, |(at, _)| *at)).collect();
        FixedArray { entries, ..FixedArray::default() }.add(&mut self.file, &addresses)
    }
}

fn dataset() -> impl Strategy<Value = Written> {
    let dimensions = prop::collection::vec((1_u64..7, 1_u64..5), 1..4);
    let present = prop::option::of(prop::collection::vec(any::<bool>(), 216));
    (dimensions, present).prop_map(|(dimensions, present)| {
        let shape: Vec<u64> = dimensions.iter().map(|(length, _)| *length).collect();
        let chunk: Vec<u64> = dimensions.iter().map(|(length, size)| *size.min(length)).collect();
        let count: u64 = shape.iter().zip(&chunk).map(|(length, size)| length.div_ceil(*size)).product();
        let chunks = present.map(|present| (chunk, present[..usize::try_from(count).unwrap()].to_vec()));
        Written::Dataset(Dataset { shape, chunks })
    })
}

fn group(members: impl Strategy<Value = Written>) -> impl Strategy<Value = Written> {
    prop::collection::btree_map("[a-z0-9é ]{1,6}|0\\.0|\\.\\.\\.", members, 0..5).prop_map(Written::Group)
}

fn trees() -> impl Strategy<Value = Written> {
    group(dataset().prop_recursive(4, 24, 5, |inner| group(inner).boxed()))
}

proptest! {
    #[test]
    fn what_is_read_is_the_tree_that_was_written(root in trees()) {
        let (bytes, told) = Writer::file(&root);
        let file = Bytes::from(bytes);
        let tree = h5refs::tree(&Input::from(file.clone()), Limits::default()).unwrap();
        let mut paths: Vec<&str> = tree.objects.iter().map(|object| object.path.trim_start_matches('/')).collect();
        paths.sort_unstable();
        prop_assert_eq!(&paths, &told.keys().map(String::as_str).collect::<Vec<_>>());
        let mut options = Options::new(files::URL);
        options.inline_threshold = 0;
        let (set, report) = h5refs::references(&Input::from(file.clone()), &options).unwrap();
        prop_assert_eq!(report.refused().count(), 0, "{:?}", report);
        let mut found = BTreeMap::new();
        for (key, node) in &set.nodes {
            let array = match node {
                Node::Group(_) => None,
                Node::Array(array) => {
                    let chunks = &array.chunks;
                    prop_assert!(chunks.inline.is_empty());
                    let places = chunks.offset.iter().copied().zip(chunks.length.iter().copied());
                    let places: Chunks = chunks.number.iter().copied().zip(places).collect();
                    Some((array.metadata.shape.clone(), array.metadata.chunks.clone(), places))
                }
            };
            found.insert(key.clone(), array);
        }
        prop_assert_eq!(found, told);
        let mut scan = Scan::references(file.len() as u64, options).with_fetch(rounds::EXACT);
        prop_assert!(scan.run(&Input::from(file)).unwrap().0 == set);
    }
}
