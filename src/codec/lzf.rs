//! LZF, filter 32000: runs of bytes as they are, and copies of bytes before (liblzf, `lzf_d.c`).

use crate::error::Problem;
use crate::field::convert::{narrow, wide};

/// What `stream` holds; more than `most` bytes are refused.
pub(crate) fn decode(stream: &[u8], most: u64) -> Result<Vec<u8>, Problem> {
    // A copy is at most 264 bytes, told in 3.
    let mut bytes = Vec::with_capacity(narrow(most.min(wide(stream.len()).saturating_mul(88))));
    let mut rest = stream;
    while let Some((control, after)) = rest.split_first() {
        rest = step(*control, after, &mut bytes, narrow(most)).ok_or(Problem::Decode("LZF stream"))?;
    }
    Ok(bytes)
}

/// One run or copy; what is left of the stream.
fn step<'a>(control: u8, rest: &'a [u8], bytes: &mut Vec<u8>, most: usize) -> Option<&'a [u8]> {
    let room = most.checked_sub(bytes.len())?;
    if control < 32 {
        let (run, rest) = rest.split_at_checked(usize::from(control).saturating_add(1))?;
        bytes.extend_from_slice(Some(run).filter(|run| run.len() <= room)?);
        return Some(rest);
    }
    let (more, rest) = if control >> 5 == 7 { rest.split_first()? } else { (&0, rest) };
    let (low, rest) = rest.split_first()?;
    let length = usize::from(control >> 5).saturating_add((*more).into()).saturating_add(2);
    let distance = usize::from(u16::from_be_bytes([control & 0x1f, *low])).saturating_add(1);
    let start = bytes.len().checked_sub(distance)?;
    if length > room {
        return None;
    }
    if length <= distance {
        bytes.extend_from_within(start..start.checked_add(length)?);
    } else {
        // The copy repeats what it begins with.
        for at in (start..).take(length) {
            bytes.push(*bytes.get(at)?);
        }
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_and_copies() {
        let stream = [
            2,
            b'a',
            b'b',
            b'c', // a run of 3
            1 << 5,
            2, // a copy of 3 from 3 before
            7 << 5,
            1,
            0, // a copy of 10 from 1 before: it repeats itself
            0,
            b'd', // a run of 1
        ];
        assert_eq!(decode(&stream, 17).unwrap(), b"abcabcccccccccccd");
        assert_eq!(decode(&stream, 16), Err(Problem::Decode("LZF stream")));
        assert_eq!(decode(&[], 0).unwrap(), b"");
    }

    #[test]
    fn a_copy_reaches_back_up_to_8192_bytes() {
        let mut stream = vec![0, 1];
        for _ in 0..31 {
            stream.extend([7 << 5, 255, 0]); // 264 times the byte before
        }
        stream.extend([31, 2].into_iter().chain([3; 31])); // 32 bytes, of which the first is another
        stream.extend([1 << 5 | 0x1f, 0xff]); // a copy of 3 from 8192 before
        let bytes = decode(&stream, 10_000).unwrap();
        assert_eq!((bytes.len(), &bytes[8185..]), (8220, [&[2][..], &[3; 31], &[1, 1, 1]].concat().as_slice()));
    }

    #[test]
    fn streams_that_end_early_or_reach_back_too_far_are_refused() {
        for stream in [&[2, 1, 2][..], &[0, 1, 7 << 5], &[0, 1, 7 << 5, 1], &[0, 1, 1 << 5], &[0, 1, 1 << 5, 1]] {
            assert_eq!(decode(stream, 100), Err(Problem::Decode("LZF stream")), "{stream:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_give_at_most_what_is_expected(bytes in prop::collection::vec(any::<u8>(), 0..200), most in 0_u64..300) {
            if let Ok(decoded) = decode(&bytes, most) {
                prop_assert!(wide(decoded.len()) <= most && wide(decoded.capacity()) <= most.max(8));
            }
        }
    }
}
