//! `h5refs convert`: references in another form.

use std::path::PathBuf;

use clap::Args;

use crate::{Ending, finish, references_in, references_out};

/// Write references in another form: JSON of either version, compressed or not, or Parquet. What they say stays the same.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The references: JSON, compressed or not, or a folder of Parquet.
    references: PathBuf,
    #[command(flatten)]
    opening: references_in::Opening,
    #[command(flatten)]
    to: references_out::Destination,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    finish(convert(arguments))
}

fn convert(arguments: &Arguments) -> Result<Ending, String> {
    let form = arguments.to.references()?;
    let (set, ending) = arguments.opening.open(&arguments.references)?;
    form.write_alone(&set, &arguments.to.output)?;
    Ok(ending)
}
