//! Any bytes as an HDF5 file, of which every dataset is read: as it lies there, and decoded.

#![no_main]

use std::ops::Range;

use bytes::Bytes;
use h5refs::{Input, OpenDataset, ReadOptions, Reader, tree};
use h5refs_fuzz::limits;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let input = Input::from(Bytes::copy_from_slice(file));
    let mut options = ReadOptions::default();
    options.limits = limits();
    let (Ok(tree), Ok(reader)) = (tree(&input, limits()), Reader::open(&input, options)) else { return };
    for object in tree.objects.iter().filter(|object| object.dataset().is_some()).take(16) {
        if let Ok(dataset) = reader.dataset(&object.path) {
            read(&dataset);
        }
    }
});

fn read(dataset: &OpenDataset<'_>) {
    if let Ok(values) = dataset.read_all() {
        let count: u64 = values.shape.iter().product();
        let bytes = count.checked_mul(values.datatype.size.into());
        let is_null = values.bytes.is_empty() && values.shape.is_empty();
        assert!(is_null || bytes == Some(values.bytes.len() as u64), "{:?}", values.shape);
    }
    let all: Vec<Range<u64>> = dataset.shape().iter().map(|length| 0..*length).collect();
    let _ = dataset.elements(&all);
}
