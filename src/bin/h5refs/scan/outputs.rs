//! Where the references of each input go, and what stands beside them.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::location::Location;
use crate::references_out;

/// Every n-th input: `i/n`, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    /// `2/8`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("it is not I/N, with I from 1 to N".to_owned()),
        }
    }

    /// Its inputs.
    pub(super) fn of<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.number.saturating_sub(1)).step_by(self.of).collect()
    }
}

/// Where references go.
pub(super) enum Outputs {
    /// Those of one input.
    One(PathBuf),
    /// Those of each input to its own name in a folder.
    Folder { folder: PathBuf, extension: &'static str },
}

impl Outputs {
    /// The folder for several inputs; also for one, where it is written as one, or a list or pattern that happens to have one leads to
    /// it, unless it has the name of a set.
    pub(super) fn new(
        inputs: usize,
        is_open: bool,
        output: Option<&Path>,
        extension: &'static str,
    ) -> Result<Self, String> {
        let written = output.is_some_and(|output| output.as_os_str().as_encoded_bytes().ends_with(b"/"));
        let is_there = output.is_some_and(|output| output.is_dir() && !output.join(".zmetadata").exists());
        let is_folder = output.is_some_and(|output| output != Path::new("-") && !references_out::is_name(output));
        if inputs == 1 && !written && !(is_open && (is_there || is_folder)) {
            return Ok(Self::One(output.unwrap_or(Path::new("-")).to_owned()));
        }
        let folder = output.filter(|output| *output != Path::new("-"));
        let folder = folder.ok_or("several inputs need a folder: -o FOLDER")?;
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self::Folder { folder: folder.to_owned(), extension })
    }

    pub(super) fn is_folder(&self) -> bool {
        matches!(self, Self::Folder { .. })
    }

    /// The output of an input.
    pub(super) fn of(&self, location: &Location) -> Result<PathBuf, String> {
        match self {
            Self::One(output) => Ok(output.clone()),
            Self::Folder { folder, extension } => Ok(folder.join(name(location, extension)?)),
        }
    }

    /// The names of the outputs in the folder, which must all differ.
    pub(super) fn names(&self, locations: &[Location]) -> Result<HashSet<OsString>, String> {
        let mut names = HashSet::new();
        let Self::Folder { extension, .. } = self else { return Ok(names) };
        for location in locations {
            if !names.insert(name(location, extension)?) {
                return Err(format!("{location}: two inputs have this name, and their outputs would"));
            }
        }
        Ok(names)
    }

    /// `<out>.<what>`, beside the folder; that of a shard has its number in its name.
    pub(super) fn beside(&self, shard: Option<Shard>, what: &str) -> Option<PathBuf> {
        let Self::Folder { folder, .. } = self else { return None };
        let named = if folder.file_name().is_some() { folder.clone() } else { folder.canonicalize().ok()? };
        let mut name = named.file_name()?.to_owned();
        if let Some(Shard { number, of }) = shard {
            name.push(format!(".shard-{number}-of-{of}"));
        }
        name.push(format!(".{what}"));
        Some(named.with_file_name(name))
    }

    /// Removes what killed runs left in the folder of outputs with these names. What was there before and is moved aside goes back.
    pub(super) fn remove_parts(&self, names: &HashSet<OsString>) -> Result<(), String> {
        let Self::Folder { folder, .. } = self else { return Ok(()) };
        let told = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in std::fs::read_dir(folder).map_err(told)? {
            let entry = entry.map_err(told)?;
            let file_name = entry.file_name();
            let Some((of, what)) = file_name.to_str().and_then(part) else { continue };
            let sidecar_of = of.strip_suffix(".sidecar").unwrap_or(of);
            if !names.contains(OsStr::new(of)) && !names.contains(OsStr::new(sidecar_of)) {
                continue;
            }
            let (path, whole) = (entry.path(), folder.join(of));
            let removed = match what {
                "old" if !whole.exists() => std::fs::rename(&path, whole),
                _ if path.is_dir() => std::fs::remove_dir_all(&path),
                _ => std::fs::remove_file(&path),
            };
            removed.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }

    /// Removes what this process is writing.
    pub(super) fn remove_own_parts(&self) {
        let folder = match self {
            Self::Folder { folder, .. } => folder.as_path(),
            Self::One(output) => output.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new(".")),
        };
        let own = format!(".{}.part", std::process::id());
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") && name.as_encoded_bytes().ends_with(own.as_bytes()) {
                // What is not removed here is removed when the run is taken up again.
                let _removed = std::fs::remove_file(entry.path()).or_else(|_| std::fs::remove_dir_all(entry.path()));
            }
        }
    }
}

/// `<file name>.json`, or `.parq`.
fn name(location: &Location, extension: &str) -> Result<OsString, String> {
    let mut name = location.file_name().ok_or_else(|| format!("{location}: not the name of a file"))?.to_owned();
    name.push(extension);
    Ok(name)
}

/// The output that `.<output>.<process>.part` or `.old` belongs to, and which of the two it is.
fn part(name: &str) -> Option<(&str, &str)> {
    let (rest, what) = name.strip_prefix('.')?.rsplit_once('.')?;
    let (of, process) = rest.rsplit_once('.')?;
    let is_process = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit());
    (is_process && matches!(what, "part" | "old")).then_some((of, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_all_inputs_between_them() {
        let all: Vec<u32> = (0..10).collect();
        let mut told: Vec<u32> = (1..=3).flat_map(|n| Shard { number: n, of: 3 }.of(all.clone())).collect();
        told.sort_unstable();
        assert_eq!(told, all);
        assert_eq!(Shard::parse("2/3").unwrap().of(all), [1, 4, 7]);
        for wrong in ["0/3", "4/3", "1", "1/0", "-1/3", "a/b", "1/3/5"] {
            assert!(Shard::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_part_is_known_by_its_name() {
        assert_eq!(part(".a.nc.json.12.part"), Some(("a.nc.json", "part")));
        assert_eq!(part(".a.nc.parq.12.old"), Some(("a.nc.parq", "old")));
        for other in ["a.nc.json.12.part", ".a.part", ".a.x.part", ".a.12.json", ".12.part"] {
            assert_eq!(part(other), None, "{other}");
        }
    }
}
