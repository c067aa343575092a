//! The configuration behind a stream (`Config::save`), and its length behind that.

use super::fields::Fields;
use crate::field::convert::wide;

/// What a chunk was compressed with: the fields that a reader needs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Config {
    /// Sizes of the dimensions, the slowest first.
    pub(super) dims: Vec<u64>,
    /// Number of elements.
    pub(super) num: u64,
    pub(super) algorithm: Algorithm,
    /// The bound of the error: 0 where there is none, and nothing is lost.
    pub(super) bound: f64,
    /// How many layers of neighbours predict values: a number for each predictor.
    pub(super) layers: Vec<usize>,
    /// Whether regression of a block predicts values, too.
    pub(super) regression: bool,
    /// Whether several threads wrote a part each.
    pub(super) openmp: bool,
}

/// How values are predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    LorenzoRegression,
    Interpolation,
    /// One that no stream of this version has.
    Other(u8),
}

impl Config {
    /// The configuration, and what lies before it. `None` is of bytes that are not laid out as one.
    pub(super) fn split(stream: &[u8]) -> Option<(Self, &[u8])> {
        let (before, size) = stream.split_last_chunk()?;
        let start = before.len().checked_sub(usize::try_from(u32::from_le_bytes(*size)).ok()?)?;
        let (data, config) = before.split_at_checked(start)?;
        let mut fields = Fields::new(config);
        let config = Self::new(&mut fields).filter(|_| fields.rest.is_empty())?;
        Some((config, data))
    }

    fn new(i: &mut Fields<'_>) -> Option<Self> {
        let rank = i.u8()?;
        let dims: Vec<u64> = (0..rank).map(|_| i.u64()).collect::<Option<_>>()?;
        let num = i.u64()?;
        let algorithm = i.u8()?;
        let _error_bound_mode = i.u8()?;
        let bound = i.f64()?;
        let _relative_error_bound = i.f64()?;
        let lorenzo = i.flag()?;
        let lorenzo2 = i.flag()?;
        let regression = i.flag()?;
        let regression2 = i.flag()?;
        let _interpolation = i.u8()?;
        let _interpolation_direction = i.u8()?;
        let _interpolation_block_size = i.i32()?;
        let _lossless = i.u8()?;
        let _encoder = i.u8()?;
        let _quantization_bins = i.i32()?;
        let _block_size = i.i32()?;
        let _stride = i.i32()?;
        let _prediction_dimensions = i.i32()?;
        let openmp = i.flag()?;
        let algorithm = match algorithm {
            0 => Algorithm::LorenzoRegression,
            2 => Algorithm::Interpolation,
            other => Algorithm::Other(other),
        };
        let layers = [lorenzo.then_some(1), lorenzo2.then_some(2)].into_iter().flatten().collect();
        Some(Self { dims, num, algorithm, bound, layers, regression: regression || regression2, openmp })
    }

    /// Whether the sizes make `elements` elements, in 1 to 4 dimensions.
    pub(super) fn has(&self, elements: u64) -> bool {
        let product = self.dims.iter().try_fold(1_u64, |product, size| product.checked_mul(*size));
        self.num == elements && product == Some(elements) && matches!(wide(self.dims.len()), 1..=4)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The configuration of a chunk of 4 by 6, and its length.
    pub(in super::super) const CONFIG: [u8; 76] = [
        2, // rank
        4, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, // sizes
        24, 0, 0, 0, 0, 0, 0, 0, // number of elements
        2, // algorithm: interpolation
        0, // mode of the bound
        0, 0, 0, 0, 0, 0, 0xe0, 0x3f, // absolute bound: 0.5
        0, 0, 0, 0, 0, 0, 0, 0, // relative bound
        1, 0, 1, 0, // Lorenzo of one layer and two, regression of degree 1 and 2
        1, 0, 32, 0, 0, 0, // interpolation: cubic, direction, size of blocks
        1, 1, // lossless, encoder
        0, 0, 1, 0, // quantization bins
        16, 0, 0, 0, 16, 0, 0, 0, 2, 0, 0, 0, // block size, stride, dimensions of prediction
        0, // threads
        72, 0, 0, 0, // length of the configuration
    ];

    #[test]
    fn the_configuration_is_found_from_the_end() {
        let stream = [&b"data"[..], &CONFIG].concat();
        let (config, data) = Config::split(&stream).unwrap();
        assert_eq!(data, b"data");
        let expected = Config {
            dims: vec![4, 6],
            num: 24,
            algorithm: Algorithm::Interpolation,
            bound: 0.5,
            layers: vec![1],
            regression: true,
            openmp: false,
        };
        assert_eq!(config, expected);
        assert!(config.has(24) && !config.has(23));
        assert!(!Config { dims: vec![4, 5], ..expected }.has(24));
    }

    #[test]
    fn its_length_is_that_of_its_fields() {
        for length in 0..CONFIG.len() {
            assert_eq!(Config::split(&CONFIG[..length]), None, "{length} bytes");
        }
        for length in [0_u8, 71, 73, 255] {
            let mut other = [&b"more"[..], &CONFIG].concat();
            other[76] = length;
            assert_eq!(Config::split(&other), None, "{length}");
        }
    }
}
