//! Reads an array through references: `cargo run --example array -- REFERENCES ARRAY [FOLDER]`.
//!
//! FOLDER is where the files may lie that are read; without it, they lie beside the references.

use std::error::Error;
use std::path::{Path, PathBuf};

use h5refs::{Limits, LocalSources, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: array REFERENCES ARRAY [FOLDER]";
    let (references, path) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    let beside = std::path::absolute(&references)?.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
    let folder = arguments.next().map_or(beside, PathBuf::from);

    let (set, _) = h5refs::open_references(references, &Limits::default())?;
    let store = Store::new(set, LocalSources::new().allow(folder)?);
    let array = store.array(&path)?;
    let attributes = &array.array().attributes;
    println!("{path}({})", attributes.dimensions().collect::<Vec<_>>().join(", "));
    let values = array.read_all()?;
    println!("shape {:?}, {:?}", values.shape, values.dtype);
    // The elements as they are stored: scale_factor, add_offset and _FillValue are for the caller to apply.
    let text = format!("{:?}", values.elements());
    println!("{}", text.chars().take(200).collect::<String>());
    Ok(())
}
