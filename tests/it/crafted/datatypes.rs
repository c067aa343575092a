//! T1 and T2: datatypes in datatypes, sizes and counts of them. D1: dataspaces.

use super::Wanted::Lost;
use super::{Case, case};
use crate::writer::Draft;
use crate::writer::message::{
    INTEGER, Message, UNDEFINED, chunked_by_tree, contiguous, dataspace, dataspace_with_maxima, datatype, fill_value,
    message, wide,
};

pub(super) fn cases() -> Vec<Case> {
    [deep(), sizes(), members(), dataspaces()].into_iter().flatten().collect()
}

/// A file of a dataset of four elements of a type.
fn of_type(bytes: &[u8]) -> Vec<u8> {
    let mut draft = Draft::default();
    let at = draft.add(&[7; 16]);
    draft.finish_dataset(&[dataspace(&[4]), datatype(bytes), fill_value(), contiguous(at, 16)])
}

/// As many types in each other as fit into a message.
fn nested(around: &[u8]) -> Vec<u8> {
    let levels = (65_000 - INTEGER.len()) / around.len();
    of_type(&[around.repeat(levels), INTEGER.to_vec()].concat())
}

fn deep() -> Vec<Case> {
    // Class and version, bits, size; what each class has after them.
    let sequence = [0x19, 0, 0, 0, 16, 0, 0, 0];
    let compound = [&[0x36, 1, 0, 0, 4, 0, 0, 0][..], b"x\0\0"].concat();
    let array = [&[0x3a, 0, 0, 0, 4, 0, 0, 0][..], &[1, 1, 0, 0, 0]].concat();
    let enumeration = [0x38, 0, 0, 0, 4, 0, 0, 0];
    vec![
        case("8,000 sequences in each other", Lost("65 exceeds Limits::datatype_depth = 64"), nested(&sequence)),
        case("6,000 compounds in each other", Lost("65 exceeds Limits::datatype_depth = 64"), nested(&compound)),
        case("5,000 arrays in each other", Lost("65 exceeds Limits::datatype_depth = 64"), nested(&array)),
        case("8,000 enumerations in each other", Lost("65 exceeds Limits::datatype_depth = 64"), nested(&enumeration)),
    ]
}

/// A file of a chunked dataset of texts of a size.
fn texts(size: u32) -> Vec<u8> {
    let text = [&[0x13, 0, 0, 0][..], &size.to_le_bytes()].concat();
    let layout = chunked_by_tree(UNDEFINED, &[10, size]);
    Draft::default().finish_dataset(&[dataspace(&[50]), datatype(&text), fill_value(), layout])
}

fn sizes() -> Vec<Case> {
    let most = u32::MAX.to_le_bytes();
    let array = [&[0x3a, 0, 0, 0][..], &most, &[32], &most.repeat(32), &INTEGER].concat();
    let integer = |offset: u16, precision: u16| {
        of_type(&[&INTEGER[..8], &offset.to_le_bytes(), &precision.to_le_bytes()].concat())
    };
    vec![
        case("elements of 0 bytes", Lost("size is 0"), texts(0)),
        case("elements of 4 GiB", Lost("4294967295 exceeds Limits::element_bytes = 67108864"), texts(u32::MAX)),
        case("an array of 32 dimensions of 4 Gi", Lost("size of array overflows"), of_type(&array)),
        case(
            "an array of 255 dimensions",
            Lost("dimensionality is 255"),
            of_type(&[&[0x3a, 0, 0, 0, 4, 0, 0, 0, 255][..], &[1; 1020], &INTEGER].concat()),
        ),
        case("65,535 bits in 4 bytes", Lost("bit precision is 65535"), integer(65535, 65535)),
        case("33 bits in 4 bytes", Lost("bit precision is 33"), integer(0, 33)),
        case("no bits", Lost("bit precision is 0"), integer(0, 0)),
        case("class 15", Lost("class is 15"), of_type(&[0x1f, 0, 0, 0, 4, 0, 0, 0])),
    ]
}

fn members() -> Vec<Case> {
    let compound = |offset: u8| [&[0x36, 1, 0, 0, 4, 0, 0, 0][..], &[b'x', 0, offset], &INTEGER].concat();
    let enumeration = [&[0x38, 0xff, 0xff, 0, 4, 0, 0, 0][..], &INTEGER].concat();
    let itself = [&[0x38, 1, 0, 0, 4, 0, 0, 0][..], &[0x38, 1, 0, 0, 4, 0, 0, 0], &INTEGER].concat();
    vec![
        case(
            "65,535 members in 8 bytes",
            Lost("number of members is 65535"),
            of_type(&[0x36, 0xff, 0xff, 0, 4, 0, 0, 0]),
        ),
        case("no members", Lost("number of members is 0"), of_type(&[0x36, 0, 0, 0, 4, 0, 0, 0])),
        case("a member past its compound", Lost("byte offset of member is 1"), of_type(&compound(1))),
        case("65,535 names that are not there", Lost("number of members is 65535"), of_type(&enumeration)),
        case("an enumeration of enumerations", Lost("number of members is 1"), of_type(&itself)),
    ]
}

/// A file of a dataset of four elements with another dataspace.
fn of_space(space: Message) -> Vec<u8> {
    let mut draft = Draft::default();
    let at = draft.add(&[7; 16]);
    draft.finish_dataset(&[space, datatype(&INTEGER), fill_value(), contiguous(at, 16)])
}

fn dataspaces() -> Vec<Case> {
    let ranked = |rank: u8| message(0x01, [&[2, rank, 0, 1][..], &wide(&vec![1; rank.into()])].concat());
    vec![
        case("rank 33", Lost("dimensionality is 33"), of_space(ranked(33))),
        case("rank 255", Lost("dimensionality is 255"), of_space(ranked(255))),
        case("2^126 elements", Lost("size of the dataset overflows"), of_space(dataspace(&[1 << 63, 1 << 63]))),
        case(
            "a product that wraps to 4",
            Lost("size of the dataset overflows"),
            of_space(dataspace(&[(1 << 62) + 1, 4])),
        ),
        case("2^64 elements", Lost("size of the dataset overflows"), of_space(dataspace(&[u64::MAX]))),
        case(
            "a maximum that is less",
            Lost("maximum dimension size is 3"),
            of_space(dataspace_with_maxima(&[4], &[3])),
        ),
        case(
            "an undefined number of maxima",
            Lost("the bytes end inside the structure"),
            of_space(message(0x01, [&[2, 1, 1, 1][..], &wide(&[4])].concat())),
        ),
        case("a dataspace of class 9", Lost("type is 9"), of_space(message(0x01, [2, 0, 0, 9]))),
        case("no elements", Lost("null dataspace holds no elements"), of_space(message(0x01, [2, 0, 0, 2]))),
    ]
}
