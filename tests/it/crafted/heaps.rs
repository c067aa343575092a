//! G4 and G5: fractal heaps of links, global heaps of values.

use super::Wanted::{Lost, Read, Refused};
use super::{Case, case};
use crate::writer::Draft;
use crate::writer::checksum::seal;
use crate::writer::heap::{FractalHeap, block_behind, collection, direct_block, heap_id, object};
use crate::writer::message::{INTEGER, UNDEFINED, attribute, hard_link, wide};

pub(super) fn cases() -> Vec<Case> {
    [headers(), blocks(), collections()].into_iter().flatten().collect()
}

/// A file whose root's link to an empty group lies in a fractal heap.
fn dense(change: impl FnOnce(&mut FractalHeap)) -> Vec<u8> {
    let mut draft = Draft::default();
    let link = hard_link(b"a", draft.group(&[]));
    let mut heap = FractalHeap::default();
    change(&mut heap);
    let root = heap.group(&mut draft, &link);
    draft.finish(root)
}

fn headers() -> Vec<Case> {
    vec![
        case("a link in a heap", Read(2, 0), dense(|_| ())),
        case("a table 0 wide", Refused("table width is 0"), dense(|heap| heap.width = 0)),
        case("a table 65,535 wide", Refused("table width is 65535"), dense(|heap| heap.width = 65535)),
        case("a table 32,768 wide", Refused("table width is 32768"), dense(|heap| heap.width = 32768)),
        case("a first block of 0 bytes", Refused("starting block size is 0"), dense(|heap| heap.starting_block = 0)),
        case(
            "a first block of 1 byte",
            Refused("the bytes end inside the structure"),
            dense(|heap| heap.starting_block = 1),
        ),
        case(
            "a first block of 2^63 bytes",
            Refused("maximum direct block size is 65536"),
            dense(|heap| heap.starting_block = 1 << 63),
        ),
        case(
            "a first and a last block of 2^63 bytes",
            Refused("9223372036854775808 bytes at 0x"),
            dense(|heap| (heap.starting_block, heap.max_direct) = (1 << 63, 1 << 63)),
        ),
        case("direct blocks of 0 bytes", Refused("maximum direct block size is 0"), dense(|heap| heap.max_direct = 0)),
        case("a heap of 0 bits", Refused("maximum heap size is 0"), dense(|heap| heap.heap_bits = 0)),
        case("a heap of 65,535 bits", Refused("maximum heap size is 65535"), dense(|heap| heap.heap_bits = 65535)),
        case(
            "65,535 rows",
            Refused("current number of rows in root indirect block is 65535"),
            dense(|heap| heap.rows = 65535),
        ),
        case("64 rows", Refused("2069 bytes at 0x"), dense(|heap| heap.rows = 64)),
        case("IDs of 0 bytes", Read(2, 0), dense(|heap| heap.id_length = 0)),
        case("IDs of 65,535 bytes", Read(2, 0), dense(|heap| heap.id_length = 65535)),
        case("filters of 65,535 bytes", Refused("65693 bytes at 0x"), dense(|heap| heap.filter_length = 65535)),
        case("2^64 objects", Read(2, 0), dense(|heap| heap.managed_objects = u64::MAX)),
        case("objects of 4 GiB", Read(2, 0), dense(|heap| heap.max_managed = u32::MAX)),
        case(
            "no root block",
            Refused("the object's direct block is missing"),
            dense(|heap| heap.root = Some(UNDEFINED)),
        ),
        case("a root block at the superblock", Refused("signature is not \"FHDB\""), dense(|heap| heap.root = Some(0))),
        case("a root block past the end", Refused("512 bytes at 0x"), dense(|heap| heap.root = Some(1 << 40))),
    ]
}

/// A file whose root's link has this ID in a heap with an indirect block of four rows, one child of which knows where it is.
fn indirect(id: &[u8], place: usize, child: impl Fn(u64) -> u64) -> Vec<u8> {
    let mut draft = Draft::default();
    let heap = FractalHeap { max_direct: 1024, rows: 4, ..FractalHeap::default() };
    let root = heap.group_with(&mut draft, "a", id, |at| {
        let mut block = [&b"FHIB\0"[..], &wide(&[at]), &[0; 4]].concat();
        let mut children = [UNDEFINED; 16];
        children[place] = child(block_behind(at));
        block.extend(wide(&children));
        seal(&mut block);
        block.resize(512, 0);
        block
    });
    draft.finish(root)
}

fn blocks() -> Vec<Case> {
    // Two rows of four blocks of 512 bytes come before the last, and one of 1,024.
    let in_last_row = heap_id(8192 + 20, 20);
    let with_id = |id: &[u8], huge: u64| {
        let mut draft = Draft::default();
        let heap = FractalHeap { huge, ..FractalHeap::default() };
        let root = heap.group_with(&mut draft, "a", id, |at| direct_block(at, &[]));
        draft.finish(root)
    };
    let huge = [&[0x10][..], &[1; 6]].concat();
    vec![
        case(
            "an indirect block that is its own child",
            Refused("fractal heap block reached a second time"),
            indirect(&in_last_row, 12, |at| at),
        ),
        case(
            "an indirect block as a direct one",
            Refused("fractal heap block reached a second time"),
            indirect(&heap_id(20, 20), 0, |at| at),
        ),
        case("a child at the superblock", Refused("signature is not \"FHIB\""), indirect(&in_last_row, 12, |_| 0)),
        case(
            "a child of a heap nowhere",
            Refused("the object's direct block is missing"),
            indirect(&in_last_row, 12, |_| UNDEFINED),
        ),
        case("a child of a heap near 2^64", Refused("53 bytes at 0x"), indirect(&in_last_row, 12, |_| u64::MAX - 1)),
        case(
            "an object past its block",
            Refused("the bytes end inside the structure"),
            with_id(&heap_id(510, 20), UNDEFINED),
        ),
        case(
            "an object past the heap",
            Refused("the bytes end inside the structure"),
            with_id(&heap_id(u32::MAX, 20), UNDEFINED),
        ),
        case(
            "an object of 65,535 bytes",
            Refused("the bytes end inside the structure"),
            with_id(&heap_id(17, 65535), UNDEFINED),
        ),
        case(
            "a huge object in a tree that there is not",
            Refused("the huge object is missing"),
            with_id(&huge, UNDEFINED),
        ),
        case("a huge object in a tree that is the superblock", Refused("signature is not \"BTHD\""), with_id(&huge, 0)),
        case("an object of a kind that there is not", Refused("heap ID type is 3"), with_id(&[0x30; 7], UNDEFINED)),
        case("an ID of version 3", Refused("heap ID version is 3"), with_id(&[0xc0; 7], UNDEFINED)),
    ]
}

/// A file of a dataset with an attribute of so many integers in a collection at an address of its own or another.
fn in_collection(count: u32, size: u64, objects: &[u8], index: u32, at: Option<u64>) -> Vec<u8> {
    let mut draft = Draft::default();
    let heap = draft.add(&collection(size, objects));
    let mut messages = super::layouts::dataset(draft.add(&[7; 16]));
    let sequence = [&[0x19, 0, 0, 0, 16, 0, 0, 0][..], &INTEGER].concat();
    let value = [&count.to_le_bytes()[..], &wide(&[at.unwrap_or(heap)]), &index.to_le_bytes()].concat();
    messages.push(attribute("v", &sequence, &[2, 0, 0, 0], &value));
    draft.finish_dataset(&messages)
}

fn collections() -> Vec<Case> {
    let good = object(1, 8, &[7; 8]);
    let nothing = [object(1, 0, &[]), object(1, 0, &[])].concat();
    let free = [&good[..], &object(0, 0, &[]), &object(2, 8, &[7; 8])].concat();
    let of = |size: u64| in_collection(2, 4096, &object(1, size, &[7; 8]), 1, None);
    vec![
        case("values in a heap", Read(2, 1), in_collection(2, 4096, &good, 1, None)),
        case(
            "objects of 0 bytes with one index",
            Lost("the heap object is missing"),
            in_collection(2, 4096, &nothing, 2, None),
        ),
        case("free space of 0 bytes", Lost("the heap object is missing"), in_collection(2, 4096, &free, 2, None)),
        case("an object whose end wraps", Lost("the bytes end inside the structure"), of(u64::MAX - 15)),
        case("an object of 1 TiB", Lost("the bytes end inside the structure"), of(1 << 40)),
        case("an object past its collection", Lost("the bytes end inside the structure"), of(4096)),
        case(
            "a collection of 2^62 bytes",
            Lost("4611686018427387904 bytes at 0x"),
            in_collection(2, 1 << 62, &good, 1, None),
        ),
        case(
            "a collection of 2^64 bytes",
            Lost("18446744073709551615 bytes at 0x"),
            in_collection(2, u64::MAX, &good, 1, None),
        ),
        case("a collection of 16 bytes", Lost("the heap object is missing"), in_collection(2, 16, &good, 1, None)),
        case("a collection of 0 bytes", Lost("collection size is 0"), in_collection(2, 0, &good, 1, None)),
        case("an index that is missing", Lost("the heap object is missing"), in_collection(2, 4096, &good, 77, None)),
        case(
            "4 Gi values in 8 bytes",
            Lost("the bytes end inside the structure"),
            in_collection(u32::MAX, 4096, &good, 1, None),
        ),
        case("a collection at 0, which is none", Read(2, 1), in_collection(2, 4096, &good, 1, Some(0))),
        case(
            "a collection in the superblock",
            Lost("signature is not \"GCOL\""),
            in_collection(2, 4096, &good, 1, Some(8)),
        ),
        case("a collection past the end", Lost("1 bytes at 0x"), in_collection(2, 4096, &good, 1, Some(1 << 40))),
        case("a collection near 2^64", Lost("1 bytes at 0x"), in_collection(2, 4096, &good, 1, Some(u64::MAX - 8))),
    ]
}
