//! DMR++: the sidecars in which the Hyrax data server keeps what an HDF5 file holds and where (`OPeNDAP/bes`, `dmrpp_module`).
//!
//! A sidecar becomes the objects that the walk over its file would give, as far as it tells them. What it does not tell, or not
//! exactly, is an error of the variable.

mod attribute;
mod chunks;
mod datatype;
mod document;
mod fill;
mod held;
mod input;
mod names;
mod objects;
mod text;
mod variable;
mod xml;

pub(crate) use attribute::has_octal;
pub(crate) use objects::Sidecar;
pub(crate) use variable::Facts;

use document::Document;

use crate::error::{Error, Problem, Structure};
use crate::file::ByteOrder;
use crate::limits::Budget;

/// Reads a sidecar. `order` is that of the numbers of which it does not tell it.
pub(crate) fn read(bytes: &[u8], order: Option<ByteOrder>, budget: &Budget) -> Result<Sidecar, Error> {
    Sidecar::of(&Document::read(&text::text(bytes)?, budget)?, order, budget)
}

/// What a sidecar calls its file, if it is a URL.
pub(crate) fn url(bytes: &[u8]) -> Result<Option<String>, Error> {
    Ok(Document::href_of(&text::text(bytes)?)?.filter(|href| is_url(href)))
}

/// Whether what a sidecar calls a file leads there from anywhere. Others are paths that only the server knows, and the word that stands
/// for a URL until someone has one.
pub(crate) fn is_url(href: &str) -> bool {
    href.split_once("://").is_some_and(|(scheme, rest)| {
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        !scheme.is_empty() && scheme.chars().all(is_scheme) && !rest.is_empty()
    })
}

fn malformed(at: u64, problem: Problem) -> Error {
    let (structure, start) = (Structure::Dmrpp, 0);
    crate::error::FormatError { structure, start, at, problem }.into()
}
