//! References as files: kerchunk JSON.

mod json;

pub use json::{write_json, write_json_with};
