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
    /// Elements of a type that has a size, in its byte order.
    #[cfg(feature = "dap")]
    pub(crate) fn of_bytes(shape: Vec<u64>, dtype: Dtype, bytes: Vec<u8>) -> Self {
        Self { shape, dtype, data: Data::Bytes(bytes) }
    }

    /// Texts of any length.
    #[cfg(feature = "dap")]
    pub(crate) fn of_texts(shape: Vec<u64>, dtype: Dtype, texts: Vec<String>) -> Self {
        Self { shape, dtype, data: Data::Texts(texts) }
    }

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
