//! Folders of stores, as patterns are expanded with them.

use std::collections::BTreeMap;
use std::io::Error as Io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::RemoteSources;
use crate::error::Error;
use crate::source::Sources;
use crate::source::listing::{Entry, Kind, Listing, is_absent};

/// Requests that wait at once; the transport sends as many as it may.
const AT_ONCE: usize = 64;

impl Listing for RemoteSources {
    fn list(&self, folder: &str) -> Result<Vec<Entry>, Error> {
        let listed = self.list(folder).map_err(|error| no_bucket(folder, error))?;
        let folders = listed.folders.into_iter().map(|url| Entry { name: name(&url), kind: Kind::Folder, state: None });
        let file = |(url, state): (String, _)| Entry { name: name(&url), kind: Kind::File, state: Some(state) };
        Ok(folders.chain(listed.files.into_iter().map(file)).collect())
    }

    fn find(&self, path: &str) -> Result<Option<Entry>, Error> {
        match self.state(path) {
            Ok(state) => return Ok(Some(Entry { name: name(path), kind: Kind::File, state: Some(state) })),
            Err(Error::Io { error, .. }) if is_absent(&error) => {}
            Err(error) => return Err(error),
        }
        let listed = self.list(&format!("{path}/"))?;
        let is_empty = listed.files.is_empty() && listed.folders.is_empty();
        Ok((!is_empty).then(|| Entry { name: name(path), kind: Kind::Folder, state: None }))
    }

    fn list_many(&self, folders: &[&str]) -> Vec<Result<Vec<Entry>, Error>> {
        at_once(folders, |folder| Listing::list(self, folder))
    }

    fn find_many(&self, paths: &[&str]) -> Vec<Result<Option<Entry>, Error>> {
        at_once(paths, |path| self.find(path))
    }
}

/// A folder that is not there has nothing in it; what a store does not find is the bucket, and that no pattern passes over.
fn no_bucket(folder: &str, error: Error) -> Error {
    match error {
        Error::Io { error, .. } if is_absent(&error) => {
            Error::io(folder, Io::other(format!("there is no such bucket, or it is elsewhere: {error}")))
        }
        error => error,
    }
}

/// The last part of a URL, a slash at its end aside.
fn name(url: &str) -> String {
    url.trim_end_matches('/').rsplit('/').next().unwrap_or(url).to_owned()
}

/// What becomes of each URL, in their order.
fn at_once<R: Send>(urls: &[&str], work: impl Fn(&str) -> R + Sync) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let worker = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let Some(url) = urls.get(n) else { return };
            let result = work(url);
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(n, result);
        }
    };
    std::thread::scope(|scope| {
        // Where the system gives fewer threads, those do it.
        let spawn = || std::thread::Builder::new().spawn_scoped(scope, worker).is_ok();
        let _threads = (1..urls.len().min(AT_ONCE)).take_while(|_| spawn()).count();
        worker();
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}
