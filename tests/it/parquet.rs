//! References in Parquet: those of other writers, and those of every file in `testdata/`, written and read back.

use std::path::{Path, PathBuf};

use h5refs::{Limits, MissingRecords, ParquetOptions, ReferenceSet, read_parquet, write_json, write_parquet};
use serde_json::Value as Json;

use crate::files;

/// Files with names that are too long for folders.
const LONG_NAMES: [&str; 2] = ["group/dense_filtered.h5", "group/dense_huge_name.h5"];

/// The sets that others wrote, by name.
fn sets() -> Vec<(String, PathBuf)> {
    let folders = std::fs::read_dir(files::folder().join("parquet")).unwrap().map(|entry| entry.unwrap().path());
    let mut sets: Vec<_> =
        folders.map(|folder| (folder.file_name().unwrap().to_str().unwrap().to_owned(), folder)).collect();
    sets.sort();
    sets
}

fn expectation(folder: &Path) -> Json {
    serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap()
}

fn read(folder: &Path, missing: MissingRecords) -> Result<ReferenceSet, h5refs::Error> {
    let (set, stray) = read_parquet(folder, &Limits::default(), missing)?;
    assert_eq!(stray, [""; 0]);
    Ok(set)
}

/// The set as kerchunk JSON has it.
fn references(set: &ReferenceSet) -> serde_json::Map<String, Json> {
    let mut text = Vec::new();
    write_json(set, &mut text).unwrap();
    let mut document: Json = serde_json::from_slice(&text).unwrap();
    let Json::Object(references) = document["refs"].take() else { panic!() };
    references
}

/// With inline bytes always in base64.
fn chunks(set: &ReferenceSet) -> serde_json::Map<String, Json> {
    use base64::Engine as _;
    let encoded = |value: Json| match value {
        Json::String(text) if !text.starts_with("base64:") => {
            format!("base64:{}", base64::engine::general_purpose::STANDARD.encode(text)).into()
        }
        other => other,
    };
    let references = references(set).into_iter().filter(|(key, _)| !key.rsplit('/').next().unwrap().starts_with(".z"));
    references.map(|(key, value)| (key, encoded(value))).collect()
}

#[cfg(all(feature = "snappy", feature = "zstd"))]
#[test]
fn sets_of_other_writers_hold_what_pyarrow_reads_in_them() {
    let mut found = 0;
    for (name, folder) in sets() {
        let set = read(&folder, MissingRecords::AreMissingChunks).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (chunks, expected) = (chunks(&set), expectation(&folder));
        let expected = expected["refs"].as_object().unwrap();
        for key in chunks.keys().chain(expected.keys()) {
            assert_eq!(chunks.get(key), expected.get(key), "{name} {key}");
        }
        found += chunks.len();
    }
    assert!(found > 250, "{found} references");
}

#[cfg(all(feature = "snappy", feature = "zstd"))]
#[test]
fn a_record_file_that_is_not_there_is_named_unless_it_is_to_mean_missing_chunks() {
    let mut without = Vec::new();
    for (name, folder) in sets() {
        let missing = expectation(&folder)["missing_records"].clone();
        match (read(&folder, MissingRecords::Refused), missing.get(0).and_then(Json::as_str)) {
            (Ok(_), None) => {}
            (Err(error), Some(file)) => {
                assert_eq!(error.to_string(), format!("reference {file}: is not there"));
                without.push(name);
            }
            (read, missing) => panic!("{name}: {read:?}, missing {missing:?}"),
        }
    }
    assert_eq!(without, ["kerchunk"]);
}

#[cfg(not(feature = "zstd"))]
#[test]
fn without_the_feature_a_set_of_kerchunk_is_refused_by_name() {
    let (_, folder) = sets().swap_remove(0);
    assert_eq!(
        read(&folder, MissingRecords::AreMissingChunks).unwrap_err().to_string(),
        "Parquet compressed with Zstandard is read only where h5refs is built with the feature \"zstd\""
    );
}

#[cfg(all(feature = "snappy", feature = "zstd"))]
#[test]
fn documents_of_kerchunk_keep_their_order_and_their_bare_nan() {
    let set = read(&files::folder().join("parquet/kerchunk"), MissingRecords::AreMissingChunks).unwrap();
    let mut text = Vec::new();
    h5refs::write_json_with(&set, h5refs::zarr::NanPolicy::Python, &mut text).unwrap();
    let document: Json = serde_json::from_slice(&text).unwrap();
    assert_eq!(document["refs"][".zattrs"], r#"{"title":"é","z":1,"a":[1.5,2]}"#);
    assert_eq!(document["refs"]["g/a/.zattrs"], r#"{"_ARRAY_DIMENSIONS":["y","x"],"missing_value":NaN}"#);
    assert!(document["refs"]["g/a/.zarray"].as_str().unwrap().contains(r#""fill_value":NaN,"#));
}

#[test]
fn each_set_is_read_back_as_it_was_written() {
    let mut arrays = 0;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("references.parq");
    for name in files::names() {
        let (set, _) = files::references(files::bytes(&name)).unwrap();
        let mut options = ParquetOptions::default();
        options.record_size = 1000;
        let written = write_parquet(&set, &folder, &options);
        if LONG_NAMES.contains(&name.as_str()) {
            assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::InvalidFilename);
            continue;
        }
        written.unwrap_or_else(|error| panic!("{name}: {error}"));
        let back = read(&folder, MissingRecords::Refused).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(references(&back), references(&set), "{name}");
        arrays += set.arrays().count();
    }
    assert!(arrays > 1000, "{arrays}");
}

#[test]
fn a_record_file_with_a_byte_changed_is_read_or_refused() {
    let mut refused = 0;
    for (name, folder) in sets() {
        let Some(record) = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().join("refs.0.parq"))
            .filter(|file| file.is_file())
            .min()
        else {
            panic!("{name} has no record file");
        };
        let bytes = std::fs::read(record).unwrap();
        let metadata = br#"{"metadata":{"a/.zarray":{"zarr_format":2,"shape":[7],"chunks":[1],"dtype":"|u1","compressor":null,"filters":[{"id":"zlib","level":1}],"fill_value":0,"order":"C"}},"record_size":100}"#;
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            let file = |key: &str| {
                Ok(match key {
                    ".zmetadata" => Some(bytes::Bytes::from_static(metadata)),
                    "a/refs.0.parq" => Some(changed.clone().into()),
                    _ => None,
                })
            };
            refused += u32::from(h5refs::read_parquet_with(file, &Limits::default(), MissingRecords::Refused).is_err());
        }
    }
    assert!(refused > 1000, "{refused}");
}
