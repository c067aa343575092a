//! The reference model: which bytes of which file are a chunk. Knows no HDF5.

mod builder;
mod documents;
pub(crate) mod grid;
pub(crate) mod key;
mod known;
mod manifest;
mod recorded;
mod set;
mod split;
mod url_table;

pub(crate) use builder::Builder;
pub(crate) use documents::{Arrays, Documents};
pub(crate) use known::KnownDocuments;
pub use manifest::{Manifest, Urls};
pub use recorded::Recorded;
pub use set::{Array, Node, Reference, ReferenceSet, UrlId};
pub use split::{Split, SplitError};
pub(crate) use url_table::UrlTable;
