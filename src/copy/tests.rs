use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::reference::{Builder, Reference, ReferenceSet, UrlId};
use crate::store::{Store, Values};
use crate::zarr::{ArrayMetadata, Attributes, Codec, Dtype, FillValue};

/// A store in memory, which fails after so many writes.
struct Memory {
    keys: Mutex<BTreeMap<String, Vec<u8>>>,
    writes: AtomicU64,
    most: u64,
}

impl Memory {
    fn new(most: u64) -> Self {
        Self { keys: Mutex::default(), writes: AtomicU64::new(0), most }
    }

    fn keys(&self) -> BTreeMap<String, Vec<u8>> {
        self.keys.lock().unwrap().clone()
    }
}

impl Target for Memory {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.keys.lock().unwrap().get(key).cloned())
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Result<(), Error> {
        if self.writes.fetch_add(1, Ordering::Relaxed) >= self.most {
            return Err(Error::io(key, std::io::ErrorKind::StorageFull.into()));
        }
        self.keys.lock().unwrap().insert(key.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn sync(&self, keys: &[String]) -> Result<(), Error> {
        let held = self.keys.lock().unwrap();
        assert!(keys.iter().all(|key| held.contains_key(key)), "{keys:?}");
        Ok(())
    }
}

type Files = HashMap<String, Bytes>;

/// One array `g/a` of bytes that count up, chunk by chunk, some of them missing.
fn source(shape: &[u64], chunks: &[u64], fill: Option<u64>, codecs: &[Codec]) -> Store<Files> {
    let mut builder = Builder::default();
    builder.group("", Attributes::default());
    let names: Vec<String> = (0..shape.len()).map(|n| format!("d{n}")).collect();
    let fill = fill.map(FillValue::Unsigned);
    let metadata =
        ArrayMetadata::new(shape.to_vec(), chunks.to_vec(), Dtype::Simple("<u2".to_owned()), fill, codecs.to_vec());
    let array = builder.array("g/a", metadata, Attributes::with_dimensions(&names));
    builder.url("f").unwrap();
    let (grid, size) = (crate::reference::grid::grid(shape, chunks), chunks.iter().product::<u64>());
    let mut file = Vec::new();
    for number in (0..grid.iter().product()).filter(|n| n % 5 != 3) {
        let elements = (0..size).flat_map(|n| u16::try_from((number * size + n) % 60_000).unwrap().to_le_bytes());
        let mut bytes: Vec<u8> = elements.collect();
        if !codecs.is_empty() {
            bytes = crate::codec::deflate::encode(&bytes, 1);
        }
        let (offset, length) = (u64::try_from(file.len()).unwrap(), u64::try_from(bytes.len()).unwrap());
        builder.chunk(array, number, Reference::Range { url: UrlId(0), offset, length });
        file.extend(bytes);
    }
    Store::new(builder.finish().unwrap(), HashMap::from([("f".to_owned(), Bytes::from(file))]))
}

fn plan(text: &str) -> CopyOptions {
    CopyOptions { plan: ChunkPlan::parse(text).unwrap(), ..CopyOptions::default() }
}

/// What was written, as a source.
fn reopened(keys: &BTreeMap<String, Vec<u8>>) -> Store<Files> {
    let document = |key: &str| String::from_utf8(keys[key].clone()).unwrap();
    let (metadata, _) = ArrayMetadata::parse(&document("g/a/.zarray")).unwrap();
    let grid = crate::reference::grid::grid(&metadata.shape, &metadata.chunks);
    let mut builder = Builder::default();
    builder.group("", Attributes::default());
    let array = builder.array("g/a", metadata, Attributes::parse(&document("g/a/.zattrs")).unwrap());
    for (key, bytes) in keys {
        let name = key.strip_prefix("g/a/").filter(|name| !name.starts_with('.'));
        let Some(name) = name else { continue };
        let number = crate::reference::key::chunk_number(name, crate::zarr::Separator::Dot, &grid).unwrap();
        builder.chunk(array, number, Reference::Inline(bytes.clone().into()));
    }
    Store::new(builder.finish().unwrap(), HashMap::new())
}

fn elements<S: crate::Sources>(store: &Store<S>) -> Values {
    store.array("g/a").unwrap().read_all().unwrap()
}

fn copied(origin: &dyn Origin, options: CopyOptions) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let target = Memory::new(u64::MAX);
    let copier = Copier::new(origin, "f", options)?;
    copier.write(&target, &mut Progress::none(), &|_| {})?;
    let comparison = copier.compare(&target, None, 0)?;
    assert!(comparison.is_same(), "{comparison:?}");
    Ok(target.keys())
}

#[test]
fn a_store_has_its_documents_and_its_chunks() {
    let origin = source(&[4, 6], &[1, 6], Some(7), &[]);
    let keys = copied(&origin, plan(r#"{"g/a": {"d0": 3, "d1": 4}}"#)).unwrap();
    let names: Vec<&str> = keys.keys().map(String::as_str).collect();
    let expected =
        [".zattrs", ".zgroup", ".zmetadata", "g/.zgroup", "g/a/.zarray", "g/a/.zattrs", "g/a/0.0", "g/a/0.1"];
    // The last row is a chunk that is missing in the source.
    assert_eq!(names, expected);
    let text = |key: &str| String::from_utf8(keys[key].clone()).unwrap();
    let array = r#"{"shape":[4,6],"chunks":[3,4],"dtype":"<u2","fill_value":7,"order":"C","filters":null,"dimension_separator":".","compressor":{"id":"zlib","level":2},"zarr_format":2}"#;
    assert_eq!(
        (text("g/a/.zarray"), text("g/a/.zattrs")),
        (array.to_owned(), r#"{"_ARRAY_DIMENSIONS":["d0","d1"]}"#.to_owned())
    );
    let all: serde_json::Value = serde_json::from_str(&text(".zmetadata")).unwrap();
    assert_eq!(
        (&all["zarr_consolidated_format"], &all["metadata"]["g/a/.zarray"]["chunks"][1]),
        (&1.into(), &4.into())
    );
    assert_eq!(all["metadata"].as_object().unwrap().len(), 5);
    assert_eq!(elements(&reopened(&keys)), elements(&origin));
}

#[test]
fn without_a_fill_value_no_chunk_is_left_out() {
    let origin = source(&[8, 2], &[1, 2], None, &[]);
    let keys = copied(&origin, plan(r#"{"g/a": [1, 2]}"#)).unwrap();
    assert_eq!(keys.keys().filter(|key| key.ends_with(".0")).count(), 8);
}

#[test]
fn a_copy_that_failed_is_gone_on_with_and_is_the_same() {
    let origin = source(&[40, 10], &[1, 10], Some(0), &[Codec::Zlib { level: 1 }]);
    // Little memory, so that there are several units.
    let options = || CopyOptions { memory: 4_200_000, ..plan(r#"{"g/a": [4, 3]}"#) };
    let whole = copied(&origin, options()).unwrap();
    let path = tempfile::NamedTempFile::new().unwrap();
    let open = || {
        let file = std::fs::File::options().read(true).write(true).open(path.path()).unwrap();
        Progress::open(file).unwrap()
    };
    let copier = Copier::new(&origin, "f", options()).unwrap();
    let mut target = Memory::new(5);
    assert!(open().is_new());
    let mut runs = 0;
    while let Err(error) = copier.write(&target, &mut open(), &|_| {}) {
        assert!(matches!(error, Error::Io { .. }), "{error}");
        assert!(!target.keys().contains_key(".zmetadata") && !open().is_new());
        target = Memory { writes: AtomicU64::new(0), most: 5 + runs, ..target };
        runs += 3;
        assert!(runs < 100);
    }
    assert!(runs > 3, "{runs}");
    assert_eq!(target.keys(), whole);
    let other = CopyOptions { compressor: Compressor::None, ..options() };
    let error = Copier::new(&origin, "f", other).unwrap().write(&target, &mut open(), &|_| {}).unwrap_err();
    assert!(error.to_string().starts_with("the copy that was begun: it has other options"), "{error}");
    let elsewhere = Copier::new(&origin, "another", options()).unwrap();
    assert!(elsewhere.write(&target, &mut open(), &|_| {}).is_err());
}

#[test]
fn what_is_different_is_found() {
    let origin = source(&[6, 6], &[2, 2], Some(0), &[]);
    let copier = Copier::new(&origin, "f", plan(r#"{"g/a": [3, 3]}"#)).unwrap();
    let target = Memory::new(u64::MAX);
    copier.write(&target, &mut Progress::none(), &|_| {}).unwrap();
    let other = crate::codec::deflate::encode(&[1; 18], 1);
    target.put("g/a/1.0", &other).unwrap();
    target.put("g/a/1.1", b"nothing").unwrap();
    target.put("g/a/.zattrs", b"{}").unwrap();
    target.keys.lock().unwrap().remove("g/a/0.0");
    let found = copier.compare(&target, None, 0).unwrap();
    let told: Vec<String> = found.differences.iter().map(|one| format!("{}: {}", one.key, one.what)).collect();
    assert_eq!(
        (told.join("\n").as_str(), found.chunks),
        (
            "g/a/.zattrs: it is not the document that was written\n\
             g/a/0.0: it is missing, and element [0, 1] is not the fill value\n\
             g/a/1.0: element [0, 0] of it is another than in the source\n\
             g/a/1.1: deflate stream does not decode",
            4
        )
    );
    assert_eq!(copier.compare(&target, Some(2), 1).unwrap().chunks, 2);
}

/// An origin that gives one element less than it is asked for.
struct Short(Store<Files>);

impl Origin for Short {
    fn set(&self) -> &ReferenceSet {
        self.0.set()
    }

    fn read(&self, path: &str, ranges: &[Range<u64>]) -> Result<Values, Error> {
        let mut ranges = ranges.to_vec();
        ranges[0].end -= 1;
        Origin::read(&self.0, path, &ranges)
    }
}

#[test]
fn an_origin_that_answers_with_other_elements_is_an_error() {
    let origin = Short(source(&[4, 6], &[1, 6], Some(7), &[]));
    let error = copied(&origin, CopyOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "g/a: the source answers with other elements than those of [0..4, 0..6]");
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for (name, what) in [
        ("../x", "has a part that leads elsewhere"),
        ("/x", "has an empty part"),
        ("a//b", "has an empty part"),
        ("a\0b", "has a NUL"),
        (".zgroup", "is the name of a document of a store"),
        ("a/.zarray", "is the name of a document of a store"),
        ("g/a/b", "lies inside an array"),
    ] {
        let mut set = source(&[1], &[1], None, &[]).set().clone();
        let array = set.nodes.last().unwrap().1.clone();
        set.nodes.push((name.to_owned(), array));
        let error = Copier::new(&Store::new(set, HashMap::new()), "f", CopyOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("reference {name}: {what}"));
    }
}

#[test]
fn more_than_is_allowed_is_refused_before_anything_is_read() {
    let huge = |shape: &[u64], chunks: &[u64]| {
        let mut builder = Builder::default();
        let dtype = Dtype::Simple("<f8".to_owned());
        let metadata = ArrayMetadata::new(shape.to_vec(), chunks.to_vec(), dtype, None, Vec::new());
        builder.array("a", metadata, Attributes::default());
        Store::new(builder.finish().unwrap(), HashMap::<String, Bytes>::new())
    };
    let refused = |origin: &dyn Origin, options| Copier::new(origin, "f", options).unwrap_err().to_string();
    let many = refused(&huge(&[1 << 40], &[1]), CopyOptions::default());
    assert!(many.starts_with("1099511627776 exceeds Limits::output_chunks = 10000000"), "{many}");
    let much = refused(&huge(&[1 << 50], &[1 << 30]), CopyOptions::default());
    assert!(much.contains("exceeds Limits::output_bytes"), "{much}");
    let large = refused(&huge(&[1 << 32], &[1 << 32]), CopyOptions::default());
    assert!(large.starts_with("a: chunks [4294967296] of it need 1"), "{large}");
    let unknown = Codec::Other(serde_json::from_str(r#"{"id":"delta"}"#).unwrap());
    let unread = refused(&source(&[1], &[1], None, &[unknown]), CopyOptions::default());
    assert_eq!(unread, "arrays that cannot be read: g/a: codec delta is not decoded here");
    assert_eq!(
        refused(&source(&[1], &[1], None, &[]), plan(r#"{"tnm": [1]}"#)),
        "plan: no variable is called tnm: there are g/a"
    );
}

#[test]
fn each_chunk_of_the_source_is_decoded_once_where_memory_allows() {
    /// An origin that counts the elements that are read.
    struct Counting(Store<Files>, AtomicU64);

    impl Origin for Counting {
        fn set(&self) -> &ReferenceSet {
            self.0.set()
        }

        fn read(&self, path: &str, ranges: &[Range<u64>]) -> Result<Values, Error> {
            let elements = ranges.iter().map(|range| range.end - range.start).product();
            self.1.fetch_add(elements, Ordering::Relaxed);
            Origin::read(&self.0, path, ranges)
        }
    }

    let origin = Counting(source(&[64, 40, 50], &[1, 40, 50], None, &[Codec::Zlib { level: 1 }]), AtomicU64::new(0));
    let options = CopyOptions { jobs: 3, ..plan(r#"{"g/a": [64, 7, 9]}"#) };
    let target = Memory::new(u64::MAX);
    let copier = Copier::new(&origin, "f", options).unwrap();
    copier.write(&target, &mut Progress::none(), &|_| {}).unwrap();
    assert_eq!(origin.1.load(Ordering::Relaxed), 64 * 40 * 50);
    assert_eq!(elements(&reopened(&target.keys())), elements(&origin.0));
}

/// Elements of 24 bytes or texts, and scalars.
#[test]
fn texts_compounds_and_scalars_are_copied() {
    let fields =
        [("a", "<i4"), ("b", "|S2")].map(|(name, dtype)| crate::zarr::Field(name.to_owned(), dtype.to_owned()));
    let compound = Dtype::Structured(fields.into());
    let of = |shape: &[u64], dtype, filters, bytes: &'static [u8]| {
        let metadata = ArrayMetadata::new(shape.to_vec(), shape.to_vec(), dtype, None, filters);
        let mut builder = Builder::default();
        let array = builder.array("g/a", metadata, Attributes::default());
        builder.chunk(array, 0, Reference::Inline(Bytes::from_static(bytes)));
        let origin = Store::new(builder.finish().unwrap(), HashMap::<String, Bytes>::new());
        let options = CopyOptions { shuffle: true, ..CopyOptions::default() };
        assert_eq!(elements(&reopened(&copied(&origin, options).unwrap())), elements(&origin));
    };
    of(&[2], compound, Vec::new(), b"\x01\0\0\0xy\x02\0\0\0z\0");
    of(&[2], Dtype::Simple("|O".to_owned()), vec![Codec::VlenUtf8], b"\x02\0\0\0\x01\0\0\0a\x02\0\0\0\xc3\xa9");
    of(&[], Dtype::Simple("<f8".to_owned()), Vec::new(), &[1, 2, 3, 4, 5, 6, 7, 8]);
}

proptest! {
    #[test]
    fn any_array_is_copied_into_any_chunks(
        dimensions in prop::collection::vec((0_u64..9, 1_u64..5, 1_i64..11), 0..4),
        is_packed in any::<bool>(),
        is_shuffled in any::<bool>(),
        fill in prop::option::of(0_u64..9),
        jobs in 1_usize..4,
        memory in 0_u64..3,
    ) {
        let shape: Vec<u64> = dimensions.iter().map(|d| d.0).collect();
        let chunks: Vec<u64> = dimensions.iter().map(|d| d.1).collect();
        let wanted: Vec<i64> = dimensions.iter().map(|d| d.2).collect();
        let codecs = if is_packed { vec![Codec::Zlib { level: 1 }] } else { Vec::new() };
        let origin = source(&shape, &chunks, fill, &codecs);
        let plan = plan(&format!("{{\"g/a\": {wanted:?}}}"));
        // From hardly enough for one chunk to enough for all.
        let memory = (4 << 20) + [1_000, 100_000, 1 << 30][usize::try_from(memory).unwrap()];
        let keys = copied(&origin, CopyOptions { jobs, memory, shuffle: is_shuffled, ..plan }).unwrap();
        prop_assert_eq!(elements(&reopened(&keys)), elements(&origin));
    }
}
