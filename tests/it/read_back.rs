//! What is written as kerchunk JSON is read back as the same set.

use h5refs::zarr::NanPolicy;
use h5refs::{Limits, read_json, write_json_with};

use crate::files;

#[test]
fn each_set_is_read_back_as_it_was_written() {
    let mut nodes = 0;
    for name in files::names() {
        let (set, _) = files::references(files::bytes(&name)).unwrap();
        nodes += set.nodes.len();
        for nan in [NanPolicy::String, NanPolicy::Python] {
            let mut text = Vec::new();
            write_json_with(&set, nan, &mut text).unwrap();
            let (back, stray) = read_json(&text, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(stray, [""; 0], "{name}");
            // Strings do not say whether they stand for floats, so the texts are compared, not the sets.
            let mut again = Vec::new();
            write_json_with(&back, nan, &mut again).unwrap();
            assert!(text == again, "{name}: {}", String::from_utf8_lossy(&again));
        }
    }
    assert!(nodes > 1000, "{nodes}");
}
