//! Metadata that lie in an image of the cache: they are laid over what is read at their own addresses, which is stale.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::{Block, File};
use crate::error::{Error, Problem, Structure};
use crate::field::convert::{narrow, wide};
use crate::source::Halt;
use crate::structure::cache_image::entries;
use crate::structure::message::cache_image::ImageLocation;

/// The entries of an image, by the file offset where they belong; none overlaps another.
#[derive(Debug, Default)]
pub(crate) struct Overlay(BTreeMap<u64, Patch>);

#[derive(Debug)]
struct Patch {
    bytes: Bytes,
    /// File offset of these bytes: their place in the image.
    at: u64,
}

impl Overlay {
    /// Entries that reach into `start..end`, each with its own offset.
    fn inside(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, &Patch)> {
        let before = self.0.range(..start).next_back();
        let patches = before.into_iter().chain(self.0.range(start..end));
        let patches = patches.map(|(at, patch)| (*at, patch));
        patches.filter(move |(at, patch)| at.saturating_add(wide(patch.bytes.len())) > start)
    }

    /// A block as it is to be read.
    pub(crate) fn apply(&self, block: Block) -> Block {
        let end = block.at.saturating_add(wide(block.bytes.len()));
        let mut patched: Option<BytesMut> = None;
        for (at, patch) in self.inside(block.at, end) {
            let bytes = patched.get_or_insert_with(|| BytesMut::from(block.bytes.as_ref()));
            let skipped = narrow(block.at.saturating_sub(at));
            let target = bytes.iter_mut().skip(narrow(at.saturating_sub(block.at)));
            target.zip(patch.bytes.iter().skip(skipped)).for_each(|(old, new)| *old = *new);
        }
        match patched {
            None => block,
            Some(bytes) => Block { at: block.at, bytes: bytes.freeze() },
        }
    }

    /// Where the `length` bytes that belong at `offset` really lie; `None` where they are in two places.
    pub(crate) fn place(&self, offset: u64, length: u64) -> Option<u64> {
        let end = offset.saturating_add(length);
        match self.inside(offset, end).next() {
            None => Some(offset),
            Some((at, patch)) => {
                let whole = at <= offset && end <= at.saturating_add(wide(patch.bytes.len()));
                whole.then(|| patch.at.saturating_add(offset.saturating_sub(at)))
            }
        }
    }
}

impl File<'_> {
    /// The image of the cache, if the file still has one.
    pub(crate) fn read_cache_image(&self, location: ImageLocation) -> Result<Overlay, Halt> {
        let structure = Structure::CacheImage;
        let Some(address) = location.address else { return Ok(Overlay::default()) };
        let block = self.block(structure, address, location.size)?;
        let found = block.parse(structure, |i| entries(self.sizes(), i))?;
        let mut overlay = Overlay::default();
        for entry in found {
            let range = self.range(structure, entry.address, wide(entry.image.len()))?;
            let twice = || -> Error { Error::format(structure, block.at, Problem::Duplicate("entry address")) };
            if overlay.inside(range.start, range.end).next().is_some() {
                return Err(twice().into());
            }
            let bytes = Bytes::copy_from_slice(entry.image.bytes());
            overlay.0.insert(range.start, Patch { bytes, at: entry.image.at() });
        }
        Ok(overlay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay() -> Overlay {
        let patch = |bytes: &'static [u8], at| Patch { bytes: Bytes::from_static(bytes), at };
        Overlay([(10, patch(b"abcd", 100)), (20, patch(b"xy", 104))].into())
    }

    fn read(start: u64, length: usize) -> Vec<u8> {
        overlay().apply(Block { at: start, bytes: Bytes::from(vec![b'.'; length]) }).bytes.to_vec()
    }

    #[test]
    fn a_block_shows_what_the_image_holds_of_it() {
        assert_eq!(read(8, 14), b"..abcd......xy");
        assert_eq!(read(12, 3), b"cd.");
        assert_eq!(read(9, 3), b".ab");
        assert_eq!(read(14, 6), b"......");
    }

    #[test]
    fn bytes_that_belong_elsewhere_are_referenced_in_the_image() {
        assert_eq!(overlay().place(11, 2), Some(101));
        assert_eq!(overlay().place(0, 10), Some(0));
        assert_eq!(overlay().place(13, 2), None);
        assert_eq!(overlay().place(9, 2), None);
    }
}
