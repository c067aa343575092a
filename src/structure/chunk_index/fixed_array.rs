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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::sizes::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, sealed, with};

    const FOUR: Sizes = Sizes { offsets: Width::Four, lengths: Width::Four };

    /// The header of six chunks without filters: `testdata/chunk/fixed_array.h5`.
    const HEADER: [u8; 28] = [
        b'F', b'A', b'H', b'D', // signature
        0,    // version
        0,    // client ID: chunks without filters
        8,    // element size
        10,   // page bits
        6, 0, 0, 0, 0, 0, 0, 0, // max number of elements
        0xdb, 0x01, 0, 0, 0, 0, 0, 0, // data block address
        0x7d, 0x2a, 0x33, 0x08, // checksum
    ];

    /// The data block of three filtered chunks, of which the last was never written.
    const BLOCK: [u8; 56] = [
        b'F', b'A', b'D', b'B', // signature
        0,    // version
        1,    // client ID: chunks with filters
        0x29, 0x03, 0, 0, 0, 0, 0, 0, // header address
        0xc0, 0x08, 0, 0, 0, 0, 0, 0, // element 0: address
        0x1d, 0, // chunk size
        0, 0, 0, 0, // filter mask
        0xdd, 0x08, 0, 0, 0, 0, 0, 0, // element 1: address
        0x15, 1, // chunk size
        1, 0, 0, 0, // filter mask
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // element 2: address
        0, 0, // chunk size
        0, 0, 0, 0, // filter mask
    ];

    /// The data block of `testdata/chunk/fixed_array_paged.h5`: three pages, the second never written.
    const PAGED: [u8; 19] = [
        b'F', b'A', b'D', b'B', // signature
        0,    // version
        0,    // client ID
        0xbf, 0x01, 0, 0, 0, 0, 0, 0,    // header address
        0xa0, // page bitmap
        0xbf, 0x45, 0xb4, 0x1f, // checksum
    ];

    fn header_of(sizes: Sizes, bytes: &[u8]) -> Result<FixedArray, Error> {
        crate::structure::parse(Structure::FixedArray, Span::new(bytes, AT), |i| FixedArray::parse(sizes, i))
    }

    fn header(bytes: &[u8]) -> Result<FixedArray, Error> {
        header_of(Sizes::EIGHT, bytes)
    }

    fn array(client: u8, element_size: u8, elements: u64) -> FixedArray {
        let format = Format::new(Sizes::EIGHT, client, element_size).unwrap();
        FixedArray { format, page_elements: 1_024, elements, data_block: None }
    }

    fn block(array: &FixedArray, bytes: &[u8]) -> Result<DataBlock, Error> {
        let parse = |i| array.data_block(Sizes::EIGHT, i);
        crate::structure::parse(Structure::FixedArrayBlock, Span::new(bytes, AT), parse)
    }

    fn written(address: u64, size: u64, mask: u32) -> Element {
        Element { address: Some(Address(address)), filtered: Some((size, mask)) }
    }

    #[test]
    fn a_header_says_how_many_elements_there_are_and_where() {
        assert_eq!(header(&HEADER).unwrap(), FixedArray { data_block: Some(Address(0x1db)), ..array(0, 8, 6) });
        assert_eq!(FixedArray::header_size(Sizes::EIGHT), 28);
        let four = sealed(&[
            b'F', b'A', b'H', b'D', // signature
            0,    // version
            1,    // client ID: chunks with filters
            10,   // element size: address 4, chunk size 2, filter mask 4
            3,    // page bits
            6, 0, 0, 0, // max number of elements
            0xff, 0xff, 0xff, 0xff, // data block address: none yet
        ]);
        let format = Format { size: 10, size_width: Some(2) };
        assert_eq!(
            header_of(FOUR, &four).unwrap(),
            FixedArray { format, page_elements: 8, elements: 6, data_block: None }
        );
        assert_eq!(FixedArray::header_size(FOUR), 20);
        every_prefix_fails(&four, |bytes| header_of(FOUR, bytes));
    }

    #[test]
    fn a_data_block_is_all_elements() {
        let array = array(1, 14, 3);
        let last = Element { address: None, filtered: Some((0, 0)) };
        let elements = vec![written(0x8c0, 0x1d, 0), written(0x8dd, 0x115, 1), last];
        assert_eq!(block(&array, &sealed(&BLOCK)).unwrap(), DataBlock::Elements(elements));
        assert_eq!(array.data_block_size(Sizes::EIGHT), 60);
    }

    #[test]
    fn a_paged_data_block_says_which_pages_have_been_written() {
        let array = array(0, 8, 2_500);
        assert_eq!(block(&array, &PAGED).unwrap(), DataBlock::Pages(vec![0, 2]));
        assert_eq!(array.data_block_size(Sizes::EIGHT), 19);
    }

    /// `testdata/chunk/fixed_array_one_page.h5`: as many elements as a page has are not paged.
    #[test]
    fn only_more_elements_than_a_page_has_are_paged() {
        assert_eq!([1_023, 1_024, 1_025].map(|n| array(0, 8, n).is_paged()), [false, false, true]);
        assert_eq!(array(0, 8, 1_024).data_block_size(Sizes::EIGHT), 14 + 1_024 * 8 + 4);
    }

    #[test]
    fn pages_lie_one_after_another_and_the_last_is_short() {
        let array = array(0, 8, 2_500);
        assert_eq!([0, 1, 2, 3].map(|page| array.elements_of(page)), [1_024, 1_024, 452, 0]);
        assert_eq!([0, 1, 2].map(|page| array.page_offset(Sizes::EIGHT, page)), [19, 19 + 8_196, 19 + 2 * 8_196]);
    }

    #[test]
    fn problems_of_the_header_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(header(&sealed(&with(&HEADER[..24], at, others))));
        assert_eq!(told(3, b"X"), "fixed array header at 0x60: signature is not \"FAHD\" (at 0x60)");
        assert_eq!(told(4, &[1]), "fixed array header at 0x60: version is 1 (at 0x64)");
        assert_eq!(told(5, &[2]), "fixed array header at 0x60: client ID is 2 (at 0x65)");
        assert_eq!(told(6, &[9]), "fixed array header at 0x60: element size is 9 (at 0x65)");
        assert_eq!(told(7, &[64]), "fixed array header at 0x60: page bits is 64 (at 0x67)");
        assert_eq!(
            message_of(header(&with(&HEADER, 27, &[9]))),
            "fixed array header at 0x60: checksum is 0x09332a7d, computed 0x08332a7d (at 0x78)"
        );
    }

    #[test]
    fn problems_of_the_data_block_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(block(&array(1, 14, 3), &sealed(&with(&BLOCK, at, others))));
        assert_eq!(told(0, b"X"), "fixed array data block at 0x60: signature is not \"FADB\" (at 0x60)");
        assert_eq!(told(4, &[1]), "fixed array data block at 0x60: version is 1 (at 0x64)");
        assert_eq!(told(5, &[0]), "fixed array data block at 0x60: client ID is 0 (at 0x65)");
        assert_eq!(
            message_of(block(&array(0, 8, 2_500), &with(&PAGED, 14, &[0xe0]))),
            "fixed array data block at 0x60: checksum is 0x1fb445bf, computed 0xd735b2f1 (at 0x6f)"
        );
        // Bytes are counted before elements are made room for.
        assert_eq!(
            message_of(block(&array(1, 14, 1_000), &sealed(&BLOCK))),
            "fixed array data block at 0x60: the bytes end inside the structure (at 0x6e)"
        );
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&HEADER, header);
        every_prefix_fails(&PAGED, |bytes| block(&array(0, 8, 2_500), bytes));
        every_prefix_fails(&sealed(&BLOCK), |bytes| block(&array(1, 14, 3), bytes));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&HEADER[..24], |bytes| drop(header(&sealed(bytes))));
        never_panics(&PAGED[..15], |bytes| drop(block(&array(0, 8, u64::MAX), &sealed(bytes))));
        never_panics(&BLOCK, |bytes| drop(block(&array(1, 14, 3), &sealed(bytes))));
    }
}
