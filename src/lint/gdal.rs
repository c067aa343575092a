//! GDAL 3.12: the Zarr driver over `/vsikerchunk_json_ref/`.

use bytes::Bytes;

use super::array::{Dimensions, kinds, lacks_chunks, lengths, simple, unknown_codec};
use super::names::{Groups, Lengths, protocol};
use super::{Findings, Rule, Severity};
use crate::reference::{Array, ReferenceSet};
use crate::zarr::{Codec, FillValue};

/// The codecs that GDAL undoes, where it is built with all that it can have.
const CODECS: [&str; 9] = ["blosc", "delta", "fixedscaleoffset", "gzip", "lzma", "quantize", "shuffle", "zlib", "zstd"];

/// The protocols that GDAL has a file system for.
const PROTOCOLS: [&str; 6] = ["az", "file", "gs", "http", "https", "s3"];

/// The longest range that GDAL reads of a JSON file, in bytes.
const LONGEST: u64 = 0xffff_ffff;

pub(super) fn check(set: &ReferenceSet, found: &mut Findings) {
    let groups = Groups::of(set);
    if !groups.has_root() {
        found.add("", Rule::NoGroup, Severity::Set, "there is no .zgroup in the root");
    }
    let mut lengths = Lengths::default();
    for (path, array) in set.arrays() {
        if let Some(group) = groups.lacking(path).filter(|group| !group.is_empty()) {
            found.add(path, Rule::NoGroup, Severity::Array, format!("the group \"/{group}\" has no .zgroup"));
        }
        check_shape(path, array, found);
        if let Some(conflict) = lengths.conflict(path, array) {
            let why = format!(
                "dimension \"{}\" is {} long, and {} in another place of the group: the second that is opened is refused",
                conflict.name, conflict.length, conflict.first
            );
            found.add(path, Rule::DimensionLengths, Severity::Array, why);
        }
        if let Some(kind) = kinds(&array.metadata.dtype).into_iter().find(|kind| "OVMm".contains(*kind)) {
            found.add(path, Rule::Type, Severity::Array, format!("GDAL has no type for NumPy's \"{kind}\""));
        }
        check_codecs(path, array, found);
        check_fill_value(path, array, found);
        check_chunks(path, array, found);
        let unknown = |url: &&str| protocol(url).is_some_and(|protocol| !PROTOCOLS.contains(&protocol));
        if let Some(url) = array.chunks.files().into_iter().map(|id| set.url(id)).find(unknown) {
            found.add(path, Rule::Protocol, Severity::Array, format!("GDAL knows no file system for {url}"));
        }
    }
}

fn check_shape(path: &str, array: &Array, found: &mut Findings) {
    let rank = array.metadata.shape.len();
    if let Some(count) = Dimensions::of(array).count().filter(|count| *count != rank) {
        let why = format!("_ARRAY_DIMENSIONS has {count} names for {rank} dimensions");
        found.add(path, Rule::Dimensions, Severity::Array, why);
    }
    if array.metadata.shape.contains(&0) {
        found.add(path, Rule::EmptyDimension, Severity::Array, "a dimension is 0 long");
    }
    if array.metadata.chunks.contains(&0) {
        found.add(path, Rule::EmptyChunk, Severity::Array, "chunks are 0 long");
    }
}

fn check_codecs(path: &str, array: &Array, found: &mut Findings) {
    if let Some(id) = unknown_codec(array, &CODECS) {
        found.add(path, Rule::Codec, Severity::Array, format!("GDAL has no filter \"{id}\""));
    }
    for codec in array.metadata.codecs() {
        if let Codec::Shuffle { elementsize } = codec
            && !matches!(elementsize, 1 | 2 | 4 | 8)
        {
            let why = format!("GDAL shuffles elements of 1, 2, 4 and 8 bytes, not of {elementsize}");
            found.add(path, Rule::Codec, Severity::Array, why);
        }
    }
}

/// Complex ones are not read, 64 bits are taken for signed, and texts for base64.
fn check_fill_value(path: &str, array: &Array, found: &mut Findings) {
    let wrong = match (&array.metadata.fill_value, simple(&array.metadata.dtype)) {
        (Some(FillValue::Complex(..)), _) => {
            found.add(path, Rule::FillValue, Severity::Array, "GDAL reads no complex fill_value");
            return;
        }
        (Some(FillValue::Unsigned(value)), _) => *value > i64::MAX.unsigned_abs(),
        (Some(_), Some('U')) => true,
        _ => false,
    };
    if wrong {
        let severity = if lacks_chunks(array) { Severity::Values } else { Severity::Note };
        found.add(path, Rule::FillValue, severity, "GDAL takes fill_value for another value");
    }
}

fn check_chunks(path: &str, array: &Array, found: &mut Findings) {
    let chunks = &array.chunks;
    if chunks.inline.values().any(Bytes::is_empty) {
        found.add(
            path,
            Rule::EmptyInlineChunk,
            Severity::Set,
            "a chunk without bytes is held inline, and as base64 that is refused",
        );
    }
    if let Some(length) = lengths(array).find(|length| *length > LONGEST) {
        let why = format!("a range of {length} bytes is longer than 32 bits tell");
        found.add(path, Rule::LongRange, Severity::Set, why);
    }
    if chunks.length.contains(&0) {
        let severity = if array.metadata.filters.is_empty() { Severity::Values } else { Severity::Array };
        found.add(path, Rule::EmptyRange, severity, "GDAL takes a range without bytes for the whole file");
    }
    let inline = chunks.inline.values().filter_map(|bytes| u64::try_from(bytes.len()).ok());
    let longest = lengths(array).chain(inline).max();
    let (false, Some(longest), Some(decoded)) =
        (array.metadata.filters.is_empty(), longest, array.metadata.chunk_bytes())
    else {
        return;
    };
    if longest > decoded {
        let why = format!(
            "a chunk has {longest} bytes encoded and {decoded} decoded, and GDAL's filters have room for the latter only"
        );
        found.add(path, Rule::LongChunk, Severity::Array, why);
    }
}
