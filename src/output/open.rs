//! Reference sets in the local file system.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::MissingRecords;
use super::compression::Compression;
use super::json::read_json_known;
use super::parquet::read_parquet_known;
use crate::convert::wide;
use crate::error::Error;
use crate::limits::{Limits, check};
use crate::reference::{KnownDocuments, ReferenceSet};

/// Opens a reference set of the local file system: kerchunk JSON, compressed with gzip or Zstandard or not, or a folder of Parquet.
/// Nothing that it refers to is opened.
///
/// Also gives the keys that belong to no array and no group.
///
/// # Errors
/// [`Error::Io`], and what [`read_text`], [`read_json`](super::read_json) and [`read_parquet`](super::read_parquet) answer.
pub fn open_references(path: impl AsRef<Path>, limits: &Limits) -> Result<(ReferenceSet, Vec<String>), Error> {
    OpenReferences::new(*limits).open(path)
}

/// Opens reference sets one after another, from several threads too: documents that several have are parsed and held once.
#[derive(Debug, Default)]
pub struct OpenReferences {
    limits: Limits,
    missing: MissingRecords,
    known: KnownDocuments,
}

impl OpenReferences {
    /// A set may cost so much.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What a record file of Parquet that is not there means.
    #[must_use]
    pub fn missing_records(mut self, missing: MissingRecords) -> Self {
        self.missing = missing;
        self
    }

    /// Opens a set, as [`open_references`] does.
    ///
    /// # Errors
    /// The same.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<(ReferenceSet, Vec<String>), Error> {
        let path = path.as_ref();
        if path.is_dir() {
            return read_parquet_known(path, &self.limits, self.missing, &self.known);
        }
        read_json_known(&read_text(path, &self.limits)?, &self.limits, &self.known)
    }
}

/// The text of a file, compressed with gzip or Zstandard or not: its first bytes say which.
///
/// # Errors
/// [`Error::Io`]; [`Error::Document`] where it does not decompress; [`Error::Limit`] where it is longer than
/// [`Limits::references_bytes`] before or after; [`Error::Unsupported`] for Zstandard without the feature `zstd`.
pub fn read_text(path: impl AsRef<Path>, limits: &Limits) -> Result<Vec<u8>, Error> {
    let path = path.as_ref();
    let (most, mut stored) = (limits.references_bytes, Vec::new());
    let read = File::open(path).and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut stored));
    read.map_err(|error| Error::io(path.display().to_string(), error))?;
    check("references_bytes", wide(stored.len()), most)?;
    Compression::of_bytes(&stored).undone(stored, limits)
}
