//! kerchunk JSON, written and read.

mod expression;
mod generate;
mod key;
mod read;
mod template;
mod write;

pub(crate) use read::read_json_known;
pub use read::{JsonForm, TemplateUse, read_json};
pub use write::{JsonOptions, JsonVersion, ZarrFormat, write_json, write_json_as, write_json_with};
