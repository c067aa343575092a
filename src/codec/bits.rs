//! A stream of bits, the most significant of each byte first.

/// The bits that are left of a stream.
#[derive(Debug)]
pub(crate) struct Bits<'a> {
    rest: &'a [u8],
    /// Bits taken from `rest`, of which the lowest `count` are left.
    held: u64,
    /// At most 63.
    count: u32,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, held: 0, count: 0 }
    }

    /// The next bits as a number, at most 64 of them; `None` where the stream ends before.
    pub(crate) fn take(&mut self, bits: u32) -> Option<u64> {
        if bits > 32 {
            let high = self.take(bits.saturating_sub(32).min(32))?;
            return Some(high << 32 | self.take(32)?);
        }
        while self.count < bits {
            self.refill()?;
        }
        self.count = self.count.saturating_sub(bits);
        Some(self.held.wrapping_shr(self.count) & ones(bits))
    }

    /// How many bits are 0 before the next that is 1; both are taken.
    pub(crate) fn zeros(&mut self) -> Option<u32> {
        let mut zeros = 0_u32;
        loop {
            let held = self.held & ones(self.count);
            let here = self.count.saturating_sub(64_u32.saturating_sub(held.leading_zeros()));
            zeros = zeros.saturating_add(here);
            self.count = self.count.saturating_sub(here);
            if self.count > 0 {
                self.count = self.count.saturating_sub(1);
                return Some(zeros);
            }
            self.refill()?;
        }
    }

    /// Takes four bytes, or one of the last; at most 31 bits are left before.
    fn refill(&mut self) -> Option<()> {
        if let Some((word, rest)) = self.rest.split_first_chunk::<4>() {
            self.held = self.held << 32 | u64::from(u32::from_be_bytes(*word));
            (self.rest, self.count) = (rest, self.count.saturating_add(32));
        } else {
            let (byte, rest) = self.rest.split_first()?;
            self.held = self.held << 8 | u64::from(*byte);
            (self.rest, self.count) = (rest, self.count.saturating_add(8));
        }
        Some(())
    }
}

/// The number of this many bits that are all 1.
pub(crate) fn ones(bits: u32) -> u64 {
    u64::MAX.checked_shr(64_u32.saturating_sub(bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bits_are_taken_from_the_most_significant_on() {
        let mut bits = Bits::new(&[0b1010_0110, 0xff, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf1]);
        assert_eq!((bits.take(3), bits.take(0), bits.take(5)), (Some(0b101), Some(0), Some(0b00110)));
        assert_eq!(bits.take(8), Some(0xff));
        assert_eq!(bits.take(60), Some(0x0123_4567_89ab_cdef));
        assert_eq!((bits.take(5), bits.take(4), bits.take(1)), (None, Some(1), None));
        assert_eq!(Bits::new(&[0xfe; 8]).take(64), Some(0xfefe_fefe_fefe_fefe));
    }

    #[test]
    fn zeros_are_counted_to_the_next_one() {
        let mut bits = Bits::new(&[0b0010_0001, 0, 0, 0, 0, 0, 0, 0, 0, 0b0100_0000]);
        assert_eq!((bits.zeros(), bits.zeros(), bits.zeros()), (Some(2), Some(4), Some(65)));
        assert_eq!(bits.zeros(), None);
    }

    #[test]
    fn ones_of_any_number() {
        assert_eq!((ones(0), ones(1), ones(63), ones(64)), (0, 1, u64::MAX >> 1, u64::MAX));
    }

    proptest! {
        #[test]
        fn one_bit_after_another_is_the_same(bytes in prop::collection::vec(any::<u8>(), 0..30), steps in prop::collection::vec(0_u32..=64, 0..20)) {
            let (mut whole, mut single) = (Bits::new(&bytes), Bits::new(&bytes));
            for step in steps {
                let Some(number) = whole.take(step) else { break };
                let expected = (0..step).fold(0, |n, _| n << 1 | single.take(1).unwrap());
                prop_assert_eq!(number, expected);
            }
        }
    }
}
