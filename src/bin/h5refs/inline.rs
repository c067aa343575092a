//! `h5refs inline`: chunks that are held in the references.

use std::path::PathBuf;

use clap::Args;
use h5refs::edit::{Inlined, inline, merge};

use crate::selection::Names;
use crate::{Ending, finish, references_in, references_out, say};

/// Hold chunks in the references themselves, so that reading them needs no other file.
///
/// Local files are read in the folder of the references and in those that --allow names. A file that is not what it was when the
/// references were made is refused.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub(crate) struct Arguments {
    /// The references: JSON, compressed or not, or a folder of Parquet.
    references: PathBuf,
    /// Hold chunks of fewer stored bytes.
    #[arg(long, value_name = "BYTES", group = "what")]
    threshold: Option<u64>,
    /// Hold all chunks of these arrays: names or globs, of the array or of its whole path.
    #[arg(long, value_name = "NAME", value_delimiter = ',', group = "what")]
    variables: Vec<String>,
    /// Hold these arrays as one chunk each, decoded: names or globs, of the array or of its whole path.
    #[arg(long, value_name = "NAME", value_delimiter = ',', group = "what")]
    merge: Vec<String>,
    #[command(flatten)]
    allowing: references_in::Allowing,
    /// Nothing but errors.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    opening: references_in::Opening,
    #[command(flatten)]
    to: references_out::Destination,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    finish(hold(arguments))
}

fn hold(arguments: &Arguments) -> Result<Ending, String> {
    let form = arguments.to.references()?;
    let (variables, merged) = (Names::new(&arguments.variables)?, Names::new(&arguments.merge)?);
    let (mut set, ending) = arguments.opening.open(&arguments.references)?;
    for names in [&variables, &merged] {
        if let Some(name) = names.unmatched(set.arrays().map(|(path, _)| path)) {
            return Err(format!("no array is called {name}"));
        }
    }
    let sources = arguments.allowing.sources(&arguments.references)?;
    let limits = arguments.opening.limits();
    let decoded = merge(&mut set, &sources, |path| merged.have(path), &limits);
    tell(arguments, "decoded, each in one chunk", decoded.map_err(|error| error.to_string())?);
    let threshold = arguments.threshold.unwrap_or(0);
    let stored = inline(&mut set, &sources, threshold, |path| variables.have(path), &limits);
    tell(arguments, "as they are stored", stored.map_err(|error| error.to_string())?);
    form.write_alone(&set, &arguments.to.output)?;
    Ok(ending)
}

fn tell(arguments: &Arguments, how: &str, held: Inlined) {
    if !arguments.quiet && held.chunks > 0 {
        let Inlined { arrays, chunks, bytes, .. } = held;
        say(&format!("h5refs: {chunks} chunks of {arrays} arrays are held, {bytes} bytes {how}"));
    }
}
