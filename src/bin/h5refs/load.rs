//! The inputs of a combination: reference sets, and files to be scanned.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};

use h5refs::reference::Recorded;
use h5refs::{Input, Limits, OpenReferences, Options, ReferenceSet};

use crate::location::Location;
use crate::opening;
use crate::remote::Remote;

/// How inputs are read.
pub(crate) struct Loading<'a> {
    references: OpenReferences,
    limits: Limits,
    remote: &'a Remote,
}

impl<'a> Loading<'a> {
    pub(crate) fn new(limits: Limits, remote: &'a Remote) -> Self {
        Self { references: OpenReferences::new(limits), limits, remote }
    }
}

/// The references of an input.
pub(crate) fn set(location: &Location, loading: &Loading<'_>) -> Result<ReferenceSet, String> {
    let remote = loading.remote;
    let name = location.to_string();
    let told = |error: &h5refs::Error| crate::without_name(&name, error);
    let path = location.path().filter(|path| !is_file_of_data(path));
    let Some(path) = path else {
        let input = opening::open(location, remote).map_err(|error| told(&error))?.input;
        let mut options = Options::new(location.url(&[], remote.keeps_query())?);
        (options.inline_coordinates, options.limits) = (true, loading.limits);
        let (mut set, report) = h5refs::references(&input, &options).map_err(|error| told(&error))?;
        set.recorded.extend(state(&input).map(|state| (options.url.clone(), state)));
        let refused: Vec<String> = report.refused().map(|(path, reason)| format!("{path}: {reason}")).collect();
        return if refused.is_empty() { Ok(set) } else { Err(format!("{} (scan it first)", refused.join("; "))) };
    };
    let (set, stray) = loading.references.open(path).map_err(|error| told(&error))?;
    match stray.first() {
        Some(key) => Err(format!("{key} belongs to no array and no group")),
        None => Ok(set),
    }
}

/// Reads inputs, several at once, and gives them in their order.
pub(crate) fn each_loaded(
    paths: &[Location],
    jobs: usize,
    loading: &Loading<'_>,
    mut takes: impl FnMut(&Location, ReferenceSet) -> Result<(), String>,
) -> Result<(), String> {
    let jobs = jobs.clamp(1, paths.len().max(1));
    let (next, stop) = (AtomicUsize::new(0), Mutex::new(false));
    std::thread::scope(|scope| {
        // Few are on their way at once: sets that wait for an earlier one are in memory.
        let (sender, receiver) = mpsc::sync_channel(jobs);
        let mut threads = 0;
        while threads < jobs {
            let sender = sender.clone();
            let (next, stop) = (&next, &stop);
            let load = move || {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let is_stopped = *stop.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    let Some(path) = paths.get(n).filter(|_| !is_stopped) else { return };
                    if sender.send((n, set(path, loading))).is_err() {
                        return;
                    }
                }
            };
            if std::thread::Builder::new().spawn_scoped(scope, load).is_err() {
                break;
            }
            threads += 1;
        }
        drop(sender);
        // The system may give fewer threads, or none.
        if threads == 0 {
            let mut in_order = paths.iter().map(|path| (path, set(path, loading)));
            return in_order.try_for_each(|(path, set)| taken(path, set, &mut takes));
        }
        let (mut waiting, mut due) = (BTreeMap::new(), 0);
        for (n, set) in receiver {
            waiting.insert(n, set);
            while let Some(set) = waiting.remove(&due) {
                let Some(location) = paths.get(due) else { break };
                let taken = taken(location, set, &mut takes);
                if taken.is_err() {
                    *stop.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = true;
                    return taken;
                }
                due += 1;
            }
        }
        Ok(())
    })
}

/// Gives an input that is read; an error names it.
fn taken(
    location: &Location,
    set: Result<ReferenceSet, String>,
    takes: &mut impl FnMut(&Location, ReferenceSet) -> Result<(), String>,
) -> Result<(), String> {
    set.and_then(|set| takes(location, set)).map_err(|error| format!("{location}: {error}"))
}

/// Whether an input is among the sources of a combination as it is now; gives which sources are its own. Of a set, whose contents are
/// compared by its fingerprint, these are what it has recorded.
pub(crate) fn sources(
    location: &Location,
    loading: &Loading<'_>,
    sources: &BTreeMap<String, Recorded>,
) -> Result<Option<BTreeSet<String>>, String> {
    let (told, remote) = (|error: h5refs::Error| error.to_string(), loading.remote);
    let (now, is_set) = if let Some(path) = location.path().filter(|path| !is_file_of_data(path)) {
        (loading.references.open(path).map_err(told)?.0.recorded, true)
    } else {
        let state = opening::state(location, remote)
            .map(|state| Ok::<_, String>((location.url(&[], remote.keeps_query())?, state)));
        (state.into_iter().collect::<Result<_, _>>()?, false)
    };
    let is_same = |was: &Recorded, now: &Recorded| if is_set { was == now } else { was.is_surely(now) };
    // What nothing is recorded of may have changed.
    let is_there =
        !now.is_empty() && now.iter().all(|(url, now)| sources.get(url).is_some_and(|was| is_same(was, now)));
    Ok(is_there.then(|| now.into_keys().collect()))
}

/// A fingerprint of the names of inputs, and of the contents of those that are sets.
pub(crate) fn fingerprint(locations: &[Location]) -> Result<String, String> {
    let of = |location: &Location| {
        let path = location.path().filter(|path| !is_file_of_data(path));
        let contents = path.map(contents).transpose().map_err(|error| format!("{location}: {error}"))?;
        Ok((location.to_string(), contents))
    };
    let all: Vec<(String, Option<String>)> = locations.iter().map(of).collect::<Result<_, String>>()?;
    Ok(h5refs::batch::fingerprint(format!("{all:?}")))
}

/// What tells a set from another: its bytes, or for Parquet the names and bytes of its files.
pub(crate) fn contents(set: &Path) -> std::io::Result<String> {
    if !set.is_dir() {
        return Ok(h5refs::batch::fingerprint(std::fs::read(set)?));
    }
    let (mut files, mut folders) = (BTreeMap::new(), vec![set.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            match entry.metadata()? {
                found if found.is_dir() => folders.push(entry.path()),
                _ => {
                    let path = entry.path();
                    let bytes = h5refs::batch::fingerprint(std::fs::read(&path)?);
                    files.insert(path.strip_prefix(set).map(Path::to_owned).ok(), bytes);
                }
            }
        }
    }
    Ok(h5refs::batch::fingerprint(format!("{files:?}")))
}

fn state(input: &Input) -> Option<Recorded> {
    input.state().map(|state| Recorded::from_state(state.size, state.modified, state.etag))
}

/// Whether a file begins as netCDF-3 does (`CDF` and the version).
fn begins_as_classic(file: &mut std::fs::File) -> bool {
    let mut found = [0; 4];
    file.read_exact(&mut found).is_ok() && matches!(&found, b"CDF\x01" | b"CDF\x02" | b"CDF\x05")
}

/// Whether a file has the signature of HDF5, at 0, 512, 1024, ..., as libhdf5 looks for it (`H5FD_locate_signature`), or begins as netCDF-3
/// does.
pub(crate) fn is_file_of_data(path: &Path) -> bool {
    const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
    let Ok(mut file) = std::fs::File::open(path) else { return false };
    if begins_as_classic(&mut file) {
        return true;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_whose_record_files_have_other_bytes_are_others() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join(".zmetadata"), "{}").unwrap();
        let contents = |bytes: &str| {
            std::fs::write(folder.path().join("a/refs.0.parq"), bytes).unwrap();
            contents(folder.path()).unwrap()
        };
        assert_ne!(contents("04"), contents("40"));
        assert_eq!(contents("04"), contents("04"));
    }
}
