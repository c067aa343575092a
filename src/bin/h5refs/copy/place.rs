//! Where a store goes.

use std::fs::File;
use std::path::Path;

use h5refs::copy::{Copier, Progress, Target};

use super::Arguments;
use super::folder::InFolder;
use crate::location::Location;
use crate::scan::state::locked;

/// A place for a store, and what is noted of it until it is whole.
pub(super) trait Place {
    /// Whether this very store is there, and nothing is begun.
    fn is_finished(&self, copier: &Copier<'_>, arguments: &Arguments) -> Result<bool, String>;

    /// The store that is there.
    fn store(&self) -> &dyn Target;

    /// What is done already, as far as that is gone on with; nothing else is where chunks are written.
    fn begin(&self, arguments: &Arguments) -> Result<Progress, String>;

    /// Where chunks are written.
    fn target(&self) -> &dyn Target;

    /// The store is whole, and read from now on.
    fn publish(&self, overwrite: bool) -> Result<(), String>;

    /// The store is not what it should be: where it is left, in words.
    fn leave(&self) -> Result<String, String>;

    /// Nothing is left to be gone on with.
    fn forget(&self) -> Result<(), String>;
}

pub(super) fn of(arguments: &Arguments) -> Result<Box<dyn Place>, String> {
    let state = arguments.state.as_deref();
    match &arguments.output {
        Location::Path(path) => Ok(Box::new(InFolder::new(path, state)?)),
        #[cfg(feature = "remote")]
        Location::Url(url) => Ok(Box::new(super::url::AtUrl::new(url, state, arguments)?)),
        #[cfg(not(feature = "remote"))]
        url @ Location::Url(_) => {
            Err(format!("{url}: stores at URLs are written by a h5refs that was built with the feature \"remote\""))
        }
    }
}

/// What a file tells of a copy that was begun.
pub(super) fn noted(state: &Path) -> Result<(File, Progress), String> {
    let told = |error: std::io::Error| format!("{}: {error}", state.display());
    let file = locked(state)?;
    let progress = Progress::open(file.try_clone().map_err(told)?).map_err(told)?;
    Ok((file, progress))
}

/// A copy that begins: what the file tells is gone.
pub(super) fn anew(state: &Path, file: File) -> Result<Progress, String> {
    let told = |error: std::io::Error| format!("{}: {error}", state.display());
    file.set_len(0).map_err(told)?;
    Progress::open(file).map_err(told)
}

pub(super) fn forget(state: &Path) -> Result<(), String> {
    match std::fs::remove_file(state) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", state.display())),
        _ => Ok(()),
    }
}
