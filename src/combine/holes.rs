//! Combinations of coordinates of a set at which it has no chunk of any array.

use std::collections::HashSet;

use super::axis::Axis;
use super::dimensions::dimensions;
use super::inputs::{Input, Inputs, Member};
use crate::convert::{narrow, wide};
use crate::reference::grid::position;

/// The combinations, by number, at which a set has a chunk. A set that was combined along several dimensions has holes: it says nothing
/// about what is there.
pub(super) fn filled(inputs: &Inputs, axes: &[Axis], set: usize) -> HashSet<u64> {
    let mut cells = HashSet::new();
    let Some(input) = inputs.sets.get(set) else { return cells };
    let coordinates: Vec<Option<usize>> = axes.iter().map(|axis| inputs.find(&axis.path(inputs))).collect();
    for member in along(input, axes).filter(|member| !coordinates.contains(&Some(member.path))) {
        let places = places(member, axes);
        let numbers = inputs.columns(member.path).and_then(|columns| columns.number.get(member.rows.clone()));
        for number in numbers.unwrap_or_default().iter().chain(member.inline.keys()) {
            let at = position(*number, &member.grid);
            cells.extend(cells_of(axes, set, &places, &at));
        }
    }
    cells
}

/// The arrays that have any of the axes.
fn along<'a>(input: &'a Input, axes: &'a [Axis]) -> impl Iterator<Item = &'a Member> {
    let has = |member: &&Member| dimensions(member).iter().any(|name| axes.iter().any(|axis| axis.name == *name));
    input.members.iter().filter(has)
}

/// For each axis: which dimension of an array it is, and the length of chunks along it.
fn places(member: &Member, axes: &[Axis]) -> Vec<Option<(usize, u64)>> {
    let names = dimensions(member);
    let place = |axis: &Axis| {
        let at = names.iter().position(|name| *name == axis.name)?;
        Some((at, *member.array()?.0.chunks.get(at)?))
    };
    axes.iter().map(place).collect()
}

/// The combinations that a chunk has elements of; all along axes that the array lacks.
fn cells_of(axes: &[Axis], set: usize, places: &[Option<(usize, u64)>], at: &[u64]) -> Vec<u64> {
    let mut cells = vec![0_u64];
    for (axis, place) in axes.iter().zip(places) {
        let all = axis.positions.get(set).map_or(&[][..], Vec::as_slice);
        let rows = match place {
            None => 0..all.len(),
            Some((dimension, chunk)) => {
                let first = at.get(*dimension).copied().unwrap_or(0).saturating_mul(*chunk);
                narrow(first.min(wide(all.len())))..narrow(first.saturating_add(*chunk).min(wide(all.len())))
            }
        };
        let length = axis.length();
        let own = all.get(rows).unwrap_or_default();
        cells = cells
            .iter()
            .flat_map(|cell| own.iter().map(move |at| cell.saturating_mul(length).saturating_add(*at)))
            .collect();
    }
    cells
}
