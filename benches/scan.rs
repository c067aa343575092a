//! How fast references of a file are found, and with how many allocations: `cargo bench --bench scan`.
//!
//! `in_memory` is a scan of a file in memory; `in_rounds` one whose caller supplies what it asks for, and which is replayed each time;
//! `untranslated` reads the same of a file in memory, chunk indexes too, and stops there: what a scan takes longer is the translation.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails is not measured")]

mod input;

use std::process::ExitCode;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use h5refs::reference::Node;
use h5refs::{Input, Limits, Options, ReferenceSet, Scan};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const FILES: [&str; 13] = [
    "chunks/single",
    "chunks/implicit",
    "chunks/fixed_array",
    "chunks/fixed_array_paged",
    "chunks/extensible_array",
    "chunks/btree_v1",
    "chunks/btree_v1_million",
    "chunks/btree_v2",
    "groups/symbol_table",
    "groups/dense_links",
    "attributes/compact",
    "attributes/dense",
    "netcdf/dimension_scales",
];

fn main() -> ExitCode {
    input::run(FILES)
}

#[divan::bench(args = FILES)]
fn in_memory(bencher: Bencher, case: &str) {
    let file = input::file(case);
    bencher.counter(items(case, &file)).bench(|| h5refs::references(&file, &options()).unwrap());
}

#[divan::bench(args = FILES)]
fn in_rounds(bencher: Bencher, case: &str) {
    let file = input::file(case);
    bencher.counter(items(case, &file)).bench(|| Scan::references(file.size(), options()).run(&file).unwrap());
}

#[divan::bench(args = FILES)]
fn untranslated(bencher: Bencher, case: &str) {
    let file = input::file(case);
    bencher.counter(items(case, &file)).bench(|| h5refs::tree(&file, Limits::default()).unwrap());
}

fn options() -> Options {
    Options::new("s3://bucket/file.h5")
}

/// What there is most of in a file: of groups the datasets, of attributes these, else the chunks.
fn items(case: &str, file: &Input) -> ItemsCount {
    let (set, report) = h5refs::references(file, &options()).unwrap();
    assert_eq!(report.refused().count(), 0, "something is refused");
    ItemsCount::new(match case.split('/').next() {
        Some("groups") => set.arrays().count(),
        Some("attributes") => set.nodes.iter().map(|(_, node)| attributes(node)).sum(),
        _ => chunks(&set),
    })
}

fn attributes(node: &Node) -> usize {
    match node {
        Node::Group(attributes) => attributes.iter().count(),
        Node::Array(array) => array.attributes.iter().count(),
    }
}

fn chunks(set: &ReferenceSet) -> usize {
    set.arrays().map(|(_, array)| array.chunks.present()).sum()
}
