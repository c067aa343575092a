//! References as files: kerchunk JSON and Parquet.

mod compression;
mod inline;
mod json;
mod made;
mod open;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
mod parquet;

pub use compression::Compression;
pub use json::{
    JsonForm, JsonOptions, JsonVersion, TemplateUse, ZarrFormat, read_json, write_json, write_json_as, write_json_with,
};
pub use made::{Made, MadeOf, made_of};
pub use open::{OpenReferences, open_references, read_text};
pub use parquet::{
    MissingRecords, ParquetOptions, Placing, read_parquet, read_parquet_with, write_parquet, write_parquet_with,
};
