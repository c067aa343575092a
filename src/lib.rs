#![doc = include_str!("../README.md")]

// Layers, in order: each may use those above it and none below.
pub mod error;
mod limits;
mod field;
mod codec;
mod structure;
mod source;
pub mod file;
mod netcdf;
pub mod zarr;
pub mod reference;
mod translate;
pub mod output;

pub use error::Error;
pub use limits::Limits;
pub use netcdf::write_cdl;
pub use output::write_json;
pub use reference::ReferenceSet;
pub use source::{Fetch, Input, Scan, Statistics, Step};
pub use translate::{FillPolicy, LinkPolicy, Options, Outcome, Report, Select, Status, references, tree};
