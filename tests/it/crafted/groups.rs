//! G1 to G3 and G6: groups that hold one another, symbol tables, local heaps, soft links.

use super::Wanted::{Lost, Read, Refused};
use super::{Case, case};
use crate::writer::Draft;
use crate::writer::message::{UNDEFINED, group_header, hard_link, link, soft_link, wide};
use crate::writer::old::OldGroup;

pub(super) fn cases() -> Vec<Case> {
    [hard_links(), soft_links(), symbol_tables(), local_heaps()].into_iter().flatten().collect()
}

fn hard_links() -> Vec<Case> {
    let mut itself = Draft::default();
    let root = itself.add_at(|at| group_header(&[hard_link(b"self", at)]));
    let itself = itself.finish(root);
    let mut in_turn = Draft::default();
    let size = group_header(&[hard_link(b"a", 0)]).len().next_multiple_of(8) as u64;
    let first = in_turn.add_at(|at| group_header(&[hard_link(b"a", at + size)]));
    in_turn.add(&group_header(&[hard_link(b"a", first)]));
    let around = |name: &[u8], at: u64| {
        let mut draft = Draft::default();
        let root = draft.group(&[hard_link(name, at)]);
        draft.finish(root)
    };
    let mut named = Draft::default();
    let member = named.group(&[]);
    let root = named.group(&[hard_link("a".repeat(60_000).as_bytes(), member)]);
    let named = named.finish(root);
    let long = [1, 0x19, 0, 1, 0xff, 0xff, b'a'];
    let mut past = link(0, b"a", &wide(&[96]));
    past.body = long.to_vec();
    let mut draft = Draft::default();
    let root = draft.group(&[past]);
    vec![
        case("a group that holds itself", Read(1, 0), itself),
        case("groups that hold each other", Read(2, 0), in_turn.finish(first)),
        case("2^30 paths", Refused("100001 exceeds Limits::paths = 100000"), many_paths()),
        case("20,000 groups in each other", Refused("1025 exceeds Limits::group_depth = 1024"), deep()),
        case("an object past the end", Lost("1 bytes at 0x"), around(b"a", 1 << 40)),
        case("an object nowhere", Refused("object header address is undefined"), around(b"a", UNDEFINED)),
        case("an object at the superblock", Lost("signature is not \"OHDR\""), around(b"a", 0)),
        case("a name of 60,000 bytes", Read(2, 0), named),
        case("a name past its message", Refused("the bytes end inside the structure"), draft.finish(root)),
    ]
}

/// Each group holds the next twice.
fn many_paths() -> Vec<u8> {
    let mut draft = Draft::default();
    let mut group = draft.group(&[]);
    for _ in 0..30 {
        group = draft.group(&[hard_link(b"a", group), hard_link(b"b", group)]);
    }
    draft.finish(group)
}

/// Each group holds the next, which is behind it: what a scan reads ahead is what it needs.
fn deep() -> Vec<u8> {
    let mut draft = Draft::default();
    let size = group_header(&[hard_link(b"g", 0)]).len().next_multiple_of(8) as u64;
    let root = draft.add_at(|at| group_header(&[hard_link(b"g", at + size)]));
    for _ in 0..20_000 {
        draft.add_at(|at| group_header(&[hard_link(b"g", at + size)]));
    }
    draft.group(&[]);
    draft.finish(root)
}

fn soft_links() -> Vec<Case> {
    let of = |links: &[(&str, &str)]| {
        let links: Vec<_> = links.iter().map(|(name, path)| soft_link(name.as_bytes(), path.as_bytes())).collect();
        let mut draft = Draft::default();
        let root = draft.group(&links);
        draft.finish(root)
    };
    let chain: Vec<(String, String)> = (0..40).map(|n| (format!("l{n}"), format!("/l{}", n + 1))).collect();
    let chain: Vec<(&str, &str)> = chain.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    let long = "../".repeat(20_000);
    vec![
        case("soft links to each other", Read(1, 0), of(&[("a", "/b"), ("b", "/a"), ("c", "c")])),
        case("soft links through each other", Read(1, 0), of(&[("a", "b/x"), ("b", "a/x"), ("c", "c/c/c")])),
        case("a soft link up and out", Read(1, 0), of(&[("a", "../../.."), ("b", &long), ("c", "/"), ("d", ".")])),
        case("40 soft links to one another", Read(1, 0), of(&chain)),
        case("a soft link to nothing", Read(1, 0), of(&[("a", ""), ("b", "\0"), ("c", "////")])),
    ]
}

/// A file whose root is a group as older files have it.
fn old(change: impl FnOnce(&mut OldGroup)) -> Vec<u8> {
    let mut draft = Draft::default();
    let mut group = OldGroup { object: Some(draft.group(&[])), ..OldGroup::default() };
    change(&mut group);
    let root = group.add(&mut draft);
    draft.finish(root)
}

fn symbol_tables() -> Vec<Case> {
    vec![
        case("an old group", Read(2, 0), old(|_| ())),
        case("an old group that holds itself", Read(1, 0), old(|group| group.object = None)),
        case("65,535 symbols", Refused("number of symbols is 65535"), old(|group| group.symbols = 65535)),
        case("a name past the heap", Refused("the bytes end inside the structure"), old(|group| group.name = 1 << 20)),
        case("a name near 2^64", Refused("the bytes end inside the structure"), old(|group| group.name = u64::MAX - 1)),
        case(
            "a name without its end",
            Refused("name without terminating NUL is not valid text"),
            old(|group| group.names = [b'a'; 24]),
        ),
        case("a symbol of cache type 77", Refused("cache type is 77"), old(|group| group.cache_type = 77)),
        case(
            "a tree of names that is its own child",
            Refused("B-tree node reached a second time"),
            old(|group| group.level = (1, true)),
        ),
        case(
            "symbols where a tree is due",
            Refused("signature is not \"TREE\""),
            old(|group| group.level = (1, false)),
        ),
        case(
            "a tree of names of level 255",
            Refused("B-tree node reached a second time"),
            old(|group| group.level = (255, true)),
        ),
        case(
            "a tree where symbols are due",
            Refused("signature is not \"SNOD\""),
            old(|group| group.level = (0, true)),
        ),
    ]
}

fn local_heaps() -> Vec<Case> {
    vec![
        case("a heap past the end", Refused("24 bytes at 0x"), old(|group| group.heap_segment = Some(1 << 40))),
        case(
            "a heap nowhere",
            Refused("data segment address is undefined"),
            old(|group| group.heap_segment = Some(UNDEFINED)),
        ),
        case(
            "a heap of 2^64 bytes",
            Refused("18446744073709551615 bytes at 0x"),
            old(|group| group.heap_size = u64::MAX),
        ),
        case("a heap of 0 bytes", Refused("the bytes end inside the structure"), old(|group| group.heap_size = 0)),
        case("a heap whose free list is itself", Read(2, 0), old(|group| group.heap_free = 0)),
    ]
}
