//! xarray 2026.9 over zarr-python 3.1 and fsspec 2026.9.

use super::array::{Dimensions, kinds, simple, unknown_codec};
use super::names::{Groups, Lengths, is_relative, protocol};
use super::{Findings, Rule, Severity};
use crate::reference::{Array, ReferenceSet};
use crate::zarr::{Dtype, FillValue};

/// The codecs that numcodecs and zarr-python have without anything else installed.
const CODECS: [&str; 28] = [
    "FITSAscii",
    "FITSVarBintable",
    "adler32",
    "astype",
    "base64",
    "bitround",
    "blosc",
    "bz2",
    "categorize",
    "crc32",
    "crc32c",
    "delta",
    "fill_hdf_strings",
    "fixedscaleoffset",
    "fletcher32",
    "grib",
    "gzip",
    "jenkins_lookup3",
    "lz4",
    "lzma",
    "packbits",
    "quantize",
    "record_member",
    "shuffle",
    "vlen-bytes",
    "vlen-utf8",
    "zlib",
    "zstd",
];

/// Codecs that give a text or a sequence for each element.
const OF_OBJECTS: [&str; 2] = ["vlen-utf8", "vlen-bytes"];

pub(super) fn check(set: &ReferenceSet, found: &mut Findings) {
    let groups = Groups::of(set);
    let first = set.arrays().find_map(|(_, array)| (!array.chunks.number.is_empty()).then(|| array.chunks.url(0)));
    let first = first.map(|id| set.url(id));
    let mut lengths = Lengths::default();
    for (path, array) in set.arrays() {
        if let Some(group) = groups.lacking(path) {
            found.add(path, Rule::NoGroup, Severity::Group, format!("the group \"/{group}\" has no .zgroup"));
        }
        check_dimensions(path, array, found);
        if let Some(conflict) = lengths.conflict(path, array) {
            let why = format!(
                "dimension \"{}\" is {} long, and {} in another place of the group",
                conflict.name, conflict.length, conflict.first
            );
            found.add(path, Rule::DimensionLengths, Severity::Group, why);
        }
        check_type(path, array, found);
        check_fill_value(path, array, found);
        if array.metadata.chunks.iter().zip(&array.metadata.shape).any(|(chunk, size)| *chunk == 0 && *size > 0) {
            found.add(path, Rule::EmptyChunk, Severity::Array, "chunks are 0 long");
        }
        if array.chunks.length.contains(&0) {
            found.add(path, Rule::EmptyRange, Severity::Array, "a range without bytes is no chunk");
        }
        let urls: Vec<&str> = array.chunks.files().into_iter().map(|id| set.url(id)).collect();
        if let Some(url) = first.and_then(|first| urls.iter().find(|url| !is_reached(first, url))) {
            let why = format!(
                "fsspec makes a file system for the first URL's protocol only, and {url} has another: pass fs={{..}}"
            );
            found.add(path, Rule::Protocol, Severity::Array, why);
        }
        if let Some(url) = urls.iter().find(|url| is_relative(url)) {
            found.add(
                path,
                Rule::RelativeUrl,
                Severity::Note,
                format!("{url} is looked for from the folder that the reader runs in"),
            );
        }
    }
}

fn check_dimensions(path: &str, array: &Array, found: &mut Findings) {
    let rank = array.metadata.shape.len();
    match Dimensions::of(array).count() {
        None => found.add(path, Rule::Dimensions, Severity::Group, "there is no _ARRAY_DIMENSIONS"),
        Some(count) if count != rank => {
            let why = format!("_ARRAY_DIMENSIONS has {count} names for {rank} dimensions");
            found.add(path, Rule::Dimensions, Severity::Group, why);
        }
        Some(_) => {}
    }
}

fn check_type(path: &str, array: &Array, found: &mut Findings) {
    if let Some(id) = unknown_codec(array, &CODECS) {
        found.add(path, Rule::Codec, Severity::Group, format!("numcodecs has no codec \"{id}\""));
    }
    if kinds(&array.metadata.dtype).contains(&'O')
        && !array.metadata.codecs().any(|codec| OF_OBJECTS.contains(&codec.id()))
    {
        found.add(path, Rule::Type, Severity::Group, "no codec makes objects of the bytes");
    }
    if let Dtype::Structured(fields) = &array.metadata.dtype
        && fields.iter().any(|field| field.1.starts_with('>'))
    {
        found.add(path, Rule::Type, Severity::Array, "xarray converts no records with big-endian fields");
    }
}

fn check_fill_value(path: &str, array: &Array, found: &mut Findings) {
    let Some(fill_value) = &array.metadata.fill_value else { return };
    match (fill_value, simple(&array.metadata.dtype)) {
        (FillValue::Bytes(_), None | Some('V')) => {
            found.add(path, Rule::FillValue, Severity::Group, "xarray takes no record as a fill value");
        }
        (fill_value, _) if fill_value.is_nan() => {}
        (_, Some('M' | 'm')) => {}
        _ => found.add(path, Rule::Masking, Severity::Note, "values that equal fill_value become NaN, written or not"),
    }
}

/// Can fsspec, which was made for the first URL, read another? It takes the first one's file system for paths too.
fn is_reached(first: &str, url: &str) -> bool {
    match (protocol(first), protocol(url)) {
        (first, url) if first == url => true,
        (Some("file" | "local"), None) => true,
        _ => false,
    }
}
