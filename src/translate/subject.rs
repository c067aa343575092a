//! A dataset that is to become an array, and the array that it becomes.

use super::attribute::Paths;
use crate::file::{Dataset, Object};
use crate::reference::Manifest;
use crate::zarr::ArrayMetadata;

/// An array without its attributes.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) metadata: ArrayMetadata,
    pub(crate) chunks: Manifest,
    /// The files that the chunks lie in, where they are not the file itself or its members.
    pub(crate) urls: Vec<String>,
}

/// A dataset that becomes an array.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) object: &'a Object,
    pub(crate) dataset: &'a Dataset,
    /// The shape, where the array is to be longer than the dataset.
    pub(crate) longer: Option<&'a [u64]>,
    /// What references to objects lead to.
    pub(crate) paths: &'a Paths<'a>,
}
