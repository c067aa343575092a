//! Version 1 B-trees of chunks ([III.A.1]).

use super::builder::Builder;
use crate::error::{Error, Problem, Structure};
use crate::field::Address;
use crate::field::convert::wide;
use crate::file::File;
use crate::file::visited::Visited;
use crate::source::Halt;
use crate::structure::btree_v1::{ChunkEntry, ChunkNode};

impl File<'_> {
    /// The chunks of a tree, level by level; its keys ascend, so its leaves are in C order.
    ///
    /// Of the root, no more is read than as many entries take as the dataset has chunks: nodes are large, and those of small datasets
    /// nearly empty. One that has more entries, as that of a dataset which shrank, is read whole then.
    pub(super) fn btree_v1_chunks(&self, root: Address, builder: &mut Builder<'_>) -> Result<(), Halt> {
        let (sizes, k, rank) = (self.sizes(), self.superblock.k.chunk, builder.rank());
        let structure = Structure::BtreeV1;
        let too_large = || self.problem_at(structure, root, Problem::Overflow("node size"));
        let node_size = ChunkNode::size(sizes, k, rank).ok_or_else(too_large)?;
        let mut visited = Visited::default();
        let mut leaves = Leaves { last: Vec::new(), position: Vec::new() };
        self.range(structure, root, node_size)?;
        let few = ChunkNode::size_of_entries(sizes, k, rank, builder.most()).unwrap_or(node_size);
        let roots = vec![(root, None, few)];
        self.levels(
            structure,
            roots,
            |(address, _, size)| (*address, *size),
            |(address, level, size), block, next| {
                if *size < node_size {
                    let used = block.parse(structure, |i| ChunkNode::entries_used(sizes, k, i))?;
                    if used > builder.most() {
                        next.push((*address, *level, node_size));
                        return Ok(());
                    }
                }
                let node = block.parse(structure, |i| ChunkNode::parse(sizes, k, rank, i))?;
                let problem = |problem| self.problem_at(structure, *address, problem);
                visited.arrive("B-tree node", *address).map_err(problem)?;
                if level.is_some_and(|level| level != node.level) {
                    return Err(problem(Problem::Value { field: "node level", value: node.level.into() }));
                }
                if let Some(below) = node.level.checked_sub(1) {
                    next.extend(node.entries.iter().map(|entry| (entry.child, Some(below), node_size)));
                    return Ok(());
                }
                self.budget().chunks(wide(node.entries.len()))?;
                leaves.add(&node, builder, problem)
            },
        )
    }
}

/// What one leaf leaves to the next.
struct Leaves {
    /// Offsets of the last chunk.
    last: Vec<u64>,
    /// Room for a position.
    position: Vec<u64>,
}

impl Leaves {
    fn add(
        &mut self,
        node: &ChunkNode,
        builder: &mut Builder<'_>,
        problem: impl Fn(Problem) -> Error,
    ) -> Result<(), Error> {
        for (entry, offsets) in node.entries.iter().zip(node.offsets.chunks_exact(builder.rank())) {
            let ChunkEntry { size, filter_mask, child } = *entry;
            if !self.last.is_empty() && self.last.as_slice() >= offsets {
                let same = self.last.as_slice() == offsets;
                return Err(problem(if same { Problem::Duplicate("chunk") } else { Problem::Order("chunks") }));
            }
            self.last.clear();
            self.last.extend_from_slice(offsets);
            builder.position(offsets, &mut self.position).map_err(&problem)?;
            builder.add(&self.position, child, Some((size.into(), filter_mask)))?;
        }
        Ok(())
    }
}
