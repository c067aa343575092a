//! Small arrays that are decoded and stored anew, in one inline chunk.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Check;
use super::axis::Axis;
use super::cells::Cells;
use super::coordinate::{Coordinate, Coordinates};
use super::findings::{Findings, Weight};
use super::held::Held;
use super::inputs::{Inputs, Member};
use super::overlap::Overlap;
use super::rule::Rule;
use super::sets::Sets;
use super::times::{masked, packed};
use crate::convert::{narrow, wide};
use crate::error::Error;
use crate::reference::Manifest;
use crate::store::{Values, fill_element, fill_text};
use crate::zarr::{ArrayMetadata, Attributes, Codec, Order};

/// Bytes of coordinates from which on they are compressed.
const COMPRESSED_FROM: usize = 4096;

/// Level of compression: one that few files have, so that their chunks are not taken for what was stored anew.
const LEVEL: i32 = 7;

/// Whether an array has the form of those that are stored anew, of none or of several elements. Where one is, all are stored anew again:
/// batches of sets then end as all sets at once do.
pub(super) fn is_stored_anew(member: &Member) -> bool {
    let Some((metadata, _)) = member.array() else { return false };
    let (is_text, elements) = (metadata.dtype.size() == Some(0), elements_of(&metadata.shape));
    let filters: &[Codec] = if is_text { &[Codec::VlenUtf8] } else { &[Codec::Zlib { level: LEVEL }] };
    // Texts have their filter wherever they are from.
    let can_be = if is_text { elements > 1 } else { elements != 1 };
    can_be
        && metadata.filters == filters
        && metadata.compressor.is_none()
        && metadata.chunks == chunk_of_all(&metadata.shape)
        && member.rows.is_empty()
        && member.inline.is_empty() == (elements == 0)
}

/// Elements of texts of any length are counted as so many bytes.
const TEXT_BYTES: u64 = 64;

/// Stores an array anew.
pub(super) struct Restore<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) axes: &'a [Axis],
    pub(super) sets: &'a Sets<'a>,
    pub(super) cells: &'a Cells,
}

/// The bytes of each set's elements.
type OfSets = Vec<(usize, Vec<u8>)>;

/// The elements of a combined array.
struct Elements {
    size: usize,
    bytes: Vec<u8>,
    is_there: Vec<bool>,
    /// The first element that two sets have differently.
    differs: Option<u64>,
}

impl Elements {
    /// What no set has is the fill value.
    fn new(metadata: &ArrayMetadata) -> Self {
        let (element, count) = (fill_element(metadata), narrow(elements_of(&metadata.shape)));
        Self { size: element.len().max(1), bytes: element.repeat(count), is_there: vec![false; count], differs: None }
    }
}

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
        let values = |set: usize| held.values(self.inputs, set, self.sets.path);
        if metadata.dtype.size() == Some(0) {
            return self.texts(metadata, values, findings);
        }
        let Some(rule) = rule else {
            let mut to = Elements::new(&metadata);
            for (set, ..) in &self.sets.members {
                self.take(*set, &metadata.shape, values(*set)?.bytes().unwrap_or_default(), &mut to);
            }
            self.tell(to.differs, &metadata.shape, findings);
            return Ok(compressed(metadata, &to.bytes));
        };
        let mut all = Vec::with_capacity(self.sets.members.len());
        for (set, ..) in &self.sets.members {
            all.push((*set, values(*set)?));
        }
        let (dtype, all) = self.times(&metadata, attributes, &rule, &all, findings)?;
        let metadata = ArrayMetadata { dtype, ..metadata };
        let mut to = Elements::new(&metadata);
        for (set, from) in all {
            self.take(set, &metadata.shape, &from, &mut to);
        }
        self.tell(to.differs, &metadata.shape, findings);
        Ok(compressed(metadata, &to.bytes))
    }

    /// Takes the elements of a set. Those that an earlier set has too must be the same.
    fn take(&self, set: usize, shape: &[u64], from: &[u8], to: &mut Elements) {
        let size = to.size;
        self.copy(set, shape, |from_at, to_at| {
            let (start, at) = (narrow(from_at) * size, narrow(to_at) * size);
            let (Some(from), Some(place)) = (from.get(start..start + size), to.bytes.get_mut(at..at + size)) else {
                return;
            };
            if let Some(is_there) = to.is_there.get_mut(narrow(to_at)) {
                if *is_there && *place != *from {
                    to.differs = to.differs.or(Some(to_at));
                }
                *is_there = true;
            }
            place.copy_from_slice(from);
        });
    }

    /// Tells of an element that two sets have differently.
    fn tell(&self, differs: Option<u64>, shape: &[u64], findings: &mut Findings) {
        if let Some(at) = differs {
            let dimensions = self.sets.dimensions.iter().map(|name| (name.as_str(), 1));
            let overlap = Overlap::of(self.inputs, self.cells, self.axes, dimensions);
            let what = || overlap.words("elements", at, shape);
            findings.add(Weight::Error, Check::Duplicate, self.sets.name, None, what);
        }
    }

    /// Texts of any length, which keep the codec that makes them of bytes.
    fn texts(
        &self,
        mut metadata: ArrayMetadata,
        values: impl Fn(usize) -> Result<Values, Error>,
        findings: &mut Findings,
    ) -> Result<(ArrayMetadata, Manifest), Error> {
        let mut to: Vec<Option<String>> = vec![None; narrow(elements_of(&metadata.shape))];
        let mut differs = None;
        for (set, ..) in &self.sets.members {
            let values = values(*set)?;
            let from = values.texts().unwrap_or_default();
            self.copy(*set, &metadata.shape, |from_at, to_at| {
                if let (Some(from), Some(to)) = (from.get(narrow(from_at)), to.get_mut(narrow(to_at))) {
                    if to.as_ref().is_some_and(|known| known != from) {
                        differs = differs.or(Some(to_at));
                    }
                    *to = Some(from.clone());
                }
            });
        }
        self.tell(differs, &metadata.shape, findings);
        let fill = fill_text(&metadata).to_owned();
        let mut bytes = u32::try_from(to.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        for text in to.iter().map(|text| text.as_ref().unwrap_or(&fill)) {
            bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        metadata.filters = vec![Codec::VlenUtf8];
        Ok(in_one_chunk(metadata, bytes.into()))
    }

    /// Times of all sets in one unit.
    fn times(
        &self,
        metadata: &ArrayMetadata,
        attributes: &mut Attributes,
        rule: &Rule,
        all: &[(usize, Values)],
        findings: &mut Findings,
    ) -> Result<(crate::zarr::Dtype, OfSets), Error> {
        let wrong = |problem: String| Error::Combine {
            input: String::new(),
            problem: format!("{}: times in different units: {problem}", self.sets.name),
        };
        let mut numbers = Vec::with_capacity(all.len());
        for (set, values) in all {
            numbers.push((*set, Coordinates::of(&values.dtype, values.elements()).map_err(wrong)?));
        }
        let fill = metadata.fill_value.is_some().then(|| fill_element(metadata));
        let mut fills: Vec<_> =
            fill.and_then(|bytes| Coordinates::of_bytes(&metadata.dtype, &bytes)).into_iter().collect();
        for (_, member, _) in &self.sets.members {
            let own = member.documents.attributes();
            if let Some(name) = packed(own) {
                return Err(wrong(format!("the array has {name}")));
            }
            let is_new = |value: &Coordinate| !fills.contains(value);
            let new: Vec<Coordinate> =
                masked(own).map_err(wrong)?.into_iter().map(|value| like(value, &numbers)).filter(is_new).collect();
            fills.extend(new);
        }
        let (units, mut numbers) = rule.apply(numbers, &fills).map_err(wrong)?;
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

    /// Calls `copies` with the place of each element of a set in its own array and in the combined one.
    fn copy(&self, set: usize, shape: &[u64], mut copies: impl FnMut(u64, u64)) {
        let Some((member, names)) = self.sets.member(set) else { return };
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

/// A type of 64 bits in which all numbers are: that of the times, unless a fill value is a float.
fn wide_enough(all: &mut [Coordinates]) -> crate::zarr::Dtype {
    let simple = |text: &str| crate::zarr::Dtype::Simple(text.to_owned());
    let is_float = all.iter().flat_map(|one| &one.values).any(|value| matches!(value, Coordinate::Float(_)));
    let times = all.first().map_or_else(|| simple("<i8"), |one| one.dtype.clone());
    let dtype = if is_float { simple("<f8") } else { times };
    for one in all {
        one.dtype = dtype.clone();
    }
    dtype
}

/// A number of an attribute in the form that an array's numbers have.
fn like(value: Coordinate, all: &[(usize, Coordinates)]) -> Coordinate {
    let dtype = all.first().map(|(_, one)| one.dtype.clone());
    let alike = dtype
        .and_then(|dtype| Coordinates { dtype: dtype.clone(), values: vec![value.clone()] }.converted(&dtype).ok());
    alike.and_then(|mut one| one.values.pop()).unwrap_or(value)
}

/// Coordinates in one inline chunk, which is compressed where that is worth it.
pub(super) fn one_chunk(mut metadata: ArrayMetadata, elements: Vec<u8>) -> (ArrayMetadata, Manifest) {
    if elements.len() >= COMPRESSED_FROM {
        return compressed(metadata, &elements);
    }
    metadata.filters = Vec::new();
    in_one_chunk(metadata, elements.into())
}

/// An array in one inline chunk, of its elements in C order.
fn compressed(mut metadata: ArrayMetadata, elements: &[u8]) -> (ArrayMetadata, Manifest) {
    metadata.filters = vec![Codec::Zlib { level: LEVEL }];
    in_one_chunk(metadata, crate::codec::deflate::encode(elements, LEVEL.unsigned_abs()).into())
}

fn in_one_chunk(mut metadata: ArrayMetadata, bytes: Bytes) -> (ArrayMetadata, Manifest) {
    metadata.chunks = chunk_of_all(&metadata.shape);
    metadata.compressor = None;
    metadata.order = Order::C;
    let grid = crate::reference::grid::grid(&metadata.shape, &metadata.chunks);
    let is_empty = grid.contains(&0);
    let inline = if is_empty { BTreeMap::new() } else { BTreeMap::from([(0, bytes)]) };
    (metadata, Manifest { grid, inline, ..Manifest::default() })
}

/// The shape of one chunk for all elements.
fn chunk_of_all(shape: &[u64]) -> Vec<u64> {
    shape.iter().map(|length| (*length).max(1)).collect()
}
