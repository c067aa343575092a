//! VirtualiZarr 2.5.1: `KerchunkJSONParser`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::array::{Dimensions, lacks_chunks, simple, spanned_grid, unknown_codec};
use super::names::{Groups, is_relative, parent};
use super::{Findings, Rule, Severity};
use crate::reference::{Array, ReferenceSet};
use crate::zarr::{FillValue, Order};

/// The codecs that zarr-python has for Zarr v3 under the names of numcodecs.
const CODECS: [&str; 19] = [
    "adler32",
    "astype",
    "bitround",
    "blosc",
    "bz2",
    "crc32",
    "crc32c",
    "delta",
    "fixedscaleoffset",
    "fletcher32",
    "gzip",
    "jenkins_lookup3",
    "lz4",
    "lzma",
    "packbits",
    "quantize",
    "shuffle",
    "zlib",
    "zstd",
];

pub(super) fn check(set: &ReferenceSet, found: &mut Findings) {
    if set.arrays().any(|(path, _)| path.contains('/')) {
        let why = "arrays of other groups than the root are passed over: open each group with `group=`";
        found.add("", Rule::NestedGroups, Severity::Note, why);
    }
    let groups = Groups::of(set);
    for (path, array) in set.arrays() {
        if let Some(group) = groups.lacking(path).filter(|group| !group.is_empty()) {
            found.add(path, Rule::NoGroup, Severity::Group, format!("the group \"/{group}\" has no .zgroup"));
        }
        check_metadata(path, array, found);
        check_fill_value(path, array, found);
        check_mask(path, array, found);
        check_chunks(path, array, found);
        if let Some(url) = array.chunks.files().into_iter().map(|id| set.url(id)).find(|url| is_relative(url)) {
            let why = format!("{url} is not absolute, which needs `fs_root=`");
            found.add(path, Rule::RelativeUrl, Severity::Group, why);
        }
        check_group_name(path, array, found);
    }
}

fn check_metadata(path: &str, array: &Array, found: &mut Findings) {
    match simple(&array.metadata.dtype) {
        None => found.add(path, Rule::Type, Severity::Group, "structured types are not parsed"),
        Some('O') => found.add(path, Rule::Type, Severity::Group, "texts of variable length are not parsed"),
        Some(_) => {
            if let Some(id) = unknown_codec(array, &CODECS) {
                let why = format!("zarr-python has no codec \"numcodecs.{id}\"");
                found.add(path, Rule::Codec, Severity::Group, why);
            }
        }
    }
    let rank = array.metadata.shape.len();
    let why = match Dimensions::of(array) {
        Dimensions::Untold => Some("there is no _ARRAY_DIMENSIONS".to_owned()),
        Dimensions::NotNames(_) => Some("_ARRAY_DIMENSIONS has entries that are no texts".to_owned()),
        Dimensions::Names(names) => {
            (names.len() != rank).then(|| format!("_ARRAY_DIMENSIONS has {} names for {rank} dimensions", names.len()))
        }
    };
    if let Some(why) = why {
        found.add(path, Rule::Dimensions, Severity::Group, why);
    }
    if array.metadata.compressor.is_some() {
        found.add(path, Rule::Codec, Severity::Group, "a compressor beside filters is not parsed");
    }
    if array.metadata.order == Order::F {
        found.add(path, Rule::Order, Severity::Values, "the order \"F\" is passed over");
    }
    if array.metadata.chunks.contains(&0) {
        found.add(path, Rule::EmptyChunk, Severity::Group, "chunks are 0 long");
    }
}

/// Those that Zarr v2 has as pairs or as base64 are taken as they are written.
fn check_fill_value(path: &str, array: &Array, found: &mut Findings) {
    match (&array.metadata.fill_value, simple(&array.metadata.dtype)) {
        (Some(FillValue::Complex(..)), _) => {
            found.add(path, Rule::FillValue, Severity::Group, "a complex fill_value is not parsed");
        }
        (Some(_), Some('V')) => {
            found.add(path, Rule::FillValue, Severity::Group, "a fill_value of opaque bytes is not parsed");
        }
        (Some(_), Some('S')) if lacks_chunks(array) => {
            let why = "chunks that are missing read as the base64 of fill_value";
            found.add(path, Rule::FillValue, Severity::Values, why);
        }
        (None, Some('f')) if lacks_chunks(array) => {
            let why = "chunks that are missing read as NaN and not as 0";
            found.add(path, Rule::MissingChunks, Severity::Values, why);
        }
        _ => {}
    }
}

/// xarray, which opens what was parsed as Zarr v3, masks with the attribute only, and decodes it as it writes it there itself.
fn check_mask(path: &str, array: &Array, found: &mut Findings) {
    let Some(mask) = array.attributes.get("_FillValue") else {
        if array.metadata.fill_value.as_ref().is_some_and(|fill_value| !fill_value.is_nan()) {
            found.add(path, Rule::Masking, Severity::Note, "values that equal fill_value stay as they are");
        }
        return;
    };
    let decoded = match simple(&array.metadata.dtype) {
        Some('b') => true,
        Some('i' | 'u') => mask.is_number() || mask.is_boolean(),
        Some('f') => is_encoded(mask),
        Some('c') => mask.as_array().is_some_and(|parts| parts.len() == 2 && parts.iter().all(is_encoded)),
        _ => false,
    };
    if !decoded {
        let why = format!("the attribute _FillValue {mask} is not as xarray writes it to Zarr v3");
        found.add(path, Rule::FillValue, Severity::Group, why);
    }
}

/// A float as xarray writes it: base64 of its eight bytes.
fn is_encoded(value: &Value) -> bool {
    value.as_str().and_then(|text| STANDARD.decode(text).ok()).is_some_and(|bytes| bytes.len() == 8)
}

fn check_chunks(path: &str, array: &Array, found: &mut Findings) {
    let chunks = &array.chunks;
    if !chunks.inline.is_empty() {
        let why = format!(
            "chunks are held inline ({}), of which --inline-threshold 0 leaves those that have to be",
            chunks.inline.len()
        );
        found.add(path, Rule::InlineChunk, Severity::Group, why);
        return;
    }
    if array.metadata.shape.is_empty() {
        let (severity, why) = if chunks.number.is_empty() {
            (Severity::Group, "a scalar without its chunk is not parsed")
        } else {
            (Severity::Array, "the value of a scalar cannot be read")
        };
        found.add(path, Rule::Scalar, severity, why);
        return;
    }
    if chunks.length.contains(&0) {
        found.add(path, Rule::EmptyRange, Severity::Array, "a range without bytes is no chunk");
    }
    // The grid is made of the keys, but where there are none.
    let spanned = spanned_grid(chunks);
    if !chunks.number.is_empty() && spanned.iter().zip(&chunks.grid).any(|(spanned, size)| spanned < size) {
        let why = format!(
            "the last chunks are missing: {spanned:?} of {:?} along the dimensions are looked for",
            chunks.grid
        );
        found.add(path, Rule::MissingChunks, Severity::Array, why);
    }
}

/// With `group=` the group's name and a slash are taken out of all text.
fn check_group_name(path: &str, array: &Array, found: &mut Findings) {
    let group = format!("{}/", parent(path));
    let holds = |value: &Value| serde_json::to_string(value).is_ok_and(|text| text.contains(&group));
    let attribute = array.attributes.iter().find(|(name, value)| name.contains(&group) || holds(value));
    if let Some((name, _)) = attribute.filter(|_| group.len() > 1) {
        let why = format!("`group=` takes \"{group}\" out of attribute \"{name}\"");
        found.add(path, Rule::GroupName, Severity::Values, why);
    }
}
