//! One object of a store: what it is, and ranges of it as long as it stays that.

use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use ::object_store::path::Path;
use ::object_store::{GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;

#[cfg(feature = "remote")]
use super::failure::Failure;
use crate::error::Error;
use crate::field::convert::narrow;
use crate::source::State;
use crate::source::secrets::without_secrets;

/// Characters of a store's answer that are told.
const MOST_TOLD: usize = 500;

/// An object, and what references call it.
#[derive(Clone)]
pub(in crate::source) struct Object {
    pub(in crate::source) url: Arc<str>,
    pub(in crate::source) store: Arc<dyn ObjectStore>,
    pub(in crate::source) path: Path,
    /// Whether it is asked for by GET only: a signature may be for that, and an answer without a body does not say what is wrong.
    pub(in crate::source) by_get: bool,
}

impl Object {
    /// What it is now.
    pub(in crate::source) async fn state(&self) -> Result<State, Error> {
        if self.by_get { self.first(1).await.map(|(state, _)| state) } else { self.head().await }
    }

    async fn head(&self) -> Result<State, Error> {
        self.store.head(&self.path).await.map(|meta| state(&meta)).map_err(|error| self.error(error))
    }

    /// What it is now, and its first bytes, of which there is one at least to ask for.
    pub(in crate::source) async fn first(&self, bytes: u64) -> Result<(State, Bytes), Error> {
        let options = GetOptions::new().with_range(Some(GetRange::Bounded(0..bytes)));
        match self.get(options).await {
            Ok(answer) => {
                let state = state(&answer.meta);
                let range = 0..bytes.min(state.size);
                Ok((state, self.body(answer, &range).await?))
            }
            // An object without bytes has no range of them: stores answer 416, or what they like.
            Err(error @ ::object_store::Error::Generic { .. }) if may_be_empty(&error) => match self.head().await {
                Ok(state) if state.size == 0 => Ok((state, Bytes::new())),
                _ => Err(self.error(error)),
            },
            Err(error) => Err(self.error(error)),
        }
    }

    /// A range of it, as long as it is what it was.
    pub(in crate::source) async fn range(&self, was: &State, range: Range<u64>) -> Result<Bytes, Error> {
        // A weak tag never matches (RFC 9110, 13.1.1); it is compared with that of the answer.
        let tag = was.etag.clone().filter(|tag| !tag.starts_with("W/"));
        let mut options = GetOptions::new().with_if_match(tag).with_range(Some(GetRange::Bounded(range.clone())));
        options.extensions.insert(was.clone());
        let answer = self.get(options).await.map_err(|error| self.error(error))?;
        // Not every server heeds the condition.
        if let Some(what) = was.changed(&state(&answer.meta)) {
            return Err(Error::Changed { url: without_secrets(&self.url), what });
        }
        self.body(answer, &range).await
    }

    /// An answer of the store, with newer credentials if these have expired.
    async fn get(&self, options: GetOptions) -> ::object_store::Result<GetResult> {
        let answer = self.store.get_opts(&self.path, options.clone()).await;
        match answer {
            #[cfg(feature = "remote")]
            Err(error) if Failure::is_expired(&error) => self.store.get_opts(&self.path, options).await,
            answer => answer,
        }
    }

    /// The bytes of an answer, if they are those of the range.
    async fn body(&self, answer: GetResult, range: &Range<u64>) -> Result<Bytes, Error> {
        if answer.range != *range {
            return Err(self.other_bytes(range));
        }
        let size = narrow(range.end.saturating_sub(range.start));
        let mut bytes = BytesMut::new();
        let mut parts = answer.into_stream();
        while let Some(part) = parts.try_next().await.map_err(|error| self.error(error))? {
            if part.len() > size.saturating_sub(bytes.len()) {
                return Err(self.other_bytes(range));
            }
            bytes.extend_from_slice(&part);
        }
        if bytes.len() == size { Ok(bytes.freeze()) } else { Err(self.other_bytes(range)) }
    }

    fn other_bytes(&self, range: &Range<u64>) -> Error {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidData, "the store answers with other bytes");
        Error::io(format!("{}: bytes {:#x}..{:#x}", without_secrets(&self.url), range.start, range.end), error)
    }

    /// A store's error, without what it may tell of credentials.
    pub(in crate::source) fn error(&self, error: ::object_store::Error) -> Error {
        use std::io::{Error as Io, ErrorKind};
        let url = without_secrets(&self.url);
        let io = |kind, text: &str| Error::io(url.clone(), Io::new(kind, text));
        #[cfg(feature = "remote")]
        if let Some(error) = Failure::error(&error, &url) {
            return error;
        }
        match error {
            ::object_store::Error::Precondition { .. } => {
                Error::Changed { url, what: "its ETag is no longer the same".to_owned() }
            }
            ::object_store::Error::NotFound { .. } => Error::io(url, Io::from(ErrorKind::NotFound)),
            ::object_store::Error::PermissionDenied { .. } => {
                io(ErrorKind::PermissionDenied, "the store denies access to it")
            }
            ::object_store::Error::Unauthenticated { .. } => {
                io(ErrorKind::PermissionDenied, "the store does not accept the credentials")
            }
            other => {
                let text: String = without_secrets(&other.to_string()).chars().take(MOST_TOLD).collect();
                io(ErrorKind::Other, &text)
            }
        }
    }
}

pub(in crate::source) fn state(meta: &ObjectMeta) -> State {
    let modified = SystemTime::from(meta.last_modified);
    // Servers that do not tell the time are given this one.
    let modified = Some(modified).filter(|modified| *modified != SystemTime::UNIX_EPOCH);
    State { size: meta.size, modified, etag: meta.e_tag.clone() }
}

/// Whether an error may be about an object without bytes.
fn may_be_empty(error: &::object_store::Error) -> bool {
    #[cfg(feature = "remote")]
    let may = Failure::may_be_empty(error);
    #[cfg(not(feature = "remote"))]
    let may = matches!(error, ::object_store::Error::Generic { .. });
    may
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_no_credentials() {
        let object = Object {
            url: "https://host/a".into(),
            store: Arc::new(::object_store::memory::InMemory::new()),
            path: Path::from("a"),
            by_get: false,
        };
        let told = |error| object.error(error).to_string();
        let source = || "GET https://user:password@host/a?sig=secret failed".into();
        assert_eq!(
            told(::object_store::Error::Generic { store: "HTTP", source: source() }),
            "https://host/a: Generic HTTP error: GET https://..@host/a?.. failed"
        );
        let path = || "a".to_owned();
        assert_eq!(
            told(::object_store::Error::PermissionDenied { path: path(), source: source() }),
            "https://host/a: the store denies access to it"
        );
        assert_eq!(
            told(::object_store::Error::Unauthenticated { path: path(), source: source() }),
            "https://host/a: the store does not accept the credentials"
        );
        assert_eq!(
            told(::object_store::Error::Precondition { path: path(), source: source() }),
            "https://host/a has changed since it was first read: its ETag is no longer the same"
        );
        let long = "x".repeat(5000).into();
        assert!(told(::object_store::Error::Generic { store: "HTTP", source: long }).len() < 600);
    }
}
