//! A folder of an object store that is written to.

use std::io::{Error as Io, ErrorKind};
use std::sync::Arc;

use ::object_store::path::Path;
use ::object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::list::folder_path;
use super::{RemoteOptions, RemoteSources};
use crate::error::Error;
use crate::field::convert::{narrow, wide};
use crate::source::listing::is_absent;
use crate::source::object_store::Object;
use crate::source::object_store::failure::Failure;
use crate::source::secrets::without_secrets;

/// Bytes of an object, at most: what S3 takes with one request.
const MOST: u64 = 5 << 30;

/// Bytes of an object that are asked for before its size is known.
const FIRST: u64 = 8 << 20;

/// Bytes of a part of a body that is sent: by its parts a slow connection is told from one that stands still.
const PART: usize = 64 << 10;

/// Keys under a URL, each an object: with the credentials, the patience and the connections that files at URLs have.
pub(crate) struct Written {
    sources: RemoteSources,
    objects: Arc<dyn ObjectStore>,
    url: String,
    path: Path,
}

impl Written {
    /// The folder of a URL as `s3://bucket/folder`; nothing is asked of it yet.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] for a web server, for a whole bucket, and for what is no URL of a folder; [`Error::Io`] where a storage option is not
    /// known or there are no credentials.
    pub(crate) fn new(url: &str, options: RemoteOptions) -> Result<Self, Error> {
        let refuse = |why: &str| Error::NotAllowed { url: without_secrets(url), why: why.to_owned() };
        let options = RemoteOptions { keep_query: false, ..options };
        let sources = RemoteSources::new(options)?.allow(url)?;
        let stores = &sources.objects.find;
        let place = stores.place(url).map_err(refuse)?;
        if place.is_web() {
            return Err(refuse("stores are written to s3, gs and az, and not to web servers"));
        }
        let path = folder_path(place.root, place.plain).map_err(refuse)?;
        if path.as_ref().is_empty() {
            return Err(refuse("it is a whole bucket: name a folder in it"));
        }
        let objects = stores.store(&place)?.objects;
        let url = format!("{}/{path}", place.root);
        Ok(Self { sources, objects, url, path })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The object of a key.
    fn object(&self, key: &str) -> Result<Object, Error> {
        let url = format!("{}/{key}", self.url);
        let whole = format!("{}/{key}", self.path);
        // A path that is changed, as without a slash at its end, is another object's.
        let path = Path::parse(&whole).ok().filter(|path| path.as_ref() == whole);
        let path = path.ok_or_else(|| Error::NotAllowed {
            url: without_secrets(&url),
            why: "it has an empty part, \".\", \"..\" or a control character".to_owned(),
        })?;
        Ok(Object { url: url.into(), store: Arc::clone(&self.objects), path, by_get: true })
    }

    /// The bytes of a key; `None` where there are none.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let object = self.object(key)?;
        let asked = self.sources.objects.runtime.run(async move { whole(&object).await });
        match asked.unwrap_or_else(|| Err(self.given_up())) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(Error::Io { error, .. }) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes an object: it is there whole, or as it was before.
    pub(crate) fn put(&self, key: &str, bytes: &[u8]) -> Result<(), Error> {
        let object = self.object(key)?;
        if wide(bytes.len()) > MOST {
            let text = format!("{} bytes are more than an object may have that is written at once", bytes.len());
            return Err(Error::io(without_secrets(&object.url), Io::new(ErrorKind::InvalidInput, text)));
        }
        let all = Bytes::copy_from_slice(bytes);
        let parts = (0..all.len()).step_by(PART).map(|at| all.slice(at..at.saturating_add(PART).min(all.len())));
        let payload: PutPayload = parts.collect();
        let work = async move {
            let answer = match object.store.put(&object.path, payload.clone()).await {
                Err(error) if Failure::is_expired(&error) => object.store.put(&object.path, payload).await,
                answer => answer,
            };
            answer.map(|_| ()).map_err(|error| object.error(error))
        };
        self.sources.objects.runtime.run(work).unwrap_or_else(|| Err(self.given_up()))
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> Result<bool, Error> {
        let listed = self.sources.list(&self.url)?;
        Ok(listed.files.is_empty() && listed.folders.is_empty())
    }

    /// All keys.
    pub(crate) fn keys(&self) -> Result<Vec<String>, Error> {
        let files = self.sources.list_all(&self.url)?.files;
        let key = |(url, _): (String, _)| Some(url.strip_prefix(&self.url)?.strip_prefix('/')?.to_owned());
        Ok(files.into_iter().filter_map(key).collect())
    }

    /// Removes keys; those that are not there too.
    pub(crate) fn delete(&self, keys: &[String]) -> Result<(), Error> {
        let paths = keys.iter().map(|key| self.object(key).map(|object| object.path));
        let paths: Vec<Path> = paths.collect::<Result<_, _>>()?;
        let folder = Object {
            url: self.url.as_str().into(),
            store: Arc::clone(&self.objects),
            path: self.path.clone(),
            by_get: true,
        };
        let work = async move {
            let paths = stream::iter(paths).map(Ok).boxed();
            let mut gone = folder.store.delete_stream(paths);
            loop {
                match gone.try_next().await {
                    Ok(None) => return Ok(()),
                    Ok(Some(_)) | Err(::object_store::Error::NotFound { .. }) => {}
                    Err(error) => match folder.error(error) {
                        Error::Io { error, .. } if is_absent(&error) => {}
                        error => return Err(error),
                    },
                }
            }
        };
        self.sources.objects.runtime.run(work).unwrap_or_else(|| Err(self.given_up()))
    }

    fn given_up(&self) -> Error {
        Error::io(without_secrets(&self.url), Io::new(ErrorKind::Interrupted, "a request for it was given up"))
    }
}

/// All bytes of an object.
async fn whole(object: &Object) -> Result<Bytes, Error> {
    let (state, first) = object.first(FIRST).await?;
    let length = wide(first.len());
    if state.size == length {
        return Ok(first);
    }
    if state.size > MOST {
        let text = format!("{} bytes are more than an object has that was written here", state.size);
        return Err(Error::io(without_secrets(&object.url), Io::new(ErrorKind::InvalidData, text)));
    }
    let rest = object.range(&state, length..state.size).await?;
    let mut all = BytesMut::with_capacity(narrow(length.saturating_add(wide(rest.len()))));
    all.extend_from_slice(&first);
    all.extend_from_slice(&rest);
    Ok(all.freeze())
}

impl std::fmt::Debug for Written {
    /// Where it lies, and nothing of credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        without_secrets(&self.url).fmt(f)
    }
}
