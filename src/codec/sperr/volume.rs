//! The header before the stream of a volume (SPERR, `SPERR3D_Stream_Tools.cpp`).

use crate::error::Problem;
use crate::field::convert::wide;

/// Flag: the stream is that of a volume.
const VOLUME: u8 = 0x40;

/// Flag: the elements have 32 bits.
const SINGLE: u8 = 0x20;

/// The stream behind the header. Volumes in several pieces, and those of which bits were left out, are not what the filter writes.
pub(super) fn stream(chunk: &[u8], lengths: [u32; 3]) -> Result<&[u8], Problem> {
    let mut i = chunk;
    let [version, flags] = *bytes(&mut i)?;
    if version != 0 {
        return Err(Problem::Value { field: "sperr version", value: version.into() });
    }
    if flags & !SINGLE != VOLUME {
        return Err(Problem::Value { field: "sperr stream flags", value: flags.into() });
    }
    for expected in lengths {
        agree("sperr dimension", u32::from_le_bytes(*bytes(&mut i)?).into(), expected.into())?;
    }
    let length = u32::from_le_bytes(*bytes(&mut i)?);
    agree("sperr stream length", length.into(), wide(i.len()))?;
    Ok(i)
}

fn bytes<'a, const N: usize>(i: &mut &'a [u8]) -> Result<&'a [u8; N], Problem> {
    let (bytes, rest) = i.split_first_chunk().ok_or(Problem::Truncated)?;
    *i = rest;
    Ok(bytes)
}

fn agree(field: &'static str, found: u64, expected: u64) -> Result<(), Problem> {
    if found == expected { Ok(()) } else { Err(Problem::Mismatch { field, found, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 20] = [
        0,    // major version
        0x60, // flags: a volume of singles
        9, 0, 0, 0, // x
        10, 0, 0, 0, // y
        11, 1, 0, 0, // z
        2, 0, 0, 0, // length of the stream
        7, 8, // the stream
    ];

    #[test]
    fn the_header_says_what_the_parameters_say() {
        assert_eq!(stream(&HEADER, [9, 10, 267]), Ok(&[7, 8][..]));
        for end in 0..18 {
            assert_eq!(stream(&HEADER[..end], [9, 10, 267]), Err(Problem::Truncated));
        }
        let message = |at: usize, byte: u8| {
            let mut header = HEADER;
            header[at] = byte;
            stream(&header, [9, 10, 267]).unwrap_err().to_string()
        };
        assert_eq!(message(0, 1), "sperr version is 1");
        assert_eq!(message(1, 0x70), "sperr stream flags is 112", "several pieces");
        assert_eq!(message(1, 0xc0), "sperr stream flags is 192", "a portion");
        assert_eq!(message(2, 8), "sperr dimension is 8, not 9");
        assert_eq!(message(14, 3), "sperr stream length is 3, not 2");
    }
}
