//! What became of every object.

use serde::Serialize;

use crate::error::Error;
use crate::reference::Manifest;

/// What became of every object of a file, each group before its members.
#[derive(Debug, Default)]
pub struct Report {
    /// One entry for each path, and one for each attribute that was refused.
    pub outcomes: Vec<Outcome>,
}

/// What became of one object.
#[derive(Debug)]
pub struct Outcome {
    /// Absolute path.
    pub path: String,
    /// What became of it.
    pub status: Status,
}

/// What can become of an object.
#[derive(Debug)]
#[non_exhaustive]
pub enum Status {
    /// A group: its attributes are in the set.
    Group,
    /// An array whose chunks are referenced or held inline.
    Array {
        /// Chunks that are referenced.
        referenced: u64,
        /// Chunks that are held inline.
        inline: u64,
    },
    /// Chunks of an array that lie in the sidecar file; the array is told by itself.
    Sidecar {
        /// Chunks that are referenced there.
        chunks: u64,
        /// Bytes that they have there; several may share theirs.
        bytes: u64,
    },
    /// Something that is no array and no group, said in words: a dimension without variable, a committed datatype, a link.
    Listed(String),
    /// An array whose chunks were to be split and are not; the array is told by itself.
    Whole(String),
    /// Something of an array that its DMR++ sidecar does not tell, and which is taken as it is served; the array is told by itself.
    Assumed(String),
    /// A file that is cut off: what lay in the missing bytes is refused object by object.
    Salvaged {
        /// Bytes that are missing.
        missing: u64,
    },
    /// An object that is in the set under another name than in the file, or whose parts are.
    Renamed {
        /// What it is called in the set.
        told: String,
        /// Why.
        why: &'static str,
    },
    /// An object that is not in the set.
    Refused(Error),
    /// An attribute that is not in the set, or not as it is in the file; its object is.
    AttributeRefused {
        /// The attribute's name.
        attribute: String,
        /// Why.
        reason: String,
    },
}

impl Status {
    /// An array with these chunks.
    pub(crate) fn of(chunks: &Manifest) -> Self {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Self::Array { referenced: count(chunks.number.len()), inline: count(chunks.inline.len()) }
    }
}

impl Report {
    pub(crate) fn add(&mut self, path: &str, status: Status) {
        self.outcomes.push(Outcome { path: path.to_owned(), status });
    }

    /// Whether what was told last is that the object with this path is refused.
    #[cfg(feature = "dmrpp")]
    pub(crate) fn last_refuses(&self, path: &str) -> bool {
        let last = self.outcomes.iter().rev().take_while(|outcome| outcome.path == path);
        last.into_iter().any(|outcome| matches!(outcome.status, Status::Refused(_)))
    }

    /// What is not in the set, though it should be: path and reason.
    pub fn refused(&self) -> impl Iterator<Item = (&str, String)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Refused(error) => Some((outcome.path.as_str(), error.to_string())),
            Status::Salvaged { missing } => Some((outcome.path.as_str(), cut_off(*missing))),
            Status::AttributeRefused { attribute, reason } => {
                Some((outcome.path.as_str(), format!("attribute \"{attribute}\": {reason}")))
            }
            _ => None,
        })
    }

    /// What is in the set under another name than in the file: path, and how and why.
    pub fn renamed(&self) -> impl Iterator<Item = (&str, String)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Renamed { told, why } => Some((outcome.path.as_str(), renamed(told, why))),
            _ => None,
        })
    }

    /// What was to be split and is not: path and reason.
    pub fn whole(&self) -> impl Iterator<Item = (&str, String)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Whole(why) => Some((outcome.path.as_str(), not_split(why))),
            _ => None,
        })
    }
}

impl Report {
    /// Arrays with chunks in the sidecar file.
    pub fn in_sidecar(&self) -> impl Iterator<Item = &str> {
        let outcomes = self.outcomes.iter().filter(|outcome| matches!(outcome.status, Status::Sidecar { .. }));
        outcomes.map(|outcome| outcome.path.as_str())
    }
}

impl Report {
    /// What is taken as it is served, since it is not told: path and what.
    pub fn assumed(&self) -> impl Iterator<Item = (&str, String)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Assumed(untold) => Some((outcome.path.as_str(), as_served(untold))),
            _ => None,
        })
    }
}

fn as_served(untold: &str) -> String {
    format!("as it is served, since the sidecar does not tell {untold}")
}

fn renamed(told: &str, why: &str) -> String {
    format!("told as {told}, since {why}")
}

fn not_split(why: &str) -> String {
    format!("its chunks are not split: {why}")
}

fn cut_off(missing: u64) -> String {
    format!("the file ends {missing} bytes before its superblock says")
}

/// The report as a JSON document.
#[derive(Serialize)]
struct Document<'a> {
    objects: Vec<Entry<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct Entry<'a> {
    path: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    referenced: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inline: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunks: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, Default)]
struct Summary {
    groups: u64,
    arrays: u64,
    #[serde(skip_serializing_if = "is_zero")]
    sidecar: u64,
    listed: u64,
    renamed: u64,
    #[serde(skip_serializing_if = "is_zero")]
    whole: u64,
    #[serde(skip_serializing_if = "is_zero")]
    assumed: u64,
    refused: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Serialize for Report {
    /// `{"objects": [{"path", "outcome": "group" | "array" | "sidecar" | "listed" | "renamed" | "whole" | "assumed" | "salvaged" | "refused", ..}], "summary": {..}}`.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut summary = Summary::default();
        let objects = self.outcomes.iter().map(|outcome| {
            let (name, count) = match &outcome.status {
                Status::Group => ("group", &mut summary.groups),
                Status::Array { .. } => ("array", &mut summary.arrays),
                Status::Sidecar { .. } => ("sidecar", &mut summary.sidecar),
                Status::Listed(_) => ("listed", &mut summary.listed),
                Status::Renamed { .. } => ("renamed", &mut summary.renamed),
                Status::Whole(_) => ("whole", &mut summary.whole),
                Status::Assumed(_) => ("assumed", &mut summary.assumed),
                Status::Salvaged { .. } => ("salvaged", &mut summary.refused),
                Status::Refused(_) | Status::AttributeRefused { .. } => ("refused", &mut summary.refused),
            };
            *count += 1;
            entry(outcome, name)
        });
        let objects = objects.collect();
        Document { objects, summary }.serialize(serializer)
    }
}

fn entry<'a>(outcome: &'a Outcome, name: &'static str) -> Entry<'a> {
    let path = &outcome.path;
    let (referenced, inline, chunks, bytes, attribute, reason) = (None, None, None, None, None, None);
    let bare = Entry { path, outcome: name, referenced, inline, chunks, bytes, attribute, reason };
    match &outcome.status {
        Status::Group => bare,
        Status::Array { referenced, inline } => Entry { referenced: Some(*referenced), inline: Some(*inline), ..bare },
        Status::Sidecar { chunks, bytes } => Entry { chunks: Some(*chunks), bytes: Some(*bytes), ..bare },
        Status::Listed(what) => Entry { reason: Some(what.clone()), ..bare },
        Status::Renamed { told, why } => Entry { reason: Some(renamed(told, why)), ..bare },
        Status::Whole(why) => Entry { reason: Some(not_split(why)), ..bare },
        Status::Assumed(untold) => Entry { reason: Some(as_served(untold)), ..bare },
        Status::Salvaged { missing } => Entry { reason: Some(cut_off(*missing)), ..bare },
        Status::Refused(error) => Entry { reason: Some(error.to_string()), ..bare },
        Status::AttributeRefused { attribute, reason } => {
            Entry { attribute: Some(attribute), reason: Some(reason.clone()), ..bare }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_an_entry_for_each_outcome_and_counts_them() {
        let mut report = Report::default();
        report.add("/", Status::Group);
        report.add("/d", Status::Array { referenced: 3, inline: 1 });
        report.add("/l", Status::Listed("a soft link to /d".to_owned()));
        report.add("/x", Status::Refused(Error::NotFound { path: "/y".to_owned() }));
        report.add("/d", Status::AttributeRefused { attribute: "a".to_owned(), reason: "why".to_owned() });
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            concat!(
                r#"{"objects":[{"path":"/","outcome":"group"},"#,
                r#"{"path":"/d","outcome":"array","referenced":3,"inline":1},"#,
                r#"{"path":"/l","outcome":"listed","reason":"a soft link to /d"},"#,
                r#"{"path":"/x","outcome":"refused","reason":"/y: no such object"},"#,
                r#"{"path":"/d","outcome":"refused","attribute":"a","reason":"why"}],"#,
                r#""summary":{"groups":1,"arrays":1,"listed":1,"renamed":0,"refused":2}}"#
            )
        );
        let refused: Vec<_> = report.refused().collect();
        assert_eq!(refused, [("/x", "/y: no such object".to_owned()), ("/d", "attribute \"a\": why".to_owned())]);
    }

    #[test]
    fn an_arrays_chunks_are_referenced_or_inline() {
        let chunks = Manifest { number: vec![0, 1], inline: [(2, bytes::Bytes::new())].into(), ..Manifest::default() };
        assert!(matches!(Status::of(&chunks), Status::Array { referenced: 2, inline: 1 }));
    }
}
