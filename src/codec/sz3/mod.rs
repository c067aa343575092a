//! SZ3, filter 32024, of its version 3.1: values that are predicted, and how many steps they lie from their prediction, in codes of
//! Huffman and a frame of Zstandard. What writes it is all that says what it is (`SZ3/api/sz.hpp`).
//!
//! Values are those that the compilers of x86-64 compute, bit for bit.

mod config;
mod fields;
mod huffman;
mod interpolation;
mod lorenzo;
mod number;
mod parameters;
mod positions;
mod quantizer;

use config::{Algorithm, Config};
use fields::Fields;
use number::Number;
use parameters::{Kind, Parameters};

use super::zstd;
use crate::field::convert::wide;

/// Chunks of fewer elements are left as they are (`H5Z_filter_sz3`).
const FEWEST: u64 = 20;

/// Bytes that an element may take before Zstandard: of a tree of codes two nodes of 13 bytes, a code of 64 bits, and a value of 64 bits that
/// is stored as it is.
const MOST_OF_ELEMENT: u64 = 48;

/// What later versions begin with.
const MAGIC: [u8; 4] = 0xf342_f310_u32.to_le_bytes();

/// Why a stream is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is none.
    Damaged,
    /// It is what the filter of this version does not write, and what is not decoded here.
    Other(&'static str),
}

/// The elements that `stream` holds, little-endian; more than `most` bytes are refused.
pub(crate) fn decode(stream: &[u8], values: &[u32], most: u64) -> Result<Vec<u8>, Refused> {
    // The filter does nothing where it was never told what a chunk is.
    if values.is_empty() {
        return Ok(stream.to_vec());
    }
    let parameters = Parameters::new(values).ok_or(Refused::Other("of another version"))?;
    if parameters.elements < FEWEST {
        return Ok(stream.to_vec());
    }
    match parameters.kind {
        Kind::Float => elements::<f32>(stream, parameters.elements, most),
        Kind::Double => elements::<f64>(stream, parameters.elements, most),
        Kind::Uint8 => elements::<u8>(stream, parameters.elements, most),
        Kind::Int8 => elements::<i8>(stream, parameters.elements, most),
        Kind::Uint16 => elements::<u16>(stream, parameters.elements, most),
        Kind::Int16 => elements::<i16>(stream, parameters.elements, most),
        Kind::Uint32 => elements::<u32>(stream, parameters.elements, most),
        Kind::Int32 => elements::<i32>(stream, parameters.elements, most),
        Kind::Uint64 => elements::<u64>(stream, parameters.elements, most),
        Kind::Int64 => elements::<i64>(stream, parameters.elements, most),
    }
}

/// The bytes of elements of a type.
fn elements<T: Number>(stream: &[u8], elements: u64, most: u64) -> Result<Vec<u8>, Refused> {
    let size = elements.checked_mul(wide(T::SIZE)).filter(|size| *size <= most).ok_or(Refused::Damaged)?;
    if stream.starts_with(&MAGIC) {
        return Err(Refused::Other("of another version"));
    }
    let (config, data) = Config::split(stream).filter(|(config, _)| config.has(elements)).ok_or(Refused::Damaged)?;
    if config.openmp {
        return Err(Refused::Other("by several threads"));
    }
    if config.bound == 0.0 {
        return lossless(data, size).filter(|bytes| wide(bytes.len()) == size).ok_or(Refused::Damaged);
    }
    let most = elements.saturating_mul(MOST_OF_ELEMENT).saturating_add(4096);
    let bytes = lossless(data, most).ok_or(Refused::Damaged)?;
    let mut fields = Fields::new(&bytes);
    let values: Vec<T> = match config.algorithm {
        Algorithm::LorenzoRegression => lorenzo::decode(&mut fields, &config)?,
        Algorithm::Interpolation => {
            interpolation::decode(&mut fields, &config.dims, elements).ok_or(Refused::Damaged)?
        }
        Algorithm::Other(_) => return Err(Refused::Other("of another algorithm")),
    };
    let mut bytes = Vec::with_capacity(values.len().saturating_mul(T::SIZE));
    for value in values {
        value.write(&mut bytes);
    }
    Ok(bytes)
}

/// What Zstandard holds (`Lossless_zstd`): a size, then a frame of as many bytes.
fn lossless(data: &[u8], most: u64) -> Option<Vec<u8>> {
    let mut fields = Fields::new(data);
    let size = fields.u64().filter(|size| *size <= most)?;
    zstd::decode(fields.rest, size).ok().filter(|bytes| wide(bytes.len()) == size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Parameters of a chunk of 4 by 6 floats.
    const VALUES: [u32; 4] = [2, 0, 6, 4];

    const SIZES: [u8; 16] = [4, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0];

    /// A quantizer of steps of 1, of which 10 stands for none, without values that are stored.
    const QUANTIZER: [u8; 21] = [2, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// Codes of the numbers 10, which is 0, and 11.
    const TREE: [u8; 34] = [
        10, 0, 0, 0, // offset
        0, 0, 0, 3, // number of nodes
        0, 0, 0, 1, // half the number of states
        0, // little-endian
        1, 0, 0, // nodes to the left
        2, 0, 0, // nodes to the right
        0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, // numbers, above the offset
        0, 1, 1, // leaves
    ];

    /// What is stored of interpolated elements: the first is 1 and no other differs from what it is predicted to be.
    fn interpolated() -> Vec<u8> {
        let block_and_interpolation = [32, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        let codes = [3, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0];
        [&SIZES[..], &block_and_interpolation, &QUANTIZER, &TREE, &codes].concat()
    }

    /// The same of neighbours, in one block of two layers.
    fn from_neighbours() -> Vec<u8> {
        let one_number = [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let predictors = [16, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
        let codes = [3, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0];
        [&SIZES[..], &predictors, &one_number, &QUANTIZER, &TREE, &codes].concat()
    }

    /// A stream of what Zstandard holds, changed in some bytes of the configuration.
    fn stream(held: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
        let mut config = config::tests::CONFIG;
        for (at, byte) in changes {
            config[*at] = *byte;
        }
        [&wide(held.len()).to_le_bytes()[..], &zstd::encode(held), &config].concat()
    }

    /// Changes that make a stream one of neighbours, one layer away and two.
    const NEIGHBOURS: [(usize, u8); 3] = [(25, 0), (44, 1), (45, 0)];

    fn floats(bytes: &[u8]) -> Vec<f32> {
        bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect()
    }

    #[test]
    fn elements_are_interpolated_from_the_first() {
        let decoded = decode(&stream(&interpolated(), &[]), &VALUES, 96).unwrap();
        assert_eq!(floats(&decoded), [1.0; 24]);
    }

    #[test]
    fn elements_are_predicted_from_neighbours() {
        let decoded = decode(&stream(&from_neighbours(), &NEIGHBOURS), &VALUES, 96).unwrap();
        // Two layers continue slopes: beside the first these are 1.
        let expected: Vec<f32> =
            (1..=4_u8).flat_map(|row| (1..=6_u8).map(move |column| f32::from(row * column))).collect();
        assert_eq!(floats(&decoded), expected);
    }

    #[test]
    fn without_a_bound_elements_are_stored_as_they_are() {
        let held: Vec<u8> = (0..96).collect();
        let no_bound = [(33, 0), (34, 0)];
        assert_eq!(decode(&stream(&held, &no_bound), &VALUES, 96), Ok(held.clone()));
        assert_eq!(decode(&stream(&held[1..], &no_bound), &VALUES, 96), Err(Refused::Damaged));
    }

    #[test]
    fn few_elements_and_those_of_no_known_type_are_left_as_they_are() {
        assert_eq!(decode(b"any", &[1, 0, 0, 19], 0), Ok(b"any".to_vec()));
        assert_eq!(decode(b"any", &[], 0), Ok(b"any".to_vec()));
        assert_eq!(decode(b"any", &[1, 0, 0, 20], 100), Err(Refused::Damaged));
    }

    #[test]
    fn what_this_version_does_not_write_is_refused_by_what_it_is() {
        let refused = |held: &[u8], changes: &[_]| decode(&stream(held, changes), &VALUES, 96).unwrap_err();
        assert_eq!(refused(&interpolated(), &[(25, 3)]), Refused::Other("of another algorithm"));
        assert_eq!(refused(&interpolated(), &[(25, 1)]), Refused::Other("of another algorithm"));
        assert_eq!(refused(&interpolated(), &[(71, 1)]), Refused::Other("by several threads"));
        assert_eq!(refused(&from_neighbours(), &[(25, 0)]), Refused::Other("regression"));
        assert_eq!(refused(&from_neighbours(), &[(25, 0), (45, 0), (43, 0)]), Refused::Damaged);
        let later = [&MAGIC[..], &stream(&interpolated(), &[])].concat();
        assert_eq!(decode(&later, &VALUES, 96), Err(Refused::Other("of another version")));
        assert_eq!(decode(&later, &[0xf342_f310, 0], 96), Err(Refused::Other("of another version")));
    }

    #[test]
    fn sizes_must_agree() {
        let stream = stream(&interpolated(), &[]);
        assert_eq!(decode(&stream, &VALUES, 95), Err(Refused::Damaged), "more than is expected");
        assert_eq!(decode(&stream, &[2, 0, 6, 5], 200), Err(Refused::Damaged), "another number of elements");
        for length in 0..stream.len() {
            assert_eq!(decode(&stream[..length], &VALUES, 96), Err(Refused::Damaged), "{length} bytes");
        }
        for held in [interpolated(), from_neighbours()] {
            let changes: &[_] = if held == interpolated() { &[] } else { &NEIGHBOURS };
            for length in 0..held.len() {
                let stream = super::tests::stream(&held[..length], changes);
                assert_eq!(decode(&stream, &VALUES, 96), Err(Refused::Damaged), "{length} bytes");
            }
        }
    }

    #[test]
    fn nothing_is_allocated_for_bytes_that_cannot_be_there() {
        let mut huge = stream(&interpolated(), &[]);
        huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(decode(&huge, &VALUES, 96), Err(Refused::Damaged));
        assert_eq!(decode(&huge, &[2, 0, u32::MAX, u32::MAX], 96), Err(Refused::Damaged));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0_u32..10) {
            prop_assert!(decode(&bytes, &[2, kind, 6, 4], 192).is_err());
            let held = decode(&stream(&bytes, &[]), &[2, kind, 6, 4], 192);
            prop_assert!(held.is_err());
        }

        #[test]
        fn changed_bytes_decode_to_as_many_elements_or_not(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
            of_config in prop::collection::vec((0_usize..76, any::<u8>()), 0..2),
            neighbours: bool,
            kind in 0_u32..10,
        ) {
            let mut held = if neighbours { from_neighbours() } else { interpolated() };
            for (at, byte) in changes {
                let at = at.index(held.len());
                held[at] = byte;
            }
            let mut config = if neighbours { NEIGHBOURS.to_vec() } else { Vec::new() };
            config.extend(of_config);
            if let Ok(decoded) = decode(&stream(&held, &config), &[2, kind, 6, 4], 192) {
                let size = [4, 8, 1, 1, 2, 2, 4, 4, 8, 8][kind as usize];
                prop_assert_eq!(decoded.len(), 24 * size);
            }
        }
    }
}
