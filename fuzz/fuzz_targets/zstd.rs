//! Zstandard undone.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| h5refs::fuzzing::undo(32_015, input));
