#![doc = include_str!("../README.md")]

// Layers, in order: each may use those above it and none below. Those that touch file data may not index, convert with `as`, or
// overflow.
pub mod error;
mod cdl;
mod convert;
mod limits;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
mod field;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
mod codec;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
mod window;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
mod structure;
mod source;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
pub mod file;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
mod netcdf;
#[cfg(feature = "dmrpp")]
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
mod dmrpp;
pub mod zarr;
pub mod reference;
mod translate;
pub mod output;
pub mod lint;
pub mod store;
#[cfg(any(feature = "dap", fuzzing))]
#[cfg_attr(not(feature = "dap"), expect(dead_code, reason = "the fuzz targets reach what needs no server"))]
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
pub mod dap;
pub mod combine;
pub mod edit;
pub mod verify;
pub mod plan;
pub mod batch;
pub mod copy;
// For the targets in `fuzz/`, which need ways into layers of all heights.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;

#[cfg(feature = "object_store")]
pub use ::object_store;
pub use bytes::Bytes;
#[cfg(feature = "dap")]
pub use dap::{DapDataset, DapOptions};
pub use error::Error;
pub use file::{CutOff, MissingSources, OpenDataset, ReadOptions, Reader, Values, read};
pub use limits::{Limits, UnknownLimit};
pub use netcdf::{Header, write_cdl};
pub use output::{
    JsonOptions, MissingRecords, OpenReferences, ParquetOptions, open_references, read_json, read_parquet,
    read_parquet_with, read_text, write_json, write_json_as, write_json_with, write_parquet,
};
pub use reference::ReferenceSet;
#[cfg(feature = "object_store")]
pub use source::ObjectStoreSources;
#[cfg(feature = "remote")]
pub use source::{Counters, Listed, Patience, RemoteOptions, RemoteSources};
pub use source::{
    ExternalError, Fetch, FindExternal, FoundExternal, Input, LocalSources, Scan, Sources, State, Statistics, Step,
    listing, told_url, without_secrets,
};
pub use store::Store;
pub use translate::{
    CodecPolicy, FillPolicy, LinkPolicy, Options, Outcome, Report, Select, Sidecar, Status, UnsupportedPolicy, header,
    references, references_with_sidecar, tree,
};
#[cfg(feature = "dmrpp")]
pub use translate::{dmrpp_references, dmrpp_url};
pub use verify::VerifyOptions;
