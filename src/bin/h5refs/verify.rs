//! `h5refs verify`: whether references are right.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use h5refs::verify::Verification;
use h5refs::{Store, VerifyOptions};

use crate::found::{self, Finder, Takes};
use crate::{Ending, inputs, output, references_in, say, without_name};

/// Check references: that files are what they were, that every range lies inside its file and has a possible size, that chunks decode,
/// and that their values are those of the HDF5 file.
///
/// Local files are read in the folder of the references and in those that --allow names; files elsewhere are not opened, and said to be
/// unchecked. The exit code is 4 where something is wrong, and 3 where a local file could not be checked.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Reference sets: kerchunk JSON; @LIST and - (standard input) name one a line. Patterns, masks and folders stand for what is found.
    #[arg(required = true)]
    inputs: Vec<String>,
    #[command(flatten)]
    dates: found::Dates,
    #[command(flatten)]
    allowing: references_in::Allowing,
    /// The HDF5 file that the references were made of, as they name it (default: the only one that is recorded in them, or where none is
    /// the only one that they name).
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// The group of that file that is the root of the references.
    #[arg(long, value_name = "PATH", default_value = "/")]
    group: String,
    /// Decode only N chunks of each array; the references themselves are all checked.
    #[arg(long, value_name = "N")]
    sample: Option<u64>,
    /// Choose another sample.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Threads that decode.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Write what was found to FILE, as JSON; - is standard output.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    opening: references_in::Opening,
    /// Only what is wrong.
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    let finder = Finder { takes: Takes::Sets, reading: None, limits: arguments.opening.limits() };
    let paths = match inputs::local_paths(&arguments.inputs, &arguments.dates, &finder) {
        Ok(paths) => paths,
        Err(error) => return fail(&error),
    };
    let mut outcomes = Vec::new();
    let mut ending = Ending::Well;
    for path in &paths {
        let outcome = check(path, arguments);
        ending = ending.max(match &outcome {
            Err(error) => fail(&format!("{}: {error}", path.display())),
            Ok(verification) => tell(path, verification, arguments.quiet),
        });
        outcomes.push(Entry::new(path, outcome));
    }
    if let Some(report) = &arguments.report
        && let Err(error) = output::write(report, |out| write_report(&outcomes, out))
    {
        return fail(&error);
    }
    ending
}

fn fail(error: &str) -> Ending {
    say(&format!("h5refs: {error}"));
    Ending::Failed
}

fn check(path: &Path, arguments: &Arguments) -> Result<Verification, String> {
    let name = path.display().to_string();
    let told = |error: &h5refs::Error| without_name(&name, error);
    let (set, stray) = arguments.opening.parts(path).map_err(|error| told(&error))?;
    for key in stray {
        say(&format!("{name}: {key} belongs to no array and no group that is described here"));
    }
    let sources = arguments.allowing.sources(path)?;
    let jobs = arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let store =
        Store::new(set, std::sync::Arc::new(sources)).with_threads(jobs).with_limits(arguments.opening.limits());
    let mut options = VerifyOptions::default();
    (options.sample, options.seed, options.limits) = (arguments.sample, arguments.seed, arguments.opening.limits());
    options.origin.clone_from(&arguments.origin);
    options.group.clone_from(&arguments.group);
    Ok(h5refs::verify::verify(&store, &options))
}

/// A line for each thing that is wrong or unchecked, and one for what was checked.
fn tell(path: &Path, verification: &Verification, quiet: bool) -> Ending {
    let name = path.display();
    for finding in &verification.findings {
        say(&format!("{name}: {}: {}", finding.at, finding.fault));
    }
    if verification.more > 0 {
        say(&format!("{name}: and {} more that are wrong", verification.more));
    }
    for unchecked in &verification.unchecked {
        say(&format!("{name}: {}: not checked: {}", unchecked.at, unchecked.why));
    }
    let checked = verification.checked;
    if !quiet {
        say(&format!(
            "{name}: {} references of {} arrays, {} files, {} chunks decoded, {} elements compared: {} wrong, {} unchecked",
            checked.references,
            checked.arrays,
            checked.files,
            checked.chunks,
            checked.elements,
            verification.findings.len(),
            verification.unchecked.len()
        ));
    }
    if !verification.is_right() {
        Ending::Wrong
    } else if verification.unchecked.iter().any(|unchecked| unchecked.avoidable) {
        Ending::Refused
    } else {
        Ending::Well
    }
}

/// One input in the report.
#[derive(serde::Serialize)]
struct Entry {
    references: String,
    #[serde(flatten)]
    told: Told,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Told {
    Verification(Verification),
    Error(String),
}

impl Entry {
    fn new(path: &Path, outcome: Result<Verification, String>) -> Self {
        Self { references: path.display().to_string(), told: outcome.map_or_else(Told::Error, Told::Verification) }
    }
}

/// `{"files": [{"references", "verification" | "error"}]}`.
fn write_report(outcomes: &[Entry], out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &std::collections::BTreeMap::from([("files", outcomes)]))?;
    writeln!(out)
}
