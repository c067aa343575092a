//! FCIDECOMP, filter 32018: a chunk is an image of JPEG-LS (EUMETSAT's `H5Zjpegls.c`, `CharLS`).

use super::jpegls;
use super::refusal::Refusal;
use crate::error::Problem;
use crate::field::convert::wide;

/// What the filter has been given: bytes of an element, components, lines, samples of a line, and nine that only writing needs.
const PARAMETERS: usize = 13;

/// The samples of the image, at most `most` bytes.
pub(crate) fn decode(image: &[u8], values: &[u32], most: u64) -> Result<Vec<u8>, Refusal> {
    let Ok([bytes, components, lines, samples, ..]) = <&[u32; PARAMETERS]>::try_from(values) else {
        let found = wide(values.len());
        return Err(Problem::Mismatch { field: "FCIDECOMP parameters", found, expected: wide(PARAMETERS) }.into());
    };
    let sizes = [bytes, components, lines, samples];
    let size = sizes.iter().try_fold(1_u64, |size, n| size.checked_mul(u64::from(**n))).unwrap_or(u64::MAX);
    let decoded = jpegls::decode(image, most)?;
    // The C filter leaves what is behind a smaller image as it was in memory.
    if wide(decoded.len()) != size {
        return Err(Problem::Mismatch { field: "JPEG-LS image", found: wide(decoded.len()), expected: size }.into());
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_image_must_agree() {
        // An image of one line of eight samples that are 0.
        let image = [
            0xff, 0xd8, 0xff, 0xf7, 0, 11, 8, 0, 1, 0, 8, 1, 1, 0x11, 0, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0, 0xfc,
            0xff, 0xd9,
        ];
        let values = |samples| [1, 1, 1, samples, 8, 1, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(decode(&image, &values(8), 8), Ok(vec![0; 8]));
        let other = Problem::Mismatch { field: "JPEG-LS image", found: 8, expected: 9 };
        assert_eq!(decode(&image, &values(9), 9), Err(other.into()));
        let fewer = Problem::Mismatch { field: "FCIDECOMP parameters", found: 12, expected: 13 };
        assert_eq!(decode(&image, &values(8)[..12], 8), Err(fewer.into()));
    }
}
