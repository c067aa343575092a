//! Reads an array through references with the crate zarrs: `cargo run --example zarrs --features zarrs -- REFERENCES ARRAY [FOLDER]`.
//!
//! FOLDER is where the files lie that may be read; without it, the folder of the references. Prints the shape, the data type and the
//! elements as bytes of this machine in base64.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use h5refs::{Limits, LocalSources, Store};
use zarrs::array::{Array, ArrayBytes};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: zarrs REFERENCES ARRAY [FOLDER]";
    let (path, name) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    let folder = arguments.next().map(std::path::PathBuf::from);
    let references = std::path::absolute(&path)?;
    let folder = folder.as_deref().or(references.parent()).unwrap_or(Path::new("/"));
    let (set, _) = h5refs::read_json(&std::fs::read(&references)?, &Limits::default())?;
    let store = Arc::new(Store::new(set, LocalSources::new().allow(folder)?));

    let array = Array::open(store, &format!("/{name}"))?;
    let elements: ArrayBytes<'_> = array.retrieve_array_subset(&array.subset_all())?;
    let printed = serde_json::json!({
        "shape": array.shape(),
        "data_type": format!("{:?}", array.data_type()),
        "bytes": STANDARD.encode(elements.into_fixed()?),
    });
    println!("{printed}");
    Ok(())
}
