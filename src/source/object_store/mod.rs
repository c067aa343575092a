//! Files in object stores, read with the crate `object_store`: several ranges at once, of several files at once.

mod object;
mod prefix;
mod requests;
mod runtime;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ::object_store::ObjectStore;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::{Sources, State, outside};
use crate::error::Error;
use object::Object;
use prefix::{Prefix, without_secrets};
use requests::Requests;
use runtime::Runtime;

/// Reads URLs under prefixes that are given, each through a store of the crate `object_store`. Only such URLs are read, and none that
/// could mean another object: with `..`, a query, a name or password.
///
/// An object is asked for its size and `ETag` once, the first time that it is used; when it changes later, reading it is an error.
/// Ranges no further apart than [`with_gap`](Self::with_gap) says are fetched with one request, and requests run at once.
///
/// Reading waits for its answer: in async code call it within `spawn_blocking`.
///
/// ```
/// # fn main() -> Result<(), h5refs::Error> {
/// use std::sync::Arc;
///
/// use h5refs::object_store::memory::InMemory;
/// use h5refs::{LocalSources, ObjectStoreSources, Sources};
///
/// // For s3://bucket/, a store of object_store's feature `aws` or `aws-base`.
/// let remote = ObjectStoreSources::new()?.allow("s3://bucket/", Arc::new(InMemory::new()))?;
/// assert!(matches!(remote.state("s3://other/key"), Err(h5refs::Error::NotAllowed { .. })));
/// // Local files too:
/// let _all: Vec<Arc<dyn Sources>> = vec![Arc::new(remote), Arc::new(LocalSources::new().allow("testdata")?)];
/// # Ok(())
/// # }
/// ```
pub struct ObjectStoreSources {
    /// Longer prefixes first.
    stores: Vec<(Prefix, Arc<dyn ObjectStore>)>,
    at_once: usize,
    gap: u64,
    runtime: Runtime,
    /// What the objects were when they were first used.
    seen: Mutex<HashMap<Arc<str>, State>>,
}

impl ObjectStoreSources {
    /// No URL may be read yet. Requests run on a thread of their own.
    ///
    /// # Errors
    /// [`Error::Io`] when the system gives no thread.
    pub fn new() -> Result<Self, Error> {
        Ok(Self::with_runtime(Runtime::new().map_err(|error| Error::io("a thread for requests", error))?))
    }

    /// The same with requests on a runtime of the caller's, which has timers and I/O enabled. It must not be waited for on all of its
    /// own threads.
    pub fn on(handle: tokio::runtime::Handle) -> Self {
        Self::with_runtime(Runtime::given(handle))
    }

    fn with_runtime(runtime: Runtime) -> Self {
        Self { stores: Vec::new(), at_once: 16, gap: 4096, runtime, seen: Mutex::default() }
    }

    /// Allows all URLs under a prefix as `s3://bucket` or `https://host/folder`; what follows it is the path in the store, escapes of
    /// `http` and `https` undone. The longest prefix of a URL counts.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when it is not of that form.
    pub fn allow(mut self, prefix: &str, store: Arc<dyn ObjectStore>) -> Result<Self, Error> {
        let prefix = Prefix::new(prefix)
            .map_err(|why| Error::NotAllowed { url: without_secrets(prefix), why: why.to_owned() })?;
        self.stores.retain(|(known, _)| *known != prefix);
        self.stores.push((prefix, store));
        self.stores.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Ok(self)
    }

    /// How many requests run at once (default 16).
    #[must_use]
    pub fn with_concurrency(mut self, requests: usize) -> Self {
        self.at_once = requests.max(1);
        self
    }

    /// Over how many bytes that are not asked for a request may reach between two that are (default 4096).
    #[must_use]
    pub fn with_gap(mut self, bytes: u64) -> Self {
        self.gap = bytes;
        self
    }

    /// The object of a URL, if it may be read.
    fn object(&self, url: &str) -> Result<Object, Error> {
        let refuse = |why: &str| Error::NotAllowed { url: without_secrets(url), why: why.to_owned() };
        let found = self.stores.iter().find_map(|(prefix, store)| Some((prefix.path(url)?, store)));
        let (path, store) = found.ok_or_else(|| refuse("it lies under no prefix that may be read"))?;
        Ok(Object { url: url.into(), store: Arc::clone(store), path: path.map_err(refuse)? })
    }

    /// The objects of URLs, and what they were when they were first used: now, for those that were not yet.
    fn objects(&self, urls: &[&str]) -> Vec<Result<(Object, State), Error>> {
        let known = |url: &str| self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned();
        let objects: Vec<_> = urls.iter().map(|url| Ok((self.object(url)?, known(url)))).collect();
        let mut new: HashMap<Arc<str>, Object> = HashMap::new();
        for (object, state) in objects.iter().flatten() {
            if state.is_none() {
                new.insert(Arc::clone(&object.url), object.clone());
            }
        }
        let ask = |object: Object| async move { (Arc::clone(&object.url), object.state().await) };
        let asked = stream::iter(new.into_values()).map(ask).buffer_unordered(self.at_once).collect();
        let asked: HashMap<Arc<str>, Result<State, Error>> = self.runtime.run(asked).unwrap_or_default();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let told = |object: &Object| asked.get(&object.url).cloned().unwrap_or_else(|| Err(gone(&object.url)));
        let complete = |known: Result<(Object, Option<State>), Error>| {
            let (object, state) = known?;
            let state = state.map_or_else(|| told(&object), Ok)?;
            // Another thread may have been first.
            let state = seen.entry(Arc::clone(&object.url)).or_insert(state).clone();
            Ok((object, state))
        };
        objects.into_iter().map(complete).collect()
    }

    /// The answers to the requests of several files.
    fn fetch(&self, files: &[Result<File, Error>]) -> Vec<(usize, Result<Bytes, Error>)> {
        let mut jobs = Vec::new();
        for (at, file) in files.iter().enumerate() {
            let Ok(file) = file else { continue };
            let has_failed = Arc::new(AtomicBool::new(false));
            let job = |range: &Range<u64>| {
                (at, file.object.clone(), file.state.clone(), range.clone(), Arc::clone(&has_failed))
            };
            jobs.extend(file.requests.ranges.iter().map(job));
        }
        let one = |(at, object, state, range, has_failed): (_, Object, State, _, Arc<AtomicBool>)| async move {
            // What is left of a file whose first answer is an error is of no use.
            if has_failed.load(Ordering::Relaxed) {
                return (at, Err(gone(&object.url)));
            }
            let answer = object.range(&state, range).await;
            has_failed.fetch_or(answer.is_err(), Ordering::Relaxed);
            (at, answer)
        };
        if jobs.is_empty() {
            return Vec::new();
        }
        self.runtime.run(stream::iter(jobs).map(one).buffered(self.at_once).collect()).unwrap_or_default()
    }
}

/// An object and what is fetched of it.
struct File {
    object: Object,
    state: State,
    requests: Requests,
}

impl File {
    fn new(found: Result<(Object, State), Error>, ranges: &[Range<u64>], gap: u64) -> Result<Self, Error> {
        let (object, state) = found?;
        match ranges.iter().find(|range| range.start > range.end || range.end > state.size) {
            Some(range) => Err(super::sources::as_error(&object.url, outside(range, state.size))),
            None => Ok(Self { object, state, requests: Requests::new(ranges, gap) }),
        }
    }
}

impl Sources for ObjectStoreSources {
    fn state(&self, url: &str) -> Result<State, Error> {
        self.states(&[url]).pop().unwrap_or_else(|| Err(gone(url)))
    }

    fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        self.read_many(&[(url, ranges)]).pop().unwrap_or_else(|| Err(gone(url)))
    }

    fn first(&self, url: &str, bytes: u64) -> Result<(State, Bytes), Error> {
        let object = self.object(url)?;
        let known = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned();
        if known.is_some() || bytes == 0 {
            let state = self.state(url)?;
            let range = 0..bytes.min(state.size);
            let first = self.read(url, std::slice::from_ref(&range))?.pop().unwrap_or_default();
            return Ok((state, first));
        }
        let asked = self.runtime.run(async move { object.first(bytes).await });
        let (state, first) = asked.unwrap_or_else(|| Err(gone(url)))?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been first.
        let was = seen.entry(url.into()).or_insert_with(|| state.clone());
        match object::changed(was, &state) {
            Some(what) => Err(Error::Changed { url: without_secrets(url), what }),
            None => Ok((was.clone(), first)),
        }
    }

    fn states(&self, urls: &[&str]) -> Vec<Result<State, Error>> {
        self.objects(urls).into_iter().map(|object| object.map(|(_, state)| state)).collect()
    }

    fn read_many(&self, wanted: &[(&str, &[Range<u64>])]) -> Vec<Result<Vec<Bytes>, Error>> {
        let urls: Vec<&str> = wanted.iter().map(|(url, _)| *url).collect();
        let files = self.objects(&urls).into_iter().zip(wanted);
        let files: Vec<Result<File, Error>> =
            files.map(|(found, (_, ranges))| File::new(found, ranges, self.gap)).collect();
        let mut answers: Vec<Result<Vec<Bytes>, Error>> = vec![Ok(Vec::new()); files.len()];
        for (at, answer) in self.fetch(&files) {
            if let Ok(all) = &mut answers[at] {
                match answer {
                    Ok(bytes) => all.push(bytes),
                    Err(error) => answers[at] = Err(error),
                }
            }
        }
        let mut told = Vec::with_capacity(wanted.len());
        for ((file, answer), (url, ranges)) in files.into_iter().zip(answers).zip(wanted) {
            let whole = |file: File| file.requests.cut(ranges, &answer?).ok_or_else(|| gone(url));
            told.push(file.and_then(whole));
        }
        told
    }
}

impl std::fmt::Debug for ObjectStoreSources {
    /// The prefixes only: stores may tell of credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.stores.iter().map(|(prefix, _)| prefix.as_str())).finish()
    }
}

/// A request without an answer: the runtime was shut down, the store panicked, or another request for the file has failed.
fn gone(url: &str) -> Error {
    let error = std::io::Error::new(std::io::ErrorKind::Interrupted, "a request for it was given up");
    Error::io(without_secrets(url), error)
}

#[cfg(test)]
mod tests;
