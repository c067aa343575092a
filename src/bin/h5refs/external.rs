//! External raw files, which are referenced only under a folder that the user names.

use std::path::{Path, PathBuf};

use h5refs::{FindExternal, FoundExternal};

use crate::inputs;

/// Finds files under `root`: a relative name beside the HDF5 file, in `folder`, or else in `root` itself.
pub(crate) fn under(root: &Path, folder: &Path, renames: &[(String, String)]) -> FindExternal {
    let (root, folder, renames) = (root.to_owned(), folder.to_owned(), renames.to_vec());
    FindExternal::new(move |name| {
        let path = resolve(&root, &folder, name)?;
        let size = std::fs::metadata(&path).map_err(|error| error.to_string())?.len();
        Ok(FoundExternal { url: inputs::url(&path, &renames)?, size })
    })
}

/// The file itself, symbolic links followed, if it lies under `root`.
fn resolve(root: &Path, folder: &Path, name: &str) -> Result<PathBuf, String> {
    let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
    let beside = folder.join(name);
    let path = if beside.exists() { beside } else { root.join(name) };
    let path = path.canonicalize().map_err(|error| error.to_string())?;
    if !path.starts_with(&root) {
        return Err("it does not lie under --external-root".to_owned());
    }
    if path.is_file() { Ok(path) } else { Err("it is no file".to_owned()) }
}
