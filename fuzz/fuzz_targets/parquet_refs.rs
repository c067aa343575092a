//! Any bytes as the files of a folder of references in Parquet: those of `.zmetadata`, then the same record file for each array.

#![no_main]

use bytes::Bytes;
use h5refs::{MissingRecords, read_parquet_with};
use h5refs_fuzz::{assert_read_back, limits};

/// The documents where the input has none: an array of four chunks, in records of two rows.
const DOCUMENTS: &str = r#"{"metadata":{".zgroup":"{\"zarr_format\":2}","a/.zarray":"{\"zarr_format\":2,\"shape\":[4],\"chunks\":[1],
\"dtype\":\"|u1\",\"order\":\"C\",\"fill_value\":null,\"compressor\":null,\"filters\":null}"},"record_size":2}"#;

libfuzzer_sys::fuzz_target!(|input: (Option<&str>, &[u8])| {
    let (documents, record) = input;
    let documents = documents.map_or_else(|| DOCUMENTS.replace('\n', ""), str::to_owned);
    let file = |key: &str| {
        Ok(match key {
            ".zmetadata" => Some(Bytes::from(documents.clone())),
            key if key.ends_with("refs.3.parq") => None,
            _ => Some(Bytes::copy_from_slice(record)),
        })
    };
    for missing in [MissingRecords::Refused, MissingRecords::AreMissingChunks] {
        if let Ok((set, _)) = read_parquet_with(file, &limits(), missing) {
            assert_read_back(&set);
        }
    }
});
