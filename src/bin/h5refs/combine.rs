//! `h5refs combine`: many reference sets as one.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use clap::Args;
use h5refs::listing::Mask;

use crate::combining::Options;
use crate::daily::{self, Daily};
use crate::found;
use crate::location::Location;
use crate::plan_view::{write_json, write_plan};
use crate::{Ending, finish, inputs, output, references_out, say};

/// Combine reference sets along dimensions, new ones and ones that they have.
///
/// Everything is checked before anything is written: types, codecs, chunks, shapes, fill values, packing, units and calendars,
/// coordinates that are there twice, arrays that are missing. What changes values is an error that names the inputs, unless --policy
/// decides it; then nothing is written, and the exit code is 1. Chunks that do not line up are cut where they are uncompressed, and small
/// arrays are stored anew.
///
/// An output with {year}, {month} and {day} (or {doy}), and masks as inputs, make one combination a day of --dates, several days at once. A
/// day is "written", "existing" (--resume), "no files" or "failed"; where some failed the exit code is 3.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Reference sets (kerchunk JSON, compressed or not, and Parquet), and HDF5 and netCDF files; @LIST and - (standard input) name one
    /// a line. Patterns ('a/*.json', ?, [..], **, {a,b}), masks ({year}/{month}/{day}, {doy}, {hour}; with --dates) and folders stand for
    /// what is found.
    #[arg(required = true)]
    inputs: Vec<String>,
    #[command(flatten)]
    dates: found::Dates,
    #[command(flatten)]
    options: Options,
    /// Print the plan and what the checks find, and write nothing; the exit code is 4 where an error is found.
    #[arg(long)]
    check: bool,
    /// With an output a day: leave those that are there and were made by this version with these options of the files and sets that
    /// their days have now, as far as that was recorded.
    #[arg(long)]
    resume: bool,
    /// With --check: print JSON.
    #[arg(long, requires = "check")]
    json: bool,
    #[command(flatten)]
    to: references_out::Destination,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    finish(combine(arguments))
}

fn combine(arguments: &Arguments) -> Result<Ending, String> {
    if let Some(output) = daily::mask(&arguments.to.output)? {
        return day_by_day(arguments, output);
    }
    if arguments.resume {
        return Err("--resume goes with an output a day: -o '{year}{month}{day}.json'".to_owned());
    }
    let references = if arguments.check { None } else { Some(arguments.to.references()?) };
    let options = &arguments.options;
    let paths = inputs::given(&arguments.inputs, &arguments.dates, &options.checks().finder())?.locations;
    let plan = options.checks().plan(options.combine()?, &paths, None)?;
    if arguments.check {
        output::write(
            Path::new("-"),
            |out| if arguments.json { write_json(&plan, out) } else { write_plan(&plan, out) },
        )?;
        // What two sets have at the same coordinates is seen where their chunks are put together.
        let clash = if plan.is_refused() { return Ok(Ending::Wrong) } else { plan.merge().err() };
        let Some(clash) = clash else { return Ok(Ending::Well) };
        say(&format!("h5refs: {clash}"));
        return Ok(Ending::Wrong);
    }
    let (set, ending) = options.checks().merged(plan)?;
    if let Some(references) = references {
        references.write_alone(&set, &arguments.to.output)?;
    }
    Ok(ending)
}

fn day_by_day(arguments: &Arguments, output: Mask) -> Result<Ending, String> {
    if arguments.check {
        return Err("--check looks at one combination: give an output without {year}, {month} and {day}".to_owned());
    }
    let options = &arguments.options;
    let days = inputs::by_day(&arguments.inputs, &arguments.dates, &options.checks().finder())?;
    let files: Vec<Location> = days.values().flatten().cloned().collect();
    let remote = options.checks().remote(&files)?;
    let form = arguments.to.references()?;
    // What is wrong with the options is wrong on every day.
    options.combine()?;
    let fingerprint = options.fingerprint(&arguments.to.form);
    Daily {
        options,
        form,
        output,
        days,
        resume: arguments.resume,
        remote,
        fingerprint,
        is_interrupted: AtomicBool::new(false),
    }
    .run()
}
