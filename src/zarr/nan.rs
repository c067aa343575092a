//! Floats that JSON lacks.

use serde_json::Value;

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

/// Before the name of a float that was a bare token.
const MARK: char = '\u{1}';

/// A JSON document in which Python may have written NaN and infinity as bare tokens; those are marked texts in the value.
pub(super) fn read(text: &str) -> serde_json::Result<Value> {
    read_as(text)
}

/// The same, as any type that has its floats as values.
pub(super) fn read_as<T: serde::de::DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(text).or_else(|error| match marked(text) {
        Some(marked) => serde_json::from_str(&marked),
        None => Err(error),
    })
}

/// The document with its bare tokens as marked texts, if it has any.
fn marked(text: &str) -> Option<String> {
    let mut marked = String::with_capacity(text.len().saturating_add(16));
    let (mut rest, mut quoted, mut found) = (text, false, false);
    while let Some(next) = rest.chars().next() {
        let name = ["NaN", "Infinity", "-Infinity"].into_iter().find(|name| !quoted && rest.starts_with(name));
        // After a backslash the next character is no quote.
        let length = match (name, next) {
            (Some(name), _) => name.len(),
            (None, '\\') => next.len_utf8().saturating_add(rest.chars().nth(1).map_or(0, char::len_utf8)),
            _ => next.len_utf8(),
        };
        let (token, after) = rest.split_at_checked(length)?;
        match name {
            Some(name) => marked.extend(["\"\\u0001", name, "\""]),
            None => marked.push_str(token),
        }
        quoted ^= next == '"';
        found |= name.is_some();
        rest = after;
    }
    found.then_some(marked)
}

/// The float that a marked text stands for, by its name.
pub(super) fn marked_float(text: &str) -> Option<&str> {
    text.strip_prefix(MARK).filter(|name| is_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_tokens_are_read_as_python_reads_them() {
        let value = read(r#"{"a": NaN, "b": [-Infinity, 1.5, "NaN \" Infinity"], "c": "\\"}"#).unwrap();
        assert_eq!(
            value,
            serde_json::json!({"a": "\u{1}NaN", "b": ["\u{1}-Infinity", 1.5, "NaN \" Infinity"], "c": "\\"})
        );
        assert_eq!(marked_float("\u{1}NaN"), Some("NaN"));
        assert_eq!(marked_float("NaN"), None);
        for wrong in ["[nan]", "[NaNs]", "{\"a\": Nan}", "[--Infinity]", "[\"NaN]", "hello"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
