//! Reference sets in the local file system.

use std::path::Path;

use super::read_json;
use crate::error::Error;
use crate::limits::Limits;
use crate::reference::ReferenceSet;

/// Opens a reference set of the local file system: kerchunk JSON. Nothing that it refers to is opened.
///
/// Also gives the keys that belong to no array and no group.
///
/// # Errors
/// [`Error::Io`], and what [`read_json`] answers.
pub fn open_references(path: impl AsRef<Path>, limits: &Limits) -> Result<(ReferenceSet, Vec<String>), Error> {
    let path = path.as_ref();
    let text = std::fs::read(path).map_err(|error| Error::io(path.display().to_string(), error))?;
    read_json(&text, limits)
}
