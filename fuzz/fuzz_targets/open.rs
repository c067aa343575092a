//! Any bytes as an HDF5 file, of which the objects are listed, and the dimensions told.

#![no_main]

use bytes::Bytes;
use h5refs::{Input, tree, write_cdl};

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if let Ok(tree) = tree(&Input::from(Bytes::copy_from_slice(file)), h5refs_fuzz::limits()) {
        assert_eq!(tree.objects.first().map(|root| root.path.as_str()), Some("/"));
        let _ = write_cdl(&tree, "file", &mut Vec::new());
    }
});
