//! HDF5 and netCDF files as commands open them: local ones, families of them, and URLs.

use std::path::PathBuf;

use clap::Args;
use h5refs::reference::Recorded;
use h5refs::{Error, Input, Limits};

use crate::family;
use crate::limiting::Limiting;
use crate::location::Location;
use crate::remote::{self, Remote};

/// The one file that a command looks at.
#[derive(Args)]
pub(crate) struct OneFile {
    /// The file: a path or a URL, or the pattern of a family's names, as fam_%05d.h5 (places are then those in all of it).
    pub(crate) file: Location,
    #[command(flatten)]
    remote: remote::Reading,
    #[command(flatten)]
    limiting: Limiting,
}

impl OneFile {
    pub(crate) fn limits(&self) -> Limits {
        self.limiting.limits()
    }

    /// How URLs are read.
    #[cfg(feature = "dap")]
    pub(crate) fn reading(&self) -> &remote::Reading {
        &self.remote
    }

    pub(crate) fn open(&self) -> Result<Input, Box<dyn std::error::Error>> {
        let remote = self.remote.for_inputs(std::slice::from_ref(&self.file))?;
        Ok(open(&self.file, &remote)?.input)
    }
}

/// An input of a command.
pub(crate) struct Opened {
    pub(crate) input: Input,
    /// The members, if it is a family.
    pub(crate) members: Vec<PathBuf>,
}

/// What an input is now, where that is known without reading it: of a family it is not.
pub(crate) fn state(location: &Location, remote: &Remote) -> Option<Recorded> {
    match location {
        Location::Path(path) => {
            let metadata = std::fs::metadata(path).ok()?;
            Some(Recorded::from_state(metadata.len(), metadata.modified().ok(), None))
        }
        Location::Url(url) => {
            let state = remote.sources()?.state(url).ok()?;
            Some(Recorded::from_state(state.size, state.modified, state.etag))
        }
    }
}

/// Opens a file, or the members of the family that a path is a pattern of: from 0 to the first that is not there.
pub(crate) fn open(location: &Location, remote: &Remote) -> Result<Opened, Error> {
    let path = match location {
        Location::Path(path) => path,
        Location::Url(url) => return Ok(Opened { input: remote.open(url)?, members: Vec::new() }),
    };
    let members = family::members(path);
    let input = match members.as_slice() {
        [] => Input::open(path)?,
        members => Input::family(members.iter().map(Input::open).collect::<Result<Vec<_>, _>>()?)?,
    };
    Ok(Opened { input, members })
}
