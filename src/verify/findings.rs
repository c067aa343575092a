//! What was found, and how much was checked.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::source::told_url;

/// Most findings that are kept; the others are counted.
const MOST: usize = 10_000;

/// The outcome of [`verify`](super::verify).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// What is wrong, at most 10,000 of it.
    pub findings: Vec<Finding>,
    /// What is wrong beyond these.
    pub more: u64,
    /// What could not be checked.
    pub unchecked: Vec<Unchecked>,
    /// How much was checked.
    pub checked: Counts,
}

/// How much was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Arrays of the set.
    pub arrays: u64,
    /// References of the set, inline ones included.
    pub references: u64,
    /// Files whose size is known.
    pub files: u64,
    /// Chunks that were read and decoded.
    pub chunks: u64,
    /// Elements that were compared with those of the HDF5 file.
    pub elements: u64,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The key, the path of the array, or the file without what may be secret of its URL.
    pub at: String,
    /// What it is.
    #[serde(flatten)]
    pub fault: Fault,
}

/// Something that could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unchecked {
    /// The file, or the path of the array.
    pub at: String,
    /// Why not.
    pub why: String,
    /// Whether the caller could have it checked: by allowing a folder, or by a feature of this crate.
    pub avoidable: bool,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fault {
    /// A file is not what it was when the references were made.
    #[error("the file has changed since the references were made: {what}")]
    SourceChanged {
        /// What is different.
        what: String,
    },
    /// A file is not there.
    #[error("the file is not there: {why}")]
    SourceMissing {
        /// What the operating system says.
        why: String,
    },
    /// A range that does not lie inside its file.
    #[error("{length} bytes at {offset} do not lie in {url}, which has {size} bytes")]
    OutsideFile {
        /// The file.
        url: String,
        /// Offset of the range.
        offset: u64,
        /// Length of the range.
        length: u64,
        /// Size of the file.
        size: u64,
    },
    /// A chunk without codecs that has another size than its elements, or one with codecs that no codec could have made.
    #[error("{length} bytes are stored, and the chunk has {expected} bytes of elements")]
    Size {
        /// Bytes of the reference.
        length: u64,
        /// Bytes of the elements.
        expected: u64,
    },
    /// Two ranges that overlap though they are not the same.
    #[error("its bytes overlap those of {other}")]
    Overlap {
        /// The other key.
        other: String,
    },
    /// A chunk that does not decode, or cannot be read.
    #[error("{why}")]
    Decode {
        /// What is wrong.
        why: String,
    },
    /// The dataset in the file is not as the references say.
    #[error("{what}")]
    Dataset {
        /// What is different.
        what: String,
    },
    /// An element that is another in the file.
    #[error("element {index:?} is {found}, and in the file it is {expected}")]
    Value {
        /// Its place in the array.
        index: Vec<u64>,
        /// As the references read.
        found: String,
        /// As the file reads.
        expected: String,
    },
}

impl Verification {
    /// Whether nothing wrong was found.
    pub fn is_right(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Collects what is found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    verification: Verification,
    /// Keys whose ranges do not lie inside their files.
    outside: BTreeSet<String>,
}

impl Findings {
    pub(super) fn add(&mut self, at: impl Into<String>, fault: Fault) {
        let at = at.into();
        if matches!(fault, Fault::OutsideFile { .. }) {
            self.outside.insert(at.clone());
        }
        if self.verification.findings.len() < MOST {
            self.verification.findings.push(Finding { at: told_url(&at), fault });
        } else {
            self.verification.more = self.verification.more.saturating_add(1);
        }
    }

    pub(super) fn unchecked(&mut self, at: impl Into<String>, why: impl Into<String>, avoidable: bool) {
        if self.verification.unchecked.len() < MOST {
            self.verification.unchecked.push(Unchecked { at: told_url(&at.into()), why: why.into(), avoidable });
        }
    }

    /// Whether it was said that something could not be checked.
    pub(super) fn has_unchecked(&self, at: &str) -> bool {
        let at = told_url(at);
        self.verification.unchecked.iter().any(|unchecked| unchecked.at == at)
    }

    /// Whether it was said that the range of a key does not lie inside its file.
    pub(super) fn is_outside(&self, key: &str) -> bool {
        self.outside.contains(key)
    }

    pub(super) fn counts(&mut self) -> &mut Counts {
        &mut self.verification.checked
    }

    pub(super) fn done(self) -> Verification {
        self.verification
    }
}
