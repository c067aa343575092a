//! Files in object stores, read with the crate `object_store`: several ranges at once, of several files at once.

#[cfg(feature = "remote")]
pub(in crate::source) mod failure;
pub(in crate::source) mod object;
mod objects;
mod prefix;
mod requests;
mod runtime;

use std::ops::Range;
use std::sync::Arc;

use ::object_store::ObjectStore;
use bytes::Bytes;

use super::{Sources, State};
use crate::error::Error;
use crate::source::secrets::without_secrets;
pub(in crate::source) use object::Object;
pub(in crate::source) use objects::{Find, Objects};
pub(in crate::source) use prefix::Prefix;
pub(in crate::source) use runtime::Runtime;

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
    objects: Objects<Stores>,
}

/// Stores by the prefixes of their URLs, longer ones first.
#[derive(Default)]
struct Stores(Vec<(Prefix, Arc<dyn ObjectStore>)>);

impl Find for Stores {
    fn object(&self, url: &str) -> Result<Object, Error> {
        let refuse = |why: &str| Error::NotAllowed { url: without_secrets(url), why: why.to_owned() };
        let found = self.0.iter().find_map(|(prefix, store)| Some((prefix.path(url)?, store)));
        let (path, store) = found.ok_or_else(|| refuse("it lies under no prefix that may be read"))?;
        Ok(Object { url: url.into(), store: Arc::clone(store), path: path.map_err(refuse)?, by_get: false })
    }
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
        Self { objects: Objects::new(Stores::default(), Arc::new(runtime)) }
    }

    /// Allows all URLs under a prefix as `s3://bucket` or `https://host/folder`; what follows it is the path in the store, escapes of
    /// `http` and `https` undone. The longest prefix of a URL counts.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when it is not of that form.
    pub fn allow(mut self, prefix: &str, store: Arc<dyn ObjectStore>) -> Result<Self, Error> {
        let prefix = Prefix::new(prefix)
            .map_err(|why| Error::NotAllowed { url: without_secrets(prefix), why: why.to_owned() })?;
        let Stores(stores) = &mut self.objects.find;
        stores.retain(|(known, _)| *known != prefix);
        stores.push((prefix, store));
        stores.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Ok(self)
    }

    /// How many requests run at once (default 16).
    #[must_use]
    pub fn with_concurrency(mut self, requests: usize) -> Self {
        self.objects.at_once = requests.max(1);
        self
    }

    /// Over how many bytes that are not asked for a request may reach between two that are (default 4096).
    #[must_use]
    pub fn with_gap(mut self, bytes: u64) -> Self {
        self.objects.gap = bytes;
        self
    }
}

impl Sources for ObjectStoreSources {
    fn state(&self, url: &str) -> Result<State, Error> {
        self.objects.state(url)
    }

    fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        self.objects.read(url, ranges)
    }

    fn first(&self, url: &str, bytes: u64) -> Result<(State, Bytes), Error> {
        self.objects.first(url, bytes)
    }

    fn states(&self, urls: &[&str]) -> Vec<Result<State, Error>> {
        self.objects.states(urls)
    }

    fn read_many(&self, wanted: &[(&str, &[Range<u64>])]) -> Vec<Result<Vec<Bytes>, Error>> {
        self.objects.read_many(wanted)
    }
}

impl std::fmt::Debug for ObjectStoreSources {
    /// The prefixes only: stores may tell of credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.objects.find.0.iter().map(|(prefix, _)| prefix.as_str())).finish()
    }
}

#[cfg(test)]
mod tests;
