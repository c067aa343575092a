//! Heaps: of dense links (III.G), and of values of variable length (III.E).

use super::Draft;
use super::checksum::{lookup3, seal};
use super::index::{Tree2, node2};
use super::message::{Message, UNDEFINED, group_info, header, link_info, short, wide};

/// Bytes of a fractal heap header.
const HEADER: u64 = 146;

/// The header of a fractal heap (III.G).
pub(crate) struct FractalHeap {
    pub(crate) id_length: u16,
    pub(crate) filter_length: u16,
    pub(crate) max_managed: u32,
    pub(crate) huge: u64,
    pub(crate) managed_objects: u64,
    pub(crate) width: u16,
    pub(crate) starting_block: u64,
    pub(crate) max_direct: u64,
    pub(crate) heap_bits: u16,
    /// `None` is the block behind the header.
    pub(crate) root: Option<u64>,
    pub(crate) rows: u16,
}

impl Default for FractalHeap {
    fn default() -> Self {
        Self {
            id_length: 7,
            filter_length: 0,
            max_managed: 4096,
            huge: UNDEFINED,
            managed_objects: 1,
            width: 4,
            starting_block: 512,
            max_direct: 65536,
            heap_bits: 32,
            root: None,
            rows: 0,
        }
    }
}

impl FractalHeap {
    /// The header at an address.
    fn bytes(&self, at: u64) -> Vec<u8> {
        let mut bytes =
            [&b"FRHP\0"[..], &self.id_length.to_le_bytes(), &self.filter_length.to_le_bytes(), &[0]].concat();
        bytes.extend(self.max_managed.to_le_bytes());
        bytes.extend(wide(&[0, self.huge, 0, UNDEFINED, 512, 512, 0, self.managed_objects, 0, 0, 0, 0]));
        bytes.extend(self.width.to_le_bytes());
        bytes.extend(wide(&[self.starting_block, self.max_direct]));
        bytes.extend([self.heap_bits.to_le_bytes(), short(1)].concat());
        bytes.extend(wide(&[self.root.unwrap_or(at + HEADER)]));
        bytes.extend(self.rows.to_le_bytes());
        seal(&mut bytes);
        bytes
    }

    /// A group whose link lies in this heap, in the direct block behind the header: its object header.
    pub(crate) fn group(&self, draft: &mut Draft, link: &Message) -> u64 {
        let length = link.body.len();
        // The block's own header has 17 bytes.
        self.group_with(draft, "a", &heap_id(17, length), |at| direct_block(at, &link.body))
    }

    /// A group whose link has this ID, with a block of any kind behind the heap's header, whose address it knows.
    pub(crate) fn group_with(&self, draft: &mut Draft, name: &str, id: &[u8], block: impl Fn(u64) -> Vec<u8>) -> u64 {
        let heap = draft.add_at(|at| [self.bytes(at), block(at)].concat());
        let hash = lookup3(name.as_bytes()).to_le_bytes();
        let leaf = draft.add(&[node2(5, &[&hash, id].concat(), &[]), vec![0; 512]].concat());
        let record_size = u16::try_from(4 + id.len()).unwrap();
        let names = Tree2 { record_type: 5, node_size: 512, record_size, ..Tree2::of_chunks(leaf, 1) };
        let names = draft.add(&names.bytes());
        draft.add(&header(&[link_info(heap, names), group_info()]))
    }
}

/// A direct block of 512 bytes of the heap at an address.
pub(crate) fn direct_block(heap: u64, objects: &[u8]) -> Vec<u8> {
    let mut block = [&b"FHDB\0"[..], &wide(&[heap]), &[0; 4], objects].concat();
    block.resize(512, 0);
    block
}

/// Where the block behind the header of a heap is.
pub(crate) fn block_behind(heap: u64) -> u64 {
    heap + HEADER
}

/// The ID of a managed object (III.G.1).
pub(crate) fn heap_id(offset: u32, length: usize) -> Vec<u8> {
    [&[0][..], &offset.to_le_bytes(), &short(length)].concat()
}

/// A global heap collection (III.E) that says to have `size` bytes and has 4,096.
pub(crate) fn collection(size: u64, objects: &[u8]) -> Vec<u8> {
    let mut collection = [&b"GCOL\x01\0\0\0"[..], &wide(&[size]), objects].concat();
    let left = 4096_u64.saturating_sub(collection.len() as u64);
    collection.extend(object(0, left, &[])); // free space
    collection.resize(4096, 0);
    collection
}

/// An object of a collection: index, references, size, bytes.
pub(crate) fn object(index: u8, size: u64, bytes: &[u8]) -> Vec<u8> {
    let mut object = [&[index, 0, 1, 0, 0, 0, 0, 0][..], &wide(&[size]), bytes].concat();
    object.resize(object.len().next_multiple_of(8), 0);
    object
}
