//! Runs of one number and numbers packed in bits, mixed (`Encodings.md` of Apache Parquet, "Run Length Encoding / Bit-Packing
//! Hybrid"): definition levels and positions in a dictionary.

use super::thrift::{push_varint, varint};

/// The first `count` numbers of `width` bits, 32 at most; `None` where there are fewer.
pub(crate) fn decode(bytes: &[u8], width: u32, count: usize) -> Option<Vec<u32>> {
    let (mut rest, mut numbers) = (bytes, Vec::new());
    // Numbers without bits need no run to tell them.
    if width == 0 && bytes.is_empty() {
        return Some(vec![0; count]);
    }
    while numbers.len() < count {
        let (header, after) = varint(rest)?;
        let wanted = count.saturating_sub(numbers.len());
        let length = usize::try_from(header >> 1).ok()?;
        rest = if header & 1 == 0 {
            let (value, after) = number(after, width)?;
            numbers.resize(numbers.len().checked_add(length.min(wanted))?, value);
            after
        } else {
            let bytes = length.checked_mul(usize::try_from(width).ok()?)?;
            // Some writers leave out the padding of the last group.
            let (packed, after) = after.split_at_checked(bytes).unwrap_or((after, &[]));
            unpack(packed, width, wanted.min(length.checked_mul(8)?), &mut numbers)?;
            after
        };
    }
    Some(numbers)
}

/// A number in as many whole bytes as its bits need.
fn number(bytes: &[u8], width: u32) -> Option<(u32, &[u8])> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(width.div_ceil(8)).ok()?)?;
    let value = taken.iter().rev().try_fold(0_u32, |value, byte| Some(value.checked_mul(256)? | u32::from(*byte)))?;
    Some((value, rest))
}

/// Appends `count` numbers of `width` bits each, the lowest bits first.
fn unpack(packed: &[u8], width: u32, count: usize, numbers: &mut Vec<u32>) -> Option<()> {
    let mask = 1_u64.checked_shl(width)?.wrapping_sub(1);
    let (mut bits, mut held, mut bytes) = (0_u64, 0_u32, packed.iter());
    for _ in 0..count {
        while held < width {
            bits |= u64::from(*bytes.next()?).checked_shl(held)?;
            held = held.saturating_add(8);
        }
        numbers.push(u32::try_from(bits & mask).ok()?);
        bits = bits.checked_shr(width)?;
        held = held.saturating_sub(width);
    }
    Some(())
}

/// Numbers of `width` bits: those that are often repeated as runs, the others packed.
pub(crate) fn encode(numbers: &[u32], width: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut packed: Vec<u32> = Vec::new();
    for run in numbers.chunk_by(|a, b| a == b) {
        let (value, mut length) = (run.first().copied().unwrap_or(0), run.len());
        // Packed numbers come in eights: a run fills up the last.
        let filling = length.min(packed.len().next_multiple_of(8).saturating_sub(packed.len()));
        packed.resize(packed.len().saturating_add(filling), value);
        length = length.saturating_sub(filling);
        if length < 8 {
            packed.resize(packed.len().saturating_add(length), value);
            continue;
        }
        pack(&mut packed, width, &mut out);
        push_varint(u64::try_from(length).unwrap_or(u64::MAX) << 1, &mut out);
        let bytes = usize::try_from(width.div_ceil(8)).unwrap_or(0);
        out.extend(value.to_le_bytes().into_iter().take(bytes));
    }
    pack(&mut packed, width, &mut out);
    out
}

/// Appends and empties numbers, packed in groups of eight.
fn pack(numbers: &mut Vec<u32>, width: u32, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    numbers.resize(numbers.len().next_multiple_of(8), 0);
    let groups = u64::try_from(numbers.len() / 8).unwrap_or(u64::MAX);
    push_varint(groups << 1 | 1, out);
    let (mut bits, mut held) = (0_u64, 0_u32);
    for number in numbers.drain(..) {
        bits |= u64::from(number) << held;
        held = held.saturating_add(width);
        while held >= 8 {
            let [low, ..] = bits.to_le_bytes();
            out.push(low);
            bits >>= 8;
            held = held.saturating_sub(8);
        }
    }
}

/// Bits that numbers up to `largest` need.
pub(crate) fn width(largest: u32) -> u32 {
    u32::BITS.saturating_sub(largest.leading_zeros())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_and_groups_of_eight_follow_each_other() {
        // The example of the specification: 0 to 7 in three bits.
        let packed = [3, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        assert_eq!(decode(&packed, 3, 8).unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(encode(&[0, 1, 2, 3, 4, 5, 6, 7], 3), packed);
        let mixed = [&[10, 1, 1][..], &[3, 0xff, 0], &[4, 2, 0]].concat(); // five of 257, four of 3 and of 0, two of 2
        let packed_of_nine = [10, 1, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(decode(&packed_of_nine, 9, 7).unwrap(), [257, 257, 257, 257, 257, 1, 0]);
        assert_eq!(decode(&mixed[3..], 2, 10).unwrap(), [3, 3, 3, 3, 0, 0, 0, 0, 2, 2]);
        assert_eq!(encode(&[1; 20], 1), [40, 1]);
        assert_eq!(encode(&[], 5), [0; 0]);
    }

    #[test]
    fn numbers_that_are_not_there_are_not_made_up() {
        assert_eq!(decode(&[], 3, 1), None);
        assert_eq!(decode(&[4, 1], 1, 3), None, "a run of two");
        assert_eq!(decode(&[3, 0xff], 3, 3), None, "eight bits are two numbers of three");
        assert_eq!(decode(&[3, 0xff], 3, 2), Some(vec![7, 7]));
        assert_eq!(decode(&[4], 8, 1), None);
        assert_eq!(decode(&[], 0, 3), Some(vec![0; 3]));
        assert_eq!(decode(&[6], 0, 3), Some(vec![0; 3]));
    }

    #[test]
    fn a_run_is_no_longer_than_what_is_asked_for() {
        assert_eq!(decode(&[0xfe, 0xff, 0xff, 0xff, 0x7f, 1], 1, 4), Some(vec![1; 4]));
        assert_eq!(decode(&[0xff, 0xff, 0xff, 0xff, 0x7f, 1], 1, 4), Some(vec![1, 0, 0, 0]));
    }

    #[test]
    fn widths_are_those_of_the_largest_number() {
        assert_eq!([0, 1, 2, 255, 256, u32::MAX].map(width), [0, 1, 2, 8, 9, 32]);
    }

    proptest! {
        #[test]
        fn numbers_come_back_as_they_were(runs in prop::collection::vec((any::<u32>(), 1_usize..30), 0..20), bits in 1_u32..33) {
            let mask = u32::MAX >> (32 - bits);
            let numbers: Vec<u32> = runs.iter().flat_map(|(value, times)| vec![value & mask; *times]).collect();
            prop_assert_eq!(decode(&encode(&numbers, bits), bits, numbers.len()), Some(numbers));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), width in 0_u32..33, count in 0_usize..100) {
            prop_assert!(decode(&bytes, width, count).is_none_or(|numbers| numbers.len() == count));
        }
    }
}
