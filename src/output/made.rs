//! How references were made, as it stands behind them: what a run that is taken up again knows a finished output by.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::reference::{Recorded, ReferenceSet};

/// What the record begins with: no text of JSON has these characters inside, where its quotes are escaped.
const MARK: &str = ",\"h5refs\":";

/// Where the record is looked for from the end: one of a set that was made of one file is smaller.
const TAIL: u64 = 1 << 16;

/// What a set of references was made by, and of what. It is written, and not read into a [`ReferenceSet`]: a set that was changed since
/// was not made so.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Made {
    /// The version of this crate.
    pub version: String,
    /// A fingerprint of the options; what goes into it is the caller's choice.
    pub options: String,
    /// Objects of the file that are not in the set, though they should be.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refused: u64,
    /// Bytes of the file beside the set that some of its references lead to, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sidecar: Option<u64>,
    /// Whether other files were looked for, whose states are not recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// A fingerprint of the sets that it was combined of, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sets: Option<String>,
}

/// How an output was made, and what the files were then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeOf {
    /// How.
    pub made: Made,
    /// The states of files by their URLs.
    #[serde(default)]
    pub sources: BTreeMap<String, Recorded>,
}

impl MadeOf {
    /// Whether it was made by this version, with these options, of this file as it is now, and of nothing else whose state is not known.
    pub fn is_of(&self, url: &str, now: &Recorded, options: &str) -> bool {
        let Made { version, options: with, others, .. } = &self.made;
        let same = self.sources.get(url).is_some_and(|was| was.is_surely(now));
        same && !others && version == env!("CARGO_PKG_VERSION") && with == options
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// The record files of a folder of Parquet: what stands beside `.zmetadata`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Records {
    files: u64,
    bytes: u64,
}

impl Records {
    /// Those that are there.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let (mut records, mut folders) = (Self::default(), vec![folder.to_owned()]);
        while let Some(parent) = folders.pop() {
            for entry in fs::read_dir(&parent)? {
                let entry = entry?;
                let found = entry.metadata()?;
                if found.is_dir() {
                    folders.push(entry.path());
                } else if parent != folder {
                    records.files = records.files.saturating_add(1);
                    records.bytes = records.bytes.saturating_add(found.len());
                }
            }
        }
        Ok(records)
    }
}

/// The record as it is written.
#[derive(Serialize)]
struct Own<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<&'a Made>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Records>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sources: &'a BTreeMap<String, Recorded>,
}

/// The same as it is read.
#[derive(Deserialize)]
struct Known {
    #[serde(flatten)]
    of: MadeOf,
    records: Option<Records>,
}

/// Writes the member `h5refs` behind others, if there is anything to record. Record files are told where the making is.
pub(super) fn write(
    set: &ReferenceSet,
    made: Option<&Made>,
    records: Option<Records>,
    out: &mut impl Write,
) -> io::Result<()> {
    if made.is_none() && set.recorded.is_empty() {
        return Ok(());
    }
    out.write_all(MARK.as_bytes())?;
    serde_json::to_writer(out, &Own { made, records: records.filter(|_| made.is_some()), sources: &set.recorded })?;
    Ok(())
}

/// How the references in a file of JSON or in a folder of Parquet were made, read from its last bytes; `None` where that is not recorded,
/// as in what other programs wrote, in version 0, and in what is compressed, and of a folder whose record files are not as many, or not of
/// as many bytes, as were written.
///
/// # Errors
/// What the file system answers.
pub fn made_of(references: &Path) -> io::Result<Option<MadeOf>> {
    let consolidated = references.join(".zmetadata");
    let mut file = File::open(if references.is_dir() { &consolidated } else { references })?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let start = tail.windows(MARK.len()).rposition(|window| window == MARK.as_bytes());
    let record = start.and_then(|start| tail.get(start.saturating_add(MARK.len())..));
    // The record is the last member: what ends behind it is the whole document.
    let record = record.and_then(|record| record.strip_suffix(b"}\n"));
    let known: Option<Known> = record.and_then(|record| serde_json::from_slice(record).ok());
    let records = if references.is_dir() { Some(Records::of(references)?) } else { None };
    Ok(known.filter(|known| known.records == records).map(|known| known.of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::output::{JsonOptions, ParquetOptions, open_references, write_json_as, write_parquet};

    fn set() -> ReferenceSet {
        let mut set = ReferenceSet::default();
        let state = Recorded { size: 5, modified_ns: Some(7), etag: None };
        set.recorded.insert("s3://b/,\"h5refs\":{".to_owned(), state);
        set
    }

    fn made() -> Made {
        let (version, options) = ("1".to_owned(), "ab".to_owned());
        Made { version, options, refused: 3, sidecar: Some(9), others: true, sets: Some("cd".to_owned()) }
    }

    #[test]
    fn what_is_written_behind_references_is_read_from_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let expected = MadeOf { made: made(), sources: set().recorded };
        let (json, parquet) = (folder.path().join("a.json"), folder.path().join("a.parq"));
        let options = JsonOptions { made: Some(made()), ..JsonOptions::default() };
        write_json_as(&set(), &options, File::create(&json).unwrap()).unwrap();
        write_parquet(&set(), &parquet, &ParquetOptions { made: Some(made()), ..ParquetOptions::default() }).unwrap();
        for path in [json, parquet] {
            assert_eq!(made_of(&path).unwrap(), Some(expected.clone()));
            assert_eq!(open_references(&path, &Limits::default()).unwrap(), (set(), Vec::new()));
        }
    }

    #[test]
    fn an_output_is_that_of_a_source_as_it_is_now_and_of_these_options() {
        let now = Recorded { size: 5, modified_ns: Some(7), etag: None };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let made = Made { version, options: "ab".to_owned(), ..Made::default() };
        let of = MadeOf { made, sources: [("u".to_owned(), now.clone())].into() };
        assert!(of.is_of("u", &now, "ab"));
        assert!(!of.is_of("v", &now, "ab"));
        assert!(!of.is_of("u", &now, "ac"));
        assert!(!of.is_of("u", &Recorded { modified_ns: Some(8), ..now.clone() }, "ab"));
        for change in [|made: &mut Made| made.others = true, |made: &mut Made| made.version.push('1')] {
            let mut other = of.clone();
            change(&mut other.made);
            assert!(!other.is_of("u", &now, "ab"));
        }
    }

    #[test]
    fn nothing_is_known_of_what_does_not_tell_or_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let known = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            made_of(&path).unwrap()
        };
        let mut text = Vec::new();
        write_json_as(&set(), &JsonOptions { made: Some(made()), ..JsonOptions::default() }, &mut text).unwrap();
        assert!(known(&text).is_some());
        for end in 0..text.len() {
            assert_eq!(known(&text[..end]), None, "{end}");
        }
        write_json_as(&set(), &JsonOptions::default(), &mut text).unwrap();
        assert_eq!(known(&text), None);
        assert!(made_of(&folder.path().join("b.json")).is_err());
    }
}
