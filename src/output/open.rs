//! Reference sets in the local file system.

use std::path::Path;

use super::compression::Compression;
use super::{MissingRecords, read_json, read_parquet};
use crate::error::Error;
use crate::limits::Limits;
use crate::reference::ReferenceSet;

/// Opens a reference set of the local file system: kerchunk JSON, compressed with gzip or Zstandard or not, or a folder of Parquet.
/// Nothing that it refers to is opened.
///
/// Also gives the keys that belong to no array and no group.
///
/// # Errors
/// [`Error::Io`], and what [`read_text`], [`read_json`] and [`read_parquet`] answer.
pub fn open_references(path: impl AsRef<Path>, limits: &Limits) -> Result<(ReferenceSet, Vec<String>), Error> {
    open_references_with(path, limits, MissingRecords::Refused)
}

/// The same, where `missing` says what a record file of Parquet that is not there means.
///
/// # Errors
/// The same.
pub fn open_references_with(
    path: impl AsRef<Path>,
    limits: &Limits,
    missing: MissingRecords,
) -> Result<(ReferenceSet, Vec<String>), Error> {
    let path = path.as_ref();
    if path.is_dir() {
        return read_parquet(path, limits, missing);
    }
    read_json(&read_text(path, limits)?, limits)
}

/// The text of a file, compressed with gzip or Zstandard or not: its first bytes say which.
///
/// # Errors
/// [`Error::Io`]; [`Error::Document`] where it does not decompress; [`Error::Limit`] where it is longer than
/// [`Limits::references_bytes`] then; [`Error::Unsupported`] for Zstandard without the feature `zstd`.
pub fn read_text(path: impl AsRef<Path>, limits: &Limits) -> Result<Vec<u8>, Error> {
    let path = path.as_ref();
    let stored = std::fs::read(path).map_err(|error| Error::io(path.display().to_string(), error))?;
    Compression::of_bytes(&stored).undone(stored, limits)
}
