//! Global heap collections, the values of variable length ([III.E]).

use nom::number::complete::{le_u16, le_u32};

use crate::error::Problem;
use crate::field::sizes::{length_of, version};
use crate::field::{Address, Parsed, Sizes, Span, bytes, signature, skip};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// As libhdf5 2.0 writes the texts "defghijkl" and "abc", in a collection of 88 bytes.
    const EIGHT: [u8; 88] = [
        b'G', b'C', b'O', b'L', // signature
        1,    // version
        0, 0, 0, // reserved
        88, 0, 0, 0, 0, 0, 0, 0, // collection size
        1, 0, // heap object index
        0, 0, // reference count
        0, 0, 0, 0, // reserved
        9, 0, 0, 0, 0, 0, 0, 0, // object size
        b'd', b'e', b'f', b'g', b'h', b'i', b'j', b'k', b'l', // object data
        0, 0, 0, 0, 0, 0, 0, // padding to a multiple of 8
        2, 0, // heap object index
        0, 0, // reference count
        0, 0, 0, 0, // reserved
        3, 0, 0, 0, 0, 0, 0, 0, // object size
        b'a', b'b', b'c', // object data
        0, 0, 0, 0, 0, // padding to a multiple of 8
        0, 0, // heap object index: free space
        0, 0, // reference count
        0, 0, 0, 0, // reserved
        16, 0, 0, 0, 0, 0, 0, 0, // object size, the header included
    ];

    const FOUR: Sizes = Sizes { offsets: Width::Four, lengths: Width::Four };

    fn parse(sizes: Sizes, bytes: &[u8]) -> Result<Vec<Object>, Error> {
        crate::structure::parse(Structure::GlobalHeap, Span::new(bytes, AT), |i| objects(sizes, i))
    }

    fn eight(bytes: &[u8]) -> Result<Vec<Object>, Error> {
        parse(Sizes::EIGHT, bytes)
    }

    #[test]
    fn objects_end_at_the_free_space() {
        let expected = [Object { index: 1, at: 0x80, size: 9 }, Object { index: 2, at: 0xa0, size: 3 }];
        assert_eq!(eight(&EIGHT).unwrap(), expected);
    }

    #[test]
    fn a_collection_without_room_for_free_space_ends_after_its_last_object() {
        let full = with(&EIGHT, 8, &[72]);
        assert_eq!(eight(&full).unwrap().len(), 2);
        // Neither the last object's padding nor the rest needs to be there.
        let cut = with(&EIGHT, 8, &[67]);
        assert_eq!(eight(&cut[..67]).unwrap().len(), 2);
    }

    /// libhdf5 2.0 writes the same bytes with lengths of 4 bytes: both headers are padded to 16 (`H5HG_ALIGN`).
    #[test]
    fn headers_are_padded_where_lengths_are_shorter_than_8() {
        assert_eq!(parse(FOUR, &EIGHT).unwrap(), eight(&EIGHT).unwrap());
        assert_eq!(header_size(Sizes { lengths: Width::ThirtyTwo, ..FOUR }), 40);
    }

    #[test]
    fn an_id_of_address_0_is_no_value() {
        let id = |bytes: &[u8]| GlobalHeapId::parse(FOUR, Span::new(bytes, AT)).unwrap().1;
        let bytes = [
            0x18, 0x08, 0, 0, // collection address
            2, 0, 0, 0, // object index
        ];
        assert_eq!(id(&bytes), Some(GlobalHeapId { collection: Address(0x818), index: 2 }));
        assert_eq!(id(&with(&bytes, 0, &[0; 4])), None);
        assert_eq!(id(&with(&bytes, 0, &[0xff; 4])), None);
        every_prefix_fails(&bytes, |bytes| {
            crate::structure::parse(Structure::Value, Span::new(bytes, AT), |i| GlobalHeapId::parse(FOUR, i))
        });
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(eight(&with(&EIGHT, at, others)));
        assert_eq!(told(0, b"H"), "global heap collection at 0x60: signature is not \"GCOL\" (at 0x60)");
        assert_eq!(told(4, &[0]), "global heap collection at 0x60: version is 0 (at 0x64)");
        assert_eq!(told(8, &[15]), "global heap collection at 0x60: collection size is 15 (at 0x68)");
        assert_eq!(told(8, &[89]), "global heap collection at 0x60: the bytes end inside the structure (at 0x60)");
        assert_eq!(told(24, &[57]), "global heap collection at 0x60: the bytes end inside the structure (at 0x80)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&EIGHT, eight);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&EIGHT, |bytes| drop(eight(bytes)));
        never_panics(&EIGHT, |bytes| drop(parse(FOUR, bytes)));
    }
}
