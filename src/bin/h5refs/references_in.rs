//! How commands read references, and the files that these refer to.

use std::path::Path;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use h5refs::{Error, Limits, LocalSources, OpenReferences, ReferenceSet, Sources};

use crate::limiting::Limiting;
use crate::location::Location;
use crate::{Ending, remote, say, without_name};

/// How references are opened.
#[derive(Args)]
pub(crate) struct Opening {
    /// What it means that a record file of a Parquet set is not there; kerchunk writes none where all chunks are missing.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = MissingRecords::Refuse)]
    missing_records: MissingRecords,
    #[command(flatten)]
    limiting: Limiting,
}

#[derive(Clone, Copy, ValueEnum)]
enum MissingRecords {
    /// That part of the set is lost: it is refused.
    Refuse,
    /// That its chunks are missing, and read as fill values.
    AreMissingChunks,
}

impl Opening {
    pub(crate) fn limits(&self) -> Limits {
        self.limiting.limits()
    }

    /// The set, and the keys that belong to nothing in it.
    pub(crate) fn parts(&self, path: &Path) -> Result<(ReferenceSet, Vec<String>), Error> {
        let missing = match self.missing_records {
            MissingRecords::Refuse => h5refs::MissingRecords::Refused,
            MissingRecords::AreMissingChunks => h5refs::MissingRecords::AreMissingChunks,
        };
        OpenReferences::new(self.limits()).missing_records(missing).open(path)
    }

    /// The set. What belongs to no array and no group of it is told, and is left out of what a command writes.
    pub(crate) fn open(&self, path: &Path) -> Result<(ReferenceSet, Ending), String> {
        let name = path.display().to_string();
        let (set, stray) = self.parts(path).map_err(|error| format!("{name}: {}", without_name(&name, &error)))?;
        for key in &stray {
            say(&format!("{name}: {key} belongs to no array and no group that is described here"));
        }
        Ok((set, if stray.is_empty() { Ending::Well } else { Ending::Refused }))
    }
}

/// Which files that references name may be read.
#[derive(Args)]
pub(crate) struct Allowing {
    /// Read files under this folder too, symbolic links followed, or under this URL, which names a bucket or host and perhaps folders.
    #[arg(long, value_name = "PREFIX")]
    allow: Vec<Location>,
    #[command(flatten)]
    remote: remote::Reading,
}

impl Allowing {
    /// How URLs are read and written.
    #[cfg(feature = "remote")]
    pub(crate) fn reading(&self) -> &remote::Reading {
        &self.remote
    }

    /// What reads an input and what is allowed, as far as they are URLs.
    pub(crate) fn remote(&self, input: &Location) -> Result<remote::Remote, String> {
        let all: Vec<Location> = self.allow.iter().chain([input]).cloned().collect();
        self.remote.for_inputs(&all)
    }

    /// The local files in the folder of the references, and what is allowed.
    pub(crate) fn sources(&self, references: &Path) -> Result<Vec<Arc<dyn Sources>>, String> {
        let folder = std::path::absolute(references).map_err(|error| error.to_string())?;
        let own = LocalSources::new().allow(folder.parent().unwrap_or(&folder));
        let local = self.allow.iter().filter_map(Location::path);
        let local = local.fold(own, |all, folder| all?.allow(folder)).map_err(|error| error.to_string())?;
        let mut all: Vec<Arc<dyn Sources>> = vec![Arc::new(local)];
        all.extend(self.remote.for_inputs(&self.allow)?.sources());
        Ok(all)
    }
}
