//! Whether references are right: their ranges, their chunks, and the values that they give.

mod beyond;
mod boxes;
mod chunks;
mod findings;
mod linked;
mod missing;
mod origin;
mod ranges;
mod sample;
mod states;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use findings::{Counts, Fault, Finding, Unchecked, Verification};
pub(crate) use sample::sample;

use crate::limits::Limits;
use crate::reference::UrlId;
use crate::source::{Input, Sources, State};
use crate::store::Store;
use findings::Findings;
use linked::{Linked, Origins};
use origin::Origin;

/// How much is checked. Build one with `VerifyOptions::default()` and set what differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// How many chunks of each array are decoded; `None` is all. The references themselves are all checked anyway.
    pub sample: Option<u64>,
    /// Which chunks a sample has: the same seed gives the same ones.
    pub seed: u64,
    /// The HDF5 file that the set was made of; `None` is the one that is recorded in it, or if none is the only one that it references.
    pub origin: Option<String>,
    /// The group of that file that is the root of the set.
    pub group: String,
    /// What reading that file may cost.
    pub limits: Limits,
}

/// Checks a set: the states of the files against those that were recorded; that every range lies inside its file, has a size that a
/// chunk can have, and overlaps no other that it should not; that chunks decode; and that their elements are those of the HDF5 file
/// that the set was made of.
///
/// What cannot be read is told in [`Verification::unchecked`]; it is neither right nor wrong.
pub fn verify<S: Sources + Clone + 'static>(store: &Store<S>, options: &VerifyOptions) -> Verification {
    let mut findings = Findings::default();
    let files = states::states(store, &mut findings);
    ranges::check(store.set(), &files, &mut findings);
    let input = input(store, options, &mut findings);
    let sources: Arc<dyn Sources> = Arc::new(store.sources().clone());
    let origin = input.as_ref().and_then(|(url, input)| {
        let opened = Origin::open(input, url, Arc::clone(&sources), &options.group, options.limits);
        let told = |error| findings.unchecked(url.clone(), format!("values are not compared: {error}"), true);
        Some((url, opened.map_err(told).ok()?))
    });
    let linked = origin.as_ref().map(|(url, origin)| Linked::of(store.set(), origin, url, Arc::clone(&sources)));
    let linked = linked.unwrap_or_default();
    let origins = origin.map(|(_, origin)| Origins::new(origin, &linked, &sources, options.limits));
    chunks::check(store, &files, origins.as_ref(), options, &mut findings);
    findings.done()
}

/// The file that the set was made of, if it is known and can be read.
fn input<S: Sources + Clone + 'static>(
    store: &Store<S>,
    options: &VerifyOptions,
    findings: &mut Findings,
) -> Option<(String, Input)> {
    let Some(url) = options.origin.as_deref().or_else(|| origin::url(store.set())) else {
        if findings.counts().references > 0 {
            findings.unchecked("", "values are not compared: the set does not tell which file it was made of", false);
        }
        return None;
    };
    match Input::through(Arc::new(store.sources().clone()), url) {
        Ok(input) => Some((url.to_owned(), input)),
        Err(error) => {
            // A file that holds chunks has been told of already, and one that was recorded if it is not there.
            if !store.set().urls.iter().any(|known| known == url) && !findings.has_unchecked(url) {
                findings.unchecked(url, error.to_string(), !states::is_remote(url));
            }
            None
        }
    }
}

/// The files that can be read, by their ids.
type Files = BTreeMap<UrlId, State>;
