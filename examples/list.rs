//! Lists what an HDF5 file holds: `cargo run --example list -- FILE`.

use std::error::Error;

use h5refs::file::Content;
use h5refs::{Input, Limits};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: list FILE")?;
    let tree = h5refs::tree(&Input::open(&path)?, Limits::default())?;
    for object in &tree.objects {
        match &object.node.content {
            Ok(Content::Dataset(dataset)) => {
                let (shape, storage) = (&dataset.dataspace.dimensions, dataset.storage.name());
                println!("{} {} {shape:?} {storage}", object.path, dataset.datatype.name());
            }
            Ok(_) => println!("{}", object.path),
            Err(error) => println!("{}: {error}", object.path),
        }
    }
    Ok(())
}
