//! The bits of a scan (T.87, A.1): after a byte of ones comes one of seven bits, so that no two bytes of them look like a marker.

use crate::codec::bits::ones;

/// The bits that are left of a scan.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    /// Bits taken from `rest`, of which the lowest `count` are left.
    held: u64,
    count: u32,
    /// Whether the last byte taken was all ones.
    after_ones: bool,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, held: 0, count: 0, after_ones: false }
    }

    /// The next bits as a number, at most 32 of them; `None` where the scan ends before.
    pub(super) fn take(&mut self, bits: u32) -> Option<u32> {
        while self.count < bits {
            self.refill()?;
        }
        self.count = self.count.wrapping_sub(bits);
        u32::try_from(self.held.wrapping_shr(self.count) & ones(bits)).ok()
    }

    /// How many bits are 0 before the next that is 1; both are taken. More than `most` are refused.
    pub(super) fn zeros(&mut self, most: u32) -> Option<u32> {
        let mut zeros = 0_u32;
        loop {
            let held = self.held & ones(self.count);
            let here = self.count.wrapping_sub(64_u32.wrapping_sub(held.leading_zeros()));
            zeros = zeros.saturating_add(here);
            self.count = self.count.wrapping_sub(here);
            if zeros > most {
                return None;
            }
            if self.count > 0 {
                self.count = self.count.wrapping_sub(1);
                return Some(zeros);
            }
            self.refill()?;
        }
    }

    /// What comes after the scan: a marker. Bits that fill the last byte are 0, as is the byte that follows if that is all ones.
    pub(super) fn end(mut self) -> Option<&'a [u8]> {
        if self.after_ones && self.rest.first().is_some_and(|byte| *byte < 0x80) {
            self.refill()?;
        }
        (self.count <= 14 && self.held & ones(self.count) == 0 && self.rest.first() == Some(&0xff)).then_some(self.rest)
    }

    /// Takes a byte, unless it begins a marker.
    fn refill(&mut self) -> Option<()> {
        let (byte, rest) = self.rest.split_first()?;
        let begins_marker = *byte == 0xff && rest.first().is_none_or(|next| *next >= 0x80);
        if begins_marker || (self.after_ones && *byte >= 0x80) {
            return None;
        }
        let bits = if self.after_ones { 7 } else { 8 };
        (self.held, self.count) = (self.held << bits | u64::from(*byte), self.count.wrapping_add(bits));
        (self.rest, self.after_ones) = (rest, *byte == 0xff);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_of_ones_is_followed_by_one_of_seven_bits() {
        let mut bits = Bits::new(&[0xff, 0x2a, 0x80, 0xff, 0xd9]);
        assert_eq!((bits.take(8), bits.take(7), bits.take(1)), (Some(0xff), Some(0x2a), Some(1)));
        assert_eq!(bits.zeros(6), None);
        let mut bits = Bits::new(&[0xff, 0x00, 0x80, 0xff, 0xd9]);
        assert_eq!((bits.take(8), bits.zeros(7)), (Some(0xff), Some(7)));
    }

    #[test]
    fn a_scan_ends_with_zeros_before_a_marker() {
        let end = |bytes: &'static [u8], bits| {
            let mut scan = Bits::new(bytes);
            scan.take(bits).and_then(|_| scan.end())
        };
        assert_eq!(end(&[0xa0, 0xff, 0xd9], 3), Some(&[0xff, 0xd9][..]));
        assert_eq!(end(&[0xff, 0x00, 0xff, 0xd9], 8), Some(&[0xff, 0xd9][..]));
        assert_eq!(end(&[0xff, 0x40, 0xff, 0xd9], 8), None, "a bit that is left");
        assert_eq!(end(&[0xa0, 0x00, 0xff, 0xd9], 3), None, "a byte that is left");
        assert_eq!(end(&[0xa0], 3), None, "no marker");
        assert_eq!(end(&[0xff, 0xd9], 1), None, "no bits");
    }
}
