//! Object headers of version 2 (IV.A.1.b) and their messages (IV.A.2).

use super::checksum::seal;

pub(crate) const UNDEFINED: u64 = u64::MAX;

/// Signed, 4 bytes, bits 0 to 32.
pub(crate) const INTEGER: [u8; 12] = [0x10, 0x08, 0, 0, 4, 0, 0, 0, 0, 0, 32, 0];

#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn message(kind: u8, body: impl Into<Vec<u8>>) -> Message {
    Message { kind, flags: 0, body: body.into() }
}

/// A header with all messages in its first block.
pub(crate) fn header(messages: &[Message]) -> Vec<u8> {
    let messages = in_header(messages);
    let mut header = b"OHDR\x02\x02".to_vec(); // signature, version, flags: a size of four bytes
    header.extend(u32::try_from(messages.len()).unwrap().to_le_bytes());
    header.extend(messages);
    seal(&mut header);
    header
}

/// The header of a group with these links.
pub(crate) fn group_header(links: &[Message]) -> Vec<u8> {
    header(&[&[link_info(UNDEFINED, UNDEFINED), group_info()][..], links].concat())
}

/// A continuation block (IV.A.1.b).
pub(crate) fn continuation_block(messages: &[Message]) -> Vec<u8> {
    let mut block = [&b"OCHK"[..], &in_header(messages)].concat();
    seal(&mut block);
    block
}

fn in_header(messages: &[Message]) -> Vec<u8> {
    let bytes = |message: &Message| {
        let size = short(message.body.len());
        [&[message.kind, size[0], size[1], message.flags][..], &message.body].concat()
    };
    messages.iter().flat_map(bytes).collect()
}

/// Addresses and lengths, each of 8 bytes.
pub(crate) fn wide(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn short(value: usize) -> [u8; 2] {
    u16::try_from(value).unwrap().to_le_bytes()
}

pub(crate) fn dataspace(shape: &[u64]) -> Message {
    let rank = u8::try_from(shape.len()).unwrap();
    message(0x01, [&[2, rank, 0, 1][..], &wide(shape)].concat()) // version, rank, flags, simple
}

pub(crate) fn dataspace_with_maxima(shape: &[u64], maxima: &[u64]) -> Message {
    let rank = u8::try_from(shape.len()).unwrap();
    message(0x01, [&[2, rank, 1, 1][..], &wide(shape), &wide(maxima)].concat())
}

pub(crate) fn link_info(heap: u64, names: u64) -> Message {
    message(0x02, [&[0, 0][..], &wide(&[heap, names])].concat()) // version, flags
}

pub(crate) fn group_info() -> Message {
    message(0x0a, [0, 0])
}

pub(crate) fn datatype(bytes: &[u8]) -> Message {
    message(0x03, bytes)
}

/// A datatype that is that of a committed one.
pub(crate) fn committed(at: u64) -> Message {
    Message { flags: 2, ..message(0x03, [&[3, 2][..], &wide(&[at])].concat()) } // version, in another header
}

/// None is defined.
pub(crate) fn fill_value() -> Message {
    message(0x05, [3, 0x0a])
}

pub(crate) fn link(kind: u8, name: &[u8], value: &[u8]) -> Message {
    let length = short(name.len());
    // Version; flags: kind and encoding are there, two bytes of length; UTF-8.
    message(0x06, [&[1, 0x19, kind, 1][..], &length, name, value].concat())
}

pub(crate) fn hard_link(name: &[u8], at: u64) -> Message {
    link(0, name, &wide(&[at]))
}

pub(crate) fn soft_link(name: &[u8], path: &[u8]) -> Message {
    link(1, name, &[&short(path.len()), path].concat())
}

pub(crate) fn contiguous(at: u64, length: u64) -> Message {
    message(0x08, [&[3, 1][..], &wide(&[at, length])].concat()) // version, class
}

/// Layout version 3: the chunk's sizes and the element's, in 4 bytes each.
pub(crate) fn chunked_by_tree(tree: u64, sizes: &[u32]) -> Message {
    let rank = u8::try_from(sizes.len()).unwrap();
    let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
    message(0x08, [&[3, 2, rank][..], &wide(&[tree]), &sizes].concat())
}

/// Layout version 4: the chunk's sizes and the element's, as wide as the largest needs; the index and its parameters.
pub(crate) fn chunked(sizes: &[u64], flags: u8, index: &[u8], at: u64) -> Message {
    let rank = u8::try_from(sizes.len()).unwrap();
    let needed = sizes.iter().max().unwrap().checked_ilog2().map_or(1, |bits| bits / 8 + 1);
    let narrow = |size: &u64| size.to_le_bytes()[..usize::try_from(needed).unwrap()].to_vec();
    let narrow: Vec<u8> = sizes.iter().flat_map(narrow).collect();
    let head = [4, 2, flags, rank, u8::try_from(needed).unwrap()];
    message(0x08, [&head[..], &narrow, index, &wide(&[at])].concat())
}

/// Filters by their numbers, each with one parameter: 4.
pub(crate) fn filters(numbers: &[u8]) -> Message {
    let filters = numbers.iter().flat_map(|number| [*number, 0, 0, 0, 1, 0, 4, 0, 0, 0]); // number, flags, parameters
    let count = u8::try_from(numbers.len()).unwrap();
    message(0x0b, [2, count].into_iter().chain(filters).collect::<Vec<u8>>())
}

pub(crate) fn continuation(at: u64, length: u64) -> Message {
    message(0x10, wide(&[at, length]))
}

/// An attribute of any type, dataspace and value.
pub(crate) fn attribute(name: &str, datatype: &[u8], dataspace: &[u8], value: &[u8]) -> Message {
    let sizes = [name.len() + 1, datatype.len(), dataspace.len()].map(short).concat();
    let name = [name.as_bytes(), &[0]].concat();
    message(0x0c, [&[3, 0][..], &sizes, &[0], &name, datatype, dataspace, value].concat())
}
