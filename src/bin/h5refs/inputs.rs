//! The inputs of a command: paths and URLs, lists of them, and what references call them.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use crate::location::Location;

/// What arguments stand for: `@list.txt` and `-` (standard input) name one path or URL a line.
pub(crate) fn locations(arguments: &[String]) -> Result<Vec<Location>, String> {
    let mut locations = Vec::new();
    for argument in arguments {
        match argument.strip_prefix('@') {
            Some(list) => {
                let text = std::fs::File::open(list).map_err(|error| format!("{list}: {error}"))?;
                locations.extend(lines(list, std::io::BufReader::new(text))?);
            }
            None if argument == "-" => locations.extend(lines("standard input", std::io::stdin().lock())?),
            None => locations.push(Location::from(argument.as_str())),
        }
    }
    if locations.is_empty() { Err("no inputs".to_owned()) } else { Ok(locations) }
}

/// The same, where only local files are taken.
pub(crate) fn local_paths(arguments: &[String]) -> Result<Vec<PathBuf>, String> {
    let path = |location: Location| match location {
        Location::Path(path) => Ok(path),
        url @ Location::Url(_) => Err(format!("{url}: references are read from local files only")),
    };
    locations(arguments)?.into_iter().map(path).collect()
}

fn lines(name: &str, text: impl BufRead) -> Result<Vec<Location>, String> {
    let lines: Result<Vec<String>, _> = text.lines().collect();
    let lines = lines.map_err(|error| format!("{name}: {error}"))?;
    Ok(lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).map(Location::from).collect())
}

/// What references call a local file: its absolute path, its beginning replaced as `renames` (old, new) say.
pub(crate) fn url(path: &Path, renames: &[(String, String)]) -> Result<String, String> {
    let absolute = std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let Some(absolute) = absolute.to_str() else {
        return Err(format!("{}: the path is not UTF-8; name the file with --url", path.display()));
    };
    Ok(renamed(absolute, renames))
}

/// A name whose beginning is replaced by the first of `renames` (old, new) that fits.
pub(crate) fn renamed(name: &str, renames: &[(String, String)]) -> String {
    let renamed = renames.iter().find_map(|(old, new)| Some(format!("{new}{}", name.strip_prefix(old.as_str())?)));
    renamed.unwrap_or_else(|| name.to_owned())
}

/// `OLD=NEW`.
pub(crate) fn rename(argument: &str) -> Result<(String, String), String> {
    let (old, new) = argument.split_once('=').ok_or("it is not OLD=NEW")?;
    if old.is_empty() { Err("OLD is empty".to_owned()) } else { Ok((old.to_owned(), new.to_owned())) }
}
