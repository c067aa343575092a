//! Images of the metadata cache, which the specification does not describe (`H5C__decode_cache_image_header`,
//! `H5C__reconstruct_cache_entry`): metadata as they were when the file was closed. What lies at their own addresses is stale.

use nom::Parser;
use nom::multi::count;
use nom::number::complete::{le_u8, le_u16, le_u32};

use crate::error::Problem;
use crate::field::checksum::checksum;
use crate::field::convert::narrow;
use crate::field::sizes::{length_of, version};
use crate::field::{Address, Parsed, Sizes, Span, bytes, signature};

/// One structure of the file, as it is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// Where the structure belongs.
    pub(crate) address: Address,
    /// Its bytes, which lie in the image.
    pub(crate) image: Span<'a>,
}

/// The entries of the image that fills `i`.
pub(crate) fn entries(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Vec<Entry<'_>>> {
    let start = i;
    let (i, ()) = signature("MDCI", i)?;
    let (i, _version) = version(0..=0, i)?;
    let (at_length, _flags) = le_u8(i)?;
    let (i, length) = sizes.length(at_length)?;
    if length != length_of(&start) {
        return at_length.fail(Problem::Mismatch { field: "image length", found: length, expected: length_of(&start) });
    }
    let (rest, number) = le_u32(i)?;
    // An entry takes at least 14 bytes of counts, an address and a length.
    let least = u64::from(number)
        .saturating_mul(sizes.offsets.bytes().saturating_add(sizes.lengths.bytes()).saturating_add(14));
    if least > length_of(&rest) {
        return i.value("number of entries", number);
    }
    let (i, entries) = count(|i| Entry::parse(sizes, i), narrow(number.into())).parse(rest)?;
    let (i, ()) = checksum(start.until(&i), i)?;
    Ok((i, entries))
}

impl<'a> Entry<'a> {
    fn parse(sizes: Sizes, i: Span<'a>) -> Parsed<'a, Self> {
        let (i, _kind) = le_u8(i)?;
        let (i, _flags) = le_u8(i)?;
        let (i, _ring) = le_u8(i)?;
        let (i, _age) = le_u8(i)?;
        let (i, _flush_children) = le_u16(i)?;
        let (i, _dirty_flush_children) = le_u16(i)?;
        let (i, parents) = le_u16(i)?;
        let (i, _rank) = le_u32(i)?;
        let (i, address) = sizes.defined("entry address", i)?;
        let (i, size) = sizes.length(i)?;
        let (i, _parents) = bytes(u64::from(parents).saturating_mul(sizes.offsets.bytes()), i)?;
        let (i, image) = bytes(size, i)?;
        Ok((i, Self { address, image }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Structure;
    use crate::structure::parse;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, sealed, with};

    /// An image of one entry of 4 bytes that has one parent.
    fn image() -> Vec<u8> {
        sealed(&[
            b'M', b'D', b'C', b'I', // signature
            0,    // version
            0,    // flags
            64, 0, 0, 0, 0, 0, 0, 0, // image length
            1, 0, 0, 0,    // number of entries
            0x16, // entry type
            1,    // entry flags
            1,    // ring
            0,    // age
            0, 0, // flush dependency children
            0, 0, // dirty flush dependency children
            1, 0, // flush dependency parents
            0xff, 0xff, 0xff, 0xff, // rank
            0x4e, 3, 0, 0, 0, 0, 0, 0, // entry address
            4, 0, 0, 0, 0, 0, 0, 0, // entry size
            1, 2, 3, 4, 5, 6, 7, 8, // parent
            b'F', b'A', b'H', b'D', // entry
        ])
    }

    fn read(bytes: &[u8]) -> Result<Vec<(u64, Vec<u8>, u64)>, crate::Error> {
        let entries = parse(Structure::CacheImage, Span::new(bytes, AT), |i| entries(Sizes::EIGHT, i))?;
        Ok(entries.iter().map(|entry| (entry.address.0, entry.image.bytes().to_vec(), entry.image.at())).collect())
    }

    #[test]
    fn an_entry_is_the_bytes_of_a_structure_elsewhere() {
        assert_eq!(read(&image()).unwrap(), [(0x34e, b"FAHD".to_vec(), AT + 56)]);
        every_prefix_fails(&image(), read);
        never_panics(&image(), |bytes| drop(read(bytes)));
    }

    #[test]
    fn images_that_do_not_add_up_are_refused() {
        let told = |at: usize, others: &[u8]| message_of(read(&with(&image(), at, others)));
        assert_eq!(told(0, b"X"), "metadata cache image at 0x60: signature is not \"MDCI\" (at 0x60)");
        assert_eq!(told(6, &[65]), "metadata cache image at 0x60: image length is 65, not 64 (at 0x66)");
        assert_eq!(told(14, &[200]), "metadata cache image at 0x60: number of entries is 200 (at 0x6e)");
        assert_eq!(told(32, &[0xff; 8]), "metadata cache image at 0x60: entry address is undefined (at 0x80)");
        assert!(told(57, b"X").contains("checksum is"));
    }
}
