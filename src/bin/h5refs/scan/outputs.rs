//! Where the references of each input go, and what stands beside them.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::location::Location;
use crate::output::{Named, sync_folder};
use crate::{parts, references_out};

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
        Ok(Self::Folder { folder: folder.to_owned(), extension })
    }

    /// Makes the folder.
    pub(super) fn make(&self) -> Result<(), String> {
        let Self::Folder { folder, .. } = self else { return Ok(()) };
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
    }

    pub(super) fn is_folder(&self) -> bool {
        matches!(self, Self::Folder { .. })
    }

    /// When the names of outputs are on the disk: those in a folder with [`sync`](Self::sync).
    pub(super) fn named(&self) -> Named {
        if self.is_folder() { Named::Later } else { Named::Now }
    }

    /// Sees to it that the names of all outputs are on the disk.
    pub(super) fn sync(&self) -> Result<(), String> {
        let Self::Folder { folder, .. } = self else { return Ok(()) };
        sync_folder(folder).map_err(|error| format!("{}: {error}", folder.display()))
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
            let name = name(location, extension)?;
            if names.contains(&name) {
                let name = Path::new(&name).display();
                return Err(format!("{location}: the references of another input of this file name are {name}, too"));
            }
            names.insert(name);
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

    /// Removes what killed runs left of outputs with these names. Who has the state of a run over a folder has its outputs alone.
    pub(super) fn remove_parts(&self, names: &HashSet<OsString>) -> Result<(), String> {
        match self {
            Self::Folder { folder, .. } => parts::remove(folder, |part| part.is_of(|of| names.contains(of))),
            Self::One(output) => {
                parts::remove_dead(output);
                Ok(())
            }
        }
    }

    /// Removes what this process is writing of outputs with these names. A process of the same number on another machine may write to the
    /// same folder; it has other outputs.
    pub(super) fn remove_own_parts(&self, names: &HashSet<OsString>) {
        match self {
            Self::Folder { folder, .. } => {
                let is_own = |part: &parts::Part<'_>| part.is_own() && part.is_of(|of| names.contains(of));
                // What is not removed here is removed when the run is taken up again.
                let _removed = parts::remove(folder, is_own);
            }
            Self::One(output) => parts::remove_own(output),
        }
    }
}

/// `<file name>.json`, or `.parq`.
fn name(location: &Location, extension: &str) -> Result<OsString, String> {
    let mut name = location.file_name().ok_or_else(|| format!("{location}: not the name of a file"))?.to_owned();
    name.push(extension);
    Ok(name)
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
}
