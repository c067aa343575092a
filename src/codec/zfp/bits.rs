//! A stream of bits, the least significant of each byte first.

/// The bits that are left of a stream.
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    /// Bits taken from `rest`, the next one lowest.
    held: u64,
    /// How many; at most 64.
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, held: 0, count: 0 }
    }

    /// The next bit; `None` at the end of the stream.
    pub(super) fn bit(&mut self) -> Option<bool> {
        if self.count == 0 {
            self.refill()?;
        }
        let bit = self.held & 1 == 1;
        self.held >>= 1;
        self.count = self.count.saturating_sub(1);
        Some(bit)
    }

    /// The next bits as a number, at most 64 of them.
    pub(super) fn take(&mut self, bits: u32) -> Option<u64> {
        let mut number = 0;
        for position in 0..bits.min(64) {
            number |= u64::from(self.bit()?) << position;
        }
        Some(number)
    }

    /// Passes so many bits over.
    pub(super) fn skip(&mut self, bits: u32) -> Option<()> {
        for _ in 0..bits {
            self.bit()?;
        }
        Some(())
    }

    /// Takes eight bytes, or one of the last.
    fn refill(&mut self) -> Option<()> {
        if let Some((word, rest)) = self.rest.split_first_chunk() {
            (self.held, self.count, self.rest) = (u64::from_le_bytes(*word), 64, rest);
        } else {
            let (byte, rest) = self.rest.split_first()?;
            (self.held, self.count, self.rest) = (u64::from(*byte), 8, rest);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_taken_from_the_least_significant_on() {
        let mut bits = Bits::new(&[0b0110_0101, 0xff, 0x34, 0x12, 0, 0, 0, 0, 0xa5, 0x80]);
        assert_eq!((bits.take(3), bits.take(0), bits.take(5)), (Some(0b101), Some(0), Some(0b01100)));
        assert_eq!((bits.take(8), bits.take(16)), (Some(0xff), Some(0x1234)));
        assert_eq!(bits.skip(32), Some(()));
        assert_eq!((bits.take(15), bits.bit(), bits.bit()), (Some(0xa5), Some(true), None));
        assert_eq!(Bits::new(&[0xfe; 8]).take(64), Some(0xfefe_fefe_fefe_fefe));
        assert_eq!(Bits::new(&[0xfe]).skip(9), None);
    }
}
