//! Why a set is not changed.

use crate::error::{Error, LimitError};

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
    /// Chunks that are not their elements as they lie, so that no part of one can be referenced.
    #[error("{path}: its chunks are encoded with {codec}, and no part of one can be read by itself")]
    Encoded {
        /// The array.
        path: String,
        /// The first codec, by its name.
        codec: String,
    },
    /// Chunks of which the first dimension varies fastest.
    #[error("{path}: the first dimension of its chunks varies fastest, which is not split")]
    Order {
        /// The array.
        path: String,
    },
    /// Elements that have no size of their own.
    #[error("{path}: its elements have no size of their own")]
    Objects {
        /// The array.
        path: String,
    },
    /// Chunks that are whole files, whose length the references do not tell.
    #[error("{path}: chunks of it are whole files, of which references tell no length")]
    Whole {
        /// The array.
        path: String,
    },
    /// A chunk that has not the bytes of its elements.
    #[error("{key}: has {found} bytes, and its elements have {expected}")]
    Length {
        /// The key of the chunk.
        key: String,
        /// Its bytes.
        found: u64,
        /// The bytes of its elements.
        expected: u64,
    },
    /// Pieces that chunks cannot be split into.
    #[error("{path}: {why}")]
    Pieces {
        /// The array.
        path: String,
        /// Why not.
        why: String,
    },
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
