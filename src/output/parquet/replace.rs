//! A folder of references that takes the place of one that is there, whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Puts a folder that is written, and on the disk, in its place.
pub type Placing<'a> = Box<dyn FnOnce() -> io::Result<()> + 'a>;

/// Makes a folder of what `fill` writes into one of another name, where `around` is given what puts that in its place.
pub(super) fn replaced(
    folder: &Path,
    fill: impl FnOnce(&Path) -> io::Result<()>,
    around: impl FnOnce(Placing<'_>) -> io::Result<()>,
) -> io::Result<()> {
    // What a link leads to is replaced, not the link.
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let is_there = is_replaceable(&folder)?;
    let part = beside(&folder, "part")?;
    remove(&part)?;
    let mut old = None;
    let place = || {
        old = if is_there { Some(exchange(&part, &folder)?) } else { fs::rename(&part, &folder).map(|()| None)? };
        Ok(())
    };
    let written = fs::create_dir(&part)
        .and_then(|()| fill(&part))
        .and_then(|()| sync(&part))
        .and_then(|()| around(Box::new(place)))
        .and_then(|()| sync_names(folder.parent().unwrap_or(&folder)));
    if written.is_err() {
        // What cannot be removed is told by the error itself.
        let _removed = fs::remove_dir_all(&part);
    }
    written.and(old.map_or(Ok(()), fs::remove_dir_all))
}

/// Waits until all files under a folder are on the disk, and their names: a folder that is in its place is whole, whatever happens.
fn sync(folder: &Path) -> io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                fs::File::open(entry.path())?.sync_all()?;
            }
        }
        sync_names(&folder)?;
    }
    Ok(())
}

/// Waits until the names in a folder are on the disk, where the system has that.
fn sync_names(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        fs::File::open(if folder == Path::new("") { Path::new(".") } else { folder })?.sync_all()
    } else {
        Ok(())
    }
}

/// Whether there is a folder to be replaced: an empty one, or one of references and nothing else.
fn is_replaceable(folder: &Path) -> io::Result<bool> {
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if entries.next().is_none() || is_of_references(folder)? {
        return Ok(true);
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "is a folder of something other than references in Parquet"))
}

/// Whether a folder has documents, record files in folders below it, and nothing else. A Zarr store may have consolidated documents too, and
/// has others and chunks.
fn is_of_references(folder: &Path) -> io::Result<bool> {
    let documents = folder.join(".zmetadata");
    let (mut folders, mut has_records) = (vec![folder.to_owned()], false);
    while let Some(parent) = folders.pop() {
        for entry in fs::read_dir(&parent)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if parent != folder && is_record(&entry.file_name()) {
                has_records = true;
            } else if entry.path() != documents {
                return Ok(false);
            }
        }
    }
    Ok(documents.is_file() && (has_records || tells_record_size(&documents)?))
}

/// `refs.<n>.parq`.
fn is_record(name: &OsStr) -> bool {
    let number = name.to_str().and_then(|name| name.strip_prefix("refs.")?.strip_suffix(".parq"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn tells_record_size(documents: &Path) -> io::Result<bool> {
    const NAME: &[u8] = b"\"record_size\"";
    Ok(fs::read(documents)?.windows(NAME.len()).any(|window| window == NAME))
}

/// A name of its own in the same folder.
fn beside(folder: &Path, what: &str) -> io::Result<PathBuf> {
    let name = folder.file_name().ok_or_else(|| io::Error::other("not the name of a folder"))?;
    let mut own = OsString::from(".");
    own.push(name);
    own.push(format!(".{}.{what}", std::process::id()));
    Ok(folder.with_file_name(own))
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Puts a folder in the place of another, and gives where that is now; it is put back where it cannot be done.
fn exchange(part: &Path, folder: &Path) -> io::Result<PathBuf> {
    let old = beside(folder, "old")?;
    remove(&old)?;
    fs::rename(folder, &old)?;
    if let Err(error) = fs::rename(part, folder) {
        fs::rename(&old, folder)?;
        return Err(error);
    }
    Ok(old)
}
