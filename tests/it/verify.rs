//! References that are right are found to be right, and each planted fault is found.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use h5refs::combine::{Combine, CombineOptions, Selector};
use h5refs::file::Content;
use h5refs::reference::{Array, Manifest, Node, Recorded, Urls};
use h5refs::verify::{Fault, Finding, Verification, verify};
use h5refs::zarr::{Codec, Dtype};
use h5refs::{ExternalError, FindExternal, FoundExternal, LocalSources, ReferenceSet, Store, VerifyOptions};

use crate::files;

/// What references call the files here.
const URL: &str = "s3://bucket/file.h5";

/// Texts that libhdf5 reads otherwise than they lie.
const TEXT_AFTER_NUL: &str = "datatype/text_after_nul.h5";

type Sources = HashMap<String, Bytes>;

fn verified(set: ReferenceSet, file: &Bytes) -> Verification {
    let mut options = VerifyOptions::default();
    options.origin = Some(URL.to_owned());
    verify(&Store::new(set, Sources::from([(URL.to_owned(), file.clone())])), &options)
}

/// Each file that is referenced, with its references.
fn sets() -> impl Iterator<Item = (String, Bytes, ReferenceSet)> {
    files::names().into_iter().map(|name| {
        let bytes = files::bytes(&name);
        let mut options = h5refs::Options::new(URL);
        options.inline_threshold = 0;
        let (set, _) = h5refs::references(&h5refs::Input::from(bytes.clone()), &options).unwrap();
        assert!(set.urls.iter().all(|url| url == URL), "{name}");
        (name, bytes, set)
    })
}

#[test]
fn references_to_every_file_are_right() {
    let (mut elements, mut chunks) = (0, 0);
    let mut wrong = Vec::new();
    for (name, file, set) in sets() {
        let verification = verified(set, &file);
        elements += verification.checked.elements;
        chunks += verification.checked.chunks;
        if name == TEXT_AFTER_NUL {
            continue;
        }
        wrong.extend(verification.findings.iter().map(|finding| format!("{name} {}: {}", finding.at, finding.fault)));
        wrong.extend(
            verification.unchecked.iter().map(|unchecked| format!("{name} {}: {}", unchecked.at, unchecked.why)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(elements > 100_000 && chunks > 3_000, "{elements} elements, {chunks} chunks");
}

#[test]
fn texts_with_bytes_behind_their_nul_are_found_where_they_are_referenced() {
    let found = |threshold| {
        let bytes = files::bytes(TEXT_AFTER_NUL);
        let mut options = h5refs::Options::new(URL);
        options.inline_threshold = threshold;
        let (set, _) = h5refs::references(&h5refs::Input::from(bytes.clone()), &options).unwrap();
        let verification = verified(set, &bytes);
        assert!(verification.unchecked.is_empty(), "{verification:?}");
        verification.findings.into_iter().map(|finding| (finding.at, finding.fault)).collect::<Vec<_>>()
    };
    assert_eq!(found(500), []);
    let faults = found(0);
    let keys: Vec<&str> = faults.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["array/0.0", "chunked/0", "chunked/1", "contiguous/0.0", "never_written/0", "records/0"]);
    assert!(
        matches!(&faults[3].1, Fault::Value { index, expected, .. } if index == &[0, 1] && expected.contains("is so"))
    );
}

#[test]
fn data_in_one_piece_are_compared_however_large_they_are() {
    let is_number =
        |array: &Array| matches!(&array.metadata.dtype, Dtype::Simple(dtype) if dtype.contains(['i', 'u', 'f']));
    let (mut compared, mut planted) = (0, 0);
    for (name, file, set) in sets().filter(|(name, ..)| !name.starts_with("netcdf/")) {
        for (path, array) in set.arrays() {
            let Manifest { offset, length, .. } = &array.chunks;
            if array.metadata.filters.len() + array.chunks.inline.len() > 0 || !is_number(array) || offset.len() != 1 {
                continue;
            }
            let within = |array: &Array, read_bytes, chunk_bytes| {
                let mut limits = h5refs::Limits::default();
                limits.read_bytes = read_bytes;
                let mut of_store = limits;
                of_store.chunk_bytes = chunk_bytes;
                let node = (path.to_owned(), Node::Array(Box::new(array.clone())));
                let alone = ReferenceSet { nodes: vec![node], urls: set.urls.clone(), ..ReferenceSet::default() };
                let store = Store::new(alone, Sources::from([(URL.to_owned(), file.clone())])).with_limits(of_store);
                let mut options = VerifyOptions::default();
                (options.origin, options.limits) = (Some(URL.to_owned()), limits);
                verify(&store, &options)
            };
            // In pieces of four bytes, and at once.
            let (pieces, whole) = (within(array, 256, 256), within(array, 1 << 20, 1 << 20));
            assert!(whole.is_right() && whole.unchecked.is_empty(), "{name} {path}: {whole:?}");
            let is_chunked_and_large = length[0] > 256 && !pieces.unchecked.is_empty();
            if is_chunked_and_large {
                continue;
            }
            assert_eq!(pieces, whole, "{name} {path}");
            compared += usize::from(length[0] > 256);
            let mut shifted = array.clone();
            shifted.chunks.offset[0] += 1;
            if bytes_of(&file, offset[0] + 1, length[0]) != bytes_of(&file, offset[0], length[0]) {
                let shifted = within(&shifted, 256, 256);
                planted += 1;
                assert!(!shifted.is_right(), "{name} {path}: {shifted:?}");
            }
        }
    }
    assert!(compared > 0 && planted > 50, "{compared} compared, {planted} planted");
}

/// Plants a fault in each array that has what the fault needs, one at a time, and says where it was not found.
fn not_found(plant: impl Fn(&mut Array, &Bytes) -> Option<()>, is_it: impl Fn(&Fault) -> bool) -> (usize, Vec<String>) {
    let (mut planted, mut missed) = (0, Vec::new());
    for (name, file, set) in sets() {
        for (path, node) in &set.nodes {
            let Node::Array(mut array) = node.clone() else { continue };
            if plant(&mut array, &file).is_none() {
                continue;
            }
            planted += 1;
            let alone = ReferenceSet {
                nodes: vec![(path.clone(), Node::Array(array))],
                urls: set.urls.clone(),
                ..ReferenceSet::default()
            };
            let verification = verified(alone, &file);
            if !verification.findings.iter().any(|finding| is_it(&finding.fault)) {
                missed.push(format!("{name} {path}: {verification:?}"));
            }
        }
    }
    (planted, missed)
}

/// The bytes of a range, if it lies in the file.
fn bytes_of(file: &Bytes, offset: u64, length: u64) -> Option<Bytes> {
    let range = usize::try_from(offset).ok()?..usize::try_from(offset.checked_add(length)?).ok()?;
    file.get(range.clone()).map(|_| file.slice(range))
}

#[test]
fn a_shifted_offset_is_found() {
    let shift = |array: &mut Array, file: &Bytes| {
        let (offset, length) = (array.chunks.offset.first_mut()?, array.chunks.length[0]);
        let before = bytes_of(file, *offset, length);
        *offset += 1;
        // Bytes that are all alike are the same a byte further on.
        (bytes_of(file, *offset, length) != before).then_some(())
    };
    let (planted, missed) = not_found(shift, |_| true);
    assert!(planted > 300 && missed.is_empty(), "{planted} planted; missed: {}", missed.join("\n"));
}

#[test]
fn swapped_chunks_are_found() {
    let swap = |array: &mut Array, file: &Bytes| {
        let Manifest { offset, length, .. } = &mut array.chunks;
        let last = offset.len().checked_sub(1).filter(|last| *last > 0)?;
        let differ = bytes_of(file, offset[0], length[0]) != bytes_of(file, offset[last], length[last]);
        offset.swap(0, last);
        length.swap(0, last);
        differ.then_some(())
    };
    // Edge chunks may differ only in what lies outside the array.
    let (planted, missed) = not_found(swap, |fault| matches!(fault, Fault::Value { .. }));
    assert!(planted > 150 && missed.len() * 100 < planted, "{planted} planted; missed: {}", missed.join("\n"));
}

#[test]
fn a_wrong_codec_is_found() {
    let wrong = |array: &mut Array, _: &Bytes| {
        if array.chunks.present() == 0 || array.metadata.dtype == Dtype::Simple("|O".to_owned()) {
            return None;
        }
        match array.metadata.filters.as_mut_slice() {
            [] => array.metadata.filters.push(Codec::Zlib { level: 1 }),
            [Codec::Shuffle { .. }, ..] => drop(array.metadata.filters.remove(0)),
            _ => array.metadata.filters.clear(),
        }
        Some(())
    };
    let (planted, missed) =
        not_found(wrong, |fault| matches!(fault, Fault::Decode { .. } | Fault::Size { .. } | Fault::Value { .. }));
    // Shuffled zeros are zeros.
    assert!(planted > 500 && missed.len() * 20 < planted, "{planted} planted; missed: {}", missed.join("\n"));
}

#[test]
fn a_wrong_type_or_shape_is_found() {
    let order = |array: &mut Array, _: &Bytes| {
        let Dtype::Simple(dtype) = &mut array.metadata.dtype else { return None };
        let other = if dtype.starts_with('<') { dtype.replacen('<', ">", 1) } else { dtype.replacen('>', "<", 1) };
        let changed = *dtype != other && array.chunks.present() > 0;
        *dtype = other;
        changed.then_some(())
    };
    let (planted, missed) = not_found(order, |fault| matches!(fault, Fault::Value { .. }));
    // Zeros are zeros in either byte order.
    assert!(planted > 400 && missed.len() * 10 < planted, "{planted} planted; missed: {}", missed.join("\n"));
    let shorter = |array: &mut Array, _: &Bytes| {
        let size = array.metadata.shape.first_mut().filter(|size| **size > 0)?;
        *size -= 1;
        Some(())
    };
    let (planted, missed) = not_found(shorter, |fault| matches!(fault, Fault::Dataset { .. }));
    // Variables that are shorter than their unlimited dimension are still no longer than the array.
    let missed: Vec<String> = missed.into_iter().filter(|missed| !missed.starts_with("netcdf/")).collect();
    assert!(planted > 500 && missed.is_empty(), "{planted} planted; missed: {}", missed.join("\n"));
}

#[test]
fn an_array_is_longer_than_its_dataset_only_along_an_unlimited_dimension() {
    let (mut limited, mut unlimited) = (0, 0);
    for (name, file, set) in sets() {
        let tree = h5refs::tree(&h5refs::Input::from(file.clone()), h5refs::Limits::default()).unwrap();
        for (path, array) in set.arrays().filter(|(_, array)| !array.metadata.shape.is_empty()) {
            let object = tree.objects.iter().find(|object| object.path == format!("/{path}"));
            let Some(Content::Dataset(dataset)) = object.and_then(|object| object.node.content.as_ref().ok()) else {
                continue;
            };
            let Some(most) = dataset.dataspace.maximum.first() else { continue };
            let mut array = array.clone();
            let (size, chunk) = (array.metadata.shape[0] + 1, array.metadata.chunks[0]);
            (array.metadata.shape[0], array.chunks.grid[0]) = (size, size.div_ceil(chunk));
            let alone = ReferenceSet {
                nodes: vec![(path.to_owned(), Node::Array(Box::new(array)))],
                urls: set.urls.clone(),
                ..ReferenceSet::default()
            };
            let verification = verified(alone, &file);
            let is_told = verification.findings.iter().any(|finding| matches!(finding.fault, Fault::Dataset { .. }));
            assert_eq!(is_told, most.is_some(), "{name} {path}: {verification:?}");
            *(if most.is_some() { &mut limited } else { &mut unlimited }) += 1;
        }
    }
    assert!(limited > 500 && unlimited > 20, "{limited} limited, {unlimited} unlimited");
}

#[test]
fn what_lies_beyond_the_end_of_a_dataset_is_its_fill_value() {
    let (name, is_short) = ("netcdf/short_records.nc", |path: &str| path == "short");
    let beyond = |change: &dyn Fn(&mut Array)| {
        let (_, file, mut set) = sets().find(|(of, ..)| of == name).unwrap();
        let array = set.nodes.iter_mut().find_map(|(path, node)| match node {
            Node::Array(array) if is_short(path) => Some(array),
            _ => None,
        });
        change(array.unwrap());
        let told = |finding: &Finding| format!("{}: {}", finding.at, finding.fault);
        verified(set, &file).findings.iter().map(told).collect::<Vec<_>>()
    };
    // Three rows in chunks of two, where the dimension has five.
    let end = |array: &mut Array| {
        assert_eq!(
            (&array.metadata.shape[..], &array.metadata.chunks[..], &array.chunks.grid[..]),
            (&[5, 2][..], &[2, 2][..], &[3, 1][..])
        );
    };
    assert_eq!(beyond(&end), [""; 0]);
    let element = |n: i32| n.to_le_bytes().repeat(4);
    let inline = |number, bytes: Vec<u8>| {
        move |array: &mut Array| drop(array.chunks.inline.insert(number, bytes.clone().into()))
    };
    let none = [""; 0];
    assert_eq!(beyond(&inline(2, element(-2_147_483_647))), none);
    let expected = "short/2.0: element [4, 0] is Integer(7), and in the file it is Integer(-2147483647), a fill value: the dataset ends before it";
    assert_eq!(beyond(&inline(2, element(7))), [expected]);
    let of_first = |array: &mut Array| {
        let Manifest { number, offset, length, .. } = &mut array.chunks;
        let first = (offset[0], length[0]);
        number.push(2);
        offset.push(first.0);
        length.push(first.1);
    };
    assert_eq!(beyond(&|array| drop(array.chunks.inline.remove(&2))).len(), 1);
    let found = beyond(&|array| {
        array.chunks.inline.remove(&2);
        of_first(array);
    });
    assert!(found.len() == 1 && found[0].starts_with("short/2.0: element [4, 0] is "), "{found:?}");
}

#[test]
fn ranges_that_overlap_are_found() {
    let overlap = |array: &mut Array, _: &Bytes| {
        let Manifest { offset, length, .. } = &mut array.chunks;
        let first = (offset.len() > 1 && length[0] > 1).then(|| offset[0])?;
        offset[1] = first + 1;
        Some(())
    };
    let (planted, missed) =
        not_found(overlap, |fault| matches!(fault, Fault::Overlap { .. } | Fault::OutsideFile { .. }));
    assert!(planted > 150 && missed.is_empty(), "{planted} planted; missed: {}", missed.join("\n"));
}

/// A netCDF classic file of one variable, whose dimension is of records or not: 100,200 integers, 1 and so on.
fn many_integers(of_records: bool) -> Bytes {
    let count = 100_200_u32;
    let mut file = b"CDF\x01".to_vec();
    file.extend(if of_records { count } else { 0 }.to_be_bytes());
    // One dimension t.
    file.extend(b"\0\0\0\x0a\0\0\0\x01\0\0\0\x01t\0\0\0");
    file.extend(if of_records { 0 } else { count }.to_be_bytes());
    // No attributes; one variable v of the dimension 0, without attributes, of integers.
    file.extend(b"\0\0\0\0\0\0\0\0\0\0\0\x0b\0\0\0\x01\0\0\0\x01v\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x04");
    file.extend(if of_records { 4 } else { 4 * count }.to_be_bytes());
    let begin = u32::try_from(file.len() + 4).unwrap();
    file.extend(begin.to_be_bytes());
    file.extend((1..=count).flat_map(u32::to_be_bytes));
    file.into()
}

#[test]
fn lost_references_of_very_many_are_found() {
    for of_records in [true, false] {
        let file = many_integers(of_records);
        let mut options = h5refs::Options::new(URL);
        (options.inline_threshold, options.split_contiguous) = (0, Some(4));
        let (mut set, _) = h5refs::references(&h5refs::Input::from(file.clone()), &options).unwrap();
        let Some((_, Node::Array(array))) = set.nodes.iter_mut().find(|(path, _)| path == "v") else { panic!() };
        let Manifest { number, offset, length, .. } = &mut array.chunks;
        assert_eq!(number.len(), 100_200);
        number.drain(40..);
        offset.drain(40..);
        length.drain(40..);
        let mut options = VerifyOptions::default();
        (options.origin, options.sample) = (Some(URL.to_owned()), Some(300));
        let verification = verify(&Store::new(set, Sources::from([(URL.to_owned(), file)])), &options);
        assert!(verification.findings.len() > 290, "{verification:?}");
        let is_value =
            |finding: &Finding| matches!(&finding.fault, Fault::Value { found, .. } if found == "Integer(0)");
        assert!(verification.findings.iter().all(is_value), "{verification:?}");
        // More are missing than are looked at.
        let why: Vec<&str> = verification.unchecked.iter().map(|unchecked| unchecked.why.as_str()).collect();
        assert_eq!(why, ["the chunks that it does not have are too many to be all looked for in the file"]);
    }
}

#[test]
fn a_file_that_was_cut_off_is_found() {
    let mut planted = 0;
    for (name, file, set) in sets() {
        let ends = set
            .arrays()
            .flat_map(|(_, array)| array.chunks.offset.iter().zip(&array.chunks.length).map(|(at, n)| at + n));
        let Some(end) = ends.max() else { continue };
        planted += 1;
        let cut = file.slice(..usize::try_from(end - 1).unwrap());
        let recorded = Recorded { size: file.len().try_into().unwrap(), modified_ns: None, etag: None };
        let verification = verified(ReferenceSet { recorded: [(URL.to_owned(), recorded)].into(), ..set }, &cut);
        let has = |wanted: fn(&Fault) -> bool| verification.findings.iter().any(|finding| wanted(&finding.fault));
        assert!(has(|fault| matches!(fault, Fault::OutsideFile { .. })), "{name}: {verification:?}");
        assert!(has(|fault| matches!(fault, Fault::SourceChanged { .. })), "{name}: {verification:?}");
    }
    assert!(planted > 100, "{planted}");
}

#[test]
fn a_changed_file_is_told_apart_from_a_wrong_reference() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let file = files::bytes("netcdf/cf.nc");
    std::fs::write(&path, &file).unwrap();
    let url = path.to_str().unwrap().to_owned();
    let input = h5refs::Input::open(&path).unwrap();
    let (mut set, _) = h5refs::references(&input, &h5refs::Options::new(url.clone())).unwrap();
    let state = input.state().unwrap();
    set.recorded.insert(url.clone(), Recorded::from_state(state.size, state.modified, state.etag));
    let verified = |set: &ReferenceSet| {
        let sources = std::sync::Arc::new(LocalSources::new().allow(folder.path()).unwrap());
        verify(&Store::new(set.clone(), sources), &VerifyOptions::default())
    };
    assert!(verified(&set).is_right(), "{:?}", verified(&set));
    let changed = |verification: &Verification| {
        verification.findings.iter().filter(|finding| matches!(finding.fault, Fault::SourceChanged { .. })).count()
    };
    // The same bytes, written later.
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let later = verified(&set);
    assert_eq!((later.findings.len(), changed(&later)), (1, 1));
    assert_eq!(later.findings[0].at, url);
    std::fs::remove_file(&path).unwrap();
    let gone = verified(&set);
    assert!(
        matches!(&gone.findings[..], [finding] if matches!(finding.fault, Fault::SourceMissing { .. })),
        "{gone:?}"
    );
}

#[test]
fn a_changed_file_is_noticed_though_all_is_held_inline() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nc");
    std::fs::write(&path, files::bytes("netcdf/cf.nc")).unwrap();
    let url = path.to_str().unwrap().to_owned();
    let input = h5refs::Input::open(&path).unwrap();
    let mut options = h5refs::Options::new(url.clone());
    options.inline_threshold = u64::MAX;
    let (mut set, _) = h5refs::references(&input, &options).unwrap();
    assert!(set.arrays().all(|(_, array)| array.chunks.files().is_empty()));
    let state = input.state().unwrap();
    set.recorded.insert(url.clone(), Recorded::from_state(state.size, state.modified, state.etag));
    let verified = || {
        let sources = std::sync::Arc::new(LocalSources::new().allow(folder.path()).unwrap());
        verify(&Store::new(set.clone(), sources), &VerifyOptions::default())
    };
    let right = verified();
    assert!(right.is_right() && right.unchecked.is_empty() && right.checked.files == 1, "{right:?}");
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let later = verified();
    assert!(
        matches!(&later.findings[..], [only] if only.at == url && matches!(only.fault, Fault::SourceChanged { .. })),
        "{later:?}"
    );
    // The set is whole without it.
    std::fs::remove_file(&path).unwrap();
    let gone = verified();
    assert!(gone.is_right() && gone.unchecked.len() == 1 && gone.unchecked[0].at == url, "{gone:?}");
}

#[test]
fn a_combination_with_sets_that_hold_all_inline_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = CombineOptions::new(["member"]);
    options.selectors.insert("member".to_owned(), Selector::Index);
    let mut combine = Combine::new(options);
    for (name, inline_threshold) in [("a.nc", 0), ("b.nc", u64::MAX), ("c.nc", u64::MAX)] {
        let path = folder.path().join(name);
        std::fs::write(&path, files::bytes("netcdf/cf.nc")).unwrap();
        let url = path.to_str().unwrap().to_owned();
        let input = h5refs::Input::open(&path).unwrap();
        let mut options = h5refs::Options::new(url.clone());
        options.inline_threshold = inline_threshold;
        let (mut set, _) = h5refs::references(&input, &options).unwrap();
        set.nodes.retain(|(path, _)| ["", "sst"].contains(&path.as_str()));
        let state = input.state().unwrap();
        set.recorded.insert(url, Recorded::from_state(state.size, state.modified, state.etag));
        combine.add(name, set).unwrap();
    }
    let set = combine.plan(None).unwrap().merge().unwrap();
    assert_eq!((set.urls.len(), set.recorded.len()), (1, 3));
    let sources = || Arc::new(LocalSources::new().allow(folder.path()).unwrap());
    let verification = verify(&Store::new(set.clone(), sources()), &VerifyOptions::default());
    let why: Vec<&str> = verification.unchecked.iter().map(|unchecked| unchecked.why.as_str()).collect();
    let expected = "values are not compared: the set does not tell which file it was made of";
    assert!(verification.is_right() && why == [expected] && verification.checked.files == 3, "{verification:?}");
    std::fs::write(folder.path().join("b.nc"), b"another").unwrap();
    let changed = verify(&Store::new(set, sources()), &VerifyOptions::default());
    assert!(
        matches!(&changed.findings[..], [only] if only.at.ends_with("b.nc") && matches!(only.fault, Fault::SourceChanged { .. })),
        "{changed:?}"
    );
}

#[test]
fn a_sample_looks_at_some_chunks_and_every_reference() {
    let (mut set, file) = sets()
        .find_map(|(_, file, set)| {
            let is_large = set.arrays().any(|(_, array)| array.chunks.number.len() > 20);
            is_large.then_some((set, file))
        })
        .unwrap();
    let mut options = VerifyOptions::default();
    (options.origin, options.sample) = (Some(URL.to_owned()), Some(2));
    let sampled = |set: &ReferenceSet| {
        verify(&Store::new(set.clone(), Sources::from([(URL.to_owned(), file.clone())])), &options)
    };
    let verification = sampled(&set);
    assert!(verification.is_right(), "{verification:?}");
    assert!(verification.checked.chunks <= 2 * verification.checked.arrays && verification.checked.references > 20);
    let array = set.nodes.iter_mut().find_map(|(_, node)| match node {
        Node::Array(array) if array.chunks.number.len() > 20 => Some(array),
        _ => None,
    });
    let chunks = &mut array.unwrap().chunks;
    assert!(matches!(chunks.urls, Urls::One(_)));
    *chunks.offset.last_mut().unwrap() = file.len().try_into().unwrap();
    let outside = |verification: Verification| {
        verification.findings.iter().any(|finding| matches!(finding.fault, Fault::OutsideFile { .. }))
    };
    assert!(outside(sampled(&set)));
}

/// A file with external links, its references with what the links lead to, and what verify says of them after a change.
fn linked(name: &str, change: impl FnOnce(&mut ReferenceSet)) -> Verification {
    let path = files::folder().join(name).canonicalize().unwrap();
    let mut options = h5refs::Options::new(path.to_str().unwrap());
    options.inline_threshold = 0;
    let folder = path.parent().unwrap().to_owned();
    options.external = Some(FindExternal::new(move |name| {
        let path = folder.join(name);
        let size = std::fs::metadata(&path).map_err(|error| ExternalError::Absent(error.to_string()))?.len();
        Ok(FoundExternal::new(path.to_str().unwrap(), size).opened_by(move || h5refs::Input::open(&path)))
    }));
    let (mut set, _) = h5refs::references(&h5refs::Input::open(&path).unwrap(), &options).unwrap();
    change(&mut set);
    let mut options = VerifyOptions::default();
    options.origin = Some(path.to_str().unwrap().to_owned());
    verify(&Store::new(set, Arc::new(LocalSources::new().allow(files::folder()).unwrap())), &options)
}

#[test]
fn what_external_links_lead_to_is_compared_with_the_files_that_it_lies_in() {
    // Elements of /d, /g/d and /g/h/deep, by each link; /g/lzf and /g/of_lzf.
    let (d, deep) = (24, 3);
    for (name, elements) in [
        ("group/external_links.h5", 2 + 4 * d + 2 * deep + d),
        ("group/external_links_spelled.h5", 5 * d + 3 * deep + 2 * d),
        ("group/external_links_read.h5", 24 + 2 * 24),
    ] {
        let verification = linked(name, |_| ());
        assert!(verification.is_right() && verification.unchecked.is_empty(), "{name}: {verification:?}");
        assert_eq!(verification.checked.elements, elements, "{name}");
    }
}

#[test]
fn a_wrong_reference_behind_an_external_link_is_found() {
    let shifted = linked("group/external_links.h5", |set| {
        let array = set.nodes.iter_mut().find_map(|(path, node)| match node {
            Node::Array(array) if path == "group/h/deep" => Some(array),
            _ => None,
        });
        array.unwrap().chunks.offset[0] -= 2;
    });
    let told: Vec<String> =
        shifted.findings.iter().map(|finding| format!("{}: {}", finding.at, finding.fault)).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("group/h/deep/0: "), "{told:?}");
}

#[test]
fn what_lies_in_a_file_that_cannot_be_read_is_unchecked() {
    let name = "group/external_links_read.h5";
    let mut options = h5refs::Options::new(URL);
    options.external = Some(crate::direct::beside(name));
    let (set, _) = h5refs::references(&h5refs::Input::from(files::bytes(name)), &options).unwrap();
    let verification = verified(set, &files::bytes(name));
    let told: Vec<String> =
        verification.unchecked.iter().map(|unchecked| format!("{}: {}", unchecked.at, unchecked.why)).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    let expected = "array: its values are not compared: external link to the file \"external_links_read_target.h5\": ";
    assert!(told[0].starts_with(expected), "{told:?}");
}
