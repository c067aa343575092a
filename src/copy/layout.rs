//! What is written: each array with its new chunks, after everything is checked that can be.

use super::fit::{Fit, Room};
use super::unit::Unit;
use super::{CopyOptions, encode};
use crate::error::Error;
use crate::limits::check;
use crate::plan::dimensions;
use crate::reference::grid::grid;
use crate::reference::key::{chunk_name, joined, problem, split};
use crate::reference::{Array, ReferenceSet};
use crate::store::refusal;
use crate::zarr::{ArrayMetadata, Codec, Order};

/// Bytes of a coordinate that becomes one chunk, at most.
const WHOLE_COORDINATE: u64 = 64 << 20;

/// Bytes of another array that becomes one chunk, at most.
const WHOLE: u64 = 4 << 20;

/// What a text of any length is counted as.
const TEXT: u64 = 64;

/// Names that are documents of a store.
pub(super) const DOCUMENTS: [&str; 5] = [".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json"];

/// An array as it is written.
pub(super) struct Laid<'a> {
    pub(super) path: &'a str,
    pub(super) source: &'a Array,
    pub(super) metadata: ArrayMetadata,
    /// Chunks along each dimension.
    pub(super) grid: Vec<u64>,
    pub(super) fit: Fit,
}

impl Laid<'_> {
    /// How many chunks there are.
    pub(super) fn count(&self) -> u64 {
        self.grid.iter().fold(1, |count, n| count.saturating_mul(*n))
    }

    /// The key of a chunk.
    pub(super) fn key(&self, number: u64) -> String {
        joined(self.path, &chunk_name(number, &self.grid))
    }

    /// The parts that are read and written one after another.
    pub(super) fn units(&self) -> impl Iterator<Item = Unit> {
        Unit::all(&self.grid, &self.fit.unit)
    }
}

/// Lays out the arrays that are chosen.
pub(super) fn lay_out<'a>(set: &'a ReferenceSet, options: &CopyOptions) -> Result<Vec<Laid<'a>>, Error> {
    check_names(set)?;
    let mut plan = options.plan.resolve(set)?;
    let chosen = set.arrays().filter(|(path, _)| options.select.chooses(&format!("/{path}")));
    let (mut laid, mut problems) = (Vec::new(), Vec::new());
    let (mut chunks, mut bytes) = (0_u64, 0_u64);
    for (path, array) in chosen {
        if let Some(why) = unreadable(array) {
            problems.push(format!("{path}: {why}"));
            continue;
        }
        let new = plan.remove(path).unwrap_or_else(|| kept(path, array));
        let of = |volume: u64, n: &u64| volume.saturating_mul(*n);
        let element = element(array);
        chunks = chunks.saturating_add(grid(&array.metadata.shape, &new).iter().fold(1, of));
        bytes = bytes.saturating_add(array.metadata.shape.iter().fold(element, of));
        check("output_chunks", chunks, options.limits.output_chunks)?;
        check("output_bytes", bytes, options.limits.output_bytes)?;
        laid.push(lay(path, array, new, element, options)?);
    }
    if problems.is_empty() {
        return Ok(laid);
    }
    Err(Error::Copy { target: "arrays that cannot be read".to_owned(), problem: problems.join("; ") })
}

fn lay<'a>(
    path: &'a str,
    array: &'a Array,
    chunks: Vec<u64>,
    element: u64,
    options: &CopyOptions,
) -> Result<Laid<'a>, Error> {
    let source = &array.metadata;
    let grid = grid(&source.shape, &chunks);
    let room = Room { memory: options.memory, jobs: options.jobs };
    let fit = Fit::new(array, element, &chunks, room).map_err(|needed| Error::Copy {
        target: path.to_owned(),
        problem: format!(
            "chunks {chunks:?} of it need {needed} bytes of memory, and {} may be used: smaller chunks need less",
            options.memory
        ),
    })?;
    let metadata = ArrayMetadata {
        shape: source.shape.clone(),
        chunks,
        dtype: source.dtype.clone(),
        fill_value: source.fill_value.clone(),
        filters: encode::filters(&source.dtype, options.shuffle),
        compressor: options.compressor.codec(),
        order: Order::C,
    };
    Ok(Laid { path, source: array, metadata, grid, fit })
}

/// Bytes of an element as they are counted.
pub(super) fn element(array: &Array) -> u64 {
    array.metadata.dtype.size().filter(|size| *size > 0).unwrap_or(TEXT)
}

/// The chunks of an array that no plan names.
fn kept(path: &str, array: &Array) -> Vec<u64> {
    let metadata = &array.metadata;
    let bytes = metadata.shape.iter().fold(element(array), |bytes, n| bytes.saturating_mul(*n));
    let is_coordinate = metadata.shape.len() == 1 && dimensions(array).iter().any(|name| name == split(path).1);
    let one = bytes <= if is_coordinate { WHOLE_COORDINATE } else { WHOLE };
    let sizes = metadata.shape.iter().zip(&metadata.chunks);
    sizes.map(|(n, chunk)| if one { *n } else { (*chunk).min(*n) }.max(1)).collect()
}

/// Why an array's elements cannot be read.
fn unreadable(array: &Array) -> Option<String> {
    let metadata = &array.metadata;
    let is_text = metadata.codecs().any(|codec| *codec == Codec::VlenUtf8);
    match metadata.dtype.size() {
        Some(0) if !is_text => Some("objects other than texts have no form that is written".to_owned()),
        None => Some("its type is not known".to_owned()),
        _ => metadata.codecs().find_map(refusal),
    }
}

/// Names that would lead out of a folder, or be taken for something else in it.
fn check_names(set: &ReferenceSet) -> Result<(), Error> {
    let wrong = |path: &str, what: &str| Err(Error::Reference { key: path.to_owned(), problem: what.to_owned() });
    let mut arrays = std::collections::BTreeSet::new();
    for (path, node) in &set.nodes {
        if path.is_empty() && matches!(node, crate::reference::Node::Group(_)) {
            continue;
        }
        if let Some(what) = (!path.is_empty()).then(|| problem(path)).flatten() {
            return wrong(path, what);
        }
        if path.split('/').any(|part| DOCUMENTS.contains(&part)) {
            return wrong(path, "is the name of a document of a store");
        }
        // Names that some systems take for a path elsewhere, or for a device.
        if cfg!(windows) && path.contains(['\\', ':']) {
            return wrong(path, "has a character that leads elsewhere");
        }
        let inside = std::iter::successors(Some(path.as_str()), |path| (!path.is_empty()).then(|| split(path).0));
        if inside.skip(1).any(|above| arrays.contains(above)) {
            return wrong(path, "lies inside an array");
        }
        if let crate::reference::Node::Array(_) = node {
            arrays.insert(path.as_str());
        }
    }
    Ok(())
}
