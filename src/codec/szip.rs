//! Szip, filter 4: the extended Rice coding of CCSDS 121.0-B, as libaec decodes it for HDF5 (`H5Zszip.c`, libaec's `sz_compat.c` and
//! `decode.c`).

use super::bits::{Bits, ones};
use super::shuffle;
use crate::error::Problem;
use crate::field::convert::{narrow, wide};

/// Bit of the option mask: samples have their most significant byte first.
const MOST_SIGNIFICANT_FIRST: u32 = 16;

/// Bit of the option mask: samples are told by how much they differ from the one before.
const NEAREST_NEIGHBOUR: u32 = 32;

/// Most pixels of a block and of a scanline (`H5Zpublic.h`, `SZ_MAX_PIXELS_PER_SCANLINE`).
const MOST_IN_BLOCK: u32 = 32;
const MOST_IN_SCANLINE: u32 = 4096;

/// The filter's parameters.
#[derive(Debug)]
struct Parameters {
    big_endian: bool,
    /// Samples are differences, but for the first of a scanline.
    differences: bool,
    /// Samples of a block.
    block: usize,
    /// Samples of a scanline; in the stream it is filled up to whole blocks.
    scanline: usize,
    /// Bits of a sample, at most 24.
    bits: u32,
    /// Bytes of a sample.
    size: usize,
    /// Bytes of a pixel, where the first bytes of all pixels are the first samples, and so on.
    planes: Option<u32>,
}

/// What `stream` holds after the number of its bytes; more than `most` bytes are refused.
pub(crate) fn decode(stream: &[u8], values: &[u32], most: u64) -> Result<Vec<u8>, Problem> {
    let parameters = Parameters::new(values)?;
    let (size, stream) = stream.split_first_chunk::<4>().ok_or(Problem::Truncated)?;
    let size = u32::from_le_bytes(*size);
    let bytes = Some(size).filter(|size| u64::from(*size) <= most);
    let bytes = bytes.and_then(|size| parameters.samples(stream, narrow(size.into())));
    let bytes = bytes.ok_or(Problem::Decode("szip stream"))?;
    Ok(match parameters.planes {
        Some(size) => shuffle::decode(&bytes, size),
        None => bytes,
    })
}

impl Parameters {
    fn new(values: &[u32]) -> Result<Self, Problem> {
        let wrong = |field, value: u32| Problem::Value { field, value: value.into() };
        let &[options, block, pixel, scanline] = values else {
            return Err(Problem::Mismatch { field: "szip parameters", found: wide(values.len()), expected: 4 });
        };
        if block == 0 || block > MOST_IN_BLOCK || !block.is_multiple_of(2) {
            return Err(wrong("szip pixels per block", block));
        }
        if scanline == 0 || scanline > MOST_IN_SCANLINE {
            return Err(wrong("szip pixels per scanline", scanline));
        }
        let (bits, size, planes) = match pixel {
            1..=8 => (pixel, 1, None),
            9..=16 => (pixel, 2, None),
            17..=24 => (pixel, 4, None),
            32 | 64 => (8, 1, Some(pixel / 8)),
            _ => return Err(wrong("szip bits per pixel", pixel)),
        };
        Ok(Self {
            big_endian: options & MOST_SIGNIFICANT_FIRST != 0,
            differences: options & NEAREST_NEIGHBOUR != 0,
            block: narrow(block.into()),
            scanline: narrow(scanline.into()),
            bits,
            size,
            planes,
        })
    }

    /// The samples of all scanlines, `size` bytes; `None` where the stream does not hold them.
    fn samples(&self, stream: &[u8], size: usize) -> Option<Vec<u8>> {
        let pixel = self.planes.map_or(self.size, |size| narrow(size.into()));
        if !size.is_multiple_of(pixel) {
            return None;
        }
        let mut bits = Bits::new(stream);
        let (mut bytes, mut scanline) = (Vec::with_capacity(size), Vec::new());
        while bytes.len() < size {
            let left = size.saturating_sub(bytes.len()).checked_div(self.size)?.min(self.scanline);
            self.scanline(&mut bits, left, &mut scanline)?;
            for sample in scanline.iter().take(left) {
                let sample = sample.to_le_bytes();
                let sample = sample.iter().take(self.size);
                if self.big_endian { bytes.extend(sample.rev()) } else { bytes.extend(sample) }
            }
        }
        Some(bytes)
    }

    /// The samples of the next scanline, as many of its blocks as it takes for the first `needed`.
    fn scanline(&self, bits: &mut Bits<'_>, needed: usize, samples: &mut Vec<u32>) -> Option<()> {
        samples.clear();
        while samples.len() < needed {
            self.blocks(bits, samples)?;
        }
        if self.differences {
            self.sum(samples);
        }
        Some(())
    }

    /// The next block, or the next blocks where they are zeros. A block begins with its coding, and the first one of a scanline of
    /// differences with a sample that is none.
    fn blocks(&self, bits: &mut Bits<'_>, samples: &mut Vec<u32>) -> Option<()> {
        let coding_bits = match self.bits {
            0..=8 => 3,
            9..=16 => 4,
            _ => 5,
        };
        let coding = u32::try_from(bits.take(coding_bits)?).ok()?;
        if u64::from(coding) == ones(coding_bits) {
            return self.plain(bits, self.block, samples);
        }
        let pairs = coding == 0 && bits.take(1)? == 1;
        let first = usize::from(self.differences && samples.is_empty());
        self.plain(bits, first, samples)?;
        match coding.checked_sub(1) {
            Some(low) => split(bits, low, self.block.checked_sub(first)?, samples),
            None if pairs => self.pairs(bits, first, samples),
            None => self.zeros(bits, first, samples),
        }
    }

    /// Samples as they are.
    fn plain(&self, bits: &mut Bits<'_>, count: usize, samples: &mut Vec<u32>) -> Option<()> {
        for _ in 0..count {
            samples.push(u32::try_from(bits.take(self.bits)?).ok()?);
        }
        Some(())
    }

    /// Second extension: a number stands for two samples.
    fn pairs(&self, bits: &mut Bits<'_>, first: usize, samples: &mut Vec<u32>) -> Option<()> {
        for at in first / 2..self.block / 2 {
            let number = bits.zeros()?;
            // Pairs are numbered by their sum, at most 12, and then by their second sample.
            let before = |sum: u32| sum.saturating_mul(sum.saturating_add(1)) / 2;
            let sum = (0_u32..13).find(|sum| number < before(sum.saturating_add(1)))?;
            let second = number.checked_sub(before(sum))?;
            // The sample that is no difference takes the place of the first.
            if at > 0 || first == 0 {
                samples.push(sum.checked_sub(second)?);
            }
            samples.push(second);
        }
        Some(())
    }

    /// Blocks of zeros.
    fn zeros(&self, bits: &mut Bits<'_>, first: usize, samples: &mut Vec<u32>) -> Option<()> {
        let whole = self.scanline.div_ceil(self.block);
        let used = samples.len().checked_div(self.block)?;
        let left = whole.checked_sub(used)?;
        let number = bits.zeros()?;
        let blocks = match number {
            0..4 => narrow(number.into()).saturating_add(1),
            // Up to the end of a segment of 64 blocks.
            4 => left.min(64_usize.checked_sub(used.checked_rem(64)?)?),
            _ => narrow(number.into()),
        };
        let count = Some(blocks).filter(|blocks| *blocks <= left)?.checked_mul(self.block)?.checked_sub(first)?;
        samples.resize(samples.len().checked_add(count)?, 0);
        Some(())
    }

    /// Turns differences into samples: those that are as likely in both directions take turns, then come those of the larger side.
    fn sum(&self, samples: &mut [u32]) {
        let (largest, middle) = (ones(self.bits), ones(self.bits.saturating_sub(1)));
        let (largest, middle) = (u32::try_from(largest).unwrap_or(0), u32::try_from(middle).unwrap_or(0));
        let mut samples = samples.iter_mut();
        let mut last = samples.next().map_or(0, |first| *first);
        for sample in samples {
            let (half, odd) = (*sample >> 1, *sample & 1);
            let room = if last > middle { largest ^ last } else { last };
            last = match (half.saturating_add(odd) <= room, odd) {
                (true, 0) => last.wrapping_add(half),
                (true, _) => last.wrapping_sub(half).wrapping_sub(1),
                (false, _) if last > middle => largest ^ *sample,
                (false, _) => *sample,
            };
            *sample = last;
        }
    }
}

/// Split samples: how often 2 to the power of `low` goes into each, then the lowest bits of each.
fn split(bits: &mut Bits<'_>, low: u32, count: usize, samples: &mut Vec<u32>) -> Option<()> {
    let start = samples.len();
    for _ in 0..count {
        samples.push(bits.zeros()?.wrapping_shl(low));
    }
    if low > 0 {
        for sample in samples.iter_mut().skip(start) {
            *sample = sample.wrapping_add(u32::try_from(bits.take(low)?).ok()?);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REFUSED: Result<Vec<u8>, Problem> = Err(Problem::Decode("szip stream"));

    /// A chunk of `size` bytes in this stream, told in digits of 0 and 1.
    fn chunk(size: u32, stream: &str) -> Vec<u8> {
        let bits: Vec<u8> = stream.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
        let byte = |bits: &[u8]| bits.iter().chain(&[0; 8]).take(8).fold(0, |byte, bit| byte << 1 | bit);
        size.to_le_bytes().into_iter().chain(bits.chunks(8).map(byte)).collect()
    }

    #[test]
    fn blocks_are_plain_split_pairs_or_zeros() {
        let values = [
            4 | 128, // options: entropy coding, raw
            4,       // pixels per block
            8,       // bits per pixel
            16,      // pixels per scanline
        ];
        let stream = "111 00000001 00000010 00000011 11111111  011 01 1 001 1 11 00 01 10  000 1 001 00001  000 0 1";
        let expected = [1, 2, 3, 255, 7, 0, 9, 2, 0, 1, 1, 1, 0, 0, 0, 0];
        assert_eq!(decode(&chunk(16, stream), &values, 16).unwrap(), expected);
        // The blocks that are not needed need not be there.
        assert_eq!(decode(&chunk(4, &stream[..40]), &values, 16).unwrap(), expected[..4]);
        assert_eq!(decode(&chunk(16, &stream[..40]), &values, 16), REFUSED);
    }

    #[test]
    fn differences_start_anew_on_each_scanline() {
        let values = [32 | 128, 4, 8, 5]; // nearest neighbour; the scanline of 5 is filled up to 8
        let stream = "001 00001010 01 001 1  000 0 1   010 11111110 1 01 0001 0 1 0  000 0 1";
        // From 10 on: 1 is down by 1, 2 up by 1; from 254 on: 3 is more than the room above, hence 3 below 255; 6 is up by 3.
        assert_eq!(decode(&chunk(10, stream), &values, 10).unwrap(), [10, 9, 10, 10, 10, 254, 254, 252, 255, 255]);
    }

    #[test]
    fn differences_beyond_the_nearer_border_count_from_the_other() {
        let parameters = Parameters::new(&[32, 8, 8, 8]).unwrap();
        let mut samples = [3, 7, 250, 11, 100, 255];
        parameters.sum(&mut samples);
        assert_eq!(samples, [3, 7, 250, 244, 155, 0]);
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let message = |values: &[u32]| decode(&chunk(0, ""), values, 10).unwrap_err().to_string();
        assert_eq!(message(&[0, 0, 8, 8]), "szip pixels per block is 0");
        assert_eq!(message(&[0, 7, 8, 8]), "szip pixels per block is 7");
        assert_eq!(message(&[0, 34, 8, 8]), "szip pixels per block is 34");
        assert_eq!(message(&[0, 8, 0, 8]), "szip bits per pixel is 0");
        assert_eq!(message(&[0, 8, 25, 8]), "szip bits per pixel is 25");
        assert_eq!(message(&[0, 8, 8, 0]), "szip pixels per scanline is 0");
        assert_eq!(message(&[0, 8, 8, 4097]), "szip pixels per scanline is 4097");
        assert_eq!(message(&[0, 8, 8]), "szip parameters is 3, not 4");
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        assert_eq!(decode(&[1, 0, 0], &[0, 8, 8, 8], 10), Err(Problem::Truncated));
        assert_eq!(decode(&chunk(11, "000 0 1"), &[0, 8, 8, 8], 10), REFUSED);
        assert_eq!(decode(&chunk(3, "0000 0 1"), &[0, 8, 16, 8], 10), REFUSED);
        assert_eq!(decode(&chunk(12, "000 0 1"), &[0, 8, 64, 8], 100), REFUSED);
    }

    #[test]
    fn zeros_stay_inside_their_scanline() {
        let values = [128, 2, 8, 200];
        let zeros = |number: usize| format!("000 0 {}1", "0".repeat(number));
        // 64 blocks are a segment, and then 36 are left.
        let stream = zeros(4) + &zeros(4) + "111 00000111 00001000";
        let bytes = decode(&chunk(202, &stream), &values, 300).unwrap();
        assert_eq!((bytes.len(), &bytes[198..]), (202, &[0, 0, 7, 8][..]));
        assert!(decode(&chunk(200, &zeros(100)), &values, 300).is_ok());
        assert_eq!(decode(&chunk(200, &zeros(101)), &values, 300), REFUSED);
        assert_eq!(decode(&chunk(200, &(zeros(0) + &zeros(100))), &values, 300), REFUSED);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_give_at_most_what_is_expected(
            stream in prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 0..200),
            size in 0_u32..400,
            options in 0_u32..256,
            block in 0_u32..34,
            bits in prop::sample::select(vec![1_u32, 8, 9, 12, 16, 17, 24, 32, 64]),
            scanline in prop_oneof![0_u32..100, any::<u32>()],
            most in 0_u64..300,
        ) {
            let stream = [&size.to_le_bytes()[..], &stream].concat();
            if let Ok(decoded) = decode(&stream, &[options, block, bits, scanline], most) {
                prop_assert_eq!(decoded.len(), narrow(size.into()));
                prop_assert!(wide(decoded.len()) <= most);
            }
        }
    }
}
