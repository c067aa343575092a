//! Small arrays that are decoded and stored anew, in one inline chunk.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Check;
use super::along::Sets;
use super::axis::Axis;
use super::cells::Cells;
use super::coordinate::Coordinates;
use super::findings::{Findings, Weight};
use super::held::Held;
use super::inputs::Inputs;
use super::merge::Overlap;
use super::times::Rule;
use crate::convert::{narrow, wide};
use crate::error::Error;
use crate::reference::Manifest;
use crate::store::{Values, fill_element, fill_text};
use crate::zarr::{ArrayMetadata, Attributes, Codec, Order};

/// Bytes of a chunk from which on it is compressed.
const COMPRESSED_FROM: usize = 4096;

/// Level of compression.
const LEVEL: i32 = 6;

/// Elements of texts of any length are counted as so many bytes.
const TEXT_BYTES: u64 = 64;

/// Stores an array anew.
pub(super) struct Restore<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) axes: &'a [Axis],
    pub(super) sets: &'a Sets<'a>,
    pub(super) cells: &'a Cells,
}

/// The elements of each set.
type Elements = Vec<(usize, Vec<u8>)>;

/// For each dimension of the combined array: where each index of a set's array comes; all places of a dimension that it lacks.
type Places = Vec<(bool, Vec<Option<u64>>)>;

impl Restore<'_> {
    /// Bytes of all elements.
    pub(super) fn bytes(metadata: &ArrayMetadata) -> u64 {
        let size = metadata.dtype.size().filter(|size| *size > 0).unwrap_or(TEXT_BYTES);
        metadata.shape.iter().fold(size, |bytes, length| bytes.saturating_mul(*length))
    }

    /// The metadata and the only chunk of the array; all of its chunks are held.
    pub(super) fn array(
        &self,
        metadata: ArrayMetadata,
        attributes: &mut Attributes,
        rule: Option<Rule>,
        held: &Held<'_>,
        findings: &mut Findings,
    ) -> Result<(ArrayMetadata, Manifest), Error> {
        let mut all = Vec::with_capacity(self.sets.members.len());
        for (set, ..) in &self.sets.members {
            all.push((*set, held.values(self.inputs, *set, self.sets.path)?));
        }
        if metadata.dtype.size() == Some(0) {
            return Ok(self.texts(metadata, &all, findings));
        }
        let (dtype, elements) = match rule {
            None => {
                let bytes = all.iter().map(|(set, values)| (*set, values.bytes().unwrap_or_default().to_vec()));
                (metadata.dtype.clone(), bytes.collect())
            }
            Some(rule) => self.times(&metadata, attributes, &rule, &all, findings)?,
        };
        let metadata = ArrayMetadata { dtype, ..metadata };
        let element = fill_element(&metadata);
        let size = element.len().max(1);
        let mut to = element.repeat(narrow(elements_of(&metadata.shape)));
        let mut taken = Taken::new(self.cells, &metadata.shape);
        for (set, from) in elements {
            self.copy(set, &metadata.shape, |from_at, place| {
                let (from_at, to_at) = (narrow(from_at) * size, narrow(place) * size);
                if let (Some(from), Some(to)) = (from.get(from_at..from_at + size), to.get_mut(to_at..to_at + size)) {
                    taken.take(place, || from == to);
                    to.copy_from_slice(from);
                }
            });
        }
        self.tell(&taken, &metadata.shape, findings);
        Ok(one_chunk(metadata, to))
    }

    /// Texts of any length, which keep the codec that makes them of bytes.
    fn texts(
        &self,
        mut metadata: ArrayMetadata,
        all: &[(usize, Values)],
        findings: &mut Findings,
    ) -> (ArrayMetadata, Manifest) {
        let mut to = vec![fill_text(&metadata).to_owned(); narrow(elements_of(&metadata.shape))];
        let mut taken = Taken::new(self.cells, &metadata.shape);
        for (set, values) in all {
            let from = values.texts().unwrap_or_default();
            self.copy(*set, &metadata.shape, |from_at, to_at| {
                if let (Some(from), Some(to)) = (from.get(narrow(from_at)), to.get_mut(narrow(to_at))) {
                    taken.take(to_at, || from == to);
                    to.clone_from(from);
                }
            });
        }
        self.tell(&taken, &metadata.shape, findings);
        let mut bytes = u32::try_from(to.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        for text in &to {
            bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        metadata.filters = vec![Codec::VlenUtf8];
        in_one_chunk(metadata, bytes.into())
    }

    /// Times of all sets in one unit.
    fn times(
        &self,
        metadata: &ArrayMetadata,
        attributes: &mut Attributes,
        rule: &Rule,
        all: &[(usize, Values)],
        findings: &mut Findings,
    ) -> Result<(crate::zarr::Dtype, Elements), Error> {
        let wrong = |problem: String| Error::Combine {
            input: String::new(),
            problem: format!("{}: times in different units: {problem}", self.sets.name),
        };
        let mut numbers = Vec::with_capacity(all.len());
        for (set, values) in all {
            numbers.push((*set, Coordinates::of(&values.dtype, values.elements()).map_err(wrong)?));
        }
        let fill = metadata.fill_value.is_some().then(|| fill_element(metadata));
        let fill = fill.and_then(|bytes| Coordinates::of_bytes(&metadata.dtype, &bytes));
        let (units, mut numbers) = rule.apply(numbers, fill.as_ref()).map_err(wrong)?;
        if rule.is_own() {
            attributes.insert("units", units.clone());
        }
        findings.add(Weight::Note, Check::Units, self.sets.name, None, || format!("times are now in {units:?}"));
        let dtype = wide_enough(&mut numbers);
        let mut bytes = Vec::with_capacity(numbers.len());
        for ((set, _), numbers) in all.iter().zip(numbers) {
            bytes.push((*set, numbers.encoded().map_err(wrong)?.1));
        }
        Ok((dtype, bytes))
    }

    /// Tells of an element that two sets have differently.
    fn tell(&self, taken: &Taken, shape: &[u64], findings: &mut Findings) {
        if let Some(at) = taken.differs {
            let dimensions = self.sets.dimensions.iter().map(|name| (name.as_str(), 1));
            let overlap = Overlap::of(self.inputs, self.cells, self.axes, dimensions);
            let what = || overlap.words("elements", at, shape);
            findings.add(Weight::Error, Check::Duplicate, self.sets.name, None, what);
        }
    }

    /// Calls `copies` with the place of each element of a set in its own array and in the combined one.
    fn copy(&self, set: usize, shape: &[u64], mut copies: impl FnMut(u64, u64)) {
        let Some((_, member, names)) = self.sets.members.iter().find(|(known, ..)| *known == set) else { return };
        let Some((metadata, _)) = member.array() else { return };
        let place = |dimension: &String| {
            let own = names.iter().position(|name| name == dimension).and_then(|at| metadata.shape.get(at));
            match self.axes.iter().find(|axis| axis.name == *dimension) {
                Some(axis) => (own.is_some(), self.cells.rows(axis, set)),
                None => (true, (0..own.copied().unwrap_or(0)).map(Some).collect()),
            }
        };
        let places: Places = self.sets.dimensions.iter().map(place).collect();
        each(&places, shape, 0, 0, &mut copies);
    }
}

/// Elements that a set has given already.
struct Taken {
    /// One for each element; none where no set has what another has.
    by_any: Vec<bool>,
    /// The first element that two sets have differently.
    differs: Option<u64>,
}

impl Taken {
    fn new(cells: &Cells, shape: &[u64]) -> Self {
        let count = if cells.any_twice() { narrow(elements_of(shape)) } else { 0 };
        Self { by_any: vec![false; count], differs: None }
    }

    fn take(&mut self, at: u64, is_same: impl FnOnce() -> bool) {
        let Some(taken) = self.by_any.get_mut(narrow(at)) else { return };
        if std::mem::replace(taken, true) && self.differs.is_none() && !is_same() {
            self.differs = Some(at);
        }
    }
}

/// Goes through the elements of a set's array.
fn each(places: &[(bool, Vec<Option<u64>>)], shape: &[u64], from: u64, to: u64, copies: &mut impl FnMut(u64, u64)) {
    let (Some(((is_own, at), rest)), Some((length, shape))) = (places.split_first(), shape.split_first()) else {
        return copies(from, to);
    };
    let own = wide(at.len());
    for (row, at) in at.iter().enumerate() {
        let Some(at) = at else { continue };
        let from = if *is_own { from * own + wide(row) } else { from };
        each(rest, shape, from, to * length + at, copies);
    }
}

fn elements_of(shape: &[u64]) -> u64 {
    shape.iter().fold(1, |count, length| count.saturating_mul(*length))
}

/// A type in which all numbers are: the own one, or one of 64 bits.
fn wide_enough(all: &mut [Coordinates]) -> crate::zarr::Dtype {
    let simple = |text: &str| crate::zarr::Dtype::Simple(text.to_owned());
    let is_float = all.iter().flat_map(|one| &one.values).any(|value| matches!(value, super::Coordinate::Float(_)));
    let dtype = simple(if is_float { "<f8" } else { "<i8" });
    for one in all {
        one.dtype = dtype.clone();
    }
    dtype
}

/// An array in one inline chunk, of its elements in C order.
pub(super) fn one_chunk(mut metadata: ArrayMetadata, elements: Vec<u8>) -> (ArrayMetadata, Manifest) {
    metadata.filters = Vec::new();
    let bytes = if elements.len() < COMPRESSED_FROM {
        elements
    } else {
        metadata.filters.push(Codec::Zlib { level: LEVEL });
        crate::codec::deflate::encode(&elements, LEVEL.unsigned_abs())
    };
    in_one_chunk(metadata, bytes.into())
}

fn in_one_chunk(mut metadata: ArrayMetadata, bytes: Bytes) -> (ArrayMetadata, Manifest) {
    metadata.chunks = metadata.shape.iter().map(|length| (*length).max(1)).collect();
    metadata.compressor = None;
    metadata.order = Order::C;
    let grid = crate::reference::grid::grid(&metadata.shape, &metadata.chunks);
    let is_empty = grid.contains(&0);
    let inline = if is_empty { BTreeMap::new() } else { BTreeMap::from([(0, bytes)]) };
    (metadata, Manifest { grid, inline, ..Manifest::default() })
}
