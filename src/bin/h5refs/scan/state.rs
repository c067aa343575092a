//! The state of a run: what became of each input that is done with, in a file beside the outputs.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs4::{FileExt, TryLockError};
use h5refs::batch::{Log, Place};
use h5refs::output::MadeOf;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How long a run may still have its state that was killed: what it waits for the disk ends first.
const PATIENCE: Duration = Duration::from_secs(1);

/// What became of an input.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// The input, as it may be told.
    pub(super) input: String,
    /// The file name of its output.
    pub(super) output: String,
    /// How the output was made; `None` where there is none.
    pub(super) made: Option<MadeOf>,
    /// Bytes of the output, if it is a file.
    pub(super) bytes: Option<u64>,
    /// Whether a reader has to register codecs.
    pub(super) registers: bool,
    /// Its entry in the report.
    pub(super) entry: Box<RawValue>,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line<R> {
    /// The process that works on it from here on.
    Process(u32),
    File(R),
}

/// The records of this run and, where it goes on with another, of that.
pub(super) struct State {
    log: Log,
    path: Option<PathBuf>,
    /// The last record of each output that was there before, by the output's name.
    before: HashMap<String, Place>,
}

impl State {
    /// One that ends with the process, for a single output.
    pub(super) fn in_memory() -> Self {
        Self { log: Log::in_memory(), path: None, before: HashMap::new() }
    }

    /// Takes over the file: no other process may have it. Also tells whether a run that did not end left it, of which nothing is known
    /// any more unless this one goes on with it.
    pub(super) fn open(path: &Path, resume: bool) -> Result<(Self, bool), String> {
        let told = |error: io::Error| format!("{}: {error}", path.display());
        let file = locked(path)?;
        let was_there = file.metadata().map_err(told)?.len() > 0;
        // What is there is emptied or added to: a file of anything else, named by mistake, is not.
        if !is_state(&file).map_err(told)? {
            return Err(format!("{}: it is there, and is no state of a scan", path.display()));
        }
        if !resume {
            file.set_len(0).map_err(told)?;
        }
        let mut before = HashMap::new();
        let found = |place, line: Line<Record>| {
            if let Line::File(record) = line {
                before.insert(record.output, place);
            }
        };
        let mut log = Log::open(file, found).map_err(told)?;
        log.add(&Line::<Record>::Process(std::process::id())).map_err(told)?;
        Ok((Self { log, path: Some(path.to_owned()), before }, was_there))
    }

    /// What is known of an output from before.
    pub(super) fn before(&mut self, output: &Path) -> Option<(Place, Record)> {
        let place = *self.before.get(output.file_name().and_then(OsStr::to_str)?)?;
        Some((place, self.get(place).ok()?))
    }

    pub(super) fn add(&mut self, record: &Record) -> io::Result<Place> {
        let added = self.log.add(&Line::File(record));
        added.map_err(|error| match &self.path {
            Some(path) => io::Error::new(error.kind(), format!("{}: {error}", path.display())),
            None => error,
        })
    }

    pub(super) fn get(&mut self, place: Place) -> io::Result<Record> {
        match self.log.get(place)? {
            Line::File(record) => Ok(record),
            Line::Process(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// The file, if there is one.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Nothing is left to be gone on with.
    pub(super) fn remove(self) -> io::Result<()> {
        self.path.map_or(Ok(()), std::fs::remove_file)
    }
}

/// The file, which this process alone has from now on.
pub(crate) fn locked(path: &Path) -> Result<File, String> {
    let told = |error: io::Error| format!("{}: {error}", path.display());
    let begun = Instant::now();
    loop {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(told)?;
        match FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(PATIENCE / 20);
                continue;
            }
            Err(TryLockError::WouldBlock) => {
                let process = holder(path).map_or(String::new(), |process| format!(" (process {process})"));
                return Err(format!("{}: another run works on this output{process}", path.display()));
            }
            Err(TryLockError::Error(error)) => return Err(told(error)),
        }
        if is_at(&file, path) {
            return Ok(file);
        }
    }
}

/// Whether a file is empty, or begins with the record of a process, as far as that was written.
fn is_state(file: &File) -> io::Result<bool> {
    const BEGINNING: &[u8] = b" {\"process\":";
    let mut start = Vec::new();
    file.take(8 + 12).read_to_end(&mut start)?;
    let (checksum, rest) = start.split_at(start.len().min(8));
    Ok(checksum.iter().all(u8::is_ascii_hexdigit) && BEGINNING.starts_with(rest))
}

/// Whether a file is still the one of this name: a run that ended meanwhile has removed it.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |metadata: io::Result<std::fs::Metadata>| metadata.map(|one| (one.dev(), one.ino())).ok();
        id(file.metadata()) == id(std::fs::metadata(path))
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

/// The process that works on a file.
fn holder(path: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(path).ok()?;
    let lines = text.lines().rev().filter_map(|line| line.split_once(' '));
    lines.filter(|(_, json)| json.starts_with("{\"process\":")).find_map(|(_, json)| {
        match serde_json::from_str::<Line<Record>>(json).ok()? {
            Line::Process(process) => Some(process),
            Line::File(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_anything_else_is_no_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let is_taken = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let taken = [true, false].map(|resume| State::open(&path, resume).is_ok());
            assert!(taken[0] == taken[1]);
            if !taken[0] {
                assert_eq!(std::fs::read(&path).unwrap(), bytes);
            }
            taken[0]
        };
        assert!(is_taken(b""));
        let state = std::fs::read(&path).unwrap();
        for end in 0..state.len() {
            assert!(is_taken(&state[..end]), "{end}");
        }
        for other in [&b"\x89HDF\r\n\x1a\n"[..], b"/a/b.nc\n", b"{\"process\":1}\n", b"00000000 {\"version\":1}"] {
            assert!(!is_taken(other), "{other:?}");
        }
    }

    #[test]
    fn a_state_has_one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (first, was_there) = State::open(&path, false).unwrap();
        assert!(!was_there);
        let told = format!("{}: another run works on this output (process {})", path.display(), std::process::id());
        assert_eq!(State::open(&path, true).err(), Some(told));
        first.remove().unwrap();
        let (second, was_there) = State::open(&path, true).unwrap();
        assert!(!was_there);
        drop(second);
        assert!(State::open(&path, true).unwrap().1);
    }
}
