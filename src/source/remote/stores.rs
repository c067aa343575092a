//! Stores that are opened when the first of their URLs is used.

use std::collections::{HashMap, HashSet};
use std::io::{Error as Io, ErrorKind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ::object_store::http::HttpBuilder;
use ::object_store::path::Path;

use super::opened::Opened;
use super::settings::{Settings, no_retries};
use super::transport::{Line, Transport};
use super::{azure, google, s3};
use crate::error::Error;
use crate::source::object_store::{Find, Object, Prefix, Runtime};
use crate::source::secrets::without_secrets;

/// Stores by their roots, as `s3://bucket`.
pub(super) struct Stores {
    settings: Settings,
    pub(super) transport: Arc<Transport>,
    runtime: Arc<Runtime>,
    /// What may be read: files, and folders with all in them.
    pub(super) allowed: HashSet<String>,
    open: Mutex<HashMap<String, Opening>>,
}

/// A store that is opened once, by whoever is first.
type Opening = Arc<OnceLock<Result<Opened, Error>>>;

/// The kinds of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    S3,
    Google,
    Azure,
    Web,
}

impl Kind {
    fn of(scheme: &str) -> Option<Self> {
        match scheme {
            "s3" | "s3a" => Some(Self::S3),
            "gs" | "gcs" => Some(Self::Google),
            "az" | "abfs" | "abfss" => Some(Self::Azure),
            "http" | "https" => Some(Self::Web),
            _ => None,
        }
    }
}

/// A URL, taken apart.
pub(super) struct Place<'a> {
    kind: Kind,
    /// The scheme, and the host or bucket.
    pub(super) root: &'a str,
    name: &'a str,
    /// All but the query.
    pub(super) plain: &'a str,
    query: Option<&'a str>,
}

impl Place<'_> {
    pub(super) fn is_web(&self) -> bool {
        self.kind == Kind::Web
    }
}

impl Stores {
    pub(super) fn new(settings: Settings, transport: Arc<Transport>, runtime: Arc<Runtime>) -> Self {
        Self { settings, transport, runtime, allowed: HashSet::new(), open: Mutex::default() }
    }

    /// The parts of a URL, or why it is none that is read.
    pub(super) fn place<'a>(&self, url: &'a str) -> Result<Place<'a>, &'static str> {
        let (scheme, rest) = url.split_once("://").ok_or("it does not begin with a scheme and ://")?;
        let kind = Kind::of(scheme).ok_or("it is none of s3, gs, az, abfs, http and https")?;
        let keeps = kind == Kind::Web && self.settings.options.keep_query;
        let (plain, query) = match url.split_once('?') {
            Some((plain, query)) if keeps => (plain, Some(query)),
            _ => (url, None),
        };
        let name = rest.split(['/', '?']).next().unwrap_or(rest);
        let root = &url[..scheme.len() + 3 + name.len()];
        Ok(Place { kind, root, name, plain, query })
    }

    /// Allows a URL, and all under it.
    pub(super) fn allow(&mut self, prefix: &str) -> Result<(), &'static str> {
        let plain = self.place(prefix)?.plain;
        self.allowed.insert(Prefix::new(plain)?.as_str().to_owned());
        Ok(())
    }

    /// Whether a URL without a query may be read.
    pub(super) fn may(&self, plain: &str) -> bool {
        let mut folder = plain.strip_suffix('/').unwrap_or(plain);
        loop {
            if self.allowed.contains(folder) {
                return true;
            }
            match folder.rfind('/') {
                Some(at) => folder = &folder[..at],
                None => return false,
            }
        }
    }

    /// The store of a place.
    pub(super) fn store(&self, place: &Place<'_>) -> Result<Opened, Error> {
        let open = || self.open(place);
        // A query is of one file, as a rule; what it is kept with is not kept.
        if place.query.is_some() {
            return open();
        }
        let mut known = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let store = Arc::clone(known.entry(place.root.to_owned()).or_default());
        // Opening may ask where a bucket lies.
        drop(known);
        store.get_or_init(open).clone()
    }

    fn open(&self, place: &Place<'_>) -> Result<Opened, Error> {
        let query = place.query.map(Into::into);
        let follows = place.is_web();
        let line = Line { transport: Arc::clone(&self.transport), follows, query, expired: None };
        match place.kind {
            Kind::S3 => s3::open(place.name, &self.settings, &self.transport, &self.runtime),
            Kind::Google => google::open(place.name, &self.settings, line),
            Kind::Azure => azure::open(place.root, place.name, &self.settings, line),
            Kind::Web => {
                let builder =
                    HttpBuilder::new().with_url(place.root).with_retry(no_retries()).with_http_connector(line);
                let failed = |_| Error::io(place.root, Io::new(ErrorKind::InvalidInput, "it is no URL of a host"));
                Ok(Opened { objects: Arc::new(builder.build().map_err(failed)?), pages: None })
            }
        }
    }

    /// The path of a place in its store.
    fn path(place: &Place<'_>) -> Result<Path, &'static str> {
        Prefix::new(place.root)?.path(place.plain).ok_or("it names no object")?
    }
}

impl Find for Stores {
    fn object(&self, url: &str) -> Result<Object, Error> {
        let refuse = |why: &str| Error::NotAllowed { url: without_secrets(url), why: why.to_owned() };
        let place = self.place(url).map_err(refuse)?;
        if !self.may(place.plain) {
            return Err(refuse("it lies under no prefix that may be read"));
        }
        let path = Self::path(&place).map_err(refuse)?;
        Ok(Object { url: url.into(), store: self.store(&place)?.objects, path, by_get: true })
    }
}
