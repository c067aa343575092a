//! References as files: kerchunk JSON and Parquet.

mod inline;
mod json;
mod open;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
mod parquet;

pub use json::{JsonForm, TemplateUse, read_json, write_json, write_json_with};
pub use open::{open_references, open_references_with};
pub use parquet::{MissingRecords, ParquetOptions, read_parquet, read_parquet_with, write_parquet};
