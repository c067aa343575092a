//! What is refused, and why.

/// File, path, and what the reason contains. What is not refused any more must leave this list.
pub(crate) const REFUSED: &[(&str, &str, &str)] = &[
    // What Zarr v2 has no form for, and what lies in other files.
    ("data_layout/external.h5", "/d", "raw data lie in external files"),
    ("data_layout/virtual.h5", "/d", "virtual dataset layout"),
    ("data_layout/virtual_same_file.h5", "/d", "virtual dataset layout"),
    ("dataspace/null.h5", "/d", "null dataspace holds no elements"),
    ("dataspace/null_v2.h5", "/d", "null dataspace holds no elements"),
    ("datatype/long_double.h5", "/d", "datatype float of 15 exponent and 64 mantissa bits in 16 bytes"),
    ("datatype/long_double.h5", "/quad", "datatype float of 15 exponent and 112 mantissa bits in 16 bytes"),
    ("datatype/time.h5", "/d", "datatype time"),
    ("datatype/vlen_integers.h5", "/d", "datatype variable-length sequence of int32"),
    ("filter/gzip_shuffle.h5", "/d", "shuffle of bytes that are no whole number of elements"),
    ("filter/lzf.h5", "/d", "filter 32000 (lzf)"),
    ("filter/nbit.h5", "/d", "filter 5 (nbit)"),
    ("filter/scale_offset.h5", "/f4", "filter 6 (scaleoffset)"),
    ("filter/scale_offset.h5", "/i4", "filter 6 (scaleoffset)"),
    ("filter/szip.h5", "/ec", "filter 4 (szip)"),
    ("filter/szip.h5", "/nn", "filter 4 (szip)"),
    ("filter/unknown.h5", "/applied", "filter 499 (unknown)"),
];
