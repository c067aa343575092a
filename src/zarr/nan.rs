//! Floats that JSON lacks.

/// How NaN and infinity are written in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NanPolicy {
    /// As the strings `"NaN"`, `"Infinity"`, `"-Infinity"`: strict JSON.
    #[default]
    String,
    /// As the bare tokens that Python's `json` reads and writes: numbers again for xarray, but no JSON for others.
    Python,
}

/// The name of a float that JSON lacks.
pub(crate) fn not_finite(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        None
    }
}

/// Whether a text is the name of a float that JSON lacks.
pub(crate) fn is_name(text: &str) -> bool {
    matches!(text, "NaN" | "Infinity" | "-Infinity")
}
