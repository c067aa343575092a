//! Ways into what is private, for the targets in `fuzz/` and nobody else: there under `cfg(fuzzing)` only, and no part of the API.

mod dap;
mod filters;
mod structures;

pub use dap::{das, dds, dods};
pub use filters::undo;
pub use structures::parse;
