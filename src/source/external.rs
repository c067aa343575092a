//! Files beside the one that is read: external raw files, and files with sources of virtual datasets.

use std::fmt;
use std::sync::Arc;

use super::Input;
use crate::error::Error;

/// Finds the external files that raw data and sources of virtual datasets may be referenced in, by the names that are stored.
#[derive(Clone)]
pub struct FindExternal(Arc<Find>);

/// From a stored name to the file, or why it may not be referenced.
type Find = dyn Fn(&str) -> Result<FoundExternal, ExternalError> + Send + Sync;

/// An external file that may be referenced.
#[derive(Clone)]
#[non_exhaustive]
pub struct FoundExternal {
    /// What references call it.
    pub url: String,
    /// Its size in bytes.
    pub size: u64,
    open: Option<Arc<Open>>,
}

/// Opens a file.
type Open = dyn Fn() -> Result<Input, Error> + Send + Sync;

/// Why an external file cannot be referenced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExternalError {
    /// It is not there: where files are numbered, they end before it.
    #[error("{0}")]
    Absent(String),
    /// It may not be referenced.
    #[error("{0}")]
    Refused(String),
}

impl FoundExternal {
    /// A file of `size` bytes that references call `url`.
    pub fn new(url: impl Into<String>, size: u64) -> Self {
        Self { url: url.into(), size, open: None }
    }

    /// The same, to be read with what `open` gives: an HDF5 file that holds sources of a virtual dataset.
    #[must_use]
    pub fn opened_by(self, open: impl Fn() -> Result<Input, Error> + Send + Sync + 'static) -> Self {
        Self { open: Some(Arc::new(open)), ..self }
    }

    /// The file, if it can be read.
    pub(crate) fn input(&self) -> Option<Result<Input, Error>> {
        self.open.as_ref().map(|open| open())
    }
}

impl fmt::Debug for FoundExternal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundExternal").field("url", &self.url).field("size", &self.size).finish_non_exhaustive()
    }
}

impl FindExternal {
    /// `find` gives the file, or says why it may not be referenced.
    pub fn new(find: impl Fn(&str) -> Result<FoundExternal, ExternalError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    pub(crate) fn find(&self, name: &str) -> Result<FoundExternal, ExternalError> {
        (self.0)(name)
    }

    /// The same for a file with sources of a virtual dataset: an absolute name may be that of a file which has been moved here
    /// (`H5F_prefix_open_file`).
    pub(crate) fn find_source(&self, name: &str) -> Result<FoundExternal, ExternalError> {
        let moved = name.rsplit_once('/').filter(|_| name.starts_with('/'));
        match (self.find(name), moved) {
            (Err(absent @ ExternalError::Absent(_)), Some((_, last))) => match self.find(last) {
                Err(ExternalError::Absent(_)) => Err(absent),
                found => found,
            },
            (found, _) => found,
        }
    }
}

impl fmt::Debug for FindExternal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FindExternal(..)")
    }
}
