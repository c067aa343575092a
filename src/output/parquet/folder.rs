//! A set of references as a folder of record files, written array by array.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::record::Record;
use super::replace::{Placing, replaced};
use super::write::write;
use crate::output::{Made, made};
use crate::reference::key::problem;
use crate::reference::{Array, Manifest, Node, ReferenceSet};
use crate::zarr::{GROUP, NanPolicy};

/// How references are written as Parquet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParquetOptions {
    /// Rows of a record file, at least 1 (default 100,000).
    pub record_size: u64,
    /// Record files of one array, at most (default 100,000): each holds rows for its missing chunks, too.
    pub records: u64,
    /// How the set was made, which `.zmetadata` records.
    pub made: Option<Made>,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        Self { record_size: 100_000, records: 100_000, made: None }
    }
}

/// Writes a reference set as kerchunk's Parquet: `.zmetadata`, which is strict JSON, and record files of as many rows as they have
/// chunks. A folder of references, and of nothing else, that is there already is replaced; it appears whole or not at all.
///
/// # Errors
/// What the file system answers; a folder of anything else; an array at the root, a name that is no name of a folder, and numbers
/// that Parquet has no room for.
pub fn write_parquet(set: &ReferenceSet, folder: &Path, options: &ParquetOptions) -> io::Result<()> {
    write_parquet_with(set, folder, options, |place| place())
}

/// The same, where `around` is given what puts the folder in its place, and does that, together with what has to change just then: all that
/// could fail of the writing is done.
///
/// # Errors
/// Those of [`write_parquet`], and those of `around`.
pub fn write_parquet_with(
    set: &ReferenceSet,
    folder: &Path,
    options: &ParquetOptions,
    around: impl FnOnce(Placing<'_>) -> io::Result<()>,
) -> io::Result<()> {
    if options.record_size == 0 {
        return Err(io::Error::other("record files of 0 rows"));
    }
    replaced(folder, |part| fill(set, part, options), around)
}

fn fill(set: &ReferenceSet, folder: &Path, options: &ParquetOptions) -> io::Result<()> {
    let mut records = Records { set, options, empty: None };
    for (path, array) in set.arrays() {
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{path}: {error}"));
        records.write(folder, path, array).map_err(told)?;
    }
    let mut out = BufWriter::new(fs::File::create(folder.join(".zmetadata"))?);
    write_documents(set, options, made::Records::of(folder)?, &mut out)?;
    out.flush()
}

/// `{"metadata": {key: document, ..}, "record_size": rows}`, and what the files were when references to them were made.
fn write_documents(
    set: &ReferenceSet,
    options: &ParquetOptions,
    records: made::Records,
    out: &mut impl Write,
) -> io::Result<()> {
    out.write_all(br#"{"metadata":{"#)?;
    for (n, (path, node)) in set.nodes.iter().enumerate() {
        let (kind, document, attributes) = match node {
            Node::Group(attributes) => (".zgroup", GROUP.to_owned(), attributes),
            Node::Array(array) => (".zarray", array.metadata.to_json(NanPolicy::String)?, &array.attributes),
        };
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        out.write_all(if n > 0 { b"," } else { b"" })?;
        serde_json::to_writer(&mut *out, &format!("{prefix}{kind}"))?;
        write!(out, ":{document},")?;
        serde_json::to_writer(&mut *out, &format!("{prefix}.zattrs"))?;
        write!(out, ":{}", attributes.to_json(NanPolicy::String)?)?;
    }
    write!(out, r#"}},"record_size":{}"#, options.record_size)?;
    // As in JSON; readers pass over members that they do not know.
    made::write(set, options.made.as_ref(), Some(records), out)?;
    out.write_all(b"}\n")
}

/// Writes the record files of arrays.
struct Records<'a> {
    set: &'a ReferenceSet,
    options: &'a ParquetOptions,
    /// A whole record file of missing chunks, of which a sparse array has many.
    empty: Option<Vec<u8>>,
}

impl Records<'_> {
    fn write(&mut self, folder: &Path, path: &str, array: &Array) -> io::Result<()> {
        let chunks = array.chunks.grid.iter().try_fold(1_u64, |chunks, size| chunks.checked_mul(*size));
        let chunks = chunks.ok_or_else(|| io::Error::other("more than 2^64 chunks"))?;
        let records = chunks.div_ceil(self.options.record_size);
        if records > self.options.records {
            return Err(io::Error::other(format!(
                "{chunks} chunks would need {records} record files, more than {}",
                self.options.records
            )));
        }
        let folder = folder.join(name(path)?);
        fs::create_dir_all(&folder)?;
        let mut rows = Rows::new(&array.chunks);
        for record in 0..records {
            let start = record.saturating_mul(self.options.record_size);
            let end = start.saturating_add(self.options.record_size).min(chunks);
            let bytes = self.record(&mut rows, start..end)?;
            fs::write(folder.join(format!("refs.{record}.parq")), bytes)?;
        }
        if rows.is_done() { Ok(()) } else { Err(io::Error::other("a chunk beyond the array, or out of order")) }
    }

    fn record(&mut self, rows: &mut Rows<'_>, numbers: Range<u64>) -> io::Result<Vec<u8>> {
        let whole = numbers.end.saturating_sub(numbers.start) == self.options.record_size;
        let record = rows.record(numbers)?;
        let missing = record.raw.is_empty() && record.path.iter().all(Option::is_none);
        if !(missing && whole) {
            return write(&record, &self.set.urls);
        }
        if self.empty.is_none() {
            self.empty = Some(write(&record, &[])?);
        }
        Ok(self.empty.clone().unwrap_or_default())
    }
}

/// The folder of an array, which stays inside that of the set.
fn name(path: &str) -> io::Result<PathBuf> {
    if path.is_empty() {
        return Err(io::Error::other("an array at the root, which has no place in Parquet"));
    }
    let reserved = path.split('/').any(|part| part.starts_with(".z") || part.contains(std::path::is_separator));
    if problem(path).is_some() || reserved || Path::new(path).components().count() != path.split('/').count() {
        return Err(io::Error::other("not the name of a folder"));
    }
    Ok(PathBuf::from(path))
}

/// The chunks of an array that have not been written.
struct Rows<'a> {
    manifest: &'a Manifest,
    /// The position of the next referenced chunk.
    next: usize,
    /// How many inline chunks have been written.
    inline: usize,
}

impl<'a> Rows<'a> {
    fn new(manifest: &'a Manifest) -> Self {
        Self { manifest, next: 0, inline: 0 }
    }

    fn is_done(&self) -> bool {
        (self.next, self.inline) == (self.manifest.number.len(), self.manifest.inline.len())
    }

    /// The rows of chunks with these numbers.
    fn record(&mut self, numbers: Range<u64>) -> io::Result<Record> {
        let unordered = || io::Error::other("chunks out of order");
        let row = |number: u64| usize::try_from(number.checked_sub(numbers.start)?).ok();
        let mut record = Record::of_missing(row(numbers.end).ok_or_else(unordered)?);
        while let Some(number) = self.manifest.number.get(self.next).filter(|number| **number < numbers.end) {
            let row = row(*number).ok_or_else(unordered)?;
            let columns = (record.path.get_mut(row), record.offset.get_mut(row), record.size.get_mut(row));
            let (Some(path), Some(offset), Some(size)) = columns else { return Err(unordered()) };
            *path = Some(self.manifest.url(self.next).0);
            (*offset, *size) = self.range()?;
            self.next = self.next.saturating_add(1);
        }
        for (number, bytes) in self.manifest.inline.range(numbers.clone()) {
            record.raw.insert(row(*number).ok_or_else(unordered)?, bytes.clone());
            self.inline = self.inline.saturating_add(1);
        }
        Ok(record)
    }

    /// Offset and bytes of the next referenced chunk; a whole file is 0 and 0.
    fn range(&self) -> io::Result<(u64, u64)> {
        let at =
            |column: &[u64]| column.get(self.next).copied().ok_or_else(|| io::Error::other("a chunk without a place"));
        match (at(&self.manifest.offset)?, at(&self.manifest.length)?) {
            (_, Manifest::WHOLE) => Ok((0, 0)),
            (0, 0) => Err(io::Error::other("a chunk of no bytes at offset 0, which Parquet takes for a whole file")),
            range => Ok(range),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::read::{MissingRecords, read_parquet};
    use super::*;
    use crate::limits::Limits;
    use crate::reference::{UrlId, Urls};
    use crate::zarr::{ArrayMetadata, Attributes, Codec, Dtype, FillValue, Floats};

    fn set(path: &str, chunks: Manifest) -> ReferenceSet {
        let metadata = ArrayMetadata::new(
            chunks.grid.clone(),
            vec![1; chunks.grid.len()],
            Dtype::Simple("<f8".to_owned()),
            Some(FillValue::Float(f64::INFINITY)),
            vec![Codec::Zlib { level: 1 }],
        );
        let attributes = Attributes::with_dimensions(&vec!["x".to_owned(); chunks.grid.len()]);
        let array = Node::Array(Box::new(Array { metadata, attributes, chunks }));
        let urls = ["s3://b/1", "s3://b/2"].map(str::to_owned).to_vec();
        let root = (String::new(), Node::Group(Attributes::default()));
        ReferenceSet { urls, nodes: vec![root, (path.to_owned(), array)], ..ReferenceSet::default() }
    }

    fn chunks() -> Manifest {
        Manifest {
            grid: vec![3, 4],
            number: vec![0, 2, 3, 11],
            urls: Urls::Each([1, 0, 1, 1].map(UrlId).to_vec()),
            offset: vec![5, 0, 1 << 40, 0],
            length: vec![8, Manifest::WHOLE, 0, 3],
            inline: [(1, Bytes::from_static(b"")), (9, Bytes::from_static(b"\xff"))].into(),
        }
    }

    fn told(set: &ReferenceSet, options: &ParquetOptions) -> String {
        let parent = tempfile::tempdir().unwrap();
        let error = write_parquet(set, &parent.path().join("r.parq"), options).unwrap_err();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "nothing is left");
        error.to_string()
    }

    #[test]
    fn a_set_is_read_back_whatever_the_size_of_its_records() {
        let folder = tempfile::tempdir().unwrap();
        for record_size in [1, 4, 5, 12, 100] {
            // Each replaces the one before.
            let set = set("g/a", chunks());
            write_parquet(&set, folder.path(), &ParquetOptions { record_size, ..ParquetOptions::default() }).unwrap();
            let (back, stray) = read_parquet(folder.path(), &Limits::default(), MissingRecords::Refused).unwrap();
            assert_eq!((back.arrays().next(), stray.len()), (ordered(&set).arrays().next(), 0), "{record_size}");
            let records = fs::read_dir(folder.path().join("g/a")).unwrap().count();
            assert_eq!(u64::try_from(records).unwrap(), 12_u64.div_ceil(record_size));
        }
    }

    /// With the files in the order in which they are read.
    fn ordered(set: &ReferenceSet) -> ReferenceSet {
        let mut set = set.clone();
        for (_, node) in &mut set.nodes {
            if let Node::Array(array) = node {
                array.chunks.urls = Urls::Each([0, 1, 0, 0].map(UrlId).to_vec());
            }
        }
        set
    }

    #[test]
    fn the_documents_are_strict_json() {
        let mut set = set("a", chunks());
        if let (_, Node::Group(attributes)) = &mut set.nodes[0] {
            attributes.insert_floats("nan", "NaN", Floats::Everywhere);
        }
        let folder = tempfile::tempdir().unwrap();
        write_parquet(&set, folder.path(), &ParquetOptions::default()).unwrap();
        let text = fs::read(folder.path().join(".zmetadata")).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(document["record_size"], 100_000);
        assert_eq!(document["metadata"][".zattrs"]["nan"], "NaN");
        assert_eq!(document["metadata"]["a/.zarray"]["fill_value"], "Infinity");
        assert_eq!(document["metadata"].as_object().unwrap().len(), 4);
    }

    #[test]
    fn what_files_were_is_kept() {
        let mut set = set("a", chunks());
        let recorded =
            crate::reference::Recorded { size: 5, modified_ns: Some(u64::MAX), etag: Some("\"x\"".to_owned()) };
        set.recorded.insert("s3://b/1".to_owned(), recorded);
        let folder = tempfile::tempdir().unwrap();
        write_parquet(&set, folder.path(), &ParquetOptions::default()).unwrap();
        let (back, _) = read_parquet(folder.path(), &Limits::default(), MissingRecords::Refused).unwrap();
        assert_eq!(back.recorded, set.recorded);
        let path = folder.path().join(".zmetadata");
        let text = fs::read_to_string(&path).unwrap().replace("\"size\":5", "\"size\":-5");
        fs::write(path, text).unwrap();
        let error = read_parquet(folder.path(), &Limits::default(), MissingRecords::Refused).unwrap_err().to_string();
        assert!(error.starts_with("not a set of references: .zmetadata: h5refs: "), "{error}");
    }

    #[test]
    fn record_files_of_missing_chunks_are_written() {
        let chunks = Manifest { grid: vec![10], ..Manifest::default() };
        let folder = tempfile::tempdir().unwrap();
        let options = ParquetOptions { record_size: 4, ..ParquetOptions::default() };
        write_parquet(&set("a", chunks), folder.path(), &options).unwrap();
        let size = |record: u32| fs::metadata(folder.path().join(format!("a/refs.{record}.parq"))).unwrap().len();
        assert_eq!(size(0), size(1));
        assert!(size(2) > 100);
        let none = Manifest { grid: vec![0], ..Manifest::default() };
        write_parquet(&set("a", none), folder.path(), &options).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_folder_of_references_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("precious"), "x").unwrap();
        let (set, options) = (set("a", chunks()), ParquetOptions::default());
        let error = write_parquet(&set, folder.path(), &options).unwrap_err();
        assert_eq!(error.to_string(), "is a folder of something other than references in Parquet");
        assert!(write_parquet(&set, &folder.path().join("precious"), &options).is_err());
        assert_eq!(fs::read(folder.path().join("precious")).unwrap(), b"x");
        let is_replaced = |files: &[(&str, &str)]| {
            let folder = tempfile::tempdir().unwrap();
            for (path, text) in files {
                let path = folder.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            write_parquet(&set, folder.path(), &options).is_ok()
        };
        let (references, store) = ((".zmetadata", r#"{"record_size":1}"#), (".zmetadata", r#"{"metadata":{}}"#));
        for files in [&[references][..], &[store, ("a/b/refs.0.parq", "")], &[references, ("a/refs.10.parq", "")]] {
            assert!(is_replaced(files), "{files:?}");
        }
        for other in ["a/.zarray", "a/0.0", "a/refs.parq", "a/refs.x.parq", "refs.0.parq", ".zgroup", "a/.zmetadata"] {
            assert!(!is_replaced(&[references, (other, "x")]), "{other}");
        }
        assert!(!is_replaced(&[store]) && !is_replaced(&[("a/refs.0.parq", "")]));
    }

    #[test]
    fn names_stay_inside_the_folder() {
        for wrong in ["..", "../x", "/x", "a//b", "a/.", ".zmetadata", "a\0b"] {
            let error = told(&set(wrong, chunks()), &ParquetOptions::default());
            assert_eq!(error, format!("{wrong}: not the name of a folder"));
        }
        let root = told(&set("", chunks()), &ParquetOptions::default());
        assert_eq!(root, ": an array at the root, which has no place in Parquet");
    }

    #[test]
    fn what_parquet_has_no_place_for_is_refused_and_nothing_written() {
        let options = ParquetOptions::default();
        let with = |change: fn(&mut Manifest)| {
            let mut chunks = chunks();
            change(&mut chunks);
            told(&set("a", chunks), &options)
        };
        assert_eq!(
            with(|chunks| (chunks.offset[0], chunks.length[0]) = (0, 0)),
            "a: a chunk of no bytes at offset 0, which Parquet takes for a whole file"
        );
        assert_eq!(with(|chunks| chunks.number[3] = 12), "a: a chunk beyond the array, or out of order");
        assert_eq!(
            with(|chunks| chunks.urls = Urls::One(UrlId(7))),
            "a: a reference to a file that the set does not have"
        );
        assert_eq!(
            with(|chunks| chunks.grid = vec![1 << 40]),
            "a: 1099511627776 chunks would need 10995117 record files, more than 100000"
        );
        assert_eq!(with(|chunks| chunks.grid = vec![1 << 40, 1 << 40]), "a: more than 2^64 chunks");
        assert_eq!(told(&set("a", chunks()), &ParquetOptions { record_size: 0, ..options }), "record files of 0 rows");
    }
}
