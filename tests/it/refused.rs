//! What is refused, and why.

/// File, path, and what the reason contains. What is not refused any more must leave this list.
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
    ("data_layout/virtual.h5", "/d", "virtual dataset layout"),
    ("data_layout/virtual_same_file.h5", "/d", "virtual dataset layout"),
    ("dataspace/null.h5", "/d", "null dataspace holds no elements"),
    ("dataspace/null_v2.h5", "/d", "null dataspace holds no elements"),
    ("datatype/long_double.h5", "/d", "datatype float of 15 exponent and 64 mantissa bits in 16 bytes"),
    ("datatype/long_double.h5", "/quad", "datatype float of 15 exponent and 112 mantissa bits in 16 bytes"),
    ("datatype/time.h5", "/d", "datatype time"),
    ("datatype/vlen_integers.h5", "/d", "datatype variable-length sequence of int32"),
    ("group/backslash.h5", "/a\\b", "readers take a backslash for a slash"),
    ("filter/foreign_never_written.h5", "/bzip2", "filter 307 (bzip2) would have to be undone or applied"),
    ("filter/gzip_shuffle.h5", "/d", "shuffle of bytes that are no whole number of elements"),
    ("filter/lzf.h5", "/d", "filter 32000 (lzf)"),
    ("filter/nbit.h5", "/d", "filter 5 (nbit)"),
    ("filter/registered.h5", "/bitshuffle", "filter 32008 (bitshuffle)"),
    ("filter/registered.h5", "/blosc2", "filter 32026 (blosc2)"),
    ("filter/registered.h5", "/fcidecomp", "filter 32018 (fcidecomp)"),
    ("filter/registered.h5", "/lz4", "filter 32004 (lz4)"),
    ("filter/registered.h5", "/sz", "filter 32017 (sz)"),
    ("filter/registered.h5", "/sz3", "filter 32024 (sz3)"),
    ("filter/registered.h5", "/zfp", "filter 32013 (zfp)"),
    ("filter/scale_offset.h5", "/f4", "filter 6 (scaleoffset)"),
    ("filter/scale_offset.h5", "/i4", "filter 6 (scaleoffset)"),
    ("filter/szip.h5", "/ec", "filter 4 (szip)"),
    ("filter/szip.h5", "/nn", "filter 4 (szip)"),
    ("filter/unknown.h5", "/applied", "filter 499 (unknown)"),
];
