//! The files of `testdata/` and what libhdf5 says of each.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use h5refs::{Input, Options, ReferenceSet, Report};
use serde_json::Value as Json;

/// What references call every file here.
pub(crate) const URL: &str = "s3://bucket/file";

/// `testdata/`.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// The files with one of these extensions, as `structure/case.extension`, sorted.
pub(crate) fn with_extension(extensions: &[&str]) -> Vec<String> {
    let structures = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let files = structures.filter(|path| path.is_dir()).flat_map(|structure| std::fs::read_dir(structure).unwrap());
    let files = files.map(|entry| entry.unwrap().path().strip_prefix(folder()).unwrap().to_owned());
    let wanted = |path: &PathBuf| path.extension().is_some_and(|e| extensions.iter().any(|wanted| e == *wanted));
    let mut names: Vec<String> = files.filter(wanted).map(|path| path.to_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

/// The HDF5 files.
pub(crate) fn names() -> Vec<String> {
    with_extension(&["h5", "nc"])
}

pub(crate) fn bytes(name: &str) -> Bytes {
    Bytes::from(std::fs::read(folder().join(name)).unwrap())
}

/// What libhdf5 says is in a file.
pub(crate) fn expectation(name: &str) -> Json {
    let text = std::fs::read(folder().join(name).with_extension("json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

pub(crate) fn references(bytes: Bytes) -> Result<(ReferenceSet, Report), h5refs::Error> {
    h5refs::references(&Input::from(bytes), &Options::new(URL))
}
