//! Documents that were parsed before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::convert::wide;
use crate::zarr::{ArrayMetadata, Attributes, Invalid, Separator};

/// Most bytes of texts that are known.
const MOST_BYTES: u64 = 64 << 20;

/// Documents by their texts: sets of files that one program wrote have most of them in common.
#[derive(Debug, Default)]
pub(crate) struct KnownDocuments {
    attributes: Mutex<Known<Attributes>>,
    arrays: Mutex<Known<(ArrayMetadata, Separator)>>,
}

#[derive(Debug)]
struct Known<T> {
    by_text: HashMap<String, Arc<T>>,
    bytes: u64,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { by_text: HashMap::new(), bytes: 0 }
    }
}

impl KnownDocuments {
    /// The attributes of a document.
    pub(super) fn attributes(&self, text: &str) -> Result<Attributes, Invalid> {
        find(&self.attributes, text, Attributes::parse).map(|attributes| (*attributes).clone())
    }

    /// The metadata of a document.
    pub(super) fn array(&self, text: &str) -> Result<(ArrayMetadata, Separator), Invalid> {
        find(&self.arrays, text, ArrayMetadata::parse).map(|array| (*array).clone())
    }
}

fn find<T>(known: &Mutex<Known<T>>, text: &str, parse: impl Fn(&str) -> Result<T, Invalid>) -> Result<Arc<T>, Invalid> {
    let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = lock().by_text.get(text) {
        return Ok(Arc::clone(found));
    }
    let parsed = Arc::new(parse(text)?);
    let mut known = lock();
    if known.bytes.saturating_add(wide(text.len())) > MOST_BYTES {
        *known = Known::default();
    }
    known.bytes = known.bytes.saturating_add(wide(text.len()));
    known.by_text.insert(text.to_owned(), Arc::clone(&parsed));
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_parsed_once() {
        let known = KnownDocuments::default();
        let text = r#"{"units":"m"}"#;
        assert_eq!(known.attributes(text).unwrap(), Attributes::parse(text).unwrap());
        assert!(known.attributes(text).is_ok() && known.attributes("[]").is_err());
        assert_eq!(known.attributes.lock().unwrap().by_text.len(), 1);
    }
}
