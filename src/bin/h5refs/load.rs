//! One input of a combination: a reference set, or a file to be scanned.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use h5refs::reference::Recorded;
use h5refs::{Input, Limits, OpenReferences, Options, ReferenceSet};

use crate::location::Location;
use crate::opening;
use crate::remote::Remote;

/// The references of an input.
pub(crate) fn set(location: &Location, references: &OpenReferences, remote: &Remote) -> Result<ReferenceSet, String> {
    let name = location.to_string();
    let told = |error: &h5refs::Error| crate::without_name(&name, error);
    let path = location.path().filter(|path| !is_hdf5(path));
    let Some(path) = path else {
        let input = opening::open(location, remote).map_err(|error| told(&error))?.input;
        let mut options = Options::new(location.url(&[], remote.keeps_query())?);
        options.inline_coordinates = true;
        let (mut set, report) = h5refs::references(&input, &options).map_err(|error| told(&error))?;
        set.recorded.extend(state(&input).map(|state| (options.url.clone(), state)));
        let refused: Vec<String> = report.refused().map(|(path, reason)| format!("{path}: {reason}")).collect();
        return if refused.is_empty() { Ok(set) } else { Err(format!("{} (scan it first)", refused.join("; "))) };
    };
    let (set, stray) = references.open(path).map_err(|error| told(&error))?;
    match stray.first() {
        Some(key) => Err(format!("{key} belongs to no array and no group")),
        None => Ok(set),
    }
}

/// What an input is known by now: a file's state, or what a set has recorded.
pub(crate) fn recorded(location: &Location, remote: &Remote) -> Result<BTreeMap<String, Recorded>, String> {
    let told = |error: h5refs::Error| error.to_string();
    if let Some(path) = location.path().filter(|path| !is_hdf5(path)) {
        return Ok(OpenReferences::new(Limits::default()).open(path).map_err(told)?.0.recorded);
    }
    let input = opening::open(location, remote).map_err(told)?.input;
    state(&input).into_iter().map(|state| Ok((location.url(&[], remote.keeps_query())?, state))).collect()
}

fn state(input: &Input) -> Option<Recorded> {
    input.state().map(|state| Recorded::from_state(state.size, state.modified, state.etag))
}

/// Whether a file has the signature of HDF5: at 0, 512, 1024, ..., as libhdf5 looks for it (`H5FD_locate_signature`).
fn is_hdf5(path: &Path) -> bool {
    const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
    let Ok(mut file) = std::fs::File::open(path) else { return false };
    let starts = std::iter::once(0).chain(std::iter::successors(Some(512_u64), |start| start.checked_mul(2)));
    for start in starts {
        let mut found = [0; 8];
        if file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut found)).is_err() {
            return false;
        }
        if found == SIGNATURE {
            return true;
        }
    }
    false
}
