//! Boxes as servers are asked for them, in requests that are not too large.

use std::ops::Range;
use std::sync::Arc;

use super::name::{Name, for_url};
use crate::window::Window;

/// A constraint expression for a box of a variable, as the query of a URL: `a.b[0:1:9]`.
pub(crate) fn expression(path: &[Arc<Name>], ranges: &[Range<u64>], bare_brackets: bool) -> String {
    let names: Vec<String> = path.iter().map(|name| for_url(&name.sent)).collect();
    let (open, close) = if bare_brackets { ("[", "]") } else { ("%5B", "%5D") };
    let slab = |range: &Range<u64>| format!("{open}{}:1:{}{close}", range.start, range.end.saturating_sub(1));
    names.join(".") + &ranges.iter().map(slab).collect::<String>()
}

/// A box as parts, one after another in C order.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    window: &'a Window,
    /// The dimension that parts cut through; in those before it a part has one index.
    axis: usize,
    /// Indices of a part in that dimension.
    rows: u64,
    /// Parts in each dimension up to that one.
    grid: Vec<u64>,
}

impl<'a> Parts<'a> {
    /// Parts of at most so many elements, and of one at least.
    pub(crate) fn new(window: &'a Window, most: u64) -> Self {
        let most = most.max(1);
        let inside = |axis: usize| {
            let inner = window.count.get(axis.saturating_add(1)..).unwrap_or_default();
            inner.iter().fold(1_u64, |n, count| n.saturating_mul(*count))
        };
        let last = window.count.len().saturating_sub(1);
        let axis = (0..window.count.len()).find(|axis| inside(*axis) <= most).unwrap_or(last);
        let rows = most.checked_div(inside(axis)).unwrap_or(most).max(1);
        let before = window.count.iter().take(axis).copied();
        let grid = before.chain(window.count.get(axis).map(|count| count.div_ceil(rows))).collect();
        Self { window, axis, rows, grid }
    }

    /// How many there are: one of a scalar.
    pub(crate) fn len(&self) -> u64 {
        self.grid.iter().fold(1_u64, |n, count| n.saturating_mul(*count))
    }

    /// The box of one of them.
    pub(crate) fn part(&self, number: u64) -> Vec<Range<u64>> {
        let place = crate::reference::grid::position(number, &self.grid);
        let dimension = |(axis, whole): (usize, Range<u64>)| match place.get(axis) {
            None => whole,
            Some(at) if axis < self.axis => {
                let start = whole.start.saturating_add(*at);
                start..start.saturating_add(1)
            }
            Some(at) => {
                let start = whole.start.saturating_add(at.saturating_mul(self.rows));
                start..start.saturating_add(self.rows).min(whole.end)
            }
        };
        self.window.ranges().enumerate().map(dimension).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_box_is_asked_for_with_brackets_that_all_servers_take() {
        let path = ["White%20space", "a.b"].map(|name| Arc::new(Name::new(name).unwrap()));
        assert_eq!(expression(&path, &[0..1, 5..9], false), "White%20space.a%2Eb%5B0:1:0%5D%5B5:1:8%5D");
        assert_eq!(expression(&path[..1], &[2..4, 0..1], true), "White%20space[2:1:3][0:1:0]");
        assert_eq!(expression(&path[..1], &[], false), "White%20space");
    }

    #[test]
    fn parts_are_whole_rows_where_these_fit() {
        let window = Window { start: vec![10, 0, 2], count: vec![5, 3, 4] };
        let parts = |most| {
            let parts = Parts::new(&window, most);
            (0..parts.len()).map(|n| parts.part(n)).collect::<Vec<_>>()
        };
        assert_eq!(parts(60), [[10..15, 0..3, 2..6]]);
        assert_eq!(parts(24), [[10..12, 0..3, 2..6], [12..14, 0..3, 2..6], [14..15, 0..3, 2..6]]);
        assert_eq!(parts(8)[..3], [[10..11, 0..2, 2..6], [10..11, 2..3, 2..6], [11..12, 0..2, 2..6]]);
        assert_eq!(parts(0).len(), 60);
        let scalar = Window { start: Vec::new(), count: Vec::new() };
        assert_eq!((Parts::new(&scalar, 1).len(), Parts::new(&scalar, 1).part(0)), (1, Vec::new()));
    }

    proptest! {
        #[test]
        fn parts_are_the_box_in_order(start in prop::collection::vec(0_u64..9, 3), count in prop::collection::vec(1_u64..6, 3), most in 0_u64..40) {
            let window = Window { start, count };
            let elements = |ranges: &[Range<u64>]| {
                let mut all = Vec::new();
                for a in ranges[0].clone() {
                    for b in ranges[1].clone() {
                        all.extend(ranges[2].clone().map(|c| [a, b, c]));
                    }
                }
                all
            };
            let parts = Parts::new(&window, most);
            let each: Vec<_> = (0..parts.len()).map(|n| elements(&parts.part(n))).collect();
            prop_assert!(each.iter().all(|part| !part.is_empty() && part.len() as u64 <= most.max(1)));
            prop_assert_eq!(each.concat(), elements(&window.ranges().collect::<Vec<_>>()));
        }
    }
}
