//! Version 2 B-trees of chunks, record types 10 and 11 ([VII.E]).

use nom::number::complete::{le_u32, le_u64};

use super::builder::Builder;
use crate::error::{Problem, Structure};
use crate::field::convert::wide;
use crate::field::sizes::{le_uint, length_of};
use crate::field::{Address, Parsed, Sizes, Span};
use crate::file::File;
use crate::source::Halt;

/// A chunk without filters.
const UNFILTERED: u8 = 10;
/// A chunk with filters.
const FILTERED: u8 = 11;

/// A record: where the chunk lies, its size and mask where it is filtered, and its position in the grid.
type Record = (Option<Address>, Option<(u64, u32)>, Vec<u64>);

impl File<'_> {
    /// The chunks of a tree, in no order.
    pub(super) fn btree_v2_chunks(&self, tree: Address, builder: &mut Builder<'_>) -> Result<(), Halt> {
        let (sizes, rank, filtered) = (self.sizes(), builder.rank(), builder.is_filtered());
        let mut found: Vec<Record> = Vec::new();
        self.records(tree, if filtered { FILTERED } else { UNFILTERED }, |i| {
            let (i, record) = record(sizes, rank, filtered, i)?;
            found.push(record);
            Ok((i, ()))
        })?;
        self.budget().chunks(wide(found.len()))?;
        for (address, filtered, position) in found {
            let undefined = || self.problem_at(Structure::BtreeV2Header, tree, Problem::Undefined("chunk address"));
            builder.add(&position, address.ok_or_else(undefined)?, filtered)?;
        }
        Ok(())
    }
}

fn record(sizes: Sizes, rank: usize, filtered: bool, i: Span<'_>) -> Parsed<'_, Record> {
    let (i, address) = sizes.address(i)?;
    let (i, filtered) = if filtered {
        // The size is as wide as the record has room for, whatever the layout's version says.
        let positions = wide(rank).saturating_mul(8);
        let width = length_of(&i).saturating_sub(positions).saturating_sub(4);
        let (rest, size) = match u8::try_from(width) {
            Ok(width @ 1..=8) => le_uint(width, i)?,
            _ => return i.value("record size", length_of(&i)),
        };
        let (rest, mask) = le_u32(rest)?;
        (rest, Some((size, mask)))
    } else {
        (i, None)
    };
    let mut position = Vec::with_capacity(rank);
    let mut i = i;
    for _ in 0..rank {
        let (rest, place) = le_u64(i)?;
        position.push(place);
        i = rest;
    }
    Ok((i, (address, filtered, position)))
}
