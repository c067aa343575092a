//! The structures of the HDF5 File Format Specification, and the header of netCDF-3: pure functions from bytes to values, one file per
//! section.

pub(crate) mod btree_v1;
pub(crate) mod btree_v2;
pub(crate) mod cache_image;
pub(crate) mod chunk_index;
pub(crate) mod classic;
pub(crate) mod driver_information;
pub(crate) mod fractal_heap;
pub(crate) mod global_heap;
pub(crate) mod local_heap;
pub(crate) mod message;
pub(crate) mod object_header;
#[cfg(test)]
pub(crate) mod proofs;
pub(crate) mod regular_blocks;
pub(crate) mod selection;
pub(crate) mod shared_messages;
pub(crate) mod superblock;
pub(crate) mod symbol_table;
pub(crate) mod virtual_mappings;

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
        Blame::Limit(error) => error.into(),
        Blame::Unsupported(what) => what.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{LimitError, Problem};
    use proofs::{AT, message_of};

    #[test]
    fn errors_carry_the_structure_and_the_place_unless_the_bytes_are_not_to_blame() {
        let told = |fault: fn(Span<'static>) -> Parsed<'static, ()>| {
            message_of(parse(Structure::LocalHeap, Span::new(b"HEAP", AT), |i| {
                let (i, ()) = crate::field::skip(2, i)?;
                fault(i)
            }))
        };
        assert_eq!(
            told(|i| i.fail(Problem::Truncated)),
            "local heap at 0x60: the bytes end inside the structure (at 0x62)"
        );
        let limit = |i: Span<'static>| i.limit(LimitError { which: "chunks", limit: 1, value: 2 });
        assert_eq!(told(limit), "2 exceeds Limits::chunks = 1; raise it if the file is trusted");
        let incomplete = |_: Span<'static>| Err(Err::Incomplete(nom::Needed::Unknown));
        assert_eq!(told(incomplete), "local heap at 0x60: the bytes end inside the structure (at 0x60)");
    }
}
