//! Arrays that are the bounds of others, whose units they have (CF 7.1, and 7.4 for climatologies).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::cf_time::TimeUnits;
use super::dimensions::resolved;
use super::inputs::Inputs;
use super::times::{Units, time_units, units_in};
use crate::reference::key::split;

/// Which arrays have which bounds, and which of them are in new units; by the numbers of their paths.
pub(super) struct Bounds {
    owners: BTreeMap<usize, BTreeSet<usize>>,
    changed: BTreeMap<usize, TimeUnits>,
}

impl Bounds {
    /// The bounds that any set names.
    pub(super) fn of(inputs: &Inputs) -> Self {
        let mut owners: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (owner, documents) in inputs.different_documents() {
            let group = inputs.paths.get(owner).map_or("", |path| split(path).0);
            for name in ["bounds", "climatology"] {
                let named = documents.attributes().get(name).and_then(Value::as_str);
                if let Some(bounds) = named.and_then(|name| inputs.find(&resolved(group, name))) {
                    owners.entry(bounds).or_default().insert(owner);
                }
            }
        }
        Self { owners, changed: BTreeMap::new() }
    }

    /// The arrays whose bounds an array is.
    pub(super) fn owners(&self, path: usize) -> impl Iterator<Item = usize> {
        self.owners.get(&path).into_iter().flatten().copied()
    }

    /// The arrays that have bounds.
    pub(super) fn all_owners(&self) -> BTreeSet<usize> {
        self.owners.values().flatten().copied().collect()
    }

    /// Says that an array has its numbers in new units.
    pub(super) fn change(&mut self, path: usize, units: &Units) {
        if let Some(units) = units.as_ref().and_then(|units| time_units(units).ok()) {
            self.changed.insert(path, units);
        }
    }

    /// The array whose bounds an array is, where it is in new units, and these.
    pub(super) fn changed_owner(&self, path: usize) -> Option<(usize, &TimeUnits)> {
        self.owners(path).find_map(|owner| Some((owner, self.changed.get(&owner)?)))
    }
}

/// The units that an array has in a set.
pub(super) fn units_of(inputs: &Inputs, set: usize, path: usize) -> Units {
    units_in(inputs.sets.get(set)?.member(path)?.array()?.1)
}
