//! Arrays all of whose chunks are inline.

use std::ops::Range;

use bytes::Bytes;

use super::{Store, Values};
use crate::error::Error;
use crate::limits::Limits;
use crate::reference::{Array, Node, ReferenceSet};
use crate::source::{Sources, State, told_url};

/// No files.
struct Nowhere;

impl Sources for Nowhere {
    fn state(&self, url: &str) -> Result<State, Error> {
        Err(Error::NotAllowed { url: told_url(url), why: "only what is inline is read here".to_owned() })
    }

    fn read(&self, url: &str, _: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        Err(Error::NotAllowed { url: told_url(url), why: "only what is inline is read here".to_owned() })
    }
}

/// The elements of an array all of whose chunks are inline.
///
/// # Errors
/// [`Error::NotAllowed`] where one is not, [`Error::Chunk`] and [`Error::Limit`].
pub(crate) fn held_values(path: &str, array: Array, limits: &Limits) -> Result<Values, Error> {
    let nodes = vec![(path.to_owned(), Node::Array(Box::new(array)))];
    let set = ReferenceSet { urls: vec![String::new()], nodes, ..ReferenceSet::default() };
    Store::new(set, Nowhere).with_limits(*limits).array(path)?.read_all()
}
