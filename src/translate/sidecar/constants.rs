//! Chunks that were never written: each value of them is written once, and referenced wherever it stands.

use super::super::fill::{Fill, constant, fill, zeros};
use super::super::options::{FillPolicy, Options};
use super::super::padding::Padding;
use super::super::subject::Subject;
use crate::error::Error;
use crate::file::{File, FillValue as Hdf5Fill};
use crate::zarr::FillValue;

/// The elements that chunks are made of which were never written; `None` is what readers give for a missing chunk.
pub(super) struct Constants {
    /// `fill_value` of the array.
    pub(super) declared: Option<FillValue>,
    /// Inside the dataset.
    pub(super) inside: Option<Vec<u8>>,
    /// Past its end, where the array is longer.
    pub(super) outside: Option<Vec<u8>>,
}

impl Constants {
    /// `decoded` says that elements are decoded: of these, readers differ on what a missing chunk is.
    pub(super) fn new(
        (file, subject): (&File<'_>, Subject<'_>),
        padding: Option<&Padding<'_>>,
        decoded: bool,
        options: &Options,
    ) -> Result<Self, Error> {
        let Subject { object, dataset, .. } = subject;
        let datatype = &dataset.datatype;
        let outer = padding.map_or_else(|| dataset.fill.clone(), |padding| Hdf5Fill::Value(padding.element.clone()));
        let policy = if decoded { FillPolicy::Exact } else { options.fill };
        let Fill { declared, constant: outside } = fill(object, datatype, &outer, policy);
        if decoded {
            let element = |fill: &Hdf5Fill| match fill {
                Hdf5Fill::Value(element) => Ok(element.clone()),
                Hdf5Fill::Default | Hdf5Fill::Undefined => zeros(datatype, file.limits()),
            };
            return Ok(Self { declared, inside: Some(element(&dataset.fill)?), outside: Some(element(&outer)?) });
        }
        let inside =
            if padding.is_some() { constant(datatype, &dataset.fill, declared.as_ref()) } else { outside.clone() };
        Ok(Self { declared, inside, outside })
    }
}

/// A chunk of `count` times one element, zeros if there is none.
pub(super) fn repeated(file: &File<'_>, element: Option<&[u8]>, (count, bytes): (u64, u64)) -> Result<Vec<u8>, Error> {
    file.budget().decoded(bytes)?;
    Ok(match element {
        Some(element) => element.repeat(usize::try_from(count).unwrap_or(0)),
        None => vec![0; usize::try_from(bytes).unwrap_or(0)],
    })
}
