//! SPERR, filter 32028: a wavelet transform whose coefficients are coded one bit plane after another, and corrections of what that
//! leaves too far off (NCAR's SPERR of major version 0 and H5Z-SPERR of compatibility 0 and 1, as hdf5plugin 7.1 reads them).

mod bits;
mod conditioner;
mod extent;
mod mask;
mod missing;
mod outliers;
mod parameters;
mod sets;
mod speck;
mod volume;
mod wavelet;

use conditioner::Conditioner;
use extent::Extent;
use missing::Missing;
use parameters::Parameters;
use speck::Stream;

use crate::error::Problem;
use crate::field::convert::wide;

const WRONG: Problem = Problem::Decode("sperr stream");

/// The elements of a chunk, little-endian; more than `most` bytes are refused.
pub(crate) fn decode(chunk: &[u8], values: &[u32], most: u64) -> Result<Vec<u8>, Problem> {
    let parameters = Parameters::new(values)?;
    let count = parameters.extent.count().filter(|count| count.saturating_mul(parameters.size()) <= most);
    let count = count.and_then(|count| usize::try_from(count).ok()).ok_or(WRONG)?;
    let (missing, stream) = Missing::parse(chunk, &parameters, count)?;
    let stream = match parameters.extent {
        Extent::Volume(lengths) => volume::stream(stream, lengths)?,
        Extent::Line(_) | Extent::Plane(_) => stream,
    };
    let values = elements(stream, &parameters, count)?;
    // What a writer made holds none; libhdf5 would leave those of a damaged stream to the processor.
    if values.iter().any(|value| value.is_nan()) {
        return Err(WRONG);
    }
    let mut bytes = if parameters.single { singles(&values) } else { doubles(&values) };
    missing.put_back(&mut bytes);
    Ok(bytes)
}

/// The elements of a stream: those of its coefficients, corrected, above their mean.
fn elements(stream: &[u8], parameters: &Parameters, count: usize) -> Result<Vec<f64>, Problem> {
    let (mean, step, stream) = match Conditioner::parse(stream)? {
        (Conditioner::Constant { count: stored, value }, rest) => {
            if stored != wide(count) {
                return Err(Problem::Mismatch { field: "sperr elements", found: stored, expected: wide(count) });
            }
            return if rest.is_empty() { Ok(vec![value; count]) } else { Err(WRONG) };
        }
        (Conditioner::Varied { mean, step }, rest) => (mean, step, rest),
    };
    let (coefficients, corrections) = Stream::parse(stream)?;
    // libhdf5 takes any that is cut off; only those of a fixed rate are written so.
    if !coefficients.is_whole() && !parameters.is_rate {
        return Err(WRONG);
    }
    let mut values = coefficients.decode(&parameters.extent, count).ok_or(WRONG)?.values(step);
    wavelet::invert(&mut values, &parameters.extent);
    if !corrections.is_empty() {
        outliers::correct(&mut values, corrections, step)?;
    }
    for value in &mut values {
        *value += mean;
    }
    Ok(values)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    reason = "rounded to the next float, as libhdf5 does"
)]
fn singles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect()
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    /// A plane of 9 by 10 singles, one of them far off the others, written by libhdf5 with hdf5plugin 7.1.0 and `absolute=2`.
    const ERROR: (&str, [u32; 4]) = (
        "0080b6600bb6600b0640000000000000084007a9010000000000003900ca2177000020774060400200e090648ca1912424e0944b23bee666ad71\
         8cfc2ea4db07e40beec2be697d5c17872bd904400940000110000000000000004905",
        [0x412, 0x3001_0000, 9, 10],
    );

    /// The same with `rate=2`.
    const RATE: (&str, [u32; 4]) = (
        "0080b6600bb6600b06403cfa0a17e0af6a3e20e30000000000000039247700400e3924180e0900c621640c1290c0640482b1",
        [0x412, 0x1002_0000, 9, 10],
    );

    /// As much as either takes.
    const MOST: u64 = 9 * 10 * 4;

    fn bytes(digits: &str) -> Vec<u8> {
        digits.as_bytes().chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    }

    #[test]
    fn a_chunk_of_libhdf5_decodes() {
        let of_h5py = [
            (ERROR, "c12f638268dd58c41be048c92ffa33837785077d19d522511aeb3b293c6ca0bb"),
            (RATE, "412a129e3c4578331cbfbe1110b565993ac5326b266ee0590c41d8d5ee348a12"),
        ];
        for ((chunk, parameters), expected) in of_h5py {
            let decoded = decode(&bytes(chunk), &parameters, MOST).unwrap();
            assert_eq!(format!("{:x}", Sha256::digest(&decoded)), expected);
            assert_eq!(decode(&bytes(chunk), &parameters, MOST - 1), Err(WRONG));
        }
    }

    #[test]
    fn streams_that_are_cut_off_are_refused_but_at_a_fixed_rate() {
        let ((error, error_parameters), (rate, rate_parameters)) = (ERROR, RATE);
        let error = bytes(error);
        for end in 0..error.len() {
            let cut = decode(&error[..end], &error_parameters, MOST);
            // Behind the coefficients there need be no corrections.
            assert_eq!(cut.is_ok(), end == 81, "{end}");
        }
        let rate = bytes(rate);
        for end in 0..rate.len() {
            assert_eq!(decode(&rate[..end], &rate_parameters, MOST).is_ok(), end >= 27, "{end}");
        }
        let longer = [&error[..], &[0]].concat();
        assert_eq!(decode(&longer, &error_parameters, MOST), Err(WRONG));
    }

    #[test]
    fn constant_chunks_have_one_value() {
        let chunk =
            |count: u64, rest: &[u8]| [&[0, 0x81][..], &count.to_le_bytes(), &2.5_f64.to_le_bytes(), rest].concat();
        let parameters = [0x412, 0x3001_0000, 9, 10];
        assert_eq!(decode(&chunk(90, &[]), &parameters, MOST).unwrap(), 2.5_f32.to_le_bytes().repeat(90));
        assert_eq!(decode(&chunk(90, &[0]), &parameters, MOST), Err(WRONG));
        let error = decode(&chunk(91, &[]), &parameters, MOST).unwrap_err();
        assert_eq!(error.to_string(), "sperr elements is 91, not 90");
    }

    #[test]
    fn what_overflows_to_no_number_is_refused() {
        let bits = [&[64][..], &640_u64.to_le_bytes(), &[0xff; 80]].concat();
        let stream = |step: f64| [&[0, 0x80][..], &[0; 8], &step.to_le_bytes(), &bits].concat();
        assert!(decode(&stream(1.0), &[0x402, 0x1002_0000, 9, 9], 1000).is_ok());
        assert_eq!(decode(&stream(f64::MAX), &[0x402, 0x1002_0000, 9, 9], 1000), Err(WRONG));
    }

    /// Any chunk that the parameters allow to be one, of a plane or a volume.
    fn chunks() -> impl Strategy<Value = (Vec<u8>, Vec<u32>)> {
        let lengths = prop::collection::vec(9_u32..24, 2..=3);
        let bits = prop::collection::vec(prop_oneof![Just(0), Just(0xff), any::<u8>()], 0..200);
        let total = prop_oneof![0_u64..2_000, any::<u64>()];
        (lengths, 0_u32..4, 0_u8..=65, total, bits, any::<f64>(), prop_oneof![Just(0_u8), 0_u8..4]).prop_map(
            |(lengths, mode, planes, total, bits, step, missing)| {
                let rank = u32::try_from(lengths.len()).unwrap();
                let stream = [
                    &[0x80][..],
                    &1_f64.to_le_bytes(),
                    &step.abs().to_le_bytes(),
                    &[planes],
                    &total.to_le_bytes(),
                    &bits,
                ];
                let stream = stream.concat();
                let mut chunk = vec![missing];
                if rank == 3 {
                    chunk.extend([0, 0x40]);
                    chunk.extend(lengths.iter().flat_map(|length| length.to_le_bytes()));
                    chunk.extend(u32::try_from(stream.len()).unwrap().to_le_bytes());
                }
                chunk.extend(stream);
                (chunk, [&[0x400 | rank, mode << 28][..], &lengths].concat())
            },
        )
    }

    /// Whether a chunk is as long as its parameters say, or refused.
    fn is_whole_or_refused(chunk: &[u8], parameters: &[u32]) -> bool {
        let size = if parameters[0] & 16 == 0 { 8 } else { 4 };
        let expected = parameters[2..].iter().map(|length| u64::from(*length)).product::<u64>() * size;
        decode(chunk, parameters, expected).map_or(true, |decoded| wide(decoded.len()) == expected)
    }

    proptest! {
        #[test]
        fn arbitrary_streams_give_a_chunk_or_none((chunk, parameters) in chunks()) {
            prop_assert!(is_whole_or_refused(&chunk, &parameters));
        }

        #[test]
        fn damaged_chunks_give_a_chunk_or_none(
            is_rate in any::<bool>(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let (chunk, parameters) = if is_rate { RATE } else { ERROR };
            let mut chunk = bytes(chunk);
            for (at, byte) in changes {
                *at.get_mut(&mut chunk) = byte;
            }
            prop_assert!(is_whole_or_refused(&chunk, &parameters));
        }

        #[test]
        fn arbitrary_parameters_are_refused_or_bound_the_chunk(values in prop::collection::vec(prop_oneof![Just(2), Just(3), Just(1 << 28), any::<u32>()], 0..6)) {
            let chunk = bytes(ERROR.0);
            if let Ok(decoded) = decode(&chunk, &values, 4000) {
                prop_assert!(decoded.len() <= 4000);
            }
        }
    }
}
