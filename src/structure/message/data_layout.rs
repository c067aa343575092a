//! Data Layout message ([IV.A.2.i]).

use nom::Parser;
use nom::multi::count;
use nom::number::complete::{le_u8, le_u16, le_u32};

use crate::error::Problem;
use crate::field::sizes::{le_uint, version};
use crate::field::{Address, Parsed, Sizes, Span, bytes, skip};
use crate::structure::global_heap::GlobalHeapId;

/// Where a dataset's elements lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DataLayout<'a> {
    /// In this message.
    Compact {
        elements: Span<'a>,
    },
    /// In one piece; `None` where nothing was ever written.
    Contiguous {
        address: Option<Address>,
        /// Bytes, where the message says so: versions 1 and 2 leave it to the dataspace.
        size: Option<u64>,
    },
    Chunked(Chunked),
    /// In other datasets, by mappings in the global heap.
    Virtual {
        mappings: Option<GlobalHeapId>,
    },
}

/// Chunked storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunked {
    /// Size of a chunk in each dimension, in elements; the last is the size of an element in bytes.
    pub(crate) dimensions: Vec<u64>,
    /// Partial edge chunks skip the filters, and their filter masks do not say so.
    pub(crate) unfiltered_edges: bool,
    pub(crate) index: Index,
    /// `None` where no chunk was ever written.
    pub(crate) address: Option<Address>,
}

/// How chunks are found ([IV.A.2.i], [VII]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    BtreeV1,
    /// `filtered`: bytes in the file and the mask of filters that were skipped.
    Single {
        filtered: Option<(u64, u32)>,
    },
    Implicit,
    FixedArray,
    ExtensibleArray,
    BtreeV2,
}

impl Index {
    /// The specification's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BtreeV1 => "version 1 B-tree",
            Self::Single { .. } => "single chunk",
            Self::Implicit => "implicit",
            Self::FixedArray => "fixed array",
            Self::ExtensibleArray => "extensible array",
            Self::BtreeV2 => "version 2 B-tree",
        }
    }
}

impl<'a> DataLayout<'a> {
    pub(crate) fn parse(sizes: Sizes, i: Span<'a>) -> Parsed<'a, Self> {
        let (rest, version) = version(1..=5, i)?;
        if version < 3 {
            return Self::parse_v1(sizes, rest);
        }
        let (i, class) = le_u8(rest)?;
        match (class, version) {
            (0, _) => {
                let (i, size) = le_u16(i)?;
                let (i, elements) = bytes(size.into(), i)?;
                Ok((i, Self::Compact { elements }))
            }
            (1, _) => {
                let (i, address) = sizes.address(i)?;
                let (i, size) = sizes.length(i)?;
                Ok((i, Self::Contiguous { address, size: Some(size) }))
            }
            (2, 3) => Self::parse_chunked_v3(sizes, i),
            (2, _) => Self::parse_chunked_v4(sizes, i),
            (3, 4..) => {
                let (i, mappings) = GlobalHeapId::parse(sizes, i)?;
                Ok((i, Self::Virtual { mappings }))
            }
            _ => rest.value("layout class", class),
        }
    }

    /// Versions 1 and 2.
    fn parse_v1(sizes: Sizes, i: Span<'a>) -> Parsed<'a, Self> {
        let (at_class, dimensionality) = dimensionality(i)?;
        if dimensionality == 0 {
            return i.value("dimensionality", 0_u8);
        }
        let (i, class) = le_u8(at_class)?;
        let (i, ()) = skip(5, i)?;
        let (i, address) = if class == 0 { (i, None) } else { sizes.address(i)? };
        let (i, dimensions) = count(le_u32, dimensionality).parse(i)?;
        match class {
            0 => {
                let (i, size) = le_u32(i)?;
                let (i, elements) = bytes(size.into(), i)?;
                Ok((i, Self::Compact { elements }))
            }
            1 => Ok((i, Self::Contiguous { address, size: None })),
            2 => {
                let dimensions = dimensions.into_iter().map(u64::from).collect();
                chunked(at_class, i, Chunked { dimensions, unfiltered_edges: false, index: Index::BtreeV1, address })
            }
            _ => at_class.value("layout class", class),
        }
    }

    fn parse_chunked_v3(sizes: Sizes, i: Span<'a>) -> Parsed<'a, Self> {
        let (i, dimensionality) = dimensionality(i)?;
        let (at_dimensions, address) = sizes.address(i)?;
        let (i, dimensions) = count(le_u32, dimensionality).parse(at_dimensions)?;
        let dimensions = dimensions.into_iter().map(u64::from).collect();
        chunked(at_dimensions, i, Chunked { dimensions, unfiltered_edges: false, index: Index::BtreeV1, address })
    }

    /// Versions 4 and 5.
    fn parse_chunked_v4(sizes: Sizes, i: Span<'a>) -> Parsed<'a, Self> {
        let (rest, flags) = le_u8(i)?;
        if flags > 3 {
            return i.value("flags", flags);
        }
        let (at_width, dimensionality) = dimensionality(rest)?;
        let (at_dimensions, width) = le_u8(at_width)?;
        if !(1..=8).contains(&width) {
            return at_width.value("dimension size encoded length", width);
        }
        let (i, dimensions) = count(|i| le_uint(width, i), dimensionality).parse(at_dimensions)?;
        let (i, index) = Index::parse(sizes, flags, i)?;
        let (i, address) = sizes.address(i)?;
        chunked(at_dimensions, i, Chunked { dimensions, unfiltered_edges: flags & 1 != 0, index, address })
    }
}

impl Index {
    /// The index's type and parameters. Parameters that its own header repeats are passed over.
    fn parse(sizes: Sizes, flags: u8, i: Span<'_>) -> Parsed<'_, Self> {
        let (rest, index_type) = le_u8(i)?;
        match index_type {
            // IV.A.2.i has the fields when bit 0 is set; libhdf5 writes them when bit 1 is (`H5O_LAYOUT_CHUNK_SINGLE_INDEX_WITH_FILTER`).
            1 if flags & 2 != 0 => {
                let (rest, size) = sizes.length(rest)?;
                let (rest, mask) = le_u32(rest)?;
                Ok((rest, Self::Single { filtered: Some((size, mask)) }))
            }
            1 => Ok((rest, Self::Single { filtered: None })),
            2 => Ok((rest, Self::Implicit)),
            3 => Ok((skip(1, rest)?.0, Self::FixedArray)),
            4 => Ok((skip(5, rest)?.0, Self::ExtensibleArray)),
            5 => Ok((skip(6, rest)?.0, Self::BtreeV2)),
            _ => i.value("chunk indexing type", index_type),
        }
    }
}

/// A number of dimensions, at most 32 and the element's.
fn dimensionality(i: Span<'_>) -> Parsed<'_, usize> {
    let (rest, dimensionality) = le_u8(i)?;
    if dimensionality > 33 {
        return i.value("dimensionality", dimensionality);
    }
    Ok((rest, dimensionality.into()))
}

/// Refuses chunk dimensions of zero, and chunks without any dimension.
fn chunked<'a>(at_dimensions: Span<'a>, rest: Span<'a>, chunked: Chunked) -> Parsed<'a, DataLayout<'a>> {
    if chunked.dimensions.len() < 2 {
        return at_dimensions.value("dimensionality", crate::field::convert::wide(chunked.dimensions.len()));
    }
    if chunked.dimensions.contains(&0) {
        return at_dimensions.fail(Problem::Value { field: "chunk dimension size", value: 0 });
    }
    Ok((rest, DataLayout::Chunked(chunked)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    const COMPACT_ONE: [u8; 18] = [
        1, // version
        1, // dimensionality
        0, // layout class: compact
        0, 0, 0, 0, 0, // reserved
        3, 0, 0, 0, // dimension 0 size
        2, 0, 0, 0, // compact data size
        7, 8, // compact data
    ];

    const CONTIGUOUS_TWO: [u8; 20] = [
        2, // version
        1, // dimensionality
        1, // layout class: contiguous
        0, 0, 0, 0, 0, // reserved
        0x00, 0x08, 0, 0, 0, 0, 0, 0, // data address
        4, 0, 0, 0, // dimension 0 size
    ];

    const CHUNKED_ONE: [u8; 24] = [
        1, // version
        2, // dimensionality
        2, // layout class: chunked
        0, 0, 0, 0, 0, // reserved
        0x78, 0x05, 0, 0, 0, 0, 0, 0, // data address
        5, 0, 0, 0, // dimension 0 size
        2, 0, 0, 0, // dataset element size
    ];

    // What follows is written by libhdf5 2.0.

    const COMPACT: [u8; 8] = [
        3, // version
        0, // layout class: compact
        4, 0, // size
        1, 0, 2, 0, // raw data
    ];

    const CONTIGUOUS: [u8; 18] = [
        3, // version
        1, // layout class: contiguous
        0x00, 0x08, 0, 0, 0, 0, 0, 0, // address
        8, 0, 0, 0, 0, 0, 0, 0, // size
    ];

    const CHUNKED_THREE: [u8; 23] = [
        3, // version
        2, // layout class: chunked
        3, // dimensionality
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // address: undefined
        2, 0, 0, 0, // dimension 0 size
        3, 0, 0, 0, // dimension 1 size
        2, 0, 0, 0, // dataset element size
    ];

    /// Version 5 is what libver latest writes; v110 writes the same as version 4.
    const FIXED_ARRAY: [u8; 24] = [
        5, // version
        2, // layout class: chunked
        0, // flags
        3, // dimensionality
        3, // dimension size encoded length
        0x70, 0x11, 0x01, // dimension 0 size: 70,000
        3, 0, 0, // dimension 1 size
        2, 0, 0,  // dataset element size
        3,  // chunk indexing type: fixed array
        10, // page bits
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // address: undefined
    ];

    const SINGLE_FILTERED: [u8; 28] = [
        4, // version
        2, // layout class: chunked
        2, // flags: a filtered single chunk
        2, // dimensionality
        1, // dimension size encoded length
        4, // dimension 0 size
        2, // dataset element size
        1, // chunk indexing type: single chunk
        16, 0, 0, 0, 0, 0, 0, 0, // size of filtered chunk
        0, 0, 0, 0, // filters for chunk
        0x00, 0x08, 0, 0, 0, 0, 0, 0, // address
    ];

    const EXTENSIBLE_ARRAY: [u8; 21] = [
        4, // version
        2, // layout class: chunked
        0, // flags
        2, // dimensionality
        1, // dimension size encoded length
        2, // dimension 0 size
        2, // dataset element size
        4, // chunk indexing type: extensible array
        32, 4, 4, 16, 10, // max bits, index elements, min pointers, min elements, page bits
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // address: undefined
    ];

    const BTREE_V2: [u8; 23] = [
        4, // version
        2, // layout class: chunked
        0, // flags
        3, // dimensionality
        1, // dimension size encoded length
        2, // dimension 0 size
        2, // dimension 1 size
        2, // dataset element size
        5, // chunk indexing type: version 2 B-tree
        0x00, 0x08, 0, 0,   // node size
        100, // split percent
        40,  // merge percent
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // address: undefined
    ];

    const IMPLICIT: [u8; 16] = [
        4, // version
        2, // layout class: chunked
        0, // flags
        2, // dimensionality
        1, // dimension size encoded length
        2, // dimension 0 size
        2, // dataset element size
        2, // chunk indexing type: implicit
        0x00, 0x08, 0, 0, 0, 0, 0, 0, // address
    ];

    const VIRTUAL: [u8; 14] = [
        4, // version
        3, // layout class: virtual
        0x00, 0x08, 0, 0, 0, 0, 0, 0, // address
        1, 0, 0, 0, // index
    ];

    fn parse(bytes: &[u8]) -> Result<DataLayout<'_>, Error> {
        let i = Span::new(bytes, AT);
        crate::structure::parse(Structure::DataLayout, i, |i| DataLayout::parse(Sizes::EIGHT, i))
    }

    fn chunked(dimensions: &[u64], index: Index, address: Option<u64>) -> DataLayout<'static> {
        let (dimensions, address) = (dimensions.to_vec(), address.map(Address));
        DataLayout::Chunked(Chunked { dimensions, unfiltered_edges: false, index, address })
    }

    /// Compact data come without the address, not only without its value (`H5O__layout_decode`).
    #[test]
    fn versions_1_and_2_leave_the_size_of_contiguous_data_to_the_dataspace() {
        let elements = Span::new(&COMPACT_ONE[16..], AT + 16);
        assert_eq!(parse(&COMPACT_ONE).unwrap(), DataLayout::Compact { elements });
        let contiguous = DataLayout::Contiguous { address: Some(Address(0x800)), size: None };
        assert_eq!(parse(&CONTIGUOUS_TWO).unwrap(), contiguous);
        assert_eq!(parse(&CHUNKED_ONE).unwrap(), chunked(&[5, 2], Index::BtreeV1, Some(0x578)));
    }

    #[test]
    fn version_3_has_an_encoding_for_each_class() {
        assert_eq!(parse(&COMPACT).unwrap(), DataLayout::Compact { elements: Span::new(&COMPACT[4..], AT + 4) });
        let contiguous = DataLayout::Contiguous { address: Some(Address(0x800)), size: Some(8) };
        assert_eq!(parse(&CONTIGUOUS).unwrap(), contiguous);
        assert_eq!(parse(&CHUNKED_THREE).unwrap(), chunked(&[2, 3, 2], Index::BtreeV1, None));
    }

    #[test]
    fn versions_4_and_5_name_the_chunk_index() {
        assert_eq!(parse(&FIXED_ARRAY).unwrap(), chunked(&[70_000, 3, 2], Index::FixedArray, None));
        assert_eq!(parse(&with(&FIXED_ARRAY, 0, &[4])).unwrap(), parse(&FIXED_ARRAY).unwrap());
        let single = Index::Single { filtered: Some((16, 0)) };
        assert_eq!(parse(&SINGLE_FILTERED).unwrap(), chunked(&[4, 2], single, Some(0x800)));
        assert_eq!(parse(&IMPLICIT).unwrap(), chunked(&[2, 2], Index::Implicit, Some(0x800)));
        let single = Index::Single { filtered: None };
        assert_eq!(parse(&with(&IMPLICIT, 7, &[1])).unwrap(), chunked(&[2, 2], single, Some(0x800)));
        assert_eq!(parse(&EXTENSIBLE_ARRAY).unwrap(), chunked(&[2, 2], Index::ExtensibleArray, None));
        assert_eq!(parse(&BTREE_V2).unwrap(), chunked(&[2, 2, 2], Index::BtreeV2, None));
    }

    #[test]
    fn chunk_dimensions_take_up_to_8_bytes() {
        let bytes = [
            4, 2, 0, 2, // version, layout class, flags, dimensionality
            8, // dimension size encoded length
            0, 0, 0, 0, 1, 0, 0, 0, // dimension 0 size
            2, 0, 0, 0, 0, 0, 0, 0, // dataset element size
            2, // chunk indexing type: implicit
            0x00, 0x08, 0, 0, 0, 0, 0, 0, // address
        ];
        assert_eq!(parse(&bytes).unwrap(), chunked(&[1 << 32, 2], Index::Implicit, Some(0x800)));
        every_prefix_fails(&bytes, parse);
    }

    /// Bit 0 says so. It does not say that a single chunk is filtered: that is bit 1.
    #[test]
    fn partial_edge_chunks_may_be_unfiltered() {
        let DataLayout::Chunked(edges) = parse(&with(&IMPLICIT, 2, &[1, 2, 1, 2, 2, 1])).unwrap() else {
            panic!("not chunked");
        };
        assert!(edges.unfiltered_edges);
        assert_eq!(edges.index, Index::Single { filtered: None });
    }

    #[test]
    fn a_virtual_layout_may_have_no_mappings() {
        let mappings = Some(GlobalHeapId { collection: Address(0x800), index: 1 });
        assert_eq!(parse(&VIRTUAL).unwrap(), DataLayout::Virtual { mappings });
        assert_eq!(parse(&with(&VIRTUAL, 2, &[0xff; 8])).unwrap(), DataLayout::Virtual { mappings: None });
    }

    #[test]
    fn the_size_of_a_filtered_single_chunk_is_as_wide_as_a_length() {
        let sizes = Sizes { offsets: Width::Eight, lengths: Width::Four };
        let bytes = [&SINGLE_FILTERED[..12], &SINGLE_FILTERED[16..]].concat();
        let (_, layout) = DataLayout::parse(sizes, Span::new(&bytes, AT)).unwrap();
        assert_eq!(layout, parse(&SINGLE_FILTERED).unwrap());
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |bytes: &[u8], at, others: &[u8]| message_of(parse(&with(bytes, at, others)));
        assert_eq!(told(&COMPACT, 0, &[6]), "data layout message at 0x60: version is 6 (at 0x60)");
        assert_eq!(told(&CHUNKED_THREE, 1, &[3]), "data layout message at 0x60: layout class is 3 (at 0x61)");
        assert_eq!(told(&VIRTUAL, 1, &[4]), "data layout message at 0x60: layout class is 4 (at 0x61)");
        assert_eq!(told(&CHUNKED_ONE, 2, &[3]), "data layout message at 0x60: layout class is 3 (at 0x62)");
        assert_eq!(told(&CHUNKED_ONE, 1, &[34]), "data layout message at 0x60: dimensionality is 34 (at 0x61)");
        assert_eq!(told(&CHUNKED_THREE, 2, &[1]), "data layout message at 0x60: dimensionality is 1 (at 0x6b)");
        assert_eq!(told(&CHUNKED_THREE, 15, &[0]), "data layout message at 0x60: chunk dimension size is 0 (at 0x6b)");
        assert_eq!(told(&IMPLICIT, 2, &[4]), "data layout message at 0x60: flags is 4 (at 0x62)");
        for length in [0, 9] {
            let message = format!("dimension size encoded length is {length} (at 0x64)");
            assert_eq!(told(&IMPLICIT, 4, &[length]), format!("data layout message at 0x60: {message}"));
        }
        assert_eq!(told(&IMPLICIT, 7, &[0]), "data layout message at 0x60: chunk indexing type is 0 (at 0x67)");
        assert_eq!(told(&IMPLICIT, 7, &[6]), "data layout message at 0x60: chunk indexing type is 6 (at 0x67)");
    }

    const ALL: [&[u8]; 12] = [
        &COMPACT_ONE,
        &CONTIGUOUS_TWO,
        &CHUNKED_ONE,
        &COMPACT,
        &CONTIGUOUS,
        &CHUNKED_THREE,
        &FIXED_ARRAY,
        &SINGLE_FILTERED,
        &EXTENSIBLE_ARRAY,
        &BTREE_V2,
        &IMPLICIT,
        &VIRTUAL,
    ];

    #[test]
    fn every_proper_prefix_is_refused() {
        for bytes in ALL {
            every_prefix_fails(bytes, parse);
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        for bytes in ALL {
            never_panics(bytes, |bytes| drop(parse(bytes)));
        }
    }
}
