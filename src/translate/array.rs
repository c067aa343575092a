//! Datasets as arrays.

use std::sync::Arc;

use super::codec::codecs;
use super::dtype::element;
use super::fill::{Fill, fill};
use super::inline::{constant_chunks, small_chunks};
use super::options::Options;
use super::strings::strings;
use crate::error::{Error, Unsupported};
use crate::file::{ChunkTable, Class, Dataset, Extent, File, FilterMasks, FilterPipeline, Object, Storage};
use crate::reference::{Manifest, UrlId, Urls};
use crate::source::Halt;
use crate::zarr::ArrayMetadata;

/// An array without its attributes.
pub(crate) type Parts = (ArrayMetadata, Manifest);

/// The array that a dataset becomes; its chunk table, as far as it has one, is moved into the manifest.
pub(crate) fn array(
    file: &File<'_>,
    object: &Object,
    dataset: &Dataset,
    chunks: Option<Arc<ChunkTable>>,
    options: &Options,
) -> Result<Parts, Halt> {
    match (&dataset.dataspace.extent, &dataset.storage) {
        (Extent::Null, _) => return Err(Unsupported::NullDataspace.into()),
        (_, Storage::External { .. }) => return Err(Unsupported::ExternalFiles.into()),
        (_, Storage::Virtual) => return Err(Unsupported::VirtualDataset.into()),
        _ => {}
    }
    if matches!(dataset.datatype.class, Class::VariableString(_)) {
        return strings(file, dataset, chunks.as_deref());
    }
    let element = element(&dataset.datatype)?;
    let fill = fill(object, dataset, options.fill);
    let mut shape = dataset.dataspace.dimensions.clone();
    let (mut chunks, mask, mut manifest) = manifest(dataset, chunks)?;
    let elements = chunks.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
    let bytes = elements.and_then(|n| n.checked_mul(dataset.datatype.size.into()));
    let (Some(elements), Some(bytes)) = (elements, bytes) else {
        return Err(Unsupported::Feature("a chunk of more than 2^64 bytes").into());
    };
    let codecs = codecs(&dataset.filters, mask, bytes)?;
    for length in &mut manifest.length {
        *length =
            length.checked_sub(codecs.trailing).ok_or(Unsupported::Feature("a chunk shorter than its checksum"))?;
    }
    small_chunks(file, options, &mut manifest)?;
    let encode = |chunk| encode(&dataset.filters, mask, codecs.trailing, chunk);
    constant_chunks(file, dataset, &fill, elements, encode, &mut manifest)?;
    shape.extend(&element.dimensions);
    chunks.extend(&element.dimensions);
    manifest.grid.extend(element.dimensions.iter().map(|_| 1));
    let Fill { declared: fill_value, .. } = fill;
    Ok((ArrayMetadata { shape, chunks, dtype: element.dtype, fill_value, filters: codecs.filters }, manifest))
}

/// A constant chunk as the file would hold it, without the checksum that references leave out.
fn encode(pipeline: &FilterPipeline, mask: u32, trailing: u64, chunk: Vec<u8>) -> Result<Vec<u8>, Unsupported> {
    let mut encoded = pipeline.apply(mask, chunk)?;
    encoded.truncate(encoded.len().saturating_sub(usize::try_from(trailing).unwrap_or(0)));
    Ok(encoded)
}

/// The chunk shape, the mask that all chunks share, and where they lie.
fn manifest(dataset: &Dataset, chunks: Option<Arc<ChunkTable>>) -> Result<(Vec<u64>, u32, Manifest), Error> {
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
            Ok((whole(), 0, one(Some(*offset), u64::try_from(elements.len()).unwrap_or(u64::MAX))))
        }
        (Storage::Contiguous { offset, length }, _) => Ok((whole(), 0, one(*offset, *length))),
        (Storage::Chunked { chunk, unfiltered_edges, .. }, Some(table)) => {
            if *unfiltered_edges && has_partial_edge(shape, chunk) && !dataset.filters.filters.is_empty() {
                return Err(Unsupported::UnfilteredEdges.into());
            }
            let FilterMasks::Uniform(mask) = table.masks else { return Err(Unsupported::FilterMasks.into()) };
            Ok((chunk.clone(), mask, columns(table)))
        }
        _ => Err(Unsupported::Feature("a dataset whose chunks were not read").into()),
    }
}

fn has_partial_edge(shape: &[u64], chunk: &[u64]) -> bool {
    shape.iter().zip(chunk).any(|(size, chunk)| !size.is_multiple_of(*chunk))
}

fn columns(table: Arc<ChunkTable>) -> Manifest {
    let ChunkTable { grid, number, offset, size, .. } = Arc::unwrap_or_clone(table);
    Manifest { grid, number, urls: Urls::One(UrlId(0)), offset, length: size, ..Manifest::default() }
}
