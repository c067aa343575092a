//! `h5refs man`: manual pages.

use std::path::PathBuf;

use clap::Args;

use crate::{Ending, finish, print};

/// Print the manual page, or write one for each command.
#[derive(Args)]
pub(crate) struct Arguments {
    /// A folder for h5refs.1, h5refs-scan.1 and so on (default: print h5refs.1).
    #[arg(short, long, visible_alias = "out-dir", value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    match &arguments.output {
        None => print("man", |out| Ok(clap_mangen::Man::new(crate::commands::command()).render(&mut &mut *out)?)),
        Some(folder) => finish(write(folder).map(|()| Ending::Well)),
    }
}

fn write(folder: &std::path::Path) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(folder).map_err(told)?;
    clap_mangen::generate_to(crate::commands::command(), folder).map_err(told)
}
