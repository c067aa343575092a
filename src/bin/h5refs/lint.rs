//! `h5refs lint`: what a reader would refuse in references.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use h5refs::lint::{Finding, Severity, lint, lint_form};
use h5refs::output::JsonForm;

use crate::references_in::Opening;
use crate::{Ending, print};

/// Say what a reader would refuse in references or read otherwise, and why. Nothing that they refer to is opened.
///
/// Prints a line for each finding: what comes of it, the path, the rule and the reason. Ends with 4 where there is any but notes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The reader.
    #[arg(long = "for", value_enum, value_name = "READER")]
    reader: Reader,
    /// The findings as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    opening: Opening,
    /// The references.
    references: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Reader {
    /// xarray, over zarr-python and fsspec.
    Xarray,
    /// GDAL's Zarr driver.
    Gdal,
    /// VirtualiZarr's parser of kerchunk JSON.
    #[value(name = "virtualizarr")]
    VirtualiZarr,
    /// zarrs, the Rust crate.
    Zarrs,
}

impl From<Reader> for h5refs::lint::Reader {
    fn from(reader: Reader) -> Self {
        match reader {
            Reader::Xarray => Self::Xarray,
            Reader::Gdal => Self::Gdal,
            Reader::VirtualiZarr => Self::VirtualiZarr,
            Reader::Zarrs => Self::Zarrs,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    let mut faults = false;
    let ending = print(&arguments.references.display().to_string(), |out| {
        let (set, _) = arguments.opening.parts(&arguments.references)?;
        let mut findings = lint(&set, arguments.reader.into());
        if arguments.references.is_file() {
            let form = JsonForm::of(&h5refs::read_text(&arguments.references, &arguments.opening.limits())?)?;
            findings.splice(..0, lint_form(&form, arguments.reader.into()));
        }
        faults = findings.iter().any(|finding| finding.severity > Severity::Note);
        if arguments.json {
            serde_json::to_writer_pretty(&mut *out, &findings)?;
            writeln!(out)?;
        } else {
            findings.iter().try_for_each(|finding| tell(finding, out))?;
        }
        Ok(())
    });
    if faults && ending == Ending::Well { Ending::Wrong } else { ending }
}

fn tell(finding: &Finding, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let severity = serde_json::to_value(finding.severity)?;
    let rule = serde_json::to_value(finding.rule)?;
    let (severity, rule) = (severity.as_str().unwrap_or_default(), rule.as_str().unwrap_or_default());
    let line = format!("{severity:6} {}: {rule}: {}", finding.path, finding.why);
    // Names of untrusted files may hold what a terminal obeys.
    let escaped: String =
        line.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect();
    writeln!(out, "{escaped}")?;
    Ok(())
}
