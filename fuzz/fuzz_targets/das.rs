//! A DAS of DAP2, for a DDS of some variables.

#![no_main]

use h5refs_fuzz::limits;

libfuzzer_sys::fuzz_target!(|input: &[u8]| h5refs::fuzzing::das(input, &limits()));
