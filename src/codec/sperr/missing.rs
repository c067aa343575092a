//! Missing values: which elements they are, and what stands for them (H5Z-SPERR, `h5z-sperr.c` and `compactor.c`).

use super::WRONG;
use super::bits::Bits;
use super::parameters::Parameters;
use crate::error::Problem;
use crate::field::convert::{narrow, wide};

/// Where values are missing, if any are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// Bits of elements, the first one the lowest of the first number.
    mask: Vec<u32>,
    /// The bytes of a missing element.
    element: Vec<u8>,
}

impl Missing {
    const NONE: Self = Self { mask: Vec::new(), element: Vec::new() };

    /// What a chunk of `count` elements says of missing values, and what follows.
    pub(super) fn parse<'a>(
        chunk: &'a [u8],
        parameters: &Parameters,
        count: usize,
    ) -> Result<(Self, &'a [u8]), Problem> {
        if !parameters.says_missing {
            return Ok((Self::NONE, chunk));
        }
        let (mode, i) = chunk.split_first().ok_or(Problem::Truncated)?;
        let (element, i) = match mode {
            0 => return Ok((Self::NONE, i)),
            // C's nan("1"), which the filter puts there.
            1 if parameters.single => (0x7fc0_0001_u32.to_le_bytes().to_vec(), i),
            1 => (0x7ff8_0000_0000_0001_u64.to_le_bytes().to_vec(), i),
            2 => {
                let (element, i) = i.split_at_checked(narrow(parameters.size())).ok_or(Problem::Truncated)?;
                (element.to_vec(), i)
            }
            mode => return Err(Problem::Value { field: "sperr missing value mode", value: (*mode).into() }),
        };
        let (bits, _) = i.split_first_chunk().ok_or(Problem::Truncated)?;
        let bits = u32::from_le_bytes(*bits);
        let (compact, rest) = i.split_at_checked(narrow(u64::from(bits).div_ceil(8))).ok_or(Problem::Truncated)?;
        let mask = expanded(compact.get(4..).ok_or(WRONG)?, u64::from(bits).checked_sub(32).ok_or(WRONG)?, count);
        Ok((Self { mask: mask.ok_or(WRONG)?, element }, rest))
    }

    /// Puts missing values where they were.
    pub(super) fn put_back(&self, bytes: &mut [u8]) {
        if self.element.is_empty() {
            return;
        }
        let bits = self.mask.iter().flat_map(|word| (0..32_u32).map(|bit| word.wrapping_shr(bit) & 1 == 1));
        for (element, is_missing) in bytes.chunks_exact_mut(self.element.len()).zip(bits) {
            if is_missing {
                element.copy_from_slice(&self.element);
            }
        }
    }
}

/// The mask of `count` elements, in numbers of 32 bits up to a whole number of 64: the first bit says which number is the most frequent
/// one, all clear or all set; 0 is that one, 10 is the other, 11 comes before any.
fn expanded(compact: &[u8], total: u64, count: usize) -> Option<Vec<u32>> {
    let mut bits = Bits::new(compact, total);
    let frequent = if bits.next()? { u32::MAX } else { 0 };
    let words = count.div_ceil(64).checked_mul(2)?;
    let mut mask = Vec::new();
    while !bits.is_exhausted() {
        if mask.len() == words {
            return None;
        }
        mask.push(match (bits.next()?, frequent) {
            (false, frequent) => frequent,
            (true, frequent) if !bits.next()? => !frequent,
            _ => (0..32_u32).try_fold(0, |word, bit| Some(word | u32::from(bits.next()?).wrapping_shl(bit)))?,
        });
    }
    (wide(mask.len()) == wide(words)).then_some(mask)
}

#[cfg(test)]
mod tests {
    use super::super::extent::Extent;
    use super::*;

    const PARAMETERS: Parameters =
        Parameters { extent: Extent::Plane([9, 9]), single: true, says_missing: true, is_rate: true };

    /// A chunk with this mode, fill value and mask, told in digits of 0 and 1.
    fn chunk(mode: u8, element: &[u8], mask: &str) -> Vec<u8> {
        let bits: Vec<u8> = mask.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
        let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit);
        let total = u32::try_from(bits.len() + 32).unwrap().to_le_bytes();
        [&[mode][..], element, &total, &bits.chunks(8).map(byte).collect::<Vec<_>>()].concat()
    }

    #[test]
    fn masks_are_compact() {
        let verbose = format!("11 {}", "01".repeat(16));
        let all = chunk(2, &[1, 2, 3, 4], &format!("0  0 10 {verbose} 0"));
        let (missing, rest) = Missing::parse(&all, &PARAMETERS, 81).unwrap();
        assert_eq!(missing, Missing { mask: vec![0, u32::MAX, 0xaaaa_aaaa, 0], element: vec![1, 2, 3, 4] });
        assert!(rest.is_empty());
        let mut bytes = vec![0; 81 * 4];
        missing.put_back(&mut bytes);
        let changed: Vec<usize> = (0..81).filter(|at| bytes[at * 4..][..4] == [1, 2, 3, 4]).collect();
        assert_eq!(changed, (32..64).chain([65, 67, 69, 71, 73, 75, 77, 79]).collect::<Vec<_>>());

        let (missing, _) = Missing::parse(&chunk(1, &[], "1 0 10 0 0"), &PARAMETERS, 81).unwrap();
        assert_eq!(missing, Missing { mask: vec![u32::MAX, 0, u32::MAX, u32::MAX], element: vec![1, 0, 0xc0, 0x7f] });
    }

    #[test]
    fn masks_of_another_length_are_refused() {
        let parse = |chunk: &[u8]| Missing::parse(chunk, &PARAMETERS, 81).map(|_| ());
        assert_eq!(parse(&chunk(1, &[], "1 0 0 0 0")), Ok(()));
        assert_eq!(parse(&chunk(1, &[], "1 0 0 0")), Err(WRONG));
        assert_eq!(parse(&chunk(1, &[], "1 0 0 0 0 0")), Err(WRONG));
        assert_eq!(parse(&chunk(1, &[], "1 0 0 0 1")), Err(WRONG));
        assert_eq!(parse(&[1, 41, 0, 0, 0, 0]), Err(Problem::Truncated));
        assert_eq!(parse(&[1, 31, 0, 0, 0, 0]), Err(WRONG));
        assert_eq!(parse(&[1, 3, 0, 0, 0, 0]), Err(WRONG));
        assert_eq!(parse(&[2, 1, 2, 3]), Err(Problem::Truncated));
        assert_eq!(parse(&[]), Err(Problem::Truncated));
        assert_eq!(parse(&[3]).unwrap_err().to_string(), "sperr missing value mode is 3");
    }
}
