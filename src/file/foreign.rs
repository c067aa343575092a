//! Chunks that other libraries filtered, compared with what libhdf5 reads of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::filters::ids;
use super::proofs::{opened, tree_of};
use super::{Dataset, File, Storage};
use crate::error::Structure;
use crate::field::convert::{narrow, wide};
use crate::limits::Limits;
use crate::source::Halt;

/// Files with chunks that other libraries filtered, and how many of their datasets hold numbers.
const FILES: [(&str, usize); 18] = [
    ("bitshuffle", 45),
    ("blosc", 12),
    ("blosc2", 106),
    ("blosc2_arrays", 81),
    ("blosc_blocks", 75),
    ("blosc_snappy", 12),
    ("bzip2", 4),
    ("fcidecomp", 67),
    ("foreign_decoded", 5),
    ("foreign_never_written", 3),
    ("lz4", 10),
    ("registered", 5),
    ("sperr", 40),
    ("sperr_chunks", 7),
    ("sperr_missing", 14),
    ("zfp", 120),
    ("zfp_extremes", 56),
    ("zstd", 4),
];

#[test]
fn chunks_that_other_libraries_filtered_decode_to_what_libhdf5_reads() {
    for (name, count) in FILES {
        let path = format!("{}/testdata/filter/{name}", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(format!("{path}.h5")).unwrap();
        let expectation: Json = serde_json::from_slice(&std::fs::read(format!("{path}.json")).unwrap()).unwrap();
        let mut compared = 0;
        for object in tree_of(&bytes).objects {
            let Some(dataset) = object.dataset().filter(|dataset| is_ours(dataset)) else { continue };
            let expected = &expectation["objects"][&object.path];
            let Some(value) = (expected.get("sha256").or(expected.get("values"))).and_then(Json::as_str) else {
                continue;
            };
            let fill = usize::from(name == "foreign_never_written") * 7;
            let read = opened(&bytes, Limits::default(), |file| elements(file, dataset, u8::try_from(fill).unwrap()));
            let mut read = read.unwrap_or_else(|error| panic!("{name} {}: {error}", object.path));
            if expected["dtype"].as_str().is_some_and(|dtype| dtype.starts_with('>')) {
                read.chunks_mut(narrow(dataset.datatype.size.into())).for_each(<[u8]>::reverse);
            }
            let same = if expected.get("sha256").is_some() {
                format!("{:x}", Sha256::digest(&read)) == value
            } else {
                read == STANDARD.decode(value).unwrap()
            };
            assert!(same, "{name} {}", object.path);
            compared += 1;
        }
        assert_eq!(compared, count, "{name}");
    }
}

fn is_ours(dataset: &Dataset) -> bool {
    let ours = [
        ids::BITSHUFFLE,
        ids::BLOSC,
        ids::BLOSC2,
        ids::BZIP2,
        ids::FCIDECOMP,
        ids::LZ4,
        ids::SPERR,
        ids::ZFP,
        ids::ZSTD,
    ];
    dataset.filters.filters.iter().any(|filter| ours.contains(&filter.id))
}

/// The elements in C order, as they are stored; those of missing chunks have `fill` as their lowest byte.
fn elements(file: &File<'_>, dataset: &Dataset, fill: u8) -> Result<Vec<u8>, Halt> {
    let Storage::Chunked { chunk, chunks: Some(table), .. } = &dataset.storage else { panic!("no chunks") };
    let table = table.clone()?;
    let size = narrow(dataset.datatype.size.into());
    let shape: Vec<usize> = dataset.dataspace.dimensions.iter().map(|length| narrow(*length)).collect();
    let chunk: Vec<usize> = chunk.iter().map(|length| narrow(*length)).collect();
    let mut element = vec![0; size];
    element[0] = fill;
    let mut elements = element.repeat(shape.iter().product());
    for (n, corner) in table.positions().enumerate() {
        let range = table.offset[n]..table.offset[n] + table.size[n];
        let block = file.read_blocks(&[range])?.remove(0);
        let count: usize = chunk.iter().product();
        let filters = (&dataset.filters, table.mask(n));
        let bytes = file.unfiltered(Structure::Chunk, &block, filters, wide(count * size))?;
        for (inside, element) in bytes.chunks(size).enumerate() {
            let (mut rest, mut at, mut stride) = (inside, Some(0), 1);
            for (axis, length) in shape.iter().enumerate().rev() {
                let position = narrow(corner[axis]) * chunk[axis] + rest % chunk[axis];
                at = at.filter(|_| position < *length).map(|at| at + position * stride);
                (rest, stride) = (rest / chunk[axis], stride * length);
            }
            if let Some(at) = at {
                elements[at * size..][..size].copy_from_slice(element);
            }
        }
    }
    Ok(elements)
}
