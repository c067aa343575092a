//! `h5refs dump`: a file's header as CDL.

use std::path::PathBuf;

use clap::Args;
use h5refs::{Input, Limits};

use crate::{Ending, print};

/// Print dimensions, variables and attributes as CDL, like "ncdump -h".
#[derive(Args)]
pub(crate) struct Arguments {
    /// The file.
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    print(&arguments.file.display().to_string(), |out| {
        let tree = h5refs::tree(&Input::open(&arguments.file)?, Limits::default())?;
        let name = arguments.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        h5refs::write_cdl(&tree, &name.unwrap_or_default(), out)?;
        Ok(())
    })
}
