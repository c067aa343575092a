//! Global heap collections, the values of variable length ([III.E]).

use nom::number::complete::{le_u16, le_u32};

use crate::error::Problem;
use crate::field::sizes::{length_of, version};
use crate::field::{Address, Parsed, Sizes, Span, bytes, signature, skip};

/// Most bytes of a header, whatever the widths.
pub(crate) const LONGEST_HEADER: u64 = 40;

/// Where a value of variable length lies: a collection and an object in it ([III.E], "Global Heap ID").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GlobalHeapId {
    pub(crate) collection: Address,
    pub(crate) index: u32,
}

impl GlobalHeapId {
    /// A heap ID; address 0 or undefined is no value (`H5T__vlen_disk_isnull`).
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Option<Self>> {
        let (i, address) = sizes.address(i)?;
        let (i, index) = le_u32(i)?;
        let collection = address.filter(|address| address.0 != 0);
        Ok((i, collection.map(|collection| Self { collection, index })))
    }
}

/// One object of a collection, as a part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) index: u16,
    /// File offset of the data.
    pub(crate) at: u64,
    /// Bytes of the data.
    pub(crate) size: u64,
}

/// The size of the collection that starts here, its header included.
pub(crate) fn collection_size(sizes: Sizes, i: Span<'_>) -> Parsed<'_, u64> {
    let (i, ()) = signature("GCOL", i)?;
    let (i, _version) = version(1..=1, i)?;
    let (i, ()) = skip(3, i)?;
    let (rest, size) = sizes.length(i)?;
    let smallest = header_size(sizes);
    if size < smallest {
        return i.value("collection size", size);
    }
    Ok((rest, size))
}

/// The objects of the collection that fills `i`.
pub(crate) fn objects(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Vec<Object>> {
    let (_, size) = collection_size(sizes, i)?;
    let (rest, collection) = bytes(size, i)?;
    let (mut i, ()) = skip(header_size(sizes), collection)?;
    let mut objects = Vec::new();
    // Free space too small for an object's header is left over at the end (`H5HG__cache_heap_deserialize`).
    while length_of(&i) >= header_size(sizes) {
        let (after, object) = object(sizes, i)?;
        match object {
            Some(object) => objects.push(object),
            // Index 0 is the free space, which is the last of the collection.
            None => break,
        }
        i = after;
    }
    Ok((rest, objects))
}

fn object(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Option<Object>> {
    let start = i;
    let (i, index) = le_u16(i)?;
    let (i, _reference_count) = le_u16(i)?;
    let (i, ()) = skip(4, i)?;
    let (i, size) = sizes.length(i)?;
    if index == 0 {
        return Ok((i, None));
    }
    let padding = header_size(sizes).saturating_sub(sizes.lengths.bytes().saturating_add(8));
    let (i, ()) = skip(padding, i)?;
    let (i, data) = bytes(size, i)?;
    let Some(padded) = size.checked_next_multiple_of(8) else {
        return start.fail(Problem::Overflow("object size"));
    };
    // The last object's padding may be cut off by the collection's end.
    let (i, ()) = skip(padded.saturating_sub(size).min(length_of(&i)), i)?;
    Ok((i, Some(Object { index, at: data.at(), size })))
}

/// `H5HG_SIZEOF_HDR` and `H5HG_SIZEOF_OBJHDR`: 8 + L, aligned to 8.
fn header_size(sizes: Sizes) -> u64 {
    sizes.lengths.bytes().saturating_add(8).next_multiple_of(8)
}
