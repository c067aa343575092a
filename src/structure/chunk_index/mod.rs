//! Arrays of chunks, the indexes of layout versions 4 and 5 ([VII.C], [VII.D]).

pub(crate) mod extensible_array;
pub(crate) mod fixed_array;

use nom::number::complete::le_u32;

use crate::error::Problem;
use crate::field::checksum::checksum;
use crate::field::convert::narrow;
use crate::field::sizes::{le_uint, sum, version};
use crate::field::{Address, Parsed, Sizes, Span, signature};

/// One chunk of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element {
    /// `None` where the chunk was never written.
    pub(crate) address: Option<Address>,
    /// With filters: bytes in the file, and the mask of filters that were skipped.
    pub(crate) filtered: Option<(u64, u32)>,
}

/// How an array's elements are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    /// Bytes of an element.
    size: u8,
    /// Bytes of the chunk size, where chunks are filtered. VII.C says Size of Offsets, libhdf5 writes as many as the largest chunk
    /// needs, or Size of Lengths from layout version 5 on: what is left of the element tells it whatever the version.
    size_width: Option<u8>,
}

/// Client 0: chunks without filters; client 1: chunks with filters.
const FILTERED: u8 = 1;

impl Format {
    /// The format of elements of `size` bytes that belong to `client`.
    fn new(sizes: Sizes, client: u8, size: u8) -> Result<Self, Problem> {
        let address = sizes.offsets.bytes();
        let rest = u64::from(size).checked_sub(address);
        let width = match (client, rest) {
            (0, Some(0)) => None,
            (FILTERED, Some(rest @ 5..=12)) => u8::try_from(rest.saturating_sub(4)).ok(),
            (0 | FILTERED, _) => return Err(Problem::Value { field: "element size", value: size.into() }),
            _ => return Err(Problem::Value { field: "client ID", value: client.into() }),
        };
        Ok(Self { size, size_width: width })
    }

    /// Bytes of the size of a chunk, where chunks are filtered.
    pub(crate) fn size_width(self) -> Option<u8> {
        self.size_width
    }

    fn client(self) -> u8 {
        if self.size_width.is_some() { FILTERED } else { 0 }
    }

    /// Bytes of `n` elements.
    fn bytes(self, n: u64) -> u64 {
        n.saturating_mul(self.size.into())
    }

    fn parse(self, sizes: Sizes, i: Span<'_>) -> Parsed<'_, Element> {
        let (i, address) = sizes.address(i)?;
        let Some(width) = self.size_width else { return Ok((i, Element { address, filtered: None })) };
        let (i, size) = le_uint(width, i)?;
        let (i, mask) = le_u32(i)?;
        Ok((i, Element { address, filtered: Some((size, mask)) }))
    }

    /// `n` elements, of which there must be bytes.
    fn elements(self, sizes: Sizes, n: u64, i: Span<'_>) -> Parsed<'_, Vec<Element>> {
        let (_, _) = crate::field::bytes(self.bytes(n), i)?;
        let mut elements = Vec::with_capacity(narrow(n));
        let mut i = i;
        for _ in 0..n {
            let (rest, element) = self.parse(sizes, i)?;
            elements.push(element);
            i = rest;
        }
        Ok((i, elements))
    }

    /// Bytes of a page of `n` elements.
    pub(crate) fn page_size(self, n: u64) -> u64 {
        self.bytes(n).saturating_add(4)
    }

    /// A page of `n` elements and their checksum.
    pub(crate) fn page(self, sizes: Sizes, n: u64, i: Span<'_>) -> Parsed<'_, Vec<Element>> {
        let start = i;
        let (i, elements) = self.elements(sizes, n, i)?;
        let (i, ()) = checksum(start.until(&i), i)?;
        Ok((i, elements))
    }

    /// Signature, version, client and header address, which open every block of an array.
    fn prefix<'a>(self, sizes: Sizes, name: &'static str, i: Span<'a>) -> Parsed<'a, ()> {
        let (i, ()) = signature(name, i)?;
        let (i, _version) = version(0..=0, i)?;
        let (rest, client) = nom::number::complete::le_u8(i)?;
        if client != self.client() {
            return i.value("client ID", client);
        }
        let (i, _header) = sizes.address(rest)?;
        Ok((i, ()))
    }
}

/// Bytes of the prefix of a block.
fn prefix_size(sizes: Sizes) -> u64 {
    sum(&[6, sizes.offsets.bytes()]).unwrap_or(u64::MAX)
}

/// Bit `n` of a bitmap, the most significant bit of each byte first (`H5VM_bit_get`).
fn bit(bitmap: &[u8], n: u64) -> bool {
    let byte = bitmap.get(narrow(n / 8)).copied().unwrap_or(0);
    let shift = u32::try_from(n % 8).unwrap_or(0);
    byte & 0x80_u8.checked_shr(shift).unwrap_or(0) != 0
}

/// Two to the power of `bits`.
fn power(field: &'static str, bits: u8) -> Result<u64, Problem> {
    1_u64.checked_shl(bits.into()).ok_or(Problem::Value { field, value: bits.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::sizes::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, sealed, with};

    const FOUR: Sizes = Sizes { offsets: Width::Four, lengths: Width::Four };

    /// A page of two filtered chunks, the second never written; sizes of two bytes.
    const PAGE: [u8; 28] = [
        0xc0, 0x08, 0, 0, 0, 0, 0, 0, // element 0: address
        0x1d, 0x01, // chunk size
        2, 0, 0, 0, // filter mask
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // element 1: address
        0, 0, // chunk size
        0, 0, 0, 0, // filter mask
    ];

    fn page(bytes: &[u8]) -> Result<Vec<Element>, Error> {
        let format = Format::new(Sizes::EIGHT, FILTERED, 14).unwrap();
        crate::structure::parse(Structure::FixedArrayPage, Span::new(bytes, AT), |i| format.page(Sizes::EIGHT, 2, i))
    }

    #[test]
    fn the_size_of_an_element_tells_the_width_of_its_chunk_size() {
        let width = |sizes, client, size| Format::new(sizes, client, size).map(|format| format.size_width);
        assert_eq!(width(Sizes::EIGHT, 0, 8), Ok(None));
        assert_eq!(width(FOUR, 0, 4), Ok(None));
        assert_eq!([13, 14, 20].map(|size| width(Sizes::EIGHT, 1, size)), [Ok(Some(1)), Ok(Some(2)), Ok(Some(8))]);
        assert_eq!([9, 12, 16].map(|size| width(FOUR, 1, size)), [Ok(Some(1)), Ok(Some(4)), Ok(Some(8))]);
    }

    #[test]
    fn elements_too_small_or_large_for_their_fields_are_refused() {
        let told = |client, size| Format::new(Sizes::EIGHT, client, size).unwrap_err().to_string();
        let sizes = [(0, 7), (0, 9), (1, 7), (1, 12), (1, 21)];
        for (client, size) in sizes {
            assert_eq!(told(client, size), format!("element size is {size}"));
        }
        assert_eq!(told(2, 8), "client ID is 2");
    }

    #[test]
    fn a_page_is_elements_and_their_checksum() {
        let elements = [
            Element { address: Some(Address(0x8c0)), filtered: Some((0x11d, 2)) },
            Element { address: None, filtered: Some((0, 0)) },
        ];
        assert_eq!(page(&sealed(&PAGE)).unwrap(), elements);
        assert_eq!(
            message_of(page(&with(&sealed(&PAGE), 28, &[0; 4]))),
            "fixed array data block page at 0x60: checksum is 0x00000000, computed 0x250376c7 (at 0x7c)"
        );
        every_prefix_fails(&sealed(&PAGE), page);
        never_panics(&PAGE, |bytes| drop(page(&sealed(bytes))));
    }

    #[test]
    fn a_chunk_of_more_than_4_gib_has_a_size_of_8_bytes() {
        let bytes = [
            0xc0, 0x08, 0, 0, 0, 0, 0, 0, // element 0: address
            0x10, 0, 0, 0, 2, 0, 0, 0, // chunk size
            0, 0, 0, 0, // filter mask
        ];
        let format = Format::new(Sizes::EIGHT, FILTERED, 20).unwrap();
        let parse = |i| format.page(Sizes::EIGHT, 1, i);
        let page = crate::structure::parse(Structure::FixedArrayPage, Span::new(&sealed(&bytes), AT), parse).unwrap();
        assert_eq!(page, [Element { address: Some(Address(0x8c0)), filtered: Some(((2 << 32) + 16, 0)) }]);
    }

    #[test]
    fn the_most_significant_bit_of_a_byte_comes_first() {
        let set = |bitmap: &[u8]| (0..20).filter(|n| bit(bitmap, *n)).collect::<Vec<_>>();
        assert_eq!(set(&[0b1010_0000, 0b0000_0001]), [0, 2, 15]);
        assert_eq!(set(&[]), [0_u64; 0]);
    }
}
