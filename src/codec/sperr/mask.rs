//! One bit for each element.

use crate::field::convert::narrow;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mask {
    words: Vec<u64>,
}

impl Mask {
    /// A mask of `count` bits that are all clear, or all set.
    pub(super) fn new(count: usize, set: bool) -> Self {
        Self { words: vec![if set { u64::MAX } else { 0 }; count.div_ceil(64)] }
    }

    pub(super) fn assign(&mut self, at: usize, set: bool) {
        if let Some(word) = self.words.get_mut(at / 64) {
            let bit = 1_u64.wrapping_shl(u32::try_from(at & 63).unwrap_or(0));
            if set { *word |= bit } else { *word &= !bit }
        }
    }

    /// Elements in groups of 64.
    pub(super) fn groups(&self) -> usize {
        self.words.len()
    }

    /// Where bits are set in a group, ascending; changes of the mask meanwhile are not seen.
    pub(super) fn set_in(&self, group: usize) -> impl Iterator<Item = usize> + use<> {
        let mut word = self.words.get(group).copied().unwrap_or(0);
        std::iter::from_fn(move || {
            let bit = Some(word.trailing_zeros()).filter(|bit| *bit < 64)?;
            word &= word.wrapping_sub(1);
            Some(group.saturating_mul(64).saturating_add(narrow(bit.into())))
        })
    }

    /// The bits in order, with those that fill up the last group.
    pub(super) fn bits(&self) -> impl Iterator<Item = bool> {
        self.words.iter().flat_map(|word| (0..64_u32).map(|bit| word.wrapping_shr(bit) & 1 == 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_set_and_found() {
        let mut mask = Mask::new(130, false);
        for at in [0, 63, 64, 129] {
            mask.assign(at, true);
        }
        mask.assign(63, false);
        mask.assign(192, true);
        assert_eq!(mask.groups(), 3);
        let set: Vec<usize> = (0..4).flat_map(|group| mask.set_in(group)).collect();
        assert_eq!(set, [0, 64, 129]);
        let bits: Vec<usize> = mask.bits().enumerate().filter_map(|(at, bit)| bit.then_some(at)).collect();
        assert_eq!(bits, set);
        assert!(Mask::new(3, true).bits().all(|bit| bit));
    }
}
