//! HDF5 -> references: the one place where HDF5 words meet Zarr words.

mod array;
mod attribute;
mod codec;
mod dtype;
mod external;
mod fill;
mod inline;
mod masks;
mod options;
mod padding;
#[cfg(test)]
mod proofs;
mod report;
mod strings;
mod virtual_dataset;
mod walk;

pub use options::{ExternalError, FillPolicy, FindExternal, FoundExternal, LinkPolicy, Options, Select};
pub use report::{Outcome, Report, Status};
pub use walk::{references, tree};
