//! What kerchunk 0.2.10 gets wrong, each as the fact that is right; values are compared with what libhdf5 reads.
//!
//! `tests/format.md` lists them by the same numbers.

use std::collections::BTreeMap;

use h5refs::reference::{Array, Node};
use h5refs::zarr::{Codec, Dtype, FillValue};
use h5refs::{ExternalError, FindExternal, FoundExternal, Input, Options, ReferenceSet, Report, Status};
use serde_json::{Value as Json, json};

use crate::{files, reader, values};

/// A file of `testdata/`, translated, and its bytes.
struct Translated {
    name: String,
    bytes: bytes::Bytes,
    set: ReferenceSet,
    report: Report,
}

fn translated_with(name: &str, change: impl FnOnce(&mut Options)) -> Translated {
    let bytes = files::bytes(name);
    let mut options = Options::new(files::URL);
    change(&mut options);
    let (set, report) = h5refs::references(&Input::from(bytes.clone()), &options).unwrap();
    Translated { name: name.to_owned(), bytes, set, report }
}

fn translated(name: &str) -> Translated {
    translated_with(name, |_| ())
}

impl Translated {
    fn array(&self, key: &str) -> &Array {
        match self.set.node(key) {
            Some(Node::Array(array)) => array,
            other => panic!("{}: {key} is {other:?}", self.name),
        }
    }

    /// An array that has the shape, type, attributes and values that libhdf5 tells.
    fn right(&self, key: &str) -> &Array {
        let path = format!("/{key}");
        let array = self.array(key);
        let expected = &files::expectation(&self.name)["objects"][&path];
        let told = values::compare(&path, array, expected, &self.bytes);
        assert!(told.is_ok(), "{} {path}: {told:?}", self.name);
        array
    }

    fn dimensions(&self, key: &str) -> &Json {
        self.array(key).attributes.get("_ARRAY_DIMENSIONS").unwrap()
    }

    /// The reason for which an object is refused, which then is not in the set.
    fn refused(&self, key: &str) -> String {
        let path = format!("/{key}");
        assert!(self.set.node(key).is_none(), "{}: {path} is in the set", self.name);
        let reason = self.report.refused().find(|(refused, _)| *refused == path);
        reason.unwrap_or_else(|| panic!("{}: {path} is not refused", self.name)).1
    }
}

/// The references of a set as a reader of JSON gets them.
fn written(set: &ReferenceSet) -> BTreeMap<String, Json> {
    let mut text = Vec::new();
    h5refs::write_json(set, &mut text).unwrap();
    let mut document: Json = serde_json::from_slice(&text).unwrap();
    serde_json::from_value(document["refs"].take()).unwrap()
}

/// The bytes of a chunk that is held inline, as fsspec reads them.
fn inline(reference: &Json) -> Vec<u8> {
    let text = reference.as_str().unwrap();
    text.strip_prefix("base64:").map_or_else(|| text.as_bytes().to_vec(), reader::base64)
}

/// 1: the chunks of a dataset are referenced whatever its attributes are.
#[test]
fn an_attribute_of_one_record_costs_no_chunk() {
    let file = translated_with("kerchunk/attributes_of_one_record.h5", |options| options.inline_threshold = 0);
    let array = file.right("d");
    assert_eq!(array.chunks.number, [0, 1]);
    assert_eq!(array.attributes.get("compound"), Some(&json!({"a": 1, "b": 2.5})));
    assert_eq!(array.attributes.get("opaque"), Some(&json!("AQID")));
    assert_eq!(file.report.refused().count(), 0);
}

/// 2: nor does such an attribute of the root group cost the file.
#[test]
fn an_attribute_of_one_record_on_the_root_is_told() {
    let root = &written(&translated("attribute/many_types.h5").set)[".zattrs"];
    let attributes: Json = serde_json::from_str(root.as_str().unwrap()).unwrap();
    assert_eq!((&attributes["compound"], &attributes["opaque"]), (&json!({"a": 1, "b": 2.5}), &json!("AQID")));
}

/// 3: compact data are bytes of the file like any others.
#[test]
fn compact_data_are_referenced_where_nothing_is_held_inline() {
    for name in ["data_layout/compact.h5", "data_layout/compact_v18.h5", "data_layout/compact_large.h5"] {
        let file = translated_with(name, |options| options.inline_threshold = 0);
        assert_eq!((file.right("d").chunks.number.len(), file.array("d").chunks.inline.len()), (1, 0), "{name}");
    }
}

/// 4: so are those of a scalar, inline or not.
#[test]
fn a_compact_scalar_keeps_its_value() {
    for threshold in [0, 500] {
        let file = translated_with("data_layout/compact.h5", |options| options.inline_threshold = threshold);
        assert_eq!(reader::elements(file.right("scalar"), &file.bytes), [2.5_f64.to_le_bytes()]);
    }
}

/// 5: what holds no elements is no array, and that is said.
#[test]
fn a_null_dataspace_is_refused_by_name() {
    let file = translated("dataspace/null.h5");
    assert_eq!(file.refused("d"), "null dataspace holds no elements");
}

/// 6: raw data in other files are referenced there, or refused.
#[test]
fn external_data_are_never_fill_values() {
    let refused = translated("data_layout/external.h5").refused("d");
    assert!(refused.contains("raw data lie in external files"), "{refused}");
    let folder = files::folder().join("data_layout");
    let found = FindExternal::new(move |name| {
        let path = folder.join(name);
        let size = path.metadata().map_err(|error| ExternalError::Absent(error.to_string()))?.len();
        Ok(FoundExternal::new(path.to_str().unwrap(), size))
    });
    let file = translated_with("data_layout/external.h5", |options| options.external = Some(found));
    let chunks = &file.array("d").chunks;
    let mut elements = Vec::new();
    for (n, (offset, length)) in chunks.offset.iter().zip(&chunks.length).enumerate() {
        let raw = std::fs::read(file.set.url(chunks.url(n))).unwrap();
        elements.extend_from_slice(&raw[usize::try_from(*offset).unwrap()..][..usize::try_from(*length).unwrap()]);
    }
    let expected = &files::expectation("data_layout/external.h5")["objects"]["/d"]["values"];
    assert_eq!(elements, reader::base64(expected.as_str().unwrap()));
}

/// 7: virtual datasets, too.
#[test]
fn virtual_data_are_never_fill_values() {
    let same_file = translated("data_layout/virtual_same_file.h5");
    assert!(same_file.right("d").chunks.present() > 0);
    assert!(translated("data_layout/virtual.h5").refused("d").contains("--external-root"));
}

/// 8: an object is there under each of its names.
#[test]
fn every_hard_link_is_emitted() {
    let file = translated("group/hard_links.h5");
    let arrays = ["first", "g/third", "second"].map(|key| file.right(key));
    let same = |array: &&Array| (&array.metadata, &array.chunks) == (&arrays[0].metadata, &arrays[0].chunks);
    assert!(arrays.iter().all(same));
}

/// 9: the labels of dimensions are no attribute of the data.
#[test]
fn labels_of_dimensions_are_hidden() {
    let file = translated("kerchunk/dimension_labels.h5");
    let names: Vec<&str> = file.right("d").attributes.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["_ARRAY_DIMENSIONS"]);
}

/// 10: of two scales on an axis netCDF-C takes the last, and the array stays.
#[test]
fn two_scales_on_one_axis_cost_no_array() {
    let file = translated("kerchunk/two_scales.h5");
    file.right("d");
    assert_eq!(file.dimensions("d"), &json!(["second"]));
}

/// 11: a scale of two dimensions has the names of both.
#[test]
fn a_scale_of_two_dimensions_has_two_names() {
    let file = translated("netcdf/coordinates_2d.nc");
    file.right("z");
    assert_eq!(file.dimensions("z"), &json!(["z", "x"]));
}

/// 12: names of dimensions have no path.
#[test]
fn dimensions_of_groups_are_called_by_their_names() {
    let file = translated("netcdf/groups.nc");
    file.right("g/inherited");
    assert_eq!(file.dimensions("g/inherited"), &json!(["y", "x"]));
    assert_eq!(file.dimensions("g/y"), &json!(["y"]));
}

/// 13: dimensions without a scale have one name for one length, as netCDF-C (4.10.1) numbers them.
#[test]
fn dimensions_of_different_lengths_have_different_names() {
    let file = translated("kerchunk/lengths.h5");
    let expected = [("both", json!(["phony_dim_0", "phony_dim_1"])), ("four", json!(["phony_dim_0"]))];
    for (key, names) in expected.iter().chain(&[("three", json!(["phony_dim_1"]))]) {
        file.right(key);
        assert_eq!(file.dimensions(key), names);
    }
}

/// 14: what is shorter than its unlimited dimension is as long as that, and ends in netCDF's fill value.
#[test]
fn variables_are_as_long_as_their_unlimited_dimension() {
    let file = translated("netcdf/short_records.nc");
    assert_eq!(file.right("short").metadata.shape, [5, 2]);
    assert_eq!(file.right("time").metadata.shape, [5]);
}

/// 15: a variable is called as it was created.
#[test]
fn a_variable_with_the_name_of_another_dimension_keeps_its_name() {
    let file = translated("netcdf/name_of_other_dimension.nc");
    let names: Vec<&str> = file.set.arrays().map(|(key, _)| key).collect();
    assert_eq!(names, ["x", "d"]);
    assert_eq!(file.dimensions("x"), &json!(["y"]));
    let expected = &files::expectation(&file.name)["objects"]["/_nc4_non_coord_x"]["values"];
    let elements = reader::elements(file.array("x"), &file.bytes).concat();
    assert_eq!(elements, reader::base64(expected.as_str().unwrap()));
}

/// 16: a character as `_FillValue` is encoded once.
#[test]
fn a_character_as_fill_value_is_that_character() {
    let file = translated("kerchunk/char_fill.nc");
    let array = file.right("letters");
    let declared = match &array.metadata.fill_value {
        Some(FillValue::Bytes(bytes)) => bytes == b"z",
        other => other.is_none(),
    };
    assert!(declared && array.attributes.get("_FillValue") == Some(&json!("z")), "{:?}", array.metadata);
}

/// 17: records that were never written read as netCDF's own fill value.
#[test]
fn records_never_written_are_netcdfs_fill_value() {
    let file = translated("netcdf/default_fill.nc");
    for key in ["v_i1", "v_u1", "v_i2", "v_i4", "v_i8", "v_f4", "v_f8"] {
        file.right(key);
    }
    assert_eq!(reader::elements(file.array("v_i4"), &file.bytes)[3], (-2_147_483_647_i32).to_le_bytes());
}

/// 18: readers mask what `fill_value` says, so without `_FillValue` it is null.
#[test]
fn zeros_are_zeros_and_nothing_is_masked() {
    for name in ["chunk/btree_v1.h5", "chunk/sparse.h5", "data_layout/contiguous.h5"] {
        let file = translated(name);
        for (key, array) in file.set.arrays() {
            file.right(key);
            assert_eq!(array.metadata.fill_value, None, "{name} {key}");
        }
    }
}

/// 19: two values as `_FillValue` are an attribute.
#[test]
fn a_fill_value_of_two_elements_costs_no_array() {
    let file = translated("kerchunk/fill_of_two.h5");
    assert_eq!(file.right("d").attributes.get("_FillValue"), Some(&json!([-1, -2])));
}

/// 20: checksums are no reason to refuse: one at the end is left out, any other is a codec.
#[test]
fn checksums_are_read() {
    for name in ["filter/fletcher32.h5", "filter/shuffle_gzip_fletcher32.h5"] {
        let file = translated(name);
        for key in ["i4", "f8_be", "i1"] {
            assert!(!file.right(key).metadata.filters.contains(&Codec::Fletcher32), "{name}");
        }
    }
    assert!(translated("filter/fletcher32_first.h5").right("d").metadata.filters.contains(&Codec::Fletcher32));
}

/// 21: filters are undone in the order in which they were done, or the dataset is refused.
#[test]
fn the_order_of_filters_is_kept() {
    let file = translated("filter/fletcher32_first.h5");
    let shuffle = Codec::Shuffle { elementsize: 4 };
    assert_eq!(file.right("d").metadata.filters, [Codec::Fletcher32, shuffle, Codec::Zlib { level: 6 }]);
    // Shuffled last, the bytes are no whole number of elements, which numcodecs refuses: held decoded.
    assert!(translated("filter/gzip_shuffle.h5").right("d").metadata.filters.is_empty());
}

/// 22: a filter that is there twice is undone twice.
#[test]
fn a_filter_may_be_there_twice() {
    let file = translated("filter/gzip_twice.h5");
    assert_eq!(file.right("d").metadata.filters, [Codec::Zlib { level: 1 }, Codec::Zlib { level: 9 }]);
}

/// 23: chunks that all skip the same filters are read without these.
#[test]
fn a_filter_that_all_chunks_skip_is_no_codec() {
    for name in ["filter/mask_uniform.h5", "filter/mask_uniform_v110.h5"] {
        let file = translated(name);
        let codecs = |key| file.right(key).metadata.filters.clone();
        assert!(matches!(codecs("mask_1")[..], [Codec::Zlib { .. }]), "{name}");
        assert!(matches!(codecs("mask_2")[..], [Codec::Shuffle { .. }]), "{name}");
        assert_eq!(codecs("mask_3"), [], "{name}");
    }
}

/// 24: where chunks skip different filters, the odd ones are encoded anew and held inline.
#[test]
fn chunks_may_skip_different_filters() {
    for threshold in [0, 500] {
        let file = translated_with("filter/mask_mixed.h5", |options| options.inline_threshold = threshold);
        file.right("d");
    }
}

/// 25: Zstandard needs no parameters to be read, and its levels may be negative.
#[test]
fn zstandard_is_read_without_parameters_and_at_negative_levels() {
    /// The filter 499 of "applied" in testdata/filter/unknown.h5, with one parameter.
    const UNKNOWN: &[u8] = b"\xf3\x01\x08\0\x01\0\x01\0unknown\0\x06\0\0\0";
    let zstd = |parameters: u8, level: i32| {
        let mut filter = b"\x0f\x7d\x08\0\x01\0".to_vec();
        filter.extend([parameters, 0]);
        filter.extend(b"zstd\0\0\0\0");
        filter.extend(level.to_le_bytes());
        let mut bytes = files::bytes("filter/unknown.h5").to_vec();
        let starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(UNKNOWN)).collect();
        assert_eq!(starts.len(), 2);
        for at in starts {
            bytes[at..at + filter.len()].copy_from_slice(&filter);
        }
        let (set, _) = files::references(bytes.into()).unwrap();
        let document: Json = serde_json::from_str(written(&set)["applied/.zarray"].as_str().unwrap()).unwrap();
        document["filters"].clone()
    };
    assert_eq!(zstd(1, -5), json!([{"id": "zstd", "level": -5}]));
    let default = zstd(0, 0);
    assert!(default[0]["id"] == "zstd" && default[0]["level"].is_i64(), "{default}");
}

/// 26: compounds are structured types, gaps included.
#[test]
fn compounds_are_read_with_and_without_gaps() {
    for name in ["datatype/compound.h5", "datatype/compound_v3.h5"] {
        let file = translated(name);
        let size = |key| match &file.right(key).metadata.dtype {
            Dtype::Structured(fields) => fields.len(),
            other @ Dtype::Simple(_) => panic!("{other:?}"),
        };
        // Three fields; two, and a gap after each.
        assert_eq!((size("packed"), size("padded")), (3, 4), "{name}");
    }
}

/// 27: arrays and opaque bytes are read; long doubles, which Zarr lacks, are refused by name.
#[test]
fn arrays_and_opaque_bytes_are_read_and_long_doubles_are_refused_by_name() {
    assert_eq!(translated("datatype/array.h5").right("d").metadata.shape, [2, 2, 3]);
    assert_eq!(translated("datatype/opaque.h5").right("d").metadata.dtype, Dtype::Simple("|V5".to_owned()));
    let refused = translated("datatype/long_double.h5").refused("d");
    assert!(refused.contains("float of 15 exponent and 64 mantissa bits in 16 bytes"), "{refused}");
}

/// 28: strings of variable length are read, the scalar one too; those that are not UTF-8 are refused by name.
#[test]
fn scalar_strings_of_variable_length_are_read_and_other_bytes_are_refused_by_name() {
    let file = translated("datatype/vlen_strings.h5");
    assert_eq!(reader::elements(file.right("scalar"), &file.bytes), [b"a scalar string"]);
    let file = translated("kerchunk/vlen_latin1.h5");
    file.right("ok");
    assert!(file.refused("d").contains("text that is not UTF-8"), "{}", file.refused("d"));
}

/// 29: sequences are no texts, and references are the paths of what they lead to.
#[test]
fn sequences_are_refused_by_name_and_references_are_paths() {
    let sequences = translated("datatype/vlen_integers.h5").refused("d");
    assert!(sequences.contains("variable-length sequence of int32"), "{sequences}");
    let file = translated("datatype/references.h5");
    file.right("objects");
    file.right("regions");
}

/// 30: bytes that JSON could be made of stay what they are.
#[test]
fn inline_bytes_are_not_changed() {
    let file = translated("kerchunk/texts_like_json.h5");
    let written = written(&file.set);
    let expectation = files::expectation(&file.name);
    for key in ["number", "list", "nan", "template"] {
        let expected = expectation["objects"][format!("/{key}")]["values"][0].as_str().unwrap();
        assert_eq!(inline(&written[&format!("{key}/0")]), expected.as_bytes(), "{key}");
    }
    let expected = expectation["objects"]["/bytes"]["values"].as_str().unwrap();
    assert_eq!(inline(&written["bytes/0"]), reader::base64(expected));
}

/// 31: a text that begins as base64 does is itself.
#[test]
fn a_text_that_begins_as_base64_does_is_not_decoded() {
    let written = written(&translated("kerchunk/texts_like_json.h5").set);
    assert_eq!(inline(&written["base64/0"]), b"base64:AAAA");
}

/// 32: documents inside the references are strict JSON, NaN in them a string.
#[test]
fn attributes_are_strict_json() {
    for name in files::names() {
        for (key, reference) in written(&translated(&name).set) {
            if [".zattrs", ".zarray", ".zgroup"].iter().any(|document| key.ends_with(document)) {
                let document = serde_json::from_str::<Json>(reference.as_str().unwrap());
                assert!(document.is_ok(), "{name} {key}: {reference}");
            }
        }
    }
    let root = &written(&translated("attribute/many_types.h5").set)[".zattrs"];
    let attributes: Json = serde_json::from_str(root.as_str().unwrap()).unwrap();
    assert_eq!(attributes["nan"], "NaN");
    assert_eq!(attributes["specials"], json!(["NaN", "Infinity", "-Infinity", -0.0]));
}

/// 33: what references call the file is a text, in every reference.
#[test]
fn every_reference_has_a_url() {
    let mut references = 0;
    for name in files::names() {
        let file = translated_with(&name, |options| options.inline_threshold = 0);
        for (key, reference) in written(&file.set) {
            match &reference {
                Json::String(_) => {}
                Json::Array(parts) => {
                    let right = matches!(&parts[..], [url, offset, length]
                        if url == files::URL && offset.is_u64() && length.is_u64());
                    assert!(right, "{name} {key}: {reference}");
                    references += 1;
                }
                other => panic!("{name} {key}: {other}"),
            }
        }
    }
    assert!(references > 1000, "{references} references");
}

/// 34: what references are written to is what is given, empty or not, and as often as one likes.
#[test]
fn references_are_written_to_what_is_given() {
    let set = translated("netcdf/cf.nc").set;
    let (mut empty, mut other) = (Vec::new(), b"before ".to_vec());
    h5refs::write_json(&set, &mut empty).unwrap();
    h5refs::write_json(&set, &mut other).unwrap();
    assert_eq!(other.strip_prefix(b"before "), Some(&empty[..]));
    let keys = written(&set);
    assert!(set.nodes.iter().all(|(key, _)| keys.contains_key(format!("{key}/.zattrs").trim_start_matches('/'))));
}

/// 35: scans hold no lock: many at once end, and in the same.
#[test]
fn many_scans_at_once_end_alike() {
    let names = files::names();
    let told = |name: &String| {
        let Translated { set, report, .. } = translated(name);
        (set, serde_json::to_string(&report).unwrap())
    };
    let alone: Vec<_> = names.iter().map(told).collect();
    std::thread::scope(|scope| {
        for first in 0..8 {
            let (names, alone) = (&names, &alone);
            scope.spawn(move || {
                for n in 0..names.len() {
                    let n = (n + first * names.len() / 8) % names.len();
                    assert!(told(&names[n]) == alone[n], "{}", names[n]);
                }
            });
        }
    });
    let arrays = alone.iter().flat_map(|(set, _)| set.arrays()).count();
    assert!(arrays > 100, "{arrays} arrays");
}

/// Nothing is both refused as a whole and in the set.
#[test]
fn what_is_refused_is_not_in_the_set() {
    for name in files::names() {
        let file = translated(&name);
        for outcome in &file.report.outcomes {
            if let Status::Refused(_) = &outcome.status {
                assert!(file.set.node(outcome.path.trim_start_matches('/')).is_none(), "{name} {}", outcome.path);
            }
        }
    }
}
