//! A store in a folder.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Target;
use crate::error::Error;

/// A folder with a file for each key.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

/// What was where a store was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// Nothing.
    New,
    /// Another store, which is gone.
    Replaced,
}

impl Folder {
    /// The folder at a path, which need not be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { root: path.into() }
    }

    /// Whether a folder is empty or holds a store, so that nothing else is lost with it.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn may_be_replaced(path: &Path) -> io::Result<bool> {
        let documents = [".zgroup", ".zarray", ".zmetadata", "zarr.json"];
        Ok(path.is_dir()
            && (fs::read_dir(path)?.next().is_none() || documents.iter().any(|one| path.join(one).is_file())))
    }

    /// Puts the folder in its place, whole: one that is there may be replaced if `overwrite` says so and it is empty or a store.
    ///
    /// # Errors
    /// [`Error::Copy`] where something is there that may not be replaced, and what the file system answers.
    pub fn publish(self, place: &Path, overwrite: bool) -> Result<Published, Error> {
        let told = |path: &Path| {
            let path = path.display().to_string();
            move |error: io::Error| Error::io(path.clone(), error)
        };
        if fs::symlink_metadata(place).is_err() {
            fs::rename(&self.root, place).map_err(told(place))?;
            return sync_folder(parent(place)).map(|()| Published::New).map_err(told(place));
        }
        let wrong = |problem: &str| Error::Copy { target: place.display().to_string(), problem: problem.to_owned() };
        if !overwrite {
            return Err(wrong("is there already"));
        }
        if !Self::may_be_replaced(place).map_err(told(place))? {
            return Err(wrong("is there, and is no Zarr store: it is not replaced"));
        }
        let old = beside(place, "h5refs-old");
        if old.is_dir() {
            fs::remove_dir_all(&old).map_err(told(&old))?;
        }
        fs::rename(place, &old).map_err(told(place))?;
        fs::rename(&self.root, place).map_err(told(place))?;
        sync_folder(parent(place)).map_err(told(place))?;
        fs::remove_dir_all(&old).map_err(told(&old))?;
        Ok(Published::Replaced)
    }

    fn path(&self, key: &str) -> PathBuf {
        key.split('/').fold(self.root.clone(), |path, part| path.join(part))
    }
}

impl Target for Folder {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path(key);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(path.display().to_string(), error)),
        }
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path(key);
        write(&path, bytes).map_err(|error| Error::io(path.display().to_string(), error))
    }

    fn sync(&self, keys: &[String]) -> Result<(), Error> {
        let told = |path: &Path, error| Error::io(path.display().to_string(), error);
        let mut folders = BTreeSet::new();
        for key in keys {
            let path = self.path(key);
            File::open(&path).and_then(|file| file.sync_all()).map_err(|error| told(&path, error))?;
            folders
                .extend(path.ancestors().skip(1).take_while(|path| path.starts_with(&self.root)).map(Path::to_owned));
        }
        folders.iter().try_for_each(|folder| sync_folder(folder).map_err(|error| told(folder, error)))
    }
}

/// Writes a file beside its place, and puts it there.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    // A run that was killed leaves such a file only where the next one writes the same key again.
    let mut own = std::ffi::OsString::from(".");
    own.push(name);
    own.push(".part");
    let part = path.with_file_name(own);
    let file = match File::create(&part) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(parent(path))?;
            File::create(&part)
        }
        created => created,
    };
    file?.write_all(bytes)?;
    fs::rename(&part, path)
}

/// The name of something that belongs to a path, in the same folder.
fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(extension);
    path.with_file_name(name)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Names in a folder are on the disk: where folders can be opened.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(path: &Path, bytes: &[u8]) -> Folder {
        let folder = Folder::new(path);
        folder.put("a/0.0", bytes).unwrap();
        folder.put(".zgroup", b"{}").unwrap();
        folder.sync(&["a/0.0".to_owned(), ".zgroup".to_owned()]).unwrap();
        folder
    }

    #[test]
    fn a_key_is_a_file_and_is_there_whole() {
        let root = tempfile::tempdir().unwrap();
        let folder = store(&root.path().join("new/store"), b"abc");
        assert_eq!((folder.get("a/0.0").unwrap(), folder.get("a/0.1").unwrap()), (Some(b"abc".to_vec()), None));
        folder.put("a/0.0", b"d").unwrap();
        assert_eq!(fs::read(root.path().join("new/store/a/0.0")).unwrap(), b"d");
        assert_eq!(fs::read_dir(root.path().join("new/store/a")).unwrap().count(), 1);
        assert!(folder.sync(&["b/0".to_owned()]).is_err() && folder.put("a/0.0/x", b"").is_err());
    }

    #[test]
    fn a_store_is_replaced_where_that_is_asked_for_and_nothing_else_is() {
        let root = tempfile::tempdir().unwrap();
        let (part, out) = (root.path().join("part"), root.path().join("out"));
        assert_eq!(store(&part, b"1").publish(&out, false).unwrap(), Published::New);
        let error = store(&part, b"2").publish(&out, false).unwrap_err();
        assert_eq!(error.to_string(), format!("{}: is there already", out.display()));
        assert_eq!(Folder::new(&out).get("a/0.0").unwrap().unwrap(), b"1");
        assert_eq!(Folder::new(&part).publish(&out, true).unwrap(), Published::Replaced);
        assert_eq!(Folder::new(&out).get("a/0.0").unwrap().unwrap(), b"2");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        let photos = root.path().join("photos");
        fs::create_dir(&photos).unwrap();
        fs::write(photos.join("cat.jpg"), b"").unwrap();
        for other in [photos.clone(), photos.join("cat.jpg")] {
            let error = store(&part, b"3").publish(&other, true).unwrap_err();
            assert!(error.to_string().ends_with("is no Zarr store: it is not replaced"), "{error}");
        }
    }
}
