//! `h5refs lint`: what a reader would refuse in references.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use h5refs::lint::{Finding, Severity, lint};
use h5refs::{Options, ReferenceSet};

use crate::family::Opened;
use crate::{Ending, family, inputs, print};

/// Say what a reader would refuse in a file's references or read otherwise, and why.
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
    /// Hold chunks of fewer stored bytes inline, as scan does; 0 holds none.
    #[arg(long, value_name = "BYTES", default_value_t = 500)]
    inline_threshold: u64,
    /// The file, or the pattern of a family's names, as fam_%05d.h5.
    file: PathBuf,
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
    let ending = print(&arguments.file.display().to_string(), |out| {
        let set = open(&arguments.file, arguments.inline_threshold)?;
        let findings = lint(&set, arguments.reader.into());
        faults = findings.iter().any(|finding| finding.severity > Severity::Note);
        if arguments.json {
            serde_json::to_writer_pretty(&mut *out, &findings)?;
            writeln!(out)?;
        } else {
            findings.iter().try_for_each(|finding| tell(finding, out))?;
        }
        Ok(())
    });
    if faults && ending == Ending::Well { Ending::Faults } else { ending }
}

/// The references that a scan of the file writes.
fn open(path: &Path, inline_threshold: u64) -> Result<ReferenceSet, Box<dyn Error>> {
    let Opened { input, members } = family::open(path)?;
    let mut options = Options::new(inputs::url(path, &[])?);
    options.members = members.iter().map(|member| inputs::url(member, &[])).collect::<Result<_, _>>()?;
    options.own_name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    options.inline_threshold = inline_threshold;
    let (set, _report) = h5refs::references(&input, &options)?;
    Ok(set)
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
