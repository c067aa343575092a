//! Blosc, with BloscLZ, LZ4, Snappy, zlib and Zstandard inside undone.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| h5refs::fuzzing::undo(32_001, input));
