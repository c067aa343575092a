//! Links of groups, old and new, compact and dense ([III.B], [IV.A.2.g], [IV.A.2.r]).

use super::File;
use super::heap::Names;
use super::object::Header;
use super::visited::Visited;
use crate::error::{Error, Problem, Structure};
use crate::field::Address;
use crate::field::bytes;
use crate::field::sizes::length_of;
use crate::source::{Halt, both};
use crate::structure;
use crate::structure::btree_v1::GroupNode;
use crate::structure::message::group_info::GroupInfo;
use crate::structure::message::link::{Link, Target};
use crate::structure::message::link_info::LinkInfo;
use crate::structure::message::symbol_table::SymbolTable;
use crate::structure::message::types;
use crate::structure::symbol_table::{Cache, Entry as StoredEntry, Node};

/// A link of a group, and what the group knows of its target.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) link: Link,
    /// The symbol table of an old-style group that is linked: its parent has a copy.
    pub(crate) table: Option<SymbolTable>,
}

impl Header {
    /// Whether the object is a group.
    pub(crate) fn is_group(&self) -> bool {
        let of_groups = [types::SYMBOL_TABLE, types::LINK_INFO, types::GROUP_INFO, types::LINK];
        of_groups.iter().any(|message_type| self.find(*message_type).is_some())
    }
}

impl File<'_> {
    /// The links of a group: in creation order where all links have one, else by name.
    pub(crate) fn links(&self, header: &Header) -> Result<Vec<Entry>, Halt> {
        let mut links = if let Some(message) = self.message(header, types::SYMBOL_TABLE, "symbol table message")? {
            let table = message.parse(Structure::SymbolTable, |i| SymbolTable::parse(self.sizes(), i))?;
            self.old_links(table)?
        } else {
            self.new_links(header)?.into_iter().map(|link| Entry { link, table: None }).collect()
        };
        links.sort_by(|a, b| a.link.name.cmp(&b.link.name));
        if links.windows(2).any(|pair| matches!(pair, [a, b] if a.link.name == b.link.name)) {
            return Err(self
                .problem_at(Structure::ObjectHeader, header.address, Problem::Duplicate("link name"))
                .into());
        }
        if links.iter().all(|entry| entry.link.creation_order.is_some()) {
            links.sort_by_key(|entry| entry.link.creation_order);
        }
        Ok(links)
    }

    /// Symbol table nodes and the heap of names; neither waits for the other.
    pub(crate) fn old_links(&self, table: SymbolTable) -> Result<Vec<Entry>, Halt> {
        let (entries, names) = both(self.entries(table.btree), self.local_heap(table.local_heap))?;
        let links = entries.iter().map(|(node, entry)| self.old_link(*node, entry, &names));
        Ok(links.collect::<Result<_, _>>()?)
    }

    /// The entries of all symbol table nodes below a group's B-tree, each with the address of its node.
    fn entries(&self, btree: Address) -> Result<Vec<(Address, StoredEntry)>, Halt> {
        let (sizes, k) = (self.sizes(), self.superblock.k);
        let too_large = |structure| self.problem_at(structure, btree, Problem::Overflow("node size"));
        let node_size = GroupNode::size(sizes, k.group_internal).ok_or_else(|| too_large(Structure::BtreeV1))?;
        let leaf_size = Node::size(sizes, k.group_leaf).ok_or_else(|| too_large(Structure::SymbolTableNode))?;
        let mut visited = Visited::default();
        let mut leaves = Vec::new();
        let roots = vec![(btree, None)];
        self.levels(
            Structure::BtreeV1,
            roots,
            |(address, _)| (*address, node_size),
            |(address, level), block, next| {
                let node = block.parse(Structure::BtreeV1, |i| GroupNode::parse(sizes, k.group_internal, i))?;
                let problem = |problem| self.problem_at(Structure::BtreeV1, *address, problem);
                visited.arrive("B-tree node", *address).map_err(problem)?;
                if level.is_some_and(|level| level != node.level) {
                    return Err(problem(Problem::Value { field: "node level", value: node.level.into() }));
                }
                match node.level.checked_sub(1) {
                    None => leaves.extend(node.children),
                    Some(below) => next.extend(node.children.into_iter().map(|child| (child, Some(below)))),
                }
                Ok(())
            },
        )?;
        let mut entries = Vec::new();
        let place = |leaf: &Address| (*leaf, leaf_size);
        self.levels(Structure::SymbolTableNode, leaves, place, |address, block, _| {
            let node = block.parse(Structure::SymbolTableNode, |i| Node::parse(sizes, k.group_leaf, i))?;
            let problem = |problem| self.problem_at(Structure::SymbolTableNode, *address, problem);
            visited.arrive("symbol table node", *address).map_err(problem)?;
            entries.extend(node.entries.into_iter().map(|entry| (*address, entry)));
            Ok(())
        })?;
        Ok(entries)
    }

    fn old_link(&self, node: Address, entry: &StoredEntry, names: &Names) -> Result<Entry, Error> {
        let name = names.text(entry.name_offset)?;
        let target = match (&entry.cache, entry.object_header) {
            (Cache::SoftLink { path_offset }, _) => Target::Soft(names.text((*path_offset).into())?),
            (_, Some(address)) => Target::Hard(address),
            (_, None) => {
                return Err(self.problem_at(
                    Structure::SymbolTableNode,
                    node,
                    Problem::Undefined("object header address"),
                ));
            }
        };
        let table = match entry.cache {
            Cache::Group { btree: Some(btree), heap: Some(local_heap) } => Some(SymbolTable { btree, local_heap }),
            _ => None,
        };
        Ok(Entry { link: Link { name, creation_order: None, target }, table })
    }

    /// Link messages, in the header or in dense storage.
    fn new_links(&self, header: &Header) -> Result<Vec<Link>, Halt> {
        let sizes = self.sizes();
        let info = self.message(header, types::LINK_INFO, "link info message")?;
        let info = info.map(|message| message.parse(Structure::LinkInfo, |i| LinkInfo::parse(sizes, i))).transpose()?;
        if let Some(message) = self.message(header, types::GROUP_INFO, "group info message")? {
            // Nothing in it is needed to list the group; it says so itself, or the header is damaged.
            message.parse(Structure::GroupInfo, GroupInfo::parse)?;
        }
        let dense = info.and_then(|info| info.fractal_heap.zip(info.name_index));
        let Some((heap, index)) = dense else {
            let links = self.all_unshared(header, types::LINK)?;
            let links = links.iter().map(|message| message.parse(Structure::Link, |i| Link::parse(sizes, i)));
            return Ok(links.collect::<Result<_, _>>()?);
        };
        let (heap, ids) = both(self.dense(heap), self.link_ids(index))?;
        let objects = self.dense_objects(&heap, &ids)?;
        let links =
            objects.iter().map(|block| structure::parse(Structure::Link, block.span(), |i| Link::parse(sizes, i)));
        Ok(links.collect::<Result<_, _>>()?)
    }

    /// Heap IDs from the index of link names: a hash and an ID (record type 5).
    fn link_ids(&self, index: Address) -> Result<Vec<Vec<u8>>, Halt> {
        let mut ids = Vec::new();
        self.records(index, 5, |_, i| {
            let (i, _hash) = nom::number::complete::le_u32(i)?;
            let (i, id) = bytes(length_of(&i), i)?;
            ids.push(id.bytes().to_vec());
            Ok((i, ()))
        })?;
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use crate::file::proofs::{object, refusals, resealed, tree_of};
    use crate::limits::Limits;
    use crate::structure::proofs::with;

    /// A root group of "first", "g" and "second" in one symbol table node at 0x430; the dataset is "g/third" too.
    const HARD_LINKS: &[u8] = include_bytes!("../../testdata/group/hard_links.h5");
    /// 100 links, the root of their B-tree at 0x88, of two levels.
    const LEVELS: &[u8] = include_bytes!("../../testdata/group/symbol_table_levels.h5");
    /// 300 links, the B-tree of their names at 0x2cb.
    const DENSE: &[u8] = include_bytes!("../../testdata/group/dense.h5");

    fn told(bytes: &[u8]) -> Vec<String> {
        refusals(bytes, Limits::default())
    }

    fn paths(bytes: &[u8]) -> Vec<String> {
        tree_of(bytes).objects.into_iter().map(|object| object.path).collect()
    }

    #[test]
    fn members_are_listed_by_name() {
        assert_eq!(paths(HARD_LINKS), ["/", "/first", "/g", "/g/third", "/second"]);
        let compact = include_bytes!("../../testdata/group/hard_links_compact.h5");
        assert_eq!(paths(compact), paths(HARD_LINKS));
    }

    #[test]
    fn members_are_listed_as_they_were_created_where_that_is_tracked() {
        let paths = paths(include_bytes!("../../testdata/group/dense_creation_order.h5"));
        assert_eq!(paths[..5], ["/", "/d", "/link_00", "/link_07", "/link_14"]);
    }

    #[test]
    fn links_of_one_name_are_refused() {
        let same = with(HARD_LINKS, 0x488, &[8]);
        assert_eq!(told(&same), ["object header at 0x60: duplicate link name (at 0x60)"]);
    }

    #[test]
    fn a_hard_link_without_address_is_refused() {
        let undefined = with(HARD_LINKS, 0x440, &[0xff; 8]);
        assert_eq!(told(&undefined), ["symbol table node at 0x430: object header address is undefined (at 0x430)"]);
    }

    #[test]
    fn nodes_of_a_name_tree_are_one_level_below_their_parent() {
        let deeper = with(LEVELS, 0x1080 + 5, &[1]);
        assert_eq!(told(&deeper), ["version 1 B-tree node at 0x1080: node level is 1 (at 0x1080)"]);
    }

    #[test]
    fn nodes_of_a_name_tree_that_are_reached_twice_are_refused() {
        let twice = with(LEVELS, 0xb8, &[0x80, 0x10]);
        assert_eq!(told(&twice), ["version 1 B-tree node at 0x1080: B-tree node reached a second time (at 0x1080)"]);
        let twice = with(LEVELS, 0x10b0, &[0x90, 0x02]);
        assert_eq!(told(&twice), ["symbol table node at 0x290: symbol table node reached a second time (at 0x290)"]);
    }

    #[test]
    fn dense_links_are_all_listed() {
        let tree = tree_of(DENSE);
        assert_eq!((tree.objects.len() + tree.links.len(), told(DENSE)), (302, Vec::new()));
        assert!(object(&tree, "/").dataset().is_none());
    }

    #[test]
    fn an_index_of_another_type_or_count_is_refused() {
        let other = resealed(DENSE, 0x2cb, 0x2d0, &[6]);
        assert_eq!(told(&other), ["version 2 B-tree header at 0x2cb: type is 6, not 5 (at 0x2cb)"]);
        let fewer = resealed(DENSE, 0x2cb, 0x2e5, &[0x2c]);
        assert_eq!(
            told(&fewer),
            ["version 2 B-tree internal node at 0x543: total number of records is 300, not 301 (at 0x543)"]
        );
    }
}
