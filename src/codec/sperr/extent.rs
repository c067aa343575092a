//! The dimensions of what is coded, and how often each is halved (SPERR, `sperr_helper.cpp`).

/// Lengths of the dimensions, the one whose elements lie next to each other first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Line(u32),
    Plane([u32; 2]),
    Volume([u32; 3]),
}

/// How often the wavelet transform halves the dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Levels {
    /// All three together.
    Dyadic(u32),
    /// The planes, and apart from them the columns through all planes.
    Packet { plane: u32, depth: u32 },
}

impl Extent {
    pub(super) fn lengths(&self) -> [u32; 3] {
        match *self {
            Self::Line(x) => [x, 1, 1],
            Self::Plane([x, y]) => [x, y, 1],
            Self::Volume(lengths) => lengths,
        }
    }

    /// Elements, if their number fits.
    pub(super) fn count(&self) -> Option<u64> {
        self.lengths().into_iter().try_fold(1_u64, |n, length| n.checked_mul(length.into()))
    }

    pub(super) fn levels(&self) -> Levels {
        let [x, y, z] = self.lengths();
        let (plane, depth) = (halvings(x.min(y)), halvings(z));
        let is_flat = y < 2 || z < 2;
        if !is_flat && (plane == depth || (plane >= 5 && depth >= 5)) {
            Levels::Dyadic(plane.min(depth))
        } else {
            Levels::Packet { plane, depth }
        }
    }
}

/// How often a dimension is halved: while it has at least 9 elements, at most 6 times.
fn halvings(length: u32) -> u32 {
    let mut left = length;
    for times in 0..6 {
        if left < 9 {
            return times;
        }
        left = half(left, 1);
    }
    6
}

/// What is left of a length that was halved so often: the larger half each time.
pub(super) fn half(length: u32, times: u32) -> u32 {
    (0..times).fold(length, |length, _| length.div_ceil(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_nine_and_more_are_halved_up_to_six_times() {
        let lengths = [1, 8, 9, 16, 17, 32, 33, 64, 65, 128, 129, 256, 257, 512, 513, u32::MAX];
        assert_eq!(lengths.map(halvings), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 6, 6]);
        assert_eq!([0, 1, 2, 3].map(|times| half(21, times)), [21, 11, 6, 3]);
    }

    #[test]
    fn dimensions_are_halved_together_where_they_can_be_as_often() {
        let levels = |lengths| Extent::Volume(lengths).levels();
        assert_eq!(levels([20, 33, 17]), Levels::Dyadic(2));
        assert_eq!(levels([300, 200, 400]), Levels::Dyadic(5));
        assert_eq!(levels([33, 34, 20]), Levels::Packet { plane: 3, depth: 2 });
        assert_eq!(levels([300, 300, 100]), Levels::Packet { plane: 6, depth: 4 });
        assert_eq!(Extent::Plane([300, 40]).levels(), Levels::Packet { plane: 3, depth: 0 });
        assert_eq!(Extent::Volume([u32::MAX; 3]).count(), None);
    }
}
