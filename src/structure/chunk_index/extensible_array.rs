//! Extensible arrays: chunks of datasets with one unlimited dimension ([VII.D]).

use nom::Parser;
use nom::multi::count;
use nom::number::complete::le_u8;

use super::{Element, Format, bit, power, prefix_size};
use crate::error::Problem;
use crate::field::checksum::checksum;
use crate::field::convert::narrow;
use crate::field::sizes::{le_uint, sum, version};
use crate::field::{Address, Parsed, Sizes, Span, bytes, signature};

/// The header of an extensible array ("EAHD").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExtensibleArray {
    pub(crate) format: Format,
    /// Bytes of an index of an element.
    index_width: u8,
    /// Elements in the index block.
    index_elements: u64,
    /// Elements of the smallest data block.
    least_elements: u64,
    /// Addresses of the data blocks in the smallest super block.
    least_pointers: u64,
    /// Elements of a page; a data block of more is paged.
    page_elements: u64,
    /// Super blocks that there can be.
    super_blocks: u32,
    /// The highest index that was ever set, and one more.
    pub(crate) elements_set: u64,
    pub(crate) index_block: Option<Address>,
}

/// The index block ("EAIB"): first elements, and where the others are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IndexBlock {
    pub(crate) elements: Vec<Element>,
    pub(crate) data_blocks: Vec<DataBlock>,
    pub(crate) super_blocks: Vec<SuperBlock>,
}

/// A super block as the index block points to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SuperBlock {
    pub(crate) address: Address,
    number: u32,
}

/// A data block as its parent points to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataBlock {
    pub(crate) address: Address,
    /// Index of its first element.
    pub(crate) first: u64,
    pub(crate) elements: u64,
    /// What the block says of itself: the offset of its first element from those in the index block.
    offset: u64,
    /// Of a paged block: which pages have been written.
    pub(crate) pages: Option<Vec<u64>>,
}

/// The data blocks of a super block: how many, of how many elements, from which index on (`H5EA__hdr_init`).
#[derive(Clone, Copy)]
struct Shape {
    blocks: u64,
    elements: u64,
    first: u64,
}

impl ExtensibleArray {
    /// Bytes of a header.
    pub(crate) fn header_size(sizes: Sizes) -> u64 {
        sizes.lengths.bytes().saturating_mul(6).saturating_add(sizes.offsets.bytes()).saturating_add(16)
    }

    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let start = i;
        let (i, ()) = signature("EAHD", i)?;
        let (at_client, _version) = version(0..=0, i)?;
        let (i, client) = le_u8(at_client)?;
        let (at_parameters, element_size) = le_u8(i)?;
        let (i, index_bits) = le_u8(at_parameters)?;
        let (i, index_elements) = le_u8(i)?;
        let (i, least_elements) = le_u8(i)?;
        let (i, least_pointers) = le_u8(i)?;
        let (i, page_bits) = le_u8(i)?;
        let (i, _super_blocks) = sizes.length(i)?;
        let (i, _super_block_size) = sizes.length(i)?;
        let (i, _data_blocks) = sizes.length(i)?;
        let (i, _data_block_size) = sizes.length(i)?;
        let (i, elements_set) = sizes.length(i)?;
        let (i, _elements_realized) = sizes.length(i)?;
        let (i, index_block) = sizes.address(i)?;
        let (i, ()) = checksum(start.until(&i), i)?;
        let format = match Format::new(sizes, client, element_size) {
            Ok(format) => format,
            Err(problem) => return at_client.fail(problem),
        };
        let array = Self {
            format,
            index_width: u8::try_from(u64::from(index_bits).div_ceil(8)).unwrap_or(8),
            index_elements: index_elements.into(),
            least_elements: least_elements.into(),
            least_pointers: least_pointers.into(),
            page_elements: 0,
            super_blocks: 0,
            elements_set,
            index_block,
        };
        match array.checked(index_bits, page_bits) {
            Ok(array) => Ok((i, array)),
            Err(problem) => at_parameters.fail(problem),
        }
    }

    /// The parameters, if they fit together (`H5EA__hdr_create`).
    fn checked(self, index_bits: u8, page_bits: u8) -> Result<Self, Problem> {
        if index_bits == 0 || index_bits > 64 {
            return Err(Problem::Value { field: "maximum number of elements bits", value: index_bits.into() });
        }
        if !self.least_elements.is_power_of_two() {
            return Err(Problem::Value {
                field: "minimum number of elements of a data block",
                value: self.least_elements,
            });
        }
        if !self.least_pointers.is_power_of_two() || self.least_pointers < 2 {
            let value = self.least_pointers;
            return Err(Problem::Value { field: "minimum number of data block pointers", value });
        }
        let page_elements = power("page bits", page_bits)?;
        let super_blocks =
            u32::from(index_bits).checked_sub(self.least_elements.ilog2()).and_then(|n| n.checked_add(1));
        let array = Self { page_elements, super_blocks: super_blocks.unwrap_or(0), ..self };
        if array.super_blocks < array.direct_super_blocks() {
            return Err(Problem::Value { field: "maximum number of elements bits", value: index_bits.into() });
        }
        // The index block has no room to say which pages of its data blocks have been written.
        let largest = array.shapes().take(narrow(array.direct_super_blocks().into())).map(|shape| shape.elements).max();
        if largest.is_some_and(|largest| largest > array.page_elements) {
            return Err(Problem::Value { field: "page bits", value: page_bits.into() });
        }
        Ok(array)
    }

    /// Super blocks whose data blocks the index block points to itself (`H5EA_SBLK_FIRST_IDX`).
    fn direct_super_blocks(&self) -> u32 {
        self.least_pointers.ilog2().saturating_mul(2)
    }

    /// The shapes of all super blocks.
    fn shapes(&self) -> impl Iterator<Item = Shape> {
        let (least, mut first) = (self.least_elements, self.index_elements);
        (0..self.super_blocks).map(move |number| {
            let blocks = 1_u64.checked_shl(number / 2).unwrap_or(u64::MAX);
            let elements = least.saturating_mul(1_u64.checked_shl(number.div_ceil(2)).unwrap_or(u64::MAX));
            let shape = Shape { blocks, elements, first };
            first = first.saturating_add(blocks.saturating_mul(elements));
            shape
        })
    }

    /// Bytes of the index block.
    pub(crate) fn index_block_size(&self, sizes: Sizes) -> u64 {
        let direct = self.least_pointers.saturating_sub(1).saturating_mul(2);
        let indirect = self.super_blocks.saturating_sub(self.direct_super_blocks());
        let pointers = direct.saturating_add(indirect.into()).saturating_mul(sizes.offsets.bytes());
        sum(&[prefix_size(sizes), self.format.bytes(self.index_elements), pointers, 4]).unwrap_or(u64::MAX)
    }

    pub(crate) fn index_block<'a>(&self, sizes: Sizes, i: Span<'a>) -> Parsed<'a, IndexBlock> {
        let start = i;
        let (i, ()) = self.format.prefix(sizes, "EAIB", i)?;
        let (i, elements) = self.format.elements(sizes, self.index_elements, i)?;
        let mut i = i;
        let mut data_blocks = Vec::new();
        let mut before = 0_u64;
        for shape in self.shapes().take(narrow(self.direct_super_blocks().into())) {
            let (rest, addresses) = count(|i| sizes.address(i), narrow(shape.blocks)).parse(i)?;
            // libhdf5 counts the blocks of the index block through, not anew for each super block (`H5EA__lookup_elmt`).
            let start =
                shape.first.saturating_sub(self.index_elements).saturating_add(before.saturating_mul(shape.elements));
            data_blocks.extend(shape.data_blocks(start, &addresses, |_| None));
            before = before.saturating_add(shape.blocks);
            i = rest;
        }
        let mut super_blocks = Vec::new();
        for number in self.direct_super_blocks()..self.super_blocks {
            let (rest, address) = sizes.address(i)?;
            super_blocks.extend(address.map(|address| SuperBlock { address, number }));
            i = rest;
        }
        let (i, ()) = checksum(start.until(&i), i)?;
        Ok((i, IndexBlock { elements, data_blocks, super_blocks }))
    }

    fn shape(&self, block: SuperBlock) -> Shape {
        self.shapes().nth(narrow(block.number.into())).unwrap_or(Shape { blocks: 0, elements: 0, first: 0 })
    }

    /// Pages of a data block; none where it is not paged.
    fn pages(&self, shape: Shape) -> u64 {
        if shape.elements > self.page_elements {
            shape.elements.checked_div(self.page_elements).unwrap_or(0)
        } else {
            0
        }
    }

    /// Bytes of a super block.
    pub(crate) fn super_block_size(&self, sizes: Sizes, block: SuperBlock) -> u64 {
        let shape = self.shape(block);
        let bitmap = shape.blocks.saturating_mul(self.pages(shape).div_ceil(8));
        let pointers = shape.blocks.saturating_mul(sizes.offsets.bytes());
        sum(&[prefix_size(sizes), self.index_width.into(), bitmap, pointers, 4]).unwrap_or(u64::MAX)
    }

    /// The data blocks of a super block ("EASB").
    pub(crate) fn super_block<'a>(&self, sizes: Sizes, block: SuperBlock, i: Span<'a>) -> Parsed<'a, Vec<DataBlock>> {
        let shape = self.shape(block);
        let pages = self.pages(shape);
        let start = i;
        let (i, ()) = self.format.prefix(sizes, "EASB", i)?;
        let start_offset = shape.first.saturating_sub(self.index_elements);
        let (i, ()) = self.block_offset(start_offset, i)?;
        let (i, bitmap) = bytes(shape.blocks.saturating_mul(pages.div_ceil(8)), i)?;
        let (_, _) = bytes(shape.blocks.saturating_mul(sizes.offsets.bytes()), i)?;
        let (i, addresses) = count(|i| sizes.address(i), narrow(shape.blocks)).parse(i)?;
        let (i, ()) = checksum(start.until(&i), i)?;
        // VII.D does not say how the bits are counted: over the whole super block, not from a new byte for each data block
        // (`H5EA__lookup_elmt`).
        let written = |block: u64| {
            let first = block.saturating_mul(pages);
            (pages > 0).then(|| (0..pages).filter(|page| bit(bitmap.bytes(), first.saturating_add(*page))).collect())
        };
        Ok((i, shape.data_blocks(start_offset, &addresses, written).collect()))
    }

    /// Bytes of a data block, without its pages.
    pub(crate) fn data_block_size(&self, sizes: Sizes, block: &DataBlock) -> u64 {
        let elements = if block.pages.is_some() { 0 } else { self.format.bytes(block.elements) };
        sum(&[prefix_size(sizes), self.index_width.into(), elements, 4]).unwrap_or(u64::MAX)
    }

    /// The elements of a data block ("EADB"); those of a paged one are in its pages.
    pub(crate) fn data_block<'a>(&self, sizes: Sizes, block: &DataBlock, i: Span<'a>) -> Parsed<'a, Vec<Element>> {
        let start = i;
        let (i, ()) = self.format.prefix(sizes, "EADB", i)?;
        let (i, ()) = self.block_offset(block.offset, i)?;
        let elements = if block.pages.is_some() { 0 } else { block.elements };
        let (i, elements) = self.format.elements(sizes, elements, i)?;
        let (i, ()) = checksum(start.until(&i), i)?;
        Ok((i, elements))
    }

    /// A block's own offset.
    fn block_offset<'a>(&self, expected: u64, i: Span<'a>) -> Parsed<'a, ()> {
        let (rest, found) = le_uint(self.index_width, i)?;
        if found != expected {
            return i.fail(Problem::Mismatch { field: "block offset", found, expected });
        }
        Ok((rest, ()))
    }

    /// Elements of every page.
    pub(crate) fn page_elements(&self) -> u64 {
        self.page_elements
    }

    /// Offset of a page from its data block's address.
    pub(crate) fn page_offset(&self, sizes: Sizes, block: &DataBlock, page: u64) -> u64 {
        let pages = page.saturating_mul(self.format.page_size(self.page_elements));
        self.data_block_size(sizes, block).saturating_add(pages)
    }
}

impl Shape {
    /// The data blocks that have an address; the first says `offset` of itself.
    fn data_blocks(
        self,
        offset: u64,
        addresses: &[Option<Address>],
        pages: impl Fn(u64) -> Option<Vec<u64>>,
    ) -> impl Iterator<Item = DataBlock> {
        (0..self.blocks).zip(addresses).filter_map(move |(n, address)| {
            let before = n.saturating_mul(self.elements);
            let (first, offset) = (self.first.saturating_add(before), offset.saturating_add(before));
            Some(DataBlock { address: (*address)?, first, elements: self.elements, offset, pages: pages(n) })
        })
    }
}
