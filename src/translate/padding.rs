//! Variables that are shorter than their unlimited dimensions: netCDF shows them as long, and reads its fill value where they end.

use bytes::Bytes;

use super::fill::zeros;
use super::masks::{Masks, Stored};
use crate::error::{Error, Structure, Unsupported};
use crate::file::{Dataset, File, FillValue};
use crate::limits::Limits;
use crate::netcdf::default_fill;
use crate::reference::Manifest;
use crate::reference::grid::{self, position};
use crate::source::Halt;

/// An array that is to be longer than its dataset.
pub(crate) struct Padding<'a> {
    pub(crate) dataset: &'a Dataset,
    /// The shape that it is to have.
    pub(crate) shape: &'a [u64],
    pub(crate) chunk: &'a [u64],
    /// The element that stands where the dataset ends.
    pub(crate) element: Vec<u8>,
}

impl<'a> Padding<'a> {
    pub(crate) fn new(
        dataset: &'a Dataset,
        shape: &'a [u64],
        chunk: &'a [u64],
        limits: &Limits,
    ) -> Result<Self, Error> {
        let element = match &dataset.fill {
            FillValue::Value(element) => Some(element.clone()),
            FillValue::Default | FillValue::Undefined => default_fill(&dataset.datatype),
        };
        let element = element.map_or_else(|| zeros(&dataset.datatype, limits), Ok)?;
        Ok(Self { dataset, shape, chunk, element })
    }

    /// Gives the chunks their numbers in the longer array's grid, and fills what lies past the dataset's end in those that reach over it.
    pub(crate) fn apply(
        &self,
        file: &File<'_>,
        stored: &Stored<'_>,
        masks: &mut Masks,
        manifest: &mut Manifest,
    ) -> Result<(), Halt> {
        self.refuse_two_fills(manifest)?;
        let old = std::mem::take(&mut manifest.grid);
        manifest.grid = grid::grid(self.shape, self.chunk);
        for number in &mut manifest.number {
            *number = renumbered(*number, &old, &manifest.grid)?;
        }
        let odd = std::mem::take(&mut masks.odd).into_iter();
        let odd = odd.map(|(number, mask)| Ok((renumbered(number, &old, &manifest.grid)?, mask)));
        masks.odd = odd.collect::<Result<_, Unsupported>>()?;
        self.fill_edges(file, stored, masks, manifest)
    }

    /// Chunks that were never written inside the dataset read as its own fill value: one array cannot have two.
    fn refuse_two_fills(&self, manifest: &Manifest) -> Result<(), Unsupported> {
        let total = manifest.grid.iter().fold(1_u64, |total, size| total.saturating_mul(*size));
        let complete = total == u64::try_from(manifest.present()).unwrap_or(0);
        let zeros = self.element.iter().all(|byte| *byte == 0);
        if complete || zeros || self.dataset.fill != FillValue::Default {
            return Ok(());
        }
        Err(Unsupported::Feature(
            "a variable shorter than its unlimited dimension, with chunks that were never written",
        ))
    }

    /// The chunks that reach over the dataset's end: held inline where they do not end as they should.
    fn fill_edges(
        &self,
        file: &File<'_>,
        stored: &Stored<'_>,
        masks: &Masks,
        manifest: &mut Manifest,
    ) -> Result<(), Halt> {
        let rows = manifest.number.iter().zip(manifest.offset.iter().zip(&manifest.length));
        let edges = rows.filter(|(number, _)| self.is_edge(&position(**number, &manifest.grid)));
        let (numbers, ranges): (Vec<u64>, Vec<_>) =
            edges.map(|(number, (offset, length))| (*number, *offset..offset.saturating_add(*length))).unzip();
        let mut inline = Vec::new();
        let mut total = 0_u64;
        for (number, block) in numbers.into_iter().zip(file.read_blocks(&ranges)?) {
            let mask = masks.odd.get(&number).copied().unwrap_or(masks.common);
            let chunk = file.unfiltered(Structure::Chunk, &block, (stored.pipeline, mask), stored.bytes)?;
            let filled = self.filled(&chunk, &position(number, &manifest.grid));
            if filled != chunk {
                let encoded = stored.encode(filled)?;
                total = total.saturating_add(u64::try_from(encoded.len()).unwrap_or(u64::MAX));
                inline.push((number, Bytes::from(encoded)));
            }
        }
        if total > file.limits().repair_bytes {
            return Err(
                Unsupported::Feature("a variable shorter than its unlimited dimension, with large chunks").into()
            );
        }
        file.budget().inline(total)?;
        manifest.hold_inline(inline);
        Ok(())
    }

    /// Whether a chunk holds elements of the longer array that the dataset does not have.
    pub(crate) fn is_edge(&self, position: &[u64]) -> bool {
        self.axes(position).any(|(first, chunk, size, longer)| first.saturating_add(chunk).min(longer) > size)
    }

    /// Whether a chunk holds no element of the dataset.
    pub(crate) fn is_outside(&self, position: &[u64]) -> bool {
        self.axes(position).any(|(first, _, size, _)| first >= size)
    }

    /// For each dimension: the chunk's first index, its size, the dataset's size, the longer size.
    fn axes(&self, position: &[u64]) -> impl Iterator<Item = (u64, u64, u64, u64)> {
        let sizes = self.dataset.dataspace.dimensions.iter().zip(self.shape);
        position
            .iter()
            .zip(self.chunk)
            .zip(sizes)
            .map(|((place, chunk), (size, longer))| (place.saturating_mul(*chunk), *chunk, *size, *longer))
    }

    /// A chunk whose elements past the dataset's end are the fill value.
    pub(crate) fn filled(&self, chunk: &[u8], at: &[u64]) -> Vec<u8> {
        let mut filled = chunk.to_vec();
        for (number, element) in (0_u64..).zip(filled.chunks_exact_mut(self.element.len().max(1))) {
            let inside = position(number, self.chunk);
            let mut axes = self.axes(at).zip(&inside);
            if axes.any(|((first, _, size, longer), index)| (size..longer).contains(&first.saturating_add(*index))) {
                element.copy_from_slice(&self.element);
            }
        }
        filled
    }
}

/// The number in `new` of what has `number` in `old`.
pub(crate) fn renumbered(number: u64, old: &[u64], new: &[u64]) -> Result<u64, Unsupported> {
    let number = grid::number(&position(number, old), new);
    number.ok_or(Unsupported::Feature("an array of more than 2^64 chunks"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_keeps_its_place_in_a_longer_grid() {
        assert_eq!(renumbered(5, &[2, 3], &[2, 4]), Ok(6));
        assert_eq!(renumbered(5, &[2, 3], &[9, 3]), Ok(5));
    }
}
