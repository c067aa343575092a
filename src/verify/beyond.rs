//! What an array has beyond the end of its dataset: netCDF shows a variable as long as its unlimited dimensions are, and reads a fill
//! value where the variable ends.

use std::ops::Range;

use super::boxes::boxes;
use super::values::{Different, Leaf, Pair, columns, index, leaf, same, told};
use crate::error::Error;
use crate::field::convert::narrow;
use crate::file::{Datatype, FillValue, decode};
use crate::netcdf::default_fill;
use crate::source::Sources;
use crate::store::{Elements, Values, fill_element, fill_text};
use crate::zarr::Dtype;

impl<S: Sources> Pair<'_, S> {
    /// The first element that a chunk has beyond the dataset and that is no fill value. Of a chunk that is missing any tells of all.
    pub(super) fn beyond(&self, number: u64) -> Result<Option<Different>, Error> {
        let array = self.stored.array();
        let mut parts = parts_beyond(&self.whole(number), self.dataset.shape());
        if array.chunks.get(number).is_none() {
            parts.truncate(usize::from(self.dataset.dataset().fill != FillValue::Undefined));
            parts.iter_mut().flatten().for_each(|range| range.end = range.end.min(range.start.saturating_add(1)));
        }
        let fills = if parts.is_empty() { Vec::new() } else { self.fills() };
        let size = array.metadata.dtype.size().unwrap_or(1).max(1);
        let most = if self.stored.is_plain() { self.origin.bytes_at_once() } else { u64::MAX };
        for part in parts.iter().flat_map(|part| boxes(part, size, most)) {
            let different = self.other_than(&fills, &self.stored.read(&part)?, &part);
            if different.is_some() {
                return Ok(different);
            }
        }
        Ok(None)
    }

    /// What may stand beyond the dataset, each an element by its parts: its fill value or netCDF's, or zeros where there is none. Of
    /// elements that are held decoded the array's fill value and zeros as well.
    fn fills(&self) -> Vec<Vec<Leaf>> {
        let (metadata, dataset) = (&self.stored.array().metadata, self.dataset.dataset());
        let fill = match &dataset.fill {
            FillValue::Value(element) => Some(element.clone()),
            FillValue::Default | FillValue::Undefined => default_fill(&dataset.datatype),
        };
        let is_decoded = !self.has_the_same_bytes(&dataset.datatype);
        let zeros = (is_decoded || fill.is_none()).then(|| vec![0; narrow(dataset.datatype.unit().into())]);
        let elements = fill.into_iter().chain(zeros).map(|element| self.leaves_of(&dataset.datatype, &element));
        let mut fills: Vec<Vec<Leaf>> = elements.collect();
        if is_decoded {
            fills.push(leaves(&metadata.dtype, &fill_element(metadata)));
            fills.push(vec![Leaf::Text(fill_text(metadata).to_owned())]);
        }
        fills.retain(|leaves| !leaves.is_empty());
        fills
    }

    /// The parts of an element of the dataset; none where they do not lie in its bytes.
    fn leaves_of(&self, datatype: &Datatype, element: &[u8]) -> Vec<Leaf> {
        if self.has_the_same_bytes(datatype) {
            return leaves(&self.stored.array().metadata.dtype, element);
        }
        let mut leaves = Vec::new();
        if let Some(value) = decode(datatype.without_arrays().0, element) {
            self.flatten(&value, &mut leaves);
        }
        leaves
    }

    /// The first element of a box that has none of some values.
    fn other_than(&self, fills: &[Vec<Leaf>], found: &Values, ranges: &[Range<u64>]) -> Option<Different> {
        let (elements, dtype) = (found.elements(), &self.stored.array().metadata.dtype);
        let columns = columns(&elements, dtype);
        let rows = narrow(found.shape.iter().product());
        let parts = (0..rows).flat_map(|row| columns.iter().map(move |column| (row, *column)));
        for (at, (row, column)) in parts.enumerate() {
            let found = leaf(column, row);
            let fill = |fill: &Vec<Leaf>| at.checked_rem(fill.len()).and_then(|at| fill.get(at)).cloned();
            let is = |fill: Leaf| found.as_ref().is_some_and(|found| same(found, &fill));
            if !fills.iter().filter_map(fill).any(is) {
                let expected =
                    format!("{}, a fill value: the dataset ends before it", told(fills.first().and_then(fill)));
                return Some(Different { index: index(row, ranges), found: told(found), expected });
            }
        }
        None
    }
}

/// The parts of elements of an array, one after another.
fn leaves(dtype: &Dtype, bytes: &[u8]) -> Vec<Leaf> {
    let elements = Elements::of(dtype, bytes);
    let (columns, size) = (columns(&elements, dtype), narrow(dtype.size().unwrap_or(0)));
    let rows = 0..bytes.len().checked_div(size).unwrap_or(0);
    rows.flat_map(|row| columns.iter().filter_map(move |column| leaf(column, row))).collect()
}

/// The parts of a box that lie beyond a shape, without an element that is in two of them.
fn parts_beyond(whole: &[Range<u64>], shape: &[u64]) -> Vec<Vec<Range<u64>>> {
    let (mut rest, mut parts) = (whole.to_vec(), Vec::new());
    for (n, size) in shape.iter().enumerate() {
        let Some(Range { start, end }) = rest.get(n).cloned() else { break };
        let inside = end.min((*size).max(start));
        if inside < end {
            let part = rest.iter().enumerate().map(|(m, range)| if m == n { inside..end } else { range.clone() });
            parts.push(part.collect());
        }
        if inside == start {
            break;
        }
        rest.iter_mut().skip(n).take(1).for_each(|range| range.end = inside);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_a_shape_is_in_one_part() {
        let none: [Vec<Range<u64>>; 0] = [];
        assert_eq!(parts_beyond(&[2..4, 0..3], &[4, 3]), none);
        assert_eq!(parts_beyond(&[2..4, 0..3], &[3, 3]), [[3..4, 0..3]]);
        assert_eq!(parts_beyond(&[2..4, 0..3], &[3, 2]), [[3..4, 0..3], [2..3, 2..3]]);
        assert_eq!(parts_beyond(&[2..4, 0..3], &[1, 2]), [[2..4, 0..3]]);
        // The dimensions of an array type come after those of the dataset.
        assert_eq!(parts_beyond(&[2..4, 0..3], &[3]), [[3..4, 0..3]]);
        assert_eq!(parts_beyond(&[], &[]), none);
    }
}
