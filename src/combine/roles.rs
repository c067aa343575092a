//! What each path of the sets is in the combined set.

use std::collections::BTreeSet;

use serde_json::Value;

use super::axis::Axis;
use super::bounds::Bounds;
use super::cf_time::TimeUnits;
use super::compare::How;
use super::dimensions::{dimensions, has_dimension};
use super::findings::{Findings, Weight};
use super::held::Held;
use super::inputs::{Documents, Inputs, Member};
use super::times::{time_units, units_in};
use super::{Check, CombineOptions};
use crate::error::Error;
use crate::reference::key::split;
use crate::zarr::Attributes;

/// What a path is in the combined set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Group,
    /// The coordinates of the axis with this number.
    Coordinate(usize),
    /// The same in all sets.
    Same,
    /// Along all axes.
    Along,
    /// Left out.
    Out,
}

/// Attributes that name arrays which describe others (CF 5 to 7).
const NAMES_OTHERS: [&str; 7] =
    ["coordinates", "grid_mapping", "bounds", "climatology", "cell_measures", "formula_terms", "node_coordinates"];

/// Decides what each path is.
pub(super) struct Roles<'a, 's> {
    pub(super) inputs: &'a Inputs,
    pub(super) axes: &'a [Axis],
    pub(super) options: &'a CombineOptions,
    /// The sets, the smallest coordinates first.
    pub(super) order: &'a [usize],
    pub(super) held: &'a mut Held<'s>,
    pub(super) bounds: &'a Bounds,
}

impl Roles<'_, '_> {
    /// The roles by the numbers of the paths.
    pub(super) fn decide(&mut self, findings: &mut Findings) -> Result<Vec<Role>, Error> {
        let described = described(self.inputs);
        let is_new: Vec<bool> = self.axes.iter().map(|axis| !exists(self.inputs, &axis.name)).collect();
        let mut roles = vec![Role::Out; self.inputs.paths.len()];
        let mut compared = Vec::new();
        for (path, role) in roles.iter_mut().enumerate() {
            match self.first_sight(path, &described, is_new.contains(&true))? {
                Sight::Is(Role::Out) => self.tell_left_out(path, findings),
                Sight::Is(is) => *role = is,
                Sight::Compare(how) if self.are_other_times(path, how) => *role = Role::Along,
                Sight::Compare(_) if self.is_one(path) => *role = Role::Same,
                Sight::Compare(how) => compared.push((path, how)),
            }
        }
        for (path, role) in self.compare(&compared, findings)? {
            if let Some(place) = roles.get_mut(path) {
                *place = role;
            }
        }
        Ok(roles)
    }

    pub(super) fn members(&self, path: usize) -> impl Iterator<Item = (usize, &Member)> {
        self.order.iter().filter_map(move |set| Some((*set, self.inputs.sets.get(*set)?.member(path)?)))
    }

    /// The axis that has its coordinates in an array.
    fn coordinates_of(&self, name: &str) -> Option<usize> {
        self.axes.iter().position(|axis| !axis.is_positional && axis.path(self.inputs) == name)
    }

    /// Whether an array has the same chunks in all sets.
    fn is_one(&self, path: usize) -> bool {
        let mut members = self.members(path);
        let Some((_, first)) = members.next() else { return true };
        members.all(|(_, member)| self.has_same_chunks(path, first, member))
    }

    /// Whether equal numbers are different times: small arrays in their own units, and bounds in those of the arrays that have them.
    fn are_other_times(&self, path: usize, how: How) -> bool {
        if self.axes.is_empty() {
            return false;
        }
        let own = self.units(path);
        let owners = self.bounds.owners(path).filter(|_| own.is_empty()).map(|owner| self.units(owner));
        owners.chain((how == How::Inline).then(|| own.clone())).any(|all| {
            let all: Vec<TimeUnits> = all.into_iter().filter_map(|units| time_units(&units).ok()).collect();
            all.first().is_some_and(|first| all.iter().any(|units| !units.is_same(first)))
        })
    }

    /// The different units that an array has in the sets.
    fn units(&self, path: usize) -> BTreeSet<(String, Option<String>)> {
        self.members(path).filter_map(|(_, member)| units_in(member.array()?.1)).collect()
    }

    /// Says that an array is in no set of which anything is taken.
    fn tell_left_out(&self, path: usize, findings: &mut Findings) {
        let Some(name) = self.inputs.paths.get(path) else { return };
        let is_array = |member: &Member| member.array().is_some();
        for input in self.inputs.sets.iter().filter(|input| input.member(path).is_some_and(is_array)) {
            let what = || "is only in sets that are left out".to_owned();
            findings.add(Weight::Decided, Check::Missing, name, Some(&input.name), what);
        }
    }

    /// What a path is before any values are compared.
    fn first_sight(&self, path: usize, described: &BTreeSet<String>, any_new: bool) -> Result<Sight, Error> {
        let Some(name) = self.inputs.paths.get(path) else { return Ok(Sight::Is(Role::Out)) };
        let arrays: Vec<&Member> =
            self.members(path).map(|(_, member)| member).filter(|member| member.array().is_some()).collect();
        if arrays.is_empty() {
            // What only sets have of which nothing is taken is no group.
            let is_there = self.members(path).next().is_some();
            return Ok(Sight::Is(if is_there { Role::Group } else { Role::Out }));
        }
        if let Some(axis) = self.coordinates_of(name) {
            return Ok(Sight::Is(Role::Coordinate(axis)));
        }
        let along = arrays.iter().any(|member| self.axes.iter().any(|axis| has_dimension(member, &axis.name)));
        if self.options.identical.has(name) {
            let problem =
                format!("{name} is said to be the same in all sets, and has a dimension along which they are combined");
            return if along {
                Err(Error::Combine { input: String::new(), problem })
            } else {
                Ok(Sight::Is(Role::Same))
            };
        }
        if along {
            return Ok(Sight::Is(Role::Along));
        }
        if is_dimension_coordinate(name, &arrays) {
            return Ok(Sight::Compare(How::Coordinate));
        }
        let is_scalar =
            arrays.iter().all(|member| member.array().is_some_and(|(metadata, _)| metadata.shape.is_empty()));
        let is_inline = arrays.iter().all(|member| member.rows.is_empty());
        let describes = is_scalar || described.contains(name);
        if self.axes.is_empty() {
            return Ok(Sight::Compare(How::Values));
        }
        Ok(match (any_new, is_inline) {
            (true, _) if !describes => Sight::Is(Role::Along),
            (true, false) => Sight::Is(Role::Along),
            (_, true) => Sight::Compare(How::Inline),
            (false, false) if self.is_too_large(&arrays) => Sight::Is(Role::Along),
            (false, false) => Sight::Compare(How::Values),
        })
    }

    /// Whether an array has more bytes than are read to compare it.
    fn is_too_large(&self, arrays: &[&Member]) -> bool {
        let bytes = |member: &&Member| {
            let lengths = self.inputs.columns(member.path).and_then(|columns| columns.length.get(member.rows.clone()));
            lengths.unwrap_or_default().iter().fold(0_u64, |sum, length| sum.saturating_add(*length))
        };
        arrays.iter().map(bytes).max().unwrap_or(0) > self.options.compare_bytes
    }
}

/// A decision, or what it needs.
enum Sight {
    Is(Role),
    Compare(How),
}

/// Whether any array has a dimension.
fn exists(inputs: &Inputs, name: &str) -> bool {
    inputs.sets.iter().flat_map(|input| &input.members).any(|member| has_dimension(member, name))
}

/// Whether an array has the coordinates along its own dimension.
fn is_dimension_coordinate(path: &str, arrays: &[&Member]) -> bool {
    let name = split(path).1;
    arrays.iter().all(|member| matches!(dimensions(member).as_slice(), [only] if only == name))
}

/// The paths of arrays that others name as what describes them.
fn described(inputs: &Inputs) -> BTreeSet<String> {
    let mut described = BTreeSet::new();
    for (path, documents) in inputs.different_documents() {
        let path = inputs.paths.get(path).map(String::as_str).unwrap_or_default();
        let group = if matches!(documents, Documents::Array(..)) { split(path).0 } else { path };
        described.extend(named(documents.attributes()).map(|name| super::dimensions::resolved(group, name)));
    }
    described
}

/// The names in attributes that name arrays.
fn named(attributes: &Attributes) -> impl Iterator<Item = &str> {
    let texts = NAMES_OTHERS.iter().filter_map(|name| attributes.get(name).and_then(Value::as_str));
    texts.flat_map(str::split_whitespace).map(|name| name.trim_end_matches(':'))
}
