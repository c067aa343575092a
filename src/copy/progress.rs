//! What of a copy is done, so that it can be gone on with.

use std::collections::HashSet;
use std::fs::File;

use serde::{Deserialize, Serialize};

use crate::batch::Log;
use crate::error::Error;

/// What is done of a copy: nothing, or what stands in a file that belongs to it.
#[derive(Debug)]
pub struct Progress {
    log: Log,
    made: Option<String>,
    mark: Option<Mark>,
    done: HashSet<Done>,
}

/// New chunks that are written: a box of an array's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) array: String,
    pub(super) first: Vec<u64>,
    pub(super) count: Vec<u64>,
}

/// What is where a store is being written, and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    url: String,
    text: String,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    /// The fingerprint of the copy.
    Copy(String),
    Mark(Mark),
    Done(Done),
}

/// What is noted, and where more is.
pub(super) struct Todo<'a> {
    pub(super) done: &'a HashSet<Done>,
    pub(super) log: &'a mut Log,
}

impl Progress {
    /// That of a copy that begins anew and is not gone on with.
    pub fn none() -> Self {
        Self { log: Log::in_memory(), made: None, mark: None, done: HashSet::new() }
    }

    /// That which a file tells, and to which more is added. Nobody else may write to it meanwhile.
    ///
    /// # Errors
    /// What the file answers.
    pub fn open(file: File) -> std::io::Result<Self> {
        let (mut made, mut mark, mut all) = (None, None, HashSet::new());
        let log = Log::open(file, |_, line| match line {
            Line::Copy(fingerprint) => made = Some(fingerprint),
            Line::Mark(found) => mark = Some(found),
            Line::Done(done) => _ = all.insert(done),
        })?;
        Ok(Self { log, made, mark, done: all })
    }

    /// Whether nothing was begun.
    pub fn is_new(&self) -> bool {
        self.made.is_none() && self.mark.is_none()
    }

    /// Whether any chunk was written.
    #[cfg(feature = "remote")]
    pub(super) fn has_done(&self) -> bool {
        !self.done.is_empty()
    }

    /// Whether this is what marks the place of this copy.
    #[cfg(feature = "remote")]
    pub(super) fn is_marked(&self, url: &str, text: &[u8]) -> bool {
        self.mark.as_ref().is_some_and(|mark| mark.url == url && mark.text.as_bytes() == text)
    }

    /// What marks the place of this copy: of one that begins, what no other copy has.
    ///
    /// # Errors
    /// [`Error::Copy`] where the copy was begun in another place.
    #[cfg(feature = "remote")]
    pub(super) fn mark(&mut self, url: &str) -> Result<String, Error> {
        use std::hash::{BuildHasher, RandomState};
        match &self.mark {
            Some(mark) if mark.url == url => Ok(mark.text.clone()),
            Some(mark) => {
                let problem = format!("it is written to {}, and not to {url}", mark.url);
                Err(Error::Copy { target: "the copy that was begun".to_owned(), problem })
            }
            None => {
                // The standard library's hasher has random keys.
                let [one, other] = [RandomState::new(), RandomState::new()].map(|state| state.hash_one(url));
                let mark = Mark { url: url.to_owned(), text: format!("{one:016x}{other:016x}") };
                self.log.add(&Line::Mark(mark.clone())).map_err(told)?;
                Ok(self.mark.insert(mark).text.clone())
            }
        }
    }

    /// The copy is this one.
    ///
    /// # Errors
    /// [`Error::Copy`] where it was begun with other options or of another source.
    pub(super) fn begin(&mut self, fingerprint: &str) -> Result<(), Error> {
        match &self.made {
            Some(made) if made == fingerprint => Ok(()),
            Some(_) => Err(Error::Copy {
                target: "the copy that was begun".to_owned(),
                problem: "it has other options or another source, or the source has changed since".to_owned(),
            }),
            None => {
                self.made = Some(fingerprint.to_owned());
                self.log.add(&Line::Copy(fingerprint.to_owned())).map(|_| ()).map_err(told)
            }
        }
    }

    /// Takes chunks to be written, as one who has read the file does.
    #[cfg(all(test, feature = "remote"))]
    pub(super) fn add(&mut self, done: Done) {
        self.done.insert(done);
    }

    pub(super) fn split(&mut self) -> Todo<'_> {
        Todo { done: &self.done, log: &mut self.log }
    }
}

/// Notes that chunks are written.
pub(super) fn note(log: &mut Log, done: Done) -> Result<(), Error> {
    log.add(&Line::Done(done)).map(|_| ()).map_err(told)
}

fn told(error: std::io::Error) -> Error {
    Error::io("the progress of the copy", error)
}
