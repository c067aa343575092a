//! `h5refs append`: more inputs into a combined set.

use std::path::PathBuf;

use clap::Args;

use crate::found;
use crate::location::Location;
use crate::lock::Lock;
use crate::references_out::References;
use crate::{Ending, combining, finish, inputs, parts, references_out, signals};

/// Add inputs to a combined set, in its place.
///
/// They come where their coordinates are, before, between or behind those that are there; inputs that are there already change nothing.
/// The set is replaced whole or not at all. Without a set, one is made. While one process appends to a set, no other does.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The combined set: JSON, compressed or not, or a folder of Parquet.
    set: PathBuf,
    /// Reference sets, and HDF5 and netCDF files; @LIST and - (standard input) name one a line. Patterns ('a/*.json', ?, [..], **,
    /// {a,b}), masks ({year}/{month}/{day}, {doy}, {hour}; with --dates) and folders stand for what is found.
    #[arg(required = true)]
    inputs: Vec<String>,
    #[command(flatten)]
    dates: found::Dates,
    #[command(flatten)]
    options: combining::Options,
    #[command(flatten)]
    form: references_out::Form,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    finish(append(arguments))
}

fn append(arguments: &Arguments) -> Result<Ending, String> {
    let references = arguments.form.references(Some(&arguments.set))?;
    let finder = arguments.options.checks().finder();
    let paths = inputs::given(&arguments.inputs, &arguments.dates, &finder)?.locations;
    let lock = Lock::of(&arguments.set)?;
    let clear = || {
        parts::remove_own(&arguments.set);
        lock.remove();
    };
    // From here on to the end: what another process adds meanwhile would be lost.
    signals::cleared(clear, || append_to(arguments, &references, &paths))
}

/// Reads the set, if there is one, and puts it in its place with the inputs.
fn append_to(arguments: &Arguments, references: &References, paths: &[Location]) -> Result<Ending, String> {
    // A set that a killed run has moved aside is there again.
    parts::remove_dead(&arguments.set);
    let is_there = arguments.set.try_exists().map_err(|error| format!("{}: {error}", arguments.set.display()))?;
    let combined = Some(arguments.set.as_path()).filter(|_| is_there);
    let checks = arguments.options.checks();
    let plan = checks.plan(arguments.options.combine()?, paths, combined)?;
    let (set, ending) = checks.merged(plan)?;
    references.write(&set, &arguments.set)?;
    Ok(ending)
}
