//! What became of every object of every input, as JSON.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use h5refs::Report;
use h5refs::batch::Place;
use serde_json::value::RawValue;

use super::state::State;
use crate::location::Location;

/// One input in the report.
#[derive(serde::Serialize)]
struct Entry<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sidecar: Option<SidecarFile>,
    #[serde(flatten)]
    told: Told<'a>,
}

#[derive(serde::Serialize)]
struct SidecarFile {
    file: String,
    bytes: u64,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Told<'a> {
    Report(&'a Report),
    /// The output was there; of its objects only the refused are known, by their number.
    Existing {
        output: String,
        refused: u64,
    },
    Error(&'a str),
    /// It does not satisfy the conditions on inputs.
    #[serde(rename = "left_out")]
    LeftOut(&'a str),
}

/// The entry of an input.
pub(super) fn entry(file: &str, sidecar: Option<&(PathBuf, u64)>, told: Told<'_>) -> serde_json::Result<Box<RawValue>> {
    let sidecar = sidecar.map(|(path, bytes)| SidecarFile { file: path.display().to_string(), bytes: *bytes });
    serde_json::value::to_raw_value(&Entry { file, sidecar, told })
}

/// `{"files": [{"file", "report" | "existing" | "error" | "left_out"}]}`, a line each, in the order of the inputs.
pub(super) fn write(state: &mut State, places: &[Place], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"{\"files\": [")?;
    for (n, place) in places.iter().enumerate() {
        let entry = state.get(*place)?.entry;
        write!(out, "{}\n{}", if n > 0 { "," } else { "" }, entry.get())?;
    }
    out.write_all(b"\n]}\n")
}

/// Inputs, one a line, so that they can be given back. Gives how many of them cannot be told so.
pub(super) fn write_failures<'a>(inputs: impl Iterator<Item = &'a Location>, path: &Path) -> Result<usize, String> {
    let (mut lines, mut left) = (Vec::new(), 0_usize);
    for input in inputs {
        match line(input) {
            Some(line) => lines.push(line),
            None => left = left.saturating_add(1),
        }
    }
    crate::output::write(path, |out| lines.iter().try_for_each(|line| writeln!(out, "{line}")))?;
    Ok(left)
}

/// Removes the list of a run before this one. What is no file is none.
pub(super) fn remove_failures(path: &Path) -> Result<(), String> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {
            std::fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

/// An input as it was given, if it is one line and has no secret in it.
fn line(input: &Location) -> Option<&str> {
    let given = match input {
        Location::Path(path) => path.to_str()?,
        Location::Url(url) => Some(url.as_str()).filter(|url| *url == input.to_string())?,
    };
    (!given.contains(['\n', '\r']) && given.trim() == given).then_some(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_listed_as_it_was_given_or_not_at_all() {
        for given in ["a b.nc", "s3://b/a.nc", "-a", "é"] {
            assert_eq!(line(&Location::from(given)), Some(given));
        }
        for given in ["a\nb", " a", "https://h/a.nc?sig=s", "https://u:p@h/a.nc"] {
            assert_eq!(line(&Location::from(given)), None, "{given:?}");
        }
    }
}
