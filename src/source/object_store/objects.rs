//! Objects that are read several ranges at once and several files at once, each as long as it is what it was.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::object::Object;
use super::requests::Requests;
use super::runtime::Runtime;
use crate::error::Error;
use crate::source::secrets::without_secrets;
use crate::source::{Sources, State, outside};

/// Where the objects of URLs are.
pub(in crate::source) trait Find: Send + Sync {
    /// The object of a URL, if it may be read.
    fn object(&self, url: &str) -> Result<Object, Error>;
}

/// How objects are read.
pub(in crate::source) struct Objects<F> {
    pub(in crate::source) find: F,
    pub(in crate::source) at_once: usize,
    pub(in crate::source) gap: u64,
    pub(in crate::source) runtime: Arc<Runtime>,
    /// What the objects were when they were first used.
    seen: Mutex<HashMap<Arc<str>, State>>,
}

impl<F: Find> Objects<F> {
    pub(in crate::source) fn new(find: F, runtime: Arc<Runtime>) -> Self {
        Self { find, at_once: 16, gap: 4096, runtime, seen: Mutex::default() }
    }

    /// Forgets what an object was when it was first used.
    #[cfg(feature = "remote")]
    pub(in crate::source) fn forget(&self, url: &str) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(url);
    }

    /// The objects of URLs, and what they were when they were first used: now, for those that were not yet.
    fn objects(&self, urls: &[&str]) -> Vec<Result<(Object, State), Error>> {
        let known = |url: &str| self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned();
        let objects: Vec<_> = urls.iter().map(|url| Ok((self.find.object(url)?, known(url)))).collect();
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
            Some(range) => Err(crate::source::sources::as_error(&object.url, outside(range, state.size))),
            None => Ok(Self { object, state, requests: Requests::new(ranges, gap) }),
        }
    }
}

impl<F: Find> Sources for Objects<F> {
    fn state(&self, url: &str) -> Result<State, Error> {
        self.states(&[url]).pop().unwrap_or_else(|| Err(gone(url)))
    }

    fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        self.read_many(&[(url, ranges)]).pop().unwrap_or_else(|| Err(gone(url)))
    }

    fn first(&self, url: &str, bytes: u64) -> Result<(State, Bytes), Error> {
        let object = self.find.object(url)?;
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
        match was.changed(&state) {
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

/// A request without an answer: the runtime was shut down, the store panicked, or another request for the file has failed.
fn gone(url: &str) -> Error {
    let error = std::io::Error::new(std::io::ErrorKind::Interrupted, "a request for it was given up");
    Error::io(without_secrets(url), error)
}
