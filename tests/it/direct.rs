//! Elements that are read out of the file directly, compared with what libhdf5 reads. `.ci/differential.py` compares more, by what h5py
//! reads now.

use std::collections::BTreeSet;
use std::ops::Range;

use h5refs::file::{Content, Tree, Value};
use h5refs::{ExternalError, FindExternal, FoundExternal, Input, MissingSources, ReadOptions, Reader, Scan, Step};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::element::Simple;
use crate::{files, reader};

/// What is refused though the expectation has values, and why: h5py has no form of times either, and of `/lost` other values than were
/// written.
const REFUSED: [(&str, &str, &str); 7] = [
    ("datatype/time.h5", "/d", "datatype time has no Zarr v2 form"),
    ("group/external_links_target.h5", "/refused", "datatype time has no Zarr v2 form"),
    ("filter/unknown.h5", "/applied", "filter 499 (unknown) would have to be undone or applied, which is not done"),
    (
        "filter/nbit_records.h5",
        "/lost",
        "chunk at 0x10ae: nbit stream of members after an array of records or of arrays does not decode (at 0x10ae)",
    ),
    ("data_layout/virtual_refused.h5", "/of_itself", "virtual dataset: it is a source of itself"),
    ("data_layout/virtual_refused.h5", "/other_type", "virtual dataset: a source has elements of another datatype"),
    ("filter/registered.h5", "/sz", "filter 32017 (sz) would have to be undone or applied, which is not done"),
];

/// Finds files beside a file of `testdata/`.
pub(crate) fn beside(name: &str) -> FindExternal {
    let folder = files::folder().join(name).parent().unwrap().to_owned();
    FindExternal::new(move |name| {
        let path = folder.join(name);
        let size = std::fs::metadata(&path).map_err(|error| ExternalError::Absent(error.to_string()))?.len();
        Ok(FoundExternal::new(name, size).opened_by(move || Input::open(&path)))
    })
}

fn options(name: &str) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.external = Some(beside(name));
    options.missing = MissingSources::Fill;
    options.own_name = name.rsplit_once('/').map(|(_, name)| name.to_owned());
    options
}

/// An element as NumPy has it in little-endian bytes; `None` for those that have no such form.
fn element(value: &Value, simple: Simple) -> Option<Vec<u8>> {
    let json = match value {
        Value::Signed(n) => Json::from(*n),
        Value::Unsigned(n) => Json::from(*n),
        Value::Boolean(value) => Json::from(*value),
        Value::Float(x) if x.is_finite() => Json::from(*x),
        Value::Text(text) => Json::from(text.as_str()),
        Value::Complex(real, imaginary) => {
            let part = Simple { kind: 'f', size: simple.size / 2, ..simple };
            return Some([element(&Value::Float(*real), part)?, element(&Value::Float(*imaginary), part)?].concat());
        }
        _ => return None,
    };
    Some(simple.encode(&json))
}

/// Whether elements are those that libhdf5 read; `None` where the expectation has another form.
fn is_same(tree: &Tree, elements: &[Value], expected: &Json) -> Option<bool> {
    if let Json::Array(texts) = &expected["values"] {
        let path = |address| tree.objects.iter().find(|object| object.address == address).map(|object| &*object.path);
        let found = elements.iter().map(|element| match element {
            Value::Text(text) => Some(text.as_str()),
            Value::Reference(address) | Value::Region(address) => address.map_or(Some(""), path),
            _ => None,
        });
        return Some(found.eq(texts.iter().map(Json::as_str)));
    }
    let simple = Simple::parse(expected["dtype"].as_str()?)?;
    let found: Vec<Vec<u8>> = elements.iter().map(|value| element(value, simple)).collect::<Option<_>>()?;
    match (&expected["values"], &expected["sha256"]) {
        (_, Json::String(sha256)) => Some(format!("{:x}", Sha256::digest(found.concat())) == *sha256),
        (Json::String(base64), _) => Some(found.concat() == reader::base64(base64)),
        _ => None,
    }
}

#[test]
fn elements_are_those_that_libhdf5_reads() {
    let (mut wrong, mut compared, mut refused) = (Vec::new(), 0, BTreeSet::new());
    for name in files::names() {
        let input = Input::open(files::folder().join(&name)).unwrap();
        let Ok(tree) = h5refs::tree(&input, h5refs::Limits::default()) else { continue };
        let reader = Reader::open(&input, options(&name)).unwrap();
        let expectation = files::expectation(&name);
        for object in tree.objects.iter().filter(|object| matches!(object.node.content, Ok(Content::Dataset(_)))) {
            let expected = &expectation["objects"][&object.path];
            if expected.get("values").is_none() && expected.get("sha256").is_none() {
                continue;
            }
            let dataset = reader.dataset(&object.path);
            let whole = |shape: &[u64]| shape.iter().map(|size| 0..*size).collect::<Vec<Range<u64>>>();
            match dataset.and_then(|dataset| dataset.elements(&whole(dataset.shape()))) {
                Ok(elements) => {
                    let same = is_same(&tree, &elements, expected);
                    compared += usize::from(same.is_some());
                    wrong.extend((same == Some(false)).then(|| format!("{name} {}: {elements:?}", object.path)));
                }
                Err(error) => {
                    let told = error.to_string();
                    match REFUSED.iter().find(|(file, path, why)| (*file, *path, *why) == (&name, &object.path, &told))
                    {
                        Some(listed) => assert!(refused.insert(listed)),
                        None => wrong.push(format!("{name} {}: {told}", object.path)),
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 1_500, "{compared}");
    assert_eq!(refused.len(), REFUSED.len());
}

/// Boxes of a dataset and what is cut out of all of it: every third index or so in each dimension, as a start and an end.
fn boxes(shape: &[u64]) -> Vec<Vec<Range<u64>>> {
    let mut boxes = vec![Vec::new()];
    for size in shape {
        let step = (size / 3).max(1);
        let cuts: Vec<u64> = (0..*size).step_by(usize::try_from(step).unwrap()).chain([*size]).collect();
        let ranges =
            cuts.iter().flat_map(|from| cuts.iter().map(move |to| *from..*to)).filter(|range| range.start <= range.end);
        let ranges: Vec<_> = ranges.collect();
        let inside = |one: &Vec<Range<u64>>| {
            let one = one.clone();
            ranges.iter().map(move |range| [one.as_slice(), std::slice::from_ref(range)].concat()).collect::<Vec<_>>()
        };
        boxes = boxes.iter().flat_map(inside).collect();
        // Some of them are enough: there are datasets of 32 dimensions.
        let step = boxes.len().div_ceil(60);
        boxes = boxes.into_iter().step_by(step).collect();
    }
    boxes
}

fn cut(bytes: &[u8], shape: &[u64], slice: &[Range<u64>]) -> Vec<u8> {
    let Some((first, rest)) = shape.split_first() else { return bytes.to_vec() };
    let row = bytes.len() / usize::try_from(*first).unwrap().max(1);
    let rows = bytes.chunks(row.max(1)).enumerate();
    let wanted = rows.filter(|(n, _)| slice[0].contains(&u64::try_from(*n).unwrap()));
    wanted.flat_map(|(_, row)| cut(row, rest, &slice[1..])).collect()
}

#[test]
fn any_box_is_the_cut_of_the_whole() {
    let (mut compared, mut storages) = (0, BTreeSet::new());
    for name in files::names() {
        let input = Input::open(files::folder().join(&name)).unwrap();
        let Ok(tree) = h5refs::tree(&input, h5refs::Limits::default()) else { continue };
        let reader = Reader::open(&input, options(&name)).unwrap();
        for object in tree.objects.iter().filter(|object| object.dataset().is_some()) {
            let Ok(dataset) = reader.dataset(&object.path) else { continue };
            let size = u64::from(dataset.dataset().datatype.size);
            if dataset.shape().iter().fold(size, |n, size| n.saturating_mul(*size)) > 100_000 {
                continue;
            }
            let Ok(whole) = dataset.read_all() else { continue };
            storages.insert(dataset.dataset().storage.name());
            for slice in boxes(&whole.shape) {
                let found = dataset.read(&slice).unwrap();
                let expected =
                    if whole.bytes.is_empty() { Vec::new() } else { cut(&whole.bytes, &whole.shape, &slice) };
                assert!(found.bytes == expected, "{name} {} {slice:?}", object.path);
                compared += 1;
            }
        }
    }
    assert_eq!(storages, ["chunked", "compact", "contiguous", "external", "virtual"].into());
    assert!(compared > 10_000, "{compared}");
}

#[test]
fn a_read_that_fetches_its_bytes_is_the_same() {
    for (name, path, slice) in [
        ("filter/gzip_shuffle.h5", "/d", None),
        ("data_layout/virtual_same_file.h5", "/d", None),
        ("chunk/btree_v2.h5", "/d", Some(vec![1..4, 2..3])),
    ] {
        let bytes = files::bytes(name);
        let here = h5refs::read(&Input::from(bytes.clone()), path, slice.as_deref(), &ReadOptions::default()).unwrap();
        let mut scan = Scan::values(bytes.len() as u64, path, slice, ReadOptions::default());
        let fetched = loop {
            match scan.step().unwrap() {
                Step::Done(values) => break values,
                Step::Need(ranges) => {
                    for range in ranges {
                        let part = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
                        scan.supply(range.start, &bytes.slice(part)).unwrap();
                    }
                }
            }
        };
        assert_eq!(fetched, here, "{name}");
        assert!(scan.statistics().rounds <= 4, "{:?}", scan.statistics());
    }
}
