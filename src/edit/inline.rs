//! Chunks that are held in the references themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;

use super::EditError;
use crate::error::Error;
use crate::field::convert::wide;
use crate::limits::{Limits, check};
use crate::reference::SplitError;
use crate::reference::grid::grid;
use crate::reference::key::{chunk_name, joined};
use crate::reference::{Array, Manifest, Node, ReferenceSet, UrlId};
use crate::source::{Sources, State, exact};
use crate::store::{Store, Values, states_as_recorded};
use crate::zarr::{Codec, Order};

/// What came of holding chunks inline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Inlined {
    /// Arrays that hold more than before.
    pub arrays: usize,
    /// Chunks that are held now and were not before.
    pub chunks: u64,
    /// Bytes of those chunks, as they are held.
    pub bytes: u64,
}

/// A chunk that is to be held.
struct Wanted {
    /// Position of the array among the nodes.
    node: usize,
    number: u64,
    range: Range<u64>,
}

/// Holds chunks inline as they are stored: those of fewer bytes than `threshold`, and all of the arrays that `chosen` says by their
/// paths. Chunks that are whole files have no length that references tell, so that only `chosen` counts for them. What is held already
/// stays so. All is asked for at once.
///
/// # Errors
/// What the sources answer; [`Error::Changed`] where a file is not what it was when the references were made; [`EditError::Split`] for
/// chunks without codecs that have not the bytes of their elements; and more bytes than [`Limits::inline_bytes`]. The set is then what
/// it was.
pub fn inline<S: Sources>(
    set: &mut ReferenceSet,
    sources: &S,
    threshold: u64,
    chosen: impl Fn(&str) -> bool,
    limits: &Limits,
) -> Result<Inlined, EditError> {
    let wanted = wanted(set, sources, threshold, chosen)?;
    let length = |wanted: &Wanted| wanted.range.end.saturating_sub(wanted.range.start);
    let bytes = wanted.values().flatten().fold(0_u64, |sum, wanted| sum.saturating_add(length(wanted)));
    check("inline_bytes", bytes.saturating_add(held(set)), limits.inline_bytes)?;
    check_files(set, sources, wanted.keys().copied())?;
    let mut arrays: BTreeMap<usize, Vec<(u64, Bytes)>> = BTreeMap::new();
    for (wanted, bytes) in read(set, sources, wanted)? {
        check_length(set, &wanted, &bytes)?;
        arrays.entry(wanted.node).or_default().push((wanted.number, bytes));
    }
    let mut inlined = Inlined { arrays: arrays.len(), chunks: 0, bytes };
    for (node, mut chunks) in arrays {
        inlined.chunks = inlined.chunks.saturating_add(wide(chunks.len()));
        chunks.sort_unstable_by_key(|(number, _)| *number);
        if let Some((_, Node::Array(array))) = set.nodes.get_mut(node) {
            array.chunks.hold_inline(chunks);
        }
    }
    Ok(inlined)
}

/// Bytes that a set holds.
fn held(set: &ReferenceSet) -> u64 {
    let chunks = set.arrays().flat_map(|(_, array)| array.chunks.inline.values());
    chunks.fold(0, |sum, bytes| sum.saturating_add(wide(bytes.len())))
}

/// The chunks that are to be held, by their files.
fn wanted<S: Sources>(
    set: &ReferenceSet,
    sources: &S,
    threshold: u64,
    chosen: impl Fn(&str) -> bool,
) -> Result<BTreeMap<UrlId, Vec<Wanted>>, EditError> {
    let mut wanted: BTreeMap<UrlId, Vec<Wanted>> = BTreeMap::new();
    let mut whole = Vec::new();
    for (node, (path, content)) in set.nodes.iter().enumerate() {
        let Node::Array(array) = content else { continue };
        let (all, chunks) = (chosen(path), &array.chunks);
        for (n, ((number, offset), length)) in chunks.number.iter().zip(&chunks.offset).zip(&chunks.length).enumerate()
        {
            let (url, number) = (chunks.url(n), *number);
            if *length == Manifest::WHOLE {
                whole.extend(all.then_some((node, number, url)));
            } else if all || *length < threshold {
                let range = *offset..offset.saturating_add(*length);
                wanted.entry(url).or_default().push(Wanted { node, number, range });
            }
        }
    }
    let urls: BTreeSet<UrlId> = whole.iter().map(|(_, _, url)| *url).collect();
    let names: Vec<&str> = urls.iter().map(|url| set.url(*url)).collect();
    let sizes = urls.iter().zip(sources.states(&names)).map(|(url, state)| Ok((*url, state?.size)));
    let sizes: BTreeMap<UrlId, u64> = sizes.collect::<Result<_, Error>>()?;
    for (node, number, url) in whole {
        let range = 0..sizes.get(&url).copied().unwrap_or_default();
        wanted.entry(url).or_default().push(Wanted { node, number, range });
    }
    Ok(wanted)
}

/// Whether files are what they were when the references were made, as far as it is recorded.
fn check_files<S: Sources>(
    set: &ReferenceSet,
    sources: &S,
    urls: impl Iterator<Item = UrlId>,
) -> Result<(), EditError> {
    let names: Vec<&str> = urls.map(|url| set.url(url)).filter(|url| set.recorded.contains_key(*url)).collect();
    let states = states_as_recorded(&set.recorded, &names, sources);
    Ok(states.into_iter().try_for_each(|state| state.map(|_| ()))?)
}

fn read<S: Sources>(
    set: &ReferenceSet,
    sources: &S,
    wanted: BTreeMap<UrlId, Vec<Wanted>>,
) -> Result<Vec<(Wanted, Bytes)>, EditError> {
    let ranges: Vec<(&str, Vec<Range<u64>>)> = (wanted.iter())
        .map(|(url, chunks)| (set.url(*url), chunks.iter().map(|wanted| wanted.range.clone()).collect()))
        .collect();
    let files: Vec<(&str, &[Range<u64>])> = ranges.iter().map(|(url, ranges)| (*url, ranges.as_slice())).collect();
    let mut answers = sources.read_many(&files).into_iter();
    let mut all = Vec::new();
    for ((url, ranges), chunks) in ranges.iter().zip(wanted.into_values()) {
        let bytes = answers.next().unwrap_or_else(|| Ok(Vec::new()))?;
        all.extend(chunks.into_iter().zip(exact(url, ranges, bytes)?));
    }
    Ok(all)
}

/// Chunks without codecs are their elements, and no reader takes others.
fn check_length(set: &ReferenceSet, wanted: &Wanted, bytes: &Bytes) -> Result<(), EditError> {
    let Some((path, Node::Array(array))) = set.nodes.get(wanted.node) else { return Ok(()) };
    let (metadata, found) = (&array.metadata, wide(bytes.len()));
    match metadata.chunk_bytes().filter(|expected| *expected != found) {
        Some(expected) if metadata.codecs().next().is_none() => {
            let key = joined(path, &chunk_name(wanted.number, &array.chunks.grid));
            Err(SplitError::Length { key, found, expected }.into())
        }
        _ => Ok(()),
    }
}

/// Holds arrays inline as one chunk each, decoded: those that `chosen` says by their paths and that have chunks. Where chunks are
/// missing there is the fill value.
///
/// # Errors
/// What the sources answer; [`Error::Changed`] where a file is not what it was when the references were made; [`Error::Chunk`] where a
/// chunk does not decode; and more bytes than [`Limits::inline_bytes`]. The set is then what it was.
pub fn merge<S: Sources>(
    set: &mut ReferenceSet,
    sources: &S,
    chosen: impl Fn(&str) -> bool,
    limits: &Limits,
) -> Result<Inlined, EditError> {
    let is_due = |array: &Array| array.chunks.present() > 0 && !array.metadata.shape.contains(&0) && !is_merged(array);
    let due = set.arrays().filter(|(path, array)| chosen(path) && is_due(array));
    let due = due.map(|(path, array)| (path.to_owned(), Node::Array(Box::new(array.clone()))));
    let due = ReferenceSet { urls: set.urls.clone(), nodes: due.collect(), ..ReferenceSet::default() };
    let bytes = due.arrays().fold(held(set), |sum, (_, array)| sum.saturating_add(logical(array)));
    check("inline_bytes", bytes, limits.inline_bytes)?;
    let files: BTreeSet<UrlId> = due.arrays().flat_map(|(_, array)| array.chunks.files()).collect();
    check_files(set, sources, files.into_iter())?;
    let store = Store::new(due, Borrowed(sources)).with_limits(*limits);
    let (mut merged, mut inlined) = (BTreeMap::new(), Inlined::default());
    for (path, array) in store.set().arrays() {
        let array = one_chunk(array, &store.array(path)?.read_all()?);
        inlined.arrays += 1;
        inlined.chunks = inlined.chunks.saturating_add(1);
        inlined.bytes = inlined.bytes.saturating_add(array.chunks.inline.values().map(|bytes| wide(bytes.len())).sum());
        // Texts have a length that is known only now.
        check("inline_bytes", inlined.bytes, limits.inline_bytes)?;
        merged.insert(path.to_owned(), array);
    }
    for (path, node) in &mut set.nodes {
        if let Some(array) = merged.remove(path) {
            *node = Node::Array(Box::new(array));
        }
    }
    Ok(inlined)
}

/// Bytes of an array's elements; of objects as many as there are.
fn logical(array: &Array) -> u64 {
    let size = array.metadata.dtype.size().unwrap_or(1).max(1);
    array.metadata.shape.iter().fold(size, |bytes, along| bytes.saturating_mul(*along))
}

/// Whether an array is one chunk already that is held decoded.
fn is_merged(array: &Array) -> bool {
    let codecs: Vec<&Codec> = array.metadata.codecs().collect();
    let plain = codecs.is_empty() || codecs == [&Codec::VlenUtf8];
    plain && array.metadata.chunks == array.metadata.shape && array.chunks.inline.len() == 1
}

/// An array that holds its values as one chunk.
fn one_chunk(array: &Array, values: &Values) -> Array {
    let mut array = array.clone();
    let metadata = &mut array.metadata;
    metadata.chunks.clone_from(&metadata.shape);
    (metadata.compressor, metadata.order) = (None, Order::C);
    let bytes = match (values.bytes(), values.texts()) {
        (Some(bytes), _) => {
            metadata.filters.clear();
            Bytes::copy_from_slice(bytes)
        }
        (None, texts) => {
            metadata.filters = vec![Codec::VlenUtf8];
            encoded(texts.unwrap_or_default()).into()
        }
    };
    let grid = grid(&metadata.shape, &metadata.chunks);
    array.chunks = Manifest { grid, inline: BTreeMap::from([(0, bytes)]), ..Manifest::default() };
    array
}

/// Texts as `vlen-utf8` has them: how many, and each with its length before it.
fn encoded(texts: &[String]) -> Vec<u8> {
    // Chunks of more than 2^32 bytes are held nowhere.
    let length = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = length(texts.len()).to_vec();
    for text in texts {
        bytes.extend(length(text.len()));
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// Sources of somebody else.
struct Borrowed<'a, S>(&'a S);

impl<S: Sources> Sources for Borrowed<'_, S> {
    fn state(&self, url: &str) -> Result<State, Error> {
        self.0.state(url)
    }

    fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        self.0.read(url, ranges)
    }

    fn states(&self, urls: &[&str]) -> Vec<Result<State, Error>> {
        self.0.states(urls)
    }

    fn read_many(&self, wanted: &[(&str, &[Range<u64>])]) -> Vec<Result<Vec<Bytes>, Error>> {
        self.0.read_many(wanted)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::reference::{Builder, Recorded, Reference};
    use crate::zarr::{ArrayMetadata, Attributes, Dtype, FillValue};

    fn simple(dtype: &str, filters: Vec<Codec>) -> ArrayMetadata {
        ArrayMetadata::new(vec![5], vec![2], Dtype::Simple(dtype.to_owned()), Some(FillValue::Unsigned(9)), filters)
    }

    /// `a` of bytes as they are, `b` the same in zlib, `c` a whole file.
    fn set() -> (ReferenceSet, HashMap<String, Bytes>) {
        let zlib = [0x78, 0x01, 0x01, 0x02, 0x00, 0xfd, 0xff, 7, 8, 0x00, 0x18, 0x00, 0x10];
        let file = [&[1, 2, 3, 4, 5, 0], &zlib[..]].concat();
        let mut builder = Builder::default();
        builder.group("", Attributes::default());
        let plain = builder.array("a", simple("|u1", Vec::new()), Attributes::default());
        let coded = builder.array("b", simple("|u1", vec![Codec::Zlib { level: 1 }]), Attributes::default());
        let whole = builder.array("c", simple("|u1", Vec::new()), Attributes::default());
        let (one, other) = (builder.url("f").unwrap(), builder.url("g").unwrap());
        let range = |offset, length| Reference::Range { url: one, offset, length };
        builder.chunk(plain, 0, range(0, 2));
        builder.chunk(plain, 2, range(4, 2));
        builder.chunk(coded, 1, range(6, 13));
        builder.chunk(whole, 0, Reference::Whole { url: other });
        let mut set = builder.finish().unwrap();
        set.recorded.insert("f".to_owned(), Recorded { size: 19, modified_ns: None, etag: None });
        (set, HashMap::from([("f".to_owned(), file.into()), ("g".to_owned(), Bytes::from_static(b"xy"))]))
    }

    fn array<'a>(set: &'a ReferenceSet, path: &str) -> &'a Array {
        set.arrays().find(|(known, _)| *known == path).unwrap().1
    }

    #[test]
    fn small_chunks_and_chosen_arrays_are_held_as_they_are_stored() {
        let limits = Limits::default();
        let (mut small, files) = set();
        let inlined = inline(&mut small, &files, 13, |_| false, &limits).unwrap();
        assert_eq!(inlined, Inlined { arrays: 1, chunks: 2, bytes: 4 });
        let held: Vec<_> = array(&small, "a").chunks.inline.clone().into_iter().collect();
        assert_eq!(held, [(0, Bytes::from_static(&[1, 2])), (2, Bytes::from_static(&[5, 0]))]);
        assert_eq!((array(&small, "a").chunks.number.len(), array(&small, "b").chunks.number.len()), (0, 1));
        let (mut chosen, _) = set();
        let inlined = inline(&mut chosen, &files, 0, |path| path != "a", &limits).unwrap();
        assert_eq!(inlined, Inlined { arrays: 2, chunks: 2, bytes: 15 });
        assert_eq!(array(&chosen, "c").chunks.inline[&0], "xy");
        assert_eq!(array(&chosen, "b").chunks.inline[&1], files["f"].slice(6..));
        assert_eq!(inline(&mut chosen, &files, 0, |path| path != "a", &limits).unwrap(), Inlined::default());
    }

    #[test]
    fn merged_arrays_read_as_they_did() {
        let (mut set, files) = set();
        let before = Store::new(set.clone(), files.clone());
        let inlined = merge(&mut set, &files, |_| true, &Limits::default()).unwrap();
        assert_eq!(inlined, Inlined { arrays: 3, chunks: 3, bytes: 15 });
        let after = Store::new(set.clone(), HashMap::<String, Bytes>::new());
        for (path, values) in [("a", [1, 2, 9, 9, 5]), ("b", [9, 9, 7, 8, 9]), ("c", [b'x', b'y', 9, 9, 9])] {
            let read = |store: &Store<_>| store.array(path).unwrap().read_all().unwrap();
            assert_eq!(read(&before).bytes().unwrap(), values);
            assert_eq!(read(&after), read(&before), "{path}");
            assert_eq!((array(&set, path).chunks.present(), array(&set, path).metadata.codecs().count()), (1, 0));
        }
        assert_eq!(merge(&mut set, &files, |_| true, &Limits::default()).unwrap(), Inlined::default());
    }

    #[test]
    fn texts_are_merged() {
        let mut builder = Builder::default();
        let metadata = ArrayMetadata { fill_value: None, ..simple("|O", vec![Codec::VlenUtf8]) };
        let a = builder.array("a", metadata, Attributes::default());
        builder.chunk(a, 1, Reference::Inline(encoded(&["é".to_owned(), "bc".to_owned()]).into()));
        let mut set = builder.finish().unwrap();
        let files = HashMap::<String, Bytes>::new();
        merge(&mut set, &files, |_| true, &Limits::default()).unwrap();
        assert_eq!(array(&set, "a").metadata.chunks, [5]);
        let store = Store::new(set, files);
        assert_eq!(store.array("a").unwrap().read_all().unwrap().texts().unwrap(), ["", "", "é", "bc", ""]);
    }

    #[test]
    fn what_cannot_be_held_leaves_the_set_as_it_was() {
        type Change = fn(&mut ReferenceSet, &mut HashMap<String, Bytes>, &mut Limits);
        let cases: [(Change, &str); 4] = [
            (|_, _, limits| limits.inline_bytes = 3, "Limits::inline_bytes"),
            (
                |set, _, _| set.recorded.get_mut("f").unwrap().size = 20,
                "f has changed since it was first read: it has 19 bytes and had 20",
            ),
            (|_, files, _| drop(files.remove("f")), "f: entity not found"),
            (|_, files, _| drop(files.insert("g".to_owned(), Bytes::from_static(b"xyz"))), "c/0: has 3 bytes"),
        ];
        for (change, expected) in cases {
            let ((mut set, mut files), mut limits) = (set(), Limits::default());
            change(&mut set, &mut files, &mut limits);
            let before = set.clone();
            for error in [inline(&mut set, &files, 0, |_| true, &limits), merge(&mut set, &files, |_| true, &limits)] {
                let error = error.unwrap_err().to_string();
                assert!(error.contains(expected), "{error}");
                assert_eq!(set, before);
            }
        }
    }
}
