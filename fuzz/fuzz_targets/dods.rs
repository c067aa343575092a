//! An answer of DAP2 with data: a type, three lengths, and the answer behind them.

#![no_main]

use h5refs_fuzz::limits;

libfuzzer_sys::fuzz_target!(|input: &[u8]| h5refs::fuzzing::dods(input, &limits()));
