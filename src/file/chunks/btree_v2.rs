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
#[derive(Debug)]
struct Record {
    address: Option<Address>,
    filtered: Option<(u64, u32)>,
    position: Vec<u64>,
}

impl File<'_> {
    /// The chunks of a tree. They are searched by position (`H5D__bt2_compare`): one out of order is found by none or by chance.
    pub(super) fn btree_v2_chunks(&self, tree: Address, builder: &mut Builder<'_>) -> Result<(), Halt> {
        let (sizes, rank, width) = (self.sizes(), builder.rank(), builder.size_width());
        let mut found: Vec<(u64, Record)> = Vec::new();
        self.records(tree, if width.is_some() { FILTERED } else { UNFILTERED }, |number, i| {
            let (i, record) = record(sizes, rank, width, i)?;
            found.push((number, record));
            Ok((i, ()))
        })?;
        self.budget().chunks(wide(found.len()))?;
        found.sort_unstable_by_key(|(number, _)| *number);
        let problem = |problem| self.problem_at(Structure::BtreeV2Header, tree, problem);
        for pair in found.windows(2) {
            if let [(_, one), (_, next)] = pair
                && one.position >= next.position
            {
                let same = one.position == next.position;
                return Err(problem(if same { Problem::Duplicate("chunk") } else { Problem::Order("chunks") }).into());
            }
        }
        for (_, Record { address, filtered, position }) in found {
            let address = address.ok_or_else(|| problem(Problem::Undefined("chunk address")))?;
            builder.add(&position, address, filtered)?;
        }
        Ok(())
    }
}

/// `width` is that of the size of a filtered chunk.
fn record(sizes: Sizes, rank: usize, width: Option<u8>, i: Span<'_>) -> Parsed<'_, Record> {
    let size = length_of(&i);
    let (i, address) = sizes.address(i)?;
    let (i, filtered) = if let Some(width) = width {
        if length_of(&i) != wide(rank).saturating_mul(8).saturating_add(4).saturating_add(width.into()) {
            return i.value("record size", size);
        }
        let (rest, size) = le_uint(width, i)?;
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
    Ok((i, Record { address, filtered, position }))
}
