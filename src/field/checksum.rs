//! Jenkins lookup3, the checksum of HDF5 metadata (`H5_checksum_lookup3`, initial value 0).

use nom::number::complete::le_u32;

use super::span::{Parsed, Span};
use crate::error::Problem;

/// The checksum of `bytes`.
pub(crate) fn lookup3(bytes: &[u8]) -> u32 {
    let length = u32::try_from(bytes.len() & 0xffff_ffff).unwrap_or(0);
    let start = 0xdead_beef_u32.wrapping_add(length);
    let mut state = [start; 3];
    let mut rest = bytes;
    while rest.len() > 12 {
        let (block, tail) = rest.split_at_checked(12).unwrap_or((rest, &[]));
        add(&mut state, block);
        mix(&mut state);
        rest = tail;
    }
    if !rest.is_empty() {
        add(&mut state, rest);
        finish(&mut state);
    }
    let [_, _, c] = state;
    c
}

/// Reads the checksum that follows `covered` and compares it with that of the bytes.
pub(crate) fn checksum<'a>(covered: Span<'a>, i: Span<'a>) -> Parsed<'a, ()> {
    let (rest, stored) = le_u32(i)?;
    let computed = lookup3(covered.bytes());
    // A fuzzer cannot guess checksums; without this it would never get past them.
    if stored != computed && !cfg!(fuzzing) {
        return i.fail(Problem::Checksum { stored, computed });
    }
    Ok((rest, ()))
}

/// Adds up to twelve bytes, the missing ones as zeros, to the three words.
fn add(state: &mut [u32; 3], block: &[u8]) {
    for (word, bytes) in state.iter_mut().zip(block.chunks(4)) {
        let value = bytes.iter().rev().fold(0_u32, |n, byte| (n << 8) | u32::from(*byte));
        *word = word.wrapping_add(value);
    }
}

fn mix(state: &mut [u32; 3]) {
    let [mut a, mut b, mut c] = *state;
    for distance in [4, 6, 8, 16, 19, 4] {
        a = a.wrapping_sub(c) ^ c.rotate_left(distance);
        c = c.wrapping_add(b);
        (a, b, c) = (b, c, a);
    }
    *state = [a, b, c];
}

fn finish(state: &mut [u32; 3]) {
    let [mut a, mut b, mut c] = *state;
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    c = (c ^ b).wrapping_sub(b.rotate_left(24));
    *state = [a, b, c];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of lookup3.c's own driver (`hashlittle` with initial value 0).
    #[test]
    fn lookup3_gives_the_published_values() {
        assert_eq!(lookup3(b""), 0xdead_beef);
        assert_eq!(lookup3(b"Four score and seven years ago"), 0x1777_0551);
    }

    #[test]
    fn a_flipped_byte_is_noticed() {
        let covered = [1_u8, 2, 3];
        let mut bytes = covered.to_vec();
        bytes.extend(lookup3(&covered).to_le_bytes());
        let i = Span::new(&bytes, 0);
        let (rest, covered) = super::super::bytes(3, i).unwrap();
        assert!(checksum(covered, rest).is_ok());
        let other = Span::new(&[1, 2, 4], 0);
        assert!(checksum(other, rest).is_err());
    }
}
