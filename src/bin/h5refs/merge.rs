//! `h5refs merge`: variables of several inputs as one set.

use clap::Args;

use crate::found;
use crate::{Ending, combining, finish, inputs, references_out};

/// Put the variables of several inputs into one set.
///
/// Dimensions of one name must have one length, and what several inputs have must be the same in all, or nothing is written and the exit
/// code is 1; --policy decides it.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Reference sets, and HDF5 and netCDF files; @LIST and - (standard input) name one a line. Patterns ('a/*.json', ?, [..], **,
    /// {a,b}), masks ({year}/{month}/{day}, {doy}, {hour}; with --dates) and folders stand for what is found.
    #[arg(required = true)]
    inputs: Vec<String>,
    #[command(flatten)]
    dates: found::Dates,
    #[command(flatten)]
    checks: combining::Checks,
    #[command(flatten)]
    to: references_out::Destination,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    finish(merge(arguments))
}

fn merge(arguments: &Arguments) -> Result<Ending, String> {
    let references = arguments.to.references()?;
    let paths = inputs::given(&arguments.inputs, &arguments.dates, &arguments.checks.finder())?.locations;
    let options = arguments.checks.options(Vec::new())?;
    let (set, ending) = arguments.checks.merged(arguments.checks.plan(options, &paths, None)?)?;
    references.write_alone(&set, &arguments.to.output)?;
    Ok(ending)
}
