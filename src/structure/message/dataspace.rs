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
