//! Heaps: names of old-style groups, values of variable length, and dense storage ([III.D], [III.E], [III.G]).

use std::cell::RefCell;
use std::collections::BTreeMap;

use bytes::Bytes;

use super::visited::Visited;
use super::{Block, File, length_of};
use crate::error::{Error, Problem, Structure};
use crate::field::convert::narrow;
use crate::field::{Address, Span};
use crate::source::{Halt, join};
use crate::structure;
use crate::structure::btree_v2::{Child as Node, Header as BtreeV2, LONGEST_HEADER as BTREE_HEADER, Node as BtreeNode};
use crate::structure::fractal_heap::{Child, FractalHeap, HeapId, LONGEST_HEADER as FRACTAL_HEADER, object};
use crate::structure::global_heap::{GlobalHeapId, Object, collection_size, objects};
use crate::structure::local_heap::{LONGEST_HEADER as LOCAL_HEADER, LocalHeap, text};
use crate::structure::shared_messages::SharedMessageTable;

/// Bytes read of a collection before its size is known: libhdf5 makes none smaller (`H5HG_MINSIZE`).
const COLLECTION: u64 = 4096;

/// Bytes read of a local heap before its size is known: the data segment usually follows.
const LOCAL: u64 = 512;

/// The collections of the global heap that have been read.
#[derive(Debug, Default)]
pub(crate) struct GlobalHeaps(RefCell<BTreeMap<Address, Collection>>);

#[derive(Debug)]
struct Collection {
    block: Block,
    objects: BTreeMap<u32, Object>,
}

/// The data segment of a local heap.
#[derive(Debug)]
pub(crate) struct Names(Block);

impl Names {
    /// The NUL-terminated text at an offset of the segment.
    pub(crate) fn text(&self, offset: u64) -> Result<Vec<u8>, Error> {
        self.0.parse(Structure::LocalHeap, |i| text(offset, i)).map(<[u8]>::to_vec)
    }
}

/// A fractal heap, all its direct blocks read.
#[derive(Debug)]
pub(crate) struct Dense {
    header: FractalHeap,
    /// Direct blocks by their offset in the heap.
    blocks: BTreeMap<u64, Block>,
    address: Address,
}

/// An object of a dense heap and its place: inside the file where the heap is not filtered.
pub(crate) type Stored = Block;

impl File<'_> {
    /// The data segment of a local heap.
    pub(crate) fn local_heap(&self, address: Address) -> Result<Names, Halt> {
        let structure = Structure::LocalHeap;
        let guess = self.block_up_to(structure, address, LOCAL.max(LOCAL_HEADER))?;
        let heap = guess.parse(structure, |i| LocalHeap::parse(self.sizes(), i))?;
        let range = self.range(structure, heap.segment, heap.segment_size)?;
        let start = range.start.checked_sub(guess.at).map(narrow);
        let end = narrow(range.end.saturating_sub(guess.at));
        match start.and_then(|start| guess.bytes.get(start..end).map(|_| guess.bytes.slice(start..end))) {
            Some(bytes) => Ok(Names(Block { at: range.start, bytes })),
            None => Ok(Names(self.block(structure, heap.segment, heap.segment_size)?)),
        }
    }

    /// A value in the global heap; its collection is read once. Callers join their elements, so that what many miss is fetched together.
    pub(crate) fn heap_object(&self, id: GlobalHeapId) -> Result<Bytes, Halt> {
        self.heap_block(id).map(|block| block.bytes)
    }

    /// The same with its place in the file.
    pub(crate) fn heap_block(&self, id: GlobalHeapId) -> Result<Block, Halt> {
        if !self.heaps.0.borrow().contains_key(&id.collection) {
            let collection = self.collection(id.collection)?;
            self.heaps.0.borrow_mut().insert(id.collection, collection);
        }
        Ok(self.object_of_collection(id)?)
    }

    fn collection(&self, address: Address) -> Result<Collection, Halt> {
        let (structure, sizes) = (Structure::GlobalHeap, self.sizes());
        let guess = self.block_up_to(structure, address, COLLECTION)?;
        let size = guess.parse(structure, |i| collection_size(sizes, i))?;
        let block = if size <= length_of(&guess) { guess } else { self.block(structure, address, size)? };
        let objects = block.parse(structure, |i| objects(sizes, i))?;
        let objects = objects.into_iter().map(|object| (object.index.into(), object)).collect();
        Ok(Collection { block, objects })
    }

    /// A value of a collection that has been read.
    fn object_of_collection(&self, id: GlobalHeapId) -> Result<Block, Error> {
        let heaps = self.heaps.0.borrow();
        let missing = || self.problem_at(Structure::GlobalHeap, id.collection, Problem::Missing("the heap object"));
        let collection = heaps.get(&id.collection).ok_or_else(missing)?;
        let object = collection.objects.get(&id.index).ok_or_else(missing)?;
        let start = narrow(object.at.saturating_sub(collection.block.at));
        let bytes = collection.block.bytes.slice(start..start.saturating_add(narrow(object.size)));
        Ok(Block { at: object.at, bytes })
    }

    /// A fractal heap with all its direct blocks: a list of links or attributes wants nearly all of them.
    pub(crate) fn dense(&self, address: Address) -> Result<Dense, Halt> {
        let (structure, sizes) = (Structure::FractalHeap, self.sizes());
        let guess = self.block_up_to(structure, address, FRACTAL_HEADER)?;
        let size = guess.parse(structure, |i| FractalHeap::header_size(sizes, i))?;
        let block = if size <= length_of(&guess) { guess } else { self.block(structure, address, size)? };
        let header = block.parse(structure, |i| FractalHeap::parse(sizes, i))?;
        let direct = self.direct_places(&header)?;
        let places: Vec<_> = direct.iter().map(|block| (block.address, block.stored)).collect();
        let blocks = self.blocks(Structure::FractalHeapDirect, &places)?;
        let blocks = direct.iter().zip(blocks).map(|(place, block)| {
            let block = self.direct_block(&header, place, block)?;
            Ok((place.heap_offset, block))
        });
        let blocks = blocks.collect::<Result<_, Error>>()?;
        Ok(Dense { header, blocks, address })
    }

    /// Where the direct blocks lie, found through the indirect ones, level by level.
    fn direct_places(&self, header: &FractalHeap) -> Result<Vec<DirectPlace>, Halt> {
        let sizes = self.sizes();
        let mut direct = Vec::new();
        let mut visited = Visited::default();
        let mut sort = |child: Child, next: &mut Vec<IndirectPlace>| -> Result<(), Error> {
            let address = match child {
                Child::Direct { address, .. } | Child::Indirect { address, .. } => address,
            };
            visited
                .arrive("fractal heap block", address)
                .map_err(|problem| self.problem_at(Structure::FractalHeapIndirect, address, problem))?;
            match child {
                Child::Direct { address, heap_offset, size, filtered } => {
                    let (stored, mask) = filtered.unwrap_or((size, 0));
                    direct.push(DirectPlace { address, heap_offset, size, stored, mask });
                }
                Child::Indirect { address, heap_offset, rows } => {
                    next.push(IndirectPlace { address, heap_offset, rows });
                }
            }
            Ok(())
        };
        let mut roots = Vec::new();
        if let Some(root) = header.root_child() {
            sort(root, &mut roots)?;
        }
        let place = |node: &IndirectPlace| (node.address, header.indirect_size(sizes, node.rows));
        self.levels(Structure::FractalHeapIndirect, roots, place, |node, block, next| {
            let children = block
                .parse(Structure::FractalHeapIndirect, |i| header.indirect(sizes, node.heap_offset, node.rows, i))?;
            children.into_iter().try_for_each(|child| sort(child, next))
        })?;
        Ok(direct)
    }

    fn direct_block(&self, header: &FractalHeap, place: &DirectPlace, stored: Block) -> Result<Block, Error> {
        let block = match &header.filters {
            None => stored,
            Some(filters) => {
                let filters = (&filters.pipeline, place.mask);
                let bytes = self.unfiltered(Structure::FractalHeapDirect, &stored, filters, place.size)?;
                Block { at: stored.at, bytes }
            }
        };
        block.parse(Structure::FractalHeapDirect, |i| header.direct(self.sizes(), place.heap_offset, i))?;
        Ok(block)
    }

    /// The objects of a dense heap under these heap IDs.
    pub(crate) fn dense_objects(&self, heap: &Dense, ids: &[Vec<u8>]) -> Result<Vec<Stored>, Halt> {
        let sizes = self.sizes();
        let start = self.base.saturating_add(heap.address.0);
        let parsed = ids.iter().map(|id| {
            structure::parse(Structure::FractalHeapId, Span::new(id, start), |i| heap.header.parse_id(sizes, i))
        });
        let parsed: Vec<HeapId> = parsed.collect::<Result<_, _>>()?;
        let huge = self.huge_objects(heap, &parsed)?;
        join(parsed, |id| match id {
            HeapId::Managed { offset, length } => Ok(self.managed(heap, offset, length)?),
            HeapId::Tiny(bytes) => Ok(Block { at: start, bytes: Bytes::from(bytes) }),
            HeapId::HugeDirect { address, length, filtered } => self.huge(heap, address, length, filtered),
            HeapId::HugeIndirect { key } => {
                let missing = || Error::format(Structure::FractalHeap, start, Problem::Missing("the huge object"));
                let (address, length, filtered) = huge.get(&key).copied().ok_or_else(missing)?;
                self.huge(heap, address, length, filtered)
            }
        })
    }

    fn managed(&self, heap: &Dense, offset: u64, length: u64) -> Result<Block, Error> {
        let missing =
            || self.problem_at(Structure::FractalHeap, heap.address, Problem::Missing("the object's direct block"));
        let (heap_offset, block) = heap.blocks.range(..=offset).next_back().ok_or_else(missing)?;
        let found = block.parse(Structure::FractalHeapDirect, |i| object(*heap_offset, offset, length, i))?;
        let start = narrow(found.at().saturating_sub(block.at));
        Ok(Block { at: found.at(), bytes: block.bytes.slice(start..start.saturating_add(found.len())) })
    }

    fn huge(&self, heap: &Dense, address: Address, length: u64, filtered: Option<(u32, u64)>) -> Result<Block, Halt> {
        let block = self.block(Structure::FractalHeap, address, length)?;
        let (Some((mask, size)), Some(filters)) = (filtered, &heap.header.filters) else { return Ok(block) };
        let bytes = self.unfiltered(Structure::FractalHeap, &block, (&filters.pipeline, mask), size)?;
        Ok(Block { at: block.at, bytes })
    }

    /// The B-tree of huge objects (record types 1 and 2), if any ID needs it.
    fn huge_objects(&self, heap: &Dense, ids: &[HeapId]) -> Result<BTreeMap<u64, HugePlace>, Halt> {
        let needed = ids.iter().any(|id| matches!(id, HeapId::HugeIndirect { .. }));
        let (true, Some(address)) = (needed, heap.header.huge_btree) else { return Ok(BTreeMap::new()) };
        let filtered = heap.header.filters.is_some();
        let sizes = self.sizes();
        let mut found = BTreeMap::new();
        self.records(address, if filtered { 2 } else { 1 }, |_, i| {
            let (i, address) = sizes.defined("huge object address", i)?;
            let (i, length) = sizes.length(i)?;
            let (i, filtered) = if filtered {
                let (i, mask) = nom::number::complete::le_u32(i)?;
                let (i, size) = sizes.length(i)?;
                (i, Some((mask, size)))
            } else {
                (i, None)
            };
            let (i, key) = sizes.length(i)?;
            found.insert(key, (address, length, filtered));
            Ok((i, ()))
        })?;
        Ok(found)
    }

    /// Every record of a version 2 B-tree of a type, with the number of those that come before it in the tree's order; leaves last.
    pub(crate) fn records(
        &self,
        address: Address,
        record_type: u8,
        mut record: impl for<'a> FnMut(u64, Span<'a>) -> crate::field::Parsed<'a, ()>,
    ) -> Result<(), Halt> {
        let sizes = self.sizes();
        let structure = Structure::BtreeV2Header;
        let block = self.block_up_to(structure, address, BTREE_HEADER)?;
        let header = block.parse(structure, |i| BtreeV2::parse(sizes, i))?;
        if header.record_type != record_type {
            let problem =
                Problem::Mismatch { field: "type", found: header.record_type.into(), expected: record_type.into() };
            return Err(Error::format(structure, block.at, problem).into());
        }
        let mut visited = Visited::default();
        let roots: Vec<Node> = header.root.into_iter().collect();
        let place = |node: &Node| (node.address, header.node_size.into());
        self.levels(Structure::BtreeV2Leaf, roots, place, |place, block, next| {
            let structure = if place.level == 0 { Structure::BtreeV2Leaf } else { Structure::BtreeV2Internal };
            visited
                .arrive("B-tree node", place.address)
                .map_err(|problem| Error::format(structure, block.at, problem))?;
            let node = block.parse(structure, |i| BtreeNode::parse(sizes, &header, *place, i))?;
            for (number, i) in node.records {
                structure::parse(structure, i, |i| record(number, i))?;
            }
            next.extend(node.children);
            Ok(())
        })?;
        Ok(())
    }

    /// A message in the file's heap of shared messages.
    pub(crate) fn shared_in_heap(&self, id: [u8; 8], message_type: u16) -> Result<Block, Halt> {
        let structure = Structure::SharedMessageTable;
        let missing = || Error::format(structure, self.base, Problem::Missing("the table of shared messages"));
        let location = self.shared_messages.ok_or_else(missing)?;
        let size = SharedMessageTable::size(self.sizes(), location.indexes);
        let block = self.block(structure, location.table, size)?;
        let table = block.parse(structure, |i| SharedMessageTable::parse(self.sizes(), location.indexes, i))?;
        let heap = table.heap(message_type).map_err(|problem| Error::format(structure, block.at, problem))?;
        let heap = self.dense(heap)?;
        let mut objects = self.dense_objects(&heap, &[id.to_vec()])?;
        objects.pop().ok_or_else(|| missing().into())
    }
}

type HugePlace = (Address, u64, Option<(u32, u64)>);

/// A direct block as its parent points to it.
struct DirectPlace {
    address: Address,
    heap_offset: u64,
    /// Bytes of the block, without filters.
    size: u64,
    /// Bytes in the file.
    stored: u64,
    mask: u32,
}

/// An indirect block as its parent points to it.
struct IndirectPlace {
    address: Address,
    heap_offset: u64,
    rows: u16,
}

#[cfg(test)]
mod tests {
    use crate::file::proofs::{object, refusals, resealed, tree_of};
    use crate::limits::Limits;
    use crate::structure::proofs::with;

    const LONG_NAMES: &[u8] = include_bytes!("../../testdata/group/dense_long_names.h5");
    /// Attributes in a fractal heap: its header at 0x2e9, root indirect block at 0x2431, name index at 0x37b.
    const DENSE: &[u8] = include_bytes!("../../testdata/attribute/dense.h5");
    /// One attribute of 100 KB beside a small one: the index of huge objects at 0x4c9.
    const HUGE: &[u8] = include_bytes!("../../testdata/attribute/huge.h5");

    fn told(bytes: &[u8]) -> Vec<String> {
        refusals(bytes, Limits::default())
    }

    #[test]
    fn names_lie_in_several_direct_blocks_or_are_huge_objects() {
        assert_eq!(told(LONG_NAMES), [""; 0]);
        assert!(tree_of(LONG_NAMES).objects.iter().any(|object| object.path.len() > 200));
        let huge = tree_of(include_bytes!("../../testdata/group/dense_huge_name.h5"));
        assert!(huge.objects.iter().any(|object| object.path.len() == 5_001));
    }

    #[test]
    fn blocks_below_the_root_indirect_block_are_read() {
        let tree = tree_of(include_bytes!("../../testdata/attribute/dense_nested_heap.h5"));
        let attributes = tree.objects.iter().flat_map(crate::file::Object::attributes);
        assert_eq!(attributes.filter(|attribute| attribute.values.is_ok()).count(), 144);
    }

    #[test]
    fn a_heap_block_that_is_reached_twice_is_refused() {
        // The second child has the address of the first.
        let first = DENSE[0x2431 + 18..0x2431 + 26].to_vec();
        let twice = resealed(DENSE, 0x2431, 0x2431 + 26, &first);
        let at = u64::from_le_bytes(first.try_into().unwrap());
        assert_eq!(
            told(&twice),
            [format!(
                "/d: fractal heap indirect block at {at:#x}: fractal heap block reached a second time (at {at:#x})"
            )]
        );
    }

    #[test]
    fn a_damaged_heap_costs_the_attributes_and_not_the_dataset() {
        let damaged = with(DENSE, 0x2e9, b"X");
        assert_eq!(told(&damaged), ["/d: fractal heap header at 0x2e9: signature is not \"FRHP\" (at 0x2e9)"]);
        assert!(object(&tree_of(&damaged), "/d").dataset().is_some());
    }

    #[test]
    fn a_b_tree_node_that_is_reached_twice_is_refused() {
        // The root at 0x5f3 points to its first child twice.
        let records = 2 * 17;
        let first = DENSE[0x5f3 + 6 + records..][..8].to_vec();
        let twice = resealed(DENSE, 0x5f3, 0x5f3 + 6 + records + 9, &first);
        let at = u64::from_le_bytes(first.try_into().unwrap());
        assert_eq!(
            told(&twice),
            [format!("/d: version 2 B-tree leaf node at {at:#x}: B-tree node reached a second time (at {at:#x})")]
        );
    }

    #[test]
    fn a_huge_object_that_its_index_lacks_is_refused() {
        assert_eq!(told(HUGE), [""; 0]);
        let other_key = resealed(HUGE, 0x4ef, 0x4ef + 6 + 16, &[9]);
        assert_eq!(told(&other_key), ["/d: fractal heap header at 0x1bf: the huge object is missing (at 0x1bf)"]);
    }

    #[test]
    fn names_outside_the_local_heap_are_refused() {
        let file = include_bytes!("../../testdata/group/hard_links.h5");
        let outside = with(file, 0x488, &[0xff, 0xff]);
        assert_eq!(told(&outside), ["local heap at 0x2c8: the bytes end inside the structure (at 0x2c8)"]);
    }
}
