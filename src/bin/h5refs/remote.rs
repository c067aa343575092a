//! Files at URLs: how commands reach them.

use std::sync::Arc;

use clap::Args;
use h5refs::listing::Listing;
use h5refs::{Error, Input, Sources};

use crate::location::Location;

/// How URLs are read.
#[derive(Args, Clone, Default)]
pub(crate) struct Reading {}

/// What reads URLs, where there are any.
pub(crate) struct Remote(Option<Arc<dyn Sources>>);

impl Reading {
    /// What reads some inputs and what lies under some prefixes, as far as they are URLs.
    pub(crate) fn for_inputs(&self, locations: &[Location]) -> Result<Remote, String> {
        let urls = locations.iter().filter(|location| matches!(location, Location::Url(_)));
        let urls: Vec<&Location> = urls.collect();
        Ok(Remote(if urls.is_empty() { None } else { Some(reader(self, &urls)?) }))
    }

    /// What lists the folders of a URL.
    #[expect(clippy::unused_self, reason = "it says how URLs are read")]
    pub(crate) fn listing(&self, url: &Location) -> Result<Box<dyn Listing>, String> {
        Err(unread(url))
    }
}

fn reader(_reading: &Reading, urls: &[&Location]) -> Result<Arc<dyn Sources>, String> {
    Err(urls.first().map_or_else(String::new, |url| unread(url)))
}

fn unread(url: &Location) -> String {
    format!("{url}: URLs are read by a h5refs that was built with the feature \"remote\"")
}

impl Remote {
    /// What reads URLs that references name.
    pub(crate) fn sources(&self) -> Option<Arc<dyn Sources>> {
        self.0.clone()
    }

    pub(crate) fn open(&self, url: &str) -> Result<Input, Error> {
        let why = || "nothing reads it".to_owned();
        let sources = self.0.clone();
        let sources = sources.ok_or_else(|| Error::NotAllowed { url: Location::from(url).to_string(), why: why() })?;
        Input::through(sources, url)
    }
}
