//! What is planned and copied: a file or references, wherever they lie, or a dataset of a server.

use std::sync::Arc;

use clap::Args;
use h5refs::store::{Origin, states_as_recorded};
use h5refs::{CodecPolicy, Error, LocalSources, Options, Sources, Store};

use crate::location::Location;
use crate::{Ending, dap, load, opening, references_in, say, without_name};

/// The one input of a command, and how it is read.
#[derive(Args)]
pub(crate) struct Source {
    /// An HDF5 or netCDF file, as a path or URL, or references: JSON, compressed or not, or a folder of Parquet; or a dataset of a server of
    /// DAP2 (`dap2://HOST/DATASET`).
    pub(crate) input: Location,
    #[command(flatten)]
    opening: references_in::Opening,
    #[command(flatten)]
    allowing: references_in::Allowing,
    #[command(flatten)]
    dap: dap::Asking,
}

/// An input that is opened.
pub(crate) struct Opened {
    pub(crate) origin: Box<dyn Origin>,
    /// What tells it from others, and from what it was before, but for the files that references lead to.
    identity: String,
    /// Where these are, if it is references.
    files: Option<Arc<dyn Sources>>,
    /// Whether objects of it are left out.
    pub(crate) ending: Ending,
}

impl Opened {
    /// What tells it from others, and from what it was before. An error, where it is references, if a file is not what it was when they were
    /// made; one that cannot be looked at is told by who reads it.
    pub(crate) fn identity(&self) -> Result<String, String> {
        let Some(files) = &self.files else { return Ok(self.identity.clone()) };
        let set = self.origin.set();
        let urls: Vec<&str> = set.urls.iter().map(String::as_str).collect();
        let states = states_as_recorded(&set.recorded, &urls, files).into_iter().map(|state| match state {
            Err(error @ Error::Changed { .. }) => Err(error.to_string()),
            state => Ok(state.ok()),
        });
        let states: Vec<_> = states.collect::<Result<_, _>>()?;
        Ok(format!("{} {}", self.identity, h5refs::batch::fingerprint(format!("{states:?}"))))
    }
}

impl Source {
    pub(crate) fn limits(&self) -> h5refs::Limits {
        self.opening.limits()
    }

    /// How URLs are read and written.
    #[cfg(feature = "remote")]
    pub(crate) fn reading(&self) -> &crate::remote::Reading {
        self.allowing.reading()
    }

    pub(crate) fn open(&self) -> Result<Opened, String> {
        let name = self.input.to_string();
        if let Some(url) = self.dap.url(&self.input)? {
            return self.dataset(url);
        }
        let opened = match self.input.path().filter(|path| !load::is_file_of_data(path)) {
            Some(path) => self.references(path),
            None => self.file(),
        };
        opened.map_err(|error| if error.starts_with(&name) { error } else { format!("{name}: {error}") })
    }

    /// A dataset of a server, which is known by what it says of itself.
    #[cfg(feature = "dap")]
    fn dataset(&self, url: &str) -> Result<Opened, String> {
        let options = self.dap.options(self.allowing.reading(), self.limits())?;
        let dataset = dap::dap_origin(url, options).map_err(|error| error.to_string())?;
        let ending = dap::tell(&dataset);
        let told = h5refs::batch::fingerprint(format!("{:?}", dataset.set().nodes));
        let identity = format!("{} {told}", h5refs::without_secrets(url));
        Ok(Opened { origin: Box::new(dataset), identity, files: None, ending })
    }

    #[cfg(not(feature = "dap"))]
    #[expect(clippy::unused_self, reason = "with the feature, it says how a server is asked")]
    fn dataset(&self, _url: &str) -> Result<Opened, String> {
        Err(dap::refused())
    }

    /// References, and the files that they may lead to.
    fn references(&self, path: &std::path::Path) -> Result<Opened, String> {
        let (set, ending) = self.opening.open(path)?;
        let identity = load::contents(path).map_err(|error| error.to_string())?;
        let identity = format!("{} {identity}", std::path::absolute(path).unwrap_or_else(|_| path.into()).display());
        let sources: Arc<dyn Sources> = Arc::new(self.allowing.sources(path)?);
        let origin = Box::new(Store::new(set, sources.clone()).with_limits(self.limits()));
        Ok(Opened { origin, identity, files: Some(sources), ending })
    }

    /// A file, of which references are made first.
    fn file(&self) -> Result<Opened, String> {
        let name = self.input.to_string();
        let told = |error: &h5refs::Error| without_name(&name, error);
        let remote = self.allowing.remote(&self.input)?;
        let input = opening::open(&self.input, &remote).map_err(|error| told(&error))?.input;
        let mut options = Options::new(self.input.url(&[], true)?);
        // What is written has other codecs: any that is undone here will do.
        (options.limits, options.codecs) = (self.limits(), CodecPolicy::Imagecodecs);
        let (set, report) = h5refs::references(&input, &options).map_err(|error| told(&error))?;
        let mut ending = Ending::Well;
        for (path, reason) in report.refused() {
            say(&format!("{name}: {path}: {reason}"));
            ending = Ending::Refused;
        }
        let identity = format!("{} {:?}", options.url, opening::state(&self.input, &remote));
        let mut all: Vec<Arc<dyn Sources>> = Vec::new();
        if let Location::Path(path) = &self.input {
            let path = std::path::absolute(path).map_err(|error| error.to_string())?;
            let folder = path.parent().unwrap_or(&path);
            all.push(Arc::new(LocalSources::new().allow(folder).map_err(|error| error.to_string())?));
        }
        all.extend(remote.sources());
        let sources: Arc<dyn Sources> = Arc::new(all);
        let origin = Box::new(Store::new(set, sources).with_limits(self.limits()));
        Ok(Opened { origin, identity, files: None, ending })
    }
}
