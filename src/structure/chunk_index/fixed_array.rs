//! Fixed arrays: chunks of datasets whose maximum size is fixed ([VII.C]).

use nom::number::complete::le_u8;

use super::{Element, Format, bit, power, prefix_size};
use crate::field::checksum::checksum;
use crate::field::sizes::version;
use crate::field::{Address, Parsed, Sizes, Span, bytes, signature};

/// The header of a fixed array ("FAHD").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FixedArray {
    pub(crate) format: Format,
    /// Elements of a page; an array of more is paged.
    pub(crate) page_elements: u64,
    /// Elements of the array.
    pub(crate) elements: u64,
    pub(crate) data_block: Option<Address>,
}

/// What a data block holds after its prefix ("FADB").
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DataBlock {
    /// All elements.
    Elements(Vec<Element>),
    /// The pages that have been written, each at a fixed place after the block; the others are undefined bytes.
    Pages(Vec<u64>),
}

impl FixedArray {
    /// Bytes of a header.
    pub(crate) fn header_size(sizes: Sizes) -> u64 {
        sizes.lengths.bytes().saturating_add(sizes.offsets.bytes()).saturating_add(12)
    }

    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let start = i;
        let (i, ()) = signature("FAHD", i)?;
        let (at_client, _version) = version(0..=0, i)?;
        let (i, client) = le_u8(at_client)?;
        let (at_bits, element_size) = le_u8(i)?;
        let (i, page_bits) = le_u8(at_bits)?;
        let (i, elements) = sizes.length(i)?;
        let (i, data_block) = sizes.address(i)?;
        let (i, ()) = checksum(start.until(&i), i)?;
        let format = match Format::new(sizes, client, element_size) {
            Ok(format) => format,
            Err(problem) => return at_client.fail(problem),
        };
        let page_elements = match power("page bits", page_bits) {
            Ok(elements) => elements,
            Err(problem) => return at_bits.fail(problem),
        };
        Ok((i, Self { format, page_elements, elements, data_block }))
    }

    /// libhdf5 pages an array of more elements than a page has, not one of as many (`H5FA__dblock_alloc`).
    fn is_paged(&self) -> bool {
        self.elements > self.page_elements
    }

    fn pages(&self) -> u64 {
        self.elements.div_ceil(self.page_elements)
    }

    /// Bytes of the data block, without its pages.
    pub(crate) fn data_block_size(&self, sizes: Sizes) -> u64 {
        let contents = if self.is_paged() { self.pages().div_ceil(8) } else { self.format.bytes(self.elements) };
        prefix_size(sizes).saturating_add(contents).saturating_add(4)
    }

    pub(crate) fn data_block<'a>(&self, sizes: Sizes, i: Span<'a>) -> Parsed<'a, DataBlock> {
        let start = i;
        let (i, ()) = self.format.prefix(sizes, "FADB", i)?;
        let (i, block) = if self.is_paged() {
            let (i, bitmap) = bytes(self.pages().div_ceil(8), i)?;
            let written = (0..self.pages()).filter(|page| bit(bitmap.bytes(), *page));
            (i, DataBlock::Pages(written.collect()))
        } else {
            let (i, elements) = self.format.elements(sizes, self.elements, i)?;
            (i, DataBlock::Elements(elements))
        };
        let (i, ()) = checksum(start.until(&i), i)?;
        Ok((i, block))
    }

    /// Elements of a page; the last may have fewer.
    pub(crate) fn elements_of(&self, page: u64) -> u64 {
        self.elements.saturating_sub(page.saturating_mul(self.page_elements)).min(self.page_elements)
    }

    /// Offset of a page from the data block's address: pages lie one after another, written or not.
    pub(crate) fn page_offset(&self, sizes: Sizes, page: u64) -> u64 {
        self.data_block_size(sizes).saturating_add(page.saturating_mul(self.format.page_size(self.page_elements)))
    }
}
