//! Types of elements, in NumPy's notation.

use serde::Serialize;

/// What an element is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Dtype {
    /// Byte order, kind and size: `<f4`.
    Simple(String),
    /// Fields one after another, without gaps.
    Structured(Vec<Field>),
}

/// A field of a structured type: its name and its simple type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field(pub String, pub String);
