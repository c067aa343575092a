//! Any text as kerchunk JSON: what is read is printed and read as the same.

#![no_main]

use h5refs::read_json;
use h5refs_fuzz::{assert_read_back, limits};

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    if let Ok((set, _)) = read_json(text, &limits()) {
        assert_read_back(&set);
    }
});
