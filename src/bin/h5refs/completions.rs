//! `h5refs completions`: what a shell completes.

use clap::Args;
use clap_complete::Shell;

use crate::{Ending, print};

/// Print what a shell needs to complete commands and flags.
///
/// For bash: h5refs completions bash > ~/.local/share/bash-completion/completions/h5refs
#[derive(Args)]
pub(crate) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    print("completions", |out| {
        // It panics where what it writes to fails, as a closed pipe does.
        let mut text = Vec::new();
        clap_complete::generate(arguments.shell, &mut crate::commands::command(), "h5refs", &mut text);
        Ok(out.write_all(&text)?)
    })
}
