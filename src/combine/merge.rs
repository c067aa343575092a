//! The chunks of a combined array, from the columns of the sets. Reads nothing.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::along::Part;
use super::axis::Axis;
use super::cells::Cells;
use super::inputs::Inputs;
use super::layout::AxisMap;
use crate::convert::{narrow, wide};
use crate::error::Error;
use crate::reference::grid::grid;
use crate::reference::key::{chunk_name, joined};
use crate::reference::{Manifest, UrlId, Urls};
use crate::zarr::ArrayMetadata;

/// Columns that grow.
#[derive(Default)]
struct Columns {
    number: Vec<u64>,
    url: Vec<UrlId>,
    offset: Vec<u64>,
    length: Vec<u64>,
    inline: Vec<(u64, Bytes)>,
}

/// The places of one chunk: its numbers in the combined grid, and which tile of it goes there.
struct Places<'a> {
    maps: &'a [AxisMap],
    /// How many chunks of the set's own grid there are along each dimension; 1 for those that it lacks.
    own: Vec<u64>,
    /// Chunks of the combined grid from one index to the next.
    strides: Vec<u64>,
}

/// Takes the chunks of an array out of the sets.
pub(super) fn merged(
    path: usize,
    metadata: &ArrayMetadata,
    parts: &[Part],
    inputs: &mut Inputs,
    overlap: Option<&Overlap<'_>>,
    most_chunks: u64,
) -> Result<Manifest, Error> {
    let grid = grid(&metadata.shape, &metadata.chunks);
    let name = inputs.paths.get(path).cloned().unwrap_or_default();
    let mut columns = Columns::with_room(path, parts, inputs);
    let wrong = |problem: String| Error::Combine { input: String::new(), problem: format!("{name}: {problem}") };
    let mut total = 0_u64;
    let mut strides = vec![1_u64; grid.len()];
    let mut chunks = 1_u64;
    for (stride, size) in strides.iter_mut().zip(&grid).rev() {
        *stride = chunks;
        let too_many = || Error::Combine { input: String::new(), problem: format!("{name} has more than 2^64 chunks") };
        chunks = chunks.checked_mul((*size).max(1)).ok_or_else(too_many)?;
    }
    for part in parts {
        let Some(own) = inputs.sets.get_mut(part.set).and_then(|input| input.take_chunks(path)) else { continue };
        let places = Places::new(&part.maps, &own.grid, strides.clone());
        total = total.saturating_add(places.count(wide(own.present())));
        crate::limits::check("chunks", total, most_chunks)?;
        if let Some(chunk_bytes) = part.cut_from {
            let is_whole = |length: &u64| *length == chunk_bytes || *length == Manifest::WHOLE;
            let odd = own.length.iter().find(|length| !is_whole(length)).copied();
            if let Some(odd) =
                odd.or_else(|| own.inline.values().map(|bytes| wide(bytes.len())).find(|odd| *odd != chunk_bytes))
            {
                return Err(wrong(format!("a chunk that is to be cut has {odd} bytes instead of {chunk_bytes}")));
            }
        }
        columns.take(&own, &places, part.tile_bytes);
    }
    columns.sort();
    columns.finish(grid, &name, overlap)
}

impl<'a> Places<'a> {
    fn new(maps: &'a [AxisMap], grid: &[u64], strides: Vec<u64>) -> Self {
        let mut grid = grid.iter().copied();
        let own = maps.iter().map(|map| if matches!(map, AxisMap::Repeated(_)) { 1 } else { grid.next().unwrap_or(1) });
        Self { maps, own: own.collect(), strides }
    }

    /// How many chunks so many of a set become at most.
    fn count(&self, chunks: u64) -> u64 {
        let most = |map: &AxisMap| match map {
            AxisMap::Same | AxisMap::Moved(_) => 1,
            AxisMap::Repeated(at) => wide(at.len()),
            AxisMap::Tiled(tiles) => tiles.iter().map(|tiles| wide(tiles.len())).max().unwrap_or(0),
        };
        self.maps.iter().map(most).fold(chunks, u64::saturating_mul)
    }

    /// Calls `takes` with each number that a chunk gets, and the tile of it.
    fn of(&self, number: u64, mut takes: impl FnMut(u64, Option<u64>)) {
        let mut rest = number;
        let (mut base, mut repeated, mut tiles) = (0_u64, Vec::new(), None);
        for ((map, own), stride) in self.maps.iter().zip(&self.own).zip(&self.strides).rev() {
            let index = rest % (*own).max(1);
            match map {
                AxisMap::Repeated(at) => {
                    if let [only] = at.as_slice() {
                        base += only * stride;
                    } else {
                        repeated.push((at, *stride));
                    }
                    continue;
                }
                AxisMap::Same => base += index * stride,
                AxisMap::Moved(at) => match at.get(narrow(index)) {
                    Some(Some(at)) => base += at * stride,
                    _ => return,
                },
                AxisMap::Tiled(all) => tiles = all.get(narrow(index)).map(|tiles| (tiles, *stride)),
            }
            rest /= (*own).max(1);
        }
        let mut bases = vec![base];
        for (at, stride) in repeated {
            bases = bases.iter().flat_map(|base| at.iter().map(move |at| base + at * stride)).collect();
        }
        for base in bases {
            match tiles {
                None => takes(base, None),
                Some((tiles, stride)) => tiles.iter().for_each(|(tile, at)| takes(base + at * stride, Some(*tile))),
            }
        }
    }
}

impl Columns {
    /// Room for as many chunks as the sets have; those that are repeated or cut make it grow.
    fn with_room(path: usize, parts: &[Part], inputs: &Inputs) -> Self {
        let member = |part: &Part| inputs.sets.get(part.set).and_then(|input| input.member(path));
        let rows = parts.iter().filter_map(member).map(|member| member.chunks.number.len()).sum();
        Self {
            number: Vec::with_capacity(rows),
            url: Vec::with_capacity(rows),
            offset: Vec::with_capacity(rows),
            length: Vec::with_capacity(rows),
            inline: Vec::new(),
        }
    }

    fn take(&mut self, own: &Manifest, places: &Places<'_>, tile_bytes: u64) {
        for (n, ((number, offset), length)) in own.number.iter().zip(&own.offset).zip(&own.length).enumerate() {
            let url = own.url(n);
            places.of(*number, |number, tile| {
                self.number.push(number);
                self.url.push(url);
                self.offset.push(offset.saturating_add(tile.map_or(0, |tile| tile.saturating_mul(tile_bytes))));
                self.length.push(if tile.is_some() { tile_bytes } else { *length });
            });
        }
        for (number, bytes) in &own.inline {
            places.of(*number, |number, tile| {
                let bytes = match tile {
                    None => bytes.clone(),
                    Some(tile) => {
                        let start = narrow(tile.saturating_mul(tile_bytes)).min(bytes.len());
                        bytes.slice(start..start.saturating_add(narrow(tile_bytes)).min(bytes.len()))
                    }
                };
                self.inline.push((number, bytes));
            });
        }
    }

    /// Brings the rows into the order of their numbers. In place: one number of 32 bits a row is all that it takes more.
    fn sort(&mut self) {
        self.inline.sort_by_key(|(number, _)| *number);
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

    /// The manifest, in which each chunk is once.
    fn finish(mut self, grid: Vec<u64>, name: &str, overlap: Option<&Overlap<'_>>) -> Result<Manifest, Error> {
        let wrong = |number: u64| {
            let problem = match overlap {
                Some(overlap) => overlap.words(number, &grid),
                None => "is there twice".to_owned(),
            };
            Error::Combine { input: joined(name, &chunk_name(number, &grid)), problem }
        };
        let mut inline: BTreeMap<u64, Bytes> = BTreeMap::new();
        let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
        for (number, bytes) in std::mem::take(&mut self.inline) {
            *counts.entry(number).or_default() += 1;
            if inline.get(&number).is_some_and(|known| *known != bytes) || self.number.binary_search(&number).is_ok() {
                return Err(wrong(number));
            }
            inline.insert(number, bytes);
        }
        let counts = self.without_repeats(counts).map_err(wrong)?;
        if let Some(overlap) = overlap {
            overlap.check(&grid, &self.number, inline.keys(), &counts).map_err(wrong)?;
        }
        let first = self.url.first().copied().unwrap_or_default();
        let one = self.url.iter().all(|url| *url == first);
        let urls = if one { Urls::One(first) } else { Urls::Each(self.url) };
        Ok(Manifest { grid, number: self.number, urls, offset: self.offset, length: self.length, inline })
    }

    /// Leaves out rows that say the same as the one before; how often each number was there, where it was more than once.
    fn without_repeats(&mut self, mut counts: BTreeMap<u64, usize>) -> Result<BTreeMap<u64, usize>, u64> {
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
            let keep = |row: usize| repeated.binary_search(&row).is_err();
            retain(&mut self.number, keep);
            retain(&mut self.url, keep);
            retain(&mut self.offset, keep);
            retain(&mut self.length, keep);
        }
        Ok(counts)
    }
}

/// Combinations of coordinates that more than one set has, as the grid of one array sees them.
pub(super) struct Overlap<'a> {
    pub(super) cells: &'a Cells,
    pub(super) axes: &'a [Axis],
    /// For each dimension of the array: the axis, and the length of chunks along it.
    pub(super) dimensions: Vec<Option<(usize, u64)>>,
    pub(super) names: Vec<String>,
}

impl Overlap<'_> {
    /// Whether every chunk at a place that several sets have is in all of them: one that is in some only is another chunk.
    fn check<'k>(
        &self,
        grid: &[u64],
        numbers: &'k [u64],
        inline: impl Iterator<Item = &'k u64>,
        counts: &BTreeMap<u64, usize>,
    ) -> Result<(), u64> {
        for number in numbers.iter().chain(inline) {
            let expected = self.sets_at(*number, grid).len();
            if expected > 1 && counts.get(number).copied().unwrap_or(1) != expected {
                return Err(*number);
            }
        }
        Ok(())
    }

    /// The sets that have the first element of a chunk.
    fn sets_at(&self, number: u64, grid: &[u64]) -> &[u32] {
        self.cells.sets_of(self.cell(number, grid))
    }

    fn cell(&self, number: u64, grid: &[u64]) -> u64 {
        let position = crate::reference::grid::position(number, grid);
        let mut at = vec![0_u64; self.axes.len()];
        for (index, dimension) in position.iter().zip(&self.dimensions) {
            if let Some((axis, chunk)) = dimension
                && let Some(at) = at.get_mut(*axis)
            {
                *at = index * chunk;
            }
        }
        at.iter().zip(self.axes).fold(0, |cell, (at, axis)| cell * axis.length() + at)
    }

    /// What is wrong about a chunk: the coordinates and the sets.
    fn words(&self, number: u64, grid: &[u64]) -> String {
        let mut cell = self.cell(number, grid);
        let mut coordinates = Vec::new();
        for axis in self.axes.iter().rev() {
            coordinates.push(axis.show(cell % axis.length().max(1)));
            cell /= axis.length().max(1);
        }
        coordinates.reverse();
        let sets: Vec<&str> = self
            .sets_at(number, grid)
            .iter()
            .filter_map(|set| self.names.get(narrow((*set).into())))
            .map(String::as_str)
            .collect();
        format!(
            "duplicate: {} is in {} sets, whose chunks differ [{}] (--policy duplicate=first takes the set with the first name)",
            coordinates.join(", "),
            sets.len(),
            sets.join(", ")
        )
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

    #[test]
    fn a_chunk_gets_the_numbers_of_its_places() {
        // Own grid [2, 3] in dimensions 1 and 2 of [4 (repeated), 5 (moved), 3 (same)].
        let maps = vec![AxisMap::Repeated(vec![1, 3]), AxisMap::Moved(vec![Some(4), None]), AxisMap::Same];
        let places = Places::new(&maps, &[2, 3], vec![15, 3, 1]);
        let of = |number| {
            let mut all = Vec::new();
            places.of(number, |number, tile| all.push((number, tile)));
            all
        };
        assert_eq!(of(2), [(15 + 12 + 2, None), (45 + 12 + 2, None)]);
        assert_eq!(of(3), []);
        let maps = vec![AxisMap::Tiled(vec![vec![(0, 5), (1, 6)], vec![]]), AxisMap::Same];
        let places = Places::new(&maps, &[2, 2], vec![2, 1]);
        let mut all = Vec::new();
        places.of(1, |number, tile| all.push((number, tile)));
        assert_eq!(all, [(11, Some(0)), (13, Some(1))]);
    }

    proptest! {
        #[test]
        fn columns_are_sorted_in_place(numbers in prop::collection::vec(any::<u64>(), 0..200)) {
            let mut columns = Columns {
                number: numbers.clone(),
                url: numbers.iter().map(|_| UrlId(1)).collect(),
                offset: numbers.iter().map(|n| n ^ 5).collect(),
                length: numbers.clone(),
                inline: Vec::new(),
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
