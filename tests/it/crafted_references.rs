//! Hostile sets of references, one idea each: refused with a reason, or read as it is said here. Nothing is opened.

use std::time::{Duration, Instant};

use h5refs::{Limits, ReferenceSet, read_json};
use serde_json::{Value as Json, json};

/// The longest that one set may take, with much room for a busy machine.
const LONGEST: Duration = Duration::from_secs(20);

/// A name, the text, and what is wanted: a part of the reason, or how many chunks are read and how many keys are stray.
type Case = (&'static str, Vec<u8>, Result<(usize, usize), &'static str>);

fn array() -> Json {
    json!({"zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "<i4", "compressor": null, "filters": null,
        "fill_value": 0, "order": "C"})
}

/// A set of one array with further members, and further references.
fn set(members: Json, refs: Json) -> Vec<u8> {
    let mut set = json!({"version": 1, "refs": {".zgroup": "{\"zarr_format\":2}", "a/.zarray": array().to_string()}});
    let add = |to: &mut Json, from: Json| {
        to.as_object_mut().unwrap().extend(from.as_object().unwrap().clone());
    };
    add(&mut set["refs"], refs);
    add(&mut set, members);
    set.to_string().into_bytes()
}

fn refs(refs: Json) -> Vec<u8> {
    set(json!({}), refs)
}

/// A set whose array has one member that is another.
fn with(member: &str, value: Json) -> Vec<u8> {
    let mut array = array();
    array[member] = value;
    refs(json!({"a/.zarray": array.to_string()}))
}

/// A set with a reference that is no JSON value.
fn raw(text: &str) -> Vec<u8> {
    String::from_utf8(refs(json!({"a/0": "@@"}))).unwrap().replace("\"@@\"", text).into_bytes()
}

fn documents() -> Vec<Case> {
    let whole = refs(json!({"a/0": ["u", 0, 8]}));
    let utf16: Vec<u8> = String::from_utf8(whole.clone()).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let nested = |inner: &str| format!(r#"{{"version":1,"refs":{{"a/.zattrs":{inner}}}}}"#).into_bytes();
    let objects = nested(&[r#"{"x":"#.repeat(100_000), "1".to_owned(), "}".repeat(100_000)].concat());
    vec![
        ("cut off", whole[..whole.len() - 20].to_vec(), Err("\"a/.zarray\": EOF while parsing a string")),
        ("two in one", whole.repeat(2), Err("trailing characters")),
        ("a byte order mark", [&b"\xef\xbb\xbf"[..], &whole].concat(), Err("expected value")),
        ("UTF-16", [&b"\xff\xfe"[..], &utf16].concat(), Err("invalid utf-8 sequence of 1 bytes from index 0")),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), Err("invalid utf-8 sequence of 1 bytes from index 1")),
        ("NULs", vec![0; 64], Err("expected value")),
        ("a comment", [&b"// x\n"[..], &whole].concat(), Err("expected value")),
        ("a bare NaN as a reference", raw("NaN"), Err("expected value")),
        ("a bare NaN in a reference", raw(r#"["u",NaN,8]"#), Err("expected value")),
        ("an offset of 1e400", raw(r#"["u",1e400,8]"#), Err("number out of range")),
        ("100,000 objects in each other", objects, Err("\"a/.zattrs\": recursion limit exceeded")),
        ("100,000 lists in a text", refs(json!({"a/.zarray": "[".repeat(100_000)})), Err("recursion limit exceeded")),
        (
            "100,000 lists in attributes",
            refs(json!({"a/.zattrs": "[".repeat(100_000)})),
            Err("attributes: invalid type: sequence, expected an object of attributes"),
        ),
        ("a document twice", raw(r#"["u",0,8],"a/.zarray":"{}""#), Err("is there twice")),
        ("an attribute twice", refs(json!({"a/.zattrs": r#"{"x":1,"x":2}"#})), Err("attributes: \"x\" is there twice")),
        ("templates twice", raw(r#"["u",0,8]},"templates":{},"templates":{"u":"v""#), Err("templates is there twice")),
        ("a text of 10 MB", refs(json!({"a/.zattrs": json!({"x": "y".repeat(10_000_000)}).to_string()})), Ok((0, 0))),
    ]
}

fn references() -> Vec<Case> {
    let at = |offset: &str, length: &str| raw(&format!(r#"["u",{offset},{length}]"#));
    vec![
        ("an offset of 2^53 + 1", at("9007199254740993", "8"), Ok((1, 0))),
        (
            "an offset of 2^63",
            at("9223372036854775808", "8"),
            Err("8 bytes at 9223372036854775808 are no range of a file"),
        ),
        (
            "an offset of 2^64",
            at("18446744073709551616", "8"),
            Err("invalid type: floating point `1.8446744073709552e+19`, expected u64"),
        ),
        (
            "an end past 2^64",
            at("18446744073709551615", "8"),
            Err("8 bytes at 18446744073709551615 are no range of a file"),
        ),
        ("an offset of 100.0", at("100.0", "8"), Err("invalid type: floating point `100.0`, expected u64")),
        ("an offset of -0", at("-0", "8"), Err("invalid type: floating point `-0.0`, expected u64")),
        ("base64 of no letter", refs(json!({"a/0": "base64:AAAA===="})), Err("base64: Invalid symbol 61, offset 4.")),
        (
            "base64 with a line break",
            refs(json!({"a/0": "base64:AAAA\nAAAAAAA="})),
            Err("base64: Invalid symbol 10, offset 4."),
        ),
        ("base64 that ends inside a byte", refs(json!({"a/0": "base64:A"})), Err("base64: Invalid input length: 1")),
        (
            "base64 with bits to spare",
            refs(json!({"a/0": "base64:AAAAAAAAAAB="})),
            Err("base64: Invalid last symbol 66, offset 10."),
        ),
        (
            "base64 of a document that is no text",
            refs(json!({"a/.zattrs": "base64://///w=="})),
            Err("invalid utf-8 sequence of 1 bytes from index 0"),
        ),
        ("a file that is no text", raw(r#"[{"u":1},0,8]"#), Err("{\"u\":1} is no file")),
        (
            "files that must not be opened",
            refs(json!({"a/0": ["file:///etc/passwd", 0, 8], "a/1": ["/dev/zero"]})),
            Ok((2, 0)),
        ),
        ("an array in a file", refs(json!({"b/.zarray": ["/etc/passwd", 0, 100]})), Ok((0, 1))),
    ]
}

fn keys() -> Vec<Case> {
    let key = |key: &str| refs(json!({ key: ["u", 0, 8] }));
    let megabyte = "k".repeat(1_000_000);
    vec![
        ("a key of 1 MB", key(&megabyte), Err("1000000 exceeds Limits::key_bytes = 65536")),
        (
            "a key of an array of 1 MB",
            refs(json!({ format!("{megabyte}/.zarray"): array().to_string() })),
            Err("1000000 exceeds Limits::key_bytes = 65536"),
        ),
        (
            "a key that leads elsewhere in a document",
            refs(json!({"a/../b/.zattrs": "{}"})),
            Err("has a part that leads elsewhere"),
        ),
        ("a key with an empty part in a document", refs(json!({"a//.zattrs": "{}"})), Err("has an empty part")),
        ("a chunk of 2^64", key("a/18446744073709551616"), Err("lies inside an array, and is none of its chunks")),
        ("a chunk in hexadecimal", key("a/0x1"), Err("lies inside an array, and is none of its chunks")),
        ("a chunk with an exponent", key("a/1e0"), Err("lies inside an array, and is none of its chunks")),
        ("a chunk with a sign", key("a/+1"), Err("lies inside an array, and is none of its chunks")),
        ("a chunk of other digits", key("a/\u{0661}"), Err("lies inside an array, and is none of its chunks")),
        ("a chunk with a blank", key("a/1 "), Err("lies inside an array, and is none of its chunks")),
        ("no chunk", key("a/"), Err("has an empty part")),
        ("an array in an array", refs(json!({"a/b/.zarray": array().to_string()})), Err("lies inside the array a")),
        ("a group that is an array", refs(json!({"a/.zgroup": "{\"zarr_format\":2}"})), Err("is a group and an array")),
    ]
}

fn arrays() -> Vec<Case> {
    let of = |shape: Json, chunks: Json| {
        let array = json!({"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": "<i4", "compressor": null,
            "filters": null, "fill_value": 0, "order": "C"});
        refs(json!({"a/.zarray": array.to_string()}))
    };
    let long = [1_u64 << 40; 3];
    let array = json!({"zarr_format": 2, "shape": long, "chunks": [1, 1, 1], "dtype": "<i4", "compressor": null,
        "filters": null, "fill_value": 0, "order": "C"});
    let last =
        refs(json!({"a/.zarray": array.to_string(), "a/1099511627775.1099511627775.1099511627775": ["u", 0, 4]}));
    let shuffle = json!({"id": "shuffle", "elementsize": 4});
    vec![
        ("a negative shape", of(json!([-1]), json!([1])), Err("shape [-1]")),
        ("a shape of 1.5", of(json!([1.5]), json!([1])), Err("shape [1.5]")),
        ("2^64 - 1 chunks, none of them there", of(json!([u64::MAX]), json!([1])), Ok((0, 0))),
        ("2^120 chunks, none of them there", of(json!(long), json!([1, 1, 1])), Ok((0, 0))),
        ("the last of 2^120 chunks", last, Err("is none of its chunks")),
        (
            "a chunk of 2^120 elements",
            of(json!([1_u64 << 40, 1_u64 << 40, 1_u64 << 40]), json!([1_u64 << 40, 1_u64 << 40, 1_u64 << 40])),
            Err("chunks [1099511627776, 1099511627776, 1099511627776] of more than 2^64 bytes"),
        ),
        ("2^62 chunks, none of them there", of(json!([1_u64 << 62]), json!([1])), Ok((0, 0))),
        ("a chunk of 0", of(json!([4]), json!([0])), Err("chunks [0] of shape [4]")),
        ("a negative chunk", of(json!([4]), json!([-2])), Err("chunks [-2]")),
        ("more chunks than dimensions", of(json!([4]), json!([2, 2])), Err("chunks [2, 2] of shape [4]")),
        ("1,000 dimensions", of(json!(vec![1; 1000]), json!(vec![1; 1000])), Err("shape [1,1,1")),
        ("a type that there is not", with("dtype", json!("<f99")), Err("dtype \"<f99\"")),
        ("a type of 2 GiB", with("dtype", json!("|S2147483648")), Err("dtype \"|S2147483648\"")),
        (
            "a type of 2^64 bytes",
            with("dtype", json!("|S18446744073709551616")),
            Err("dtype \"|S18446744073709551616\""),
        ),
        (
            "100 types in each other",
            with("dtype", (0..100).fold(json!("<i4"), |inner, _| json!([["x", inner]]))),
            Err("recursion limit exceeded"),
        ),
        ("1,000 filters", with("filters", json!(vec![shuffle; 1000])), Err("filters [{")),
        ("a list of compressors", with("compressor", json!([1])), Err("a codec without an id: [1]")),
        (
            "a compressor without a name",
            with("compressor", json!({"level": 1})),
            Err("a codec without an id: {\"level\":1}"),
        ),
        ("an order that there is not", with("order", json!("X")), Err("order \"X\"")),
        (
            "a separator that leads elsewhere",
            with("dimension_separator", json!("..")),
            Err("dimension_separator \"..\""),
        ),
        ("format 3", with("zarr_format", json!(3)), Err("zarr_format 3, and only 2 is read")),
        (
            "an object as a fill value",
            with("fill_value", json!({"a": 1})),
            Err("fill_value {\"a\":1} of dtype \"<i4\""),
        ),
        (
            "NaN as a fill value of integers",
            with("fill_value", json!("NaN")),
            Err("fill_value \"NaN\" of dtype \"<i4\""),
        ),
        (
            "a fill value of 2^40 for 4 bytes",
            with("fill_value", json!(1_u64 << 40)),
            Err("fill_value 1099511627776 of dtype \"<i4\""),
        ),
        ("a fill value of 1.5 for integers", with("fill_value", json!(1.5)), Err("fill_value 1.5 of dtype \"<i4\"")),
        ("no document", refs(json!({"a/.zarray": "hello"})), Err("expected value")),
        ("null as a document", refs(json!({"a/.zarray": "null"})), Err("zarr_format null, and only 2 is read")),
    ]
}

fn templates() -> Vec<Case> {
    let of = |templates: Json, url: &str| set(json!({"templates": templates}), json!({"a/0": [url, 0, 8]}));
    let doubled: serde_json::Map<String, Json> =
        (0..30).map(|n| (format!("t{n}"), json!(format!("{{{{t{0}}}}}{{{{t{0}}}}}", n + 1)))).collect();
    let large = json!({"u": "x".repeat(60_000)});
    let many: serde_json::Map<String, Json> = (0..5000).map(|n| (n.to_string(), json!(["{{u}}", 0, 8]))).collect();
    let generated = |generator: Json| set(json!({"gen": [generator]}), json!({}));
    let of_dimensions = |dimensions: Json| {
        generated(json!({"key": "g/{{i}}", "url": "u", "offset": "{{i*8}}", "length": "8", "dimensions": dimensions}))
    };
    vec![
        (
            "a template of itself",
            of(json!({"u": "{{u}}"}), "{{u}}"),
            Err("the template u has a template in it, which is not supported"),
        ),
        (
            "templates of each other",
            of(json!({"a": "{{b}}", "b": "{{a}}"}), "{{a}}"),
            Err("the template a has a template in it, which is not supported"),
        ),
        (
            "2^30 bytes of 30 templates",
            of(doubled.into(), "{{t0}}"),
            Err("the template t0 has a template in it, which is not supported"),
        ),
        ("a list of templates", of(json!(["u"]), "{{u}}"), Err("invalid type: sequence, expected a map")),
        (
            "5,000 references to one template of 60 KB",
            set(json!({"templates": large.clone()}), many.into()),
            Ok((0, 5000)),
        ),
        (
            "a URL of a template that is too long",
            of(large, "{{u}}{{u}}"),
            Err("a template makes more than 65536 bytes"),
        ),
        (
            "10^9 references",
            of_dimensions(json!({"i": {"stop": 1_000_000_000}})),
            Err("64000000000 exceeds Limits::template_bytes = 268435456"),
        ),
        (
            "no step",
            of_dimensions(json!({"i": {"stop": 5, "step": 0}})),
            Err("gen: a generator whose step is not positive"),
        ),
        (
            "a negative offset",
            of_dimensions(json!({"i": {"start": -1, "stop": 1}})),
            Err("gen: \"{{i*8}}\" is no offset or length"),
        ),
        (
            "an offset past 2^64",
            of_dimensions(json!({"i": [i64::MAX]})),
            Err("gen: \"{{i*8}}\" is no offset or length"),
        ),
        (
            "a key that leads elsewhere",
            generated(json!({"key": "../{{i}}", "url": "u", "dimensions": {"i": {"stop": 1}}})),
            Err("reference ../0: has a part that leads elsewhere"),
        ),
        (
            "a member that there is not",
            generated(json!({"key": "g", "url": "u", "dimensions": {}, "code": "x"})),
            Err("gen: unknown field `code`, expected one of `key`, `url`, `offset`, `length`, `dimensions`"),
        ),
        (
            "9,000 brackets",
            generated(
                json!({"key": format!("{{{{{}1{}}}}}", "(".repeat(9_000), ")".repeat(9_000)), "url": "u", "dimensions": {}}),
            ),
            Err("gen: {{("),
        ),
    ]
}

fn chunks(set: &ReferenceSet) -> usize {
    set.arrays().map(|(_, array)| array.chunks.number.len() + array.chunks.inline.len()).sum()
}

#[test]
fn what_becomes_of_each_crafted_set_is_as_the_table_says() {
    let mut wrong = Vec::new();
    for (name, text, wanted) in [documents(), references(), keys(), arrays(), templates()].into_iter().flatten() {
        let started = Instant::now();
        let read = read_json(&text, &Limits::default());
        let read = read.map(|(set, stray)| (chunks(&set), stray.len())).map_err(|error| error.to_string());
        let is_wanted = match (&read, wanted) {
            (Ok(read), Ok(wanted)) => *read == wanted,
            (Err(reason), Err(wanted)) => reason.contains(wanted),
            _ => false,
        };
        if !is_wanted || started.elapsed() > LONGEST {
            wrong.push(format!("{name}: {wanted:?}, and not {read:.300?} in {:?}", started.elapsed()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
