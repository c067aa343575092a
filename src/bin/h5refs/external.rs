//! External raw files and files with sources of virtual datasets, which are referenced only under a folder that the user names.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use h5refs::{ExternalError, FindExternal, FoundExternal, Input};

use crate::naming;

/// Finds files under `root`: a relative name beside the HDF5 file, in `folder`, or else in `root` itself. `looked` is set once any is
/// looked for.
pub(crate) fn under(
    root: &Path,
    folder: &Path,
    renames: &[(String, String)],
    looked: &Arc<AtomicBool>,
) -> FindExternal {
    let (root, folder, renames, looked) = (root.to_owned(), folder.to_owned(), renames.to_vec(), Arc::clone(looked));
    FindExternal::new(move |name| {
        looked.store(true, Ordering::Relaxed);
        let path = resolve(&root, &folder, name)?;
        let size = std::fs::metadata(&path).map_err(|error| ExternalError::Refused(error.to_string()))?.len();
        let url = naming::url(&path, &renames).map_err(ExternalError::Refused)?;
        Ok(FoundExternal::new(url, size).opened_by(move || Input::open(&path)))
    })
}

/// The file itself, symbolic links followed, if it lies under `root`.
fn resolve(root: &Path, folder: &Path, name: &str) -> Result<PathBuf, ExternalError> {
    let refused = |why: &str| ExternalError::Refused(why.to_owned());
    let root = root.canonicalize().map_err(|error| refused(&format!("{}: {error}", root.display())))?;
    let beside = folder.join(name);
    let path = if beside.exists() { beside } else { root.join(name) };
    let path = path.canonicalize().map_err(|error| match error.kind() {
        ErrorKind::NotFound => ExternalError::Absent(error.to_string()),
        _ => refused(&error.to_string()),
    })?;
    if !path.starts_with(&root) {
        return Err(refused("it does not lie under --external-root"));
    }
    if path.is_file() { Ok(path) } else { Err(refused("it is no file")) }
}
