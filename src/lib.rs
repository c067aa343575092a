#![doc = include_str!("../README.md")]

pub mod error;
mod field;
mod limits;
mod structure;

pub use error::Error;
pub use limits::Limits;
