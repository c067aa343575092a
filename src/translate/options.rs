//! What a translation is asked for.

use std::fmt;
use std::sync::Arc;

use crate::file::{ByteOrder, CutOff};
use crate::limits::Limits;
use crate::source::FindExternal;

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
    /// Dimension scales of one dimension, and arrays of at most 16 KiB stored, are held inline whatever the threshold, as a combination
    /// needs them (default: no).
    pub inline_coordinates: bool,
    /// Chunks of more bytes that no codec encodes are split into equal pieces of at most so many; those that have no such pieces stay as
    /// they are, and the report tells it (default: none is split).
    pub split_contiguous: Option<u64>,
    /// What is done about chunks that were never written and read as something else in HDF5 than in Zarr.
    pub fill: FillPolicy,
    /// What is done about arrays whose chunks no codec of Zarr v2 decodes.
    pub unsupported: UnsupportedPolicy,
    /// Which codecs may be named.
    pub codecs: CodecPolicy,
    /// Which paths of an object are emitted.
    pub links: LinkPolicy,
    /// The group that becomes the root, by absolute path (default `/`).
    pub group: String,
    /// Which datasets are translated, by absolute path (default: all).
    pub select: Select,
    /// What is done about a file that is cut off.
    pub cut_off: CutOff,
    /// The file's own name, by which its virtual datasets may call it (default: none, they call it `.`).
    pub own_name: Option<String>,
    /// The order of bytes of numbers of which a DMR++ sidecar does not tell it, as those of old servers do not (default: none, such
    /// variables are refused).
    pub dmrpp_order: Option<ByteOrder>,
    /// Whether what a DMR++ sidecar does not tell exactly is taken as Hyrax takes it, which serves from sidecars: numbers without an
    /// order of bytes are little-endian, chunks never written have the number that is written (or netCDF's own, where that is written
    /// so; those of big-endian numbers are refused), texts have nothing behind their first NUL, and attributes of chunks that are not
    /// known mean nothing. [`Status::Assumed`](super::Status::Assumed) tells each (default: no, such variables are refused).
    pub dmrpp_as_served: bool,
    /// Finds the external files of raw data and of virtual datasets (default: none may be referenced).
    pub external: Option<FindExternal>,
    /// What the file may cost.
    pub limits: Limits,
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

/// What is done about arrays whose chunks no codec of Zarr v2 decodes, or are no chunks of any file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum UnsupportedPolicy {
    /// Those of at most [`Limits::repair_bytes`] are held inline decoded, as far as this crate decodes them; the others are refused.
    #[default]
    Inline,
    /// The same, and the others are written to a [`Sidecar`](crate::Sidecar) file, as far as this crate decodes them:
    /// [`references_with_sidecar`](crate::references_with_sidecar). Where there is none they are refused.
    Sidecar,
    /// They are refused.
    Refuse,
}

/// Which codecs arrays may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CodecPolicy {
    /// Those that every reader of Zarr v2 has: numcodecs'.
    #[default]
    Standard,
    /// Also those of imagecodecs, which a reader has to register:
    /// `import imagecodecs.numcodecs; imagecodecs.numcodecs.register_codecs()`.
    Imagecodecs,
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
            inline_coordinates: false,
            split_contiguous: None,
            fill: FillPolicy::default(),
            unsupported: UnsupportedPolicy::default(),
            codecs: CodecPolicy::default(),
            links: LinkPolicy::default(),
            group: "/".to_owned(),
            select: Select::new(|_| true),
            cut_off: CutOff::default(),
            own_name: None,
            dmrpp_order: None,
            dmrpp_as_served: false,
            external: None,
            limits: Limits::default(),
        }
    }
}
