//! What is refused, and why.

/// File, path (or with a `*`, how it begins), and what the reason contains. What is not refused any more must leave this list.
pub(crate) const REFUSED: &[(&str, &str, &str)] = &[
    // Text that JSON does not hold as it is: emitted all the same, with what was replaced.
    ("attribute/not_utf8.h5", "/d", "attribute \"list\": text that is not UTF-8"),
    ("attribute/not_utf8.h5", "/d", "attribute \"na\u{fffd}ve\": a name that is not UTF-8"),
    ("attribute/not_utf8.h5", "/d", "attribute \"units\": text that is not UTF-8"),
    ("attribute/not_utf8.h5", "/d", "attribute \"variable\": text that is not UTF-8"),
    ("attribute/strings.h5", "/", "attribute \"latin1\": text that is not UTF-8"),
    ("attribute/strings_v3.h5", "/", "attribute \"latin1\": text that is not UTF-8"),
    // Names that are no distinct words.
    ("datatype/enum_flags.h5", "/alike", "attribute \"flag_meanings\": the names of the enumeration's members"),
    ("kerchunk/vlen_latin1.h5", "/d", "text that is not UTF-8"),
    // What Zarr v2 has no form for, and what lies in other files.
    ("data_layout/external.h5", "/d", "raw data lie in external files"),
    ("data_layout/external_torn.h5", "/d", "raw data lie in external files"),
    ("data_layout/virtual.h5", "/d", "sources of the virtual dataset lie in other files"),
    ("data_layout/virtual_lost.h5", "/d", "sources of the virtual dataset lie in other files"),
    ("data_layout/virtual_numbered.h5", "/halves", "sources of the virtual dataset lie in other files"),
    ("data_layout/virtual_numbered.h5", "/moved", "sources of the virtual dataset lie in other files"),
    ("data_layout/virtual_numbered.h5", "/numbered", "sources of the virtual dataset lie in other files"),
    // Virtual datasets whose sources are not there or not alike, and one that is too large to be held.
    (
        "data_layout/virtual_refused.h5",
        "/no_shots",
        "\"shot_0\" of the virtual dataset in the file \".\": the first of",
    ),
    (
        "data_layout/virtual_refused.h5",
        "/no_source",
        "\"nowhere\" of the virtual dataset in the file \".\": there is no",
    ),
    ("data_layout/virtual_refused.h5", "/of_itself", "a source that is itself virtual"),
    ("data_layout/virtual_refused.h5", "/of_virtual", "a source that is itself virtual"),
    ("data_layout/virtual_refused.h5", "/other_file", "sources of the virtual dataset lie in other files"),
    ("data_layout/virtual_refused.h5", "/other_type", "a source has elements of another datatype"),
    ("data_layout/virtual_refused.h5", "/strings", "strings of variable length lie in the heaps of its sources"),
    ("data_layout/virtual_sparse.h5", "/d", "a mapping does not consist of whole chunks of its source"),
    ("dataspace/null.h5", "/d", "null dataspace holds no elements"),
    ("dataspace/null_v2.h5", "/d", "null dataspace holds no elements"),
    ("datatype/deep.h5", "/*", "65 exceeds Limits::datatype_depth = 64"),
    ("datatype/long_double.h5", "/d", "datatype float of 15 exponent and 64 mantissa bits in 16 bytes"),
    ("datatype/long_double.h5", "/quad", "datatype float of 15 exponent and 112 mantissa bits in 16 bytes"),
    ("datatype/time.h5", "/d", "datatype time"),
    ("datatype/vlen_integers.h5", "/d", "datatype variable-length sequence of int32"),
    // Names of documents of Zarr, and what lies in a group of such a name.
    ("group/dangerous_names.h5", "/.zarray", "name cannot be a Zarr key: Zarr keeps it"),
    ("group/dangerous_names.h5", "/.zattrs", "name cannot be a Zarr key: Zarr keeps it"),
    ("group/dangerous_names.h5", "/.zgroup", "name cannot be a Zarr key: Zarr keeps it"),
    ("group/dangerous_names.h5", "/.zmetadata", "name cannot be a Zarr key: Zarr keeps it"),
    ("group/dangerous_names.h5", "/zarr.json", "name cannot be a Zarr key: Zarr keeps it"),
    ("group/dangerous_names.h5", "/g/.zgroup", "name cannot be a Zarr key: Zarr keeps it"),
    ("group/dangerous_names.h5", "/g/.zgroup/lost", "name cannot be a Zarr key: Zarr keeps it"),
    ("group/external_links_target.h5", "/refused", "datatype time"),
    (
        "datatype/wide_record.h5",
        "/d",
        "datatype compound {id: int32, text: variable-length string} has no Zarr v2 form, and its values, 40008000 bytes decoded, are too many",
    ),
    ("fill_value/record_attribute.h5", "/d", "attribute \"_FillValue\": a record"),
    (
        "filter/nbit_records.h5",
        "/lost",
        "nbit stream of members after an array of records or of arrays does not decode",
    ),
    #[cfg(not(feature = "bitshuffle"))]
    ("filter/bitshuffle.h5", "/*", "filter 32008 (bitshuffle) has no Zarr v2 codec"),
    #[cfg(not(feature = "blosc"))]
    ("filter/blosc2.h5", "/*", "filter 32026 (blosc2) has no Zarr v2 codec"),
    #[cfg(not(feature = "blosc"))]
    ("filter/blosc2_arrays.h5", "/*", "filter 32026 (blosc2) has no Zarr v2 codec"),
    #[cfg(not(feature = "bitshuffle"))]
    ("filter/foreign_decoded.h5", "/i12_bitshuffle", "built with the feature \"bitshuffle\""),
    #[cfg(not(feature = "blosc"))]
    ("filter/foreign_decoded.h5", "/i12_blosc", "built with the feature \"blosc\""),
    #[cfg(not(feature = "bzip2"))]
    ("filter/foreign_decoded.h5", "/i12_bzip2", "built with the feature \"bzip2\""),
    #[cfg(not(feature = "lz4"))]
    ("filter/foreign_decoded.h5", "/i12_lz4", "built with the feature \"lz4\""),
    #[cfg(not(feature = "zstd"))]
    ("filter/foreign_decoded.h5", "/i12_zstd", "built with the feature \"zstd\""),
    #[cfg(not(feature = "bzip2"))]
    ("filter/foreign_decoded.h5", "/texts_bzip2", "built with the feature \"bzip2\""),
    #[cfg(not(feature = "lz4"))]
    ("filter/foreign_decoded.h5", "/texts_lz4", "built with the feature \"lz4\""),
    #[cfg(not(feature = "zstd"))]
    ("filter/foreign_decoded.h5", "/texts_zstd", "built with the feature \"zstd\""),
    #[cfg(not(feature = "bzip2"))]
    ("filter/foreign_never_written.h5", "/bzip2", "built with the feature \"bzip2\""),
    #[cfg(not(feature = "lz4"))]
    ("filter/lz4.h5", "/*", "filter 32004 (lz4) has no Zarr v2 codec"),
    #[cfg(not(feature = "bitshuffle"))]
    ("filter/registered.h5", "/bitshuffle", "filter 32008 (bitshuffle)"),
    #[cfg(not(feature = "blosc"))]
    ("filter/registered.h5", "/blosc2", "filter 32026 (blosc2)"),
    #[cfg(not(feature = "fcidecomp"))]
    ("filter/fcidecomp.h5", "/*", "filter 32018 (fcidecomp)"),
    #[cfg(not(feature = "fcidecomp"))]
    ("filter/registered.h5", "/fcidecomp", "filter 32018 (fcidecomp)"),
    #[cfg(not(feature = "lz4"))]
    ("filter/registered.h5", "/lz4", "filter 32004 (lz4)"),
    ("filter/registered.h5", "/sz", "filter 32017 (sz)"),
    #[cfg(not(feature = "sz3"))]
    ("filter/registered.h5", "/sz3", "filter 32024 (sz3)"),
    #[cfg(not(feature = "zfp"))]
    ("filter/registered.h5", "/zfp", "filter 32013 (zfp)"),
    #[cfg(not(feature = "zfp"))]
    ("filter/zfp.h5", "/*", "filter 32013 (zfp) has no Zarr v2 codec"),
    #[cfg(not(feature = "zfp"))]
    ("filter/zfp_extremes.h5", "/*", "filter 32013 (zfp) has no Zarr v2 codec"),
    #[cfg(not(feature = "sperr"))]
    ("filter/sperr.h5", "/*", "filter 32028 (sperr) has no Zarr v2 codec"),
    #[cfg(not(feature = "sperr"))]
    ("filter/sperr_chunks.h5", "/*", "filter 32028 (sperr) has no Zarr v2 codec"),
    #[cfg(not(feature = "sperr"))]
    ("filter/sperr_missing.h5", "/*", "filter 32028 (sperr) has no Zarr v2 codec"),
    #[cfg(not(feature = "sz3"))]
    ("filter/sz3.h5", "/*", "filter 32024 (sz3) has no Zarr v2 codec"),
    #[cfg(not(feature = "sz3"))]
    ("filter/sz3_integers.h5", "/*", "filter 32024 (sz3) has no Zarr v2 codec"),
    ("filter/unknown.h5", "/applied", "filter 499 (unknown)"),
];
