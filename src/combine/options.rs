//! What a combination is asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::{Selector, Weight};
use crate::error::Error;
use crate::limits::Limits;
use crate::reference::ReferenceSet;
use crate::zarr::Dtype;

/// How sets are combined. Build one with [`CombineOptions::new`] and set what differs from the defaults.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CombineOptions {
    /// The dimensions along which sets are put side by side, new ones and ones that the arrays have.
    pub concat_dims: Vec<String>,
    /// Where each of these dimensions has its coordinates from (default: the array of its name, `data:NAME`).
    pub selectors: BTreeMap<String, Selector>,
    /// Types of the coordinates, where they are not those that are found.
    pub dtypes: BTreeMap<String, Dtype>,
    /// Arrays that are the same in all sets, by path or name; the first's is taken, and nothing is compared.
    pub identical: Names,
    /// What is done about differences.
    pub policies: Policies,
    /// Most bytes of an array that is decoded and stored inline in one chunk, because its chunks do not line up (default 8 MiB).
    pub inline_array_bytes: u64,
    /// Most stored bytes of one array that is read to compare it with that of other sets (default 64 MiB).
    pub compare_bytes: u64,
    /// Which arrays are combined, by path (default: all).
    pub select: Names,
    /// The group that is combined and becomes the root, without slashes around (default: the root).
    pub group: String,
    /// Lengths that dimensions must have; sets with other lengths are left out, by name.
    pub sizes: BTreeMap<String, u64>,
    /// Changes each set before anything else.
    pub preprocess: Option<Change>,
    /// Changes the combined set.
    pub postprocess: Option<Change>,
    /// What the combination may cost.
    pub limits: Limits,
}

impl CombineOptions {
    /// Combines along these dimensions.
    pub fn new<N: Into<String>>(concat_dims: impl IntoIterator<Item = N>) -> Self {
        Self {
            concat_dims: concat_dims.into_iter().map(Into::into).collect(),
            selectors: BTreeMap::new(),
            dtypes: BTreeMap::new(),
            identical: Names::none(),
            policies: Policies::default(),
            inline_array_bytes: 8 << 20,
            compare_bytes: 64 << 20,
            select: Names::all(),
            group: String::new(),
            sizes: BTreeMap::new(),
            preprocess: None,
            postprocess: None,
            limits: Limits::default(),
        }
    }

    /// Where a dimension has its coordinates from.
    pub(super) fn selector(&self, dimension: &str) -> Selector {
        let default = || Selector::Data(dimension.to_owned());
        self.selectors.get(dimension).cloned().unwrap_or_else(default)
    }
}

/// A choice of arrays by path.
#[derive(Clone)]
pub struct Names(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl Names {
    /// The arrays for whose path `choose` says yes.
    pub fn new(choose: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(choose))
    }

    /// Every array.
    pub fn all() -> Self {
        Self::new(|_| true)
    }

    /// No array.
    pub fn none() -> Self {
        Self::new(|_| false)
    }

    /// Arrays by their exact path or name.
    pub fn list<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let names: std::collections::BTreeSet<String> = names.into_iter().map(Into::into).collect();
        Self::new(move |path| names.contains(path) || path.rsplit('/').next().is_some_and(|name| names.contains(name)))
    }

    /// Whether an array is chosen.
    pub fn has(&self, path: &str) -> bool {
        (self.0)(path)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names(..)")
    }
}

/// What changes a set.
type Changes = dyn Fn(&mut ReferenceSet) -> Result<(), Error> + Send + Sync;

/// A change of a set.
#[derive(Clone)]
pub struct Change(Arc<Changes>);

impl Change {
    /// The change that a closure makes.
    pub fn new(change: impl Fn(&mut ReferenceSet) -> Result<(), Error> + Send + Sync + 'static) -> Self {
        Self(Arc::new(change))
    }

    pub(super) fn apply(&self, set: &mut ReferenceSet) -> Result<(), Error> {
        (self.0)(set)
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change(..)")
    }
}

/// What is compared before sets are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Check {
    /// The shapes of chunks, and whether chunks begin where those before them end.
    Chunks,
    /// The types of elements.
    Dtype,
    /// Filters and compressors, and the order of elements in chunks.
    Codecs,
    /// The value of missing chunks, which readers mask.
    FillValue,
    /// Dimensions, and the lengths of those along which nothing is combined.
    Shape,
    /// `scale_factor`, `add_offset`, `missing_value`, `_FillValue`, `_Unsigned`.
    Packing,
    /// `units`, where they are not times.
    Units,
    /// `calendar`.
    Calendar,
    /// Sets that have the same coordinates.
    Duplicate,
    /// Coordinates along other dimensions.
    Coordinate,
    /// Arrays that have none of the dimensions and differ between sets.
    Static,
    /// Arrays that some sets lack.
    Missing,
    /// Combinations of coordinates that no set has, in arrays without a fill value.
    Gaps,
    /// All other attributes.
    Attributes,
    /// Sets that were left out, or are there twice.
    Input,
    /// Files that were changed between two scans.
    Source,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = serde_json::to_value(self).unwrap_or_default();
        f.write_str(name.as_str().unwrap_or_default())
    }
}

/// What is done about a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Policy {
    /// Nothing is combined.
    Error,
    /// The array, or the attribute, is left out.
    Drop,
    /// That of the set with the smallest coordinate; of sets with the same coordinate, that with the first name.
    First,
    /// Of sets with the same coordinate, that with the last name.
    Last,
    /// The fill value, or zero where there is none.
    Fill,
    /// The array gets the dimensions that it lacks.
    Expand,
}

/// What is done about each kind of difference.
#[derive(Debug, Clone, Default)]
pub struct Policies(BTreeMap<Check, Policy>);

impl Policies {
    /// The policies that a check can have, its default first.
    pub fn of(check: Check) -> &'static [Policy] {
        use Policy::{Drop, Error, Expand, Fill, First, Last};
        match check {
            Check::Chunks | Check::Dtype | Check::Codecs | Check::Shape => &[Error, Drop],
            Check::FillValue | Check::Packing | Check::Units | Check::Calendar => &[Error, Drop, First],
            Check::Duplicate => &[Error, First, Last],
            Check::Coordinate | Check::Source => &[Error, First],
            Check::Static => &[Error, Drop, First, Expand],
            Check::Missing | Check::Gaps => &[Error, Drop, Fill],
            Check::Attributes => &[First, Drop, Error],
            Check::Input => &[First],
        }
    }

    /// Every check that has a choice of policies.
    pub fn checks() -> impl Iterator<Item = Check> {
        use Check::{
            Attributes, Calendar, Chunks, Codecs, Coordinate, Dtype, Duplicate, FillValue, Gaps, Missing, Packing,
            Shape, Source, Static, Units,
        };
        [
            Chunks, Dtype, Codecs, FillValue, Shape, Packing, Units, Calendar, Duplicate, Coordinate, Static, Missing,
            Gaps, Attributes, Source,
        ]
        .into_iter()
    }

    /// Sets the policy of a check; false where the check cannot have it.
    pub fn set(&mut self, check: Check, policy: Policy) -> bool {
        let can = Self::of(check).contains(&policy);
        if can {
            self.0.insert(check, policy);
        }
        can
    }

    /// How much a difference weighs by the policy of its check.
    pub(super) fn weight(&self, check: Check) -> Weight {
        if self.get(check) == Policy::Error { Weight::Error } else { Weight::Decided }
    }

    /// The policy of a check, where one was set.
    pub(super) fn chosen(&self, check: Check) -> Option<Policy> {
        self.0.get(&check).copied()
    }

    /// The policy of a check.
    pub fn get(&self, check: Check) -> Policy {
        let default = Self::of(check).first().copied().unwrap_or(Policy::Error);
        self.chosen(check).unwrap_or(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_values_is_an_error_unless_it_is_decided() {
        let mut policies = Policies::default();
        for check in Policies::checks() {
            let expected = if check == Check::Attributes { Policy::First } else { Policy::Error };
            assert_eq!(policies.get(check), expected, "{check}");
        }
        assert!(policies.set(Check::Missing, Policy::Fill) && !policies.set(Check::Dtype, Policy::First));
        assert_eq!((policies.get(Check::Missing), policies.get(Check::Dtype)), (Policy::Fill, Policy::Error));
        assert_eq!(Check::FillValue.to_string(), "fill-value");
    }

    #[test]
    fn names_are_paths_or_last_parts_of_them() {
        let names = Names::list(["x", "g/y"]);
        assert!(names.has("x") && names.has("g/x") && names.has("g/y") && !names.has("y") && !names.has("xx"));
    }
}
