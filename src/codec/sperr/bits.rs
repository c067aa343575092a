//! A stream of bits, the least significant of each byte first.

use crate::field::convert::{narrow, wide};

/// The bits of a stream, of which the last may have been left out.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: u64,
    /// Bits that are here.
    available: u64,
    /// Bits that can be read: those that were left out are 0.
    readable: u64,
}

impl<'a> Bits<'a> {
    /// The first bits of `bytes`, as far as they are there, of a stream of `total`.
    pub(super) fn new(bytes: &'a [u8], total: u64) -> Self {
        let here = wide(bytes.len()).saturating_mul(8);
        // A pass that meets the end goes on with zeros, which libhdf5 has up to the end of a word.
        let readable = if here < total { total.div_ceil(64).saturating_mul(64) } else { total };
        Self { bytes, at: 0, available: here.min(total), readable }
    }

    /// The next bit; `None` behind the end.
    pub(super) fn next(&mut self) -> Option<bool> {
        if self.at >= self.readable {
            return None;
        }
        let byte = if self.at < self.available { *self.bytes.get(narrow(self.at / 8))? } else { 0 };
        let bit = byte >> (self.at & 7) & 1;
        self.at = self.at.saturating_add(1);
        Some(bit == 1)
    }

    /// Whether no bit is left that is here.
    pub(super) fn is_exhausted(&self) -> bool {
        self.at >= self.available
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(mut bits: Bits<'_>) -> Vec<bool> {
        std::iter::from_fn(|| bits.next()).collect()
    }

    #[test]
    fn the_least_significant_bit_comes_first() {
        let bits = taken(Bits::new(&[0b0000_0101, 0b1000_0001], 12));
        assert_eq!(bits.iter().map(|bit| u8::from(*bit)).collect::<Vec<_>>(), [1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn bits_that_were_left_out_are_zeros_to_the_end_of_a_word() {
        let bits = taken(Bits::new(&[0xff], 65));
        assert_eq!((bits.len(), bits.iter().filter(|bit| **bit).count()), (128, 8));
        let mut bits = Bits::new(&[0xff], 9);
        assert_eq!(
            (bits.is_exhausted(), (0..8).all(|_| bits.next() == Some(true)), bits.is_exhausted()),
            (false, true, true)
        );
    }
}
