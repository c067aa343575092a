//! A reader of arrays through references that shares no code with the library.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use h5refs::reference::Array;
use h5refs::zarr::{Codec, Dtype, FillValue};

use crate::element::{self, Simple};

/// The elements of an array in C order: texts of any length as their bytes, all else little-endian.
pub(crate) fn elements(array: &Array, file: &[u8]) -> Vec<Vec<u8>> {
    let (shape, chunks) = (sizes(&array.metadata.shape), sizes(&array.metadata.chunks));
    let grid: Vec<usize> = shape.iter().zip(&chunks).map(|(size, chunk)| size.div_ceil(*chunk)).collect();
    assert_eq!(sizes(&array.chunks.grid), grid, "the grid of {shape:?} in chunks of {chunks:?}");
    let mut elements = vec![fill(array); shape.iter().product()];
    for (number, stored) in stored(array, file) {
        let corner = position(number, &grid);
        let inside = chunk(array, stored, chunks.iter().product());
        for (n, mut element) in inside.into_iter().enumerate() {
            let at = position(n, &chunks);
            let at: Vec<usize> = at.iter().zip(&corner).zip(&chunks).map(|((at, c), size)| at + c * size).collect();
            if at.iter().zip(&shape).all(|(at, size)| at < size) {
                if element::size(&array.metadata.dtype) > 0 {
                    element::make_little(&array.metadata.dtype, &mut element);
                }
                elements[at.iter().zip(&shape).fold(0, |n, (at, size)| n * size + at)] = element;
            }
        }
    }
    elements
}

fn sizes(sizes: &[u64]) -> Vec<usize> {
    sizes.iter().map(|size| usize::try_from(*size).unwrap()).collect()
}

/// The position of the `n`th cell of a grid in C order.
fn position(n: usize, grid: &[usize]) -> Vec<usize> {
    let mut rest = n;
    let mut position: Vec<usize> = grid
        .iter()
        .rev()
        .map(|size| {
            let at = rest % size;
            rest /= size;
            at
        })
        .collect();
    assert_eq!(rest, 0, "chunk {n} of a grid of {grid:?}");
    position.reverse();
    position
}

/// The chunks that are referenced or inline, each once.
fn stored<'a>(array: &'a Array, file: &'a [u8]) -> Vec<(usize, &'a [u8])> {
    let manifest = &array.chunks;
    assert!(manifest.number.is_sorted_by(|a, b| a < b), "the chunks do not ascend");
    assert!(manifest.number.iter().all(|number| !manifest.inline.contains_key(number)), "a chunk is there twice");
    let ranges = manifest.offset.iter().zip(&manifest.length).map(|(offset, length)| {
        let (offset, length) = (usize::try_from(*offset).unwrap(), usize::try_from(*length).unwrap());
        &file[offset..offset + length]
    });
    let referenced = manifest.number.iter().zip(ranges);
    let inline = manifest.inline.iter().map(|(number, bytes)| (number, bytes.as_ref()));
    referenced.chain(inline).map(|(number, bytes)| (usize::try_from(*number).unwrap(), bytes)).collect()
}

/// The elements of a chunk, its codecs undone.
fn chunk(array: &Array, stored: &[u8], count: usize) -> Vec<Vec<u8>> {
    let mut bytes = stored.to_vec();
    for codec in array.metadata.filters.iter().rev() {
        bytes = match codec {
            Codec::Zlib { .. } => read(flate2::read::ZlibDecoder::new(&bytes[..])),
            Codec::Shuffle { elementsize } => unshuffled(&bytes, usize::try_from(*elementsize).unwrap()),
            Codec::Fletcher32 => bytes[..bytes.len() - 4].to_vec(),
            Codec::Bz2 { .. } => read(bzip2::read::BzDecoder::new(&bytes[..])),
            Codec::Zstd { .. } => read(ruzstd::decoding::StreamingDecoder::new(&bytes[..]).unwrap()),
            Codec::VlenUtf8 => return texts(&bytes, count),
            other => panic!("the test knows no codec {other:?}"),
        };
    }
    let size = element::size(&array.metadata.dtype);
    assert_eq!(bytes.len(), count * size, "bytes of a chunk");
    bytes.chunks_exact(size).map(<[u8]>::to_vec).collect()
}

fn read(mut decoder: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    decoder.read_to_end(&mut bytes).unwrap();
    bytes
}

fn unshuffled(bytes: &[u8], size: usize) -> Vec<u8> {
    assert_eq!(bytes.len() % size, 0, "numcodecs shuffles whole elements only");
    let count = bytes.len() / size;
    (0..bytes.len()).map(|n| bytes[n % size * count + n / size]).collect()
}

/// numcodecs' `vlen-utf8`.
fn texts(bytes: &[u8], count: usize) -> Vec<Vec<u8>> {
    let number = |at: usize| usize::try_from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap();
    assert_eq!(number(0), count, "texts of a chunk");
    let (mut texts, mut at) = (Vec::new(), 4);
    while at < bytes.len() {
        let end = at + 4 + number(at);
        texts.push(bytes[at + 4..end].to_vec());
        at = end;
    }
    assert_eq!(texts.len(), count, "texts of a chunk");
    texts
}

/// What elements of missing chunks read as.
fn fill(array: &Array) -> Vec<u8> {
    match (&array.metadata.fill_value, &array.metadata.dtype) {
        (None, dtype) => vec![0; element::size(dtype)],
        (Some(FillValue::Complex(..)), _) => panic!("the test knows no complex fill value"),
        (Some(FillValue::Bytes(bytes)), dtype) => {
            let mut element = bytes.clone();
            element::make_little(dtype, &mut element);
            element
        }
        (Some(value), Dtype::Simple(dtype)) => {
            let json = serde_json::to_value(value).unwrap();
            Simple::parse(dtype).unwrap().encode(&json)
        }
        (Some(value), dtype) => panic!("{value:?} is no fill value of {dtype:?}"),
    }
}

pub(crate) fn base64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}
