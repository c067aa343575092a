//! The filter's parameters (H5Z-SPERR, `h5z-sperr.c` and `h5zsperr_helper.cpp`).

use super::extent::Extent;
use crate::error::Problem;
use crate::field::convert::wide;

/// Least length of a dimension (`H5Z_can_apply_sperr`).
const LEAST_LENGTH: u32 = 9;

/// Most length of a dimension in a volume: sets of its elements have 16 bits for it.
const MOST_LENGTH: u32 = 65_535;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) extent: Extent,
    /// Elements have 32 bits, else 64.
    pub(super) single: bool,
    /// Chunks begin with what they say of missing values.
    pub(super) says_missing: bool,
    /// Streams end where their bits are spent, whatever is left to tell.
    pub(super) is_rate: bool,
}

impl Parameters {
    /// The first number packs the rank, the size of an element and the version; the second what was aimed at, and in the highest bit
    /// the order of the dimensions of the chunk, which follow.
    pub(super) fn new(values: &[u32]) -> Result<Self, Problem> {
        let wrong = |field, value: u32| Problem::Value { field, value: value.into() };
        let (&[packed, mode], lengths) = values.split_first_chunk().ok_or(Problem::Missing("sperr parameters"))?;
        let swap = mode >> 31 == 1;
        let extent = match (packed & 15, lengths) {
            (2, &[x, y]) => Extent::Plane(if swap { [y, x] } else { [x, y] }),
            (3, &[x, y, z]) => Extent::Volume(if swap { [z, y, x] } else { [x, y, z] }),
            (rank @ (2 | 3), _) => {
                let (found, expected) = (wide(lengths.len()), rank.into());
                return Err(Problem::Mismatch { field: "sperr dimensions", found, expected });
            }
            (rank, _) => return Err(wrong("sperr rank", rank)),
        };
        let most = if lengths.len() == 3 { MOST_LENGTH } else { u32::MAX };
        if let Some(length) = lengths.iter().find(|length| **length < LEAST_LENGTH || **length > most) {
            return Err(wrong("sperr dimension", *length));
        }
        let says_missing = match packed >> 10 & 63 {
            0 => false,
            1 => true,
            version => return Err(wrong("sperr compatibility version", version)),
        };
        let is_rate = match mode >> 28 & 3 {
            0 => return Err(wrong("sperr mode", 0)),
            mode => mode == 1,
        };
        Ok(Self { extent, single: packed & 16 != 0, says_missing, is_rate })
    }

    /// Bytes of an element.
    pub(super) fn size(&self) -> u64 {
        if self.single { 4 } else { 8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_packed() {
        let parameters = Parameters::new(&[0x412, 0x1004_0000, 20, 33]).unwrap();
        let expected = Parameters { extent: Extent::Plane([20, 33]), single: true, says_missing: true, is_rate: true };
        assert_eq!(parameters, expected);
        let parameters = Parameters::new(&[3, 0xb809_f73e, 10, 20, 33]).unwrap();
        let extent = Extent::Volume([33, 20, 10]);
        assert_eq!(parameters, Parameters { extent, single: false, says_missing: false, is_rate: false });
        assert_eq!(Parameters::new(&[2, 0xa03c_0000, 70_000, 9]).unwrap().extent, Extent::Plane([9, 70_000]));
    }

    #[test]
    fn parameters_that_no_writer_gives_are_refused() {
        let message = |values: &[u32]| Parameters::new(values).unwrap_err().to_string();
        assert_eq!(message(&[2]), "sperr parameters is missing");
        assert_eq!(message(&[1, 0, 9]), "sperr rank is 1");
        assert_eq!(message(&[2, 0, 9, 9, 9]), "sperr dimensions is 3, not 2");
        assert_eq!(message(&[3, 0, 9, 9]), "sperr dimensions is 2, not 3");
        assert_eq!(message(&[2, 0, 9, 8]), "sperr dimension is 8");
        assert_eq!(message(&[3, 0, 9, 9, 65_536]), "sperr dimension is 65536");
        assert_eq!(message(&[0x802, 0, 9, 9]), "sperr compatibility version is 2");
        assert_eq!(message(&[2, 0, 9, 9]), "sperr mode is 0");
    }
}
