//! What patterns, masks and folders stand for.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use h5refs::listing::{Date, Glob, Listing, Mask, Match, dates};
use h5refs::{Limits, LocalSources, without_secrets};

use crate::location::Location;
use crate::remote::Reading;
use crate::say;

/// What a command takes of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// HDF5 and netCDF files.
    Files,
    /// Reference sets, or where there are none HDF5 and netCDF files.
    SetsOrFiles,
    /// Reference sets.
    Sets,
}

const FILES: &str = "*.{nc,nc3,nc4,cdf,h5,hdf5,he5}";
const SETS: &str = "*.{json,json.gz,json.zst,parq,parquet}";

/// What an argument is.
pub(crate) enum Argument {
    One(Location),
    Folder(String),
    Glob(String),
    Mask(Mask),
}

/// Finds what arguments stand for.
pub(crate) struct Finder<'a> {
    pub(crate) takes: Takes,
    /// How URLs are read, if any are.
    pub(crate) reading: Option<&'a Reading>,
    pub(crate) limits: Limits,
}

impl Finder<'_> {
    /// What exists by its name is that, whatever characters it has.
    pub(crate) fn argument(&self, text: &str) -> Result<Argument, String> {
        let location = Location::from(text);
        if let Location::Path(path) = &location
            && path.exists()
        {
            let is_folder = path.is_dir() && !is_set(path);
            return Ok(if is_folder { Argument::Folder(text.to_owned()) } else { Argument::One(location) });
        }
        // HTTP has no listings, and a question mark there begins a query.
        let is_listed = !text.starts_with("http://") && !text.starts_with("https://");
        Ok(match Mask::new(text) {
            Some(mask) => Argument::Mask(mask),
            None if matches!(location, Location::Url(_)) && is_listed && text.ends_with('/') => {
                Argument::Folder(text.to_owned())
            }
            None if is_listed && Glob::may_be(text) && !self.is_there(text)? => Argument::Glob(text.to_owned()),
            None => Argument::One(location),
        })
    }

    /// Whether an object has a name that looks like a pattern.
    fn is_there(&self, url: &str) -> Result<bool, String> {
        // Where asking is refused, the listing says why.
        Ok(matches!(self.listing(url)?.find(url), Ok(Some(_))))
    }

    /// What a pattern stands for, at least one location.
    pub(crate) fn glob(&self, pattern: &str) -> Result<Vec<Location>, String> {
        let found = self.matches(&[pattern.to_owned()])?.pop().unwrap_or_default();
        let pattern = without_secrets(pattern);
        let has_folders = found.iter().any(|found| found.is_folder);
        let locations = self.taken(found);
        match (locations.is_empty(), has_folders) {
            (false, _) => Ok(locations),
            (true, false) => Err(format!("{pattern}: nothing matches")),
            (true, true) => Err(format!("{pattern}: only folders match; {pattern}/* names what lies in them")),
        }
    }

    /// The files in a folder and below it, by their extensions.
    pub(crate) fn folder(&self, folder: &str) -> Result<Vec<Location>, String> {
        let literal = folder.trim_end_matches('/').replace('[', "[[]").replace('*', "[*]").replace('?', "[?]");
        let literal = literal.replace('{', "[{]").replace('}', "[}]");
        let pattern = |names: &str| format!("{literal}/**/{names}");
        let found = self.matches(&[pattern(FILES), pattern(SETS)])?;
        let [files, sets] =
            <[_; 2]>::try_from(found).map(|both| both.map(|found| self.taken(found))).unwrap_or_default();
        let (locations, kinds) = match self.takes {
            Takes::Files => (files, FILES.to_owned()),
            Takes::Sets => (sets, SETS.to_owned()),
            Takes::SetsOrFiles if !sets.is_empty() && !files.is_empty() => {
                return Err(format!("{folder}: both files and reference sets lie there; name one kind by a pattern"));
            }
            Takes::SetsOrFiles if sets.is_empty() => (files, format!("{FILES} or {SETS}")),
            Takes::SetsOrFiles => (sets, String::new()),
        };
        if locations.is_empty() { Err(format!("{folder}: no {kinds} lies there")) } else { Ok(locations) }
    }

    /// What each day of a mask has.
    pub(crate) fn mask(&self, mask: &Mask, days: &[Date]) -> Result<BTreeMap<Date, Vec<Location>>, String> {
        let patterns: Vec<(Date, String)> =
            days.iter().flat_map(|day| mask.patterns(*day).into_iter().map(|pattern| (*day, pattern))).collect();
        let texts: Vec<String> = patterns.iter().map(|(_, pattern)| pattern.clone()).collect();
        let mut found: BTreeMap<Date, Vec<Location>> = days.iter().map(|day| (*day, Vec::new())).collect();
        for ((day, _), matches) in patterns.into_iter().zip(self.matches(&texts)?) {
            found.entry(day).or_default().extend(self.taken(matches));
        }
        for locations in found.values_mut() {
            locations.sort();
            locations.dedup();
        }
        Ok(found)
    }

    fn matches(&self, patterns: &[String]) -> Result<Vec<Vec<Match>>, String> {
        let globs: Result<Vec<Glob>, _> = patterns.iter().map(|pattern| Glob::new(pattern, &self.limits)).collect();
        let globs = globs.map_err(|error| error.to_string())?;
        let listing = self.listing(patterns.first().map_or("", String::as_str))?;
        Glob::expand_all(&globs, &*listing, &self.limits).map_err(|error| error.to_string())
    }

    /// What lists the folders of a path or URL.
    fn listing(&self, text: &str) -> Result<Arc<dyn Listing>, String> {
        match Location::from(text) {
            url @ Location::Url(_) => match self.reading {
                Some(reading) => reading.listing(&url),
                None => Err(format!("{url}: references are read from local files only")),
            },
            Location::Path(_) => {
                let everywhere = LocalSources::new().allow(std::path::MAIN_SEPARATOR_STR);
                Ok(Arc::new(everywhere.map_err(|error| error.to_string())?))
            }
        }
    }

    /// Files, and folders that are reference sets; nothing that lies in such a folder.
    fn taken(&self, found: Vec<Match>) -> Vec<Location> {
        let is_set = |found: &Match| self.takes != Takes::Files && has_set_name(Path::new(&found.path));
        let is_taken = |found: &Match| !found.is_folder || is_set(found);
        let taken: Vec<Match> = found.into_iter().filter(is_taken).collect();
        let sets: HashSet<&str> =
            taken.iter().filter(|found| found.is_folder).map(|found| found.path.as_str()).collect();
        let is_part = |path: &str| path.match_indices('/').any(|(at, _)| sets.contains(path.get(..at).unwrap_or("")));
        let whole = taken.iter().filter(|found| !is_part(&found.path));
        whole.map(|found| Location::from(found.path.as_str())).collect()
    }
}

/// Whether a folder is a reference set.
fn is_set(folder: &Path) -> bool {
    has_set_name(folder) || folder.join(".zmetadata").exists()
}

fn has_set_name(folder: &Path) -> bool {
    folder.extension().is_some_and(|extension| extension == "parq" || extension == "parquet")
}

/// The days that masks are filled with.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct Dates {
    /// Days that {year}, {month}, {day}, {doy} and {hour} of the inputs stand for: 2020-01-01..2020-01-31, 2020-02-29, or several between
    /// commas.
    #[arg(long, value_name = "DAYS")]
    dates: Option<String>,
}

impl Dates {
    /// The days; some mask needs them.
    pub(crate) fn days(&self, mask: &str, limits: &Limits) -> Result<Vec<Date>, String> {
        let missing =
            || format!("{}: a mask stands for files of days: --dates 2020-01-01..2020-01-31", without_secrets(mask));
        dates(self.dates.as_deref().ok_or_else(missing)?, limits).map_err(|error| error.to_string())
    }

    pub(crate) fn are_given(&self) -> bool {
        self.dates.is_some()
    }
}

/// Tells the days that have no files, unless none has.
pub(crate) fn tell_empty(mask: &str, found: &BTreeMap<Date, Vec<Location>>) -> Result<(), String> {
    if found.values().all(Vec::is_empty) {
        return Err(format!("{}: nothing matches on any day", without_secrets(mask)));
    }
    for (day, _) in found.iter().filter(|(_, locations)| locations.is_empty()) {
        say(&format!("{}: {day}: no files", without_secrets(mask)));
    }
    Ok(())
}
