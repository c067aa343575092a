//! The chunks of one array, in columns.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::UrlId;

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
    /// Bytes of each referenced chunk.
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
    /// Chunks that are referenced or inline.
    pub fn present(&self) -> usize {
        self.number.len() + self.inline.len()
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
    }
}
