//! Zarr v2 documents as types, written as Zarr v3 too; knows no HDF5 and no references.

mod array;
mod attributes;
mod codec;
mod consolidated;
mod dtype;
mod fill_value;
mod invalid;
mod nan;
pub(crate) mod v3;

pub(crate) use array::Separator;
pub use array::{ArrayMetadata, Order};
pub use attributes::{Attributes, Floats};
pub use codec::Codec;
pub(crate) use consolidated::Consolidated;
pub use dtype::{Dtype, Field, Kind, Scalar};
pub use fill_value::FillValue;
pub use invalid::Invalid;
pub use nan::NanPolicy;
pub(crate) use nan::not_finite;

/// Names that Zarr keeps for its own documents.
pub(crate) const RESERVED: [&str; 5] = [".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json"];

/// The document of every group, `.zgroup`.
pub const GROUP: &str = r#"{"zarr_format":2}"#;

/// Whether two texts are the same document, whatever the order of its members.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other || nan::read(one).is_ok_and(|one| nan::read(other).is_ok_and(|other| one == other))
}

/// Whether a text is the document of a group.
pub(crate) fn check_group(text: &str) -> Result<(), Invalid> {
    let document = nan::read(text).map_err(|error| Invalid::new(error.to_string()))?;
    match document.get("zarr_format") {
        Some(format) if *format == 2 => Ok(()),
        other => Err(Invalid::new(format!(
            "zarr_format {}, and only 2 is read",
            codec::short(other.unwrap_or(&serde_json::Value::Null))
        ))),
    }
}
