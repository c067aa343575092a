//! Input that is no HDF5 file, or a damaged one: a typed error or a refusal in the report, and never a panic.

use std::time::{Duration, Instant};

use bytes::Bytes;
use h5refs::reference::Node;
use h5refs::{Error, Input, Options, ReferenceSet, Report, Scan};
use proptest::prelude::*;

use crate::{files, rounds};

/// The longest that one damaged file may take, with much room for a busy machine.
const LONGEST: Duration = Duration::from_secs(20);

/// Small files that have most structures between them.
const SMALL: [&str; 12] = [
    "attribute/references.h5",
    "chunk/btree_v1.h5",
    "data_layout/compact_v18.h5",
    "data_layout/external.h5",
    "data_layout/virtual_same_file.h5",
    "datatype/committed_v2.h5",
    "datatype/compound_v3.h5",
    "datatype/vlen_strings.h5",
    "filter/shuffle_gzip_fletcher32.h5",
    "group/dense_creation_order.h5",
    "group/soft_links.h5",
    "object_header/v1_continuation.h5",
];

/// Files whose metadata all have checksums.
const CHECKSUMMED: [&str; 6] = [
    "datatype/committed_v2.h5",
    "group/compact.h5",
    "group/dense_creation_order.h5",
    "group/nested_compact.h5",
    "object_header/v2_continuation.h5",
    "object_header/v2_times.h5",
];

fn error(bytes: &[u8]) -> Error {
    files::references(Bytes::copy_from_slice(bytes)).expect_err("it was read")
}

fn message(bytes: &[u8]) -> String {
    error(bytes).to_string()
}

/// A file with some bits of one byte changed.
fn flipped(file: &[u8], at: usize, bits: u8) -> Bytes {
    let mut damaged = file.to_vec();
    damaged[at] ^= bits;
    Bytes::from(damaged)
}

/// Everything that is said to be wrong with a file.
fn complaints(result: &Result<(ReferenceSet, Report), Error>) -> Vec<String> {
    match result {
        Err(error) => vec![error.to_string()],
        Ok((_, report)) => report.refused().map(|(path, why)| format!("{path}: {why}")).collect(),
    }
}

/// The objects that are refused; `None` where the file is.
fn refused(result: &Result<(ReferenceSet, Report), Error>) -> Option<Vec<&str>> {
    let (_, report) = result.as_ref().ok()?;
    Some(report.refused().map(|(path, _)| path).collect())
}

#[test]
fn what_is_no_hdf5_file_is_told_so() {
    assert_eq!(message(b""), "superblock at 0x0: every byte of the file is missing (at 0x0)");
    assert_eq!(message(b"\x89"), "superblock at 0x0: the HDF5 signature is missing (at 0x0)");
    assert_eq!(message(&[0; 5000]), "superblock at 0x0: the HDF5 signature is missing (at 0x0)");
    assert_eq!(message(b"CDF\x03\0\0\0\0"), "superblock at 0x0: the HDF5 signature is missing (at 0x0)");
    assert_eq!(
        message(b"CDF\x01\0\0\0\0"),
        "netCDF classic header at 0x0: the bytes end inside the structure (at 0x8)"
    );
    assert_eq!(message(b"\x89HDF\r\n\x1a\n"), "superblock at 0x0: the bytes end inside the structure (at 0x8)");
    assert_eq!(message(b"\x89HDF\r\n\x1a\n\x09"), "superblock at 0x0: version is 9 (at 0x8)");
}

#[test]
fn what_cannot_be_opened_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.h5");
    let told = |path: &std::path::Path| Input::open(path).unwrap_err();
    assert!(matches!(told(folder.path()), Error::Io { .. }));
    assert_eq!(told(folder.path()).to_string(), format!("{}: is a directory", folder.path().display()));
    let text = format!("{}: No such file or directory (os error 2)", missing.display());
    assert!(cfg!(not(unix)) || told(&missing).to_string() == text, "{}", told(&missing));
}

#[test]
fn a_file_that_is_cut_off_is_refused_wherever_it_is_cut() {
    for name in ["object_header/v1.h5", "object_header/v2.h5", "superblock/sizes_2_4.h5", "netcdf/cf.nc"] {
        let file = files::bytes(name);
        for end in (1..file.len()).step_by(13).chain([file.len() - 1]) {
            let error = error(&file[..end]);
            assert!(matches!(&error, Error::Format(_)), "{name} cut at {end}: {error}");
        }
    }
    let file = files::bytes("object_header/v2.h5");
    assert_eq!(
        message(&file[..2000]),
        "superblock at 0x0: 2060 bytes at 0x0 are not inside the file of 2000 bytes (at 0x0)"
    );
}

/// Where a file ends by its superblock, which counts from the start of the file, user block included.
fn end_of_file(file: &[u8]) -> usize {
    let start = file.windows(8).position(|bytes| bytes == b"\x89HDF\r\n\x1a\n").unwrap();
    let version = file[start + 8];
    let (size, addresses) = match version {
        0 => (file[start + 13], 24),
        1 => (file[start + 13], 28),
        _ => (file[start + 9], 12),
    };
    // Before it lie the base address and that of the free space, or of the extension.
    let at = start + addresses + 2 * usize::from(size);
    let bytes = file[at..at + usize::from(size)].iter().rev();
    bytes.fold(0, |end, byte| (end << 8) | usize::from(*byte))
}

#[test]
fn every_small_file_is_refused_where_it_ends_before_its_superblock_says_and_read_from_there_on() {
    let (mut cuts, mut read) = (0, 0);
    for name in files::names() {
        let file = files::bytes(&name);
        if file.len() > 16 << 10 {
            continue;
        }
        let due = end_of_file(&file);
        for end in (0..file.len()).step_by(61).chain([due - 1, due]) {
            let result = files::references(file.slice(..end));
            assert_eq!(result.is_ok(), end >= due, "{name} of {} bytes cut at {end}, due {due}", file.len());
            (cuts, read) = (cuts + 1, read + usize::from(result.is_ok()));
        }
    }
    assert!(cuts > 5000 && read > 100, "{cuts} cuts, {read} read");
}

#[test]
fn every_checksum_is_checked() {
    // File, signature, the byte that is changed, counted from the signature, and the structure.
    let cases: [(&str, &[u8], usize, &str); 10] = [
        ("superblock/v2.h5", b"\x89HDF\r\n\x1a\n", 36, "superblock"),
        ("object_header/v2.h5", b"OHDR", 20, "object header"),
        ("object_header/v2_continuation.h5", b"OCHK", 20, "object header"),
        ("group/dense.h5", b"FRHP", 30, "fractal heap header"),
        ("group/dense.h5", b"FHDB", 60, "fractal heap direct block"),
        ("group/dense_long_names.h5", b"FHIB", 20, "fractal heap indirect block"),
        ("group/dense.h5", b"BTHD", 20, "version 2 B-tree header"),
        ("group/dense_deep.h5", b"BTIN", 20, "version 2 B-tree internal node"),
        ("group/dense.h5", b"BTLF", 20, "version 2 B-tree leaf node"),
        ("shared_messages/table.h5", b"SMTB", 12, "shared object header message table"),
    ];
    for (name, signature, offset, structure) in cases {
        let file = files::bytes(name);
        let start = file.windows(signature.len()).position(|window| window == signature).unwrap();
        let complaints = complaints(&files::references(flipped(&file, start + offset, 1)));
        let wanted = format!("{structure} at {start:#x}: checksum is 0x");
        assert!(complaints.iter().any(|complaint| complaint.contains(&wanted)), "{name} {wanted}: {complaints:#?}");
    }
}

#[test]
fn no_damage_to_checksummed_metadata_goes_unnoticed() {
    for name in CHECKSUMMED {
        let file = files::bytes(name);
        let whole = without_data(files::references(file.clone()).unwrap().0);
        for at in 0..file.len() {
            let result = files::references(flipped(&file, at, 0x10));
            if complaints(&result).is_empty() {
                assert_eq!(without_data(result.unwrap().0), whole, "{name}: byte {at:#x}");
            }
        }
    }
}

/// A set without the elements that it holds: those have no checksum.
fn without_data(mut set: ReferenceSet) -> ReferenceSet {
    for (_, node) in &mut set.nodes {
        if let Node::Array(array) = node {
            array.chunks.inline.values_mut().for_each(|bytes| *bytes = Bytes::from(vec![0; bytes.len()]));
        }
    }
    set
}

#[test]
fn no_changed_byte_makes_it_panic_hang_or_refer_outside_the_file() {
    for name in SMALL {
        let file = files::bytes(name);
        for at in 0..file.len() {
            for bits in [0xff, 0x01] {
                check_damaged(&format!("{name}: byte {at:#x} ^ {bits:#x}"), flipped(&file, at, bits));
            }
        }
    }
}

/// Reads a damaged file; whatever comes of it, it comes soon and refers to bytes of the file only.
fn check_damaged(what: &str, file: Bytes) {
    let (size, started) = (file.len() as u64, Instant::now());
    let result = files::references(file);
    assert!(started.elapsed() < LONGEST, "{what}: it takes {:?}", started.elapsed());
    for (path, array) in result.iter().flat_map(|(set, _)| set.arrays()) {
        for (offset, length) in array.chunks.offset.iter().zip(&array.chunks.length) {
            assert!(offset + length <= size, "{what}: {path} refers to {length} bytes at {offset}");
        }
    }
}

#[test]
fn elements_that_claim_to_be_huge_cost_nothing() {
    // Size of the datatype: the highest byte.
    check_damaged("4 GiB", flipped(&files::bytes("filter/shuffle_odd_element.h5"), 0x35f, 0xff));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_bytes_are_no_file_or_one_that_ends_alike_in_memory_and_in_a_scan(
        bytes in prop::collection::vec(prop_oneof![Just(0), Just(0xff), 0_u8..9, any::<u8>()], 0..300),
        superblock in prop::option::of(0_u8..5),
    ) {
        let mut file = superblock.map_or(Vec::new(), |version| [b"\x89HDF\r\n\x1a\n", &[version][..]].concat());
        file.extend(bytes);
        let file = Bytes::from(file);
        let local = files::references(file.clone());
        let mut scan = Scan::references(file.len() as u64, Options::new(files::URL)).with_fetch(rounds::EXACT);
        let scanned = scan.run(&Input::from(file.clone()));
        prop_assert_eq!(local.is_ok(), scanned.is_ok());
        check_damaged("any bytes", file);
    }

    #[test]
    fn damage_of_any_kind_ends_alike_in_memory_and_in_a_scan(
        name in prop::sample::select(files::names()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..9)), 1..6),
    ) {
        let mut file = files::bytes(&name).to_vec();
        for (at, bytes) in damage {
            let at = at.index(file.len());
            let end = (at + bytes.len()).min(file.len());
            file[at..end].copy_from_slice(&bytes[..end - at]);
        }
        let file = Bytes::from(file);
        check_damaged(&name, file.clone());
        let local = files::references(file.clone());
        let mut scan = Scan::references(file.len() as u64, Options::new(files::URL)).with_fetch(rounds::EXACT);
        let scanned = scan.run(&Input::from(file));
        // Of two things wrong with one object, that is told whose bytes came first.
        prop_assert_eq!(refused(&local), refused(&scanned));
        if let (Ok(local), Ok(scanned)) = (local, scanned) {
            prop_assert!(local.0 == scanned.0);
        }
    }
}
