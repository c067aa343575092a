//! zarrs 0.23, with its features `bz2`, `fletcher32` and `zlib`.

use super::array::{kinds, simple};
use super::{Findings, Rule, Severity};
use crate::reference::{Array, ReferenceSet};
use crate::zarr::{Codec, Dtype};

/// The codecs that zarrs reads in `filters`. It has `blosc` too, but only in the place of the compressor.
const CODECS: [&str; 10] = [
    "bz2",
    "fixedscaleoffset",
    "fletcher32",
    "gzip",
    "shuffle",
    "vlen-array",
    "vlen-bytes",
    "vlen-utf8",
    "zlib",
    "zstd",
];

pub(super) fn check(set: &ReferenceSet, found: &mut Findings) {
    for (path, array) in set.arrays() {
        check_type(path, array, found);
        let filters = array.metadata.filters.iter().map(Codec::id);
        let compressor = array.metadata.compressor.iter().map(Codec::id).filter(|id| *id != "blosc");
        match filters.chain(compressor).find(|id| !CODECS.contains(id)) {
            Some("blosc") => {
                found.add(path, Rule::Codec, Severity::Array, "zarrs reads \"blosc\" as a compressor, not in filters");
            }
            Some(id) => found.add(path, Rule::Codec, Severity::Array, format!("zarrs has no codec \"{id}\"")),
            None => {}
        }
        if array.metadata.chunks.contains(&0) {
            found.add(path, Rule::EmptyChunk, Severity::Array, "chunks are 0 long");
        }
        if array.chunks.length.contains(&0) {
            found.add(path, Rule::EmptyRange, Severity::Array, "a range without bytes is no chunk");
        }
    }
}

fn check_type(path: &str, array: &Array, found: &mut Findings) {
    if let Dtype::Structured(_) = array.metadata.dtype {
        found.add(path, Rule::Type, Severity::Array, "zarrs has no structured types");
        return;
    }
    if let Some(kind) = kinds(&array.metadata.dtype).into_iter().find(|kind| "SMm".contains(*kind)) {
        found.add(path, Rule::Type, Severity::Array, format!("zarrs has no type for NumPy's \"{kind}\""));
        return;
    }
    let texts = ["vlen-array", "vlen-bytes", "vlen-utf8"];
    let decoded = array.metadata.codecs().any(|codec| texts.contains(&codec.id()));
    match simple(&array.metadata.dtype) {
        Some('O') if !decoded => found.add(path, Rule::Type, Severity::Array, "no codec makes objects of the bytes"),
        Some(kind @ ('c' | 'U' | 'V')) if array.metadata.fill_value.is_none() => {
            let why = format!("zarrs wants a fill_value for NumPy's \"{kind}\", and it is null");
            found.add(path, Rule::FillValue, Severity::Array, why);
        }
        _ => {}
    }
}
