//! What references call files.

use std::path::{Component, Path, PathBuf};

/// What references call a local file: its absolute path, its beginning replaced as `renames` (old, new) say.
pub(crate) fn url(path: &Path, renames: &[(String, String)]) -> Result<String, String> {
    let absolute = absolute(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let Some(absolute) = absolute.to_str() else {
        return Err(format!("{}: the path is not UTF-8; name the file with --url", path.display()));
    };
    Ok(renamed(absolute, renames))
}

/// The absolute path of a file, without `..`. Where one is, what comes before it is asked for on the disk: behind a symbolic link it is
/// another folder than the one that the path names. Other links stay as they are named.
fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    let parts: Vec<Component<'_>> = path.components().collect();
    let Some(last) = parts.iter().rposition(|part| *part == Component::ParentDir) else {
        return std::path::absolute(path);
    };
    let (above, rest) = parts.split_at(last + 1);
    let above: PathBuf = above.iter().collect();
    Ok(above.canonicalize()?.join(rest.iter().collect::<PathBuf>()))
}

/// A name whose beginning is replaced by the first of `renames` (old, new) that fits.
pub(crate) fn renamed(name: &str, renames: &[(String, String)]) -> String {
    let renamed = renames.iter().find_map(|(old, new)| Some(format!("{new}{}", name.strip_prefix(old.as_str())?)));
    renamed.unwrap_or_else(|| name.to_owned())
}

/// `OLD=NEW`.
pub(crate) fn rename(argument: &str) -> Result<(String, String), String> {
    let (old, new) = argument.split_once('=').ok_or("it is not OLD=NEW")?;
    if old.is_empty() { Err("OLD is empty".to_owned()) } else { Ok((old.to_owned(), new.to_owned())) }
}
