//! Any bytes as a DMR++ sidecar: what is translated is printed and read as the same, and refers to nothing but the ranges it tells.

#![no_main]

use h5refs::{Options, dmrpp_references, dmrpp_url};
use h5refs_fuzz::{assert_read_back, limits};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut options = Options::new("s3://bucket/file.h5");
    options.limits = limits();
    options.dmrpp_as_served = bytes.len() % 2 == 1;
    let url = dmrpp_url(bytes);
    if let Ok((set, _)) = dmrpp_references(bytes, &options) {
        assert!(url.is_ok(), "a sidecar without a head");
        assert_read_back(&set);
        for (path, array) in set.arrays() {
            let rows = array.chunks.offset.iter().zip(&array.chunks.length);
            assert!(rows.into_iter().all(|(offset, length)| offset.checked_add(*length).is_some()), "{path}");
        }
    }
});
