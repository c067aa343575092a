//! Files in object stores read as files in memory do.

use std::collections::HashMap;
use std::sync::Arc;

use h5refs::object_store::local::LocalFileSystem;
use h5refs::object_store::memory::InMemory;
use h5refs::object_store::path::Path;
use h5refs::object_store::{ObjectStore, ObjectStoreExt};
use h5refs::{Input, ObjectStoreSources, Options, ReferenceSet, Scan, Sources, Store, VerifyOptions, verify};

use crate::files;

/// What each array of a set reads as, or why it does not.
fn values<S: Sources>(set: ReferenceSet, sources: S) -> Vec<(String, Result<h5refs::store::Values, String>)> {
    let store = Store::new(set, sources).with_threads(2);
    let paths: Vec<String> = store.set().arrays().map(|(path, _)| path.to_owned()).collect();
    let read = |path: String| {
        let values = store.array(&path).and_then(|array| array.read_all()).map_err(|error| error.to_string());
        (path, values)
    };
    paths.into_iter().map(read).collect()
}

fn allowed(prefix: &str, store: Arc<dyn ObjectStore>) -> ObjectStoreSources {
    ObjectStoreSources::new().unwrap().allow(prefix, store).unwrap()
}

#[test]
fn each_array_reads_as_from_memory() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let store = Arc::new(InMemory::new());
    let mut arrays = 0;
    for name in files::names() {
        let bytes = files::bytes(&name);
        runtime.block_on(store.put(&Path::from(name.as_str()), bytes.clone().into())).unwrap();
        let url = format!("s3://bucket/{name}");
        let sources: Arc<dyn Sources> = Arc::new(allowed("s3://bucket", Arc::clone(&store) as _));
        // The scan itself reads through the store too.
        let Ok(input) = Input::through(Arc::clone(&sources), &url) else { panic!("{name}") };
        let scanned = Scan::references(input.size(), Options::new(&url)).run(&input);
        let here = h5refs::references(&Input::from(bytes.clone()), &Options::new(&url));
        let set = match (scanned, here) {
            (Ok((scanned, _)), Ok((here, _))) => {
                assert!(scanned == here, "{name}");
                here
            }
            (scanned, here) => panic!("{name}: {:?} {:?}", scanned.err(), here.err()),
        };
        let remote = values(set.clone(), sources);
        let memory = values(set, HashMap::from([(url, bytes)]));
        assert!(remote == memory, "{name}");
        arrays += memory.iter().filter(|(_, values)| values.is_ok()).count();
    }
    assert!(arrays > 500, "{arrays}");
}

#[test]
fn a_folder_stands_for_a_bucket() {
    let store = Arc::new(LocalFileSystem::new_with_prefix(files::folder()).unwrap());
    let url = "gs://bucket/data/netcdf/cf.nc";
    let sources = Arc::new(allowed("gs://bucket/data/", store));
    let input = Input::through(Arc::clone(&sources) as _, url).unwrap();
    let (set, _) = h5refs::references(&input, &Options::new(url)).unwrap();
    let memory = values(set.clone(), HashMap::from([(url.to_owned(), files::bytes("netcdf/cf.nc"))]));
    assert_eq!(values(set.clone(), Arc::clone(&sources)), memory);
    let verified = verify::verify(&Store::new(set, sources), &VerifyOptions::default());
    assert!(verified.findings.is_empty() && verified.unchecked.is_empty(), "{verified:?}");
}
