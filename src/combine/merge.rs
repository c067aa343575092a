//! The chunks of a combined array, from the columns of the sets. Reads nothing.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

use super::columns::Columns;
use super::combined::Part;
use super::inputs::{Inputs, Member};
use super::layout::AxisMap;
use super::overlap::Overlap;
use crate::convert::{narrow, wide};
use crate::error::Error;
use crate::reference::Manifest;
use crate::reference::grid::grid;
use crate::reference::key::{chunk_name, joined};
use crate::zarr::ArrayMetadata;

/// The places of one chunk: its numbers in the combined grid, and which tile of it goes there.
struct Places<'a> {
    maps: &'a [AxisMap],
    /// How many chunks of the set's own grid there are along each dimension; 1 for those that it lacks.
    own: Vec<u64>,
    /// Chunks of the combined grid from one index to the next.
    strides: Vec<u64>,
}

/// The chunks of an array, which are not in the sets any more.
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
    let mut strides = vec![1_u64; grid.len()];
    let mut chunks = 1_u64;
    for (stride, size) in strides.iter_mut().zip(&grid).rev() {
        *stride = chunks;
        let too_many = || Error::Combine { input: String::new(), problem: format!("{name} has more than 2^64 chunks") };
        chunks = chunks.checked_mul((*size).max(1)).ok_or_else(too_many)?;
    }
    let mut moving = Moving::of(inputs.take_columns(path));
    let mut total = 0_u64;
    for part in parts {
        let Some(own) = inputs.sets.get_mut(part.set).and_then(|input| input.member_mut(path)) else { continue };
        let places = Places::new(&part.maps, &own.grid, strides.clone());
        total = total.saturating_add(places.count(wide(own.rows.len() + own.inline.len())));
        crate::limits::check("chunks", total, most_chunks)?;
        if let Some(odd) = part.cut_from.and_then(|chunk_bytes| moving.odd(own, chunk_bytes)) {
            let problem =
                format!("{name}: a chunk that is to be cut has {odd} bytes instead of {}", part.cut_from.unwrap_or(0));
            return Err(Error::Combine { input: String::new(), problem });
        }
        moving.part(own.rows.clone(), std::mem::take(&mut own.inline), &places, part.tile_bytes);
    }
    let (mut columns, inline) = moving.finish();
    columns.sort();
    finish(columns, inline, grid, &name, overlap)
}

/// The rows of all sets, on their way to their places. They stay where they are: only those that come to several places grow the columns.
struct Moving {
    columns: Columns,
    moved: Vec<bool>,
    inline: Vec<(u64, Bytes)>,
}

impl Moving {
    fn of(columns: Columns) -> Self {
        Self { moved: vec![false; columns.number.len()], columns, inline: Vec::new() }
    }

    /// The bytes of a chunk of a set that has not as many as it should.
    fn odd(&self, own: &Member, chunk_bytes: u64) -> Option<u64> {
        let is_odd = |length: &u64| *length != chunk_bytes && *length != Manifest::WHOLE;
        let referenced = self.columns.length.get(own.rows.clone()).unwrap_or_default().iter().copied();
        referenced.chain(own.inline.values().map(|bytes| wide(bytes.len()))).find(is_odd)
    }

    fn part(&mut self, rows: Range<usize>, inline: BTreeMap<u64, Bytes>, places: &Places<'_>, tile_bytes: u64) {
        let (columns, moved) = (&mut self.columns, &mut self.moved);
        for row in rows {
            let Some((number, url, offset, length)) = columns.row(row) else { continue };
            places.of(number, |number, tile| {
                let offset = offset.saturating_add(tile.map_or(0, |tile| tile.saturating_mul(tile_bytes)));
                let length = if tile.is_some() { tile_bytes } else { length };
                match moved.get_mut(row) {
                    Some(is_moved) if !*is_moved => {
                        *is_moved = true;
                        columns.set(row, (number, url, offset, length));
                    }
                    _ => columns.push((number, url, offset, length)),
                }
            });
        }
        let mut at = Vec::new();
        for (number, bytes) in inline {
            at.clear();
            places.of(number, |number, tile| at.push((number, tile)));
            if let [(number, None)] = *at.as_slice() {
                self.inline.push((number, bytes));
                continue;
            }
            let part = |tile: Option<u64>| {
                let start = narrow(tile.unwrap_or(0).saturating_mul(tile_bytes)).min(bytes.len());
                let end = tile.map_or(bytes.len(), |_| start.saturating_add(narrow(tile_bytes)).min(bytes.len()));
                bytes.slice(start..end)
            };
            self.inline.extend(at.iter().map(|(number, tile)| (*number, part(*tile))));
        }
    }

    /// The rows that have a place.
    fn finish(self) -> (Columns, Vec<(u64, Bytes)>) {
        let Self { mut columns, moved, mut inline } = self;
        if moved.contains(&false) {
            columns.keep(|row| moved.get(row).copied().unwrap_or(true));
        }
        inline.sort_by_key(|(number, _)| *number);
        (columns, inline)
    }
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
        let mut take = |base: u64| match tiles {
            None => takes(base, None),
            Some((tiles, stride)) => tiles.iter().for_each(|(tile, at)| takes(base + at * stride, Some(*tile))),
        };
        if repeated.is_empty() {
            return take(base);
        }
        let mut bases = vec![base];
        for (at, stride) in repeated {
            bases = bases.iter().flat_map(|base| at.iter().map(move |at| base + at * stride)).collect();
        }
        bases.into_iter().for_each(take);
    }
}

/// The manifest, in which each chunk is once.
fn finish(
    mut columns: Columns,
    all_inline: Vec<(u64, Bytes)>,
    grid: Vec<u64>,
    name: &str,
    overlap: Option<&Overlap<'_>>,
) -> Result<Manifest, Error> {
    let wrong = |number: u64| {
        let problem = match overlap {
            Some(overlap) => format!("duplicate: {}", overlap.words("chunks", number, &grid)),
            None => "is there twice".to_owned(),
        };
        Error::Combine { input: joined(name, &chunk_name(number, &grid)), problem }
    };
    let mut inline: Vec<(u64, Bytes)> = Vec::with_capacity(all_inline.len());
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for (number, bytes) in all_inline {
        match inline.last() {
            Some((last, known)) if *last == number && *known == bytes => *counts.entry(number).or_insert(1) += 1,
            Some((last, _)) if *last == number => return Err(wrong(number)),
            _ if columns.number.binary_search(&number).is_ok() => return Err(wrong(number)),
            _ => inline.push((number, bytes)),
        }
    }
    let inline: BTreeMap<u64, Bytes> = inline.into_iter().collect();
    let counts = columns.without_repeats(counts).map_err(wrong)?;
    if let Some(overlap) = overlap {
        overlap.check(&grid, &columns.number, inline.keys(), &counts).map_err(wrong)?;
    }
    Ok(columns.into_manifest(grid, inline))
}

#[cfg(test)]
mod tests {
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
}
