//! Positions in a grid, one after another, the last dimension the fastest.

/// Positions along one dimension: from `start` to `end`, which is one of them if steps lead there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) start: usize,
    pub(super) end: usize,
    /// At least 1.
    pub(super) step: usize,
}

/// Visits every position that steps along each dimension make; ends where a visit gives `None`.
pub(super) fn visit(steps: &[Steps], mut visit: impl FnMut(&[usize]) -> Option<()>) -> Option<()> {
    if steps.iter().any(|steps| steps.start > steps.end) {
        return Some(());
    }
    let mut position: Vec<usize> = steps.iter().map(|steps| steps.start).collect();
    loop {
        visit(&position)?;
        if !advance(steps, &mut position) {
            return Some(());
        }
    }
}

/// The next position; `false` after the last.
fn advance(steps: &[Steps], position: &mut [usize]) -> bool {
    for (at, steps) in position.iter_mut().zip(steps).rev() {
        match at.checked_add(steps.step.max(1)).filter(|next| *next <= steps.end) {
            Some(next) => {
                *at = next;
                return true;
            }
            None => *at = steps.start,
        }
    }
    false
}

/// How far elements lie apart that are neighbours along each dimension.
pub(super) fn strides(sizes: &[usize]) -> Option<Vec<usize>> {
    let mut strides = vec![1; sizes.len()];
    let mut stride = 1_usize;
    for (own, size) in strides.iter_mut().zip(sizes).rev() {
        *own = stride;
        stride = stride.checked_mul(*size)?;
    }
    Some(strides)
}

/// The number of the element at a position.
pub(super) fn number(position: &[usize], strides: &[usize]) -> usize {
    position.iter().zip(strides).fold(0, |sum, (at, stride)| sum.saturating_add(at.saturating_mul(*stride)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_dimension_is_the_fastest() {
        let steps = [Steps { start: 1, end: 3, step: 2 }, Steps { start: 0, end: 5, step: 4 }];
        let mut seen = Vec::new();
        visit(&steps, |position| {
            seen.push(position.to_vec());
            Some(())
        });
        assert_eq!(seen, [[1, 0], [1, 4], [3, 0], [3, 4]]);
        assert_eq!(visit(&steps, |_| None), None);
        assert_eq!(visit(&[Steps { start: 2, end: 1, step: 1 }], |_| None), Some(()), "there is no position");
    }

    #[test]
    fn elements_are_numbered_row_by_row() {
        let strides = strides(&[3, 4, 5]).unwrap();
        assert_eq!((strides.as_slice(), number(&[1, 2, 3], &strides)), (&[20, 5, 1][..], 33));
        assert_eq!(super::strides(&[2, usize::MAX, 2]), None);
    }
}
