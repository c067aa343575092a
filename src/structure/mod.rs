//! The structures of the HDF5 File Format Specification: pure functions from bytes to values, one file per section.

pub(crate) mod btree_v1;
pub(crate) mod btree_v2;
pub(crate) mod fractal_heap;
pub(crate) mod global_heap;
pub(crate) mod local_heap;
pub(crate) mod message;
pub(crate) mod object_header;
#[cfg(test)]
pub(crate) mod proofs;
pub(crate) mod shared_messages;
pub(crate) mod superblock;
pub(crate) mod symbol_table;

use nom::Err;

use crate::error::{Error, FormatError, Structure};
use crate::field::span::Blame;
use crate::field::{Fault, Parsed, Span};

/// Runs `parser` on the bytes of one structure, so that its errors carry the structure's name and place.
pub(crate) fn parse<'a, T>(
    structure: Structure,
    i: Span<'a>,
    parser: impl FnOnce(Span<'a>) -> Parsed<'a, T>,
) -> Result<T, Error> {
    match parser(i) {
        Ok((_, value)) => Ok(value),
        Err(Err::Error(fault) | Err::Failure(fault)) => Err(blame(structure, i.at(), fault)),
        // The parsers of this crate are complete ones: nom never asks them for more.
        Err(Err::Incomplete(_)) => {
            Err(blame(structure, i.at(), Fault { at: i.at(), blame: Blame::Problem(crate::error::Problem::Truncated) }))
        }
    }
}

fn blame(structure: Structure, start: u64, fault: Fault) -> Error {
    match fault.blame {
        Blame::Problem(problem) => FormatError { structure, start, at: fault.at, problem }.into(),
        Blame::Unsupported(what) => (*what).into(),
        Blame::Limit(error) => error.into(),
    }
}
