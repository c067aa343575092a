//! What a file holds, compared with what libhdf5 says: objects, links, attributes, layouts, and where every chunk lies.

use std::collections::{BTreeMap, BTreeSet};

use h5refs::file::{
    Attribute, ChunkTable, Class, Content, Dataset, Extent, FillValue, FilterMasks, Link, LinkKind, Storage,
};
use h5refs::file::{Tree, Value};
use h5refs::{Input, Limits};
use serde_json::{Map, Value as Json, json};

use crate::element::Simple;
use crate::files;

/// Fill values that are never written: libhdf5 tells them all the same, and reads whatever was in memory.
const NEVER_WRITTEN: [(&str, &str); 1] = [("netcdf/default_fill.nc", "/no_fill")];

/// Virtual datasets whose sources have grown or gone since their shape was stored: libhdf5 tells that of the sources, the tree the stored one.
const OUTDATED: [(&str, &str); 4] = [
    ("data_layout/virtual_refused.h5", "/no_shots"),
    ("data_layout/virtual_unlimited.h5", "/copy_outdated"),
    ("data_layout/virtual_unlimited.h5", "/shots_outdated"),
    ("data_layout/virtual_unlimited.h5", "/turns_outdated"),
];

#[test]
fn every_file_has_an_expectation_and_every_expectation_a_file() {
    let stems = |names: Vec<String>| -> Vec<String> {
        names.iter().map(|name| name.rsplit_once('.').unwrap().0.to_owned()).collect()
    };
    assert_eq!(stems(files::with_extension(&["h5", "nc", "nc3"])), stems(files::with_extension(&["json"])));
    assert!(files::names().len() > 150, "testdata is incomplete");
}

#[test]
fn each_file_holds_what_libhdf5_says() {
    let mut differences = Vec::new();
    for name in files::names() {
        let tree = h5refs::tree(&Input::from(files::bytes(&name)), Limits::unlimited()).unwrap();
        differences.extend(differ(&name, &tree, files::expectation(&name)));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Where what a file holds is not what is expected.
pub(crate) fn differ(name: &str, tree: &Tree, mut expected: Json) -> Vec<String> {
    let mut found = describe(tree);
    for (path, object) in expected["objects"].as_object_mut().unwrap() {
        let object = object.as_object_mut().unwrap();
        let mut found = found["objects"][path].as_object_mut();
        if NEVER_WRITTEN.contains(&(name, path.as_str())) {
            object["fill"] = Json::Null;
        }
        if OUTDATED.contains(&(name, path.as_str())) {
            let stored = found.as_mut().map(|found| std::mem::replace(&mut found["shape"], object["shape"].clone()));
            assert_ne!(stored.as_ref(), Some(&object["shape"]), "{name} {path}");
        }
        prepare(object, found, tree.find(path).and_then(|object| object.dataset()));
    }
    expected.as_object_mut().unwrap().remove("h5py");
    let mut differences = Vec::new();
    compare(name, &found, &expected, &mut differences);
    differences
}

#[test]
fn attributes_come_in_order_of_creation_where_it_is_tracked() {
    let names = |file: &str, path: &str| -> Vec<String> {
        let tree = h5refs::tree(&Input::from(files::bytes(file)), Limits::default()).unwrap();
        tree.find(path).unwrap().attributes().iter().map(|attribute| attribute.name.clone()).collect()
    };
    assert_eq!(names("object_header/v2_creation_order.h5", "/z"), ["z", "a", "m"]);
    assert_eq!(names("object_header/v2_creation_order.h5", "/"), ["z", "a", "m"]);
    let dense: Vec<String> = (0..20).map(|n| format!("attribute_{:02}", n * 7 % 20)).collect();
    assert_eq!(names("attribute/dense_creation_order.h5", "/d"), dense);
}

/// Makes an expectation and what was found comparable: values are compared elsewhere.
fn prepare(expected: &mut Map<String, Json>, found: Option<&mut Map<String, Json>>, dataset: Option<&Dataset>) {
    let (dtype, fill) = (expected.remove("dtype"), expected.remove("fill"));
    expected.remove("values");
    expected.remove("sha256");
    if let (Some(Json::String(dtype)), Some(fill), Some(dataset)) = (dtype, fill, dataset) {
        expected.extend(expected_fill(&dtype, &fill, dataset).map(|fill| ("fill".to_owned(), fill)));
    }
    let Some(found) = found else { return };
    if !expected.contains_key("fill") {
        found.remove("fill");
    }
}

/// The fill value as an element of the dataset's own type, where that is NumPy's.
fn expected_fill(dtype: &str, fill: &Json, dataset: &Dataset) -> Option<Json> {
    let simple = Simple::parse(dtype)?;
    // Where not all bits count, libhdf5 sets the others as it likes.
    let full = match &dataset.datatype.class {
        Class::FixedPoint { bits, .. } => usize::from(bits.precision) == simple.size * 8,
        _ => true,
    };
    let comparable = full && simple.size == usize::try_from(dataset.datatype.size).unwrap();
    match fill {
        _ if !comparable => None,
        Json::Null => Some(Json::Null),
        Json::Object(_) => None,
        value => {
            let mut element = simple.encode(value);
            simple.make_little(&mut element);
            Some(json!(element))
        }
    }
}

/// Notes where two documents differ.
fn compare(at: &str, found: &Json, expected: &Json, differences: &mut Vec<String>) {
    match (found, expected) {
        (Json::Object(a), Json::Object(b))
            if a.contains_key("unrepresentable") && b.contains_key("unrepresentable") =>
        {
            let (a, b) = (a["unrepresentable"].as_str().unwrap(), b["unrepresentable"].as_str().unwrap());
            // A typed refusal is told in words of its own.
            if !a.starts_with("datatype ") && !b.starts_with(a) {
                differences.push(format!("{at}: {a}, expected {b}"));
            }
        }
        (Json::Object(found), Json::Object(expected)) => {
            let keys: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
            for key in keys {
                let value = |object: &Map<String, Json>| object.get(key).cloned().unwrap_or_else(|| json!("<absent>"));
                compare(&format!("{at} {key}"), &value(found), &value(expected), differences);
            }
        }
        _ if found == expected => {}
        _ => differences.push(format!("{at}: {found}, expected {expected}")),
    }
}

/// A tree in the form of an expectation.
fn describe(tree: &Tree) -> Json {
    let mut objects = Map::new();
    let mut links = Map::new();
    let mut paths = BTreeMap::new();
    for object in &tree.objects {
        paths.entry(object.address).or_insert(object.path.as_str());
    }
    for object in &tree.objects {
        let mut entry = match object.node.content.as_ref().unwrap() {
            Content::Dataset(dataset) => describe_dataset(dataset),
            Content::Datatype(_) => json!({"kind": "datatype"}),
            _ => json!({"kind": "group"}),
        };
        entry["attributes"] = describe_attributes(object.node.attributes.as_ref().unwrap(), &paths);
        objects.insert(object.path.clone(), entry);
    }
    for link in &tree.links {
        match describe_link(link) {
            Some(text) => drop(links.insert(link.path.clone(), text.into())),
            // libhdf5 lists a group that lies in itself without what it holds.
            None => drop(objects.insert(link.path.clone(), json!({"kind": "group", "attributes": {}}))),
        }
    }
    json!({"objects": objects, "links": links})
}

fn describe_link(link: &Link) -> Option<String> {
    match &link.kind {
        LinkKind::Soft { target, .. } => Some(format!("soft -> {target}")),
        LinkKind::External { file, path } => Some(format!("external -> {file}:{path}")),
        LinkKind::Loop { .. } => None,
        other => panic!("{}: {other:?}", link.path),
    }
}

fn describe_dataset(dataset: &Dataset) -> Json {
    let space = &dataset.dataspace;
    let null = space.extent == Extent::Null;
    let chunks = if let Storage::Chunked { chunk, .. } = &dataset.storage { json!(chunk) } else { Json::Null };
    let filters = dataset.filters.filters.iter().map(|filter| json!([filter.id, filter.client_data]));
    // External files are a property of a contiguous layout.
    let layout = dataset.storage.name().replace("external", "contiguous");
    json!({
        "kind": "dataset",
        "shape": if null { Json::Null } else { json!(space.dimensions) },
        "maxshape": if null { Json::Null } else { json!(space.maximum) },
        "layout": layout,
        "chunks": chunks,
        "filters": filters.collect::<Vec<_>>(),
        "fill": describe_fill(dataset),
        "storage": describe_storage(dataset),
    })
}

fn describe_fill(dataset: &Dataset) -> Json {
    match &dataset.fill {
        FillValue::Undefined => Json::Null,
        FillValue::Default => json!(vec![0; usize::try_from(dataset.datatype.size).unwrap()]),
        FillValue::Value(element) => json!(ended(&dataset.datatype, element)),
    }
}

/// An element as libhdf5 reads it: of a null-terminated text nothing behind its first NUL.
fn ended(datatype: &h5refs::file::Datatype, element: &[u8]) -> Vec<u8> {
    use h5refs::file::{Class, Padding};
    let mut element = element.to_vec();
    let is_terminated = matches!(&datatype.class, Class::String(text) if text.padding == Padding::NullTerminated);
    if let Some(end) = element.iter().position(|byte| *byte == 0).filter(|_| is_terminated) {
        element[end..].fill(0);
    }
    element
}

fn describe_storage(dataset: &Dataset) -> Json {
    match &dataset.storage {
        Storage::Contiguous { offset: Some(offset), length } if *length > 0 => {
            json!([[vec![0; dataset.dataspace.dimensions.len()], offset, length, 0]])
        }
        Storage::Chunked { chunks: Some(Ok(table)), .. } => describe_chunks(table),
        Storage::Chunked { chunks: Some(Err(error)), .. } => error.to_string().into(),
        Storage::Chunked { chunks: None, .. } => "not read".into(),
        _ => json!([]),
    }
}

fn describe_chunks(table: &ChunkTable) -> Json {
    let rows = (0..table.len()).map(|n| {
        let mut rest = table.number[n];
        let mut index: Vec<u64> = Vec::new();
        for size in table.grid.iter().rev() {
            index.insert(0, rest % size);
            rest /= size;
        }
        let mask = match &table.masks {
            FilterMasks::Uniform(mask) => *mask,
            FilterMasks::Each(masks) => masks[n],
        };
        json!([index, table.offset[n], table.size[n], mask])
    });
    rows.collect()
}

/// Paths by address.
type Paths<'a> = BTreeMap<u64, &'a str>;

fn describe_attributes(attributes: &[Attribute], paths: &Paths<'_>) -> Json {
    let described = attributes.iter().map(|attribute| {
        let value = describe_attribute(attribute, paths);
        (attribute.name.clone(), value.unwrap_or_else(|why| json!({"unrepresentable": why})))
    });
    Json::Object(described.collect())
}

/// A value, or why it has no JSON form.
fn describe_attribute(attribute: &Attribute, paths: &Paths<'_>) -> Result<Json, String> {
    let values = attribute.values.as_ref().map_err(ToString::to_string)?;
    if attribute.is_null() {
        return Ok(Json::Null);
    }
    let mut level: Vec<Json> = values.iter().map(|value| describe_value(value, paths)).collect::<Result<_, _>>()?;
    for size in attribute.dataspace.dimensions.iter().rev() {
        let size = usize::try_from(*size).unwrap();
        level = if size == 0 { vec![json!([])] } else { level.chunks(size).map(|row| json!(row)).collect() };
    }
    Ok(level.pop().unwrap())
}

fn describe_value(value: &Value, paths: &Paths<'_>) -> Result<Json, String> {
    match value {
        Value::Signed(n) => Ok(json!(n)),
        Value::Unsigned(n) => Ok(json!(n)),
        Value::Float(x) if x.is_nan() => Ok(json!("NaN")),
        Value::Float(x) if x.is_infinite() => Ok(json!(if *x > 0.0 { "Infinity" } else { "-Infinity" })),
        Value::Float(x) => Ok(json!(x)),
        Value::Boolean(value) => Ok(json!(value)),
        Value::Text(text) => Ok(json!(text)),
        Value::Sequence(values) => values.iter().map(|value| describe_value(value, paths)).collect(),
        Value::NotUtf8(bytes) => {
            let hex = bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            Err(format!("bytes that are not UTF-8: {hex}"))
        }
        Value::Opaque(bytes) => Err(format!("opaque, {} bytes", bytes.len())),
        Value::Compound(_) => Err("compound".to_owned()),
        Value::Complex(..) => Err("complex".to_owned()),
        Value::Reference(None) => Err("object reference to nothing".to_owned()),
        Value::Reference(Some(address)) => Err(format!("object reference to {}", paths[address])),
        Value::Region(_) => Err("region reference".to_owned()),
        other => panic!("the test knows no value {other:?}"),
    }
}
