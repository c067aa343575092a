//! HDF5 -> references: the one place where HDF5 words meet Zarr words.

mod array;
mod attribute;
mod backslash;
mod boxes;
mod builder;
mod chunks;
mod codec;
mod decoded;
mod distinct;
#[cfg(feature = "dmrpp")]
mod dmrpp;
mod dtype;
mod external;
mod external_link;
mod fields;
mod family;
mod fill;
mod flags;
mod float;
mod form;
mod header;
mod inline;
mod masks;
mod options;
mod padding;
#[cfg(test)]
mod proofs;
mod repair;
mod report;
mod scope;
mod sidecar;
#[cfg(feature = "dmrpp")]
mod sidecar_urls;
mod subject;
mod texts;
mod virtual_dataset;
mod walk;

#[cfg(feature = "dmrpp")]
pub use dmrpp::{dmrpp_references, dmrpp_url};
pub(crate) use dtype::element;
pub use header::header;
pub use options::{CodecPolicy, FillPolicy, LinkPolicy, Options, Select, UnsupportedPolicy};
pub use report::{Outcome, Report, Status};
pub use sidecar::Sidecar;
pub(crate) use texts::Texts;
pub use walk::{references, references_with_sidecar, tree};
