//! The filter's parameters (`SZ_refreshDimForCdArray`): rank, type and shape of a chunk; then, if there are any, the bounds of the error,
//! which a reader does not need.

use crate::field::convert::narrow;

/// Numbers that bounds of the error take.
const BOUNDS: usize = 9;

/// What a chunk is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) kind: Kind,
    /// Elements of a chunk.
    pub(super) elements: u64,
}

/// The type of the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    Double,
    Uint8,
    Int8,
    Uint16,
    Int16,
    Uint32,
    Int32,
    Uint64,
    Int64,
}

impl Parameters {
    /// `None` is of parameters that this version of the filter does not write.
    pub(super) fn new(values: &[u32]) -> Option<Self> {
        let (&rank, rest) = values.split_first()?;
        let (&kind, rest) = rest.split_first()?;
        // The size of one dimension takes two numbers.
        let sizes = usize::try_from(rank).ok().filter(|rank| (1..=4).contains(rank))?.max(2);
        let (sizes, bounds) = rest.split_at_checked(sizes)?;
        if !matches!(bounds.len(), 0 | BOUNDS) {
            return None;
        }
        let elements = match sizes {
            [high, low] if rank == 1 => u64::from(*high) << 32 | u64::from(*low),
            _ => sizes.iter().try_fold(1_u64, |product, size| product.checked_mul((*size).into()))?,
        };
        Some(Self { kind: Kind::new(kind)?, elements })
    }
}

impl Kind {
    fn new(kind: u32) -> Option<Self> {
        const KINDS: [Kind; 10] = [
            Kind::Float,
            Kind::Double,
            Kind::Uint8,
            Kind::Int8,
            Kind::Uint16,
            Kind::Int16,
            Kind::Uint32,
            Kind::Int32,
            Kind::Uint64,
            Kind::Int64,
        ];
        KINDS.get(narrow(kind.into())).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dimension_has_a_size_of_two_numbers() {
        let known = |values: &[u32]| Parameters::new(values).map(|known| (known.kind, known.elements));
        assert_eq!(known(&[1, 0, 0, 300]), Some((Kind::Float, 300)));
        assert_eq!(known(&[1, 9, 1, 2]), Some((Kind::Int64, (1 << 32) + 2)));
        assert_eq!(known(&[2, 1, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Some((Kind::Double, 12)));
        assert_eq!(known(&[3, 2, 3, 4, 5]), Some((Kind::Uint8, 60)));
        assert_eq!(known(&[4, 5, 2, 3, 4, 5]), Some((Kind::Int16, 120)));
    }

    #[test]
    fn other_parameters_are_not_known() {
        let rank_of_5 = [5, 0, 1, 2, 3, 4, 5];
        let other_type = [1, 10, 0, 300];
        let later_version = [0xf342_f310, 0x0303_0000, 1, 0, 0, 0];
        let a_bound_too_few = [1, 0, 0, 300, 0, 0, 0, 0, 0, 0, 0, 0];
        for values in [&rank_of_5[..], &other_type, &later_version, &a_bound_too_few, &[], &[1], &[2, 0, 3]] {
            assert_eq!(Parameters::new(values), None, "{values:?}");
        }
        assert_eq!(Parameters::new(&[4, 0, u32::MAX, u32::MAX, u32::MAX, 1]), None);
    }
}
