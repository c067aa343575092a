//! Folders of the local file system.

use std::fs::{DirEntry, FileType};
use std::io;
use std::path::Path;

use super::{Entry, Kind, Listing};
use crate::error::Error;
use crate::source::LocalSources;

impl Listing for LocalSources {
    fn list(&self, folder: &str) -> Result<Vec<Entry>, Error> {
        let path = self.within(folder, path_of(if folder.is_empty() { "." } else { folder }))?;
        let entries = std::fs::read_dir(path).and_then(|entries| entries.map(|found| entry(&found?)).collect());
        entries.map_err(|error| Error::io(folder, error))
    }

    fn find(&self, path: &str) -> Result<Option<Entry>, Error> {
        let resolved = match self.within(path, path_of(path)) {
            Err(Error::Io { error, .. }) if is_absent(&error) => return Ok(None),
            resolved => resolved?,
        };
        let kind = if resolved.is_dir() { Kind::Folder } else { Kind::File };
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        Ok(Some(Entry { name, kind, state: None }))
    }
}

/// The path that a name or a URL of the local file system is.
fn path_of(name: &str) -> &Path {
    Path::new(name.strip_prefix("file://").filter(|path| path.starts_with('/')).unwrap_or(name))
}

/// Nothing more is asked of a file than its folder tells: on network file systems it would be a round trip each.
fn entry(found: &DirEntry) -> io::Result<Entry> {
    let kind = kind(found, found.file_type()?);
    Ok(match found.file_name().into_string() {
        Ok(name) => Entry { name, kind, state: None },
        Err(name) => Entry { name: name.to_string_lossy().into_owned(), kind: Kind::NotUtf8, state: None },
    })
}

fn kind(found: &DirEntry, of: FileType) -> Kind {
    // A link that leads nowhere is told by who opens it.
    match of.is_symlink() {
        true if std::fs::metadata(found.path()).is_ok_and(|led| led.is_dir()) => Kind::LinkedFolder,
        false if of.is_dir() => Kind::Folder,
        _ => Kind::File,
    }
}

/// Whether an answer means that there is nothing.
pub(in crate::source) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
