//! The files that external links of the origin lead to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::origin::{Origin, beside};
use crate::error::Error;
use crate::file::OpenDataset;
use crate::limits::Limits;
use crate::reference::ReferenceSet;
use crate::source::{Input, Sources};

/// Arrays that were made of datasets of other files, and these files.
#[derive(Default)]
pub(super) struct Linked {
    /// URL of the file and path in it, or why that file is not read, by the paths of arrays.
    places: BTreeMap<String, Result<(String, String), String>>,
    /// The files by their URLs.
    inputs: BTreeMap<String, Input>,
}

impl Linked {
    /// The arrays of a set that external links lead to, one file far, as a scan follows them.
    pub(super) fn of(set: &ReferenceSet, origin: &Origin<'_>, url: &str, sources: Arc<dyn Sources>) -> Self {
        let (find, mut linked) = (beside(url, sources), Self::default());
        let arrays: Vec<&str> = set.arrays().map(|(path, _)| path).collect();
        for (array, file, path) in origin.elsewhere(&arrays) {
            let place = find.find(&file).map_err(|error| error.to_string()).and_then(|found| {
                if !linked.inputs.contains_key(&found.url) {
                    let input = found.input().ok_or("it can be referenced, and not read")?;
                    linked.inputs.insert(found.url.clone(), input.map_err(|error| error.to_string())?);
                }
                Ok((found.url, path))
            });
            let place = place.map_err(|why: String| format!("external link to the file \"{file}\": {why}"));
            linked.places.insert(array.to_owned(), place);
        }
        linked
    }
}

/// The file that references were made of, and those that its external links lead to.
pub(super) struct Origins<'i> {
    own: Origin<'i>,
    linked: &'i Linked,
    others: BTreeMap<&'i str, Result<Origin<'i>, Error>>,
}

impl<'i> Origins<'i> {
    pub(super) fn new(own: Origin<'i>, linked: &'i Linked, sources: &Arc<dyn Sources>, limits: Limits) -> Self {
        let open = |(url, input): (&'i String, &'i Input)| {
            (url.as_str(), Origin::open(input, url, Arc::clone(sources), "", limits))
        };
        Self { own, linked, others: linked.inputs.iter().map(open).collect() }
    }

    /// The dataset that an array was made of, and the file that it lies in; in words why there is none.
    pub(super) fn dataset(&self, array: &str) -> Result<(OpenDataset<'_>, &Origin<'i>), String> {
        let told = |error: &Error| error.to_string();
        let (origin, path) = match self.linked.places.get(array) {
            None => (&self.own, array),
            Some(place) => {
                let (url, path) = place.as_ref().map_err(String::clone)?;
                let other = self.others.get(url.as_str()).ok_or("a file that is not read")?;
                (other.as_ref().map_err(told)?, path.trim_matches('/'))
            }
        };
        Ok((origin.dataset(path).map_err(|error| told(&error))?, origin))
    }
}
