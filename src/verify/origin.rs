//! The HDF5 file that references were made of.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::error::Error;
use crate::file::{OpenDataset, Place, ReadOptions, Reader};
use crate::limits::Limits;
use crate::reference::key::{joined, split};
use crate::reference::{ReferenceSet, UrlId};
use crate::source::{ExternalError, FindExternal, FoundExternal, Input, Sources};

/// netCDF's prefix of variables that have the name of another's dimension (`NON_COORD_PREPEND`); references leave it out.
const NON_COORDINATE: &str = "_nc4_non_coord_";

/// Most bytes of elements that are compared at once.
const MOST_AT_ONCE: u64 = 4 << 20;

/// The URL of the file, if the set tells: the only one that was recorded, or the only one that is referenced where none was, or a DMR++
/// sidecar that tells of it. Where several were, the set is a combination.
pub(super) fn url(set: &ReferenceSet) -> Option<&str> {
    let mut recorded = set.recorded.keys().filter(|url| url.strip_suffix(".dmrpp").is_none());
    if let Some(first) = recorded.next() {
        return recorded.next().is_none().then_some(first);
    }
    let used: BTreeSet<UrlId> = set.arrays().flat_map(|(_, array)| array.chunks.files()).collect();
    used.first().filter(|_| used.len() == 1).map(|url| set.url(*url))
}

/// The file, opened.
pub(super) struct Origin<'i> {
    reader: Reader<'i>,
    input: &'i Input,
    limits: Limits,
    group: String,
    /// Paths of objects by their addresses, looked up where a reference needs one.
    paths: OnceCell<BTreeMap<u64, String>>,
}

impl<'i> Origin<'i> {
    pub(super) fn open(
        input: &'i Input,
        url: &str,
        sources: Arc<dyn Sources>,
        group: &str,
        limits: Limits,
    ) -> Result<Self, Error> {
        let own_name = Some(split(url).1.to_owned());
        let options = ReadOptions { limits, own_name, external: Some(beside(url, sources)), ..ReadOptions::default() };
        let group = group.trim_matches('/').to_owned();
        Ok(Self { reader: Reader::open(input, options)?, input, limits, group, paths: OnceCell::new() })
    }

    /// Those of the arrays that external links lead out of the file: each with the stored name of the other file, and the path in it.
    pub(super) fn elsewhere<'p>(&self, arrays: &[&'p str]) -> Vec<(&'p str, String, String)> {
        let paths = arrays.iter().map(|array| self.absolute(&array.replace("%5C", "\\")));
        let places = self.reader.places(paths);
        let led = arrays.iter().zip(places).filter_map(|(array, place)| match place {
            Ok(Place::Elsewhere { file, path }) => Some((*array, file, path)),
            // What cannot be looked up is told where the dataset is read.
            _ => None,
        });
        led.collect()
    }

    /// The path in the file of what has this key in the references.
    fn absolute(&self, key: &str) -> String {
        format!("/{}", joined(&self.group, key))
    }

    /// The dataset that an array was made of.
    pub(super) fn dataset(&self, path: &str) -> Result<OpenDataset<'_>, Error> {
        let (parent, name) = split(path);
        let renamed = joined(parent, &format!("{NON_COORDINATE}{name}"));
        let dataset = |path: &str| self.reader.dataset(&self.absolute(path));
        let found = dataset(&renamed).or_else(|_| dataset(path));
        // References have no backslashes.
        found.or_else(|error| dataset(&path.replace("%5C", "\\")).map_err(|_| error))
    }

    /// Most bytes of elements that are compared at once where parts of chunks can be read: their values take more room than they do.
    pub(super) fn bytes_at_once(&self) -> u64 {
        MOST_AT_ONCE.min(self.limits.read_bytes / 64)
    }

    /// The path of the object at an address.
    pub(super) fn path(&self, address: u64) -> Option<&str> {
        let paths = self.paths.get_or_init(|| {
            let tree = crate::translate::tree(self.input, self.limits);
            let objects = tree.map(|tree| tree.objects).unwrap_or_default();
            let mut paths = BTreeMap::new();
            for object in objects {
                paths.entry(object.address).or_insert(object.path);
            }
            paths
        });
        paths.get(&address).map(String::as_str)
    }
}

/// Finds external raw files, sources of virtual datasets, and what external links lead to: beside the file, if they may be read.
pub(super) fn beside(url: &str, sources: Arc<dyn Sources>) -> FindExternal {
    let folder = split(url).0.to_owned();
    FindExternal::new(move |name| {
        let url = if name.starts_with('/') { name.to_owned() } else { joined(&folder, name) };
        let state = sources.state(&url).map_err(|error| match error {
            Error::Io { .. } => ExternalError::Absent(error.to_string()),
            error => ExternalError::Refused(error.to_string()),
        })?;
        let (sources, at) = (Arc::clone(&sources), url.clone());
        Ok(FoundExternal::new(url, state.size).opened_by(move || Input::through(Arc::clone(&sources), at.clone())))
    })
}
