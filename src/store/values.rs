//! The values of an array, or of a box of it.

use super::Elements;
use crate::zarr::Dtype;

/// Elements in C order, as they are stored: raw, neither scaled nor masked.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    /// How many elements in each dimension.
    pub shape: Vec<u64>,
    /// Their type.
    pub dtype: Dtype,
    pub(super) data: Data,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    /// Elements one after another, in the byte order of their type.
    Bytes(Vec<u8>),
    Texts(Vec<String>),
}

impl Values {
    /// The elements one after another in the byte order of their type; `None` for texts of any length.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.data {
            Data::Bytes(bytes) => Some(bytes),
            Data::Texts(_) => None,
        }
    }

    /// Texts of any length; `None` for elements that have a size.
    pub fn texts(&self) -> Option<&[String]> {
        match &self.data {
            Data::Texts(texts) => Some(texts),
            Data::Bytes(_) => None,
        }
    }

    /// The elements by their type.
    pub fn elements(&self) -> Elements {
        match &self.data {
            Data::Bytes(bytes) => Elements::of(&self.dtype, bytes),
            Data::Texts(texts) => Elements::Text(texts.clone()),
        }
    }
}
