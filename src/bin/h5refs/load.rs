//! One input of a combination: a reference set, or a file to be scanned.

use std::io::Read;
use std::path::Path;

use h5refs::{Input, OpenReferences, Options, ReferenceSet};

use crate::inputs;

/// The references of an input.
pub(crate) fn set(path: &Path, references: &OpenReferences) -> Result<ReferenceSet, String> {
    let name = path.display().to_string();
    let told = |error: &h5refs::Error| crate::without_name(&name, error);
    if is_hdf5(path) {
        let input = Input::open(path).map_err(|error| told(&error))?;
        let mut options = Options::new(inputs::url(path, &[])?);
        options.inline_coordinates = true;
        let (set, report) = h5refs::references(&input, &options).map_err(|error| told(&error))?;
        let refused: Vec<String> = report.refused().map(|(path, reason)| format!("{path}: {reason}")).collect();
        return if refused.is_empty() { Ok(set) } else { Err(format!("{} (scan it first)", refused.join("; "))) };
    }
    let (set, stray) = references.open(path).map_err(|error| told(&error))?;
    match stray.first() {
        Some(key) => Err(format!("{key} belongs to no array and no group")),
        None => Ok(set),
    }
}

/// Whether a file begins as HDF5 files do: at 0, 512, 1024, ...
fn is_hdf5(path: &Path) -> bool {
    const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
    let mut start = [0; 8];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == SIGNATURE
}
