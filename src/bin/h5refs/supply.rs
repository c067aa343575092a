//! Bytes that a combination needs, from local files.

use std::path::PathBuf;

use h5refs::LocalSources;
use h5refs::combine::FromSources;

/// Files under some folders; all files where none is named.
pub(crate) fn local(allow: &[PathBuf]) -> Result<FromSources<LocalSources>, String> {
    let mut sources = LocalSources::new();
    let everywhere = [PathBuf::from(std::path::MAIN_SEPARATOR_STR)];
    for folder in if allow.is_empty() { &everywhere } else { allow } {
        sources = sources.allow(folder).map_err(|error| error.to_string())?;
    }
    Ok(FromSources(sources))
}
