//! HDF5 files made in memory, byte by byte; what they are made of may be wrong.

pub(crate) mod checksum;
pub(crate) mod heap;
pub(crate) mod index;
pub(crate) mod message;
pub(crate) mod old;
pub(crate) mod superblock;

use message::{Message, group_header, hard_link, header};
use superblock::Superblock;

/// A file without its superblock, for which there is room.
pub(crate) struct Draft {
    pub(crate) bytes: Vec<u8>,
}

impl Default for Draft {
    fn default() -> Self {
        Self { bytes: vec![0; 96] }
    }
}

impl Draft {
    /// Where bytes are that are put at the end, on a multiple of 8.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = self.bytes.len() as u64;
        self.bytes.extend(bytes);
        at
    }

    /// Where bytes are that know their own address.
    pub(crate) fn add_at(&mut self, bytes: impl Fn(u64) -> Vec<u8>) -> u64 {
        let at = self.bytes.len().next_multiple_of(8) as u64;
        self.add(&bytes(at))
    }

    pub(crate) fn put(&mut self, at: u64, bytes: &[u8]) {
        let at = usize::try_from(at).unwrap();
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// A group with these links.
    pub(crate) fn group(&mut self, links: &[Message]) -> u64 {
        self.add(&group_header(links))
    }

    /// The file.
    pub(crate) fn finish(self, root: u64) -> Vec<u8> {
        self.finish_with(&Superblock { root, ..Superblock::default() })
    }

    pub(crate) fn finish_with(mut self, superblock: &Superblock) -> Vec<u8> {
        let superblock = superblock.bytes(self.bytes.len() as u64);
        self.put(0, &superblock);
        self.bytes
    }

    /// A file whose root group has an object of this name.
    pub(crate) fn finish_around(mut self, name: &str, object: u64) -> Vec<u8> {
        let root = self.group(&[hard_link(name.as_bytes(), object)]);
        self.finish(root)
    }

    /// A file of one dataset with these messages.
    pub(crate) fn finish_dataset(mut self, messages: &[Message]) -> Vec<u8> {
        let dataset = self.add(&header(messages));
        self.finish_around("a", dataset)
    }
}
