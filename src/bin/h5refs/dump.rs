//! `h5refs dump`: a file's header as CDL.

use clap::Args;

use crate::opening::OneFile;
use crate::{Ending, print};

/// Print dimensions, variables and attributes as CDL, like "ncdump -h".
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: OneFile,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    print(&arguments.input.file.to_string(), |out| {
        let tree = h5refs::tree(&arguments.input.open()?, arguments.input.limits())?;
        let name = arguments.input.file.file_stem();
        h5refs::write_cdl(&tree, &name.unwrap_or_default(), out)?;
        Ok(())
    })
}
