//! Any bytes as an HDF5 file: what it becomes refers to bytes of the file only, is strict JSON, and is read back as it was.

#![no_main]

use bytes::Bytes;
use h5refs::{Input, references};
use h5refs_fuzz::{assert_inside, assert_read_back, options};

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if let Ok((set, _)) = references(&Input::from(Bytes::copy_from_slice(file)), &options()) {
        assert_inside(&set, file.len() as u64);
        assert_read_back(&set);
    }
});
