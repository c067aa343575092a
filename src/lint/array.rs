//! What the rules ask of one array.

use serde_json::Value;

use crate::reference::grid::position;
use crate::reference::{Array, Manifest};
use crate::zarr::{Codec, Dtype};

/// The kinds of elements, in NumPy's letters: one, or one for each field.
pub(super) fn kinds(dtype: &Dtype) -> Vec<char> {
    match dtype {
        Dtype::Simple(name) => kind(name).into_iter().collect(),
        Dtype::Structured(fields) => fields.iter().filter_map(|field| kind(&field.1)).collect(),
    }
}

/// The kind of a simple type.
pub(super) fn simple(dtype: &Dtype) -> Option<char> {
    match dtype {
        Dtype::Simple(name) => kind(name),
        Dtype::Structured(_) => None,
    }
}

fn kind(name: &str) -> Option<char> {
    name.chars().nth(1)
}

/// Is any chunk neither referenced nor inline?
pub(super) fn lacks_chunks(array: &Array) -> bool {
    let chunks = array.chunks.grid.iter().try_fold(1_u64, |all, size| all.checked_mul(*size));
    let present = u64::try_from(array.chunks.present()).unwrap_or(u64::MAX);
    chunks.is_none_or(|chunks| present < chunks)
}

/// The least grid that holds all chunks that are there.
pub(super) fn spanned_grid(manifest: &Manifest) -> Vec<u64> {
    let mut grid = vec![0; manifest.grid.len()];
    for number in manifest.number.iter().chain(manifest.inline.keys()) {
        for (size, place) in grid.iter_mut().zip(position(*number, &manifest.grid)) {
            *size = place.saturating_add(1).max(*size);
        }
    }
    grid
}

/// The first of an array's codecs that a reader does not have.
pub(super) fn unknown_codec<'a>(array: &'a Array, known: &[&str]) -> Option<&'a str> {
    array.metadata.codecs().map(Codec::id).find(|id| !known.contains(id))
}

/// Lengths of the chunks that are parts of files.
pub(super) fn lengths(array: &Array) -> impl Iterator<Item = u64> {
    array.chunks.length.iter().copied().filter(|length| *length != Manifest::WHOLE)
}

/// The names of an array's dimensions, as they are told.
pub(super) enum Dimensions<'a> {
    /// Not at all.
    Untold,
    /// So many entries, of which not all are names.
    NotNames(usize),
    /// Names.
    Names(Vec<&'a str>),
}

impl<'a> Dimensions<'a> {
    pub(super) fn of(array: &'a Array) -> Self {
        let Some(entries) = array.attributes.get("_ARRAY_DIMENSIONS").and_then(Value::as_array) else {
            return Self::Untold;
        };
        let names: Option<Vec<&str>> = entries.iter().map(Value::as_str).collect();
        names.map_or(Self::NotNames(entries.len()), Self::Names)
    }

    /// Number of entries, if there are any to count.
    pub(super) fn count(&self) -> Option<usize> {
        match self {
            Self::Untold => None,
            Self::NotNames(count) => Some(*count),
            Self::Names(names) => Some(names.len()),
        }
    }
}
