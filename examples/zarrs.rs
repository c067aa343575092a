//! Reads arrays through references with the crate zarrs: `cargo run --example zarrs --features zarrs -- REFERENCES ARRAY..`.
//!
//! For each array a line of JSON: its shape, and its elements as bytes of this machine in base64, or as texts.

use std::error::Error;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use h5refs::{Limits, LocalSources, Store};
use serde_json::{Value, json};
use zarrs::array::{Array, ArrayBytes};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let references = arguments.next().ok_or("usage: zarrs REFERENCES ARRAY..")?;
    let (set, _) = h5refs::open_references(references, &Limits::default())?;
    // These references are trusted: whatever they name is opened.
    let store = Arc::new(Store::new(set, LocalSources::new().allow("/")?));
    for path in arguments {
        let line = elements(&store, &path).unwrap_or_else(|error| json!({"error": error.to_string()}));
        println!("{line}");
    }
    Ok(())
}

fn elements(store: &Arc<Store<LocalSources>>, path: &str) -> Result<Value, Box<dyn Error>> {
    let array = Array::open(Arc::clone(store), path)?;
    let shape = array.shape();
    match array.retrieve_array_subset(&array.subset_all())? {
        ArrayBytes::Fixed(bytes) => Ok(json!({"shape": shape, "bytes": STANDARD.encode(&*bytes)})),
        ArrayBytes::Variable(elements) => {
            let (bytes, ends) = (elements.bytes(), elements.offsets());
            let texts = ends.windows(2).map(|ends| std::str::from_utf8(&bytes[ends[0]..ends[1]]));
            Ok(json!({"shape": shape, "texts": texts.collect::<Result<Vec<&str>, _>>()?}))
        }
        ArrayBytes::Optional(_) => Err("an array with elements that may be missing".into()),
    }
}
