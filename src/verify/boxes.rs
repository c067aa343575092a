//! A large box of elements as boxes of a bounded size, each a part of the array without a gap.

use std::ops::Range;

/// The box split along its first dimensions, so that each part has at most `most` bytes, or one element of `size` bytes.
pub(super) fn boxes(whole: &[Range<u64>], size: u64, most: u64) -> impl Iterator<Item = Vec<Range<u64>>> {
    let lengths: Vec<u64> = whole.iter().map(|range| range.end.saturating_sub(range.start)).collect();
    let mut steps = lengths.clone();
    let mut bytes = lengths.iter().fold(size, |bytes, length| bytes.saturating_mul(*length));
    for step in &mut steps {
        if bytes <= most {
            break;
        }
        let inner = bytes.checked_div(*step).unwrap_or(0).max(1);
        *step = (most / inner).clamp(1, (*step).max(1));
        bytes = inner.saturating_mul(*step);
    }
    let mut next = lengths.iter().all(|length| *length > 0).then(|| whole.iter().map(|range| range.start).collect());
    let whole = whole.to_vec();
    std::iter::from_fn(move || {
        let corner: Vec<u64> = next.take()?;
        let part = corner.iter().zip(&steps).zip(&whole);
        let part = part.map(|((start, step), range)| *start..start.saturating_add(*step).min(range.end)).collect();
        next = following(corner, &steps, &whole);
        Some(part)
    })
}

/// The corner of the part after the one at a corner.
fn following(mut corner: Vec<u64>, steps: &[u64], whole: &[Range<u64>]) -> Option<Vec<u64>> {
    for ((at, step), range) in corner.iter_mut().zip(steps).zip(whole).rev() {
        *at = at.saturating_add(*step);
        if *at < range.end {
            return Some(corner);
        }
        *at = range.start;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(whole: &[Range<u64>], size: u64, most: u64) -> Vec<Vec<Range<u64>>> {
        boxes(whole, size, most).collect()
    }

    #[test]
    fn boxes_are_split_along_their_first_dimensions() {
        assert_eq!(split(&[2..7, 0..4], 2, 40), [[2..7, 0..4]]);
        assert_eq!(split(&[2..7, 0..4], 2, 39), [[2..6, 0..4], [6..7, 0..4]]);
        assert_eq!(split(&[0..2, 1..4], 2, 5), [[0..1, 1..3], [0..1, 3..4], [1..2, 1..3], [1..2, 3..4]]);
        let one = |range: Range<u64>| vec![range];
        assert_eq!(split(&one(0..2), 8, 0), [one(0..1), one(1..2)]);
        assert_eq!(split(&[], 8, 0), [[]; 1]);
        assert_eq!(split(&[0..2, 3..3], 8, 0), [[]; 0]);
    }

    proptest! {
        #[test]
        fn every_element_is_in_one_box(sizes in prop::collection::vec((0_u64..3, 1_u64..6), 1..4), most in 1_u64..60) {
            let whole: Vec<Range<u64>> = sizes.iter().map(|(start, size)| *start..start + size).collect();
            let volume = |part: &[Range<u64>]| part.iter().map(|range| range.end - range.start).product::<u64>();
            let parts = split(&whole, 2, most);
            prop_assert_eq!(parts.iter().map(|part| volume(part)).sum::<u64>(), volume(&whole));
            for (n, part) in parts.iter().enumerate() {
                prop_assert!(volume(part) * 2 <= most.max(2));
                let apart = |other: &Vec<Range<u64>>| part.iter().zip(other).any(|(a, b)| a.end <= b.start || b.end <= a.start);
                prop_assert!(parts[n + 1..].iter().all(apart));
            }
        }
    }
}
