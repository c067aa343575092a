//! Chunks that were never written: each value of them is written once, and referenced wherever it stands.

use super::super::fill::{Fill, constant, fill};
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
    pub(super) fn new(subject: Subject<'_>, padding: Option<&Padding<'_>>, decoded: bool, options: &Options) -> Self {
        let Subject { object, dataset, .. } = subject;
        let datatype = &dataset.datatype;
        let outer = padding.map_or_else(|| dataset.fill.clone(), |padding| Hdf5Fill::Value(padding.element.clone()));
        let policy = if decoded { FillPolicy::Exact } else { options.fill };
        let Fill { declared, constant: outside } = fill(object, datatype, &outer, policy);
        if decoded {
            return Self {
                declared,
                inside: Some(element(&dataset.fill, datatype.size)),
                outside: Some(element(&outer, datatype.size)),
            };
        }
        let inside =
            if padding.is_some() { constant(datatype, &dataset.fill, declared.as_ref()) } else { outside.clone() };
        Self { declared, inside, outside }
    }
}

/// An element of a fill value.
fn element(fill: &Hdf5Fill, size: u32) -> Vec<u8> {
    match fill {
        Hdf5Fill::Value(element) => element.clone(),
        Hdf5Fill::Default | Hdf5Fill::Undefined => vec![0; usize::try_from(size).unwrap_or(0)],
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
