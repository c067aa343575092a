//! Reads arrays of a server of DAP2: `cargo run --example dap --features dap -- URL REQUEST_BYTES ARRAY..`.
//!
//! The first line of JSON is what is refused; then one for each array, its shape, its type, its attributes, and its elements, little-endian
//! in base64, or as texts.

use std::error::Error;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use h5refs::reference::Node;
use h5refs::store::Origin;
use h5refs::{DapDataset, DapOptions};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (url, bytes) = arguments.next().zip(arguments.next()).ok_or("usage: dap URL REQUEST_BYTES ARRAY..")?;
    let dataset = DapDataset::open(&url, DapOptions { request_bytes: bytes.parse()?, ..DapOptions::default() })?;
    let refused = dataset.refused().iter().map(|refused| format!("{}: {}", refused.path, refused.reason));
    println!("{}", json!({"refused": refused.collect::<Vec<_>>()}));
    for path in arguments {
        println!("{}", array(&dataset, &path).unwrap_or_else(|error| json!({"error": error.to_string()})));
    }
    Ok(())
}

fn array(dataset: &DapDataset, path: &str) -> Result<Value, Box<dyn Error>> {
    let Some(Node::Array(array)) = dataset.set().node(path) else { return Err("no such array".into()) };
    let whole: Vec<Range<u64>> = array.metadata.shape.iter().map(|size| 0..*size).collect();
    let values = dataset.read(path, &whole)?;
    let (dtype, fill) = (&array.metadata.dtype, &array.metadata.fill_value);
    let mut line = json!({"shape": values.shape, "dtype": dtype, "fill": fill, "attributes": array.attributes});
    match values.bytes() {
        Some(bytes) => line["bytes"] = STANDARD.encode(bytes).into(),
        None => line["texts"] = json!(values.texts()),
    }
    Ok(line)
}
