//! Whether references are right: their ranges, their chunks, and the values that they give.

mod chunks;
mod findings;
mod ranges;
mod sample;
mod states;

use std::collections::BTreeMap;

pub use findings::{Counts, Fault, Finding, Unchecked, Verification};

use crate::reference::UrlId;
use crate::source::{Sources, State};
use crate::store::Store;
use findings::Findings;

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// How many chunks of each array are decoded; `None` is all. The references themselves are all checked anyway.
    pub sample: Option<u64>,
    /// Which chunks a sample has: the same seed gives the same ones.
    pub seed: u64,
}

impl Default for VerifyOptions {
    /// All chunks.
    fn default() -> Self {
        Self { sample: None, seed: 0 }
    }
}

/// Checks a set: the states of the files against those that were recorded; that every range lies inside its file, has a size that a
/// chunk can have, and overlaps no other that it should not; that chunks decode.
///
/// What cannot be read is told in [`Verification::unchecked`]; it is neither right nor wrong.
pub fn verify<S: Sources>(store: &Store<S>, options: &VerifyOptions) -> Verification {
    let mut findings = Findings::default();
    let files = states::states(store, &mut findings);
    ranges::check(store.set(), &files, &mut findings);
    chunks::check(store, &files, options, &mut findings);
    findings.done()
}

/// The files that can be read, by their ids.
type Files = BTreeMap<UrlId, State>;
