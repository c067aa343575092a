//! The chunks of one array, in columns.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{Reference, UrlId};

/// Where each chunk of an array lies. A chunk that is neither in the columns nor inline is missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// Number of chunks in each dimension.
    pub grid: Vec<u64>,
    /// Number of each referenced chunk: its position in the grid, in C order; ascending.
    pub number: Vec<u64>,
    /// The file of each referenced chunk.
    pub urls: Urls,
    /// Offset of each referenced chunk in its file.
    pub offset: Vec<u64>,
    /// Bytes of each referenced chunk, or [`Self::WHOLE`].
    pub length: Vec<u64>,
    /// Encoded chunks that are held here, by number; none of them is in the columns.
    pub inline: BTreeMap<u64, Bytes>,
}

/// The files of a manifest's chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Urls {
    /// All in one file.
    One(UrlId),
    /// One file for each chunk.
    Each(Vec<UrlId>),
}

impl Default for Urls {
    fn default() -> Self {
        Self::One(UrlId(0))
    }
}

impl Manifest {
    /// The length of a chunk that is a whole file, however long that is; its offset is 0.
    pub const WHOLE: u64 = u64::MAX;

    /// What a chunk is, by its number; `None` if it is missing.
    pub fn get(&self, number: u64) -> Option<Reference> {
        if let Some(bytes) = self.inline.get(&number) {
            return Some(Reference::Inline(bytes.clone()));
        }
        let n = self.number.binary_search(&number).ok()?;
        let (offset, length) = (*self.offset.get(n)?, *self.length.get(n)?);
        Some(match length {
            Self::WHOLE => Reference::Whole { url: self.url(n) },
            length => Reference::Range { url: self.url(n), offset, length },
        })
    }

    /// Chunks that are referenced or inline.
    pub fn present(&self) -> usize {
        self.number.len() + self.inline.len()
    }

    /// The files of all referenced chunks.
    pub fn files(&self) -> BTreeSet<UrlId> {
        match &self.urls {
            Urls::One(_) if self.number.is_empty() => BTreeSet::new(),
            Urls::One(url) => BTreeSet::from([*url]),
            Urls::Each(urls) => urls.iter().copied().collect(),
        }
    }

    /// The file of the `n`th referenced chunk.
    pub fn url(&self, n: usize) -> UrlId {
        match &self.urls {
            Urls::One(url) => *url,
            Urls::Each(urls) => urls.get(n).copied().unwrap_or_default(),
        }
    }

    /// Moves referenced chunks inline; `bytes` has each one's number and bytes, in ascending order of number.
    pub(crate) fn hold_inline(&mut self, bytes: Vec<(u64, Bytes)>) {
        self.inline.extend(bytes);
        let keep: Vec<bool> = self.number.iter().map(|number| !self.inline.contains_key(number)).collect();
        retain(&mut self.number, &keep);
        retain(&mut self.offset, &keep);
        retain(&mut self.length, &keep);
        if let Urls::Each(urls) = &mut self.urls {
            retain(urls, &keep);
        }
    }
}

fn retain<T>(column: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    column.retain(|_| keep.next().is_some_and(|keep| *keep));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_referenced_or_inline_and_never_both() {
        let mut manifest = Manifest {
            grid: vec![4],
            number: vec![0, 1, 3],
            offset: vec![10, 20, 30],
            length: vec![1, 2, 3],
            ..Manifest::default()
        };
        manifest.hold_inline(vec![(1, Bytes::from_static(b"xy"))]);
        assert_eq!(
            (manifest.number.clone(), manifest.offset.clone(), manifest.length.clone()),
            (vec![0, 3], vec![10, 30], vec![1, 3])
        );
        assert_eq!((manifest.present(), manifest.url(1)), (3, UrlId(0)));
        assert_eq!(manifest.get(1), Some(Reference::Inline(Bytes::from_static(b"xy"))));
        assert_eq!(manifest.get(3), Some(Reference::Range { url: UrlId(0), offset: 30, length: 3 }));
        assert_eq!(manifest.get(2), None);
        assert_eq!(manifest.files(), BTreeSet::from([UrlId(0)]));
        assert_eq!(
            Manifest { urls: Urls::Each(vec![UrlId(2), UrlId(1), UrlId(2)]), ..manifest.clone() }.files().len(),
            2
        );
        assert!(Manifest::default().files().is_empty());
        manifest.length[1] = Manifest::WHOLE;
        assert_eq!(manifest.get(3), Some(Reference::Whole { url: UrlId(0) }));
    }
}
