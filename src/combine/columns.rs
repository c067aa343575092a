//! The chunks of one path in all sets: columns in which each set has some rows.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

use crate::convert::narrow;
use crate::reference::{Manifest, UrlId, Urls};

/// Chunks in rows.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) number: Vec<u64>,
    pub(super) url: Vec<UrlId>,
    pub(super) offset: Vec<u64>,
    pub(super) length: Vec<u64>,
}

/// A chunk: its number, its file, and where it lies in it.
pub(super) type Row = (u64, UrlId, u64, u64);

impl Columns {
    /// Adds the rows of a manifest; gives their places.
    pub(super) fn add(&mut self, chunks: &Manifest, id: impl Fn(UrlId) -> UrlId) -> Range<usize> {
        let start = self.number.len();
        self.number.extend_from_slice(&chunks.number);
        self.offset.extend_from_slice(&chunks.offset);
        self.length.extend_from_slice(&chunks.length);
        match &chunks.urls {
            Urls::One(url) => self.url.resize(self.number.len(), id(*url)),
            Urls::Each(urls) => self.url.extend(urls.iter().map(|url| id(*url))),
        }
        start..self.number.len()
    }

    /// Rows as a manifest.
    pub(super) fn manifest(&self, rows: Range<usize>, grid: Vec<u64>, inline: BTreeMap<u64, Bytes>) -> Manifest {
        let part = Self {
            number: self.number.get(rows.clone()).unwrap_or_default().to_vec(),
            url: self.url.get(rows.clone()).unwrap_or_default().to_vec(),
            offset: self.offset.get(rows.clone()).unwrap_or_default().to_vec(),
            length: self.length.get(rows).unwrap_or_default().to_vec(),
        };
        part.into_manifest(grid, inline)
    }

    /// All rows as a manifest.
    pub(super) fn into_manifest(self, grid: Vec<u64>, inline: BTreeMap<u64, Bytes>) -> Manifest {
        let first = self.url.first().copied().unwrap_or_default();
        let one = self.url.iter().all(|url| *url == first);
        let urls = if one { Urls::One(first) } else { Urls::Each(self.url) };
        Manifest { grid, number: self.number, urls, offset: self.offset, length: self.length, inline }
    }

    /// Whether two sets have the same rows.
    pub(super) fn are_equal(&self, a: &Range<usize>, b: &Range<usize>) -> bool {
        self.number.get(a.clone()) == self.number.get(b.clone())
            && self.url.get(a.clone()) == self.url.get(b.clone())
            && self.offset.get(a.clone()) == self.offset.get(b.clone())
            && self.length.get(a.clone()) == self.length.get(b.clone())
    }

    pub(super) fn row(&self, row: usize) -> Option<Row> {
        Some((*self.number.get(row)?, *self.url.get(row)?, *self.offset.get(row)?, *self.length.get(row)?))
    }

    pub(super) fn set(&mut self, row: usize, (number, url, offset, length): Row) {
        let columns =
            (self.number.get_mut(row), self.url.get_mut(row), self.offset.get_mut(row), self.length.get_mut(row));
        if let (Some(to_number), Some(to_url), Some(to_offset), Some(to_length)) = columns {
            (*to_number, *to_url, *to_offset, *to_length) = (number, url, offset, length);
        }
    }

    pub(super) fn push(&mut self, (number, url, offset, length): Row) {
        self.number.push(number);
        self.url.push(url);
        self.offset.push(offset);
        self.length.push(length);
    }

    /// Keeps some rows.
    pub(super) fn keep(&mut self, keep: impl Fn(usize) -> bool) {
        retain(&mut self.number, &keep);
        retain(&mut self.url, &keep);
        retain(&mut self.offset, &keep);
        retain(&mut self.length, &keep);
    }

    /// Brings the rows into the order of their numbers. In place: one number of 32 bits a row is all that it takes more.
    pub(super) fn sort(&mut self) {
        if self.number.is_sorted() {
            return;
        }
        let mut order: Vec<u32> = (0..u32::try_from(self.number.len()).unwrap_or(u32::MAX)).collect();
        order.sort_by_key(|row| self.number.get(narrow((*row).into())).copied());
        permute(&order, &mut self.number);
        permute(&order, &mut self.url);
        permute(&order, &mut self.offset);
        permute(&order, &mut self.length);
    }

    /// Leaves out rows that say the same as the one before; how often each number was there, where it was more than once.
    pub(super) fn without_repeats(&mut self, mut counts: BTreeMap<u64, usize>) -> Result<BTreeMap<u64, usize>, u64> {
        let repeats = |row: usize| row > 0 && self.number.get(row) == self.number.get(row - 1);
        let repeated: Vec<usize> = (1..self.number.len()).filter(|row| repeats(*row)).collect();
        for row in &repeated {
            let is_same = self.url.get(*row) == self.url.get(row - 1)
                && self.offset.get(*row) == self.offset.get(row - 1)
                && self.length.get(*row) == self.length.get(row - 1);
            let number = self.number.get(*row).copied().unwrap_or_default();
            if !is_same {
                return Err(number);
            }
            *counts.entry(number).or_insert(1) += 1;
        }
        if !repeated.is_empty() {
            self.keep(|row| repeated.binary_search(&row).is_err());
        }
        Ok(counts)
    }
}

/// Puts the rows of a column in an order: `order` has the old place of each.
fn permute<T: Copy>(order: &[u32], column: &mut [T]) {
    let mut done = vec![0_u64; column.len().div_ceil(64)];
    let is_done = |done: &[u64], row: usize| done.get(row / 64).is_some_and(|bits| bits >> (row % 64) & 1 == 1);
    for start in 0..column.len() {
        if is_done(&done, start) {
            continue;
        }
        let (mut to, Some(first)) = (start, column.get(start).copied()) else { continue };
        loop {
            if let Some(bits) = done.get_mut(to / 64) {
                *bits |= 1 << (to % 64);
            }
            let from = order.get(to).map_or(to, |from| narrow((*from).into()));
            if from == start || is_done(&done, from) {
                break;
            }
            column.copy_within(from..=from, to);
            to = from;
        }
        if let Some(place) = column.get_mut(to) {
            *place = first;
        }
    }
}

fn retain<T>(column: &mut Vec<T>, keep: impl Fn(usize) -> bool) {
    let mut row = 0;
    column.retain(|_| {
        row += 1;
        keep(row - 1)
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn columns_are_sorted_in_place(numbers in prop::collection::vec(any::<u64>(), 0..200)) {
            let mut columns = Columns {
                number: numbers.clone(),
                url: numbers.iter().map(|_| UrlId(1)).collect(),
                offset: numbers.iter().map(|n| n ^ 5).collect(),
                length: numbers.clone(),
            };
            columns.sort();
            let mut sorted = numbers;
            sorted.sort_unstable();
            prop_assert_eq!(&columns.number, &sorted);
            prop_assert_eq!(columns.offset, sorted.iter().map(|n| n ^ 5).collect::<Vec<_>>());
            prop_assert_eq!(columns.length, sorted);
        }
    }
}
