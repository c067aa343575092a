//! Indexes: of chunks (VII, III.A), and of names.

use super::Draft;
use super::checksum::seal;
use super::message::{UNDEFINED, short, wide};

/// The header of a fixed array (VII.C), whose block is behind it.
pub(crate) struct FixedArray {
    pub(crate) entry_size: u8,
    pub(crate) page_bits: u8,
    pub(crate) entries: u64,
    /// `None` is that behind the header.
    pub(crate) block: Option<u64>,
}

impl Default for FixedArray {
    fn default() -> Self {
        Self { entry_size: 8, page_bits: 10, entries: 0, block: None }
    }
}

impl FixedArray {
    pub(crate) fn add(&self, draft: &mut Draft, addresses: &[u64]) -> u64 {
        draft.add_at(|at| {
            let mut header = [&b"FAHD\0\0"[..], &[self.entry_size, self.page_bits]].concat();
            header.extend(wide(&[self.entries, self.block.unwrap_or(at + 28)]));
            seal(&mut header);
            let mut block = [&b"FADB\0\0"[..], &wide(&[at]), &wide(addresses)].concat();
            seal(&mut block);
            [header, block].concat()
        })
    }
}

/// The header of an extensible array (VII.D), whose index block is behind it.
pub(crate) struct ExtensibleArray {
    pub(crate) entry_size: u8,
    pub(crate) index_bits: u8,
    pub(crate) index_entries: u8,
    pub(crate) least_entries: u8,
    pub(crate) least_pointers: u8,
    pub(crate) page_bits: u8,
    /// Super blocks, their bytes, data blocks, their bytes, the highest index, the entries there is room for.
    pub(crate) counts: [u64; 6],
    /// `None` is that behind the header.
    pub(crate) block: Option<u64>,
}

impl Default for ExtensibleArray {
    fn default() -> Self {
        Self {
            entry_size: 8,
            index_bits: 32,
            index_entries: 4,
            least_entries: 16,
            least_pointers: 4,
            page_bits: 10,
            counts: [0, 0, 0, 0, 4, 4],
            block: None,
        }
    }
}

impl ExtensibleArray {
    /// The parameters of a Data Layout message that fits to what is the default here.
    pub(crate) const LAYOUT: [u8; 6] = [4, 32, 4, 4, 16, 10];

    /// With the four entries that lie in the index block.
    pub(crate) fn add(&self, draft: &mut Draft, addresses: [u64; 4]) -> u64 {
        draft.add_at(|at| {
            let parameters = [
                self.entry_size,
                self.index_bits,
                self.index_entries,
                self.least_entries,
                self.least_pointers,
                self.page_bits,
            ];
            let mut header = [&b"EAHD\0\0"[..], &parameters, &wide(&self.counts)].concat();
            header.extend(wide(&[self.block.unwrap_or(at + 72)]));
            seal(&mut header);
            let mut block = [&b"EAIB\0\0"[..], &wide(&[at]), &wide(&addresses)].concat();
            block.extend(wide(&[UNDEFINED; 6 + 25])); // data blocks, super blocks
            seal(&mut block);
            [header, block].concat()
        })
    }
}

/// The header of a version 2 B-tree (III.A.2).
pub(crate) struct Tree2 {
    pub(crate) record_type: u8,
    pub(crate) node_size: u32,
    pub(crate) record_size: u16,
    pub(crate) depth: u16,
    pub(crate) root: u64,
    pub(crate) root_records: u16,
    pub(crate) total: u64,
}

impl Tree2 {
    /// Of chunks of two dimensions without filters.
    pub(crate) fn of_chunks(root: u64, records: u16) -> Self {
        let (node_size, total) = (2048, records.into());
        Self { record_type: 10, node_size, record_size: 24, depth: 0, root, root_records: records, total }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = [&b"BTHD\0"[..], &[self.record_type], &self.node_size.to_le_bytes()].concat();
        bytes.extend([self.record_size.to_le_bytes(), self.depth.to_le_bytes(), [100, 40]].concat());
        bytes.extend(wide(&[self.root]));
        bytes.extend(self.root_records.to_le_bytes());
        bytes.extend(wide(&[self.total]));
        seal(&mut bytes);
        bytes
    }
}

/// A node of a version 2 B-tree with all that its records are, and the children of one that has any.
pub(crate) fn node2(record_type: u8, records: &[u8], children: &[u8]) -> Vec<u8> {
    let signature: &[u8] = if children.is_empty() { b"BTLF\0" } else { b"BTIN\0" };
    let mut node = [signature, &[record_type], records, children].concat();
    seal(&mut node);
    node
}

/// A node of a version 1 B-tree (III.A.1): keys with children between them, and room for more.
pub(crate) fn node1(kind: u8, level: u8, entries: usize, keys_and_children: &[u8]) -> Vec<u8> {
    let head = [&b"TREE"[..], &[kind, level], &short(entries), &wide(&[UNDEFINED; 2])].concat();
    [head, keys_and_children.to_vec(), vec![0; 4096]].concat()
}

/// A key of chunks in a version 1 B-tree; the last offset is that in an element.
pub(crate) fn chunk_key(size: u32, mask: u32, offsets: &[u64]) -> Vec<u8> {
    [&size.to_le_bytes()[..], &mask.to_le_bytes(), &wide(offsets), &wide(&[0])].concat()
}
