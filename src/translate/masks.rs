//! Filter masks: Zarr knows one list of codecs for all chunks of an array, HDF5 one for each chunk.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::texts::Texts;
use crate::error::{Structure, Unsupported};
use crate::file::{ChunkTable, File, FilterMasks, FilterPipeline};
use crate::reference::Manifest;
use crate::source::Halt;

/// The filters that chunks skip.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Masks {
    /// The mask of most chunks.
    pub(crate) common: u32,
    /// Chunks with another mask, by number.
    pub(crate) odd: BTreeMap<u64, u32>,
}

impl Masks {
    /// The masks of a table's chunks, of a pipeline of so many filters; `unfiltered` says which chunks skip all of them without their
    /// mask saying so, if any do.
    pub(crate) fn of(table: &ChunkTable, filters: usize, unfiltered: Option<impl Fn(u64) -> bool>) -> Self {
        let all = u32::try_from(filters).ok().and_then(|n| u32::MAX.checked_shl(n)).map_or(u32::MAX, |rest| !rest);
        let unfiltered = match (unfiltered, &table.masks) {
            (None, FilterMasks::Uniform(mask)) => return Self { common: mask & all, odd: BTreeMap::new() },
            (unfiltered, _) => move |number| unfiltered.as_ref().is_some_and(|unfiltered| unfiltered(number)),
        };
        let effective = |(n, number): (usize, &u64)| if unfiltered(*number) { all } else { table.mask(n) & all };
        let numbered = || table.number.iter().enumerate().map(|(n, number)| (*number, effective((n, number))));
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        numbered().for_each(|(_, mask)| *counts.entry(mask).or_default() += 1);
        // Of equally many, the mask that skips least.
        let common =
            counts.iter().max_by_key(|(mask, count)| (**count, u32::MAX - **mask)).map_or(0, |(mask, _)| *mask);
        let odd =
            if counts.len() > 1 { numbered().filter(|(_, mask)| *mask != common).collect() } else { BTreeMap::new() };
        Self { common, odd }
    }
}

/// How an array's chunks are stored.
pub(crate) struct Stored<'a> {
    pub(crate) pipeline: &'a FilterPipeline,
    /// The filters that they skip.
    pub(crate) mask: u32,
    /// Bytes at the end of each that references leave out.
    pub(crate) trailing: u64,
    /// Bytes of a chunk before its filters.
    pub(crate) bytes: u64,
    pub(crate) texts: Texts,
}

impl Stored<'_> {
    /// A chunk as the file would hold it, its texts ended, without what references leave out.
    pub(crate) fn encode(&self, mut chunk: Vec<u8>) -> Result<Vec<u8>, Unsupported> {
        self.texts.end(&mut chunk);
        let mut encoded = self.pipeline.apply(self.mask, chunk)?;
        encoded.truncate(encoded.len().saturating_sub(usize::try_from(self.trailing).unwrap_or(0)));
        Ok(encoded)
    }
}

/// Decodes the chunks that skip other filters than most, and holds them inline, encoded as the others are.
pub(crate) fn odd_chunks(
    file: &File<'_>,
    stored: &Stored<'_>,
    odd: &BTreeMap<u64, u32>,
    manifest: &mut Manifest,
) -> Result<(), Halt> {
    if odd.is_empty() {
        return Ok(());
    }
    let rows = manifest.number.iter().zip(manifest.offset.iter().zip(&manifest.length));
    let rows = rows.filter_map(|(number, place)| Some((*number, *odd.get(number)?, place)));
    let (chunks, ranges): (Vec<_>, Vec<_>) =
        rows.map(|(number, mask, (offset, length))| ((number, mask), *offset..offset.saturating_add(*length))).unzip();
    let total = ranges.iter().fold(0_u64, |total, range| total.saturating_add(range.end - range.start));
    if total > file.limits().repair_bytes {
        return Err(Unsupported::FilterMasks { chunks: odd.len() }.into());
    }
    file.budget().inline(total)?;
    let blocks = file.read_blocks(&ranges)?;
    let mut inline = Vec::with_capacity(chunks.len());
    for ((number, mask), block) in chunks.into_iter().zip(blocks) {
        let chunk = file.unfiltered(Structure::Chunk, &block, (stored.pipeline, mask), stored.bytes)?;
        inline.push((number, Bytes::from(stored.encode(chunk.to_vec())?)));
    }
    manifest.hold_inline(inline);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(masks: &[u32]) -> ChunkTable {
        let number = (0..).take(masks.len()).collect();
        ChunkTable { number, masks: FilterMasks::Each(masks.to_vec()), ..ChunkTable::default() }
    }

    #[test]
    fn most_chunks_decide_and_the_others_are_odd() {
        let masks = Masks::of(&table(&[0, 2, 0, 1]), 2, None::<fn(u64) -> bool>);
        assert_eq!(masks, Masks { common: 0, odd: [(1, 2), (3, 1)].into() });
        // Bits beyond the pipeline's filters mean nothing.
        assert_eq!(Masks::of(&table(&[4, 0]), 2, None::<fn(u64) -> bool>), Masks::default());
    }

    #[test]
    fn edges_that_skip_all_filters_are_odd_though_their_mask_is_0() {
        let masks = Masks::of(&table(&[0, 0, 0]), 3, Some(|number| number == 2));
        assert_eq!(masks, Masks { common: 0, odd: [(2, 7)].into() });
    }
}
