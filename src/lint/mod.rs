//! What a reader would refuse in a set of references, or read otherwise than it is told.
//!
//! The rules are those of the readers as they are: xarray 2026.9 with zarr 3.1, fsspec 2026.9 and kerchunk 0.2.10; GDAL 3.12;
//! VirtualiZarr 2.5.1; zarrs 0.23. Each was seen in the reader itself. What only the text of kerchunk JSON shows (its version, templates,
//! documents as objects) is no part of a [`ReferenceSet`]: [`lint_form`] says it.

mod array;
mod gdal;
mod names;
mod virtualizarr;
mod xarray;
mod zarrs;

use serde::Serialize;

use crate::output::{JsonForm, TemplateUse};
use crate::reference::ReferenceSet;

/// A program or library that reads references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reader {
    /// xarray, over zarr-python and fsspec.
    Xarray,
    /// GDAL's Zarr driver.
    Gdal,
    /// VirtualiZarr's parser of kerchunk JSON.
    VirtualiZarr,
    /// zarrs, the Rust crate.
    Zarrs,
}

/// What comes of a [`Finding`], the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// All is read; something about it should be known.
    Note,
    /// The array, or its chunks, are refused.
    Array,
    /// The reader gives other values or attributes, without a word.
    Values,
    /// Nothing of the group that the array lies in is opened.
    Group,
    /// Nothing at all is opened.
    Set,
}

/// What a reader does not bear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// The form of the text, whatever it refers to.
    Form,
    /// Chunks held inline.
    InlineChunk,
    /// A chunk held inline that has no bytes.
    EmptyInlineChunk,
    /// A range of no bytes.
    EmptyRange,
    /// A range that is too long.
    LongRange,
    /// A chunk with more bytes encoded than decoded.
    LongChunk,
    /// Chunks that are not there.
    MissingChunks,
    /// A type of elements.
    Type,
    /// A codec, or one of its parameters.
    Codec,
    /// The order of a chunk's elements.
    Order,
    /// A fill value.
    FillValue,
    /// A fill value that hides values equal to it.
    Masking,
    /// The names of an array's dimensions.
    Dimensions,
    /// A dimension's name with two lengths in one group.
    DimensionLengths,
    /// A dimension of length 0.
    EmptyDimension,
    /// A chunk of length 0.
    EmptyChunk,
    /// An array without dimensions.
    Scalar,
    /// A group without its document.
    NoGroup,
    /// Groups inside the root.
    NestedGroups,
    /// Text that holds the group's own name.
    GroupName,
    /// A URL that says not where it begins.
    RelativeUrl,
    /// The protocol of a URL.
    Protocol,
}

/// What a reader would refuse or read otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The node's absolute path.
    pub path: String,
    /// What the reader does not bear.
    pub rule: Rule,
    /// What comes of it.
    pub severity: Severity,
    /// Why, as a sentence without its full stop.
    pub why: String,
}

/// What `reader` would refuse in `set` or read otherwise, in the set's order; nothing means that it reads everything as it is told.
pub fn lint(set: &ReferenceSet, reader: Reader) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    match reader {
        Reader::Xarray => xarray::check(set, &mut findings),
        Reader::Gdal => gdal::check(set, &mut findings),
        Reader::VirtualiZarr => virtualizarr::check(set, &mut findings),
        Reader::Zarrs => zarrs::check(set, &mut findings),
    }
    findings.0
}

/// What a reader would refuse of a text of kerchunk JSON for its form, whatever it refers to.
pub fn lint_form(form: &JsonForm, reader: Reader) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    match reader {
        Reader::Gdal if form.templates != TemplateUse::Absent || form.has_generators => {
            findings.add("", Rule::Form, Severity::Set, "the members templates and gen are not read");
        }
        Reader::VirtualiZarr => {
            if form.version == 0 {
                findings.add("", Rule::Form, Severity::Set, "version 0 is not parsed");
            }
            if form.has_objects {
                findings.add("", Rule::Form, Severity::Set, "documents that are objects and no texts are not parsed");
            }
            if form.templates == TemplateUse::Used {
                findings.add("", Rule::Form, Severity::Set, "templates are not replaced");
            }
        }
        Reader::Xarray if form.has_generators => {
            findings.add("", Rule::Form, Severity::Values, "generators are passed over, and their chunks are missing");
        }
        _ => {}
    }
    findings.0
}

/// Findings as they are made.
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, path: &str, rule: Rule, severity: Severity, why: impl Into<String>) {
        self.0.push(Finding { path: format!("/{path}"), rule, severity, why: why.into() });
    }
}

#[cfg(test)]
mod tests;
