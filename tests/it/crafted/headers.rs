//! H1 to H5: sizes and counts of object headers, blocks that continue in one another, messages that are missing, twice or shared.

use super::Wanted::{Lost, Read, Refused};
use super::layouts::dataset;
use super::{Case, case};
use crate::writer::Draft;
use crate::writer::checksum::seal;
use crate::writer::message::{
    INTEGER, Message, UNDEFINED, committed, continuation, continuation_block, dataspace, datatype, group_info, header,
    link_info, message, wide,
};
use crate::writer::old::{header1, messages1};

pub(super) fn cases() -> Vec<Case> {
    [sizes(), sizes1(), continuations(), continuations1(), messages(), shared()].into_iter().flatten().collect()
}

/// A file whose root has this object header.
fn root(bytes: &[u8]) -> Vec<u8> {
    let mut draft = Draft::default();
    let root = draft.add(bytes);
    draft.finish(root)
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    seal(&mut bytes);
    bytes
}

fn sizes() -> Vec<Case> {
    let of = |flags: u8, size: &[u8], rest: &[u8]| root(&sealed([b"OHDR\x02", &[flags][..], size, rest].concat()));
    vec![
        case(
            "a header of 4 GiB",
            Refused("4294967309 exceeds Limits::header_bytes = 67108864"),
            of(2, &u32::MAX.to_le_bytes(), &[0; 64]),
        ),
        case("a header of 2^64 bytes", Refused("size of chunk 0 overflows"), of(3, &u64::MAX.to_le_bytes(), &[0; 64])),
        case(
            "a message of 65,535 bytes",
            Refused("the bytes end inside the structure"),
            of(0, &[20], &[&[1, 0xff, 0xff, 0][..], &[0; 16]].concat()),
        ),
        case("a header of nothing but a gap", Refused("datatype message is missing"), of(0, &[3], &[0; 3])),
        case("a header without messages", Refused("datatype message is missing"), of(0, &[0], &[])),
    ]
}

fn sizes1() -> Vec<Case> {
    let group = [group_info(), link_info(UNDEFINED, UNDEFINED)];
    vec![
        case("65,535 messages", Read(1, 0), root(&header1(65535, None, &group))),
        case("fewer messages than there are", Read(1, 0), root(&header1(1, None, &group))),
        case(
            "a header of version 1 of 4 GiB",
            Refused("4294967311 exceeds Limits::header_bytes = 67108864"),
            root(&header1(2, Some(u32::MAX), &group)),
        ),
        case(
            "a header of version 1 without bytes",
            Refused("datatype message is missing"),
            root(&header1(2, Some(0), &group)),
        ),
    ]
}

/// A file whose root continues in one place, and so many bytes that are there.
fn continued(length: u64, block: impl Fn(u64) -> Vec<u8>) -> Vec<u8> {
    let mut draft = Draft::default();
    let at = draft.add_at(block);
    let root = draft.group(&[continuation(at, length)]);
    draft.finish(root)
}

fn continuations() -> Vec<Case> {
    let mut draft = Draft::default();
    let [first, second] = [96, 128];
    draft.add(&continuation_block(&[continuation(second, 28)]));
    assert_eq!(draft.add(&continuation_block(&[continuation(first, 28)])), second);
    let root = draft.group(&[continuation(first, 28)]);
    let in_turn = draft.finish(root);
    let itself = continued(28, |at| continuation_block(&[continuation(at, 28)]));
    let past = |at| continued(28, move |_| continuation_block(&[continuation(at, 28)]));
    let mut draft = Draft::default();
    let own = draft.add_at(|at| header(&[group_info(), link_info(UNDEFINED, UNDEFINED), continuation(at, 28)]));
    vec![
        case("a block that continues in itself", Refused("continuation block reached a second time"), itself),
        case("two blocks that continue in each other", Refused("continuation block reached a second time"), in_turn),
        case("2^30 blocks that are 30", Refused("continuation block reached a second time"), many_paths()),
        case(
            "a block of a million bytes",
            Refused("1048576 bytes at 0x"),
            continued(1 << 20, |_| continuation_block(&[])),
        ),
        case("a block near 2^64", Refused("28 bytes at 0x"), past(u64::MAX - 8)),
        case("a block nowhere", Refused("continuation address is undefined"), past(UNDEFINED)),
        case(
            "a block without bytes",
            Refused("the bytes end inside the structure"),
            continued(0, |_| continuation_block(&[])),
        ),
        case("a block that is the header", Refused("signature is not \"OCHK\""), draft.finish(own)),
    ]
}

/// Each block continues twice in the next.
fn many_paths() -> Vec<u8> {
    let mut draft = Draft::default();
    let (mut at, mut length) = (draft.add(&continuation_block(&[message(0, [])])), 12);
    for _ in 0..30 {
        at = draft.add(&continuation_block(&[continuation(at, length), continuation(at, length)]));
        length = 48;
    }
    let root = draft.group(&[continuation(at, length)]);
    draft.finish(root)
}

fn continuations1() -> Vec<Case> {
    let mut draft = Draft::default();
    let itself = draft.add_at(|at| messages1(&[continuation(at, 24)]));
    let root = draft.add(&header1(100, None, &[group_info(), continuation(itself, 24)]));
    let itself = draft.finish(root);
    let mut draft = Draft::default();
    let (mut at, mut length) = (draft.add(&messages1(&[message(0, [0; 8])])), 16);
    for _ in 0..30 {
        at = draft.add(&messages1(&[continuation(at, length), continuation(at, length)]));
        length = 48;
    }
    let root = draft.add(&header1(100, None, &[continuation(at, length)]));
    vec![
        case(
            "a block of version 1 that continues in itself",
            Refused("continuation block reached a second time"),
            itself,
        ),
        case(
            "2^30 blocks of version 1 that are 30",
            Refused("continuation block reached a second time"),
            draft.finish(root),
        ),
    ]
}

/// A file of a dataset, but for what is changed.
fn changed(change: impl FnOnce(&mut Vec<Message>)) -> Vec<u8> {
    let mut draft = Draft::default();
    let mut messages = dataset(draft.add(&[7; 16]));
    change(&mut messages);
    draft.finish_dataset(&messages)
}

fn messages() -> Vec<Case> {
    let unknown = |flags| Message { flags, ..message(0x77, [0; 8]) };
    vec![
        case("a dataset", Read(2, 1), changed(|_| ())),
        case(
            "two dataspaces",
            Lost("duplicate dataspace message"),
            changed(|messages| messages.push(dataspace(&[2, 2]))),
        ),
        case(
            "two datatypes",
            Lost("duplicate datatype message"),
            changed(|messages| messages.push(datatype(&INTEGER))),
        ),
        case(
            "two layouts",
            Lost("duplicate data layout message"),
            changed(|messages| messages.push(messages[3].clone())),
        ),
        case("no dataspace", Lost("dataspace message is missing"), changed(|messages| drop(messages.remove(0)))),
        case("no datatype", Lost("datatype message is missing"), changed(|messages| drop(messages.remove(1)))),
        case("no layout", Lost("data layout message is missing"), changed(|messages| drop(messages.remove(3)))),
        case("an unknown message", Read(2, 1), changed(|messages| messages.push(unknown(0)))),
        case(
            "an unknown message that has to be understood",
            Lost("object header message of type 0x0077 must be understood and is not"),
            changed(|messages| messages.push(unknown(0x80))),
        ),
    ]
}

fn shared() -> Vec<Case> {
    let with = |mut draft: Draft, datatype: Message| {
        let mut messages = dataset(draft.add(&[7; 16]));
        messages[1] = datatype;
        draft.finish_dataset(&messages)
    };
    let mut itself = Draft::default();
    let at = itself.add_at(|at| header(&[committed(at)]));
    let mut in_turn = Draft::default();
    let size = header(&[committed(0)]).len().next_multiple_of(8) as u64;
    let first = in_turn.add_at(|at| header(&[committed(at + size)]));
    in_turn.add(&header(&[committed(first)]));
    let in_heap = Message { flags: 2, ..message(0x03, [&[3, 1][..], &[0; 8]].concat()) };
    let odd = Message { flags: 2, ..message(0x03, [&[3, 77][..], &wide(&[0])].concat()) };
    vec![
        case("a datatype shared with itself", Lost("the shared message is missing"), with(itself, committed(at))),
        case(
            "datatypes shared with each other",
            Lost("the shared message is missing"),
            with(in_turn, committed(first)),
        ),
        case(
            "a datatype shared with the superblock",
            Lost("signature is not \"OHDR\""),
            with(Draft::default(), committed(0)),
        ),
        case(
            "a datatype shared with nothing",
            Lost("object header address is undefined"),
            with(Draft::default(), committed(UNDEFINED)),
        ),
        case(
            "a datatype in a heap that there is not",
            Lost("the table of shared messages is missing"),
            with(Draft::default(), in_heap),
        ),
        case("a datatype shared in a way that there is not", Lost("type is 77"), with(Draft::default(), odd)),
    ]
}
