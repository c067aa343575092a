//! Any texts as a template, as a URL with templates and as what a generator makes URLs and offsets of.

#![no_main]

use h5refs::read_json;
use h5refs_fuzz::{assert_read_back, limits};
use serde_json::json;

libfuzzer_sys::fuzz_target!(|texts: (&str, &str, &str, &str, Option<(i16, i16, i8)>)| {
    let (name, template, url, offset, range) = texts;
    let array = json!({"zarr_format": 2, "shape": [8], "chunks": [1], "dtype": "|u1", "order": "C", "fill_value": null,
        "compressor": null, "filters": null});
    let mut document = json!({"version": 1, "templates": {name: template},
        "refs": {".zgroup": "{\"zarr_format\":2}", "a/.zarray": array.to_string()}});
    match range {
        None => document["refs"]["a/0"] = json!([url]),
        Some((start, stop, step)) => {
            document["gen"] = json!([{"key": "a/{{i}}", "url": url, "offset": offset, "length": "1",
                "dimensions": {"i": {"start": start, "stop": stop, "step": step}}}]);
        }
    }
    if let Ok((set, _)) = read_json(document.to_string().as_bytes(), &limits()) {
        assert_read_back(&set);
        assert!(set.urls.iter().all(|url| url.len() <= 2 << 16), "a URL that is too long");
    }
});
