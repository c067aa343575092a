//! What references read as: keys, chunks and arrays of a set, from wherever their bytes lie.

mod array;
mod codecs;
mod elements;
mod fill;
mod held;
mod keys;
mod origin;
mod states;
mod values;
#[cfg(feature = "zarrs")]
mod zarrs;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use bytes::Bytes;

pub use array::StoredArray;
pub(crate) use codecs::{Decoded, decode, refusal};
pub use elements::Elements;
pub(crate) use fill::{element as fill_element, text as fill_text};
pub(crate) use held::held_values;
pub use origin::Origin;
pub use states::states_as_recorded;
pub use values::Values;

use crate::error::Error;
use crate::field::convert::{narrow, wide};
use crate::limits::{Limits, check};
use crate::reference::key::{chunk_number, split};
use crate::reference::{Node, Reference, ReferenceSet, UrlId};
use crate::source::{Sources, exact};
use crate::zarr::{GROUP, NanPolicy, Separator};

/// A Zarr v2 store: the keys of a reference set and the bytes that they stand for.
///
/// ```
/// # fn main() -> Result<(), h5refs::Error> {
/// use h5refs::{Input, LocalSources, Options, Store};
///
/// let file = std::path::absolute("testdata/netcdf/cf.nc").unwrap();
/// let (references, _) = h5refs::references(&Input::open(&file)?, &Options::new(file.to_str().unwrap()))?;
/// let store = Store::new(references, LocalSources::new().allow("testdata")?);
/// let (path, _) = store.set().arrays().next().unwrap();
/// let values = store.array(path)?.read_all()?;
/// println!("{:?} {:?}", values.shape, values.elements());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Store<S> {
    set: ReferenceSet,
    sources: S,
    limits: Limits,
    threads: usize,
    /// Positions of the nodes by their paths.
    nodes: HashMap<String, usize>,
}

impl<S: Sources> Store<S> {
    /// A store over a set, of which `sources` reads the files.
    pub fn new(set: ReferenceSet, sources: S) -> Self {
        let nodes = set.nodes.iter().enumerate().map(|(at, (path, _))| (path.clone(), at)).collect();
        Self { set, sources, limits: Limits::default(), threads: 1, nodes }
    }

    /// What one read may cost.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How many threads decode the chunks of one read (default 1).
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// The references.
    pub fn set(&self) -> &ReferenceSet {
        &self.set
    }

    /// Where the bytes come from.
    pub fn sources(&self) -> &S {
        &self.sources
    }

    /// An array by its path, without leading slash.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no array.
    pub fn array(&self, path: &str) -> Result<StoredArray<'_, S>, Error> {
        match self.node(path) {
            Some((path, Node::Array(array))) => Ok(StoredArray { store: self, path, array }),
            _ => Err(Error::NotFound { path: path.to_owned() }),
        }
    }

    fn node(&self, path: &str) -> Option<(&str, &Node)> {
        let (path, node) = self.set.nodes.get(*self.nodes.get(path)?)?;
        Some((path, node))
    }

    /// The bytes of a key; `None` where the set has no such key.
    ///
    /// # Errors
    /// What the sources answer.
    pub fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        match self.find(key) {
            None => Ok(None),
            Some(Reference::Inline(bytes)) => Ok(Some(bytes)),
            Some(reference) => {
                let (url, range) = self.place(&reference)?;
                check("chunk_bytes", range.end.saturating_sub(range.start), self.limits.chunk_bytes)?;
                self.read_one(url, range).map(Some)
            }
        }
    }

    /// A range of the bytes of a key, cut off where these end.
    ///
    /// # Errors
    /// What the sources answer.
    pub fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, Error> {
        let parts = self.get_ranges(key, std::slice::from_ref(&range))?;
        Ok(parts.and_then(|parts| parts.into_iter().next()))
    }

    /// Ranges of the bytes of a key, in order, each cut off where these end: the sources are asked for all at once.
    ///
    /// # Errors
    /// What the sources answer, and [`Error::Limit`] where they have more than `Limits::chunk_bytes` together.
    pub fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>, Error> {
        let cut = |range: &Range<u64>, size: u64| {
            let start = range.start.min(size);
            start..range.end.clamp(start, size)
        };
        match self.find(key) {
            None => Ok(None),
            Some(Reference::Inline(bytes)) => {
                let parts = ranges.iter().map(|range| cut(range, wide(bytes.len())));
                Ok(Some(parts.map(|part| bytes.slice(narrow(part.start)..narrow(part.end))).collect()))
            }
            Some(reference) => {
                let (url, whole) = self.place(&reference)?;
                let size = whole.end.saturating_sub(whole.start);
                let parts: Vec<Range<u64>> = ranges.iter().map(|range| cut(range, size)).collect();
                let total =
                    parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.end.saturating_sub(part.start)));
                check("chunk_bytes", total, self.limits.chunk_bytes)?;
                let at = |part: u64| whole.start.saturating_add(part);
                let places: Vec<Range<u64>> = parts.iter().map(|part| at(part.start)..at(part.end)).collect();
                exact(url, &places, self.sources.read(url, &places)?).map(Some)
            }
        }
    }

    /// How many bytes a key stands for; `None` where the set has no such key.
    ///
    /// # Errors
    /// What the sources answer.
    pub fn size(&self, key: &str) -> Result<Option<u64>, Error> {
        match self.find(key) {
            None => Ok(None),
            Some(Reference::Inline(bytes)) => Ok(Some(wide(bytes.len()))),
            Some(reference) => self.place(&reference).map(|(_, range)| Some(range.end.saturating_sub(range.start))),
        }
    }

    /// What a key stands for; documents are inline.
    fn find(&self, key: &str) -> Option<Reference> {
        let (path, name) = split(key);
        let text = match (self.node(path)?.1, name) {
            (Node::Group(_), ".zgroup") => Some(GROUP.to_owned()),
            (Node::Group(attributes), ".zattrs") => attributes.to_json(NanPolicy::String).ok(),
            (Node::Array(array), ".zarray") => array.metadata.to_json(NanPolicy::String).ok(),
            (Node::Array(array), ".zattrs") => array.attributes.to_json(NanPolicy::String).ok(),
            (Node::Array(array), name) => {
                return array.chunks.get(chunk_number(name, Separator::Dot, &array.chunks.grid)?);
            }
            (Node::Group(_), _) => None,
        };
        text.map(|text| Reference::Inline(text.into()))
    }

    fn read_one(&self, url: &str, range: Range<u64>) -> Result<Bytes, Error> {
        let range = std::slice::from_ref(&range);
        Ok(exact(url, range, self.sources.read(url, range)?)?.pop().unwrap_or_default())
    }

    /// The sizes of the files that references stand for as a whole.
    fn sizes<'r>(&self, references: impl Iterator<Item = &'r Reference>) -> Result<BTreeMap<UrlId, u64>, Error> {
        let whole = |reference: &Reference| if let Reference::Whole { url } = reference { Some(*url) } else { None };
        let ids: BTreeSet<UrlId> = references.filter_map(whole).collect();
        let urls: Vec<&str> = ids.iter().map(|url| self.set.url(*url)).collect();
        ids.into_iter().zip(self.sources.states(&urls)).map(|(url, state)| Ok((url, state?.size))).collect()
    }

    /// The file of a reference that is not inline, and the range in it.
    fn place(&self, reference: &Reference) -> Result<(&str, Range<u64>), Error> {
        match reference {
            Reference::Inline(bytes) => Ok(("", 0..wide(bytes.len()))),
            Reference::Whole { url } => {
                let url = self.set.url(*url);
                Ok((url, 0..self.sources.state(url)?.size))
            }
            Reference::Range { url, offset, length } => {
                Ok((self.set.url(*url), *offset..offset.saturating_add(*length)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::reference::Builder;
    use crate::source::State;
    use crate::zarr::{ArrayMetadata, Attributes, Dtype};

    pub(super) fn store() -> Store<HashMap<String, Bytes>> {
        let mut builder = Builder::default();
        builder.group("", Attributes::default());
        builder.group("g", Attributes::default());
        let metadata = ArrayMetadata::new(vec![3, 1], vec![1, 1], Dtype::Simple("|u1".to_owned()), None, Vec::new());
        let array = builder.array("g/a", metadata, Attributes::with_dimensions(&["y".to_owned(), "x".to_owned()]));
        builder.url("f").unwrap();
        builder.chunk(array, 0, Reference::Range { url: UrlId(0), offset: 2, length: 1 });
        builder.chunk(array, 1, Reference::Whole { url: UrlId(0) });
        builder.chunk(array, 2, Reference::Inline(Bytes::from_static(b"z")));
        Store::new(builder.finish().unwrap(), HashMap::from([("f".to_owned(), Bytes::from_static(b"abcdef"))]))
    }

    #[test]
    fn a_key_is_a_document_or_a_chunk() {
        let store = store();
        let get = |key: &str| store.get(key).unwrap().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        assert_eq!(get(".zgroup").unwrap(), GROUP);
        assert_eq!(get("g/a/.zattrs").unwrap(), r#"{"_ARRAY_DIMENSIONS":["y","x"]}"#);
        assert!(get("g/a/.zarray").unwrap().starts_with(r#"{"shape":[3,1]"#));
        assert_eq!(
            (get("g/a/0.0"), get("g/a/1.0"), get("g/a/2.0")),
            (Some("c".to_owned()), Some("abcdef".to_owned()), Some("z".to_owned()))
        );
        for absent in ["", "g", "g/a", "g/a/3.0", "g/a/0", "g/.zarray", "b/.zarray", "g/a/0.0/x"] {
            assert_eq!((get(absent), store.size(absent).unwrap()), (None, None), "{absent}");
        }
    }

    /// Files that count how often they are read.
    #[derive(Debug)]
    struct Counted(HashMap<String, Bytes>, AtomicUsize);

    impl Sources for Counted {
        fn state(&self, url: &str) -> Result<State, Error> {
            self.0.state(url)
        }

        fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.read(url, ranges)
        }
    }

    #[test]
    fn ranges_of_a_key_are_read_at_once() {
        let Store { set, sources, .. } = store();
        let store = Store::new(set, Counted(sources, AtomicUsize::new(0)));
        let ranges = [1..3, 4..9, 0..0, 7..8, 2..4];
        let parts = |key: &str| store.get_ranges(key, &ranges).unwrap().unwrap();
        assert_eq!(parts("g/a/1.0"), ["bc", "ef", "", "", "cd"]);
        assert_eq!(store.sources.1.load(Ordering::Relaxed), 1);
        assert_eq!(parts("g/a/2.0"), ["", "", "", "", ""]);
        assert_eq!(store.get_ranges("g/a/9.0", &ranges).unwrap(), None);
        assert_eq!(store.sources.1.load(Ordering::Relaxed), 1);
        let limits = Limits { chunk_bytes: 5, ..Limits::default() };
        let error = store.with_limits(limits).get_ranges("g/a/1.0", &ranges).unwrap_err().to_string();
        assert!(error.starts_with("6 exceeds Limits::chunk_bytes = 5"), "{error}");
    }

    #[test]
    fn a_range_ends_where_the_bytes_end() {
        let store = store();
        let part = |key: &str, range| store.get_range(key, range).unwrap().unwrap();
        assert_eq!(
            (part("g/a/1.0", 1..3), part("g/a/1.0", 4..99), part("g/a/1.0", 9..99)),
            ("bc".into(), "ef".into(), Bytes::new())
        );
        assert_eq!((part("g/a/0.0", 0..5), part("g/a/2.0", 0..u64::MAX)), ("c".into(), "z".into()));
        assert_eq!((store.size("g/a/1.0").unwrap(), store.size("g/a/2.0").unwrap()), (Some(6), Some(1)));
    }

    #[test]
    fn keys_are_listed_as_a_tree() {
        let store = store();
        let keys: Vec<String> = store.keys().collect();
        let expected = [
            ".zgroup",
            ".zattrs",
            "g/.zgroup",
            "g/.zattrs",
            "g/a/.zarray",
            "g/a/.zattrs",
            "g/a/0.0",
            "g/a/1.0",
            "g/a/2.0",
        ];
        assert_eq!(keys, expected);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(store.children(""), (names(&[".zgroup", ".zattrs"]), names(&["g"])));
        assert_eq!(store.children("g"), (names(&[".zgroup", ".zattrs"]), names(&["a"])));
        assert_eq!(store.children("g/a"), (names(&[".zarray", ".zattrs", "0.0", "1.0", "2.0"]), Vec::new()));
        assert_eq!(store.children("nothing"), (Vec::new(), Vec::new()));
    }
}
