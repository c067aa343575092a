//! Chunk tables: where each chunk of a dataset lies, whatever index says so ([VII], [III.A.1]).

use std::sync::Arc;

use super::File;
use super::dataset::Place;
use super::visited::Visited;
use crate::error::{Error, Problem, Structure, Unsupported};
use crate::field::Address;
use crate::source::Halt;
use crate::structure::btree_v1::{ChunkEntry, ChunkNode};
use crate::structure::message::data_layout::{Chunked, Index};

/// The chunks of a dataset that were written, in columns, in C order of the grid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChunkTable {
    /// Number of chunks in each dimension.
    pub grid: Vec<u64>,
    /// Number of each chunk: its position in the grid, in C order.
    pub number: Vec<u64>,
    /// File offset of each chunk's bytes.
    pub offset: Vec<u64>,
    /// Bytes of each chunk in the file, after the filters.
    pub size: Vec<u64>,
    /// Which filters the chunks skipped.
    pub masks: FilterMasks,
}

/// Filter masks: bit i set means that filter i was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterMasks {
    /// All chunks have this mask.
    Uniform(u32),
    /// One mask for each chunk.
    Each(Vec<u32>),
}

impl Default for FilterMasks {
    fn default() -> Self {
        Self::Uniform(0)
    }
}

impl ChunkTable {
    /// How many chunks were written.
    pub fn len(&self) -> usize {
        self.number.len()
    }

    /// Whether no chunk was written.
    pub fn is_empty(&self) -> bool {
        self.number.is_empty()
    }

    /// The filter mask of the `n`th chunk.
    pub(crate) fn mask(&self, n: usize) -> u32 {
        match &self.masks {
            FilterMasks::Uniform(mask) => *mask,
            FilterMasks::Each(masks) => masks.get(n).copied().unwrap_or(0),
        }
    }

    fn push_mask(&mut self, mask: u32) {
        let chunks = self.number.len();
        match &mut self.masks {
            FilterMasks::Uniform(uniform) if chunks == 0 => *uniform = mask,
            FilterMasks::Uniform(uniform) if *uniform == mask => {}
            FilterMasks::Uniform(uniform) => {
                let mut each = vec![*uniform; chunks];
                each.push(mask);
                self.masks = FilterMasks::Each(each);
            }
            FilterMasks::Each(each) => each.push(mask),
        }
    }
}

/// A chunk as an index describes it.
struct Entry<'a> {
    /// Offset of the first element in each dimension, in elements.
    offsets: &'a [u64],
    address: Address,
    size: u64,
    mask: u32,
}

/// A chunk table in the making, and what its entries are checked against.
struct Builder<'a> {
    file: &'a File<'a>,
    place: &'a Place<'a>,
    chunk: &'a [u64],
    /// Bytes of every chunk, where no filter changes them.
    unfiltered: Option<u64>,
    table: ChunkTable,
}

impl File<'_> {
    /// The chunk table of a dataset; kept, so that a replayed walk does not decode it again.
    pub(crate) fn chunk_table(
        &self,
        place: &Place<'_>,
        chunked: &Chunked,
        chunk: &[u64],
    ) -> Result<Arc<ChunkTable>, Halt> {
        if let Some(table) = self.memo.chunks(place.header.address) {
            return Ok(table);
        }
        let mut builder = Builder::new(self, place, chunk)?;
        if let Some(address) = chunked.address {
            match chunked.index {
                Index::BtreeV1 => self.btree_v1_chunks(address, &mut builder)?,
                other => return Err(Unsupported::ChunkIndex(other.name()).into()),
            }
        }
        let mut table = builder.table;
        table.number.shrink_to_fit();
        table.offset.shrink_to_fit();
        table.size.shrink_to_fit();
        let table = Arc::new(table);
        self.memo.keep(place.header.address, &table);
        Ok(table)
    }

    /// A version 1 B-tree of chunks, level by level; its keys ascend, so its leaves are in C order.
    fn btree_v1_chunks(&self, root: Address, builder: &mut Builder<'_>) -> Result<(), Halt> {
        let (sizes, k, rank) = (self.sizes(), self.superblock.k.chunk, builder.chunk.len());
        let structure = Structure::BtreeV1;
        let too_large = || self.problem_at(structure, root, Problem::Overflow("node size"));
        let node_size = ChunkNode::size(sizes, k, rank).ok_or_else(too_large)?;
        let mut visited = Visited::default();
        let mut last: Vec<u64> = Vec::new();
        self.levels(
            structure,
            vec![(root, None)],
            |(address, _)| (*address, node_size),
            |(address, level), block, next| {
                let node = block.parse(structure, |i| ChunkNode::parse(sizes, k, rank, i))?;
                let problem = |problem| self.problem_at(structure, *address, problem);
                visited.arrive("B-tree node", *address).map_err(problem)?;
                if level.is_some_and(|level| level != node.level) {
                    return Err(problem(Problem::Value { field: "node level", value: node.level.into() }));
                }
                if let Some(below) = node.level.checked_sub(1) {
                    next.extend(node.entries.iter().map(|entry| (entry.child, Some(below))));
                    return Ok(());
                }
                self.budget().chunks(crate::field::convert::wide(node.entries.len()))?;
                builder.leaf(&node, &mut last).map_err(|refusal| refusal.at(self, *address))
            },
        )
    }
}

/// Why a chunk is refused.
enum Refusal {
    /// The index is at fault.
    Problem(Problem),
    Error(Error),
}

impl Refusal {
    fn at(self, file: &File<'_>, node: Address) -> Error {
        match self {
            Self::Problem(problem) => file.problem_at(Structure::BtreeV1, node, problem),
            Self::Error(error) => error,
        }
    }
}

impl<'a> Builder<'a> {
    fn new(file: &'a File<'_>, place: &'a Place<'_>, chunk: &'a [u64]) -> Result<Self, Error> {
        let grid = place.dataspace.dimensions.iter().zip(chunk).map(|(size, chunk)| size.div_ceil((*chunk).max(1)));
        let bytes = chunk.iter().try_fold(u64::from(place.datatype.size), |bytes, size| bytes.checked_mul(*size));
        let bytes = bytes.ok_or_else(|| place.layout_problem(Problem::Overflow("size of a chunk")))?;
        let unfiltered = place.filters.filters.is_empty().then_some(bytes);
        let table = ChunkTable { grid: grid.collect(), ..ChunkTable::default() };
        Ok(Self { file, place, chunk, unfiltered, table })
    }

    /// The chunks of a leaf; `last` are the offsets of the chunk before it.
    fn leaf(&mut self, node: &ChunkNode, last: &mut Vec<u64>) -> Result<(), Refusal> {
        let rank = self.chunk.len();
        for (ChunkEntry { size, filter_mask, child }, offsets) in
            node.entries.iter().zip(node.offsets.chunks_exact(rank))
        {
            if !last.is_empty() && last.as_slice() >= offsets {
                let same = last.as_slice() == offsets;
                return Err(Refusal::Problem(if same {
                    Problem::Duplicate("chunk")
                } else {
                    Problem::Order("chunks")
                }));
            }
            last.clear();
            last.extend_from_slice(offsets);
            self.add(&Entry { offsets, address: *child, size: (*size).into(), mask: *filter_mask })?;
        }
        Ok(())
    }

    fn add(&mut self, entry: &Entry<'_>) -> Result<(), Refusal> {
        let Some(number) = self.number(entry.offsets).map_err(Refusal::Problem)? else { return Ok(()) };
        if let Some(expected) = self.unfiltered.filter(|expected| *expected != entry.size) {
            return Err(Refusal::Problem(Problem::Mismatch { field: "chunk size", found: entry.size, expected }));
        }
        if entry.size == 0 {
            return Err(Refusal::Problem(Problem::Value { field: "chunk size", value: 0 }));
        }
        let range = self.file.range(Structure::Chunk, entry.address, entry.size).map_err(Refusal::Error)?;
        self.table.push_mask(entry.mask);
        self.table.number.push(number);
        self.table.offset.push(range.start);
        self.table.size.push(entry.size);
        Ok(())
    }

    /// The number of the chunk at `offsets`; `None` for one that a dataset which has shrunk has left behind.
    fn number(&self, offsets: &[u64]) -> Result<Option<u64>, Problem> {
        let space = self.place.dataspace;
        let mut number = 0_u64;
        let mut outside = false;
        let sizes = space.dimensions.iter().zip(&space.maximum).zip(self.chunk.iter().zip(&self.table.grid));
        for (offset, ((size, most), (chunk, grid))) in offsets.iter().zip(sizes) {
            let position = offset.checked_div(*chunk).unwrap_or(0);
            if position.checked_mul(*chunk) != Some(*offset) {
                return Err(Problem::Value { field: "chunk offset", value: *offset });
            }
            if offset >= size {
                outside = true;
                if most.is_some_and(|most| *offset >= most) {
                    return Err(Problem::Value { field: "chunk offset", value: *offset });
                }
            }
            number = match number.checked_mul(*grid).and_then(|number| number.checked_add(position)) {
                Some(number) => number,
                None if outside => 0,
                None => return Err(Problem::Overflow("chunk number")),
            };
        }
        Ok((!outside).then_some(number))
    }
}
