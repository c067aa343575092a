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

/// A record: where the chunk lies, and its size and mask where it is filtered.
type Record = (Option<Address>, Option<(u64, u32)>);

impl File<'_> {
    /// The chunks of a tree. They are searched by position (`H5D__bt2_compare`): one out of order is found by none or by chance.
    pub(super) fn btree_v2_chunks(&self, tree: Address, builder: &mut Builder<'_>) -> Result<(), Halt> {
        let (sizes, rank, width) = (self.sizes(), builder.rank(), builder.size_width());
        // Each with its number in the tree's order, and where its position begins among all.
        let mut found: Vec<(u64, usize, Record)> = Vec::new();
        let mut positions: Vec<u64> = Vec::new();
        self.records(tree, if width.is_some() { FILTERED } else { UNFILTERED }, |number, i| {
            let first = positions.len();
            let (i, record) = record(sizes, rank, width, &mut positions, i)?;
            found.push((number, first, record));
            Ok((i, ()))
        })?;
        self.budget().chunks(wide(found.len()))?;
        found.sort_unstable_by_key(|(number, ..)| *number);
        let problem = |problem| self.problem_at(Structure::BtreeV2Header, tree, problem);
        let mut before: &[u64] = &[];
        for (_, first, (address, filtered)) in found {
            let position = positions.get(first..first.saturating_add(rank)).unwrap_or_default();
            if before >= position {
                let same = before == position;
                return Err(problem(if same { Problem::Duplicate("chunk") } else { Problem::Order("chunks") }).into());
            }
            let address = address.ok_or_else(|| problem(Problem::Undefined("chunk address")))?;
            builder.add(position, address, filtered)?;
            before = position;
        }
        Ok(())
    }
}

/// `width` is that of the size of a filtered chunk; the position in the grid is added to `positions`.
fn record<'a>(
    sizes: Sizes,
    rank: usize,
    width: Option<u8>,
    positions: &mut Vec<u64>,
    i: Span<'a>,
) -> Parsed<'a, Record> {
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
    let mut i = i;
    for _ in 0..rank {
        let (rest, place) = le_u64(i)?;
        positions.push(place);
        i = rest;
    }
    Ok((i, (address, filtered)))
}
