//! Reads arrays through references whose files lie in an object store, here a folder that stands for one:
//! `cargo run --example remote --features object_store -- REFERENCES PREFIX FOLDER ARRAY..`.
//!
//! `FOLDER` holds what the references call `PREFIX/..`, as `s3://bucket`. For a real store, give one of `object_store`'s feature `aws`, `gcp`,
//! `azure` or `http` in its place.

use std::error::Error;
use std::sync::Arc;

use h5refs::object_store::ObjectStore;
use h5refs::{Limits, LocalSources, ObjectStoreSources, Sources, Store};
use object_store::local::LocalFileSystem;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [references, prefix, folder, arrays @ ..] = arguments.as_slice() else {
        return Err("usage: remote REFERENCES PREFIX FOLDER ARRAY..".into());
    };
    let (set, _) = h5refs::open_references(references, &Limits::default())?;
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(folder)?);
    let remote = ObjectStoreSources::new()?.allow(prefix, store)?.with_concurrency(32);
    // Files that the references call by local paths are read from the same folder only.
    let all: Vec<Arc<dyn Sources>> = vec![Arc::new(remote), Arc::new(LocalSources::new().allow(folder)?)];
    let store = Store::new(set, all).with_threads(4);
    for path in arrays {
        let values = store.array(path)?.read_all()?;
        println!("{path} {:?} {:?}", values.shape, values.elements());
    }
    Ok(())
}
