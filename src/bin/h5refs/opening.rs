//! How reference sets are opened.

use std::path::Path;

use clap::{Args, ValueEnum};
use h5refs::{Error, Limits, ReferenceSet};

#[derive(Args)]
pub(crate) struct Opening {
    /// What it means that a record file of a Parquet set is not there; kerchunk writes none where all chunks are missing.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = MissingRecords::Refuse)]
    missing_records: MissingRecords,
}

#[derive(Clone, Copy, ValueEnum)]
enum MissingRecords {
    /// That part of the set is lost: it is refused.
    Refuse,
    /// That its chunks are missing, and read as fill values.
    AreMissingChunks,
}

impl Opening {
    /// The set, and the keys that belong to nothing in it.
    pub(crate) fn open(&self, path: &Path) -> Result<(ReferenceSet, Vec<String>), Error> {
        let missing = match self.missing_records {
            MissingRecords::Refuse => h5refs::MissingRecords::Refused,
            MissingRecords::AreMissingChunks => h5refs::MissingRecords::AreMissingChunks,
        };
        h5refs::open_references_with(path, &Limits::default(), missing)
    }
}
