//! Datasets as arrays.

use std::sync::Arc;

use super::chunks::{chunk_bytes, manifest, without_checksums};
use super::codec::codecs;
use super::decoded::decoded;
use super::dtype::element;
use super::external::{External, external};
use super::family;
use super::fields::leaves;
use super::fill::{Fill, fill};
use super::form::Form;
use super::inline::{constant_chunks, small_chunks, small_records};
use super::masks::{Stored, odd_chunks};
use super::options::Options;
use super::padding::Padding;
use super::repair::{or_read, repaired};
use super::subject::{Parts, Subject};
use super::texts::{Texts, end_texts};
use super::virtual_dataset::virtual_array;
use crate::error::Unsupported;
use crate::file::{ChunkTable, Dataset, Datatype, Extent, ExternalFile, File, FillValue, Storage};
use crate::netcdf::is_scale;
use crate::reference::Manifest;
use crate::source::Halt;
use crate::zarr::ArrayMetadata;

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
        (_, Storage::External(files)) => {
            let made = external_array(subject, files, options).map_err(Halt::from);
            return or_read(made, file, subject, options);
        }
        (_, Storage::Virtual(mappings)) => {
            let made = virtual_array(file, subject, mappings, options);
            return or_read(made, file, subject, options);
        }
        _ => {}
    }
    file.budget().inline(names_bytes(&dataset.datatype))?;
    let Ok(element) = element(&dataset.datatype) else {
        let form = Form::of(&dataset.datatype)?;
        let (metadata, chunks) = decoded(file, subject, chunks.as_deref(), &form, options)?;
        return Ok(Parts { metadata, chunks, urls: Vec::new() });
    };
    let kept = kept_for_repair(dataset, chunks.as_ref(), options);
    let (mut chunks, mut masks, mut manifest) = manifest(dataset, chunks)?;
    let split = family::split(file, dataset, options, (&mut chunks, &mut manifest))?;
    small_records(file, dataset, inline_threshold(subject, &manifest, options), (&mut chunks, &mut manifest))?;
    let (elements, bytes) = chunk_bytes(&chunks, &dataset.datatype)?;
    let codecs = codecs(&dataset.filters, masks.common, bytes, options.codecs);
    let codecs = match codecs.and_then(|codecs| codecs.of_chunks(bytes, &manifest.length)) {
        Ok(codecs) => codecs,
        Err(refusal) => return repaired(file, subject, kept.as_deref(), options, refusal),
    };
    let stored = Stored {
        pipeline: &dataset.filters,
        mask: masks.common,
        trailing: codecs.trailing,
        bytes,
        texts: Texts::of(&dataset.datatype),
    };
    let padding = longer.map(|shape| Padding::new(dataset, shape, &chunks, file.limits())).transpose()?;
    let fill = match &padding {
        Some(padding) => {
            padding.apply(file, &stored, &mut masks, &mut manifest)?;
            fill(object, &dataset.datatype, &FillValue::Value(padding.element.clone()), options.fill)
        }
        None => fill(object, &dataset.datatype, &dataset.fill, options.fill),
    };
    odd_chunks(file, &stored, &masks.odd, &mut manifest)?;
    without_checksums(&mut manifest, &codecs)?;
    if !split {
        small_chunks(file, inline_threshold(subject, &manifest, options), &mut manifest)?;
        end_texts(file, dataset, &stored, &mut manifest)?;
    }
    family::place(file, &mut manifest)?;
    constant_chunks(file.budget(), dataset, &fill, elements, |chunk| stored.encode(chunk), &mut manifest)?;
    let mut shape = longer.unwrap_or(&dataset.dataspace.dimensions).to_vec();
    shape.extend(&element.dimensions);
    chunks.extend(&element.dimensions);
    manifest.grid.extend(element.dimensions.iter().map(|_| 1));
    let Fill { declared: fill_value, .. } = fill;
    let metadata = ArrayMetadata::new(shape, chunks, element.dtype, fill_value, codecs.filters);
    Ok(Parts { metadata, chunks: manifest, urls: Vec::new() })
}

/// Chunks of fewer stored bytes are held inline.
fn inline_threshold(subject: Subject<'_>, manifest: &Manifest, options: &Options) -> u64 {
    /// Stored bytes of an array that a combination may have to read whole.
    const SMALL: u64 = 16 << 10;
    let stored = || manifest.length.iter().fold(0_u64, |sum, length| sum.saturating_add(*length));
    let is_named =
        || matches!(&subject.dataset.named[..], [only] if subject.object.path.ends_with(&format!("/{only}")));
    let is_coordinate = || subject.dataset.dataspace.dimensions.len() == 1 && (is_scale(subject.object) || is_named());
    if options.inline_coordinates && (stored() <= SMALL || is_coordinate()) {
        u64::MAX
    } else {
        options.inline_threshold
    }
}

/// What the fields of a record cost: many datasets may have one type of many fields.
fn names_bytes(datatype: &Datatype) -> u64 {
    let leaves = leaves(datatype.without_arrays().0).unwrap_or_default();
    let bytes = leaves.iter().map(|leaf| u64::try_from(leaf.name.len()).unwrap_or(u64::MAX));
    if leaves.len() < 2 { 0 } else { bytes.fold(0, |sum, bytes| sum.saturating_add(bytes).saturating_add(64)) }
}

/// The chunk table, if the chunks may have to be decoded.
fn kept_for_repair(dataset: &Dataset, chunks: Option<&Arc<ChunkTable>>, options: &Options) -> Option<Arc<ChunkTable>> {
    let Storage::Chunked { chunk, .. } = &dataset.storage else { return None };
    let (_, bytes) = chunk_bytes(chunk, &dataset.datatype).ok()?;
    codecs(&dataset.filters, 0, bytes, options.codecs).err().and_then(|_| chunks.map(Arc::clone))
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
    let metadata = ArrayMetadata::new(shape, chunks, element.dtype, fill_value, Vec::new());
    Ok(Parts { metadata, chunks: Manifest { grid, ..manifest }, urls })
}
