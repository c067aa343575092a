//! C1 to C8: indexes of chunks, and what they say of a chunk.

use flate2::{Compression, FlushCompress};

use super::Wanted::{Lost, Read};
use super::layouts::of_shape;
use super::{Case, case};
use crate::writer::Draft;
use crate::writer::index::{ExtensibleArray, FixedArray, Tree2, chunk_key, node1, node2};
use crate::writer::message::{
    INTEGER, UNDEFINED, chunked, chunked_by_tree, dataspace, dataspace_with_maxima, datatype, fill_value, filters, wide,
};

pub(super) fn cases() -> Vec<Case> {
    let indexes = [trees1(), trees2(), extensible(), fixed(), implicit(), single()];
    let records = [places(), stored(), filtered()];
    indexes.into_iter().chain(records).flatten().collect()
}

/// A file of 16 integers in chunks of 4 with a version 1 B-tree.
fn tree1(mut draft: Draft, tree: u64) -> Vec<u8> {
    let layout = chunked_by_tree(tree, &[4, 4]);
    draft.add(&[0; 8]);
    draft.finish_dataset(&[dataspace(&[16]), datatype(&INTEGER), fill_value(), layout])
}

/// One node with these keys and children between them.
fn node(level: u8, entries: usize, keys: &[u64], children: &[u64]) -> Vec<u8> {
    let key = |offset: &u64| chunk_key(16, 0, &[*offset]);
    let mut body: Vec<u8> =
        keys.iter().zip(children).flat_map(|(offset, child)| [key(offset), wide(&[*child])].concat()).collect();
    body.extend(keys[children.len()..].iter().flat_map(key));
    node1(1, level, entries, &body)
}

fn trees1() -> Vec<Case> {
    let one = |node: &dyn Fn(u64) -> Vec<u8>| {
        let mut draft = Draft::default();
        let tree = draft.add_at(node);
        tree1(draft, tree)
    };
    let siblings = |at: u64| {
        let mut bytes = node(0, 1, &[0, 4], &[96]);
        bytes[8..24].copy_from_slice(&wide(&[at, at]));
        bytes
    };
    let mut draft = Draft::default();
    let leaf = draft.add(&node(0, 1, &[0, 4], &[96]));
    let two_down = draft.add(&node(2, 1, &[0, 16], &[leaf]));
    vec![
        case(
            "a node that is its own child",
            Lost("B-tree node reached a second time"),
            one(&|at| node(1, 1, &[0, 8], &[at])),
        ),
        case("2^30 leaves that are one", Lost("B-tree node reached a second time"), many_paths()),
        case("a node that is its own sibling", Read(2, 1), one(&siblings)),
        case(
            "a node of level 255 with 65,535 entries",
            Lost("entries used is 65535"),
            one(&|_| node(255, 65535, &[0, 4], &[96])),
        ),
        case("a leaf with 65,535 entries", Lost("entries used is 65535"), one(&|_| node(0, 65535, &[0, 4], &[96]))),
        case("a level that is left out", Lost("node level is 0"), tree1(draft, two_down)),
        case("a tree of groups", Lost("node type is 0"), one(&|_| node1(0, 0, 1, &wide(&[0, 96, 8])))),
        case("a tree at the superblock", Lost("2096 bytes at 0x"), tree1(Draft::default(), 0)),
        case("a tree past the end", Lost("2096 bytes at 0x"), tree1(Draft::default(), 1 << 40)),
        case("a child near 2^64", Lost("2096 bytes at 0x"), one(&|_| node(1, 1, &[0, 8], &[u64::MAX - 1]))),
        case("a child nowhere", Lost("child address is undefined"), one(&|_| node(1, 1, &[0, 8], &[UNDEFINED]))),
    ]
}

/// Both children of each node are the next.
fn many_paths() -> Vec<u8> {
    let mut draft = Draft::default();
    let mut tree = draft.add(&node(0, 1, &[0, 4], &[96]));
    for level in 1..31 {
        tree = draft.add(&node(level, 2, &[0, 4, 8], &[tree, tree]));
    }
    tree1(draft, tree)
}

/// A file of 8 x 8 integers in chunks of 4 x 4 with a version 2 B-tree.
fn tree2(mut draft: Draft, tree: &Tree2) -> Vec<u8> {
    let index = draft.add(&tree.bytes());
    let parameters = [&[5][..], &2048_u32.to_le_bytes(), &[100, 40]].concat();
    let layout = chunked(&[4, 4, 4], 0, &parameters, index);
    let space = dataspace_with_maxima(&[8, 8], &[UNDEFINED; 2]);
    draft.finish_dataset(&[space, datatype(&INTEGER), fill_value(), layout])
}

/// A file of one leaf with these chunks, each at an address and a place of the grid.
fn leaf2(chunks: &[[u64; 3]], change: impl FnOnce(&mut Tree2)) -> Vec<u8> {
    let mut draft = Draft::default();
    let records: Vec<u8> = chunks.iter().flat_map(|chunk| wide(chunk)).collect();
    let mut leaf = node2(10, &records, &[]);
    leaf.resize(2048, 0);
    let leaf = draft.add(&leaf);
    let mut tree = Tree2::of_chunks(leaf, u16::try_from(chunks.len()).unwrap());
    change(&mut tree);
    tree2(draft, &tree)
}

fn trees2() -> Vec<Case> {
    let chunk = [96, 0, 0];
    let of = |change: fn(&mut Tree2)| leaf2(&[chunk], change);
    let mut draft = Draft::default();
    let root = draft.add_at(|at| {
        let child = [&wide(&[at])[..], &[1]].concat();
        [node2(10, &wide(&chunk), &child.repeat(2)), vec![0; 2048]].concat()
    });
    let itself = tree2(draft, &Tree2 { depth: 1, total: 3, ..Tree2::of_chunks(root, 1) });
    let mut draft = Draft::default();
    let leaf = draft.add(&[node2(10, &wide(&chunk), &[]), vec![0; 2048]].concat());
    let child = [&wide(&[leaf])[..], &[1]].concat();
    let root = draft.add(&[node2(10, &wide(&[96, 0, 1]), &child.repeat(2)), vec![0; 2048]].concat());
    let twice = tree2(draft, &Tree2 { depth: 1, total: 3, ..Tree2::of_chunks(root, 1) });
    vec![
        case("a chunk in a version 2 tree", Read(2, 1), of(|_| ())),
        case("a tree 65,535 deep", Lost("depth is 65535"), of(|tree| tree.depth = 65535)),
        case("a tree deeper than its node", Lost("signature is not \"BTIN\""), of(|tree| tree.depth = 1)),
        case("records of 0 bytes", Lost("record size is 0"), of(|tree| tree.record_size = 0)),
        case("records of other chunks", Lost("checksum is 0x"), of(|tree| tree.record_size = 32)),
        case("records of another type", Lost("type is 5, not 10"), of(|tree| tree.record_type = 5)),
        case("nodes of 0 bytes", Lost("node size is 0"), of(|tree| tree.node_size = 0)),
        case(
            "nodes of 4 GiB",
            Lost("node size is 4294967295"),
            of(|tree| (tree.node_size, tree.root_records) = (u32::MAX, 65535)),
        ),
        case(
            "2^64 records",
            Lost("total number of records is 18446744073709551615, not 1"),
            of(|tree| tree.total = u64::MAX),
        ),
        case(
            "65,535 records in a node",
            Lost("the bytes end inside the structure"),
            of(|tree| (tree.root_records, tree.total) = (65535, 65535)),
        ),
        case("a tree without a root", Lost("total number of records is 1"), of(|tree| tree.root = UNDEFINED)),
        case("a root at the superblock of the file", Lost("signature is not \"BTLF\""), of(|tree| tree.root = 0)),
        case("a node of version 2 that is its own child", Lost("B-tree node reached a second time"), itself),
        case("two children that are one", Lost("B-tree node reached a second time"), twice),
        case("one chunk at two places of a leaf", Lost("duplicate chunk"), leaf2(&[chunk, chunk], |_| ())),
        case("chunks in the wrong order", Lost("chunks out of order"), leaf2(&[[96, 1, 0], [96, 0, 0]], |_| ())),
        case(
            "a chunk far outside",
            Lost("chunk offset is 18446744073709551615"),
            leaf2(&[[96, 1 << 62, 1 << 62]], |_| ()),
        ),
    ]
}

/// A file of 16 integers in chunks of 4 with an extensible array, in which the first is there.
fn array(change: impl FnOnce(&mut ExtensibleArray)) -> Vec<u8> {
    let mut draft = Draft::default();
    let at = draft.add(&[7; 16]);
    let mut array = ExtensibleArray::default();
    change(&mut array);
    let index = array.add(&mut draft, [at, UNDEFINED, UNDEFINED, UNDEFINED]);
    let layout = chunked(&[4, 4], 0, &ExtensibleArray::LAYOUT, index);
    let space = dataspace_with_maxima(&[16], &[UNDEFINED]);
    draft.finish_dataset(&[space, datatype(&INTEGER), fill_value(), layout])
}

fn extensible() -> Vec<Case> {
    vec![
        case("a chunk in an extensible array", Read(2, 1), array(|_| ())),
        case("entries of 0 bytes", Lost("element size is 0"), array(|array| array.entry_size = 0)),
        case("entries of 255 bytes", Lost("element size is 255"), array(|array| array.entry_size = 255)),
        case("indexes of 0 bits", Lost("maximum number of elements bits is 0"), array(|array| array.index_bits = 0)),
        case(
            "indexes of 255 bits",
            Lost("maximum number of elements bits is 255"),
            array(|array| array.index_bits = 255),
        ),
        case("255 entries in an index block", Lost("2306 bytes at 0x"), array(|array| array.index_entries = 255)),
        case(
            "data blocks of 0 entries",
            Lost("minimum number of elements of a data block is 0"),
            array(|array| array.least_entries = 0),
        ),
        case(
            "data blocks of 3 entries",
            Lost("minimum number of elements of a data block is 3"),
            array(|array| array.least_entries = 3),
        ),
        case(
            "super blocks of 0 pointers",
            Lost("minimum number of data block pointers is 0"),
            array(|array| array.least_pointers = 0),
        ),
        case("super blocks of 128 pointers", Lost("page bits is 10"), array(|array| array.least_pointers = 128)),
        case("pages of 2^63 entries", Read(2, 1), array(|array| array.page_bits = 63)),
        case("pages of 2^255 entries", Lost("page bits is 255"), array(|array| array.page_bits = 255)),
        case("2^62 of everything", Read(2, 1), array(|array| array.counts = [1 << 62; 6])),
        case(
            "an index block at the superblock",
            Lost("signature is not \"EAIB\""),
            array(|array| array.block = Some(0)),
        ),
        case("an index block near 2^64", Lost("298 bytes at 0x"), array(|array| array.block = Some(u64::MAX - 8))),
        case("no index block", Read(2, 0), array(|array| array.block = Some(UNDEFINED))),
    ]
}

/// A file of so many chunks of one integer with a fixed array, in which the first is there.
fn fixed_array(chunks: u64, change: impl FnOnce(&mut FixedArray)) -> Vec<u8> {
    let mut draft = Draft::default();
    let at = draft.add(&[7; 16]);
    let mut array = FixedArray { entries: chunks, ..FixedArray::default() };
    change(&mut array);
    let index = array.add(&mut draft, &[at, UNDEFINED, UNDEFINED, UNDEFINED]);
    let layout = chunked(&[1, 4], 0, &[3, 10], index);
    draft.finish_dataset(&[dataspace(&[chunks]), datatype(&INTEGER), fill_value(), layout])
}

fn fixed() -> Vec<Case> {
    vec![
        case("a chunk in a fixed array", Read(2, 1), fixed_array(4, |_| ())),
        case("2^40 entries", Lost("134217746 bytes at 0x"), fixed_array(1 << 40, |_| ())),
        case("2^60 entries", Lost("140737488355346 bytes at 0x"), fixed_array(1 << 60, |_| ())),
        case(
            "2^64 entries of 4 chunks",
            Lost("2251799813685266 bytes at 0x"),
            fixed_array(4, |array| array.entries = u64::MAX),
        ),
        case("3 entries of 4 chunks", Lost("checksum is 0x"), fixed_array(4, |array| array.entries = 3)),
        case("fixed entries of 0 bytes", Lost("element size is 0"), fixed_array(4, |array| array.entry_size = 0)),
        case("fixed pages of 2^255 entries", Lost("page bits is 255"), fixed_array(4, |array| array.page_bits = 255)),
        case("fixed pages of 1 entry", Lost("checksum is 0x"), fixed_array(4, |array| array.page_bits = 0)),
        case(
            "a data block at the superblock",
            Lost("signature is not \"FADB\""),
            fixed_array(4, |array| array.block = Some(0)),
        ),
        case("a data block past the end", Lost("50 bytes at 0x"), fixed_array(4, |array| array.block = Some(1 << 40))),
    ]
}

fn implicit() -> Vec<Case> {
    let of = |length: u64, at: u64| of_shape(&[length], |_| chunked(&[4, 4], 0, &[2], at));
    vec![
        case("a chunk without an index", Read(2, 1), of(4, 96)),
        case("2^60 chunks without an index", Lost("4611686018427387904 bytes at 0x"), of(1 << 60, 96)),
        case("2^62 chunks without an index", Lost("number of chunks overflows"), of(u64::MAX, 96)),
        case("chunks past the end without an index", Lost("16 bytes at 0x"), of(4, 1 << 40)),
        case("chunks near 2^64 without an index", Lost("16 bytes at 0x"), of(4, u64::MAX - 15)),
    ]
}

fn single() -> Vec<Case> {
    let of = |size: u64| {
        let mut draft = Draft::default();
        let at = draft.add(&[7; 16]);
        let layout = chunked(&[4, 4], 2, &[&[1][..], &wide(&[size]), &[0; 4]].concat(), at);
        draft.finish_dataset(&[dataspace(&[4]), datatype(&INTEGER), fill_value(), layout, filters(&[1])])
    };
    let plain = |at: u64| of_shape(&[4], |_| chunked(&[4, 4], 0, &[1], at));
    vec![
        case("one chunk", Read(2, 1), plain(96)),
        case("one chunk of 2^63 bytes", Lost("9223372036854775808 bytes at 0x"), of(1 << 63)),
        case("one chunk of 0 bytes", Lost("chunk size is 0"), of(0)),
        case("one chunk past the end", Lost("16 bytes at 0x"), plain(1 << 40)),
        case("one chunk near 2^64", Lost("16 bytes at 0x"), plain(u64::MAX - 8)),
    ]
}

/// Chunks of a version 1 B-tree: bytes and where they are, offset in the dataset, mask.
type Chunk = (u32, u64, u64, u32);

/// A file of 16 integers in chunks of 4, and 64 bytes at 96 where chunks can be.
fn chunks(chunks: &[Chunk], numbers: &[u8]) -> Vec<u8> {
    let mut draft = Draft::default();
    assert_eq!(draft.add(&[7; 64]), 96);
    chunked_dataset(draft, chunks, numbers)
}

/// The same of a file that has something else at 96.
fn chunked_dataset(mut draft: Draft, chunks: &[Chunk], numbers: &[u8]) -> Vec<u8> {
    let record = |(size, at, offset, mask): &Chunk| [chunk_key(*size, *mask, &[*offset]), wide(&[*at])].concat();
    let records: Vec<u8> = chunks.iter().flat_map(record).chain(chunk_key(0, 0, &[1 << 40])).collect();
    let tree = draft.add(&node1(1, 0, chunks.len(), &records));
    let mut messages = vec![dataspace(&[16]), datatype(&INTEGER), fill_value(), chunked_by_tree(tree, &[4, 4])];
    messages.extend((!numbers.is_empty()).then(|| filters(numbers)));
    draft.finish_dataset(&messages)
}

fn places() -> Vec<Case> {
    vec![
        case("two chunks at one place", Lost("duplicate chunk"), chunks(&[(16, 96, 0, 0), (16, 112, 0, 0)], &[])),
        case("one chunk at two places", Read(2, 2), chunks(&[(16, 96, 0, 0), (16, 96, 4, 0)], &[])),
        case("keys in the wrong order", Lost("chunks out of order"), chunks(&[(16, 96, 8, 0), (16, 112, 0, 0)], &[])),
        case("a chunk between the places of the grid", Lost("chunk offset is 3"), chunks(&[(16, 96, 3, 0)], &[])),
        case("a chunk outside the dataset", Lost("chunk offset is 4294967296"), chunks(&[(16, 96, 1 << 32, 0)], &[])),
        case(
            "a chunk at an offset near 2^64",
            Lost("chunk offset is 18446744073709551612"),
            chunks(&[(16, 96, u64::MAX - 3, 0)], &[]),
        ),
    ]
}

fn stored() -> Vec<Case> {
    let at = |at: u64| chunks(&[(16, at, 0, 0)], &[]);
    vec![
        case("a chunk over the superblock", Read(2, 1), at(0)),
        case("a chunk past the end", Lost("16 bytes at 0x"), at(1 << 40)),
        case("a chunk whose end wraps", Lost("16 bytes at 0x"), at(u64::MAX - 7)),
        case("a chunk nowhere", Lost("child address is undefined"), at(UNDEFINED)),
        case("a filtered chunk over the end", Lost("1073741824 bytes at 0x"), chunks(&[(1 << 30, 96, 0, 0)], &[1])),
        case("a chunk of 7 bytes for 16", Lost("chunk size is 7, not 16"), chunks(&[(7, 96, 0, 0)], &[])),
        case("a chunk of 32 bytes for 16", Lost("chunk size is 32, not 16"), chunks(&[(32, 96, 0, 0)], &[])),
        case("a chunk of 0 bytes", Lost("chunk size is 0"), chunks(&[(0, 96, 0, 0)], &[])),
        case("a filtered chunk of 0 bytes", Lost("chunk size is 0"), chunks(&[(0, 96, 0, 0)], &[1])),
    ]
}

fn filtered() -> Vec<Case> {
    let bomb = bomb();
    let size = u32::try_from(bomb.len()).unwrap();
    let holding = |numbers: &[u8], chunks: &[Chunk]| {
        let mut draft = Draft::default();
        assert_eq!(draft.add(&bomb), 96);
        chunked_dataset(draft, chunks, numbers)
    };
    // Its second filter was left out, unlike those of the others: it is decoded here.
    let decoded = [(16, 96, 0, 0), (16, 96, 4, 0), (size, 96, 8, 1 << 1)];
    let short = chunks(&[(2, 96, 0, 1 << 1)], &[3, 2]);
    vec![
        case("16 bytes that are 200 MiB", Read(2, 1), holding(&[1], &[(size, 96, 0, 0)])),
        case(
            "16 bytes that are 200 MiB and decoded",
            Lost("deflate stream does not decode"),
            holding(&[1, 2], &decoded),
        ),
        case("a checksum in 2 bytes", Lost("the bytes end inside the structure"), short),
        case("all filters left out of 7 bytes", Lost("decoded size is 7, not 16"), chunks(&[(7, 96, 0, 1)], &[1])),
        case("all filters left out of 32 bytes", Lost("decoded size is 32, not 16"), chunks(&[(32, 96, 0, 1)], &[1])),
        case("a checksum behind 12 bytes", Lost("decoded size is 12, not 16"), chunks(&[(16, 96, 0, 0)], &[3])),
        case("7 shuffled bytes", Lost("decoded size is 7, not 16"), chunks(&[(7, 96, 0, 0)], &[2])),
        case("all filters left out", Read(2, 1), chunks(&[(16, 96, 0, 1)], &[1])),
        case("filters left out that there are not", Read(2, 1), chunks(&[(16, 96, 0, 1 << 31)], &[1])),
    ]
}

/// 200 MiB of zeros under zlib (RFC 1950), made of one MiB that is said 200 times.
fn bomb() -> Vec<u8> {
    let mebibyte = vec![0; 1 << 20];
    let mut deflate = flate2::Compress::new(Compression::best(), false);
    let mut piece = Vec::with_capacity(1 << 16);
    deflate.compress_vec(&mebibyte, &mut piece, FlushCompress::Full).unwrap();
    // The sum of zeros is their number and 1.
    let (ones, length) = (1_u32, 200_u32 << 20);
    let checksum = (length % 65521) << 16 | ones;
    [&[0x78, 0xda][..], &piece.repeat(200), &[3, 0], &checksum.to_be_bytes()].concat()
}
