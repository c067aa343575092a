//! Chunks of a virtual dataset that are not there: no mapping covers them, or their source was never written there.

use bytes::Bytes;

use super::super::chunks::chunk_bytes;
use super::super::fill::{constant, fill, fill_value};
use super::super::masks::Stored;
use super::super::options::FillPolicy;
use super::super::subject::Subject;
use super::super::texts::Texts;
use super::place::Placement;
use super::sources::{Chunks, Elements};
use crate::error::{Error, Unsupported};
use crate::file::{File, FillValue as Hdf5Fill};
use crate::reference::Manifest;
use crate::reference::grid::number;
use crate::zarr::FillValue;

/// What is known of a virtual dataset whose chunks are not all there.
pub(super) struct Gaps<'a, 's> {
    pub(super) file: &'a File<'s>,
    pub(super) subject: Subject<'a>,
    pub(super) placements: &'a [Placement],
    /// How chunks are encoded.
    pub(super) encoder: Option<&'a Chunks>,
}

/// What missing chunks are made of: those of each placement, and those of none. `None` is what a reader gives anyway.
struct Constants {
    of: Vec<Option<Vec<u8>>>,
    uncovered: Option<Vec<u8>>,
}

impl Gaps<'_, '_> {
    /// Holds chunks inline where readers would give another value than libhdf5: the source's fill value where it was never written,
    /// the virtual dataset's own where no mapping is. Gives the fill value to declare.
    pub(super) fn fill(
        &self,
        chunk: &[u64],
        policy: FillPolicy,
        manifest: &mut Manifest,
    ) -> Result<Option<FillValue>, Error> {
        let Subject { object, dataset, .. } = self.subject;
        let total = manifest.grid.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
        let covered = self.placements.iter().try_fold(0_u64, |n, placement| n.checked_add(placement.len()?));
        let uncovered = Some(&dataset.fill).filter(|_| total.is_none() || total != covered);
        let of: Vec<Option<&Hdf5Fill>> =
            self.placements.iter().map(|one| one.missing().then_some(&one.source.fill)).collect();
        let first = uncovered.or_else(|| of.iter().copied().flatten().next()).unwrap_or(&dataset.fill);
        let declared = fill(object, &dataset.datatype, first, policy).declared;
        let constant = |fill: &Hdf5Fill| constant(&dataset.datatype, fill, declared.as_ref());
        let constants = Constants {
            of: of.into_iter().map(|fill| fill.and_then(constant)).collect(),
            uncovered: uncovered.and_then(constant),
        };
        if constants.uncovered.is_some() || constants.of.iter().any(Option::is_some) {
            self.hold(&constants, chunk, manifest)?;
        }
        Ok(declared)
    }

    /// Holds a constant chunk for each that is missing and needs one.
    fn hold(&self, constants: &Constants, chunk: &[u64], manifest: &mut Manifest) -> Result<(), Error> {
        let datatype = &self.subject.dataset.datatype;
        let most = self.file.limits().repair_bytes;
        let total = manifest.grid.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
        let present = u64::try_from(manifest.present()).unwrap_or(u64::MAX);
        let missing = total.unwrap_or(u64::MAX).saturating_sub(present);
        let example = constants.of.iter().chain([&constants.uncovered]).flatten().next();
        let value = example.and_then(|element| serde_json::to_string(&fill_value(datatype, element)?).ok());
        let refusal =
            || Unsupported::FillValue { missing, value: value.clone().unwrap_or_else(|| "of the file".to_owned()) };
        let total = total.filter(|_| missing <= most).ok_or_else(refusal)?;
        let owners = self.owners(total, &manifest.grid);
        let encoded = constants.of.iter().map(|element| self.encoded(element.as_deref(), chunk));
        let encoded: Vec<Option<Bytes>> = encoded.collect::<Result<_, _>>()?;
        let uncovered = self.encoded(constants.uncovered.as_deref(), chunk)?;
        let mut present = manifest.number.iter().copied().peekable();
        let mut bytes = 0_u64;
        for (number, owner) in (0_u64..).zip(owners) {
            if present.next_if_eq(&number).is_some() || manifest.inline.contains_key(&number) {
                continue;
            }
            let chunk = owner.map_or(Some(&uncovered), |owner| encoded.get(owner)).and_then(Option::as_ref);
            let Some(chunk) = chunk else { continue };
            bytes = bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            if bytes > most {
                return Err(refusal().into());
            }
            manifest.inline.insert(number, chunk.clone());
        }
        Ok(self.file.budget().inline(bytes)?)
    }

    /// The placement that each chunk belongs to.
    fn owners(&self, total: u64, grid: &[u64]) -> Vec<Option<usize>> {
        let mut owners = vec![None; usize::try_from(total).unwrap_or(0)];
        for (n, placement) in self.placements.iter().enumerate() {
            for cell in 0..placement.len().unwrap_or(0) {
                let number = number(&placement.cell(cell).0, grid).and_then(|number| usize::try_from(number).ok());
                if let Some(owner) = number.and_then(|number| owners.get_mut(number)) {
                    *owner = Some(n);
                }
            }
        }
        owners
    }

    /// A chunk of one element over and over, as the others are encoded.
    fn encoded(&self, element: Option<&[u8]>, chunk: &[u64]) -> Result<Option<Bytes>, Error> {
        let Some(element) = element else { return Ok(None) };
        let (elements, bytes) = chunk_bytes(chunk, &self.subject.dataset.datatype)?;
        self.file.budget().decoded(bytes)?;
        let plain = element.repeat(usize::try_from(elements).unwrap_or(0));
        let Some(Chunks { pipeline, mask, trailing, .. }) = self.encoder else { return Ok(Some(Bytes::from(plain))) };
        let texts = Texts::of(&self.subject.dataset.datatype);
        let stored = Stored { pipeline, mask: *mask, trailing: *trailing, bytes, texts };
        Ok(Some(Bytes::from(stored.encode(plain)?)))
    }
}

impl Placement {
    /// Whether chunks of the source may be missing that belong here.
    fn missing(&self) -> bool {
        match &self.source.elements {
            Elements::Whole(offset) => offset.is_none(),
            Elements::Chunks(chunks) => {
                let total = chunks.manifest.grid.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
                total != u64::try_from(chunks.manifest.present()).ok()
            }
        }
    }
}
