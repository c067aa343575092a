//! The inputs of a command: paths and URLs, lists of them, and what references call them.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use h5refs::listing::Date;

use crate::found::{self, Argument, Dates, Finder};
use crate::location::Location;

/// The inputs that arguments stand for.
pub(crate) struct Given {
    pub(crate) locations: Vec<Location>,
    /// Whether there may be another number of them another time: the arguments are lists, patterns, masks or folders.
    pub(crate) is_open: bool,
}

/// What arguments stand for: `@list.txt` and `-` (standard input) name one path or URL a line, as it is; patterns, masks and folders stand
/// for what is found.
pub(crate) fn given(arguments: &[String], dates: &Dates, finder: &Finder<'_>) -> Result<Given, String> {
    let (mut locations, mut is_open, mut has_mask) = (Vec::new(), false, false);
    for argument in arguments {
        if let Some(list) = list(argument) {
            locations.extend(list?);
            is_open = true;
            continue;
        }
        let found = finder.argument(argument)?;
        is_open |= !matches!(found, Argument::One(_));
        locations.extend(match found {
            Argument::One(location) => vec![location],
            Argument::Folder(folder) => finder.folder(&folder)?,
            Argument::Glob(pattern) => finder.glob(&pattern)?,
            Argument::Mask(mask) => {
                has_mask = true;
                let found = finder.mask(&mask, &dates.days(argument, &finder.limits)?)?;
                found::tell_empty(argument, &found)?;
                found.into_values().flatten().collect()
            }
        });
    }
    if dates.are_given() && !has_mask {
        return Err("--dates goes with inputs that have {year}, {month}, {day}, {doy} or {hour}".to_owned());
    }
    if locations.is_empty() { Err("no inputs".to_owned()) } else { Ok(Given { locations, is_open }) }
}

/// The lines of `@LIST` or `-`; none if an argument is neither, or a file has its name.
fn list(argument: &str) -> Option<Result<Vec<Location>, String>> {
    if argument == "-" {
        return Some(lines("standard input", std::io::stdin().lock()));
    }
    let list = argument.strip_prefix('@').filter(|_| !Path::new(argument).exists())?;
    let text = std::fs::File::open(list).map_err(|error| format!("{list}: {error}"));
    Some(text.and_then(|text| lines(list, std::io::BufReader::new(text))))
}

/// The files of each day, where all arguments are masks.
pub(crate) fn by_day(
    arguments: &[String],
    dates: &Dates,
    finder: &Finder<'_>,
) -> Result<BTreeMap<Date, Vec<Location>>, String> {
    let mut days: BTreeMap<Date, Vec<Location>> = BTreeMap::new();
    for argument in arguments {
        let Argument::Mask(mask) = finder.argument(argument)? else {
            let argument = h5refs::without_secrets(argument);
            return Err(format!("{argument}: where the output has {{year}} and {{day}}, inputs have them too"));
        };
        for (day, locations) in finder.mask(&mask, &dates.days(argument, &finder.limits)?)? {
            days.entry(day).or_default().extend(locations);
        }
    }
    Ok(days)
}

/// The same as [`given`], where only local files are taken.
pub(crate) fn local_paths(arguments: &[String], dates: &Dates, finder: &Finder<'_>) -> Result<Vec<PathBuf>, String> {
    let path = |location: Location| match location {
        Location::Path(path) => Ok(path),
        url @ Location::Url(_) => Err(format!("{url}: references are read from local files only")),
    };
    given(arguments, dates, finder)?.locations.into_iter().map(path).collect()
}

fn lines(name: &str, text: impl BufRead) -> Result<Vec<Location>, String> {
    let lines: Result<Vec<String>, _> = text.lines().collect();
    let lines = lines.map_err(|error| format!("{name}: {error}"))?;
    Ok(lines.iter().map(|line| name_in(line)).filter(|name| !name.is_empty()).map(Location::from).collect())
}

/// The name that a line has: with its spaces where a file is called so, and else without those around it.
fn name_in(line: &str) -> &str {
    let (line, bare) = (line.strip_suffix('\r').unwrap_or(line), line.trim());
    if line.len() != bare.len() && !bare.is_empty() && Path::new(line).exists() { line } else { bare }
}
