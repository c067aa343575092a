//! References as files: kerchunk JSON.

mod json;
mod open;

pub use json::{read_json, write_json, write_json_with};
pub use open::open_references;
