//! Why a request has no answer that can be used.

use std::error::Error as StdError;
use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use crate::error::Error;

/// What is wrong with one attempt at a request.
#[derive(Debug)]
pub(in crate::source) struct Fault {
    pub(in crate::source) kind: ErrorKind,
    pub(in crate::source) text: String,
    /// Attempts after which it is believed.
    pub(in crate::source) attempts: u32,
    /// How long the server asks to be left alone.
    pub(in crate::source) wait: Option<Duration>,
    pub(in crate::source) meaning: Meaning,
}

/// What a failure means to those who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Meaning {
    /// It has no answer.
    NoAnswer,
    /// The file has no bytes there, and perhaps none at all.
    NoBytes,
    /// The file is another one.
    Changed,
    /// The credentials are too old, and there may be new ones.
    Expired,
}

impl Fault {
    /// One that is not there the next time, as a rule.
    pub(in crate::source) fn passing(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), attempts: u32::MAX, wait: None, meaning: Meaning::NoAnswer }
    }

    /// One that is there the next time too.
    pub(in crate::source) fn lasting(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { attempts: 1, ..Self::passing(kind, text) }
    }

    /// A range behind the end of a file.
    pub(in crate::source) fn no_bytes(text: impl Into<String>) -> Self {
        Self { meaning: Meaning::NoBytes, ..Self::lasting(ErrorKind::InvalidInput, text) }
    }

    /// A file that is another one: believed when it is said twice, since servers behind one name may differ for a moment.
    pub(in crate::source) fn changed(text: impl Into<String>) -> Self {
        Self { attempts: 2, meaning: Meaning::Changed, ..Self::passing(ErrorKind::InvalidData, text) }
    }

    /// An answer that is not the one to the question.
    pub(in crate::source) fn wrong(text: impl Into<String>) -> Self {
        Self::passing(ErrorKind::InvalidData, text)
    }

    pub(in crate::source) fn after(self, attempts: u32) -> Failure {
        Failure { kind: self.kind, text: self.text, attempts, meaning: self.meaning }
    }
}

/// The end of a request that failed.
#[derive(Debug, Clone)]
pub(in crate::source) struct Failure {
    kind: ErrorKind,
    text: String,
    attempts: u32,
    meaning: Meaning,
}

impl Failure {
    /// The failure that an error of a store is about.
    fn of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut at = Some(error);
        while let Some(error) = at {
            if let Some(failure) = error.downcast_ref() {
                return Some(failure);
            }
            at = error.source();
        }
        None
    }

    /// The error that it is, of the file of a URL without secrets.
    pub(in crate::source) fn error(error: &(dyn StdError + 'static), url: &str) -> Option<Error> {
        let failure = Self::of(error)?;
        Some(match failure.meaning {
            Meaning::Changed => Error::Changed { url: url.to_owned(), what: failure.text.clone() },
            Meaning::NoAnswer | Meaning::NoBytes | Meaning::Expired => {
                Error::io(url, std::io::Error::new(failure.kind, failure.to_string()))
            }
        })
    }

    /// Whether the file may have no bytes, as far as an error says.
    pub(in crate::source) fn may_be_empty(error: &(dyn StdError + 'static)) -> bool {
        Self::of(error).is_none_or(|failure| failure.meaning == Meaning::NoBytes)
    }

    /// Whether new credentials may help.
    pub(in crate::source) fn is_expired(error: &(dyn StdError + 'static)) -> bool {
        Self::of(error).is_some_and(|failure| failure.meaning == Meaning::Expired)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if self.attempts > 1 { write!(f, ", after {} attempts", self.attempts) } else { Ok(()) }
    }
}

impl StdError for Failure {}
