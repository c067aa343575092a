//! Any bytes as an HDF5 file, in memory, through sources, and in rounds with any pieces supplied before: the same comes of it.

#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use h5refs::{Error, Input, ReferenceSet, Report, Scan, references};
use h5refs_fuzz::{Memory, Pieces, options, told};

libfuzzer_sys::fuzz_target!(|input: (Pieces, &[u8])| {
    let (pieces, file) = (&input.0, Bytes::copy_from_slice(input.1));
    let memory = references(&Input::from(file.clone()), &options());
    let mut scan = Scan::references(file.len() as u64, options()).with_fetch(pieces.fetch());
    for (at, bytes) in pieces.early(&file) {
        scan.supply(at, &bytes).expect("the bytes are those of the file");
    }
    assert_alike(&memory, &scan.run(&Input::from(file.clone())));
    let through = Input::through_with(Arc::new(Memory(file)), "s3://bucket/file", pieces.fetch());
    assert_alike(&memory, &through.and_then(|input| references(&input, &options())));
});

type Done = Result<(ReferenceSet, Report), Error>;

/// Of two things that are wrong with one object, that may be told whose bytes came first.
fn assert_alike(one: &Done, other: &Done) {
    match (one, other) {
        (Ok((set, report)), Ok((other, others))) => {
            assert_eq!(told(set), told(other));
            assert!(report.refused().map(|(path, _)| path).eq(others.refused().map(|(path, _)| path)));
        }
        (Err(_), Err(_)) => {}
        // What reads cost in rounds is more than what they cost in memory.
        (_, Err(Error::Limit(limit))) if ["rounds", "metadata_bytes"].contains(&limit.which) => {}
        _ => panic!("{:?}\n{:?}", one.as_ref().err(), other.as_ref().err()),
    }
}
