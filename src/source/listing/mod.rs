//! Which files there are: folders listed, patterns of paths expanded.

mod braces;
mod date;
mod glob;
mod local;
mod mask;
mod part;

pub use date::{Date, dates};
pub use glob::{Glob, Match};
pub use mask::Mask;

#[cfg(feature = "remote")]
pub(super) use local::is_absent;

use super::State;
use super::secrets::without_secrets;
use crate::error::Error;

/// Folders that can be listed. What may not be listed is refused.
pub trait Listing: Send + Sync {
    /// What lies in a folder, not below it. Its name ends in a slash; where it is empty, it is the folder that relative paths start at.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when the folder may not be read, and [`Error::Io`]. Where there is no such folder it is that of
    /// [`NotFound`](std::io::ErrorKind::NotFound), or nothing lies there.
    fn list(&self, folder: &str) -> Result<Vec<Entry>, Error>;

    /// What a path leads to, if to anything.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    fn find(&self, path: &str) -> Result<Option<Entry>, Error>;

    /// What lies in several folders, in order; where there are round trips, at once.
    fn list_many(&self, folders: &[&str]) -> Vec<Result<Vec<Entry>, Error>> {
        folders.iter().map(|folder| self.list(folder)).collect()
    }

    /// What several paths lead to, in order; where there are round trips, at once.
    fn find_many(&self, paths: &[&str]) -> Vec<Result<Option<Entry>, Error>> {
        paths.iter().map(|path| self.find(path)).collect()
    }
}

/// What a name in a folder leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, without a slash.
    pub name: String,
    /// What it leads to.
    pub kind: Kind,
    /// The state of a file, where the listing tells it.
    pub state: Option<State>,
}

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A folder that a symbolic link leads to; `**` does not enter it, for it may lead upwards.
    LinkedFolder,
    /// Something whose name is not UTF-8: the name of the entry only looks like it.
    NotUtf8,
}

/// A pattern, mask or date that says nothing.
fn wrong(pattern: &str, problem: impl Into<String>) -> Error {
    Error::Pattern { pattern: without_secrets(pattern), problem: problem.into() }
}
