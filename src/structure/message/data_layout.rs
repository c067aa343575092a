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
