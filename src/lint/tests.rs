//! Sets with one fault each. What each reader makes of it was seen in the reader.

use bytes::Bytes;
use serde_json::Value;

use super::*;
use crate::output::JsonForm;
use crate::reference::grid::grid;
use crate::reference::{Array, Manifest, Node, UrlId, Urls};
use crate::zarr::{ArrayMetadata, Attributes, Codec, Dtype, Field, FillValue, Order};

const READERS: [Reader; 4] = [Reader::Xarray, Reader::Gdal, Reader::VirtualiZarr, Reader::Zarrs];

/// Integers in one dimension, every chunk referenced.
fn array(shape: &[u64], chunks: &[u64]) -> Array {
    let names = ["x", "y", "z"].map(str::to_owned);
    let grid = grid(shape, chunks);
    let number: Vec<u64> = (0..grid.iter().product()).collect();
    Array {
        metadata: ArrayMetadata::new(
            shape.to_vec(),
            chunks.to_vec(),
            Dtype::Simple("<i4".to_owned()),
            None,
            Vec::new(),
        ),
        attributes: Attributes::with_dimensions(&names[..shape.len()]),
        chunks: Manifest { grid, urls: Urls::One(UrlId(0)), ..with_ranges(number) },
    }
}

fn with_ranges(number: Vec<u64>) -> Manifest {
    let (offset, length) = (vec![100; number.len()], vec![4; number.len()]);
    Manifest { number, offset, length, ..Manifest::default() }
}

fn plain() -> Array {
    array(&[6], &[2])
}

fn typed(dtype: &str, fill_value: Option<FillValue>) -> Array {
    let mut array = plain();
    array.metadata.dtype = Dtype::Simple(dtype.to_owned());
    array.metadata.fill_value = fill_value;
    array
}

fn filtered(filters: Vec<Codec>) -> Array {
    let mut array = plain();
    array.metadata.filters = filters;
    array
}

/// Without the chunk of this number.
fn without(mut array: Array, number: u64) -> Array {
    let grid = array.chunks.grid.clone();
    array.chunks.number.retain(|known| *known != number);
    array.chunks = Manifest { grid, ..with_ranges(array.chunks.number) };
    array
}

fn set(arrays: Vec<(&str, Array)>) -> ReferenceSet {
    let root = (String::new(), Node::Group(Attributes::default()));
    let arrays = arrays.into_iter().map(|(path, array)| (path.to_owned(), Node::Array(Box::new(array))));
    let nodes = std::iter::once(root).chain(arrays).collect();
    ReferenceSet { urls: vec!["/data/a.h5".to_owned()], nodes, ..ReferenceSet::default() }
}

/// Rules and severities of the readers in order: xarray, GDAL, VirtualiZarr, zarrs.
fn of_each(set: &ReferenceSet) -> [Vec<(String, Rule, Severity)>; 4] {
    READERS.map(|reader| lint(set, reader).into_iter().map(|found| (found.path, found.rule, found.severity)).collect())
}

/// What is found in one array `/a`.
fn of_one(array: Array) -> [Vec<(Rule, Severity)>; 4] {
    of_each(&set(vec![("a", array)])).map(|found| {
        let of = |(path, rule, severity): (String, Rule, Severity)| (path == "/a").then_some((rule, severity));
        found.into_iter().map(|finding| of(finding).unwrap()).collect()
    })
}

fn nothing<T>() -> Vec<T> {
    Vec::new()
}

#[test]
fn every_reader_reads_plain_numbers() {
    let compressed = filtered(vec![Codec::Shuffle { elementsize: 4 }, Codec::Zlib { level: 4 }]);
    for array in [plain(), array(&[4, 6], &[2, 3]), compressed, typed("|b1", None), typed(">f8", None)] {
        assert_eq!(of_one(array), [nothing(), nothing(), nothing(), nothing()]);
    }
}

#[test]
fn chunks_held_inline_are_for_virtualizarr_what_stops_the_group() {
    let mut array = plain();
    array.chunks.hold_inline(vec![(1, Bytes::from_static(b"12345678"))]);
    assert_eq!(of_one(array), [nothing(), nothing(), vec![(Rule::InlineChunk, Severity::Group)], nothing()]);
}

#[test]
fn inline_chunks_without_bytes_stop_gdal() {
    let mut array = plain();
    array.chunks.hold_inline(vec![(1, Bytes::new())]);
    let gdal = vec![(Rule::EmptyInlineChunk, Severity::Set)];
    assert_eq!(of_one(array), [nothing(), gdal, vec![(Rule::InlineChunk, Severity::Group)], nothing()]);
}

#[test]
fn ranges_have_bytes_and_their_size_fits_in_32_bits() {
    let mut array = plain();
    array.chunks.length[2] = 0;
    let refused = vec![(Rule::EmptyRange, Severity::Array)];
    let gdal = vec![(Rule::EmptyRange, Severity::Values)];
    assert_eq!(of_one(array.clone()), [refused.clone(), gdal, refused.clone(), refused]);
    let mut compressed = filtered(vec![Codec::Zlib { level: 4 }]);
    compressed.chunks.length[2] = 0;
    assert_eq!(of_one(compressed)[1], [(Rule::EmptyRange, Severity::Array)]);
    array.chunks.length[2] = 1 << 32;
    assert_eq!(of_one(array.clone()), [nothing(), vec![(Rule::LongRange, Severity::Set)], nothing(), nothing()]);
    array.chunks.length[2] -= 1;
    assert_eq!(of_one(array), [nothing(), nothing(), nothing(), nothing()]);
}

#[test]
fn gdal_has_no_room_for_chunks_that_are_longer_encoded() {
    let mut array = filtered(vec![Codec::Zlib { level: 4 }]);
    array.chunks.length[1] = 8;
    assert_eq!(of_one(array.clone())[1], nothing());
    array.chunks.length[1] = 9;
    assert_eq!(of_one(array.clone()), [nothing(), vec![(Rule::LongChunk, Severity::Array)], nothing(), nothing()]);
    array.metadata.filters.clear();
    assert_eq!(of_one(array)[1], nothing());
    let mut inline = filtered(vec![Codec::Zlib { level: 4 }]);
    inline.chunks.hold_inline(vec![(0, Bytes::from_static(b"123456789"))]);
    assert_eq!(of_one(inline)[1], [(Rule::LongChunk, Severity::Array)]);
}

#[test]
fn codecs_are_known_or_not() {
    let unknown = |severity| vec![(Rule::Codec, severity)];
    let array = Severity::Array;
    assert_eq!(of_one(filtered(vec![Codec::Fletcher32])), [nothing(), unknown(array), nothing(), nothing()]);
    assert_eq!(of_one(filtered(vec![Codec::Bz2 { level: 9 }])), [nothing(), unknown(array), nothing(), nothing()]);
    assert_eq!(of_one(filtered(vec![Codec::Zstd { level: 3 }])), [nothing(), nothing(), nothing(), nothing()]);
    let blosc = Codec::Blosc { cname: "lz4".into(), clevel: 5, shuffle: 1, blocksize: 0 };
    assert_eq!(of_one(filtered(vec![blosc])), [nothing(), nothing(), nothing(), unknown(array)]);
    let shuffle = filtered(vec![Codec::Shuffle { elementsize: 3 }]);
    assert_eq!(of_one(shuffle), [nothing(), unknown(array), nothing(), nothing()]);
}

#[test]
fn texts_and_other_types_are_not_for_all() {
    let (array, group) = (Severity::Array, Severity::Group);
    let mut texts = typed("|O", None);
    texts.metadata.filters = vec![Codec::VlenUtf8];
    let gdal = vec![(Rule::Type, array), (Rule::Codec, array)];
    assert_eq!(of_one(texts), [nothing(), gdal, vec![(Rule::Type, group)], nothing()]);
    let objects =
        [vec![(Rule::Type, group)], vec![(Rule::Type, array)], vec![(Rule::Type, group)], vec![(Rule::Type, array)]];
    assert_eq!(of_one(typed("|O", None)), objects);
    assert_eq!(of_one(typed("|S3", None)), [nothing(), nothing(), nothing(), vec![(Rule::Type, array)]]);
    let times = [nothing(), vec![(Rule::Type, array)], nothing(), vec![(Rule::Type, array)]];
    assert_eq!(of_one(typed("<M8[s]", None)), times);
    let opaque = [nothing(), vec![(Rule::Type, array)], nothing(), vec![(Rule::FillValue, array)]];
    assert_eq!(of_one(typed("|V4", None)), opaque);
    assert_eq!(of_one(typed("<U1", None)), [nothing(), nothing(), nothing(), vec![(Rule::FillValue, array)]]);
}

#[test]
fn records_are_read_by_gdal_and_by_xarray_where_they_are_little_endian() {
    let (array, group) = (Severity::Array, Severity::Group);
    let record = |second: &str| {
        let mut array = plain();
        let fields = [("a", "<i4"), ("b", second)].map(|(name, dtype)| Field(name.to_owned(), dtype.to_owned()));
        array.metadata.dtype = Dtype::Structured(fields.to_vec());
        array
    };
    let (parser, zarrs) = (vec![(Rule::Type, group)], vec![(Rule::Type, array)]);
    assert_eq!(of_one(record("<f4")), [nothing(), nothing(), parser.clone(), zarrs.clone()]);
    assert_eq!(of_one(record(">f4")), [vec![(Rule::Type, array)], nothing(), parser.clone(), zarrs.clone()]);
    assert_eq!(of_one(record("|V4")), [nothing(), vec![(Rule::Type, array)], parser, zarrs]);
    let mut filled = record("<f4");
    filled.metadata.fill_value = Some(FillValue::Bytes(vec![0; 8]));
    assert_eq!(of_one(filled)[0], [(Rule::FillValue, group)]);
}

#[test]
fn fill_values_mask_in_xarray_unless_they_are_nan_and_not_at_all_after_virtualizarr() {
    let note = vec![(Rule::Masking, Severity::Note)];
    let zero = typed("<i4", Some(FillValue::Signed(0)));
    assert_eq!(of_one(zero), [note.clone(), nothing(), note.clone(), nothing()]);
    assert_eq!(of_one(typed("<f4", Some(FillValue::Float(f64::NAN)))), [nothing(), nothing(), nothing(), nothing()]);
    assert_eq!(of_one(typed("<f4", Some(FillValue::Float(1.0))))[0], note);
}

#[test]
fn fill_values_of_some_types_are_refused_or_misread() {
    let (array, group) = (Severity::Array, Severity::Group);
    let complex = of_one(typed("<c8", Some(FillValue::Complex(1.0, 2.0))));
    let [_, gdal, parser, zarrs] = complex;
    let masking = (Rule::Masking, Severity::Note);
    assert_eq!((gdal, parser), (vec![(Rule::FillValue, array)], vec![(Rule::FillValue, group), masking]));
    assert_eq!((zarrs, of_one(typed("<c8", None))[3].clone()), (nothing(), vec![(Rule::FillValue, array)]));

    let opaque = of_one(typed("|V4", Some(FillValue::Bytes(vec![1; 4]))));
    assert_eq!(opaque[0], [(Rule::FillValue, group)]);
    assert_eq!(opaque[2], [(Rule::FillValue, group), masking]);

    let large = || typed("<u8", Some(FillValue::Unsigned(u64::MAX)));
    assert_eq!(of_one(large())[1], [(Rule::FillValue, Severity::Note)]);
    assert_eq!(of_one(without(large(), 0))[1], [(Rule::FillValue, Severity::Values)]);
    let largest = typed("<u8", Some(FillValue::Unsigned(i64::MAX.unsigned_abs())));
    assert_eq!(of_one(without(largest, 0))[1], nothing());

    let texts = || typed("|S4", Some(FillValue::Bytes(b"ab\0\0".to_vec())));
    assert_eq!(of_one(texts())[2], [masking]);
    assert_eq!(of_one(without(texts(), 0))[2], [(Rule::FillValue, Severity::Values), masking]);
}

#[test]
fn after_virtualizarr_the_attribute_fill_value_is_that_of_zarr_v3() {
    let with = |dtype: &str, mask: Value| {
        let mut array = typed(dtype, None);
        array.attributes.insert("_FillValue", mask);
        of_one(array)[2].clone()
    };
    let refused = [(Rule::FillValue, Severity::Group)];
    assert_eq!(with("<i4", 7.into()), []);
    assert_eq!(with("<i4", vec![7, 8].into()), refused);
    assert_eq!(with("<f4", 0.5.into()), refused);
    assert_eq!(with("<f4", "NaN".into()), refused);
    assert_eq!(with("<f4", "AAAAAAAA+H8=".into()), []);
    assert_eq!(with("<c8", vec!["AAAAAAAA+H8="; 2].into()), []);
    assert_eq!(with("<c8", vec!["AAAAAAAA+H8="; 3].into()), refused);
    assert_eq!(with("|S1", "z".into()), refused);
}

#[test]
fn missing_chunks_are_not_always_zero_in_virtualizarr() {
    let (array, values) = (Severity::Array, Severity::Values);
    assert_eq!(of_one(without(plain(), 0)), [nothing(), nothing(), nothing(), nothing()]);
    let last = [nothing(), nothing(), vec![(Rule::MissingChunks, array)], nothing()];
    assert_eq!(of_one(without(plain(), 2)), last);
    assert_eq!(of_one(without(typed("<f4", None), 0))[2], [(Rule::MissingChunks, values)]);
    assert_eq!(of_one(without(typed("<f4", Some(FillValue::Float(f64::NAN))), 0))[2], nothing());
    let none = (0..3).fold(plain(), without);
    assert_eq!(of_one(none)[2], nothing());
}

#[test]
fn scalars_are_not_for_virtualizarr() {
    assert_eq!(of_one(array(&[], &[])), [nothing(), nothing(), vec![(Rule::Scalar, Severity::Array)], nothing()]);
    let missing = without(array(&[], &[]), 0);
    assert_eq!(of_one(missing)[2], [(Rule::Scalar, Severity::Group)]);
}

#[test]
fn lengths_of_zero_are_refused() {
    let (array_is, group) = (Severity::Array, Severity::Group);
    let empty = [nothing(), vec![(Rule::EmptyDimension, array_is)], nothing(), nothing()];
    assert_eq!(of_one(array(&[0], &[1])), empty);
    let mut chunk = without(without(without(plain(), 0), 1), 2);
    chunk.metadata.chunks = vec![0];
    let refused = vec![(Rule::EmptyChunk, array_is)];
    assert_eq!(of_one(chunk), [refused.clone(), refused.clone(), vec![(Rule::EmptyChunk, group)], refused]);
}

#[test]
fn dimensions_have_a_name_each() {
    let (array, group) = (Severity::Array, Severity::Group);
    let mut untold = plain();
    untold.attributes = Attributes::default();
    let dimensions = |severity| vec![(Rule::Dimensions, severity)];
    assert_eq!(of_one(untold), [dimensions(group), nothing(), dimensions(group), nothing()]);
    let mut two = plain();
    two.attributes.set_dimensions(&["x".to_owned(), "y".to_owned()]);
    assert_eq!(of_one(two), [dimensions(group), dimensions(array), dimensions(group), nothing()]);
    let mut number = plain();
    number.attributes.insert("_ARRAY_DIMENSIONS", vec![1]);
    assert_eq!(of_one(number), [nothing(), nothing(), dimensions(group), nothing()]);
}

#[test]
fn a_dimension_has_one_length_in_a_group() {
    let shorter = || array(&[4], &[2]);
    let found = of_each(&set(vec![("a", plain()), ("b", shorter())]));
    let conflict = |path: &str, severity| vec![(path.to_owned(), Rule::DimensionLengths, severity)];
    let expected = [conflict("/b", Severity::Group), conflict("/b", Severity::Array), nothing(), nothing()];
    assert_eq!(found, expected);
    let mut twice = array(&[6, 4], &[6, 4]);
    twice.attributes.set_dimensions(&["x".to_owned(), "x".to_owned()]);
    assert_eq!(of_one(twice)[0], [(Rule::DimensionLengths, Severity::Group)]);
    let mut groups = set(vec![("a", plain()), ("g/b", shorter())]);
    groups.nodes.insert(1, ("g".to_owned(), Node::Group(Attributes::default())));
    assert_eq!(of_each(&groups)[..2], [nothing(), nothing()]);
}

#[test]
fn every_group_has_its_document() {
    let mut without_root = set(vec![("a", plain())]);
    without_root.nodes.remove(0);
    let [xarray, gdal, parser, zarrs] = of_each(&without_root);
    assert_eq!(xarray, [("/a".to_owned(), Rule::NoGroup, Severity::Group)]);
    assert_eq!(gdal, [("/".to_owned(), Rule::NoGroup, Severity::Set)]);
    assert_eq!((parser, zarrs), (nothing(), nothing()));

    let [xarray, gdal, parser, zarrs] = of_each(&set(vec![("g/a", plain())]));
    let found = |severity| ("/g/a".to_owned(), Rule::NoGroup, severity);
    assert_eq!((xarray, gdal), (vec![found(Severity::Group)], vec![found(Severity::Array)]));
    let nested = ("/".to_owned(), Rule::NestedGroups, Severity::Note);
    assert_eq!((parser, zarrs), (vec![nested, found(Severity::Group)], nothing()));
}

#[test]
fn virtualizarr_takes_the_name_of_the_group_out_of_text() {
    let mut array = plain();
    array.attributes.insert("units", "rad/s");
    let mut set = set(vec![("d/a", array)]);
    set.nodes.insert(1, ("d".to_owned(), Node::Group(Attributes::default())));
    let parser = of_each(&set)[2].clone();
    assert_eq!(parser[1..], [("/d/a".to_owned(), Rule::GroupName, Severity::Values)]);
}

#[test]
fn urls_say_where_they_begin_and_how_they_are_reached() {
    let called = |url: &str| {
        let mut set = set(vec![("a", plain())]);
        set.urls = vec![url.to_owned()];
        of_each(&set).map(|found| found.into_iter().map(|(_, rule, severity)| (rule, severity)).collect::<Vec<_>>())
    };
    let relative = |severity| vec![(Rule::RelativeUrl, severity)];
    assert_eq!(called("a.h5"), [relative(Severity::Note), nothing(), relative(Severity::Group), nothing()]);
    for url in ["s3://b/a.h5", "https://h/a.h5", "file:///a.h5", "az://c/a.h5"] {
        assert_eq!(called(url), [nothing(), nothing(), nothing(), nothing()], "{url}");
    }
    assert_eq!(called("abfs://c/a.h5")[1], [(Rule::Protocol, Severity::Array)]);
}

#[test]
fn fsspec_reads_by_the_first_protocol_only() {
    let protocols = |urls: [&str; 2]| {
        let mut second = plain();
        second.chunks.urls = Urls::Each(vec![UrlId(1); 3]);
        let mut set = set(vec![("a", plain()), ("b", second)]);
        set.urls = urls.map(str::to_owned).to_vec();
        lint(&set, Reader::Xarray).into_iter().map(|found| (found.path, found.rule)).collect::<Vec<_>>()
    };
    let refused = [("/b".to_owned(), Rule::Protocol)];
    assert_eq!(protocols(["s3://b/a", "s3://c/a"]), []);
    assert_eq!(protocols(["file:///a", "/b"]), []);
    assert_eq!(protocols(["/a", "file:///b"]), refused);
    assert_eq!(protocols(["s3://b/a", "/b"]), refused);
    assert_eq!(protocols(["/b", "s3://b/a"]), refused);
}

#[test]
fn what_other_tools_write_is_told_too() {
    let mut compressed = plain();
    compressed.metadata.compressor = Some(Codec::Blosc { cname: "lz4".into(), clevel: 5, shuffle: 1, blocksize: 0 });
    let codec = |severity| vec![(Rule::Codec, severity)];
    assert_eq!(of_one(compressed), [nothing(), nothing(), codec(Severity::Group), nothing()]);
    let mut transposed = plain();
    transposed.metadata.order = Order::F;
    let order = vec![(Rule::Order, Severity::Values)];
    assert_eq!(of_one(transposed), [nothing(), nothing(), order, nothing()]);
    let delta = serde_json::json!({"id": "delta"});
    let other = filtered(vec![Codec::Other(delta.as_object().unwrap().clone())]);
    let array = Severity::Array;
    assert_eq!(of_one(other), [nothing(), nothing(), nothing(), codec(array)]);
}

#[test]
fn the_form_of_a_text_is_told_of_those_who_do_not_read_it() {
    let severities = |text: &str| {
        let form = JsonForm::of(text.as_bytes()).unwrap();
        READERS.map(|reader| lint_form(&form, reader).into_iter().map(|found| found.severity).collect::<Vec<_>>())
    };
    let set = || vec![Severity::Set];
    assert_eq!(
        severities(r#"{"version":1,"refs":{".zgroup":"{}"},"h5refs":{}}"#),
        [nothing(), nothing(), nothing(), nothing()]
    );
    assert_eq!(severities(r#"{".zgroup":"{}","a/0":["{{u}}",0,1]}"#), [nothing(), nothing(), set(), nothing()]);
    assert_eq!(severities(r#"{"version":1,"refs":{".zgroup":{}}}"#), [nothing(), nothing(), set(), nothing()]);
    assert_eq!(severities(r#"{"version":1,"templates":{},"refs":{}}"#), [nothing(), set(), nothing(), nothing()]);
    let templates = r#"{"version":1,"templates":{"u":"x"},"refs":{"a/0":["{{u}}",0,1]}}"#;
    assert_eq!(severities(templates), [nothing(), set(), set(), nothing()]);
    let generators = r#"{"version":1,"gen":[],"refs":{}}"#;
    assert_eq!(severities(generators), [vec![Severity::Values], set(), nothing(), nothing()]);
}
