//! Why a set is not changed.

use crate::error::{Error, LimitError};
use crate::reference::SplitError;

/// Why a set of references is not changed as it was asked for. It is then what it was.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// A path of no array.
    #[error("{path}: no such array")]
    NotFound {
        /// The path as it was asked for.
        path: String,
    },
    /// Chunks that cannot be split so.
    #[error(transparent)]
    Split(SplitError),
    /// Two files that would get one URL, and are not the same.
    #[error("{url}: two files of {one} and {other} bytes would have this URL")]
    TwoFiles {
        /// The URL.
        url: String,
        /// Recorded bytes of one.
        one: u64,
        /// Recorded bytes of another.
        other: u64,
    },
    /// A URL that would have no name.
    #[error("{url}: its new URL is empty")]
    NoUrl {
        /// What it is called.
        url: String,
    },
    /// More than the caller's [`Limits`](crate::Limits) allow.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// Chunks that cannot be read.
    #[error(transparent)]
    Read(Error),
}

impl From<Error> for EditError {
    fn from(error: Error) -> Self {
        match error {
            Error::Limit(limit) => Self::Limit(limit),
            other => Self::Read(other),
        }
    }
}

impl From<SplitError> for EditError {
    fn from(error: SplitError) -> Self {
        match error {
            SplitError::Limit(limit) => Self::Limit(limit),
            other => Self::Split(other),
        }
    }
}
