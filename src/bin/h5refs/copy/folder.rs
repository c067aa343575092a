//! A store in a folder, written beside its place and put there when it is whole.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use h5refs::copy::{Copier, Folder, Progress, Target};

use super::Arguments;
use super::place::{self, Place};

pub(super) struct InFolder {
    out: PathBuf,
    part: PathBuf,
    state: PathBuf,
    store: Folder,
    target: Folder,
}

impl InFolder {
    pub(super) fn new(out: &Path, state: Option<&Path>) -> Result<Self, String> {
        let name = out.file_name().ok_or_else(|| format!("{}: not the name of a folder", out.display()))?;
        let beside = |what: &str| {
            let mut own = OsString::from(name);
            own.push(what);
            out.with_file_name(own)
        };
        let part = beside(".h5refs-part");
        Ok(Self {
            out: out.to_owned(),
            state: state.map_or_else(|| beside(".h5refs-state"), Path::to_owned),
            store: Folder::new(out),
            target: Folder::new(&part),
            part,
        })
    }
}

impl Place for InFolder {
    fn is_finished(&self, copier: &Copier<'_>, arguments: &Arguments) -> Result<bool, String> {
        let is_there = std::fs::symlink_metadata(&self.out).is_ok();
        if is_there && arguments.resume && !self.part.exists() {
            let same = copier.is_written(&self.store).map_err(|error| error.to_string())?;
            if same {
                return Ok(true);
            }
        }
        if is_there && !arguments.overwrite {
            let more = if arguments.resume { ", with other options or of another input" } else { "" };
            return Err(format!("{}: is there already{more}: --overwrite replaces it", self.out.display()));
        }
        let told = |error: std::io::Error| format!("{}: {error}", self.out.display());
        if is_there && !Folder::may_be_replaced(&self.out).map_err(told)? {
            return Err(format!("{}: is there, and is no Zarr store: it is not replaced", self.out.display()));
        }
        Ok(false)
    }

    fn store(&self) -> &dyn Target {
        &self.store
    }

    fn begin(&self, arguments: &Arguments) -> Result<Progress, String> {
        let (file, progress) = place::noted(&self.state)?;
        if arguments.resume && !progress.is_new() {
            return Ok(progress);
        }
        if !progress.is_new() || self.part.exists() {
            if !arguments.overwrite && !arguments.resume {
                return Err(format!(
                    "{}: a copy was begun: --resume goes on with it, and --overwrite begins anew",
                    self.out.display()
                ));
            }
            if self.part.exists() {
                std::fs::remove_dir_all(&self.part).map_err(|error| format!("{}: {error}", self.part.display()))?;
            }
        }
        place::anew(&self.state, file)
    }

    fn target(&self) -> &dyn Target {
        &self.target
    }

    fn publish(&self, overwrite: bool) -> Result<(), String> {
        let published = self.target.clone().publish(&self.out, overwrite);
        published.map(|_| ()).map_err(|error| error.to_string())
    }

    fn leave(&self) -> Result<String, String> {
        Ok(format!("what differs is left in {}", self.part.display()))
    }

    fn forget(&self) -> Result<(), String> {
        place::forget(&self.state)
    }
}
