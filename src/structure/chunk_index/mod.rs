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
