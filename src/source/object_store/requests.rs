//! Requests for ranges: near ones are fetched as one, and cut apart again.

use std::ops::Range;

use bytes::Bytes;

use crate::field::convert::{narrow, wide};

/// Bytes of a request beyond which no range is added to it, so that many can be on their way at once.
const MOST: u64 = 8 << 20;

/// The requests for some ranges of one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Requests {
    /// What to fetch: no two ranges nearer than the gap, unless they would be too large together.
    pub(super) ranges: Vec<Range<u64>>,
    /// Of each range that was asked for, the request that it lies in; `None` for one without bytes.
    places: Vec<Option<usize>>,
}

impl Requests {
    /// Ranges no further apart than `gap` bytes are fetched together.
    pub(super) fn new(wanted: &[Range<u64>], gap: u64) -> Self {
        let mut order: Vec<usize> = (0..wanted.len()).filter(|at| !wanted[*at].is_empty()).collect();
        order.sort_unstable_by_key(|at| (wanted[*at].start, wanted[*at].end));
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let mut places = vec![None; wanted.len()];
        for at in order {
            let range = &wanted[at];
            match ranges.last_mut() {
                Some(last) if is_near(last, range, gap) => last.end = last.end.max(range.end),
                _ => ranges.push(range.clone()),
            }
            places[at] = ranges.len().checked_sub(1);
        }
        Self { ranges, places }
    }

    /// The ranges that were asked for, out of the answers to the requests; `None` if these are not what was requested.
    pub(super) fn cut(&self, wanted: &[Range<u64>], answers: &[Bytes]) -> Option<Vec<Bytes>> {
        let is_answer = |(request, answer): (&Range<u64>, &Bytes)| wide(answer.len()) == request.end - request.start;
        if answers.len() != self.ranges.len() || !self.ranges.iter().zip(answers).all(is_answer) {
            return None;
        }
        let one = |(range, place): (&Range<u64>, &Option<usize>)| {
            place.map_or_else(Bytes::new, |request| {
                let start = self.ranges[request].start;
                answers[request].slice(narrow(range.start - start)..narrow(range.end - start))
            })
        };
        Some(wanted.iter().zip(&self.places).map(one).collect())
    }
}

/// Whether a range that does not begin before a request is fetched with it.
fn is_near(request: &Range<u64>, range: &Range<u64>, gap: u64) -> bool {
    let is_inside = range.end <= request.end;
    let is_small = range.end - request.start <= MOST;
    is_inside || (is_small && range.start.saturating_sub(request.end) <= gap)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::single_range_in_vec_init, reason = "one range is asked for")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn near_ranges_are_one_request() {
        let wanted = [100..110, 0..10, 20..30, 25..28, 41..50, 7..7, 9..12];
        let requests = Requests::new(&wanted, 10);
        assert_eq!(requests.ranges, [0..30, 41..50, 100..110]);
        assert_eq!(requests.places, [Some(2), Some(0), Some(0), Some(0), Some(1), None, Some(0)]);
        assert_eq!(Requests::new(&wanted, 11).ranges, [0..50, 100..110]);
        assert_eq!(Requests::new(&[0..MOST, MOST..MOST + 1, 5..6], 0).ranges, [0..MOST, MOST..MOST + 1]);
    }

    #[test]
    fn answers_of_another_length_are_none() {
        let requests = Requests::new(std::slice::from_ref(&(2..4)), 0);
        assert_eq!(requests.cut(&[2..4], &[Bytes::from_static(b"ab")]), Some(vec![Bytes::from_static(b"ab")]));
        for wrong in [vec![], vec![Bytes::from_static(b"a")], vec![Bytes::from_static(b"abc")]] {
            assert_eq!(requests.cut(&[2..4], &wrong), None);
        }
    }

    proptest! {
        #[test]
        fn each_range_is_cut_out_and_no_more_than_the_gaps_is_fetched_beyond_them(
            wanted in prop::collection::vec((0_u64..200, 0_u64..20).prop_map(|(at, len)| at..at + len), 0..20),
            gap in 0_u64..30,
        ) {
            let file: Bytes = (0..=255).collect::<Vec<u8>>().into();
            let slice = |range: &Range<u64>| file.slice(narrow(range.start)..narrow(range.end));
            let requests = Requests::new(&wanted, gap);
            let answers: Vec<Bytes> = requests.ranges.iter().map(slice).collect();
            let expected: Vec<Bytes> = wanted.iter().map(slice).collect();
            prop_assert_eq!(requests.cut(&wanted, &answers), Some(expected));
            prop_assert!(requests.ranges.windows(2).all(|pair| pair[1].start > pair[0].end + gap));
            let is_wanted = |at: u64| wanted.iter().any(|range| range.contains(&at));
            for request in &requests.ranges {
                let mut idle = 0;
                for at in request.clone() {
                    idle = if is_wanted(at) { 0 } else { idle + 1 };
                    prop_assert!(idle <= gap);
                }
                prop_assert!(is_wanted(request.start) && is_wanted(request.end - 1));
            }
        }
    }
}
