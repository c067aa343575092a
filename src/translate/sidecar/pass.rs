//! The pass over the arrays that are refused: what the sidecar file can hold of them is written there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::options::{Options, UnsupportedPolicy};
use super::super::subject::{Parts, Subject};
use super::Sidecar;
use super::array::{Written, may_hold, written};
use crate::error::{Error, LimitError, Unsupported};
use crate::file::{ChunkTable, Dataset, File};
use crate::source::{Halt, attempt};

/// What there is for arrays that are refused otherwise.
#[derive(Debug)]
pub(crate) enum Beside<'b, 's, 'w> {
    /// Nothing, and a caller could give one.
    Possible,
    /// A sidecar file; the file is opened once more, with limits of its own.
    Sidecar(&'b File<'s>, &'b mut Sidecar<'w>),
}

/// An array, or why there is none.
type Made = Result<Parts, Error>;

/// The arrays that were written, by the address of their dataset: each path of it is the same array.
#[derive(Debug, Default)]
pub(crate) struct Pass(BTreeMap<u64, (Parts, Written)>);

impl Pass {
    /// What becomes of an array after the sidecar file was tried, and what it has there. An error of the file itself ends the whole.
    pub(crate) fn array(
        &mut self,
        made: Made,
        subject: Subject<'_>,
        table: Option<Arc<ChunkTable>>,
        options: &Options,
        beside: &mut Beside<'_, '_, '_>,
    ) -> Result<(Made, Option<Written>), Halt> {
        let Err(refusal) = made else { return Ok((made, None)) };
        let dataset = subject.dataset;
        match beside {
            Beside::Sidecar(file, sidecar) if is_wanted(&refusal, dataset, options) => {
                if let Some((parts, written)) = self.0.get(&subject.object.address) {
                    return Ok((Ok(parts.clone()), Some(*written)));
                }
                match attempt(written(file, subject, table, options, sidecar))? {
                    Ok((parts, written)) => {
                        self.0.insert(subject.object.address, (parts.clone(), written));
                        Ok((Ok(parts), Some(written)))
                    }
                    Err(error @ Error::Io { .. }) => Err(error.into()),
                    Err(Error::Limit(limit)) => Ok((Err(of_sidecar(limit).into()), None)),
                    Err(error) => Ok((Err(error), None)),
                }
            }
            Beside::Possible if options.unsupported != UnsupportedPolicy::Refuse => {
                Ok((Err(told(refusal, dataset)), None))
            }
            _ => Ok((Err(refusal), None)),
        }
    }
}

/// Whether an array that was refused for this may go to the sidecar file.
pub(crate) fn is_wanted(refusal: &Error, dataset: &Dataset, options: &Options) -> bool {
    let is_refused = match refusal {
        Error::Unsupported(_) => true,
        Error::Limit(limit) => matches!(limit.which, "decoded_bytes" | "inline_bytes"),
        _ => false,
    };
    options.unsupported == UnsupportedPolicy::Sidecar && is_refused && may_hold(dataset)
}

/// A limit by the name that it has for the sidecar file.
fn of_sidecar(limit: LimitError) -> LimitError {
    if limit.which == "decoded_bytes" { LimitError { which: "sidecar_bytes", ..limit } } else { limit }
}

/// A refusal that says what would help.
fn told(refusal: Error, dataset: &Dataset) -> Error {
    match refusal {
        Error::Unsupported(refusal) if may_hold(dataset) && would_help(&refusal) => {
            Unsupported::Sidecar(Box::new(refusal)).into()
        }
        other => other,
    }
}

/// Whether an array is refused for what it would take inline, and not for what it holds.
fn would_help(refusal: &Unsupported) -> bool {
    match refusal {
        Unsupported::Filter { .. }
        | Unsupported::Coding { .. }
        | Unsupported::FilterMasks { .. }
        | Unsupported::Decoded { .. }
        | Unsupported::FillValue { .. }
        | Unsupported::MemberBorders { .. } => true,
        Unsupported::Feature(what) => {
            what.starts_with("shuffle of bytes") || what.starts_with("a variable shorter than its unlimited dimension")
        }
        _ => false,
    }
}
