//! A file of the local file system, by positional reads.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{Halt, ReadAt, State};
use crate::error::{Error, Unsupported};
use crate::field::convert::narrow;

/// Ranges no further apart than this are read with one system call.
const GAP: u64 = 512;

/// A file of the local file system.
#[derive(Debug)]
pub(crate) struct LocalFile {
    file: File,
    /// What it was when it was opened.
    was: State,
    name: String,
    path: PathBuf,
}

impl LocalFile {
    /// Opens `path` for reading.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be opened, or is a directory, and [`Error::Unsupported`] where files beside it hold what it lacks.
    pub(crate) fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let (opened, metadata) = Self::opened(path)?;
        if has_history(path).map_err(|error| Error::io(opened.name.clone(), error))? {
            return Err(Unsupported::Onion.into());
        }
        if has_subfiles(path, &metadata) {
            return Err(Unsupported::Subfiling.into());
        }
        Ok(opened)
    }

    /// The same for a file whose bytes are read as they are, whatever lies beside it.
    pub(super) fn open_plain(path: &Path) -> Result<Self, Error> {
        Self::opened(path).map(|(opened, _)| opened)
    }

    fn opened(path: &Path) -> Result<(Self, std::fs::Metadata), Error> {
        let name = path.display().to_string();
        let io = |error| Error::io(name.clone(), error);
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if metadata.is_dir() {
            return Err(io(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
        }
        let was = State { size: metadata.len(), modified: metadata.modified().ok(), etag: None };
        Ok((Self { file, was, name, path: path.to_owned() }, metadata))
    }

    /// What the file was when it was opened.
    pub(super) fn state(&self) -> &State {
        &self.was
    }

    /// Refuses a file that is no longer what it was: what was read of it may be of two files.
    pub(super) fn unchanged(&self) -> Result<(), Error> {
        let metadata = self.file.metadata().map_err(|error| Error::io(self.name.clone(), error))?;
        let now = State { size: metadata.len(), modified: metadata.modified().ok(), etag: None };
        let what = self
            .was
            .changed(&now)
            .or_else(|| self.is_replaced(&metadata).then(|| "another file has its name".to_owned()));
        what.map_or(Ok(()), |what| Err(Error::Changed { url: self.name.clone(), what }))
    }

    /// Whether its name leads to another file now, or to none.
    #[cfg(unix)]
    fn is_replaced(&self, own: &std::fs::Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(&self.path).map_or(true, |named| (named.dev(), named.ino()) != (own.dev(), own.ino()))
    }

    #[cfg(not(unix))]
    fn is_replaced(&self, _own: &std::fs::Metadata) -> bool {
        !self.path.exists()
    }

    fn read_one(&self, range: &Range<u64>) -> Result<Bytes, Halt> {
        let mut bytes = vec![0; narrow(range.end.saturating_sub(range.start))];
        read_exact_at(&self.file, &mut bytes, range.start)
            .map_err(|error| Error::io(format!("{}: bytes {:#x}..{:#x}", self.name, range.start, range.end), error))?;
        Ok(Bytes::from(bytes))
    }
}

impl ReadAt for LocalFile {
    fn size(&self) -> u64 {
        self.was.size
    }

    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Halt> {
        let mut all = Vec::with_capacity(ranges.len());
        for run in ranges.chunk_by(|a, b| b.start >= a.start && b.start.saturating_sub(a.end) <= GAP) {
            let Some(start) = run.first().map(|range| range.start) else { continue };
            let end = run.iter().map(|range| range.end).max().unwrap_or(start);
            let bytes = self.read_one(&(start..end))?;
            let part = |at: u64| narrow(at.saturating_sub(start));
            all.extend(run.iter().map(|range| bytes.slice(part(range.start)..part(range.end))));
        }
        Ok(all)
    }

    fn together(&self) -> u64 {
        1 << 20
    }
}

/// Whether the onion driver keeps later revisions of a file beside it: a file with this signature (`H5FD__onion_header_decode`).
fn has_history(path: &Path) -> std::io::Result<bool> {
    let mut history = path.as_os_str().to_owned();
    history.push(".onion");
    let mut signature = [0; 4];
    match File::open(PathBuf::from(history)).and_then(|mut file| file.read_exact(&mut signature)) {
        Ok(()) => Ok(signature == *b"OHDH"),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(error),
        Err(_) => Ok(false),
    }
}

/// Whether the subfiling driver keeps the file's data beside it: then a file there that has its inode in its name says how
/// (`H5FD_SUBFILING_CONFIG_FILENAME_TEMPLATE`).
#[cfg(unix)]
fn has_subfiles(path: &Path, metadata: &std::fs::Metadata) -> bool {
    let mut configuration = path.as_os_str().to_owned();
    configuration.push(format!(".subfile_{}.config", std::os::unix::fs::MetadataExt::ino(metadata)));
    Path::new(&configuration).exists()
}

#[cfg(not(unix))]
fn has_subfiles(_path: &Path, _metadata: &std::fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_read(file, bytes, at)?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes = bytes.split_at_mut(n).1;
        at = at.saturating_add(n as u64);
    }
    Ok(())
}
