//! Fletcher-32, filter 3: a checksum after the bytes (`H5_checksum_fletcher32`).

use crate::error::Problem;

/// The bytes before the checksum, if it is theirs.
pub(crate) fn decode(bytes: &[u8]) -> Result<&[u8], Problem> {
    let (body, stored) = bytes.split_last_chunk::<4>().ok_or(Problem::Truncated)?;
    let computed = checksum(body);
    let stored = u32::from_le_bytes(*stored);
    // Libraries before 1.6.3 swapped the bytes of each half on little-endian machines (`H5Z__filter_fletcher32`).
    if stored == computed || stored == swapped(computed) || cfg!(fuzzing) {
        Ok(body)
    } else {
        Err(Problem::Checksum { stored, computed })
    }
}

/// The bytes with their checksum after them.
pub(crate) fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = bytes.to_vec();
    encoded.extend(checksum(bytes).to_le_bytes());
    encoded
}

/// Sums over big-endian 16-bit words; an odd last byte is a word's high byte.
fn checksum(bytes: &[u8]) -> u32 {
    let fold = |sum: u32| (sum & 0xffff).wrapping_add(sum >> 16);
    let (mut first, mut second) = (0_u32, 0_u32);
    // 360 words fit before the sums must be folded; libhdf5 folds at the same places, which decides between 0 and 0xffff.
    for block in bytes.chunks(720) {
        for word in block.chunks(2) {
            let high = u32::from(word.first().copied().unwrap_or(0)) << 8;
            first = first.wrapping_add(high | u32::from(word.get(1).copied().unwrap_or(0)));
            second = second.wrapping_add(first);
        }
        (first, second) = (fold(first), fold(second));
    }
    (fold(second) << 16) | fold(first)
}

fn swapped(checksum: u32) -> u32 {
    let [a, b, c, d] = checksum.to_le_bytes();
    u32::from_le_bytes([b, a, d, c])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chunks that h5py 3.16 wrote with Fletcher-32 alone.
    #[test]
    fn checksums_are_those_of_libhdf5() {
        assert_eq!(checksum(&[1, 2, 3, 4]), 0x0508_0406);
        assert_eq!(checksum(&[]), 0);
    }

    #[test]
    fn both_byte_orders_of_the_checksum_are_accepted_and_no_other() {
        let good = encode(b"abcdefg");
        assert_eq!(decode(&good).unwrap(), b"abcdefg");
        let mut old = good.clone();
        old.swap(7, 8);
        old.swap(9, 10);
        assert_eq!(decode(&old).unwrap(), b"abcdefg");
        old[0] ^= 1;
        assert!(matches!(decode(&old), Err(Problem::Checksum { .. })));
        assert_eq!(decode(&[1, 2]), Err(Problem::Truncated));
    }
}
