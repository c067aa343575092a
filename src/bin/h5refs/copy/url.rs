//! A store at the URL of an object store, written in its place.

use std::path::{Path, PathBuf};

use h5refs::copy::{Copier, Existing, ObjectTarget, Progress, Target};

use super::Arguments;
use super::place::{self, Place};
use crate::location::Location;

pub(super) struct AtUrl {
    /// The URL as it may be told.
    told: String,
    state: PathBuf,
    target: ObjectTarget,
}

impl AtUrl {
    pub(super) fn new(url: &str, state: Option<&Path>, arguments: &Arguments) -> Result<Self, String> {
        let target = arguments.source.reading().target(url)?;
        let location = Location::from(url.trim_end_matches('/'));
        let own = || {
            let name = location.file_name().map(|name| name.to_string_lossy().into_owned());
            PathBuf::from(format!("{}.h5refs-state", name.unwrap_or_default()))
        };
        Ok(Self { told: location.to_string(), state: state.map_or_else(own, Path::to_owned), target })
    }

    /// What is to be done about an error, where an option does something.
    fn hint(existing: Existing) -> &'static str {
        match existing {
            Existing::Refused => ": --overwrite replaces a store, and --resume goes on with one that was begun",
            Existing::GoneOnWith => ": --overwrite begins anew, where a store is there or one was begun",
            Existing::Replaced => "",
        }
    }
}

impl Place for AtUrl {
    fn is_finished(&self, copier: &Copier<'_>, arguments: &Arguments) -> Result<bool, String> {
        if !arguments.resume || !copier.is_written(&self.target).map_err(|error| error.to_string())? {
            return Ok(false);
        }
        // A run may have been killed when its store was whole already.
        self.publish(false)?;
        Ok(true)
    }

    fn store(&self) -> &dyn Target {
        &self.target
    }

    fn begin(&self, arguments: &Arguments) -> Result<Progress, String> {
        let (file, mut progress) = place::noted(&self.state)?;
        let is_new = progress.is_new();
        let existing = match (arguments.resume, arguments.overwrite) {
            (true, overwrite) if !is_new || !overwrite => Existing::GoneOnWith,
            (_, true) => Existing::Replaced,
            _ => Existing::Refused,
        };
        match existing {
            Existing::GoneOnWith => {}
            Existing::Refused if !is_new => {
                return Err(format!(
                    "{}: a copy was begun: --resume goes on with it, and --overwrite begins anew",
                    self.told
                ));
            }
            Existing::Refused | Existing::Replaced => progress = place::anew(&self.state, file)?,
        }
        let begun = self.target.begin(&mut progress, existing);
        // Nothing was begun: nothing is to be gone on with.
        if begun.is_err() && progress.is_new() {
            self.forget()?;
        }
        begun.map(|()| progress).map_err(|error| match error {
            error @ h5refs::Error::Copy { .. } => format!("{error}{}", Self::hint(existing)),
            error => error.to_string(),
        })
    }

    fn target(&self) -> &dyn Target {
        &self.target
    }

    fn publish(&self, _overwrite: bool) -> Result<(), String> {
        self.target.finish().map_err(|error| error.to_string())
    }

    fn leave(&self) -> Result<String, String> {
        self.target.withdraw().map_err(|error| error.to_string())?;
        Ok(format!("{} is left as it is but for its documents, which are removed", self.told))
    }

    fn forget(&self) -> Result<(), String> {
        place::forget(&self.state)
    }
}
