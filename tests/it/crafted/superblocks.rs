//! S1 to S6: where the file starts, how wide its numbers are, where it ends, and what its superblock leads to.

use super::Wanted::{Read, Refused};
use super::{Case, case};
use crate::writer::Draft;
use crate::writer::message::{UNDEFINED, header, message, wide};
use crate::writer::superblock::{SIGNATURE, Superblock};

pub(super) fn cases() -> Vec<Case> {
    [starts(), widths(), ends(), roots(), extensions()].into_iter().flatten().collect()
}

/// A file of an empty group with another superblock.
fn with(change: impl FnOnce(&mut Superblock)) -> Vec<u8> {
    let mut draft = Draft::default();
    let mut superblock = Superblock { root: draft.group(&[]), ..Superblock::default() };
    change(&mut superblock);
    draft.finish_with(&superblock)
}

/// A file behind so many bytes, its base address among them.
fn behind(bytes: &[u8]) -> Vec<u8> {
    let base = bytes.len() as u64;
    let mut file = with(|_| ());
    let end = base + file.len() as u64;
    let moved = with(|superblock| (superblock.base, superblock.end) = (base, Some(end)));
    file.copy_from_slice(&moved);
    [bytes, &file].concat()
}

fn starts() -> Vec<Case> {
    let mut false_start = vec![0; 1024];
    false_start[512..520].copy_from_slice(SIGNATURE);
    false_start[520] = 99;
    let inner = with(|_| ());
    let two = [with(|_| ()), vec![0; 512]].concat();
    let two = [&two[..512], &inner].concat();
    vec![
        case("a file behind 1,024 bytes", Read(1, 0), behind(&[0; 1024])),
        case("a signature before it that is none", Read(1, 0), behind(&false_start)),
        case("a file behind 100 bytes", Refused("the HDF5 signature is missing"), behind(&[0; 100])),
        case("a second file inside", Read(1, 0), two),
        case("version 9", Refused("version is 9"), with(|superblock| superblock.version = 9)),
    ]
}

fn widths() -> Vec<Case> {
    let offsets = |size| with(|superblock| superblock.offset_size = size);
    let wide = |high| with(|superblock| (superblock.offset_size, superblock.width) = (16, (16, high)));
    vec![
        case("offsets of 0 bytes", Refused("size of offsets is 0"), offsets(0)),
        case("offsets of 3 bytes", Refused("size of offsets is 3"), offsets(3)),
        case("offsets of 255 bytes", Refused("size of offsets is 255"), offsets(255)),
        case("offsets of 16 bytes that do not fit into 8", Refused("address overflows"), wide(1)),
        case("lengths of 0 bytes", Refused("size of lengths is 0"), with(|superblock| superblock.length_size = 0)),
        case("lengths of 16 bytes", Read(1, 0), with(|superblock| superblock.length_size = 16)),
    ]
}

fn ends() -> Vec<Case> {
    let ending = |end| with(|superblock| superblock.end = Some(end));
    let base = |base| with(|superblock| superblock.base = base);
    let whole = with(|_| ());
    let cut = whole[..whole.len() - 1].to_vec();
    vec![
        case("a base near 2^64", Refused("end of file address is 138"), base(u64::MAX - 7)),
        case("a base that is not where it starts", Refused("42 bytes at 0x"), base(8)),
        case("an end near 2^64", Refused("18446744073709551614 bytes at 0x"), ending(u64::MAX - 1)),
        case("no end", Refused("end of file address is undefined"), ending(UNDEFINED)),
        case("an end at 0", Refused("end of file address is 0"), ending(0)),
        case("an end inside", Refused("the bytes end inside the structure"), ending(100)),
        case("the last byte is missing", Refused("138 bytes at 0x"), cut),
        case("bytes behind the end", Read(1, 0), [whole, b"junk".repeat(1024)].concat()),
    ]
}

fn roots() -> Vec<Case> {
    let root = |root| with(|superblock| superblock.root = root);
    let mut draft = Draft::default();
    let dataset = draft.add(&header(&super::layouts::dataset(0)));
    vec![
        case("no root", Refused("root group object header address is undefined"), root(UNDEFINED)),
        case("a root at the superblock", Refused("signature is not \"OHDR\""), root(0)),
        case("a root past the end", Refused("1 bytes at 0x"), root(1 << 40)),
        case("a root near 2^64", Refused("1 bytes at 0x"), root(u64::MAX - 1)),
        case("a root between objects", Refused("signature is not \"OHDR\""), root(97)),
        case("a root that is a dataset", Refused("the root group is missing"), draft.finish(dataset)),
    ]
}

/// A file whose superblock extension has one message.
fn extended(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut draft = Draft::default();
    let extension = draft.add(&header(&[message(kind, body)]));
    let root = draft.group(&[]);
    draft.finish_with(&Superblock { extension, root, ..Superblock::default() })
}

fn extensions() -> Vec<Case> {
    let extension = |extension| with(|superblock| superblock.extension = extension);
    let driver = |name: &[u8; 8]| extended(0x14, &[&[0][..], name, &[8, 0], &[0; 8]].concat());
    let table = |at| extended(0x0f, &[&[0][..], &wide(&[at]), &[1]].concat());
    let image = |at, length| extended(0x18, &[&[0][..], &wide(&[at, length])].concat());
    vec![
        case("an extension at the superblock", Refused("signature is not \"OHDR\""), extension(0)),
        case("an extension past the end", Refused("1 bytes at 0x"), extension(1 << 40)),
        case("an extension that is the root", Read(1, 0), extension(96)),
        case(
            "a driver of several files",
            Refused("multi file driver (one file of several) is not supported"),
            driver(b"NCSAmult"),
        ),
        case("a driver that nobody knows", Refused("file driver information is not supported"), driver(b"EVILevil")),
        case("a table of shared messages past the end that nothing is in", Read(1, 0), table(1 << 40)),
        case("a cache image of 2^62 bytes", Refused("4611686018427387904 bytes at 0x"), image(96, 1 << 62)),
        case("a cache image at the superblock", Refused("signature is not \"MDCI\""), image(0, 48)),
        case("a cache image whose end wraps", Refused("64 bytes at 0x"), image(u64::MAX - 7, 64)),
        case("a cache image without bytes", Read(1, 0), image(UNDEFINED, 0)),
    ]
}
