//! The commands, by their names.

use std::ffi::OsStr;

use clap::{ArgMatches, Args, Error, FromArgMatches};

use crate::{
    Ending, append, chunks, combine, completions, concat, convert, copy, dump, inline, lint, ls, man, merge, outline,
    plan, rename, scan, stats, subchunk, verify,
};

/// A command.
struct Known {
    name: &'static str,
    augment: fn(clap::Command) -> clap::Command,
    run: fn(&ArgMatches) -> Result<Ending, Error>,
}

/// Modules that each have `Arguments` and `run`, called as their commands are.
macro_rules! known {
    ($($name:ident)*) => {
        &[$(Known {
            name: stringify!($name),
            augment: $name::Arguments::augment_args,
            run: |matches| Ok($name::run(&$name::Arguments::from_arg_matches(matches)?)),
        },)*]
    };
}

const KNOWN: &[Known] = known! {
    scan combine append merge concat ls dump chunks verify completions man lint convert rename subchunk inline outline stats plan copy
};

/// The command line.
pub(crate) fn command() -> clap::Command {
    of(|_| true)
}

/// The same with some of the commands only.
fn of(is_of: impl Fn(&Known) -> bool) -> clap::Command {
    let some = KNOWN.iter().filter(|known| is_of(known));
    clap::Command::new("h5refs")
        .version(env!("CARGO_PKG_VERSION"))
        .about("HDF5 and netCDF files as cloud-native Zarr references, without copying a byte")
        .max_term_width(100)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(some.map(|known| (known.augment)(clap::Command::new(known.name))))
}

/// Runs the command that the arguments of the process name.
pub(crate) fn run() -> Ending {
    // To make the arguments of all commands takes as long as to read a file.
    let called = std::env::args_os().nth(1);
    let is_called = |known: &Known| called.as_deref() == Some(OsStr::new(known.name));
    let mut command = if KNOWN.iter().any(is_called) { of(is_called) } else { command() };
    let matches = command.get_matches_mut();
    let ended = matches.subcommand().and_then(|(name, matches)| {
        let known = KNOWN.iter().find(|known| known.name == name)?;
        Some((known.run)(matches))
    });
    match ended {
        Some(Ok(ending)) => ending,
        Some(Err(error)) => error.format(&mut command).exit(),
        None => Ending::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_alone_is_as_among_all() {
        command().debug_assert();
        for known in KNOWN {
            let mut alone = of(|one| one.name == known.name);
            let mut all = command();
            let help = |command: &mut clap::Command| {
                command.build();
                command.find_subcommand_mut(known.name).map(|command| command.render_long_help().to_string())
            };
            assert_eq!(help(&mut alone), help(&mut all));
            assert!(help(&mut alone).is_some_and(|help| help.contains(&format!("Usage: h5refs {}", known.name))));
        }
    }
}
