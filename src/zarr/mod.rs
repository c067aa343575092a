//! Zarr v2 documents as types; knows no HDF5 and no references.

mod array;
mod attributes;
mod codec;
mod dtype;
mod fill_value;
mod nan;

pub use array::ArrayMetadata;
pub use attributes::{Attributes, Floats};
pub use codec::Codec;
pub use dtype::{Dtype, Field};
pub use fill_value::FillValue;
pub use nan::NanPolicy;
pub(crate) use nan::not_finite;

/// The document of every group, `.zgroup`.
pub const GROUP: &str = r#"{"zarr_format":2}"#;
