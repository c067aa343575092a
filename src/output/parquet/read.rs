//! A folder of record files, read as a set of references.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::error::Wrong;
use super::record::Record;
use crate::error::Error;
use crate::limits::{Budget, Limits, check};
use crate::reference::key::{joined, problem, split};
use crate::reference::{Arrays, Builder, Documents, KnownDocuments, Recorded, Reference, ReferenceSet};
use crate::zarr::Consolidated;

/// Most rows of a record file that a set may call for.
const RECORD_SIZE: u64 = 100_000_000;

/// What a record file that is not there means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingRecords {
    /// Part of the set is gone: an error that names the file.
    #[default]
    Refused,
    /// All its chunks are missing, as fsspec has it: kerchunk writes no file for them.
    AreMissingChunks,
}

/// Reads kerchunk's references in Parquet from a folder. Nothing that they refer to is opened.
///
/// Also gives the keys of `.zmetadata` that belong to no array and no group.
///
/// # Errors
/// [`Error::Document`] and [`Error::Reference`] for what is no set of references or contradicts itself, [`Error::Unsupported`] for
/// Parquet that no writer of references makes, [`Error::Limit`], and [`Error::Io`].
pub fn read_parquet(
    folder: &Path,
    limits: &Limits,
    missing: MissingRecords,
) -> Result<(ReferenceSet, Vec<String>), Error> {
    read_parquet_known(folder, limits, missing, &KnownDocuments::default())
}

/// The same; documents that are known are not parsed again.
pub(crate) fn read_parquet_known(
    folder: &Path,
    limits: &Limits,
    missing: MissingRecords,
    known: &KnownDocuments,
) -> Result<(ReferenceSet, Vec<String>), Error> {
    read(|key| open(&folder.join(key), limits), limits, missing, known)
}

/// The same, of files that `file` gives by their keys (`.zmetadata`, `group/array/refs.0.parq`), or `None` where there is none.
///
/// # Errors
/// The same.
pub fn read_parquet_with(
    file: impl Fn(&str) -> io::Result<Option<Bytes>>,
    limits: &Limits,
    missing: MissingRecords,
) -> Result<(ReferenceSet, Vec<String>), Error> {
    read(file, limits, missing, &KnownDocuments::default())
}

fn read(
    file: impl Fn(&str) -> io::Result<Option<Bytes>>,
    limits: &Limits,
    missing: MissingRecords,
    known: &KnownDocuments,
) -> Result<(ReferenceSet, Vec<String>), Error> {
    let bytes = file(".zmetadata").map_err(|error| Error::io(".zmetadata", error))?;
    let bytes = bytes.ok_or_else(|| Error::Document("no .zmetadata".to_owned()))?;
    check("metadata_bytes", length(bytes.len()), limits.metadata_bytes)?;
    let Metadata { documents, arrays: paths, mut stray, record_size, recorded } = Metadata::read(&bytes)?;
    let (mut builder, arrays, without_node) = documents.build(known)?;
    stray.extend(without_node);
    let reading = Reading { file, missing, record_size, limits, budget: Budget::new(*limits) };
    for path in paths {
        reading.array(&path, &arrays, &mut builder)?;
    }
    Ok((ReferenceSet { recorded, ..builder.finish()? }, stray))
}

/// The bytes of a file, if it is there.
fn open(path: &Path, limits: &Limits) -> io::Result<Option<Bytes>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(limits.metadata_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Some(bytes.into()))
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// `.zmetadata`.
struct Metadata {
    documents: Documents,
    /// The paths of the arrays.
    arrays: Vec<String>,
    /// Keys that are no documents.
    stray: Vec<String>,
    record_size: u64,
    recorded: BTreeMap<String, Recorded>,
}

/// What h5refs adds to `.zmetadata`.
#[derive(Default, serde::Deserialize)]
struct Own {
    #[serde(default)]
    sources: BTreeMap<String, Recorded>,
}

impl Metadata {
    fn read(bytes: &[u8]) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Document(format!(".zmetadata: {problem}"));
        let text = std::str::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
        let Consolidated { documents: texts, rest } =
            Consolidated::parse(text).map_err(|error| wrong(error.to_string()))?;
        let record_size = rest.get("record_size").and_then(Value::as_u64);
        let record_size = record_size.filter(|size| (1..=RECORD_SIZE).contains(size));
        let record_size = record_size.ok_or_else(|| wrong(told_size(&rest)))?;
        let own = rest.get("h5refs").cloned().map_or(Ok(Own::default()), serde_json::from_value);
        let recorded = own.map_err(|error| wrong(format!("h5refs: {error}")))?.sources;
        let (mut documents, mut arrays, mut stray) = (Documents::default(), Vec::new(), Vec::new());
        for (key, text) in texts {
            if let Some(problem) = problem(&key) {
                return Err(Error::Reference { key, problem: problem.to_owned() });
            }
            if let (path, ".zarray") = split(&key) {
                arrays.push(path.to_owned());
            }
            if Documents::is_one(&key) {
                documents.add(&key, text)?;
            } else {
                stray.push(key);
            }
        }
        Ok(Self { documents, arrays, stray, record_size, recorded })
    }
}

fn told_size(document: &Map<String, Value>) -> String {
    let found = document.get("record_size").unwrap_or(&Value::Null).to_string();
    format!("record_size is {}, not a number from 1 to {RECORD_SIZE}", found.chars().take(40).collect::<String>())
}

/// Record files being read.
struct Reading<'a, F> {
    file: F,
    missing: MissingRecords,
    record_size: u64,
    limits: &'a Limits,
    /// What chunks and inline bytes of the whole set are charged to.
    budget: Budget,
}

impl<F: Fn(&str) -> io::Result<Option<Bytes>>> Reading<'_, F> {
    fn array(&self, path: &str, arrays: &Arrays, builder: &mut Builder) -> Result<(), Error> {
        let Some((handle, grid)) = arrays.get(path) else { return Ok(()) };
        let wrong = |problem: &str| Error::Reference { key: path.to_owned(), problem: problem.to_owned() };
        let chunks = grid.iter().try_fold(1_u64, |chunks, size| chunks.checked_mul(*size));
        let chunks = chunks.ok_or_else(|| wrong("has more than 2^64 chunks"))?;
        let records = chunks.div_ceil(self.record_size);
        check("structures", records, self.limits.structures)?;
        if path.is_empty() && records > 0 {
            return Err(wrong("is an array at the root, which has no place in Parquet"));
        }
        for record in 0..records {
            let start = record.saturating_mul(self.record_size);
            let rows = chunks.saturating_sub(start).min(self.record_size);
            let key = joined(path, &format!("refs.{record}.parq"));
            if let Some(record) = self.record(&key)? {
                self.rows(&key, record, rows, |row, reference| builder_chunk(builder, handle, start, row, reference))?;
            }
        }
        Ok(())
    }

    /// A record file, if it is there.
    fn record(&self, key: &str) -> Result<Option<Record>, Error> {
        let bytes = (self.file)(key).map_err(|error| Error::io(key, error))?;
        let Some(bytes) = bytes else {
            return match self.missing {
                MissingRecords::AreMissingChunks => Ok(None),
                MissingRecords::Refused => {
                    Err(Error::Reference { key: key.to_owned(), problem: "is not there".to_owned() })
                }
            };
        };
        check("metadata_bytes", length(bytes.len()), self.limits.metadata_bytes)?;
        let record = Record::read(&bytes, self.record_size, &Budget::new(*self.limits));
        record.map(Some).map_err(|wrong| told(key, wrong))
    }

    /// Gives the references of a record file that is to have so many rows. Those after them are padding.
    fn rows(
        &self,
        key: &str,
        record: Record,
        rows: u64,
        mut takes: impl FnMut(u64, Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let wrong = |problem: String| Error::Reference { key: key.to_owned(), problem };
        let found = length(record.path.len());
        if found < rows {
            return Err(wrong(format!("has {found} rows, and the array has {rows} chunks there")));
        }
        let Record { paths, path, offset, size, mut raw } = record;
        let columns = path.into_iter().zip(offset).zip(size).enumerate();
        for (n, ((path, offset), size)) in columns {
            let raw = raw.remove(&n);
            let path = path.and_then(|path| paths.get(usize::try_from(path).ok()?));
            let row = match (raw, path) {
                (Some(bytes), _) => {
                    self.budget.inline(length(bytes.len()))?;
                    Row::Inline(bytes)
                }
                (None, Some(path)) if (offset, size) == (0, 0) => Row::Whole(path),
                (None, Some(path)) => Row::Range(path, offset, size),
                (None, None) => continue,
            };
            if length(n) >= rows {
                return Err(wrong(format!("has a reference in row {n}, and the array has {rows} chunks there")));
            }
            self.budget.chunks(1)?;
            takes(length(n), row)?;
        }
        Ok(())
    }
}

/// A row that is no missing chunk.
enum Row<'a> {
    Inline(Bytes),
    Whole(&'a str),
    Range(&'a str, u64, u64),
}

fn builder_chunk(builder: &mut Builder, array: usize, start: u64, row: u64, reference: Row<'_>) -> Result<(), Error> {
    let reference = match reference {
        Row::Inline(bytes) => Reference::Inline(bytes),
        Row::Whole(url) => Reference::Whole { url: builder.url(url)? },
        Row::Range(url, offset, length) => Reference::Range { url: builder.url(url)?, offset, length },
    };
    builder.chunk(array, start.saturating_add(row), reference);
    Ok(())
}

fn told(key: &str, wrong: Wrong) -> Error {
    match wrong {
        Wrong::Format { .. } => Error::Reference { key: key.to_owned(), problem: wrong.to_string() },
        Wrong::Unsupported(what) => what.into(),
        Wrong::Limit(limit) => limit.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::write::write;
    use super::*;
    use crate::reference::{Manifest, Node, Urls};

    const METADATA: &str = r#"{"metadata":{".zgroup":{"zarr_format":2},"g/.zgroup":{"zarr_format":2},"g/a/.zarray":{"zarr_format":2,"shape":[5],"chunks":[1],"dtype":"|u1","compressor":null,"filters":null,"fill_value":0,"order":"C"}},"record_size":3}"#;

    fn files(metadata: &str, records: &[(&str, Record)]) -> BTreeMap<String, Bytes> {
        let mut files: BTreeMap<String, Bytes> = records
            .iter()
            .map(|(key, record)| ((*key).to_owned(), write(record, &record.paths).unwrap().into()))
            .collect();
        files.insert(".zmetadata".to_owned(), Bytes::copy_from_slice(metadata.as_bytes()));
        files
    }

    fn read(files: &BTreeMap<String, Bytes>, missing: MissingRecords) -> Result<(ReferenceSet, Vec<String>), Error> {
        read_parquet_with(|key| Ok(files.get(key).cloned()), &Limits::default(), missing)
    }

    fn told(files: &BTreeMap<String, Bytes>) -> String {
        read(files, MissingRecords::Refused).unwrap_err().to_string()
    }

    fn first() -> Record {
        Record {
            paths: vec!["u".to_owned(), "v".to_owned()],
            path: vec![Some(0), None, Some(1)],
            offset: vec![0, 0, 9],
            size: vec![0, 0, 1],
            raw: BTreeMap::new(),
        }
    }

    /// Padded, as kerchunk does it.
    fn second() -> Record {
        Record { raw: [(1, Bytes::from_static(b"z"))].into(), ..Record::of_missing(3) }
    }

    #[test]
    fn rows_are_chunks_by_their_numbers() {
        let files = files(METADATA, &[("g/a/refs.0.parq", first()), ("g/a/refs.1.parq", second())]);
        let (set, stray) = read(&files, MissingRecords::Refused).unwrap();
        let Some(Node::Array(array)) = set.node("g/a") else { panic!() };
        let expected = Manifest {
            grid: vec![5],
            number: vec![0, 2],
            urls: Urls::Each(vec![crate::reference::UrlId(0), crate::reference::UrlId(1)]),
            offset: vec![0, 9],
            length: vec![Manifest::WHOLE, 1],
            inline: [(4, Bytes::from_static(b"z"))].into(),
        };
        assert_eq!((&array.chunks, set.urls.as_slice()), (&expected, &["u".to_owned(), "v".to_owned()][..]));
        assert_eq!(stray, [""; 0]);
    }

    #[test]
    fn a_record_file_that_is_not_there_is_refused_unless_it_means_missing_chunks() {
        let files = files(METADATA, &[("g/a/refs.1.parq", second())]);
        assert_eq!(told(&files), "reference g/a/refs.0.parq: is not there");
        let (set, _) = read(&files, MissingRecords::AreMissingChunks).unwrap();
        assert_eq!(set.arrays().next().unwrap().1.chunks.present(), 1);
    }

    #[test]
    fn rows_are_no_fewer_than_chunks_and_hold_nothing_beyond_them() {
        let short = Record::of_missing(1);
        let told_of = |second| told(&files(METADATA, &[("g/a/refs.0.parq", first()), ("g/a/refs.1.parq", second)]));
        assert_eq!(told_of(short), "reference g/a/refs.1.parq: has 1 rows, and the array has 2 chunks there");
        assert_eq!(
            told_of(first()),
            "reference g/a/refs.1.parq: has a reference in row 2, and the array has 2 chunks there"
        );
        assert_eq!(
            told_of(Record::of_missing(4)),
            "reference g/a/refs.1.parq: record file: number of rows is 4, not 3"
        );
    }

    #[test]
    fn sizes_of_records_are_from_1_to_a_hundred_million() {
        for wrong in ["0", "-1", "100000001", "1.5", "\"3\"", "null"] {
            let metadata = METADATA.replace(":3}", &format!(":{wrong}}}"));
            assert_eq!(
                told(&files(&metadata, &[])),
                format!(
                    "not a set of references: .zmetadata: record_size is {wrong}, not a number from 1 to 100000000"
                )
            );
        }
        assert_eq!(told(&BTreeMap::new()), "not a set of references: no .zmetadata");
        assert!(told(&files("[1]", &[])).starts_with("not a set of references: .zmetadata: "));
    }

    #[test]
    fn keys_lead_to_no_other_folder() {
        for (key, problem) in [("../a", "has a part that leads elsewhere"), ("/etc", "has an empty part")] {
            let files = files(&METADATA.replace("g/a/", &format!("{key}/")), &[]);
            assert_eq!(told(&files), format!("reference {key}/.zarray: {problem}"));
        }
        let root = METADATA.replace(".zgroup", "x").replace("g/a/", "");
        assert_eq!(told(&files(&root, &[])), "reference : is an array at the root, which has no place in Parquet");
    }

    #[test]
    fn vast_arrays_cost_nothing() {
        let vast = files(&METADATA.replace("[5]", "[18446744073709551615]"), &[]);
        assert!(told(&vast).contains("exceeds Limits::structures = 10000000"), "{}", told(&vast));
        let vast = METADATA.replace("[5]", "[18446744073709551615,2]").replace("[1]", "[1,1]");
        assert_eq!(told(&files(&vast, &[])), "reference g/a: has more than 2^64 chunks");
    }

    #[test]
    fn limits_hold_for_the_whole_set() {
        let files = files(METADATA, &[("g/a/refs.0.parq", first()), ("g/a/refs.1.parq", second())]);
        let told = |limits: Limits| {
            read_parquet_with(|key| Ok(files.get(key).cloned()), &limits, MissingRecords::Refused)
                .unwrap_err()
                .to_string()
        };
        let limits = Limits::default();
        assert!(told(Limits { chunks: 2, ..limits }).starts_with("3 exceeds Limits::chunks"));
        assert!(told(Limits { inline_bytes: 0, ..limits }).starts_with("1 exceeds Limits::inline_bytes"));
        assert!(told(Limits { metadata_bytes: 300, ..limits }).contains("exceeds Limits::metadata_bytes"));
    }
}
