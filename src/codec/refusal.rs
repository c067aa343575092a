//! Why a chunk does not decode or encode.

use crate::error::{Problem, Unsupported};

/// Why a chunk does not decode or encode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    Problem(Problem),
    Unsupported(Unsupported),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Unsupported> for Refusal {
    fn from(what: Unsupported) -> Self {
        Self::Unsupported(what)
    }
}
