//! Texts that end at their first NUL: libhdf5 reads nothing behind it, and readers of Zarr all that lies there. A program that does not
//! clear its buffers leaves bytes of other texts.

use std::ops::Range;

use bytes::Bytes;

use super::fields::leaves;
use super::masks::Stored;
use crate::codec::fletcher32;
use crate::error::Structure;
use crate::file::{Block, Class, Dataset, Datatype, File, Padding, Storage, Text};
use crate::reference::Manifest;
use crate::source::{Halt, attempt};

/// Where such texts lie in elements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    /// Bytes of an element, those of an array type counted one by one.
    size: usize,
    places: Vec<Range<usize>>,
}

impl Texts {
    /// The texts of a datatype; a text of one byte has nothing behind it.
    pub(crate) fn of(datatype: &Datatype) -> Self {
        let base = datatype.without_arrays().0;
        let index = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let leaves = leaves(base).unwrap_or_default().into_iter();
        let places = leaves.filter(|leaf| ends_at_nul(leaf.datatype) && leaf.datatype.size > 1);
        let places = places.map(|leaf| index(leaf.offset)..index(leaf.end())).collect();
        Self { size: index(base.size).max(1), places }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether there is nothing behind the first NUL of each text.
    pub(crate) fn have_ended(&self, elements: &[u8]) -> bool {
        let texts = |element| self.places.iter().filter_map(move |place| <[u8]>::get(element, place.clone()));
        self.is_empty() || elements.chunks_exact(self.size).flat_map(texts).all(|text| rest(text).is_none())
    }

    /// Fills what is behind the first NUL of each text with NULs.
    pub(crate) fn end(&self, elements: &mut [u8]) {
        if self.is_empty() {
            return;
        }
        for element in elements.chunks_exact_mut(self.size) {
            for place in &self.places {
                let Some(text) = element.get_mut(place.clone()) else { continue };
                if let Some(rest) = rest(text) {
                    text.get_mut(rest..).into_iter().flatten().for_each(|byte| *byte = 0);
                }
            }
        }
    }
}

/// Whether a type is that of texts that end at their first NUL.
fn ends_at_nul(datatype: &Datatype) -> bool {
    matches!(datatype.class, Class::String(Text { padding: Padding::NullTerminated, .. }))
}

/// Where the first NUL of a text is, if there is anything else behind it.
fn rest(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|byte| *byte == 0)?;
    text.iter().skip(end).any(|byte| *byte != 0).then_some(end)
}

/// Ends the texts of the chunks that are held inline, and of compact data, which are held inline where there is anything to end.
/// Chunks that do not decode stay as they lie.
pub(crate) fn end_texts(
    file: &File<'_>,
    dataset: &Dataset,
    stored: &Stored<'_>,
    manifest: &mut Manifest,
) -> Result<(), Halt> {
    if stored.texts.is_empty() || !stored.pipeline.is_decoded(stored.mask) {
        return Ok(());
    }
    if let Storage::Compact { elements, .. } = &dataset.storage
        && manifest.inline.is_empty()
        && !stored.texts.have_ended(elements)
    {
        file.budget().inline(stored.bytes)?;
        manifest.hold_inline(vec![(0, elements.clone())]);
    }
    for chunk in manifest.inline.values_mut() {
        let Ok(elements) = attempt(elements(file, stored, chunk))? else { continue };
        if stored.texts.have_ended(&elements) {
            continue;
        }
        if let Ok(ended) = stored.encode(elements.to_vec()) {
            *chunk = Bytes::from(ended);
        }
    }
    Ok(())
}

/// The elements of a chunk that is held inline.
fn elements(file: &File<'_>, stored: &Stored<'_>, chunk: &Bytes) -> Result<Bytes, Halt> {
    if stored.pipeline.unmasked(stored.mask).next().is_none() {
        return Ok(chunk.clone());
    }
    let bytes = if stored.trailing > 0 { Bytes::from(fletcher32::encode(chunk)) } else { chunk.clone() };
    let block = Block { at: 0, bytes };
    Ok(file.unfiltered(Structure::Chunk, &block, (stored.pipeline, stored.mask), stored.bytes)?)
}

#[cfg(test)]
mod tests {
    use super::super::proofs::{array, translated};
    use super::*;

    /// Texts with bytes behind their first NUL, in every storage.
    const FILE: &[u8] = include_bytes!("../../testdata/datatype/text_after_nul.h5");

    #[test]
    fn only_texts_that_end_at_a_nul_are_ended() {
        let ended = |path: &str| {
            let tree = crate::file::proofs::tree_of(FILE);
            let dataset = crate::file::proofs::object(&tree, path).dataset().unwrap();
            let texts = Texts::of(&dataset.datatype);
            let mut element = b"ab\0cd\0e".repeat(10);
            element.truncate(usize::try_from(dataset.datatype.size).unwrap());
            let before = texts.have_ended(&element);
            texts.end(&mut element);
            assert!(texts.have_ended(&element));
            (before, element)
        };
        assert_eq!(ended("/contiguous"), (false, b"ab\0\0\0\0\0".to_vec()));
        assert_eq!(ended("/null_padded"), (true, b"ab\0cd\0e".to_vec()));
        assert_eq!(ended("/array"), (false, b"ab\0\0\0\0\0ab\0\0\0\0\0".to_vec()));
    }

    #[test]
    fn chunks_that_are_held_inline_are_ended() {
        for threshold in [0, 500] {
            let (set, report) = translated(FILE, |options| options.inline_threshold = threshold).unwrap();
            assert_eq!(report.refused().count(), 0);
            let held = |path: &str| array(&set, path).chunks.inline.get(&0).cloned();
            assert_eq!(held("compact").unwrap()[14..21], *b"swe\0\0\0\0");
            assert_eq!(held("contiguous").is_some(), threshold > 0);
            if let Some(held) = held("contiguous") {
                assert_eq!(held[14..21], *b"swe\0\0\0\0");
            }
        }
    }
}
