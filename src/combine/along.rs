//! Arrays along the axes: what must be alike is checked, and each set's chunks get their places.

use super::axis::Axis;
use super::bounds::Bounds;
use super::cells::Cells;
use super::combined::{Chunks, Combined, Part};
use super::coordinate::name;
use super::dimensions::{dimensions, united};
use super::findings::{Findings, Weight};
use super::held::Held;
use super::inputs::{Inputs, Member};
use super::layout::{AxisMap, moved, tile, tiled};
use super::restore::{Restore, is_stored_anew};
use super::rule::{Rule, keep_units};
use super::sets::Sets;
use super::times::units_in;
use super::{Check, CombineOptions, Policy, attributes, fills};
use crate::error::Error;
use crate::zarr::{ArrayMetadata, Attributes, Order};

/// What is known of the sets when an array is looked at.
pub(super) struct Along<'a, 's> {
    pub(super) inputs: &'a Inputs,
    pub(super) axes: &'a [Axis],
    pub(super) options: &'a CombineOptions,
    /// The sets, the smallest coordinates first.
    pub(super) order: &'a [usize],
    pub(super) cells: &'a Cells,
    pub(super) held: &'a mut Held<'s>,
    pub(super) bounds: &'a mut Bounds,
}

/// The metadata of a combined array without its chunks, and how these lie.
struct Laid {
    chunks: Vec<u64>,
    parts: Vec<Part>,
}

impl<'a> Along<'a, '_> {
    /// The combined array of a path; `None` where it is left out.
    pub(super) fn array(&mut self, path: usize, findings: &mut Findings) -> Result<Option<Combined>, Error> {
        let Some(sets) = self.sets(path, findings) else { return Ok(None) };
        let Some(first) = sets.first() else { return Ok(None) };
        let rule = match Rule::of(&sets, self.inputs, self.bounds) {
            Ok(rule) => rule,
            Err(problem) => {
                self.refuse_units(&sets, || problem, findings);
                return Ok(None);
            }
        };
        let all: Vec<(&str, &Attributes)> =
            sets.members.iter().filter_map(|(set, member, _)| Some((self.name(*set), member.array()?.1))).collect();
        let (mut merged, is_left_out) =
            attributes::merged(sets.name, &all, &self.options.policies, rule.is_some(), findings);
        let mut fits = !is_left_out && self.check_alike(&sets, first, findings);
        let is_there = self.check_missing(&sets, findings);
        if !is_there && self.options.policies.get(Check::Missing) == Policy::Drop {
            return Ok(None);
        }
        fits &= is_there;
        let Some(shape) = self.shape(&sets, first, findings) else { return Ok(None) };
        let fill = fills::combined(&sets, self.cells, self.options, |set| self.name(set), findings);
        let Some(fills::Fill(fill_value)) = fill.filter(|_| fits) else { return Ok(None) };
        merged.set_dimensions(&sets.dimensions);
        keep_units(&mut merged, &sets, self.inputs, self.axes, self.bounds)?;
        let mut metadata = ArrayMetadata { shape, fill_value, ..first.clone() };
        let rule = rule.filter(Rule::changes);
        let is_small = Restore::bytes(&metadata) <= self.options.inline_array_bytes;
        let is_again = is_small && sets.members.iter().any(|(_, member, _)| is_stored_anew(member));
        if rule.is_none()
            && !is_again
            && let Some(Laid { chunks, parts }) = self.lay(&sets, first, &metadata.shape)?
        {
            metadata.chunks = chunks;
            return Ok(Some(Combined { metadata, attributes: merged, chunks: Chunks::Parts(parts) }));
        }
        let (inputs, axes, cells) = (self.inputs, self.axes, self.cells);
        let restore = Restore { inputs, axes, sets: &sets, cells };
        if !is_small {
            self.refuse(&sets, first, rule.is_some(), findings);
            return Ok(None);
        }
        let wanted: Vec<(usize, usize)> = sets.members.iter().map(|(set, ..)| (*set, path)).collect();
        self.held.fetch(self.inputs, &wanted)?;
        let is_in_new_units = rule.as_ref().is_some_and(Rule::is_own);
        let (metadata, chunks) = restore.array(metadata, &mut merged, rule, self.held, findings)?;
        if is_in_new_units {
            self.bounds.change(path, &units_in(&merged));
        }
        Ok(Some(Combined { metadata, attributes: merged, chunks: Chunks::Held(chunks) }))
    }

    fn name(&self, set: usize) -> &'a str {
        self.inputs.sets.get(set).map_or("", |input| input.name.as_str())
    }

    /// The array in all sets that have it; `None` where its dimensions do not go together.
    fn sets(&self, path: usize, findings: &mut Findings) -> Option<Sets<'a>> {
        let inputs = self.inputs;
        let member = |set: &usize| {
            let member = inputs.sets.get(*set)?.member(path)?;
            member.array().map(|_| (*set, member, dimensions(member)))
        };
        let members: Vec<_> = self.order.iter().filter_map(member).collect();
        let name = inputs.paths.get(path)?;
        let all: Vec<Vec<String>> = members.iter().map(|(_, _, names)| names.clone()).collect();
        let axes: Vec<&str> = self.axes.iter().map(|axis| axis.name.as_str()).collect();
        match united(&all, &axes) {
            Ok(dimensions) => Some(Sets::new(path, name, dimensions, members, self.axes)),
            Err(at) => {
                let theirs = all.get(at).cloned().unwrap_or_default();
                let what =
                    || format!("has dimensions {theirs:?} instead of {:?}", all.first().cloned().unwrap_or_default());
                let set = members.get(at).map(|(set, ..)| self.name(*set));
                findings.add(self.weight(Check::Shape), Check::Shape, name, set, what);
                None
            }
        }
    }

    /// How much a difference weighs by its policy.
    fn weight(&self, check: Check) -> Weight {
        self.options.policies.weight(check)
    }

    /// Whether the types are alike.
    fn check_alike(&self, sets: &Sets<'_>, first: &ArrayMetadata, findings: &mut Findings) -> bool {
        let mut alike = true;
        for (set, other) in sets.metadata() {
            let is_same = other.dtype == first.dtype;
            if !is_same {
                let what = || format!("is of type {} instead of {}", name(&other.dtype), name(&first.dtype));
                findings.add(self.weight(Check::Dtype), Check::Dtype, sets.name, Some(self.name(set)), what);
                alike = false;
            }
        }
        alike
    }

    /// Whether all sets have the array, or need not.
    fn check_missing(&self, sets: &Sets<'_>, findings: &mut Findings) -> bool {
        let policy = self.options.policies.get(Check::Missing);
        let having = sets.numbers();
        let mut all = true;
        for set in self.order.iter().filter(|set| !having.contains(set)) {
            let what = || "is in other sets and not here".to_owned();
            findings.add(self.weight(Check::Missing), Check::Missing, sets.name, Some(self.name(*set)), what);
            all = false;
        }
        all || policy == Policy::Fill
    }

    /// The shape of the combined array.
    fn shape(&self, sets: &Sets<'_>, first: &ArrayMetadata, findings: &mut Findings) -> Option<Vec<u64>> {
        let (_, _, first_names) = sets.members.first()?;
        let length_in = |metadata: &ArrayMetadata, names: &[String], dimension: &str| {
            let at = names.iter().position(|name| name == dimension)?;
            metadata.shape.get(at).copied()
        };
        let mut fits = true;
        for (set, member, names) in &sets.members {
            let Some((metadata, _)) = member.array() else { continue };
            for (dimension, length) in names.iter().zip(&metadata.shape) {
                let axis = self.axes.iter().find(|axis| axis.name == *dimension);
                let wanted = match axis {
                    Some(axis) => axis.positions.get(*set).map(|positions| crate::convert::wide(positions.len())),
                    None => length_in(first, first_names, dimension),
                };
                if wanted != Some(*length) {
                    let what = || match axis {
                        Some(_) => {
                            format!("has {length} along {dimension}, and there are {} coordinates", wanted.unwrap_or(0))
                        }
                        None => format!("has {length} along {dimension} instead of {}", wanted.unwrap_or(0)),
                    };
                    findings.add(self.weight(Check::Shape), Check::Shape, sets.name, Some(self.name(*set)), what);
                    fits = false;
                }
            }
        }
        let length = |dimension: &String| match self.axes.iter().find(|axis| axis.name == *dimension) {
            Some(axis) => Some(axis.length()),
            None => length_in(first, first_names, dimension),
        };
        fits.then(|| sets.dimensions.iter().map(length).collect())?
    }

    /// Where the chunks come to lie, if each can be taken as it is, or be cut.
    fn lay(&self, sets: &Sets<'_>, first: &ArrayMetadata, shape: &[u64]) -> Result<Option<Laid>, Error> {
        if !sets.with_elements().all(|(_, other)| is_encoded_alike(other, first)) {
            return Ok(None);
        }
        let mut laid = Laid { chunks: Vec::new(), parts: Vec::new() };
        laid.parts.extend(sets.members.iter().map(|(set, ..)| Part {
            set: *set,
            maps: Vec::new(),
            tile_bytes: 0,
            cut_from: None,
        }));
        let mut cut = None;
        for (at, (dimension, length)) in sets.dimensions.iter().zip(shape).enumerate() {
            let own = own_chunks(sets, dimension);
            let Some(axis) = self.axes.iter().find(|axis| axis.name == *dimension) else {
                let chunks = || own.iter().zip(&sets.members).filter(|(_, (set, ..))| !sets.empty.contains(set));
                let Some(Some(chunk)) = chunks().next().map_or(own.first(), |(chunk, _)| Some(chunk)).copied() else {
                    return Ok(None);
                };
                if chunks().any(|(other, _)| *other != Some(chunk)) {
                    return Ok(None);
                }
                laid.push(chunk, std::iter::repeat_with(|| AxisMap::Same));
                continue;
            };
            let rows: Vec<Vec<Option<u64>>> = sets
                .members
                .iter()
                .map(|(set, ..)| if sets.empty.contains(set) { Vec::new() } else { self.cells.rows(axis, *set) })
                .collect();
            if let Some((chunk, maps)) = whole(&own, &rows, *length) {
                laid.push(chunk, maps.into_iter());
            } else if cut.is_none() && can_cut(sets, &laid) {
                let (chunk, maps) = pieces(&own, &rows, *length);
                laid.push(chunk, maps.into_iter());
                cut = Some(at);
            } else {
                return Ok(None);
            }
        }
        if let Some(at) = cut {
            self.cut_bytes(&mut laid, sets, first, at)?;
        }
        Ok(Some(laid))
    }

    /// Sets how many bytes a tile has, and counts the tiles.
    fn cut_bytes(&self, laid: &mut Laid, sets: &Sets<'_>, first: &ArrayMetadata, at: usize) -> Result<(), Error> {
        let size = first.dtype.size().unwrap_or(0);
        let bytes = laid.chunks.iter().skip(at).try_fold(size, |bytes, chunk| bytes.checked_mul(*chunk));
        let mut tiles = 0_u64;
        for (part, (_, member, _)) in laid.parts.iter_mut().zip(&sets.members) {
            part.tile_bytes = bytes.unwrap_or(u64::MAX);
            if let Some(AxisMap::Tiled(chunks)) = part.maps.get(at) {
                part.cut_from = member.array().and_then(|(metadata, _)| metadata.chunk_bytes());
                tiles = chunks.iter().fold(tiles, |sum, chunk| sum.saturating_add(crate::convert::wide(chunk.len())));
            }
        }
        Ok(crate::limits::check("chunks", tiles, self.options.limits.chunks)?)
    }

    /// Says why an array's chunks neither line up nor are few enough to be stored anew.
    fn refuse(&self, sets: &Sets<'_>, first: &ArrayMetadata, is_time: bool, findings: &mut Findings) {
        let limit = self.options.inline_array_bytes;
        if is_time {
            let what = || {
                format!(
                    "times are in different units, and the array has more than the {limit} bytes that are stored anew"
                )
            };
            return self.refuse_units(sets, what, findings);
        }
        let mut told = false;
        for (set, other) in sets.metadata() {
            let (check, what) = if !is_encoded_alike(other, first) {
                let ids =
                    |metadata: &ArrayMetadata| metadata.codecs().map(|codec| format!("{codec:?}")).collect::<Vec<_>>();
                let (theirs, ours) = (ids(other), ids(first));
                let what = format!(
                    "has codecs {theirs:?} in order {:?} instead of {ours:?} in order {:?}",
                    other.order, first.order
                );
                (Check::Codecs, what)
            } else if other.chunks != first.chunks {
                (Check::Chunks, format!("has chunks {:?} instead of {:?}", other.chunks, first.chunks))
            } else {
                continue;
            };
            told = true;
            let what = || format!("{what}, and the array has more than the {limit} bytes that are stored anew");
            findings.add(self.weight(check), check, sets.name, Some(self.name(set)), what);
        }
        if told {
            return;
        }
        for (set, member, names) in &sets.members {
            let Some((metadata, _)) = member.array() else { continue };
            for (axis, chunk) in self.axes.iter().filter_map(|axis| {
                let at = names.iter().position(|name| *name == axis.name)?;
                Some((axis, metadata.chunks.get(at).copied()?))
            }) {
                let rows = self.cells.rows(axis, *set);
                if moved(&rows, chunk, axis.length()).is_some() {
                    continue;
                }
                told = true;
                let what = || {
                    format!(
                        "its {} rows along {} from {} on do not fill chunks of {chunk} where others follow, and the array is compressed and has more than the {limit} bytes that are stored anew",
                        rows.len(),
                        axis.name,
                        rows.iter().flatten().next().map_or_else(String::new, |at| axis.show(*at)),
                    )
                };
                findings.add(self.weight(Check::Chunks), Check::Chunks, sets.name, Some(self.name(*set)), what);
            }
        }
        // An array is never left out without a word.
        if !told {
            let what = || {
                format!(
                    "the chunks of its sets do not line up, and the array has more than the {limit} bytes that are stored anew"
                )
            };
            findings.add(self.weight(Check::Chunks), Check::Chunks, sets.name, None, what);
        }
    }

    /// Says why an array's times cannot be in one unit; it is left out where that is the policy.
    fn refuse_units(&self, sets: &Sets<'_>, what: impl FnOnce() -> String, findings: &mut Findings) {
        let is_dropped = self.options.policies.get(Check::Units) == Policy::Drop;
        let weight = if is_dropped { Weight::Decided } else { Weight::Error };
        findings.add(weight, Check::Units, sets.name, None, what);
    }
}

impl Laid {
    fn push(&mut self, chunk: u64, maps: impl Iterator<Item = AxisMap>) {
        self.chunks.push(chunk);
        self.parts.iter_mut().zip(maps).for_each(|(part, map)| part.maps.push(map));
    }
}

/// Whether the bytes of chunks mean the same elements.
fn is_encoded_alike(a: &ArrayMetadata, b: &ArrayMetadata) -> bool {
    a.filters == b.filters && a.compressor == b.compressor && (a.order == b.order || a.shape.len() < 2)
}

/// Whether a part of a chunk along the next dimension is a part of its bytes.
fn can_cut(sets: &Sets<'_>, laid: &Laid) -> bool {
    let is_plain = |metadata: &ArrayMetadata| {
        metadata.codecs().next().is_none()
            && metadata.dtype.size().is_some_and(|size| size > 0)
            && (metadata.order == Order::C || metadata.shape.len() < 2)
    };
    sets.with_elements().all(|(_, metadata)| is_plain(metadata)) && laid.chunks.iter().all(|chunk| *chunk == 1)
}

/// The length of each set's chunks along a dimension; `None` for a set whose array lacks it.
fn own_chunks(sets: &Sets<'_>, dimension: &str) -> Vec<Option<u64>> {
    let own = |(_, member, names): &(usize, &Member, Vec<String>)| {
        let at = names.iter().position(|name| name == dimension)?;
        member.array()?.0.chunks.get(at).copied()
    };
    sets.members.iter().map(own).collect()
}

/// The chunks' length and places along an axis where each is taken as it is.
fn whole(own: &[Option<u64>], rows: &[Vec<Option<u64>>], length: u64) -> Option<(u64, Vec<AxisMap>)> {
    let with_rows = || own.iter().zip(rows).filter(|(_, rows)| !rows.is_empty()).map(|(own, _)| own);
    let chunk = with_rows().chain(own).flatten().next().copied().unwrap_or(1);
    let place = |(own, rows): (&Option<u64>, &Vec<Option<u64>>)| match own {
        _ if rows.is_empty() => Some(AxisMap::Moved(Vec::new())),
        Some(own) if *own == chunk => moved(rows, chunk, length).map(AxisMap::Moved),
        None if chunk == 1 => Some(AxisMap::Repeated(rows.iter().flatten().copied().collect())),
        _ => None,
    };
    let maps: Option<Vec<AxisMap>> = own.iter().zip(rows).map(place).collect();
    maps.map(|maps| (chunk, maps))
}

/// The same where chunks are cut into tiles of the common divisor of all lengths.
fn pieces(own: &[Option<u64>], rows: &[Vec<Option<u64>>], length: u64) -> (u64, Vec<AxisMap>) {
    let lacks = own.iter().zip(rows).any(|(own, rows)| own.is_none() && !rows.is_empty());
    let cut: Vec<_> = own.iter().zip(rows).filter_map(|(own, rows)| Some((rows.as_slice(), (*own)?))).collect();
    let length = if lacks { 1 } else { tile(&cut, length) };
    let length = if length == 0 { own.iter().flatten().next().copied().unwrap_or(1) } else { length };
    let map = |(own, rows): (&Option<u64>, &Vec<Option<u64>>)| match own {
        Some(own) => AxisMap::Tiled(tiled(rows, *own, length)),
        None => AxisMap::Repeated(rows.iter().flatten().copied().collect()),
    };
    (length, own.iter().zip(rows).map(map).collect())
}
