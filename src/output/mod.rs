//! References as files: kerchunk JSON.

mod json;

pub use json::{read_json, write_json, write_json_with};
