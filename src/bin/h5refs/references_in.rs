//! How commands read references, and the files that these refer to.

use std::path::{Path, PathBuf};

use h5refs::{Limits, LocalSources, ReferenceSet};

use crate::{Ending, say, without_name};

/// Opens references. What belongs to no array and no group of them is told, and is left out of what a command writes.
pub(crate) fn open(path: &Path) -> Result<(ReferenceSet, Ending), String> {
    let name = path.display().to_string();
    let (set, stray) = h5refs::open_references(path, &Limits::default())
        .map_err(|error| format!("{name}: {}", without_name(&name, &error)))?;
    for key in &stray {
        say(&format!("{name}: {key} belongs to no array and no group that is described here"));
    }
    Ok((set, if stray.is_empty() { Ending::Well } else { Ending::Refused }))
}

/// The local files in the folder of the references, and in those that are allowed.
pub(crate) fn sources(references: &Path, allow: &[PathBuf]) -> Result<LocalSources, String> {
    let folder = std::path::absolute(references).map_err(|error| error.to_string())?;
    let own = LocalSources::new().allow(folder.parent().unwrap_or(&folder));
    let all = allow.iter().try_fold(own.map_err(|error| error.to_string())?, LocalSources::allow);
    all.map_err(|error| error.to_string())
}
