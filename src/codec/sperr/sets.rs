//! Sets of elements that are coded together, and their parts (SPERR, `SPECK1D_INT.cpp`, `SPECK2D_INT.cpp` and `SPECK3D_INT.cpp`).

use super::extent::Extent;

/// Corners of a set, a bit for each dimension whose second half it is, in the order of coding.
const VOLUME: [usize; 8] = [0, 1, 2, 3, 4, 5, 6, 7];
const PLANE: [usize; 4] = [3, 2, 1, 0];
const LINE: [usize; 2] = [0, 1];

/// All dimensions.
pub(super) const ALL: usize = 7;

/// A box of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) start: [u32; 3],
    pub(super) lengths: [u32; 3],
    /// How often it was parted: in volumes each dimension that was halved counts.
    pub(super) level: usize,
}

impl Set {
    pub(super) fn whole(extent: &Extent) -> Self {
        Self { start: [0; 3], lengths: extent.lengths(), level: 0 }
    }

    pub(super) fn is_element(&self) -> bool {
        self.lengths == [1; 3]
    }

    /// The dimensions among `axes` that are long enough to be halved.
    pub(super) fn splits(&self, axes: usize) -> usize {
        let long = (0..).zip(self.lengths).filter(|(_, length)| *length > 1);
        long.fold(0, |splits, (axis, _): (u32, u32)| splits | 1_usize.wrapping_shl(axis)) & axes
    }

    /// The part at a corner, where the dimensions `splits` are halved; first halves are the larger ones.
    pub(super) fn part(&self, corner: usize, splits: usize, level: usize) -> Self {
        let mut part = Self { level, ..*self };
        for (axis, (start, length)) in (0_u32..).zip(part.start.iter_mut().zip(&mut part.lengths)) {
            let bit = 1_usize.wrapping_shl(axis);
            let first = length.div_ceil(2);
            if corner & bit != 0 {
                (*start, *length) = (start.saturating_add(first), length.saturating_sub(first));
            } else if splits & bit != 0 {
                *length = first;
            }
        }
        part
    }
}

/// The parts of a set that are still to come.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    set: Set,
    splits: usize,
    level: usize,
    corners: std::slice::Iter<'static, usize>,
    /// Where the last part is.
    last: usize,
}

impl Parts {
    pub(super) fn new(set: Set, extent: &Extent) -> Self {
        let splits = set.splits(ALL);
        let (corners, last, levels) = match extent {
            Extent::Line(_) => (LINE.iter(), splits, 1),
            Extent::Plane(_) => (PLANE.iter(), 0, 1),
            Extent::Volume(_) => (VOLUME.iter(), splits, splits.count_ones()),
        };
        let level = set.level.saturating_add(usize::try_from(levels).unwrap_or(1));
        Self { set, splits, level, corners, last }
    }
}

impl Iterator for Parts {
    /// A part, and whether it is the last.
    type Item = (Set, bool);

    fn next(&mut self) -> Option<Self::Item> {
        // At other corners lie parts without elements.
        let corner = self.corners.find(|corner| **corner & !self.splits == 0)?;
        Some((self.set.part(*corner, self.splits, self.level), *corner == self.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(extent: Extent, lengths: [u32; 3]) -> Vec<([u32; 3], [u32; 3], usize, bool)> {
        let set = Set { start: [10, 20, 30], lengths, level: 4 };
        Parts::new(set, &extent).map(|(part, last)| (part.start, part.lengths, part.level, last)).collect()
    }

    #[test]
    fn volumes_are_parted_in_eight_and_levels_count_dimensions() {
        let found = parts(Extent::Volume([9; 3]), [3, 2, 5]);
        assert_eq!(found.len(), 8);
        assert_eq!(found[0], ([10, 20, 30], [2, 1, 3], 7, false));
        assert_eq!(found[1], ([12, 20, 30], [1, 1, 3], 7, false));
        assert_eq!(found[2], ([10, 21, 30], [2, 1, 3], 7, false));
        assert_eq!(found[7], ([12, 21, 33], [1, 1, 2], 7, true));
        let flat = parts(Extent::Volume([9; 3]), [1, 2, 1]);
        assert_eq!(flat, [([10, 20, 30], [1; 3], 5, false), ([10, 21, 30], [1; 3], 5, true)]);
    }

    #[test]
    fn planes_are_parted_from_the_last_corner_on() {
        let found = parts(Extent::Plane([9; 2]), [3, 4, 1]);
        let expected = [
            ([12, 22, 30], [1, 2, 1], 5, false),
            ([10, 22, 30], [2, 2, 1], 5, false),
            ([12, 20, 30], [1, 2, 1], 5, false),
            ([10, 20, 30], [2, 2, 1], 5, true),
        ];
        assert_eq!(found, expected);
        let narrow = parts(Extent::Plane([9; 2]), [1, 5, 1]);
        assert_eq!(narrow, [([10, 23, 30], [1, 2, 1], 5, false), ([10, 20, 30], [1, 3, 1], 5, true)]);
    }

    #[test]
    fn lines_are_parted_in_two() {
        let found = parts(Extent::Line(9), [5, 1, 1]);
        assert_eq!(found, [([10, 20, 30], [3, 1, 1], 5, false), ([13, 20, 30], [2, 1, 1], 5, true)]);
    }
}
