//! The elements of an array, compared with those of the dataset that it was made of.

use std::ops::Range;

use super::boxes::boxes;
use super::origin::Origin;
use crate::error::Error;
use crate::file::{Datatype, FillValue, OpenDataset, Storage, Value};
use crate::reference::grid::{self, position};
use crate::source::Sources;
use crate::store::{Elements, StoredArray, Values};
use crate::translate::{Texts, element};
use crate::zarr::Dtype;

/// The fields that stand for gaps of a compound.
const GAP: &str = "__padding";

/// An array and its dataset.
pub(super) struct Pair<'a, S> {
    pub(super) stored: &'a StoredArray<'a, S>,
    pub(super) dataset: OpenDataset<'a>,
    pub(super) origin: &'a Origin<'a>,
}

/// What was found where two elements differ.
pub(super) struct Different {
    pub(super) index: Vec<u64>,
    pub(super) found: String,
    pub(super) expected: String,
}

impl<S: Sources> Pair<'_, S> {
    /// What the documents say of the array that the dataset contradicts, in words. A variable may be shorter than its unlimited dimension
    /// (`nc4_find_dim_len`), and than no other.
    pub(super) fn contradiction(&self) -> Option<String> {
        let (metadata, shape) = (&self.stored.array().metadata, self.dataset.shape());
        let most = &self.dataset.dataset().dataspace.maximum;
        let is_unlimited = |n: usize| matches!(most.get(n), Some(None));
        let mut sizes = metadata.shape.iter().zip(shape).enumerate();
        let fits = metadata.shape.len() >= shape.len()
            && sizes.all(|(n, (array, dataset))| array == dataset || (array > dataset && is_unlimited(n)));
        (!fits).then(|| format!("the array has the shape {:?}, and the dataset {shape:?}", metadata.shape))
    }

    /// Compares what a chunk has of the dataset, and looks at what it has beyond; gives how many elements of the dataset that are.
    pub(super) fn chunk(&self, number: u64) -> Result<(u64, Option<Different>), Error> {
        let (elements, different) = self.within(number)?;
        Ok((elements, if different.is_some() { different } else { self.beyond(number)? }))
    }

    /// Compares what a chunk has of the dataset.
    fn within(&self, number: u64) -> Result<(u64, Option<Different>), Error> {
        let array = self.stored.array();
        let (own, further) = self.ranges(number);
        if own.iter().any(Range::is_empty) || self.is_undefined(number) {
            return Ok((0, None));
        }
        if !self.stored.is_plain() && array.chunks.get(number).is_some() {
            return self.compared(&own, &further);
        }
        let size = self.dataset.dataset().datatype.size.into();
        let mut elements = 0_u64;
        for part in boxes(&own, size, self.origin.bytes_at_once()) {
            let (count, different) = self.compared(&part, &further)?;
            elements = elements.saturating_add(count);
            if different.is_some() {
                return Ok((elements, different));
            }
        }
        Ok((elements, None))
    }

    /// Compares a box, which is read at once.
    fn compared(&self, own: &[Range<u64>], further: &[Range<u64>]) -> Result<(u64, Option<Different>), Error> {
        let ranges: Vec<Range<u64>> = own.iter().chain(further).cloned().collect();
        let found = self.stored.read(&ranges)?;
        let expected = self.dataset.read(own)?;
        let count = found.shape.iter().product();
        let texts = Texts::of(&expected.datatype);
        if self.has_the_same_bytes(&expected.datatype)
            && found.bytes() == Some(&expected.bytes[..])
            && texts.have_ended(&expected.bytes)
        {
            return Ok((count, None));
        }
        let expected = self.dataset.elements(own)?;
        Ok((count, self.first_difference(&found, &expected, &ranges)))
    }

    /// The box of a chunk in the array.
    pub(super) fn whole(&self, number: u64) -> Vec<Range<u64>> {
        let array = self.stored.array();
        let place = position(number, &array.chunks.grid);
        let all = place.iter().zip(&array.metadata.chunks).zip(&array.metadata.shape);
        let box_of = all.map(|((place, chunk), size)| {
            let start = place.saturating_mul(*chunk);
            start..start.saturating_add(*chunk).min(*size)
        });
        box_of.collect()
    }

    /// What of it lies in the dataset, and the box in the dimensions that an array type adds.
    fn ranges(&self, number: u64) -> (Vec<Range<u64>>, Vec<Range<u64>>) {
        let (mut own, shape) = (self.whole(number), self.dataset.shape());
        let further = own.split_off(shape.len().min(own.len()));
        own.iter_mut().zip(shape).for_each(|(range, size)| range.end = range.end.min(*size));
        (own, further)
    }

    /// Whether nothing is promised of a chunk, since it was never written and has no fill value.
    fn is_undefined(&self, number: u64) -> bool {
        let dataset = self.dataset.dataset();
        let is_written = match &dataset.storage {
            Storage::Chunked { chunks: Some(Ok(table)), .. } => {
                let place = position(number, &self.stored.array().chunks.grid);
                let number = grid::number(place.get(..table.grid.len()).unwrap_or_default(), &table.grid);
                number.is_some_and(|number| table.number.binary_search(&number).is_ok())
            }
            Storage::Contiguous { offset, .. } => offset.is_some(),
            _ => true,
        };
        !is_written && dataset.fill == FillValue::Undefined
    }

    pub(super) fn has_the_same_bytes(&self, datatype: &Datatype) -> bool {
        element(datatype).is_ok_and(|element| element.dtype == self.stored.array().metadata.dtype)
    }

    fn first_difference(&self, found: &Values, expected: &[Value], ranges: &[Range<u64>]) -> Option<Different> {
        let elements = found.elements();
        let mut wanted = Vec::new();
        for value in expected {
            self.flatten(value, &mut wanted);
        }
        let dtype = &self.stored.array().metadata.dtype;
        let columns = columns(&elements, dtype);
        let total: u64 = found.shape.iter().product();
        let rows = usize::try_from(total).unwrap_or(usize::MAX);
        let mut wanted = wanted.into_iter();
        for row in 0..rows {
            for column in &columns {
                let (found, expected) = (leaf(column, row), wanted.next());
                if !expected.as_ref().zip(found.as_ref()).is_some_and(|(expected, found)| same(found, expected)) {
                    return Some(Different { index: index(row, ranges), found: told(found), expected: told(expected) });
                }
            }
        }
        wanted.next().map(|expected| Different {
            index: Vec::new(),
            found: "nothing".to_owned(),
            expected: format!("{expected:?}"),
        })
    }

    /// The parts of an element that are no compounds and no arrays, in their order.
    pub(super) fn flatten(&self, value: &Value, leaves: &mut Vec<Leaf>) {
        let object = |address: Option<u64>| {
            Leaf::Text(address.and_then(|address| self.origin.path(address)).unwrap_or_default().to_owned())
        };
        leaves.push(match value {
            Value::Compound(fields) => {
                for (_, field) in fields {
                    self.flatten(field, leaves);
                }
                return;
            }
            Value::Sequence(elements) => {
                for element in elements {
                    self.flatten(element, leaves);
                }
                return;
            }
            Value::Signed(n) => Leaf::Integer((*n).into()),
            Value::Unsigned(n) => Leaf::Integer((*n).into()),
            Value::Boolean(n) => Leaf::Integer((*n).into()),
            Value::Float(x) => Leaf::Float(*x),
            Value::Complex(real, imaginary) => Leaf::Complex(*real, *imaginary),
            Value::Text(text) => Leaf::Text(text.clone()),
            Value::NotUtf8(bytes) => Leaf::Text(String::from_utf8_lossy(bytes).into_owned()),
            Value::Opaque(bytes) | Value::Wide(bytes) => Leaf::Bytes(bytes.clone()),
            Value::Reference(address) | Value::Region(address) => object(*address),
        });
    }
}

/// A part of an element, by its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Leaf {
    Integer(i128),
    Float(f64),
    Complex(f64, f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// The place in the array of a row of a box.
pub(super) fn index(row: usize, ranges: &[Range<u64>]) -> Vec<u64> {
    let shape: Vec<u64> = ranges.iter().map(|range| range.end.saturating_sub(range.start)).collect();
    let place = position(u64::try_from(row).unwrap_or(0), &shape);
    place.iter().zip(ranges).map(|(at, range)| range.start.saturating_add(*at)).collect()
}

/// A part in words.
pub(super) fn told(leaf: Option<Leaf>) -> String {
    leaf.map_or_else(|| "nothing".to_owned(), |leaf| format!("{leaf:?}"))
}

/// The columns of records without those that stand for gaps; of anything else the only one.
pub(super) fn columns<'e>(elements: &'e Elements, dtype: &Dtype) -> Vec<&'e Elements> {
    match (elements, dtype) {
        (Elements::Records(fields), _) => {
            fields.iter().filter(|(name, _)| !name.starts_with(GAP)).map(|(_, column)| column).collect()
        }
        (only, _) => vec![only],
    }
}

/// The element of a column at a row.
pub(super) fn leaf(column: &Elements, row: usize) -> Option<Leaf> {
    Some(match column {
        Elements::Boolean(all) => Leaf::Integer((*all.get(row)?).into()),
        Elements::Int8(all) => Leaf::Integer((*all.get(row)?).into()),
        Elements::Int16(all) => Leaf::Integer((*all.get(row)?).into()),
        Elements::Int32(all) => Leaf::Integer((*all.get(row)?).into()),
        Elements::Int64(all) | Elements::Datetime(all) | Elements::Timedelta(all) => {
            Leaf::Integer((*all.get(row)?).into())
        }
        Elements::Uint8(all) => Leaf::Integer((*all.get(row)?).into()),
        Elements::Uint16(all) => Leaf::Integer((*all.get(row)?).into()),
        Elements::Uint32(all) => Leaf::Integer((*all.get(row)?).into()),
        Elements::Uint64(all) => Leaf::Integer((*all.get(row)?).into()),
        Elements::Float16(all) | Elements::Float32(all) => Leaf::Float((*all.get(row)?).into()),
        Elements::Float64(all) => Leaf::Float(*all.get(row)?),
        Elements::Complex64(all) => {
            all.get(row).map(|[real, imaginary]| Leaf::Complex((*real).into(), (*imaginary).into()))?
        }
        Elements::Complex128(all) => all.get(row).map(|[real, imaginary]| Leaf::Complex(*real, *imaginary))?,
        Elements::Bytes(all) | Elements::Opaque(all) => Leaf::Bytes(all.get(row)?.to_vec()),
        Elements::Text(all) => Leaf::Text(all.get(row)?.clone()),
        Elements::Records(_) => return None,
    })
}

/// Whether two parts have one value: all NaNs are alike, and texts may have padding.
pub(super) fn same(found: &Leaf, expected: &Leaf) -> bool {
    #[expect(clippy::float_cmp, reason = "what is read must be the very value")]
    let alike = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
    match (found, expected) {
        (Leaf::Float(a), Leaf::Float(b)) => alike(*a, *b),
        (Leaf::Complex(a, x), Leaf::Complex(b, y)) => alike(*a, *b) && alike(*x, *y),
        (Leaf::Bytes(found), Leaf::Text(text)) => {
            let found = String::from_utf8_lossy(found);
            found == *text || found.trim_end_matches([' ', '\0']) == text.trim_end_matches([' ', '\0'])
        }
        (Leaf::Bytes(found), Leaf::Bytes(expected)) => found == expected,
        (found, expected) => found == expected,
    }
}
