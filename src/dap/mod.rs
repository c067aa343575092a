//! Datasets of servers of DAP2 (`OPeNDAP`, ESE-RFC-004): what they say of themselves, and their data.

#[cfg(feature = "dap")]
mod address;
mod attributes;
mod cdl;
mod constraint;
mod das;
mod data;
#[cfg(feature = "dap")]
mod dataset;
mod dds;
#[cfg(feature = "dap")]
mod failure;
mod kind;
mod layout;
mod name;
#[cfg(fuzzing)]
pub(crate) mod proofs;
mod text;

#[cfg(feature = "dap")]
pub use dataset::{DapDataset, DapOptions};
pub use layout::Refused;
