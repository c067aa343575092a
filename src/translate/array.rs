//! Datasets as arrays.

use std::sync::Arc;

use super::attribute::Paths;
use super::codec::codecs;
use super::decoded::decoded;
use super::dtype::{element, without_arrays};
use super::external::{External, external};
use super::family;
use super::fields::leaves;
use super::fill::{Fill, fill};
use super::form::Form;
use super::inline::{constant_chunks, small_chunks};
use super::masks::{Masks, Stored, odd_chunks};
use super::options::Options;
use super::padding::Padding;
use super::repair::repaired;
use super::virtual_dataset::virtual_array;
use crate::error::{Error, Unsupported};
use crate::file::{ChunkTable, Dataset, Datatype, Extent, ExternalFile, File, FillValue, Object, Storage};
use crate::reference::grid::position;
use crate::reference::{Manifest, UrlId, Urls};
use crate::source::Halt;
use crate::zarr::ArrayMetadata;

/// An array without its attributes.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) metadata: ArrayMetadata,
    pub(crate) chunks: Manifest,
    /// The files that the chunks lie in, where they are not the file itself or its members.
    pub(crate) urls: Vec<String>,
}

/// A dataset that becomes an array.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) object: &'a Object,
    pub(crate) dataset: &'a Dataset,
    /// The shape, where the array is to be longer than the dataset.
    pub(crate) longer: Option<&'a [u64]>,
    /// What references to objects lead to.
    pub(crate) paths: &'a Paths<'a>,
}

/// The array that a dataset becomes; its chunk table, as far as it has one, is moved into the manifest.
pub(crate) fn array(
    file: &File<'_>,
    subject: Subject<'_>,
    chunks: Option<Arc<ChunkTable>>,
    options: &Options,
) -> Result<Parts, Halt> {
    let Subject { object, dataset, longer, .. } = subject;
    match (&dataset.dataspace.extent, &dataset.storage) {
        (Extent::Null, _) => return Err(Unsupported::NullDataspace.into()),
        (_, Storage::External(files)) => return Ok(external_array(subject, files, options)?),
        (_, Storage::Virtual(_)) if file.family().is_some() => {
            return Err(Unsupported::Feature("a virtual dataset in a family of files").into());
        }
        (_, Storage::Virtual(mappings)) => return virtual_array(file, subject, mappings, options),
        _ => {}
    }
    file.budget().inline(names_bytes(&dataset.datatype))?;
    let Ok(element) = element(&dataset.datatype) else {
        let form = Form::of(&dataset.datatype)?;
        let (metadata, chunks) = decoded(file, subject, chunks.as_deref(), &form)?;
        return Ok(Parts { metadata, chunks, urls: Vec::new() });
    };
    let kept = kept_for_repair(dataset, chunks.as_ref());
    let (mut chunks, mut masks, mut manifest) = manifest(dataset, chunks)?;
    let split = family::split(file, dataset, options, (&mut chunks, &mut manifest))?;
    let (elements, bytes) = chunk_bytes(&chunks, &dataset.datatype)?;
    let codecs = match codecs(&dataset.filters, masks.common, bytes) {
        Ok(codecs) => codecs,
        Err(refusal) => return repaired(file, subject, kept.as_deref(), options, refusal),
    };
    let stored = Stored { pipeline: &dataset.filters, mask: masks.common, trailing: codecs.trailing, bytes };
    let padding = longer.map(|shape| Padding::new(dataset, shape, &chunks));
    let fill = match &padding {
        Some(padding) => {
            padding.apply(file, &stored, &mut masks, &mut manifest)?;
            fill(object, &dataset.datatype, &FillValue::Value(padding.element.clone()), options.fill)
        }
        None => fill(object, &dataset.datatype, &dataset.fill, options.fill),
    };
    odd_chunks(file, &stored, &masks.odd, &mut manifest)?;
    without_checksums(&mut manifest, codecs.trailing)?;
    if !split {
        small_chunks(file, options, &mut manifest)?;
    }
    family::place(file, &mut manifest)?;
    constant_chunks(file, dataset, &fill, elements, |chunk| stored.encode(chunk), &mut manifest)?;
    let mut shape = longer.unwrap_or(&dataset.dataspace.dimensions).to_vec();
    shape.extend(&element.dimensions);
    chunks.extend(&element.dimensions);
    manifest.grid.extend(element.dimensions.iter().map(|_| 1));
    let Fill { declared: fill_value, .. } = fill;
    let metadata = ArrayMetadata { shape, chunks, dtype: element.dtype, fill_value, filters: codecs.filters };
    Ok(Parts { metadata, chunks: manifest, urls: Vec::new() })
}

/// What the fields of a record cost: many datasets may have one type of many fields.
fn names_bytes(datatype: &Datatype) -> u64 {
    let leaves = leaves(without_arrays(datatype).0).unwrap_or_default();
    let bytes = leaves.iter().map(|leaf| u64::try_from(leaf.name.len()).unwrap_or(u64::MAX));
    if leaves.len() < 2 { 0 } else { bytes.fold(0, |sum, bytes| sum.saturating_add(bytes).saturating_add(64)) }
}

/// The chunk table, if the chunks may have to be decoded.
fn kept_for_repair(dataset: &Dataset, chunks: Option<&Arc<ChunkTable>>) -> Option<Arc<ChunkTable>> {
    let Storage::Chunked { chunk, .. } = &dataset.storage else { return None };
    let (_, bytes) = chunk_bytes(chunk, &dataset.datatype).ok()?;
    codecs(&dataset.filters, 0, bytes).err().and_then(|_| chunks.map(Arc::clone))
}

/// The array of a dataset whose elements lie in other files.
fn external_array(subject: Subject<'_>, files: &[ExternalFile], options: &Options) -> Result<Parts, Unsupported> {
    let Subject { object, dataset, .. } = subject;
    let element = element(&dataset.datatype)?;
    let External { chunk: mut chunks, manifest, urls } = external(dataset, files, options.external.as_ref())?;
    let fill_value = fill(object, &dataset.datatype, &dataset.fill, options.fill).declared;
    let mut shape = dataset.dataspace.dimensions.clone();
    shape.extend(&element.dimensions);
    chunks.extend(&element.dimensions);
    let grid = manifest.grid.iter().copied().chain(element.dimensions.iter().map(|_| 1)).collect();
    let metadata = ArrayMetadata { shape, chunks, dtype: element.dtype, fill_value, filters: Vec::new() };
    Ok(Parts { metadata, chunks: Manifest { grid, ..manifest }, urls })
}

/// Elements and bytes of a chunk.
pub(crate) fn chunk_bytes(chunk: &[u64], datatype: &Datatype) -> Result<(u64, u64), Unsupported> {
    let elements = chunk.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
    let bytes = elements.and_then(|n| n.checked_mul(datatype.size.into()));
    elements.zip(bytes).ok_or(Unsupported::Feature("a chunk of more than 2^64 bytes"))
}

/// Leaves the last bytes of every chunk out of its reference.
pub(crate) fn without_checksums(manifest: &mut Manifest, trailing: u64) -> Result<(), Unsupported> {
    for length in &mut manifest.length {
        *length = length.checked_sub(trailing).ok_or(Unsupported::Feature("a chunk shorter than its checksum"))?;
    }
    Ok(())
}

/// The chunk shape, the filters that the chunks skip, and where they lie.
pub(crate) fn manifest(
    dataset: &Dataset,
    chunks: Option<Arc<ChunkTable>>,
) -> Result<(Vec<u64>, Masks, Manifest), Error> {
    let shape = &dataset.dataspace.dimensions;
    let whole = || shape.iter().map(|size| (*size).max(1)).collect();
    let one = |offset: Option<u64>, length: u64| {
        // An array with a dimension of size 0 has no chunks; any other has one.
        let present = offset.filter(|_| length > 0);
        Manifest {
            grid: shape.iter().map(|size| (*size).min(1)).collect(),
            number: present.iter().map(|_| 0).collect(),
            urls: Urls::One(UrlId(0)),
            offset: present.into_iter().collect(),
            length: present.iter().map(|_| length).collect(),
            ..Manifest::default()
        }
    };
    match (&dataset.storage, chunks) {
        (Storage::Compact { offset, elements }, _) => {
            Ok((whole(), Masks::default(), one(Some(*offset), u64::try_from(elements.len()).unwrap_or(u64::MAX))))
        }
        (Storage::Contiguous { offset, length }, _) => Ok((whole(), Masks::default(), one(*offset, *length))),
        (Storage::Chunked { chunk, unfiltered_edges, .. }, Some(table)) => {
            let partial = |number| is_partial(number, shape, chunk, &table.grid);
            let masks = Masks::of(&table, dataset.filters.filters.len(), unfiltered_edges.then_some(partial));
            Ok((chunk.clone(), masks, columns(table)))
        }
        _ => Err(Unsupported::Feature("a dataset whose chunks were not read").into()),
    }
}

/// Whether the chunk with a number reaches past the array's end.
pub(crate) fn is_partial(number: u64, shape: &[u64], chunk: &[u64], grid: &[u64]) -> bool {
    let sizes = shape.iter().zip(chunk);
    position(number, grid).iter().zip(sizes).any(|(place, (size, chunk))| (place + 1).saturating_mul(*chunk) > *size)
}

fn columns(table: Arc<ChunkTable>) -> Manifest {
    let ChunkTable { grid, number, offset, size, .. } = Arc::unwrap_or_clone(table);
    Manifest { grid, number, urls: Urls::One(UrlId(0)), offset, length: size, ..Manifest::default() }
}
