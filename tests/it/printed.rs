//! Sets of references at random, written in every form and read back.

use std::collections::BTreeMap;

use h5refs::output::{JsonOptions, JsonVersion};
use h5refs::{Limits, MissingRecords, ParquetOptions, ReferenceSet};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Names as files have them, and some that a form of references could take for its own.
const NAMES: [&str; 8] = ["a", "refs.0.parq", "0.0", "é", "{{u}}", "a b", "line\nbreak", "base64:"];

const URLS: [&str; 6] = ["s3://b/1", "s3://b/2", "/f.nc", "f.nc", "s3://b/{{u}}", "é"];

/// One of the references that a chunk can have.
fn reference() -> impl Strategy<Value = Json> {
    let url = || prop::sample::select(&URLS[..]);
    prop_oneof![
        url().prop_map(|url| json!([url])),
        (url(), any::<u32>(), 1_u32..).prop_map(|(url, offset, length)| json!([url, offset, length])),
        "[a-z{}:\u{e9}]{0,9}"
            .prop_filter("it would be decoded", |text| !text.starts_with("base64:"))
            .prop_map(Json::from),
        prop::sample::select(&["base64:", "base64:/w==", "base64:YmFzZTY0Og==", "base64:AAEC"][..])
            .prop_map(Json::from),
    ]
}

/// Dimensions and chunks, and references of some of these by their numbers.
type Array = (Vec<(u64, u64)>, BTreeMap<u64, Json>);

fn array() -> impl Strategy<Value = Array> {
    let dimensions = prop::collection::vec((0_u64..6, 1_u64..4), 0..4);
    (dimensions, prop::collection::btree_map(0_u64..30, reference(), 0..9))
}

/// The keys of a set: groups, and arrays in them and at the root.
fn keys(arrays: BTreeMap<(bool, &'static str), Array>) -> BTreeMap<String, Json> {
    let mut keys = BTreeMap::from([".zgroup", "g/.zgroup"].map(|key| (key.to_owned(), json!("{\"zarr_format\":2}"))));
    for ((inside, name), (dimensions, chunks)) in arrays {
        let path = if inside { format!("g/{name}") } else { format!("at {name}") };
        let (shape, sizes): (Vec<u64>, Vec<u64>) = dimensions.iter().copied().unzip();
        let metadata = json!({"zarr_format": 2, "shape": shape, "chunks": sizes, "dtype": "|u1", "compressor": null,
            "filters": [{"id": "zlib", "level": 1}], "fill_value": 0, "order": "C"});
        keys.insert(format!("{path}/.zarray"), json!(metadata.to_string()));
        keys.insert(format!("{path}/.zattrs"), json!(json!({"_ARRAY_DIMENSIONS": vec!["x"; shape.len()]}).to_string()));
        let grid: Vec<u64> = dimensions.iter().map(|(length, size)| length.div_ceil(*size)).collect();
        for (number, reference) in chunks {
            if let Some(name) = chunk(number, &grid) {
                keys.insert(format!("{path}/{name}"), reference);
            }
        }
    }
    keys
}

/// The name of a chunk, if there are so many.
fn chunk(mut number: u64, grid: &[u64]) -> Option<String> {
    let mut places = Vec::new();
    for size in grid.iter().rev() {
        places.push(number.checked_rem(*size)?.to_string());
        number /= size;
    }
    places.reverse();
    (number == 0).then(|| if places.is_empty() { "0".to_owned() } else { places.join(".") })
}

fn sets() -> impl Strategy<Value = (BTreeMap<String, Json>, ReferenceSet)> {
    let arrays = prop::collection::btree_map((any::<bool>(), prop::sample::select(&NAMES[..])), array(), 0..4);
    arrays.prop_map(|arrays| {
        let keys = keys(arrays);
        // Version 0: no templates, so that braces are braces.
        let (set, stray) = h5refs::read_json(json!(keys).to_string().as_bytes(), &Limits::default()).unwrap();
        assert_eq!(stray, [""; 0]);
        (keys, set)
    })
}

/// All keys, with documents as values and chunks that are held as bytes of base64.
fn told(set: &ReferenceSet) -> Json {
    let mut options = JsonOptions::default();
    options.version = JsonVersion::Zero;
    serde_json::from_slice(&written(set, &options).unwrap()).unwrap()
}

fn written(set: &ReferenceSet, options: &JsonOptions) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    h5refs::write_json_as(set, options, &mut text).map(|()| text)
}

proptest! {
    #[test]
    fn a_set_has_the_references_that_it_was_read_with((keys, set) in sets()) {
        let told = told(&set);
        for (key, reference) in keys.iter().filter(|(_, reference)| reference.is_array()) {
            prop_assert_eq!(&told[key], reference, "{}", key);
        }
        prop_assert!(keys.keys().all(|key| told.get(key).is_some()));
    }

    #[test]
    fn json_of_each_version_is_read_back((_, set) in sets(), one in any::<bool>(), consolidated in any::<bool>(), template in any::<bool>()) {
        let mut options = JsonOptions::default();
        options.version = if one { JsonVersion::One } else { JsonVersion::Zero };
        options.consolidated = consolidated;
        options.templates = if one && template { vec![("u".to_owned(), "s3://b/".to_owned())] } else { Vec::new() };
        let text = match written(&set, &options) {
            Ok(text) => text,
            // Readers would replace what is no template of this set.
            Err(error) => {
                let is_template = |url: &String| url.contains("{{");
                prop_assert!(!options.templates.is_empty() && set.urls.iter().any(is_template), "{}", error);
                return Ok(());
            }
        };
        let (back, stray) = h5refs::read_json(&text, &Limits::default()).unwrap();
        prop_assert_eq!(stray, [""; 0]);
        prop_assert_eq!(told(&back), told(&set));
    }

    #[test]
    fn parquet_is_read_back((_, set) in sets(), record_size in 1_u64..12) {
        let folder = tempfile::tempdir().unwrap();
        let mut options = ParquetOptions::default();
        options.record_size = record_size;
        h5refs::write_parquet(&set, &folder.path().join("set.parq"), &options).unwrap();
        let read = h5refs::read_parquet(&folder.path().join("set.parq"), &Limits::default(), MissingRecords::Refused);
        let (back, stray) = read.unwrap();
        prop_assert_eq!(stray, [""; 0]);
        prop_assert_eq!(told(&back), told(&set));
    }
}
