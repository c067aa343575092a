//! Files that the family driver spread over members, compared with what libhdf5 reads from them as one file.

use std::path::PathBuf;

use bytes::Bytes;
use h5refs::reference::{Array, Node, Urls};
use h5refs::{CutOff, Error, Input, Limits, Options, ReferenceSet, Report, Scan};
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::files;
use crate::{golden, values};

/// The families, and the size of their members.
const FAMILIES: [(&str, u64); 5] =
    [("v0", 4096), ("v2", 4096), ("v3_user_block", 8192), ("rows", 4096), ("one_member", 65_536)];

pub(crate) fn folder(name: &str) -> PathBuf {
    files::folder().join("family").join(name)
}

fn expectation(name: &str) -> Json {
    serde_json::from_slice(&std::fs::read(folder(name).join("expected.json")).unwrap()).unwrap()
}

/// The members, one after another.
fn members(name: &str) -> Vec<Bytes> {
    let paths = (0..).map(|n| folder(name).join(format!("member_{n:05}.h5"))).take_while(|path| path.exists());
    paths.map(|path| Bytes::from(std::fs::read(path).unwrap())).collect()
}

fn family(members: &[Bytes]) -> Result<Input, Error> {
    Input::family(members.iter().cloned().map(Input::from))
}

fn options(members: &[Bytes], change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::new("nothing");
    options.members = (0..members.len()).map(|n| format!("member {n}")).collect();
    change(&mut options);
    options
}

fn translated(name: &str, change: impl FnOnce(&mut Options)) -> (ReferenceSet, Report) {
    let members = members(name);
    h5refs::references(&family(&members).unwrap(), &options(&members, change)).unwrap()
}

fn array<'a>(set: &'a ReferenceSet, path: &str) -> &'a Array {
    match set.node(path.trim_start_matches('/')) {
        Some(Node::Array(array)) => array,
        other => panic!("{path}: {other:?}"),
    }
}

/// The array with its offsets in the whole file; each chunk lies in its member.
fn in_the_whole(set: &ReferenceSet, array: &Array, members: &[Bytes]) -> Array {
    let mut array = array.clone();
    let chunks = &mut array.chunks;
    for n in 0..chunks.offset.len() {
        let member: usize = set.url(chunks.url(n)).strip_prefix("member ").unwrap().parse().unwrap();
        let size = members[member].len() as u64;
        assert!(chunks.offset[n] + chunks.length[n] <= size, "chunk {n} is not in member {member}");
        chunks.offset[n] += members[..member].iter().map(|member| member.len() as u64).sum::<u64>();
    }
    chunks.urls = Urls::default();
    array
}

#[test]
fn a_family_holds_what_libhdf5_says() {
    for (name, size) in FAMILIES {
        let members = members(name);
        assert!(members.iter().all(|member| member.len() as u64 <= size));
        let tree = h5refs::tree(&family(&members).unwrap(), Limits::default()).unwrap();
        assert_eq!(golden::differ(name, &tree, expectation(name)), [""; 0]);
    }
}

#[test]
fn each_array_of_a_family_reads_as_libhdf5_reads_it() {
    for (name, _) in FAMILIES {
        let members = members(name);
        for threshold in [0, 500] {
            let (set, report) = translated(name, |options| options.inline_threshold = threshold);
            assert_eq!(report.refused().collect::<Vec<_>>(), [], "{name}");
            for (path, expected) in expectation(name)["objects"].as_object().unwrap() {
                if expected["kind"] == "dataset" {
                    let array = in_the_whole(&set, array(&set, path), &members);
                    let compared = values::compare(path, &array, expected, &members.concat());
                    assert_eq!(compared, Ok(()), "{name} {path} from {threshold}");
                }
            }
        }
    }
}

#[test]
fn data_are_split_where_members_end_between_rows_and_held_inline_where_not() {
    let (set, _) = translated("rows", |_| ());
    // 2048 bytes in one member, the other 4096 in the next.
    let rows = array(&set, "rows");
    assert_eq!((&rows.metadata.chunks[..], &rows.chunks.grid[..]), (&[16, 64][..], &[3, 1][..]));
    let places: Vec<_> = (0..3).map(|n| (set.url(rows.chunks.url(n)), rows.chunks.offset[n])).collect();
    assert_eq!(places, [("member 0", 2048), ("member 1", 0), ("member 1", 2048)]);
    assert_eq!((&rows.chunks.length[..], rows.chunks.inline.len()), (&[2048; 3][..], 0));
    // All in one member.
    assert_eq!((&array(&set, "one").metadata.chunks[..], array(&set, "one").chunks.inline.len()), (&[1024][..], 0));
    // Members end inside rows and inside chunks.
    let (set, _) = translated("v0", |_| ());
    for torn in ["long_rows", "rows", "numbers", "chunked", "gzip"] {
        assert!(!array(&set, torn).chunks.inline.is_empty(), "{torn}");
    }
    let whole = |torn: &str| array(&set, torn).metadata.shape == array(&set, torn).metadata.chunks;
    assert!(whole("long_rows") && whole("rows") && whole("numbers"));
}

#[test]
fn data_that_would_be_split_into_small_chunks_are_held_inline_while_they_are_small_themselves() {
    // 1800 compact bytes, of which a member ends after 524.
    let compact = |change: fn(&mut Options)| {
        let (set, _) = translated("v3_user_block", change);
        let array = array(&set, "compact");
        (array.metadata.chunks.clone(), array.chunks.number.len(), array.chunks.inline.len())
    };
    assert_eq!(compact(|_| ()), (vec![900], 0, 1));
    assert_eq!(compact(|options| options.inline_threshold = 0), (vec![2], 450, 0));
    assert_eq!(compact(|options| options.limits.repair_bytes = 1799), (vec![2], 450, 0));
    let (_, report) = translated("v3_user_block", |options| {
        options.inline_threshold = 0;
        options.limits.chunks = 449;
    });
    let refused: Vec<_> = report.refused().filter(|(path, _)| *path == "/compact").map(|(_, why)| why).collect();
    assert!(refused.len() == 1 && refused[0].contains("Limits::chunks"), "{refused:?}");
}

#[test]
fn chunks_in_two_members_that_are_too_large_are_refused() {
    let (_, report) = translated("v0", |options| {
        options.inline_threshold = 0;
        options.limits.repair_bytes = 700;
    });
    let told = |path: &str, n| {
        (
            path.to_owned(),
            format!(
                "{n} chunks lie in two members of the family, and are too large to be held inline (Limits::repair_bytes); --unsupported sidecar writes the values to a file beside the references"
            ),
        )
    };
    let refused: Vec<_> = report.refused().map(|(path, why)| (path.to_owned(), why)).collect();
    let expected = [("/chunked", 2), ("/gzip", 1), ("/long_rows", 1), ("/numbers", 1), ("/rows", 1)];
    assert_eq!(refused, expected.map(|(path, n)| told(path, n)));
}

#[test]
fn members_that_are_missing_cut_short_or_not_named_are_told() {
    let all = members("v0");
    let message = |members: &[Bytes], change: fn(&mut Options)| {
        let read = family(members).and_then(|input| h5refs::references(&input, &options(members, change)));
        read.unwrap_err().to_string()
    };
    assert_eq!(
        message(&all, |options| drop(options.members.pop())),
        format!("the family has {} members, and URLs are given for {}", all.len(), all.len() - 1)
    );
    let last = all.len() - 1;
    assert!(message(&all[..last], |_| ()).contains("are not inside the file of"));
    let cut: Vec<Bytes> =
        all.iter().enumerate().map(|(n, member)| member.slice(..member.len() - usize::from(n == 1))).collect();
    assert_eq!(message(&cut, |_| ()), "member 1 of the family has 4095 bytes, and the first has 4096");
    let whole: Vec<Bytes> = all.concat().chunks(2048).map(Bytes::copy_from_slice).collect();
    assert!(message(&whole, |_| ()).ends_with("size of member file is 4096, not 2048 (at 0x60)"));
    let alone = h5refs::references(&Input::from(all[0].clone()), &Options::new("u")).unwrap_err();
    assert!(alone.to_string().starts_with("family file driver: one file of several"), "{alone}");
}

#[test]
fn a_family_without_its_last_member_is_salvaged() {
    let members = &members("rows")[..2];
    let salvage = options(members, |options| options.cut_off = CutOff::Salvage);
    let (set, report) = h5refs::references(&family(members).unwrap(), &salvage).unwrap();
    let refused: Vec<_> = report.refused().map(|(path, why)| format!("{path}: {why}")).collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert_eq!(refused[0], "/: the file ends 4096 bytes before its superblock says");
    assert!(refused[1].starts_with("/one: raw data at 0x2000"), "{refused:?}");
    assert_eq!(array(&set, "rows").chunks.number, [0, 1, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damage_of_a_family_ends_alike_in_a_local_read_and_a_scan(
        name in prop::sample::select(FAMILIES.map(|(name, _)| name).to_vec()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..9),
    ) {
        let mut members = members(name);
        for (member, at, byte) in damage {
            // Where the metadata lie: the first members.
            let member = member.index(members.len().min(3));
            let mut damaged = members[member].to_vec();
            damaged[at.index(members[member].len().min(4096))] = byte;
            members[member] = Bytes::from(damaged);
        }
        let sizes: Vec<u64> = members.iter().map(|member| member.len() as u64).collect();
        let (input, options) = (family(&members).unwrap(), options(&members, |options| options.inline_threshold = 0));
        let local = h5refs::references(&input, &options);
        let scanned = Scan::references_of_family(&sizes, options).unwrap().run(&input);
        prop_assert_eq!(local.is_ok(), scanned.is_ok());
        if let (Ok((local, report)), Ok((scanned, _))) = (local, scanned) {
            prop_assert!(local == scanned);
            prop_assert_eq!(report.outcomes.is_empty(), false);
            for (path, array) in local.arrays() {
                let _all_inside = in_the_whole(&local, array, &members);
                prop_assert!(!path.is_empty());
            }
        }
    }
}

#[test]
fn a_scan_of_a_family_ends_as_a_local_read() {
    for (name, _) in FAMILIES {
        let members = members(name);
        let sizes: Vec<u64> = members.iter().map(|member| member.len() as u64).collect();
        let mut scan = Scan::references_of_family(&sizes, options(&members, |_| ())).unwrap();
        let (set, _) = scan.run(&family(&members).unwrap()).unwrap();
        assert!(set == translated(name, |_| ()).0, "{name}");
    }
    assert!(Scan::references_of_family(&[4, 3, 4], Options::new("")).is_err());
}
