//! What the tests of the translation share.

use bytes::Bytes;

use super::{Options, Report, references};
use crate::error::Error;
use crate::limits::Limits;
use crate::reference::{Array, Node, ReferenceSet};
use crate::source::Input;

/// A file in memory as references; `change` says what differs from the default options.
pub(crate) fn translated(bytes: &[u8], change: impl FnOnce(&mut Options)) -> Result<(ReferenceSet, Report), Error> {
    let mut options = Options::new("u");
    change(&mut options);
    references(&Input::from(Bytes::copy_from_slice(bytes)), &options)
}

/// The same of a file that is valid, within limits.
pub(crate) fn within(bytes: &[u8], limits: Limits) -> (ReferenceSet, Report) {
    translated(bytes, |options| options.limits = limits).unwrap()
}

/// What a translation within limits refuses, each after the path of its object.
pub(crate) fn refused(bytes: &[u8], limits: Limits) -> Vec<String> {
    within(bytes, limits).1.refused().map(|(path, reason)| format!("{path}: {reason}")).collect()
}

/// The array under a key.
pub(crate) fn array<'a>(set: &'a ReferenceSet, key: &str) -> &'a Array {
    match set.nodes.iter().find(|(known, _)| known == key) {
        Some((_, Node::Array(array))) => array,
        other => panic!("{key}: {other:?}"),
    }
}

/// The keys of all nodes.
pub(crate) fn keys(bytes: &[u8], change: impl FnOnce(&mut Options)) -> Vec<String> {
    translated(bytes, change).unwrap().0.nodes.into_iter().map(|(key, _)| key).collect()
}
