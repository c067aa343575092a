//! A1: sizes and numbers of attributes.

use super::Wanted::{Lost, Read};
use super::layouts::dataset;
use super::{Case, case};
use crate::writer::Draft;
use crate::writer::message::{INTEGER, Message, attribute, message, wide};

pub(super) fn cases() -> Vec<Case> {
    // A dataspace: version, rank, flags, simple.
    let space = |shape: &[u64]| [&[2, u8::try_from(shape.len()).unwrap(), 0, 1][..], &wide(shape)].concat();
    let of = |shape: &[u64]| with(&[attribute("x", &INTEGER, &space(shape), &[7; 4])]);
    let sizes = [&[3, 0][..], &[0xff; 6], &[0], b"x\0"].concat();
    let texts = [&[0x13, 0, 0, 0][..], &u32::MAX.to_le_bytes()].concat();
    let twice = [attribute("x", &INTEGER, &space(&[1]), &[7; 4]), attribute("x", &INTEGER, &space(&[1]), &[8; 4])];
    let many: Vec<Message> =
        (0..100_000).map(|n| attribute(&format!("a{n}"), &INTEGER, &[2, 0, 0, 0], &[7; 4])).collect();
    vec![
        case("an attribute", Read(2, 1), of(&[1])),
        case(
            "a name, a type and a space past the message",
            Lost("the bytes end inside the structure"),
            with(&[message(0x0c, sizes)]),
        ),
        case(
            "2^62 integers in 4 bytes",
            Lost("attribute \"x\": 18446744073709551615 exceeds Limits::attribute_bytes = 16777216"),
            of(&[1 << 62]),
        ),
        case(
            "2^62 x 4 integers in 4 bytes",
            Lost("attribute \"x\": 18446744073709551615 exceeds Limits::attribute_bytes = 16777216"),
            of(&[1 << 62, 4]),
        ),
        case("rank 255 in an attribute", Lost("dimensionality is 255"), of(&[1; 255])),
        case(
            "a text of 4 GiB",
            Lost("attribute \"x\": 4294967295 exceeds Limits::attribute_bytes = 16777216"),
            with(&[attribute("x", &texts, &space(&[1]), b"text")]),
        ),
        case(
            "2^60 texts of 4 GiB",
            Lost("attribute \"x\": 18446744073709551615 exceeds Limits::attribute_bytes = 16777216"),
            with(&[attribute("x", &texts, &space(&[1 << 60]), b"text")]),
        ),
        case("two attributes of one name", Lost("attribute \"x\": its name is that of one before it"), with(&twice)),
        case("100,000 attributes", Read(2, 1), with(&many)),
    ]
}

/// A file of a dataset with these attributes.
fn with(attributes: &[Message]) -> Vec<u8> {
    let mut draft = Draft::default();
    let mut messages = dataset(draft.add(&[7; 16]));
    messages.extend_from_slice(attributes);
    draft.finish_dataset(&messages)
}
