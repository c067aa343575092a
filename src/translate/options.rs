//! What a translation is asked for.

use std::fmt;
use std::sync::Arc;

use crate::file::CutOff;
use crate::limits::Limits;

/// How a file is translated. Build one with [`Options::new`] and set what differs from the defaults.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// What references call the file.
    pub url: String,
    /// What references call the members of a family, in their order; `url` names no file then.
    pub members: Vec<String>,
    /// Chunks of fewer stored bytes are held inline; 0 holds none (default 500).
    pub inline_threshold: u64,
    /// What is done about chunks that were never written and read as something else in HDF5 than in Zarr.
    pub fill: FillPolicy,
    /// Which paths of an object are emitted.
    pub links: LinkPolicy,
    /// The group that becomes the root, by absolute path (default `/`).
    pub group: String,
    /// Which datasets are translated, by absolute path (default: all).
    pub select: Select,
    /// What is done about a file that is cut off.
    pub cut_off: CutOff,
    /// Finds the external files of raw data (default: none may be referenced).
    pub external: Option<FindExternal>,
    /// What the file may cost.
    pub limits: Limits,
}

/// Finds the external files that raw data may be referenced in, by the names that are stored.
#[derive(Clone)]
pub struct FindExternal(Arc<Find>);

/// From a stored name to the file, or why it may not be referenced.
type Find = dyn Fn(&str) -> Result<FoundExternal, String> + Send + Sync;

/// An external file that may be referenced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundExternal {
    /// What references call it.
    pub url: String,
    /// Its size in bytes.
    pub size: u64,
}

impl FindExternal {
    /// `find` gives the file, or says why it may not be referenced.
    pub fn new(find: impl Fn(&str) -> Result<FoundExternal, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    pub(crate) fn find(&self, name: &str) -> Result<FoundExternal, String> {
        (self.0)(name)
    }
}

impl fmt::Debug for FindExternal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FindExternal(..)")
    }
}

/// A choice of datasets by absolute path.
#[derive(Clone)]
pub struct Select(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl Select {
    /// The datasets for which `choose` says yes.
    pub fn new(choose: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(choose))
    }

    pub(crate) fn chooses(&self, path: &str) -> bool {
        (self.0)(path)
    }
}

impl fmt::Debug for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Select(..)")
    }
}

/// What is done about chunks that were never written and whose value a reader of Zarr would not give, or would mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FillPolicy {
    /// The exact value is held inline where that is small; otherwise the array is refused.
    #[default]
    Exact,
    /// The value is declared as Zarr's `fill_value`; readers that mask with it see missing values.
    Declare,
}

/// Which paths of an object are emitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LinkPolicy {
    /// Every path by hard links, and soft links to datasets.
    #[default]
    All,
    /// The first path only.
    Once,
}

impl Options {
    /// The defaults, for a file that references call `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            members: Vec::new(),
            inline_threshold: 500,
            fill: FillPolicy::default(),
            links: LinkPolicy::default(),
            group: "/".to_owned(),
            select: Select::new(|_| true),
            cut_off: CutOff::default(),
            external: None,
            limits: Limits::default(),
        }
    }
}
