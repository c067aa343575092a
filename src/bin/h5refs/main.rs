//! The command line of h5refs.

mod append;
mod chunks;
mod combine;
mod combining;
mod commands;
mod completions;
mod concat;
mod convert;
mod copy;
mod daily;
mod dap;
mod dump;
mod external;
mod family;
mod found;
mod inline;
mod inputs;
mod layout;
mod limiting;
mod lint;
mod load;
mod location;
mod lock;
mod ls;
mod man;
mod merge;
mod naming;
mod opening;
mod origin;
mod outline;
mod output;
mod parts;
mod plan;
mod plan_view;
mod references_in;
mod references_out;
mod remote;
mod rename;
mod scan;
mod selection;
mod sidecar;
mod signals;
mod size;
mod supply;
mod stats;
mod subchunk;
mod verify;

use std::io::Write;
use std::process::ExitCode;

/// How a command ends, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    /// All is well.
    Well,
    /// Finished; some objects or inputs were refused.
    Refused,
    /// Finished; something that was checked is wrong.
    Wrong,
    /// Nothing came of it; the reason is told.
    Failed,
    /// A signal ended it; the exit code.
    Interrupted(u8),
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Well => Self::SUCCESS,
            Ending::Failed => Self::FAILURE,
            Ending::Refused => Self::from(3),
            Ending::Wrong => Self::from(4),
            Ending::Interrupted(code) => Self::from(code),
        }
    }
}

fn main() -> ExitCode {
    commands::run().into()
}

/// How a command ends that tells its error in one line.
fn finish(ended: Result<Ending, String>) -> Ending {
    ended.unwrap_or_else(|error| {
        say(&format!("h5refs: {error}"));
        Ending::Failed
    })
}

/// A line on standard error; control characters of untrusted names are escaped.
fn say(line: &str) {
    print_error(&escaped(&limiting::by_option(line)));
}

/// A text without control characters.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// A line on standard error, as it is.
fn print_error(line: &str) {
    // Nobody is left to tell that standard error is closed.
    let _written = std::io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

/// Runs a command that prints to standard output; a reader that has seen enough is no failure.
fn print(file: &str, command: impl FnOnce(&mut dyn Write) -> Result<(), Box<dyn std::error::Error>>) -> Ending {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let printed = command(&mut out).and_then(|()| Ok(out.flush()?));
    match printed {
        Ok(()) => Ending::Well,
        Err(error) if closed(&*error) => Ending::Well,
        Err(error) => {
            say(&format!("h5refs: {file}: {}", without_name(file, &*error)));
            Ending::Failed
        }
    }
}

/// An error's text without the file's name where it begins with it: the line that tells it does.
fn without_name(file: &str, error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let rest = text.strip_prefix(file).filter(|_| !file.is_empty());
    rest.and_then(|rest| rest.strip_prefix(": ").or_else(|| rest.strip_prefix(' '))).unwrap_or(&text).to_owned()
}

fn closed(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
