//! Dataspace message ([IV.A.2.b]).

use nom::Parser;
use nom::multi::count;
use nom::number::complete::le_u8;

use crate::error::Problem;
use crate::field::sizes::version;
use crate::field::{Parsed, Sizes, Span, skip};

/// Most dimensions of a dataspace (`H5S_MAX_RANK`).
const MOST_DIMENSIONS: u8 = 32;

/// How many elements there are, and in what shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataspace {
    /// Whether there are elements at all.
    pub extent: Extent,
    /// Current size of each dimension, in elements; empty unless simple.
    pub dimensions: Vec<u64>,
    /// Maximum size of each dimension, in elements; `None` is unlimited.
    pub maximum: Vec<Option<u64>>,
}

/// The kinds of dataspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// One element, without dimensions.
    Scalar,
    /// A regular array.
    Simple,
    /// No element.
    Null,
}

impl Dataspace {
    /// Number of elements, if it fits in 64 bits.
    pub fn elements(&self) -> Option<u64> {
        match self.extent {
            Extent::Null => Some(0),
            Extent::Scalar | Extent::Simple if self.dimensions.contains(&0) => Some(0),
            Extent::Scalar | Extent::Simple => self.dimensions.iter().try_fold(1_u64, |n, size| n.checked_mul(*size)),
        }
    }

    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (at_rank, version) = version(1..=2, i)?;
        let (i, rank) = le_u8(at_rank)?;
        if rank > MOST_DIMENSIONS {
            return at_rank.value("dimensionality", rank);
        }
        let (i, flags) = le_u8(i)?;
        let (i, extent) = if version == 1 {
            let (i, ()) = skip(5, i)?;
            (i, if rank == 0 { Extent::Scalar } else { Extent::Simple })
        } else {
            let (rest, kind) = le_u8(i)?;
            match (kind, rank) {
                (0, 0) => (rest, Extent::Scalar),
                (1, _) => (rest, Extent::Simple),
                (2, 0) => (rest, Extent::Null),
                (0 | 2, _) => return at_rank.value("dimensionality", rank),
                _ => return i.value("type", kind),
            }
        };
        let (at_maximum, dimensions) = count(|i| sizes.length(i), rank.into()).parse(i)?;
        let (i, maximum) = if flags & 1 == 0 {
            (at_maximum, dimensions.iter().copied().map(Some).collect())
        } else {
            count(|i| sizes.unlimited(i), rank.into()).parse(at_maximum)?
        };
        let (i, ()) = skip(if flags & 2 == 0 { 0 } else { sizes.lengths.bytes().saturating_mul(rank.into()) }, i)?;
        for (size, most) in dimensions.iter().zip(&maximum) {
            if most.is_some_and(|most| most < *size) {
                return at_maximum.fail(Problem::Value { field: "maximum dimension size", value: most.unwrap_or(0) });
            }
        }
        // A simple dataspace without dimensions is what libhdf5 calls scalar (`H5O__sdspace_decode`).
        let extent = if extent == Extent::Simple && rank == 0 { Extent::Scalar } else { extent };
        Ok((i, Self { extent, dimensions, maximum }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Written by libhdf5 2.0, libver earliest.
    const ONE: [u8; 40] = [
        1, // version
        2, // dimensionality
        1, // flags: maximum dimensions are stored
        0, // reserved
        0, 0, 0, 0, // reserved
        4, 0, 0, 0, 0, 0, 0, 0, // dimension #1 size
        6, 0, 0, 0, 0, 0, 0, 0, // dimension #2 size
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // dimension #1 maximum size: unlimited
        6, 0, 0, 0, 0, 0, 0, 0, // dimension #2 maximum size
    ];

    /// Lengths of 4 bytes.
    const TWO: [u8; 12] = [
        2, // version
        1, // dimensionality
        1, // flags: maximum dimensions are stored
        1, // type: simple
        4, 0, 0, 0, // dimension #1 size
        0xff, 0xff, 0xff, 0xff, // dimension #1 maximum size: unlimited
    ];

    fn parse(lengths: Width, bytes: &[u8]) -> Result<Dataspace, Error> {
        let sizes = Sizes { offsets: Width::Eight, lengths };
        crate::structure::parse(Structure::Dataspace, Span::new(bytes, AT), |i| Dataspace::parse(sizes, i))
    }

    fn one(bytes: &[u8]) -> Result<Dataspace, Error> {
        parse(Width::Eight, bytes)
    }

    fn two(bytes: &[u8]) -> Result<Dataspace, Error> {
        parse(Width::Four, bytes)
    }

    fn simple(dimensions: &[u64], maximum: &[Option<u64>]) -> Dataspace {
        Dataspace { extent: Extent::Simple, dimensions: dimensions.to_vec(), maximum: maximum.to_vec() }
    }

    fn without_dimensions(extent: Extent) -> Dataspace {
        Dataspace { extent, dimensions: Vec::new(), maximum: Vec::new() }
    }

    #[test]
    fn dimensions_may_be_unlimited() {
        assert_eq!(one(&ONE).unwrap(), simple(&[4, 6], &[None, Some(6)]));
        assert_eq!(two(&TWO).unwrap(), simple(&[4], &[None]));
    }

    #[test]
    fn dimensions_without_a_maximum_cannot_grow() {
        assert_eq!(one(&with(&ONE, 2, &[0])[..24]).unwrap(), simple(&[4, 6], &[Some(4), Some(6)]));
        assert_eq!(two(&with(&TWO, 2, &[0])[..8]).unwrap(), simple(&[4], &[Some(4)]));
    }

    #[test]
    fn a_permutation_is_passed_over() {
        let bytes = [&with(&ONE, 2, &[3])[..], &[0; 16]].concat();
        assert_eq!(one(&bytes).unwrap(), simple(&[4, 6], &[None, Some(6)]));
        every_prefix_fails(&bytes, one);
    }

    /// As libhdf5 2.0 writes them.
    #[test]
    fn scalar_and_null_have_no_dimensions() {
        assert_eq!(one(&[1, 0, 0, 0, 0, 0, 0, 0]).unwrap(), without_dimensions(Extent::Scalar));
        assert_eq!(two(&[2, 0, 0, 0]).unwrap(), without_dimensions(Extent::Scalar));
        assert_eq!(two(&[2, 0, 0, 1]).unwrap(), without_dimensions(Extent::Scalar));
        assert_eq!(two(&[2, 0, 0, 2]).unwrap(), without_dimensions(Extent::Null));
    }

    #[test]
    fn elements_are_counted_unless_they_overflow() {
        assert_eq!(without_dimensions(Extent::Null).elements(), Some(0));
        assert_eq!(without_dimensions(Extent::Scalar).elements(), Some(1));
        assert_eq!(simple(&[4, 6], &[]).elements(), Some(24));
        assert_eq!(simple(&[u64::MAX, u64::MAX, 0], &[]).elements(), Some(0));
        assert_eq!(simple(&[u64::MAX, 2], &[]).elements(), None);
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(two(&with(&TWO, at, others)));
        assert_eq!(told(0, &[3]), "dataspace message at 0x60: version is 3 (at 0x60)");
        assert_eq!(told(1, &[33]), "dataspace message at 0x60: dimensionality is 33 (at 0x61)");
        assert_eq!(told(3, &[0]), "dataspace message at 0x60: dimensionality is 1 (at 0x61)");
        assert_eq!(told(3, &[2]), "dataspace message at 0x60: dimensionality is 1 (at 0x61)");
        assert_eq!(told(3, &[3]), "dataspace message at 0x60: type is 3 (at 0x63)");
        assert_eq!(told(8, &[3, 0, 0, 0]), "dataspace message at 0x60: maximum dimension size is 3 (at 0x68)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&ONE, one);
        every_prefix_fails(&TWO, two);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&ONE, |bytes| drop(one(bytes)));
        never_panics(&TWO, |bytes| drop(two(bytes)));
    }
}
