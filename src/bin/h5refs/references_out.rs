//! How every command writes references.

use std::path::Path;

use clap::Args;
use h5refs::{ParquetOptions, ReferenceSet};

use crate::output;

/// How references are written.
#[derive(Args)]
pub(crate) struct Arguments {}

/// References being written.
pub(crate) enum References {
    Json,
    Parquet,
}

impl Arguments {
    pub(crate) fn references(&self, output: Option<&Path>) -> Result<References, String> {
        let is =
            output.and_then(Path::extension).is_some_and(|extension| extension == "parq" || extension == "parquet");
        Ok(if is { References::Parquet } else { References::Json })
    }
}

impl References {
    pub(crate) fn write(&self, set: &ReferenceSet, output: &Path) -> Result<(), String> {
        match self {
            Self::Json => output::write(output, |out| h5refs::write_json(set, out)),
            Self::Parquet => {
                h5refs::write_parquet(set, output, &ParquetOptions::default()).map_err(|error| error.to_string())
            }
        }
    }
}
