//! Arrays read through references, compared with what libhdf5 reads; what is refused is refused for a reason listed here.

use std::collections::BTreeMap;

use h5refs::reference::{Array, Node};
use h5refs::zarr::{Attributes, Codec, Dtype, Field};
use h5refs::{ReferenceSet, Status};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::refused::REFUSED;
use crate::{element, files, reader};

/// Space-padded texts, which are referenced as they are stored; libhdf5 strips the spaces where h5py asks it for NUL-padded ones.
const SPACE_PADDED: [&str; 2] = ["/spacepad_ascii", "/spacepad_utf8"];

/// Whether the reader here does not have one of the codecs: `.ci/interop/` compares the values, `golden.rs` where the chunks lie, and
/// `file/filters.rs` what this crate decodes.
fn is_foreign(array: &Array) -> bool {
    array.metadata.filters.iter().any(|codec| matches!(codec, Codec::Blosc { .. }))
}

/// A variable shorter than its unlimited dimension, which has 5 records: netCDF reads its own fill value in those that are missing.
const SHORT: (&str, u64, i32) = ("/short", 5, -2_147_483_647);

#[test]
fn each_array_reads_as_libhdf5_reads_it() {
    let mut wrong = Vec::new();
    for name in files::names() {
        let bytes = files::bytes(&name);
        let (set, report) = files::references(bytes.clone()).unwrap();
        let statuses: BTreeMap<&str, &Status> =
            report.outcomes.iter().rev().map(|outcome| (outcome.path.as_str(), &outcome.status)).collect();
        let expectation = files::expectation(&name);
        for (path, expected) in expectation["objects"].as_object().unwrap() {
            let told = match (statuses.get(path.as_str()), expected["kind"].as_str().unwrap()) {
                (Some(Status::Array { .. }), "dataset") => match array(&set, path) {
                    Some(array) if is_foreign(array) => compare_type(path, array, expected),
                    Some(array) => compare(path, array, expected, &bytes),
                    None => Err("it is not in the set".to_owned()),
                },
                (Some(status), kind) if is_right(status, kind, &expected["attributes"]) => Ok(()),
                (status, kind) => Err(format!("a {kind} became {status:?}")),
            };
            wrong.extend(told.err().map(|error| format!("{name} {path}: {error}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_refused_is_refused_for_the_reason_that_is_listed() {
    let refused = files::names().into_iter().flat_map(|name| {
        let (_, report) = files::references(files::bytes(&name)).unwrap();
        let refused: Vec<_> = report.refused().map(|(path, why)| (name.clone(), path.to_owned(), why)).collect();
        refused
    });
    let refused: Vec<(String, String, String)> = refused.collect();
    let lists = |(file, path, why): &(String, String, String)| {
        let is_path = |p: &str| p.strip_suffix('*').map_or(p == path, |start| path.starts_with(start));
        REFUSED.iter().position(|(f, p, reason)| f == file && is_path(p) && why.contains(reason))
    };
    let unlisted: Vec<_> = refused.iter().filter(|refusal| lists(refusal).is_none()).collect();
    assert!(unlisted.is_empty(), "{unlisted:#?}");
    let found: Vec<usize> = refused.iter().filter_map(lists).collect();
    let unneeded: Vec<_> = (0..REFUSED.len()).filter(|n| !found.contains(n)).map(|n| REFUSED[n]).collect();
    assert!(unneeded.is_empty(), "not refused: {unneeded:#?}");
}

#[test]
fn a_soft_link_to_an_array_is_that_array_and_no_other_link_is_one() {
    for name in ["group/soft_links.h5", "group/soft_links_compact.h5"] {
        let (set, report) = files::references(files::bytes(name)).unwrap();
        let arrays: Vec<&str> = set.arrays().map(|(path, _)| path).collect();
        assert_eq!(arrays, ["g/d", "to_dataset", "g/relative"]);
        assert!(arrays.iter().all(|path| set.node(path) == set.node("g/d")));
        let listed = |path: &str| match &report.outcomes.iter().find(|outcome| outcome.path == path).unwrap().status {
            Status::Listed(what) => what.clone(),
            other => panic!("{path} became {other:?}"),
        };
        assert_eq!(listed("/dangling"), "a soft link to /nowhere, which is not there");
        assert_eq!(listed("/loop_a"), "a soft link to /loop_b, which is not there");
        assert_eq!(listed("/to_group"), "a soft link to /g");
    }
}

/// Whether an object that is no array in the set is rightly none.
fn is_right(status: &Status, kind: &str, attributes: &Json) -> bool {
    let without_variable = || {
        let name = attributes["NAME"].as_str().unwrap_or_default();
        name.starts_with("This is a netCDF dimension but not a netCDF variable.")
    };
    match (status, kind) {
        // For the reasons that are listed.
        (Status::Refused(_), _) | (Status::Group, "group") => true,
        (Status::Listed(what), "group") => what == "a hard link to a group that it lies in",
        (Status::Listed(what), "datatype") => what.starts_with("a committed datatype: "),
        (Status::Listed(what), "dataset") => what == "a dimension without variable" && without_variable(),
        _ => false,
    }
}

/// The array of a dataset; netCDF-C's prefix of a variable that has a dimension's name is not part of its own, and a backslash is told
/// as a URL has it.
pub(crate) fn array<'a>(set: &'a ReferenceSet, path: &str) -> Option<&'a Array> {
    let key = path.trim_start_matches('/').replace("_nc4_non_coord_", "").replace('\\', "%5C");
    match set.node(&key) {
        Some(Node::Array(array)) => Some(array),
        _ => None,
    }
}

pub(crate) fn compare(path: &str, array: &Array, expected: &Json, file: &[u8]) -> Result<(), String> {
    compare_type(path, array, expected)?;
    compare_attributes(&array.attributes, array, &expected["attributes"])?;
    let mut elements = reader::elements(array, file);
    if path == SHORT.0 {
        let read: u64 = expected["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap()).product();
        let padding = elements.split_off(usize::try_from(read).unwrap());
        assert!(padding.iter().all(|element| *element == SHORT.2.to_le_bytes()), "{padding:x?}");
    }
    if let Some(sha256) = expected["sha256"].as_str() {
        let found = format!("{:x}", Sha256::digest(elements.concat()));
        return if found == sha256 { Ok(()) } else { Err(format!("the values hash to {found}, not {sha256}")) };
    }
    let same = match &expected["values"] {
        Json::String(base64) => elements.concat() == reader::base64(base64),
        Json::Array(texts) => {
            let padding = if SPACE_PADDED.contains(&path) { ' ' } else { '\0' };
            let found = elements.iter().map(|element| text(array, element, padding));
            found.eq(texts.iter().map(Json::as_str))
        }
        other => return Err(format!("libhdf5 reads {other}, and the test cannot compare that")),
    };
    if same { Ok(()) } else { Err(format!("the values are {elements:x?}, not {}", expected["values"])) }
}

/// A text as NumPy has it: of a fixed one, the padding at the end does not count.
fn text<'a>(array: &Array, element: &'a [u8], padding: char) -> Option<&'a str> {
    let text = std::str::from_utf8(element).ok()?;
    Some(if element::size(&array.metadata.dtype) > 0 { text.trim_end_matches(padding) } else { text })
}

/// The shape, and NumPy's type as far as both sides have the same words for it.
fn compare_type(path: &str, array: &Array, expected: &Json) -> Result<(), String> {
    let mut shape: Vec<Json> = expected["shape"].as_array().unwrap().clone();
    if path == SHORT.0 {
        shape[0] = SHORT.1.into();
    }
    let mut dtype = &expected["dtype"];
    while let Some([of_array]) = dtype.as_array().map(Vec::as_slice).filter(|fields| fields[0][0] == "") {
        shape.extend_from_slice(of_array[2].as_array().unwrap());
        dtype = &of_array[1];
    }
    let same = match &array.metadata.dtype {
        Dtype::Simple(found) => dtype == found,
        Dtype::Structured(found) => {
            let expected = flat("", dtype);
            let alike = |(found, expected): (&Field, &(String, String))| {
                found.1 == expected.1 && (found.0 == expected.0 || expected.0.is_empty() || expected.0.ends_with('.'))
            };
            found.len() == expected.len() && found.iter().zip(&expected).all(alike)
        }
    };
    let found: Vec<Json> = array.metadata.shape.iter().map(|size| Json::from(*size)).collect();
    if !same || found != shape {
        return Err(format!("it is {found:?} of {:?}, not {shape:?} of {dtype}", array.metadata.dtype));
    }
    Ok(())
}

/// The fields of a type of NumPy one after another, named by the way that leads to them; padding has no name.
fn flat(name: &str, dtype: &Json) -> Vec<(String, String)> {
    let inside = |step: &str| if name.is_empty() { step.to_owned() } else { format!("{name}.{step}") };
    let Some(fields) = dtype.as_array() else { return vec![(name.to_owned(), dtype.as_str().unwrap().to_owned())] };
    let field = |field: &Json| {
        let positions: Vec<u64> =
            field[2].as_array().into_iter().flatten().map(|size| size.as_u64().unwrap()).collect();
        let name = inside(field[0].as_str().unwrap());
        let mut names = vec![name];
        for size in positions {
            names = names.iter().flat_map(|name| (0..size).map(move |n| format!("{name}.{n}"))).collect();
        }
        names.into_iter().flat_map(|name| flat(&name, &field[1])).collect::<Vec<_>>()
    };
    fields.iter().flat_map(field).collect()
}

/// Attributes that have a JSON form: one element is told without a list, no element as an empty text.
fn compare_attributes(found: &Attributes, array: &Array, expected: &Json) -> Result<(), String> {
    for (name, value) in expected.as_object().unwrap() {
        let moved = name == "_FillValue" && array.metadata.fill_value.is_some();
        if value.get("unrepresentable").is_some() || hidden(name) || moved {
            continue;
        }
        // NaN needs no masking, and would be text among numbers.
        let numbers: Vec<Json> = value.as_array().into_iter().flatten().filter(|one| **one != "NaN").cloned().collect();
        let without_nan = Json::from(numbers.clone());
        let mut value = if name == "missing_value" && !numbers.is_empty() { &without_nan } else { value };
        while let Some([one]) = value.as_array().map(Vec::as_slice) {
            value = one;
        }
        let null = Json::from("");
        let value = if value.is_null() { &null } else { value };
        if found.get(name) != Some(value) {
            return Err(format!("attribute {name} is {:?}, not {value}", found.get(name)));
        }
    }
    let hidden: Vec<&str> = found.iter().map(|(name, _)| name).filter(|name| hidden(name)).collect();
    if hidden.is_empty() { Ok(()) } else { Err(format!("{hidden:?} are netCDF's own attributes")) }
}

/// Attributes that carry netCDF's model and are not shown.
fn hidden(name: &str) -> bool {
    let scales = ["CLASS", "NAME", "DIMENSION_LIST", "DIMENSION_LABELS", "REFERENCE_LIST"];
    scales.contains(&name) || name.starts_with("_Netcdf4") || ["_NCProperties", "_nc3_strict"].contains(&name)
}
