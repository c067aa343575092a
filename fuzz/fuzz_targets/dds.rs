//! A DDS of DAP2, with a DAS that has an attribute for each of its names.

#![no_main]

use h5refs_fuzz::limits;

libfuzzer_sys::fuzz_target!(|input: &[u8]| h5refs::fuzzing::dds(input, &limits()));
