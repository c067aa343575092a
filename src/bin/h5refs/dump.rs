//! `h5refs dump`: a file's header as CDL.

use std::path::PathBuf;

use clap::Args;
use h5refs::Limits;

use crate::{Ending, family, print};

/// Print dimensions, variables and attributes as CDL, like "ncdump -h".
#[derive(Args)]
pub(crate) struct Arguments {
    /// The file, or the pattern of a family's names, as fam_%05d.h5.
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    print(&arguments.file.display().to_string(), |out| {
        let tree = h5refs::tree(&family::open(&arguments.file)?.input, Limits::default())?;
        let name = arguments.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        h5refs::write_cdl(&tree, &name.unwrap_or_default(), out)?;
        Ok(())
    })
}
