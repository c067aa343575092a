//! What no reference expresses, read from sidecar files and compared with what libhdf5 reads.

use h5refs::reference::Array;
use h5refs::{Input, Options, ReferenceSet, Report, Sidecar, UnsupportedPolicy, references_with_sidecar};

use crate::values::{array, compare};
use crate::{direct, files};

/// What references call the sidecar file.
const BESIDE: &str = "s3://bucket/beside";

/// Files with datasets whose elements lie in others or in other files, and of each those that references do not express.
const ELSEWHERE: [(&str, &[&str]); 4] = [
    ("data_layout/external_torn.h5", &["/d"]),
    (
        "data_layout/virtual_read.h5",
        &["/gaps", "/halves", "/irregular", "/lzf", "/nested", "/odd", "/of_lzf", "/of_odd", "/of_records"],
    ),
    (
        "data_layout/virtual_refused.h5",
        &["/between_chunks", "/other_filters", "/other_shape", "/overlap", "/partial_chunk", "/reshaped", "/stairs"],
    ),
    ("data_layout/virtual_sparse.h5", &["/d"]),
];

/// References to a file and those beside it, and its sidecar file.
fn with_sidecar(name: &str, repair_bytes: u64) -> (ReferenceSet, Report, Vec<u8>) {
    let mut options = Options::new(files::URL);
    options.unsupported = UnsupportedPolicy::Sidecar;
    options.inline_threshold = 0;
    options.limits.repair_bytes = repair_bytes;
    options.external = Some(direct::beside(name));
    let mut bytes = Vec::new();
    let mut sidecar = Sidecar::new(BESIDE, &mut bytes);
    let input = Input::from(files::bytes(name));
    let (set, report) = references_with_sidecar(&input, &options, &mut sidecar).unwrap();
    (set, report, bytes)
}

/// The array at a path, all of whose chunks are in the sidecar file.
fn beside<'a>(set: &'a ReferenceSet, path: &str) -> &'a Array {
    let array = array(set, path).unwrap_or_else(|| panic!("{path} is no array"));
    assert!(array.chunks.inline.is_empty() && !array.chunks.number.is_empty(), "{path}");
    let all = (0..array.chunks.number.len()).all(|n| set.url(array.chunks.url(n)) == BESIDE);
    assert!(all, "{path} is elsewhere too");
    array
}

#[test]
fn what_lies_in_other_datasets_and_files_reads_as_libhdf5_reads_it() {
    for (name, paths) in ELSEWHERE {
        let (set, _, bytes) = with_sidecar(name, 0);
        let expected = &files::expectation(name)["objects"];
        for path in paths {
            compare(path, beside(&set, path), &expected[path], &bytes)
                .unwrap_or_else(|why| panic!("{name} {path}: {why}"));
        }
    }
}

#[test]
fn small_ones_are_held_inline_without_a_sidecar_file() {
    for (name, paths) in &ELSEWHERE[..3] {
        let (set, _, bytes) = with_sidecar(name, 1 << 20);
        assert_eq!(bytes, [0; 0]);
        for path in *paths {
            let array = array(&set, path).unwrap();
            assert!(array.chunks.number.is_empty(), "{name} {path}");
            compare(path, array, &files::expectation(name)["objects"][path], &[])
                .unwrap_or_else(|why| panic!("{name} {path}: {why}"));
        }
    }
}

#[test]
fn what_no_source_gives_is_written_once() {
    let (set, _, bytes) = with_sidecar("data_layout/virtual_sparse.h5", 0);
    let array = beside(&set, "/d");
    assert_eq!((&array.metadata.chunks, &array.chunks.grid), (&vec![256, 6_000], &vec![4, 1]));
    assert_eq!(array.chunks.number, [0, 1, 2, 3]);
    let places = array.chunks.offset.iter().zip(&array.chunks.length).collect::<Vec<_>>();
    assert_eq!(places[1], places[2]);
    let three = [0, 1, 3].iter().map(|n| array.chunks.length[*n]).sum::<u64>();
    assert_eq!(three, u64::try_from(bytes.len()).unwrap());
}

#[test]
fn what_external_links_lead_to_goes_to_the_sidecar_file_too() {
    let (set, report, bytes) = with_sidecar("group/external_links_read.h5", 0);
    assert_eq!(report.refused().map(|(path, _)| path.to_owned()).collect::<Vec<_>>(), ["/no_object"]);
    let expected = &files::expectation("group/external_links_read_target.h5")["objects"];
    for (path, target) in [("/array", "/g/lzf"), ("/group/lzf", "/g/lzf"), ("/group/of_lzf", "/g/of_lzf")] {
        compare(path, beside(&set, path), &expected[target], &bytes).unwrap_or_else(|why| panic!("{path}: {why}"));
    }
    assert_eq!(
        report.outcomes.iter().filter(|outcome| matches!(outcome.status, h5refs::Status::Sidecar { .. })).count(),
        3
    );
}

#[test]
fn what_is_as_long_as_a_source_that_is_not_there_is_not_taken_for_empty() {
    let (set, report, _) = with_sidecar("data_layout/virtual_lost.h5", 1 << 20);
    assert!(array(&set, "/d").is_none());
    assert_eq!(report.refused().map(|(path, _)| path.to_owned()).collect::<Vec<_>>(), ["/d"]);
}

#[test]
fn what_cannot_be_read_is_refused_for_a_reason_of_its_own() {
    let (_, report, bytes) = with_sidecar("data_layout/virtual_refused.h5", 0);
    let refused: Vec<String> = report.refused().map(|(path, why)| format!("{path}: {why}")).collect();
    let none = "of the virtual dataset in the file";
    assert_eq!(
        refused,
        [
            "/no_shots: virtual dataset: its sources give it another extent than the file says".to_owned(),
            format!("/no_source: source \"nowhere\" {none} \".\": there is no such dataset"),
            "/of_itself: virtual dataset: it is a source of itself".to_owned(),
            format!("/of_virtual: source \"nowhere\" {none} \".\": there is no such dataset"),
            format!("/other_file: source \"s\" {none} \"nowhere.h5\": there is no such dataset"),
            "/other_type: virtual dataset: a source has elements of another datatype".to_owned(),
            "/strings: virtual dataset: strings of variable length lie in the heaps of its sources".to_owned(),
        ]
    );
    assert!(!bytes.is_empty());
}
