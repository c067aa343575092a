//! What is true of every set of references.

use std::collections::{BTreeMap, BTreeSet};

use h5refs::reference::{Manifest, Node, Reference};
use h5refs::zarr::NanPolicy;
use h5refs::{Limits, ReferenceSet, read_json, write_json_with};

/// The set as a text, by which sets with NaN are compared too: URLs are told by name, whatever their numbers, and floats that JSON lacks
/// are texts.
pub fn told(set: &ReferenceSet) -> String {
    let mut text = format!("{:?}\n", set.recorded);
    for (path, node) in &set.nodes {
        let (attributes, array) = match node {
            Node::Group(attributes) => (attributes, None),
            Node::Array(array) => (&array.attributes, Some(array)),
        };
        let attributes = serde_json::to_string(attributes).expect("attributes are JSON");
        text.push_str(&format!("{path}: {attributes}\n"));
        let Some(array) = array else { continue };
        let chunks = &array.chunks;
        text.push_str(&format!("{:?} {:?} {:?}\n", array.metadata, chunks.grid, chunks.inline));
        for n in 0..chunks.number.len() {
            let row = (chunks.number[n], set.url(chunks.url(n)), chunks.offset[n], chunks.length[n]);
            text.push_str(&format!("{row:?}\n"));
        }
    }
    text
}

/// A set is printed as strict JSON and parsed as what it was, and nothing in it belongs to no node. With bare tokens nothing is lost at all.
pub fn assert_read_back(set: &ReferenceSet) {
    let json = printed(set, NanPolicy::String);
    serde_json::from_slice::<serde_json::Value>(&json).expect("it is no JSON");
    assert_eq!(told(&read_back(&json)), told(set));
    let bare = printed(set, NanPolicy::Python);
    let back = read_back(&bare);
    assert_eq!(told(&back), told(set));
    assert_eq!(String::from_utf8(printed(&back, NanPolicy::Python)), String::from_utf8(bare));
}

fn printed(set: &ReferenceSet, nan: NanPolicy) -> Vec<u8> {
    let mut json = Vec::new();
    write_json_with(set, nan, &mut json).expect("it is not written");
    json
}

fn read_back(json: &[u8]) -> ReferenceSet {
    let (set, stray) = read_json(json, &Limits::default()).expect("it is not read back");
    assert_eq!(stray, Vec::<String>::new());
    set
}

/// Every range lies in a file of `size` bytes, and no chunk is there twice.
pub fn assert_inside(set: &ReferenceSet, size: u64) {
    for (path, array) in set.arrays() {
        let Manifest { number, offset, length, inline, .. } = &array.chunks;
        assert!(number.is_sorted_by(|a, b| a < b), "{path}: {number:?}");
        assert!(number.iter().all(|number| !inline.contains_key(number)), "{path}: {number:?} and {inline:?}");
        for (offset, length) in offset.iter().zip(length) {
            let end = offset.checked_add(*length);
            assert!(end.is_some_and(|end| end <= size), "{path}: {length} bytes at {offset} of {size}");
        }
    }
}

/// No set refers to a byte that none of `from` refers to.
pub fn assert_within(set: &ReferenceSet, from: &[ReferenceSet]) {
    let mut whole = BTreeSet::new();
    let mut ranges: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for (set, reference) in from.iter().flat_map(|set| references(set).map(move |reference| (set, reference))) {
        match reference {
            Reference::Whole { url } => drop(whole.insert(set.url(url))),
            Reference::Range { url, offset, length } => {
                ranges.entry(set.url(url)).or_default().push((offset, offset + length));
            }
            Reference::Inline(_) => {}
        }
    }
    for reference in references(set) {
        let (url, range) = match reference {
            Reference::Inline(_) => continue,
            Reference::Whole { url } => (set.url(url), None),
            Reference::Range { url, offset, length } => (set.url(url), Some((offset, offset + length))),
        };
        let known = ranges.get(url).is_some_and(|known| range.is_some_and(|range| is_covered(range, known)));
        assert!(known || whole.contains(url), "no set refers to {range:?} of {url:?}");
    }
}

fn references(set: &ReferenceSet) -> impl Iterator<Item = Reference> {
    set.arrays().flat_map(|(_, array)| array.chunks.number.iter().filter_map(|number| array.chunks.get(*number)))
}

/// Whether ranges have every byte of another between them.
fn is_covered((mut start, end): (u64, u64), ranges: &[(u64, u64)]) -> bool {
    while start < end {
        let next = ranges.iter().filter(|range| range.0 <= start).map(|range| range.1).max();
        match next {
            Some(next) if next > start => start = next,
            _ => return false,
        }
    }
    true
}
