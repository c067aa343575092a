//! Files at random, written here byte by byte: what is read is the tree that was written.

use std::collections::BTreeMap;

use bytes::Bytes;
use h5refs::reference::Node;
use h5refs::{Input, Limits, Options, Scan};
use proptest::prelude::*;

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
    bytes: Vec<u8>,
    told: BTreeMap<String, Option<Told>>,
}

const UNDEFINED: [u8; 8] = [0xff; 8];

impl Writer {
    /// Superblock version 2 (II.A) and all objects.
    fn file(root: &Written) -> Self {
        let mut writer = Self { bytes: vec![0; 48], ..Self::default() };
        let root = writer.object("", root);
        let end = writer.bytes.len() as u64;
        let mut superblock = b"\x89HDF\r\n\x1a\n\x02\x08\x08\0".to_vec(); // signature, version, sizes, flags
        superblock.extend(0_u64.to_le_bytes()); // base address
        superblock.extend(UNDEFINED); // superblock extension
        superblock.extend(end.to_le_bytes()); // end of file
        superblock.extend(root.to_le_bytes()); // root group
        seal(&mut superblock);
        writer.bytes[..48].copy_from_slice(&superblock);
        writer
    }

    fn add(&mut self, bytes: &[u8]) -> u64 {
        let at = self.bytes.len() as u64;
        self.bytes.extend(bytes);
        at
    }

    /// The address of an object's header; what it leads to is written before it.
    fn object(&mut self, path: &str, written: &Written) -> u64 {
        let messages = match written {
            Written::Group(members) => {
                let mut messages = vec![(0x02, [&[0, 0][..], &UNDEFINED, &UNDEFINED].concat()), (0x0a, vec![0, 0])];
                for (name, member) in members {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                    let address = self.object(&path, member);
                    let mut link = vec![1, 0x10, 1, u8::try_from(name.len()).unwrap()]; // version, flags, UTF-8, length
                    link.extend(name.as_bytes());
                    link.extend(address.to_le_bytes());
                    messages.push((0x06, link));
                }
                self.told.insert(path.to_owned(), None);
                messages
            }
            Written::Dataset(dataset) => {
                let (layout, told) = self.layout(dataset);
                self.told.insert(path.to_owned(), Some(told));
                let mut dataspace = vec![2, u8::try_from(dataset.shape.len()).unwrap(), 0, 1]; // version, rank, flags, simple
                dataspace.extend(dataset.shape.iter().flat_map(|size| size.to_le_bytes()));
                let datatype = vec![0x10, 0x08, 0, 0, 4, 0, 0, 0, 0, 0, 32, 0]; // signed, 4 bytes, bits 0 to 32
                vec![(0x01, dataspace), (0x03, datatype), (0x05, vec![3, 0x0a]), (0x08, layout)]
            }
        };
        self.add(&header(&messages))
    }

    /// The data, and the Data Layout message (IV.A.2.i) that leads to them.
    fn layout(&mut self, dataset: &Dataset) -> (Vec<u8>, Told) {
        let shape = dataset.shape.clone();
        let Some((chunk, present)) = &dataset.chunks else {
            let length = 4 * shape.iter().product::<u64>();
            let at = self.add(&vec![7; usize::try_from(length).unwrap()]);
            let layout = [&[3, 1][..], &at.to_le_bytes(), &length.to_le_bytes()].concat(); // version, contiguous
            return (layout, (shape.clone(), shape, [(0, (at, length))].into()));
        };
        let length = 4 * chunk.iter().product::<u64>();
        let mut chunks = Chunks::new();
        for (number, _) in (0..).zip(present).filter(|(_, present)| **present) {
            chunks.insert(number, (self.add(&vec![7; usize::try_from(length).unwrap()]), length));
        }
        let index = self.fixed_array(present.len() as u64, &chunks);
        let mut layout = vec![4, 2, 0, u8::try_from(chunk.len() + 1).unwrap(), 1]; // version, chunked, flags, rank, width
        layout.extend(chunk.iter().map(|size| u8::try_from(*size).unwrap()));
        layout.extend([4, 3, 10]); // element size, fixed array, page bits
        layout.extend(index.to_le_bytes());
        (layout, (shape, chunk.clone(), chunks))
    }

    /// A fixed array without pages (VII.C): its data block, behind its header.
    fn fixed_array(&mut self, entries: u64, chunks: &Chunks) -> u64 {
        let at = self.bytes.len() as u64;
        let mut header = b"FAHD\0\0\x08\x0a".to_vec(); // signature, version, client, entry size, page bits
        header.extend(entries.to_le_bytes());
        header.extend((at + 28).to_le_bytes()); // data block
        seal(&mut header);
        let mut block = b"FADB\0\0".to_vec(); // signature, version, client
        block.extend(at.to_le_bytes()); // header
        for number in 0..entries {
            block.extend(chunks.get(&number).map_or(UNDEFINED, |(at, _)| at.to_le_bytes()));
        }
        seal(&mut block);
        self.add(&[header, block].concat())
    }
}

/// Version 2 object header (IV.A.1.b) with a size of four bytes.
fn header(messages: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let message = |(kind, body): &(u8, Vec<u8>)| {
        let size = u16::try_from(body.len()).unwrap().to_le_bytes();
        [&[*kind, size[0], size[1], 0][..], body].concat()
    };
    let messages: Vec<u8> = messages.iter().flat_map(message).collect();
    let mut header = b"OHDR\x02\x02".to_vec(); // signature, version, flags
    header.extend(u32::try_from(messages.len()).unwrap().to_le_bytes());
    header.extend(messages);
    seal(&mut header);
    header
}

/// Adds the checksum of what is there.
fn seal(bytes: &mut Vec<u8>) {
    bytes.extend(lookup3(bytes).to_le_bytes());
}

/// Jenkins' hash, as he published it: of its own, so that the library does not prove itself.
fn lookup3(bytes: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(u32::try_from(bytes.len()).unwrap());
    let [mut a, mut b, mut c] = [start; 3];
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut block = [0; 12];
        let taken = rest.len().min(12);
        block[..taken].copy_from_slice(&rest[..taken]);
        let word = |n: usize| u32::from_le_bytes(block[4 * n..4 * n + 4].try_into().unwrap());
        (a, b, c) = (a.wrapping_add(word(0)), b.wrapping_add(word(1)), c.wrapping_add(word(2)));
        rest = &rest[taken..];
        if rest.is_empty() {
            for (to, from, turn) in [(2, 1, 14), (0, 2, 11), (1, 0, 25), (2, 1, 16), (0, 2, 4), (1, 0, 14), (2, 1, 24)]
            {
                let mut words = [a, b, c];
                words[to] = (words[to] ^ words[from]).wrapping_sub(words[from].rotate_left(turn));
                [a, b, c] = words;
            }
        } else {
            // `x -= y; x ^= rot(y, turn); y += z`, in turn of a, b and c.
            for (x, y, z, turn) in
                [(0, 2, 1, 4), (1, 0, 2, 6), (2, 1, 0, 8), (0, 2, 1, 16), (1, 0, 2, 19), (2, 1, 0, 4)]
            {
                let mut words = [a, b, c];
                words[x] = words[x].wrapping_sub(words[y]) ^ words[y].rotate_left(turn);
                words[y] = words[y].wrapping_add(words[z]);
                [a, b, c] = words;
            }
        }
    }
    c
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
        let Writer { bytes, told } = Writer::file(&root);
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
