//! `BloscLZ`, the first compressor of Blosc: literals and copies of what came before (c-blosc, `blosclz.c`).

use crate::field::convert::wide;

/// Distance from which on it has two bytes of its own.
const FAR: u64 = 8_191;

/// Appends the `size` bytes that a stream holds, if it holds as many.
pub(crate) fn append(stream: &[u8], size: u64, decoded: &mut Vec<u8>) -> Option<()> {
    let start = decoded.len();
    let (first, mut rest) = stream.split_first()?;
    // The first byte also has the mark of the format, and is always that of literals.
    let mut control = first & 31;
    loop {
        let made = decoded.len().saturating_sub(start);
        let left = size.checked_sub(wide(made))?;
        if control < 32 {
            let (literals, after) = rest.split_at_checked(usize::from(control).saturating_add(1))?;
            decoded.extend_from_slice(literals);
            rest = after;
        } else {
            let copy = Copy::parse(control, &mut rest)?;
            if copy.length > left || copy.distance > wide(made) {
                return None;
            }
            copy.append(decoded)?;
        }
        let Some((next, after)) = rest.split_first() else { break };
        (control, rest) = (*next, after);
    }
    (wide(decoded.len().saturating_sub(start)) == size).then_some(())
}

/// Bytes that came before.
struct Copy {
    /// How far before.
    distance: u64,
    /// How many.
    length: u64,
}

impl Copy {
    fn parse(control: u8, rest: &mut &[u8]) -> Option<Self> {
        let mut next = || {
            let (byte, after) = rest.split_first()?;
            *rest = after;
            Some(u64::from(*byte))
        };
        let mut length = u64::from(control >> 5).saturating_add(2);
        if control >> 5 == 7 {
            loop {
                let more = next()?;
                length = length.saturating_add(more);
                if more != 255 {
                    break;
                }
            }
        }
        let high = u64::from(control & 31) << 8;
        let low = next()?;
        let mut distance = high.saturating_add(low);
        if distance == FAR {
            distance = (next()? << 8).saturating_add(next()?).saturating_add(FAR);
        }
        Some(Self { distance: distance.saturating_add(1), length })
    }

    /// What is copied may be made by the copy itself.
    fn append(&self, decoded: &mut Vec<u8>) -> Option<()> {
        let from = decoded.len().checked_sub(usize::try_from(self.distance).ok()?)?;
        let mut left = usize::try_from(self.length).ok()?;
        while left > 0 {
            let count = left.min(decoded.len().saturating_sub(from));
            decoded.extend_from_within(from..from.saturating_add(count));
            left = left.saturating_sub(count);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(stream: &[u8], size: u64) -> Option<Vec<u8>> {
        let mut decoded = b"before".to_vec();
        append(stream, size, &mut decoded)?;
        Some(decoded.split_off(6))
    }

    #[test]
    fn literals_and_copies_follow_each_other() {
        let stream = [
            0x22, b'a', b'b', b'c', // three literals, with the format's mark
            0x20, 2, // 3 bytes from 3 back
            0xe0, 1, 0, // 10 bytes from 1 back
            0, b'd', // a literal
        ];
        assert_eq!(decoded(&stream, 17).unwrap(), b"abcabcccccccccccd");
    }

    #[test]
    fn copies_reach_as_far_as_their_bytes_say() {
        let mut stream = Vec::new();
        for n in 0..300_u16 {
            stream.push(31);
            stream.extend((0..32).map(|i| (n * 7 + i).to_le_bytes()[0]));
        }
        let far = [&stream[..], &[0x3f, 255, 0, 200]].concat();
        let bytes = decoded(&far, 9_603).unwrap();
        assert_eq!(bytes[9_600..], bytes[9_600 - 8_392..][..3]);
        let near = [&stream[..], &[0x3f, 254]].concat();
        let bytes = decoded(&near, 9_603).unwrap();
        assert_eq!(bytes[9_600..], bytes[9_600 - 8_191..][..3]);
    }

    #[test]
    fn what_does_not_hold_as_many_bytes_is_refused() {
        assert_eq!(decoded(&[0x20, b'a', 0x20, 0], 4).unwrap(), b"aaaa");
        assert_eq!(decoded(&[0x20, b'a', 0x20, 0], 3), None);
        assert_eq!(decoded(&[0x20, b'a', 0x20, 0], 5), None);
        assert_eq!(decoded(&[0x20, b'a', 0x20, 1], 4), None, "from before the stream");
        assert_eq!(decoded(&[0x21, b'a'], 2), None, "literals that are cut off");
        assert_eq!(decoded(&[0x20, b'a', 0xe0, 255], 400), None, "a length that is cut off");
        assert_eq!(decoded(&[], 0), None);
    }

    proptest! {
        #[test]
        fn any_bytes_decode_to_as_many_as_are_expected_or_none(bytes in prop::collection::vec(any::<u8>(), 0..60), size in 0_u64..300) {
            if let Some(decoded) = decoded(&bytes, size) {
                prop_assert_eq!(wide(decoded.len()), size);
            }
        }
    }
}
