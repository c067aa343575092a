//! What is being written beside its place: `.<output>.<process>.part`, and as `.old` what stood there before.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::output;

/// Times that a folder is removed to which something may still be written.
const ATTEMPTS: usize = 5;

/// The name of such a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    of: &'a str,
    process: &'a str,
    is_old: bool,
}

impl<'a> Part<'a> {
    fn parse(name: &'a OsStr) -> Option<Self> {
        let (rest, what) = name.to_str()?.strip_prefix('.')?.rsplit_once('.')?;
        let (of, process) = rest.rsplit_once('.')?;
        let is_process = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit());
        (is_process && matches!(what, "part" | "old")).then_some(Self { of, process, is_old: what == "old" })
    }

    /// Whether it is one of an output, or of the sidecar file beside it.
    pub(crate) fn is_of(&self, is_output: impl Fn(&OsStr) -> bool) -> bool {
        is_output(OsStr::new(self.of)) || self.sidecar_of().is_some_and(|of| is_output(OsStr::new(of)))
    }

    /// The output whose sidecar file it is one of.
    fn sidecar_of(&self) -> Option<&'a str> {
        self.of.strip_suffix(".sidecar")
    }

    /// Its own name.
    fn name(&self) -> String {
        format!(".{}.{}.{}", self.of, self.process, if self.is_old { "old" } else { "part" })
    }

    /// Whether this process writes it.
    pub(crate) fn is_own(&self) -> bool {
        self.process == std::process::id().to_string()
    }

    /// Whether the process is known to have ended, which is known where the system lists them.
    fn is_dead(&self) -> bool {
        let processes = Path::new("/proc");
        processes.join("self").exists() && !processes.join(self.process).exists()
    }
}

/// Removes parts from a folder. What was there before and is moved aside goes back, where nothing has its place, and where that is a
/// sidecar file to which no references came into theirs.
pub(crate) fn remove(folder: &Path, is_wanted: impl Fn(&Part<'_>) -> bool) -> Result<(), String> {
    let told = |error: io::Error| format!("{}: {error}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(told)?;
    let names: Vec<OsString> = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>().map_err(told)?;
    let mut parts: Vec<Part<'_>> = names.iter().filter_map(|name| Part::parse(name).filter(&is_wanted)).collect();
    // Whether references came into their place is known before their sidecar file is looked at.
    parts.sort_unstable_by_key(|part| part.is_old);
    let mut left = HashSet::new();
    for part in parts {
        let (path, whole) = (folder.join(part.name()), folder.join(part.of));
        let is_sidecar_of_none = || part.sidecar_of().is_some_and(|of| left.contains(&(of, part.process)));
        let goes_back = part.is_old && (!whole.exists() || is_sidecar_of_none());
        if !part.is_old && path.exists() {
            left.insert((part.of, part.process));
        }
        let removed = if goes_back { std::fs::rename(&path, whole) } else { remove_whole(&path) };
        removed.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Removes what processes left of an output that are no more, as far as that can be done.
pub(crate) fn remove_dead(output: &Path) {
    if let Some((folder, name)) = place(output) {
        // What is left takes room and nothing else.
        let _removed = remove(&folder, |part| part.is_of(|of| of == name.as_os_str()) && part.is_dead());
    }
}

/// Removes what this process is writing of an output, as far as that can be done.
pub(crate) fn remove_own(output: &Path) {
    if let Some((folder, name)) = place(output) {
        // What is left is removed by the next run.
        let _removed = remove(&folder, |part| part.is_of(|of| of == name.as_os_str()) && part.is_own());
    }
}

/// The folder in which an output is written, and its name there.
fn place(output: &Path) -> Option<(PathBuf, PathBuf)> {
    if output == Path::new("-") {
        return None;
    }
    let output = output::real(output);
    let folder = output.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    Some((folder.to_owned(), output.file_name()?.into()))
}

fn remove_whole(path: &Path) -> io::Result<()> {
    let mut removed = Ok(());
    for _ in 0..ATTEMPTS {
        removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        match &removed {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            // It was put in its place meanwhile, or removed by who wrote it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            _ => break,
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_known_by_its_name() {
        let part = |name: &'static str| Part::parse(OsStr::new(name));
        assert_eq!(part(".a.nc.json.12.part"), Some(Part { of: "a.nc.json", process: "12", is_old: false }));
        assert_eq!(part(".a.nc.parq.12.old"), Some(Part { of: "a.nc.parq", process: "12", is_old: true }));
        for other in ["a.nc.json.12.part", ".a.part", ".a.x.part", ".a.12.json", ".12.part"] {
            assert_eq!(part(other), None, "{other}");
        }
        let is_of = |name, output: &str| part(name).unwrap().is_of(|of| of == output);
        assert!(is_of(".a.json.12.part", "a.json") && is_of(".a.json.sidecar.12.part", "a.json"));
        assert!(!is_of(".a.json.12.part", "b.json"));
    }

    #[test]
    fn parts_of_processes_that_are_no_more_are_removed_and_what_was_there_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        // Numbers of processes are smaller.
        let (dead, alive) = (".a.json.4294967295.part", format!(".a.json.{}.part", std::process::id()));
        for name in [dead, &alive, ".b.json.4294967295.part"] {
            std::fs::write(path(name), "x").unwrap();
        }
        std::fs::create_dir(path(".a.parq.4294967295.old")).unwrap();
        for output in [path("a.json"), path("a.parq"), path("none/c.json"), PathBuf::from("-")] {
            remove_dead(&output);
        }
        let is_linux = cfg!(target_os = "linux");
        let there = |name: &str| path(name).exists();
        assert_eq!((there(dead), there("a.parq")), (!is_linux, is_linux));
        assert!(there(&alive) && there(".b.json.4294967295.part"));
        remove_own(&path("a.json"));
        assert!(!there(&alive));
    }

    #[test]
    fn a_sidecar_file_goes_back_where_its_references_did_not_come() {
        for (has_part, expected) in [(true, "former"), (false, "new")] {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            std::fs::write(path("a.json.sidecar"), "new").unwrap();
            std::fs::write(path(".a.json.sidecar.7.old"), "former").unwrap();
            if has_part {
                std::fs::write(path(".a.json.7.part"), "x").unwrap();
            }
            remove(folder.path(), |part| part.is_of(|of| of == "a.json")).unwrap();
            assert_eq!(std::fs::read_to_string(path("a.json.sidecar")).unwrap(), expected);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }
}
