//! The chunks of a dataset as they lie in the file.

use std::sync::Arc;

use super::codec::Codecs;
use super::masks::Masks;
use crate::error::{Error, Structure, Unsupported};
use crate::file::{ChunkTable, Dataset, Datatype, Storage};
use crate::reference::grid::position;
use crate::reference::{Manifest, UrlId, Urls};

/// Elements and bytes of a chunk.
pub(crate) fn chunk_bytes(chunk: &[u64], datatype: &Datatype) -> Result<(u64, u64), Unsupported> {
    let elements = chunk.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
    let bytes = elements.and_then(|n| n.checked_mul(datatype.size.into()));
    elements.zip(bytes).ok_or(Unsupported::Feature("a chunk of more than 2^64 bytes"))
}

/// Leaves checksums at the end of chunks out of their references.
pub(crate) fn without_checksums(manifest: &mut Manifest, codecs: &Codecs) -> Result<(), Error> {
    for (length, offset) in manifest.length.iter_mut().zip(&manifest.offset) {
        let referenced = codecs.referenced(*length);
        *length = referenced.map_err(|problem| Error::format(Structure::Chunk, *offset, problem))?;
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
