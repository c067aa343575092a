//! What is wrong with a file of Parquet.

use crate::error::{LimitError, Problem, Unsupported};

/// Why a record file is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    /// The bytes contradict the format, or are no references.
    #[error("{part}: {problem}")]
    Format {
        /// Which part of the file.
        part: &'static str,
        /// What is wrong there.
        problem: Problem,
    },
    /// Valid Parquet that no writer of references makes.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// More than the caller allows.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

impl Wrong {
    pub(crate) fn feature(what: &'static str) -> Self {
        Self::Unsupported(Unsupported::Feature(what))
    }

    pub(crate) fn new(part: &'static str, problem: Problem) -> Self {
        Self::Format { part, problem }
    }

    pub(crate) fn value(part: &'static str, field: &'static str, value: i64) -> Self {
        match u64::try_from(value) {
            Ok(value) => Self::new(part, Problem::Value { field, value }),
            Err(_) => Self::new(part, Problem::Negative { field, value }),
        }
    }
}
