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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::sizes::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, sealed, with};

    /// Offsets of four bytes, as in `testdata/chunk/extensible_array_paged.h5`.
    const FOUR: Sizes = Sizes { offsets: Width::Four, lengths: Width::Eight };

    /// The header of `testdata/chunk/extensible_array_paged.h5`.
    const HEADER: [u8; 68] = [
        b'E', b'A', b'H', b'D', // signature
        0,    // version
        0,    // client ID: chunks without filters
        4,    // element size
        32,   // max number of elements bits
        4,    // index block elements
        16,   // data block min elements
        4,    // super block min data block pointers
        10,   // max data block page elements bits
        4, 0, 0, 0, 0, 0, 0, 0, // number of super blocks
        0x48, 0x03, 0, 0, 0, 0, 0, 0, // super block size
        5, 0, 0, 0, 0, 0, 0, 0, // number of data blocks
        0xe2, 0x3c, 0, 0, 0, 0, 0, 0, // data block size
        0xe0, 0x22, 0x02, 0, 0, 0, 0, 0, // max index set
        0x24, 0x0f, 0, 0, 0, 0, 0, 0, // number of elements
        0xdb, 0x01, 0, 0, // index block address
        0x91, 0xca, 0xec, 0x28, // checksum
    ];

    /// The header of the filtered dataset of `testdata/chunk/extensible_array.h5`.
    const FILTERED: [u8; 72] = [
        b'E', b'A', b'H', b'D', // signature
        0,    // version
        1,    // client ID: chunks with filters
        14,   // element size
        32,   // max number of elements bits
        4,    // index block elements
        16,   // data block min elements
        4,    // super block min data block pointers
        10,   // max data block page elements bits
        0, 0, 0, 0, 0, 0, 0, 0, // number of super blocks
        0, 0, 0, 0, 0, 0, 0, 0, // super block size
        1, 0, 0, 0, 0, 0, 0, 0, // number of data blocks
        0xf6, 0, 0, 0, 0, 0, 0, 0, // data block size
        18, 0, 0, 0, 0, 0, 0, 0, // max index set
        20, 0, 0, 0, 0, 0, 0, 0, // number of elements
        0x1b, 0x05, 0, 0, 0, 0, 0, 0, // index block address
        0x54, 0x51, 0x93, 0x7a, // checksum
    ];

    /// What opens a block of the array whose header is `HEADER`.
    fn block(name: &str, rest: &[&[u8]]) -> Vec<u8> {
        let version_client_and_header = [0, 0, 0x97, 0x01, 0, 0];
        [name.as_bytes(), &version_client_and_header, &rest.concat()].concat()
    }

    /// Its index block, of which libhdf5's checksum is 0x3dfa96b8.
    fn index_block() -> Vec<u8> {
        let elements = [0x800_u32, u32::MAX, u32::MAX, 0x801];
        let mut data_blocks = [u32::MAX; 6];
        data_blocks[3] = 0x275;
        let mut super_blocks = [u32::MAX; 25];
        for (number, address) in [(8, 0x307), (10, 0x76b), (12, 0x1812), (13, 0x2936)] {
            super_blocks[number - 4] = address;
        }
        let addresses = [&elements[..], &data_blocks, &super_blocks].concat();
        block("EAIB", &[&addresses.iter().flat_map(|address| address.to_le_bytes()).collect::<Vec<_>>()])
    }

    /// Its super block 13, of 64 data blocks of two pages each; libhdf5 wrote page 0 of block 4, the others are made up.
    fn super_block() -> Vec<u8> {
        let mut bitmap = [0; 64];
        bitmap[0] = 0b0000_0011; // both pages of block 3
        bitmap[1] = 0b1001_0000; // the first page of block 4, the second of block 5
        let mut addresses = [0xff; 256];
        addresses[12..24].copy_from_slice(&[0, 0x2a, 0, 0, 0x88, 0x2a, 0, 0, 0, 0x2b, 0, 0]);
        block("EASB", &[&[0xf0, 0xff, 0x01, 0], &bitmap, &addresses])
    }

    fn header_of(sizes: Sizes, bytes: &[u8]) -> Result<ExtensibleArray, Error> {
        crate::structure::parse(Structure::ExtensibleArray, Span::new(bytes, AT), |i| ExtensibleArray::parse(sizes, i))
    }

    fn header(bytes: &[u8]) -> Result<ExtensibleArray, Error> {
        header_of(FOUR, bytes)
    }

    fn array() -> ExtensibleArray {
        header(&HEADER).unwrap()
    }

    fn index(bytes: &[u8]) -> Result<IndexBlock, Error> {
        let parse = |i| array().index_block(FOUR, i);
        crate::structure::parse(Structure::ExtensibleArrayIndexBlock, Span::new(bytes, AT), parse)
    }

    const PAGED: SuperBlock = SuperBlock { address: Address(0x2936), number: 13 };

    fn data_blocks(bytes: &[u8]) -> Result<Vec<DataBlock>, Error> {
        let parse = |i| array().super_block(FOUR, PAGED, i);
        crate::structure::parse(Structure::ExtensibleArraySuperBlock, Span::new(bytes, AT), parse)
    }

    fn elements(place: &DataBlock, bytes: &[u8]) -> Result<Vec<Element>, Error> {
        let parse = |i| array().data_block(FOUR, place, i);
        crate::structure::parse(Structure::ExtensibleArrayDataBlock, Span::new(bytes, AT), parse)
    }

    fn element(address: u64) -> Element {
        Element { address: Some(Address(address)), filtered: None }
    }

    const NEVER_WRITTEN: Element = Element { address: None, filtered: None };

    #[test]
    fn a_header_fixes_the_shape_of_every_block() {
        let expected = ExtensibleArray {
            format: Format { size: 4, size_width: None },
            index_width: 4,
            index_elements: 4,
            least_elements: 16,
            least_pointers: 4,
            page_elements: 1_024,
            super_blocks: 29,
            elements_set: 0x222e0,
            index_block: Some(Address(0x1db)),
        };
        assert_eq!(array(), expected);
        assert_eq!((ExtensibleArray::header_size(FOUR), expected.index_block_size(FOUR)), (68, 154));
        let filtered = ExtensibleArray {
            format: Format { size: 14, size_width: Some(2) },
            elements_set: 18,
            index_block: Some(Address(0x51b)),
            ..expected
        };
        assert_eq!(header_of(Sizes::EIGHT, &FILTERED).unwrap(), filtered);
        assert_eq!((ExtensibleArray::header_size(Sizes::EIGHT), filtered.index_block_size(Sizes::EIGHT)), (72, 322));
    }

    /// `H5EA__hdr_init`: super block u has 2^(u/2) data blocks of 2^((u+1)/2) times the least elements.
    #[test]
    fn super_blocks_double_in_turn_their_data_blocks_and_the_elements_of_these() {
        let shapes: Vec<_> = array().shapes().map(|shape| (shape.blocks, shape.elements, shape.first)).collect();
        let expected =
            [(1, 16, 4), (1, 32, 20), (2, 32, 52), (2, 64, 116), (4, 64, 244), (4, 128, 500), (8, 128, 1_012)];
        assert_eq!(shapes[..7], expected);
        assert_eq!((shapes.len(), shapes[28]), (29, (1 << 14, 16 << 14, 4 + 16 * ((1 << 28) - 1))));
        // The last super block reaches past every index of 32 bits.
        assert!(shapes[28].2 + (1 << 14) * (16 << 14) > u64::from(u32::MAX));
    }

    #[test]
    fn an_index_block_has_the_first_elements_and_the_addresses_of_blocks() {
        let data_block = DataBlock { address: Address(0x275), first: 84, elements: 32, offset: 144, pages: None };
        let super_block = |(number, address)| SuperBlock { address: Address(address), number };
        let expected = IndexBlock {
            elements: vec![element(0x800), NEVER_WRITTEN, NEVER_WRITTEN, element(0x801)],
            data_blocks: vec![data_block],
            super_blocks: [(8, 0x307), (10, 0x76b), (12, 0x1812), (13, 0x2936)].map(super_block).to_vec(),
        };
        let bytes = sealed(&index_block());
        assert_eq!(index(&bytes).unwrap(), expected);
        assert_eq!(bytes[150..], [0xb8, 0x96, 0xfa, 0x3d]);
    }

    /// `H5EA__lookup_elmt` adds to the start of a super block the number of the data block in the index block, not in the super
    /// block: the fourth says 144 of itself, and its first element is 84.
    #[test]
    fn data_blocks_of_the_index_block_say_a_larger_offset_than_is_theirs() {
        let mut bytes = index_block();
        bytes[26..50].copy_from_slice(&[9, 0, 0, 0].repeat(6));
        let places = index(&sealed(&bytes)).unwrap().data_blocks;
        let told: Vec<_> = places.iter().map(|place| (place.first, place.elements, place.offset)).collect();
        assert_eq!(
            told,
            [
                (4, 16, 0),
                (20, 32, 16 + 32),
                (52, 32, 48 + 64),
                (84, 32, 48 + 96),
                (116, 64, 112 + 256),
                (180, 64, 112 + 320)
            ]
        );
    }

    #[test]
    fn the_bitmap_of_pages_is_counted_over_the_whole_super_block() {
        let place = |n: u64, address, pages: &[u64]| {
            let (first, offset) = (131_060 + n * 2_048, 131_056 + n * 2_048);
            DataBlock { address: Address(address), first, elements: 2_048, offset, pages: Some(pages.to_vec()) }
        };
        let expected = [place(3, 0x2a00, &[0, 1]), place(4, 0x2a88, &[0]), place(5, 0x2b00, &[1])];
        let bytes = sealed(&super_block());
        assert_eq!(data_blocks(&bytes).unwrap(), expected);
        assert_eq!(array().super_block_size(FOUR, PAGED), 338);
        assert_eq!(bytes.len(), 338);
        assert_eq!(array().data_block_size(FOUR, &expected[0]), 18);
        assert_eq!([0, 1].map(|page| array().page_offset(FOUR, &expected[0], page)), [18, 18 + 4_100]);
    }

    #[test]
    fn data_blocks_of_as_many_elements_as_a_page_are_not_paged() {
        // Super block 12: 64 data blocks of 1,024 elements.
        let place = SuperBlock { address: Address(0x1812), number: 12 };
        assert_eq!(array().super_block_size(FOUR, place), 10 + 4 + 64 * 4 + 4);
        let bytes = sealed(&block("EASB", &[&[0xf0, 0xff, 0, 0], &[0x24, 0x19, 0, 0], &[0xff; 252]]));
        let parse = |i| array().super_block(FOUR, place, i);
        let found = crate::structure::parse(Structure::ExtensibleArraySuperBlock, Span::new(&bytes, AT), parse);
        let expected =
            DataBlock { address: Address(0x1924), first: 65_524, elements: 1_024, offset: 65_520, pages: None };
        assert_eq!(array().data_block_size(FOUR, &expected), 10 + 4 + 1_024 * 4 + 4);
        assert_eq!(found.unwrap(), [expected]);
    }

    const SMALL: DataBlock = DataBlock { address: Address(AT), first: 4, elements: 2, offset: 0, pages: None };

    #[test]
    fn a_data_block_is_elements_unless_they_are_in_its_pages() {
        let bytes = block("EADB", &[&[0; 4], &[0x05, 0x08, 0, 0], &[0xff; 4]]);
        assert_eq!(elements(&SMALL, &sealed(&bytes)).unwrap(), [element(0x805), NEVER_WRITTEN]);
        let paged = DataBlock { pages: Some(vec![0]), ..SMALL };
        assert_eq!(elements(&paged, &sealed(&bytes[..14])).unwrap(), []);
    }

    #[test]
    fn problems_of_the_header_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(header(&sealed(&with(&HEADER[..64], at, others))));
        assert_eq!(told(0, b"X"), "extensible array header at 0x60: signature is not \"EAHD\" (at 0x60)");
        assert_eq!(told(4, &[1]), "extensible array header at 0x60: version is 1 (at 0x64)");
        assert_eq!(told(5, &[2]), "extensible array header at 0x60: client ID is 2 (at 0x65)");
        assert_eq!(told(6, &[8]), "extensible array header at 0x60: element size is 8 (at 0x65)");
        for bits in [0, 65, 6] {
            let expected =
                format!("extensible array header at 0x60: maximum number of elements bits is {bits} (at 0x67)");
            assert_eq!(told(7, &[bits]), expected);
        }
        for least in [0, 3] {
            let expected = format!(
                "extensible array header at 0x60: minimum number of elements of a data block is {least} (at 0x67)"
            );
            assert_eq!(told(9, &[least]), expected);
        }
        for least in [0, 1, 6] {
            let expected =
                format!("extensible array header at 0x60: minimum number of data block pointers is {least} (at 0x67)");
            assert_eq!(told(10, &[least]), expected);
        }
        // The index block could not say which pages of its data blocks have been written.
        for bits in [64, 5] {
            assert_eq!(told(11, &[bits]), format!("extensible array header at 0x60: page bits is {bits} (at 0x67)"));
        }
        assert_eq!(
            message_of(header(&with(&HEADER, 64, &[0x92]))),
            "extensible array header at 0x60: checksum is 0x28ecca92, computed 0x28ecca91 (at 0xa0)"
        );
    }

    #[test]
    fn problems_of_blocks_are_told_at_their_fields() {
        let broken = |bytes: &[u8], at, others: &[u8]| sealed(&with(bytes, at, others));
        let told = |at, others: &[u8]| message_of(index(&broken(&index_block(), at, others)));
        assert_eq!(told(0, b"X"), "extensible array index block at 0x60: signature is not \"EAIB\" (at 0x60)");
        assert_eq!(told(4, &[1]), "extensible array index block at 0x60: version is 1 (at 0x64)");
        assert_eq!(told(5, &[1]), "extensible array index block at 0x60: client ID is 1 (at 0x65)");
        let told = |at, others: &[u8]| message_of(data_blocks(&broken(&super_block(), at, others)));
        assert_eq!(told(0, b"X"), "extensible array secondary block at 0x60: signature is not \"EASB\" (at 0x60)");
        assert_eq!(
            told(10, &[0]),
            "extensible array secondary block at 0x60: block offset is 130816, not 131056 (at 0x6a)"
        );
        let bytes = block("EADB", &[&[0; 4], &[0xff; 8]]);
        let told = |at, others: &[u8]| message_of(elements(&SMALL, &broken(&bytes, at, others)));
        assert_eq!(told(0, b"X"), "extensible array data block at 0x60: signature is not \"EADB\" (at 0x60)");
        assert_eq!(told(10, &[1]), "extensible array data block at 0x60: block offset is 1, not 0 (at 0x6a)");
    }

    #[test]
    fn a_wrong_checksum_of_any_block_is_told() {
        let unsealed = |bytes: Vec<u8>| [bytes, vec![0; 4]].concat();
        let checksum = ": checksum is 0x00000000, computed ";
        let told = [
            message_of(index(&unsealed(index_block()))),
            message_of(data_blocks(&unsealed(super_block()))),
            message_of(elements(&SMALL, &unsealed(block("EADB", &[&[0; 12]])))),
        ];
        assert!(told.iter().all(|message| message.contains(checksum)), "{told:?}");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&HEADER, header);
        every_prefix_fails(&FILTERED, |bytes| header_of(Sizes::EIGHT, bytes));
        every_prefix_fails(&sealed(&index_block()), index);
        every_prefix_fails(&sealed(&super_block()), data_blocks);
        every_prefix_fails(&sealed(&block("EADB", &[&[0; 12]])), |bytes| elements(&SMALL, bytes));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&HEADER[..64], |bytes| {
            if let Ok(array) = header(&sealed(bytes)) {
                let place = SuperBlock { address: Address(0), number: array.super_blocks };
                let sizes = (array.index_block_size(FOUR), array.super_block_size(FOUR, place));
                assert!(sizes.0 > 14 && sizes.1 > 14);
            }
        });
        never_panics(&index_block(), |bytes| drop(index(&sealed(bytes))));
        never_panics(&super_block(), |bytes| drop(data_blocks(&sealed(bytes))));
        never_panics(&block("EADB", &[&[0; 12]]), |bytes| drop(elements(&SMALL, &sealed(bytes))));
    }
}
