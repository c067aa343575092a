//! Datasets of servers of DAP2 (`OPeNDAP`, ESE-RFC-004): what they say of themselves, and their data.

mod address;
mod attributes;
mod cdl;
mod constraint;
mod das;
mod data;
mod dataset;
mod dds;
mod failure;
mod kind;
mod layout;
mod name;
mod text;

pub use dataset::{DapDataset, DapOptions};
pub use layout::Refused;
