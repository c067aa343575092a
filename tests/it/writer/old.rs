//! What older files have: object headers of version 1 (IV.A.1.a), symbol tables (III.C) and local heaps (III.D).

use super::Draft;
use super::index::node1;
use super::message::{Message, short, wide};

/// A header of version 1 with messages in its first block; the size is said to be another if one is given.
pub(crate) fn header1(count: u16, size: Option<u32>, messages: &[Message]) -> Vec<u8> {
    let messages = messages1(messages);
    let size = size.unwrap_or(u32::try_from(messages.len()).unwrap());
    // Version, reserved, count, references, size, padding.
    [&[1, 0][..], &count.to_le_bytes(), &[1, 0, 0, 0], &size.to_le_bytes(), &[0; 4], &messages].concat()
}

/// Messages as a header or a continuation block of version 1 has them, on multiples of 8.
pub(crate) fn messages1(messages: &[Message]) -> Vec<u8> {
    let bytes = |message: &Message| {
        let size = message.body.len().next_multiple_of(8);
        let mut bytes = [&[message.kind, 0][..], &short(size), &[message.flags, 0, 0, 0], &message.body].concat();
        bytes.resize(8 + size, 0);
        bytes
    };
    messages.iter().flat_map(bytes).collect()
}

/// A group with one link, as older files have it.
pub(crate) struct OldGroup {
    /// How many symbols the node says to have.
    pub(crate) symbols: u16,
    /// Where the name is in the heap.
    pub(crate) name: u64,
    pub(crate) cache_type: u32,
    /// `None` is the group itself.
    pub(crate) object: Option<u64>,
    pub(crate) heap_size: u64,
    pub(crate) heap_free: u64,
    /// `None` is where they are.
    pub(crate) heap_segment: Option<u64>,
    /// Level of the tree's node, and whether it is its own child.
    pub(crate) level: (u8, bool),
    /// What the heap holds.
    pub(crate) names: [u8; 24],
}

impl Default for OldGroup {
    fn default() -> Self {
        Self {
            symbols: 1,
            name: 8,
            cache_type: 0,
            object: None,
            heap_size: 24,
            // No free block (`H5HL_FREE_NULL`).
            heap_free: 1,
            heap_segment: None,
            level: (0, false),
            names: *b"\0\0\0\0\0\0\0\0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        }
    }
}

impl OldGroup {
    /// The address of its object header.
    pub(crate) fn add(&self, draft: &mut Draft) -> u64 {
        let segment = draft.add(&self.names);
        let heap = [self.heap_size, self.heap_free, self.heap_segment.unwrap_or(segment)];
        let heap = draft.add(&[&b"HEAP\0\0\0\0"[..], &wide(&heap)].concat());
        let group = draft.add(&[0; 40]);
        let mut symbols = [&b"SNOD\x01\0"[..], &self.symbols.to_le_bytes()].concat();
        symbols.extend(wide(&[self.name, self.object.unwrap_or(group)]));
        symbols.extend([self.cache_type, 0].map(u32::to_le_bytes).concat());
        symbols.resize(8 + 8 * 40, 0);
        let symbols = draft.add(&symbols);
        let (level, is_own_child) = self.level;
        let tree =
            draft.add_at(|at| node1(0, level, 1, &wide(&[0, if is_own_child { at } else { symbols }, self.name])));
        let table = Message { kind: 0x11, flags: 0, body: wide(&[tree, heap]) };
        draft.put(group, &header1(1, None, &[table]));
        group
    }
}
