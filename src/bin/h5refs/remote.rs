//! Files at URLs: how commands reach them.

use std::sync::Arc;

use clap::Args;
use h5refs::listing::Listing;
use h5refs::{Error, Input, Sources};
#[cfg(feature = "remote")]
use h5refs::{RemoteOptions, RemoteSources};

use crate::location::Location;

/// How URLs are read.
#[derive(Args, Clone)]
pub(crate) struct Reading {
    #[cfg(feature = "remote")]
    #[command(flatten)]
    stores: Stores,
}

/// How object stores and web servers are asked.
#[cfg(feature = "remote")]
#[derive(Args, Clone)]
#[command(next_help_heading = "URLs")]
pub(crate) struct Stores {
    /// Ask without credentials.
    #[arg(long)]
    anon: bool,
    /// A setting of the stores, as fsspec or Rust's object stores call it: endpoint, region, key, secret, token, profile, and others.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    storage_option: Vec<(String, String)>,
    /// A command that prints credentials of AWS as JSON, run again before they expire.
    #[arg(long, value_name = "COMMAND")]
    credentials_command: Option<String>,
    /// Send queries of https URLs that references name, and write those of inputs into references: they may be signatures.
    #[arg(long)]
    keep_query: bool,
    /// Requests on their way at once.
    #[arg(long, value_name = "N", default_value_t = 64)]
    connections: usize,
    /// Attempts at each request.
    #[arg(long, value_name = "N", default_value_t = 6)]
    attempts: u32,
    /// How long an answer may be silent.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,
}

/// Inputs at once of those that lie elsewhere: each waits most of the time.
const REMOTE_JOBS: usize = 16;

/// Inputs to work on at once, where it is not said: as many as there are processors.
pub(crate) fn jobs(said: Option<usize>, locations: &[Location]) -> usize {
    let is_remote = locations.iter().any(|location| matches!(location, Location::Url(_)));
    let here = || std::thread::available_parallelism().map_or(1, usize::from);
    said.unwrap_or_else(|| if is_remote { REMOTE_JOBS } else { here() }).max(1)
}

/// What reads URLs, where there are any.
#[derive(Default)]
pub(crate) struct Remote {
    #[cfg(feature = "remote")]
    sources: Option<Arc<RemoteSources>>,
    keeps_query: bool,
}

/// `NAME=VALUE`.
#[cfg(feature = "remote")]
fn setting(argument: &str) -> Result<(String, String), String> {
    let (name, value) = argument.split_once('=').ok_or("it is not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(feature = "remote")]
impl Reading {
    /// What reads some inputs, or what lies under some prefixes, as far as they are URLs; and no others.
    pub(crate) fn for_inputs(&self, locations: &[Location]) -> Result<Remote, String> {
        let has_query = locations.iter().any(Location::has_query);
        self.under(locations.iter().filter_map(Location::as_url), has_query)
    }

    /// What reads URLs under some prefixes.
    fn under<'a>(&self, prefixes: impl Iterator<Item = &'a str>, has_query: bool) -> Result<Remote, String> {
        let keeps_query = self.stores.keep_query;
        let mut prefixes = prefixes.peekable();
        if prefixes.peek().is_none() {
            return Ok(Remote { sources: None, keeps_query });
        }
        let told = |error: Error| error.to_string();
        let sources = RemoteSources::new(self.stores.options(keeps_query || has_query)?).map_err(told)?;
        let sources = prefixes.try_fold(sources, RemoteSources::allow).map_err(told)?;
        Ok(Remote { sources: Some(Arc::new(sources)), keeps_query })
    }

    /// What writes a store to a URL.
    pub(crate) fn target(&self, url: &str) -> Result<h5refs::copy::ObjectTarget, String> {
        h5refs::copy::ObjectTarget::new(url, self.stores.options(false)?).map_err(|error| error.to_string())
    }

    /// What lists the folders of the store of a URL.
    pub(crate) fn listing(&self, url: &Location) -> Result<Arc<dyn Listing>, String> {
        let sources = self.under(url.root().into_iter(), false)?.sources;
        sources.map(|sources| sources as _).ok_or_else(|| format!("{url}: no URL that could be listed"))
    }
}

#[cfg(feature = "dap")]
impl Reading {
    /// How long is waited, and how often it is asked again.
    pub(crate) fn patience(&self) -> Result<h5refs::Patience, String> {
        Ok(self.stores.options(false)?.patience)
    }
}

#[cfg(feature = "remote")]
impl Stores {
    fn options(&self, keep_query: bool) -> Result<RemoteOptions, String> {
        let timeout = std::time::Duration::try_from_secs_f64(self.timeout).map_err(|_| "--timeout is no time")?;
        let mut options = RemoteOptions { anonymous: self.anon, keep_query, ..RemoteOptions::default() };
        options.storage = self.storage_option.iter().cloned().collect();
        options.credentials_command.clone_from(&self.credentials_command);
        options.connections = self.connections;
        options.patience.attempts = self.attempts;
        (options.patience.first_byte, options.patience.idle) = (timeout, timeout);
        options.patience.connect = options.patience.connect.min(timeout);
        Ok(options)
    }
}

#[cfg(feature = "remote")]
impl Remote {
    /// What reads URLs that references name.
    pub(crate) fn sources(&self) -> Option<Arc<dyn Sources>> {
        self.sources.clone().map(|sources| sources as _)
    }

    /// Opens the file at a URL; one that was read before as it is now.
    pub(crate) fn open(&self, url: &str) -> Result<Input, Error> {
        let Some(sources) = &self.sources else { return Err(not_read(url)) };
        sources.forget(url);
        Input::through(Arc::clone(sources) as _, url)
    }
}

#[cfg(not(feature = "remote"))]
impl Reading {
    /// What reads some inputs and what lies under some prefixes: URLs are refused.
    #[expect(clippy::unused_self, reason = "with the feature, it says how URLs are read")]
    pub(crate) fn for_inputs(&self, locations: &[Location]) -> Result<Remote, String> {
        match locations.iter().find(|location| location.root().is_some()) {
            Some(url) => Err(format!("{url}: URLs are read by a h5refs that was built with the feature \"remote\"")),
            None => Ok(Remote::default()),
        }
    }

    /// What lists the folders of a URL: nothing does.
    pub(crate) fn listing(&self, url: &Location) -> Result<Arc<dyn Listing>, String> {
        self.for_inputs(std::slice::from_ref(url))?;
        Err(format!("{url}: no URL that could be listed"))
    }
}

#[cfg(not(feature = "remote"))]
impl Remote {
    /// What reads URLs that references name: nothing.
    #[expect(clippy::unused_self, reason = "with the feature, there may be some")]
    pub(crate) fn sources(&self) -> Option<Arc<dyn Sources>> {
        None
    }

    #[expect(clippy::unused_self, reason = "with the feature, it opens URLs")]
    pub(crate) fn open(&self, url: &str) -> Result<Input, Error> {
        Err(not_read(url))
    }
}

impl Remote {
    /// Whether queries of URLs, which may be signatures, are written into references.
    pub(crate) fn keeps_query(&self) -> bool {
        self.keeps_query
    }
}

fn not_read(url: &str) -> Error {
    Error::NotAllowed { url: Location::from(url).to_string(), why: "no URL is an input".to_owned() }
}
