//! What single fields look like; knows no structure.

pub(crate) mod checksum;
pub(crate) use crate::convert;
pub(crate) mod sizes;
pub(crate) mod span;

pub(crate) use sizes::{Address, Sizes, Width};
pub(crate) use span::{Fault, Parsed, Span, bytes, signature, skip};
