//! L1 to L4: where data are said to be, and how large.

use super::Wanted::{Lost, Read};
use super::{Case, case};
use crate::writer::Draft;
use crate::writer::message::{
    INTEGER, Message, UNDEFINED, chunked, chunked_by_tree, contiguous, dataspace, datatype, fill_value, message, wide,
};

pub(super) fn cases() -> Vec<Case> {
    [contiguous_data(), compact(), chunked_data(), sparse()].into_iter().flatten().collect()
}

/// The messages of a dataset of four integers at an address.
pub(super) fn dataset(at: u64) -> Vec<Message> {
    vec![dataspace(&[4]), datatype(&INTEGER), fill_value(), contiguous(at, 16)]
}

/// A file of a dataset of integers of a shape whose layout knows where 16 bytes are.
pub(super) fn of_shape(shape: &[u64], layout: impl FnOnce(u64) -> Message) -> Vec<u8> {
    let mut draft = Draft::default();
    let layout = layout(draft.add(&[7; 16]));
    draft.finish_dataset(&[dataspace(shape), datatype(&INTEGER), fill_value(), layout])
}

fn contiguous_data() -> Vec<Case> {
    let long = of_shape(&[1 << 38], |at| contiguous(at, 1 << 40));
    vec![
        case("data of 1 TiB", Lost("1099511627776 bytes at 0x"), long),
        case("data past the end", Lost("16 bytes at 0x"), of_shape(&[4], |_| contiguous(1 << 40, 16))),
        case("data over the end", Lost("4096 bytes at 0x"), of_shape(&[1024], |at| contiguous(at, 4096))),
        case("data whose end wraps", Lost("32 bytes at 0x"), of_shape(&[8], |_| contiguous(u64::MAX - 15, 32))),
        case("data whose end is 2^64", Lost("16 bytes at 0x"), of_shape(&[4], |_| contiguous(u64::MAX - 16, 16))),
        case("fewer bytes than elements", Lost("size is 16, not 4000"), of_shape(&[1000], |at| contiguous(at, 16))),
        case("more bytes than elements", Read(2, 1), of_shape(&[2], |at| contiguous(at, 16))),
        case("data nowhere", Read(2, 0), of_shape(&[4], |_| contiguous(UNDEFINED, 16))),
        case("data nowhere of 2^40 elements", Read(2, 0), of_shape(&[1 << 40], |_| contiguous(UNDEFINED, 0))),
    ]
}

fn compact() -> Vec<Case> {
    let compact = |size: u16, bytes: &[u8]| {
        let layout = [&[3, 0][..], &size.to_le_bytes(), bytes].concat();
        of_shape(&[4], |_| message(0x08, layout))
    };
    vec![
        case("compact data", Read(2, 1), compact(16, &[7; 16])),
        case("compact data past the message", Lost("the bytes end inside the structure"), compact(65535, &[7; 16])),
        case("fewer compact bytes than elements", Lost("size is 8, not 16"), compact(8, &[7; 8])),
        case("more compact bytes than elements", Lost("size is 24, not 16"), compact(24, &[7; 24])),
        case("no compact bytes", Lost("size is 0, not 16"), compact(0, &[])),
    ]
}

fn chunked_data() -> Vec<Case> {
    let tree = |shape: &[u64], sizes: &[u32]| of_shape(shape, |_| chunked_by_tree(UNDEFINED, sizes));
    let single = |sizes: &[u64]| of_shape(&[4], |at| chunked(sizes, 0, &[1], at));
    let large = [u32::MAX, u32::MAX, 4];
    vec![
        case("a chunk of size 0", Lost("chunk dimension size is 0"), tree(&[16], &[0, 4])),
        case("elements of size 0 in a chunk", Lost("chunk dimension size is 0"), tree(&[16], &[4, 0])),
        case("a chunk of other elements", Lost("dataset element size is 8, not 4"), tree(&[16], &[4, 8])),
        case("a chunk of 2^66 bytes", Lost("size of a chunk overflows"), tree(&[1 << 40, 1 << 40], &large)),
        case("a chunk of more dimensions", Lost("dimensionality is 4, not 2"), tree(&[16], &[4, 4, 4, 4])),
        case("a chunk of fewer dimensions", Lost("dimensionality is 2, not 3"), tree(&[16, 16], &[4, 4])),
        case("a chunk of 33 dimensions", Lost("dimensionality is 34"), tree(&[1; 32], &[4; 34])),
        case("a chunk without dimensions", Lost("dimensionality is 0"), tree(&[16], &[])),
        case("a chunk of size 0 in layout 4", Lost("chunk dimension size is 0"), single(&[0, 4])),
        case("a chunk of 2^63 elements", Lost("size of a chunk overflows"), single(&[1 << 63, 4])),
        case(
            "sizes of no width",
            Lost("dimension size encoded length is 0"),
            of_shape(&[4], |at| message(0x08, [&[4, 2, 0, 2, 0, 1][..], &wide(&[at])].concat())),
        ),
        case(
            "sizes of 255 bytes",
            Lost("dimension size encoded length is 255"),
            of_shape(&[4], |at| message(0x08, [&[4, 2, 0, 2, 255, 1][..], &wide(&[at])].concat())),
        ),
        case("layout version 9", Lost("version is 9"), of_shape(&[4], |_| message(0x08, [9, 1, 0, 0]))),
        case("layout class 9", Lost("layout class is 9"), of_shape(&[4], |_| message(0x08, [3, 9, 0, 0]))),
    ]
}

fn sparse() -> Vec<Case> {
    let shape = [1 << 40; 2];
    let tree = of_shape(&shape, |_| chunked_by_tree(UNDEFINED, &[1, 1, 4]));
    let array = of_shape(&shape, |_| chunked(&[1, 1, 4], 0, &[3, 10], UNDEFINED));
    vec![
        case("2^80 chunks that are not there", Read(2, 0), tree),
        case("2^80 chunks that are not there in a fixed array", Read(2, 0), array),
    ]
}
