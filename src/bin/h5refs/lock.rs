//! One process at a time that reads a set and writes it anew: a lock on a file beside it, `.<set>.h5refs-lock`.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::output;
use crate::scan::state::locked;

/// What a process has alone until it is dropped.
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes a set, which no other process may have, or not for long.
    pub(crate) fn of(set: &Path) -> Result<Self, String> {
        let set = output::real(set);
        let name = set.file_name().ok_or_else(|| format!("{}: not the name of a set", set.display()))?;
        let mut own = OsString::from(".");
        own.push(name);
        own.push(".h5refs-lock");
        let path = set.with_file_name(own);
        Ok(Self { _file: locked(&path)?, path })
    }

    /// Removes the file, as far as that can be done: one that is left is taken by the next.
    pub(crate) fn remove(&self) {
        let _removed = std::fs::remove_file(&self.path);
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.remove();
    }
}
