//! The inputs of a command: paths, lists of paths, and what references call them.

use std::io::BufRead;
use std::path::{Path, PathBuf};

/// The paths that arguments stand for: `@list.txt` and `-` (standard input) name one path a line.
pub(crate) fn paths(arguments: &[String]) -> Result<Vec<PathBuf>, String> {
    let mut paths = Vec::new();
    for argument in arguments {
        match argument.strip_prefix('@') {
            Some(list) => {
                let text = std::fs::File::open(list).map_err(|error| format!("{list}: {error}"))?;
                paths.extend(lines(list, std::io::BufReader::new(text))?);
            }
            None if argument == "-" => paths.extend(lines("standard input", std::io::stdin().lock())?),
            None => paths.push(PathBuf::from(argument)),
        }
    }
    if paths.is_empty() { Err("no inputs".to_owned()) } else { Ok(paths) }
}

fn lines(name: &str, text: impl BufRead) -> Result<Vec<PathBuf>, String> {
    let lines: Result<Vec<String>, _> = text.lines().collect();
    let lines = lines.map_err(|error| format!("{name}: {error}"))?;
    Ok(lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).map(PathBuf::from).collect())
}

/// What references call a local file: its absolute path, its beginning replaced as `renames` (old, new) say.
pub(crate) fn url(path: &Path, renames: &[(String, String)]) -> Result<String, String> {
    let absolute = std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let Some(absolute) = absolute.to_str() else {
        return Err(format!("{}: the path is not UTF-8; name the file with --url", path.display()));
    };
    let renamed = renames.iter().find_map(|(old, new)| Some(format!("{new}{}", absolute.strip_prefix(old.as_str())?)));
    Ok(renamed.unwrap_or_else(|| absolute.to_owned()))
}

/// `OLD=NEW`.
pub(crate) fn rename(argument: &str) -> Result<(String, String), String> {
    let (old, new) = argument.split_once('=').ok_or("it is not OLD=NEW")?;
    if old.is_empty() { Err("OLD is empty".to_owned()) } else { Ok((old.to_owned(), new.to_owned())) }
}
