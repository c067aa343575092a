//! Each structure of the specification parsed from any bytes, whichever the first byte chooses.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| h5refs::fuzzing::parse(input));
