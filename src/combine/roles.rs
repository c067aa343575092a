//! What each path of the sets is in the combined set.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::axis::Axis;
use super::bounds::Bounds;
use super::cf_time::TimeUnits;
use super::coordinate::name;
use super::dimensions::{dimensions, has_dimension};
use super::findings::{Findings, Weight};
use super::held::Held;
use super::inputs::{Documents, Inputs, Member};
use super::restore::Restore;
use super::times::{time_units, units_in};
use super::{Check, CombineOptions, Policy, fills};
use crate::error::Error;
use crate::reference::key::split;
use crate::store::{Elements, Values};
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
        let wanted: Vec<(usize, usize)> = compared
            .iter()
            .filter(|(_, how)| *how != How::Inline)
            .flat_map(|(path, _)| self.order.iter().map(|set| (*set, *path)))
            .collect();
        self.held.fetch(self.inputs, &wanted)?;
        for (path, how) in compared {
            let role = self.compare(path, how, findings)?;
            if let Some(place) = roles.get_mut(path) {
                *place = role;
            }
        }
        Ok(roles)
    }

    fn members(&self, path: usize) -> impl Iterator<Item = (usize, &Member)> {
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

    fn has_same_chunks(&self, path: usize, ours: &Member, theirs: &Member) -> bool {
        let (Some((first, _)), Some((other, _))) = (ours.array(), theirs.array()) else { return false };
        ours.inline == theirs.inline
            && ours.grid == theirs.grid
            && self.inputs.columns(path).is_some_and(|columns| columns.are_equal(&ours.rows, &theirs.rows))
            && (Arc::ptr_eq(&ours.documents, &theirs.documents)
                || (first == other && dimensions(ours) == dimensions(theirs)))
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

    /// Compares an array of all sets with that of the first.
    fn compare(&self, path: usize, how: How, findings: &mut Findings) -> Result<Role, Error> {
        let name = self.inputs.paths.get(path).map(String::as_str).unwrap_or_default();
        let mut first: Option<(usize, &Member)> = None;
        let mut differ = Vec::new();
        for (set, member) in self.members(path) {
            let Some(one) = first else {
                first = Some((set, member));
                continue;
            };
            if !self.is_same(path, one, (set, member), how)? {
                differ.push((set, member));
            }
        }
        if differ.is_empty() {
            return Ok(Role::Same);
        }
        let (check, policy) = match how {
            // Batches of sets are combined as all sets at once are only if what differs between any two gets the axes.
            How::Inline if self.options.policies.chosen(Check::Static).is_none() => {
                self.tell_along(name, first, findings);
                return Ok(Role::Along);
            }
            How::Coordinate => (Check::Coordinate, self.options.policies.get(Check::Coordinate)),
            How::Inline | How::Values => (Check::Static, self.options.policies.get(Check::Static)),
        };
        let weight = self.options.policies.weight(check);
        for (set, _) in &differ {
            let input = self.inputs.sets.get(*set).map(|input| input.name.as_str());
            let first_name =
                first.and_then(|(set, _)| self.inputs.sets.get(set)).map_or("", |input| input.name.as_str());
            findings.add(weight, check, name, input, || {
                self.difference(path, first.map_or(0, |(set, _)| set), *set, first_name)
            });
        }
        Ok(match policy {
            Policy::Drop => Role::Out,
            Policy::Expand => Role::Along,
            _ => Role::Same,
        })
    }

    /// Says that an array which other sets have otherwise gets the axes; of scalars that is expected.
    fn tell_along(&self, name: &str, first: Option<(usize, &Member)>, findings: &mut Findings) {
        if first.and_then(|(_, member)| member.array()).is_some_and(|(metadata, _)| !metadata.shape.is_empty()) {
            let axes: Vec<&str> = self.axes.iter().map(|axis| axis.name.as_str()).collect();
            findings.add(Weight::Note, Check::Static, name, None, || {
                format!("it differs between sets, and is along {} now", axes.join(", "))
            });
        }
    }

    fn is_same(
        &self,
        path: usize,
        (a, ours): (usize, &Member),
        (b, theirs): (usize, &Member),
        how: How,
    ) -> Result<bool, Error> {
        let (Some((first, _)), Some((other, _))) = (ours.array(), theirs.array()) else { return Ok(false) };
        if self.has_same_chunks(path, ours, theirs) {
            return Ok(true);
        }
        if dimensions(ours) != dimensions(theirs) {
            return Ok(false);
        }
        if first.shape != other.shape || !fills::is_same(first.fill_value.as_ref(), other.fill_value.as_ref()) {
            return Ok(false);
        }
        let bytes = Restore::bytes(first);
        if bytes > self.options.compare_bytes {
            if how == How::Inline {
                return Ok(false);
            }
            let problem = format!(
                "{} has {bytes} bytes, and at most {} are compared (it can be named in --identical-dims)",
                self.inputs.paths.get(path).map(String::as_str).unwrap_or_default(),
                self.options.compare_bytes
            );
            return Err(Error::Combine { input: String::new(), problem });
        }
        let (ours, theirs) = (self.held.values(self.inputs, a, path), self.held.values(self.inputs, b, path));
        let (ours, theirs) = match how {
            // What is inline and cannot be decoded is said to differ.
            How::Inline => match (ours, theirs) {
                (Ok(ours), Ok(theirs)) => (ours, theirs),
                _ => return Ok(false),
            },
            _ => (ours?, theirs?),
        };
        // Numbers in other types are compared as numbers only where the bytes are alike too.
        Ok(ours.bytes() == theirs.bytes() && ours.texts() == theirs.texts() && ours.dtype == theirs.dtype)
    }

    /// How an array of one set differs from the first's.
    fn difference(&self, path: usize, first: usize, set: usize, first_name: &str) -> String {
        let shape = |set: usize| {
            let member = self.inputs.sets.get(set).and_then(|input| input.member(path));
            member.and_then(Member::array).map(|(metadata, _)| metadata.shape.clone())
        };
        let names = |set: usize| self.inputs.sets.get(set).and_then(|input| input.member(path)).map(dimensions);
        let (ours, theirs) = (names(first).unwrap_or_default(), names(set).unwrap_or_default());
        if ours != theirs {
            return format!("has dimensions {theirs:?} instead of {ours:?} of {first_name}");
        }
        let (ours, theirs) = (shape(first), shape(set));
        if ours != theirs {
            return format!(
                "has shape {:?} instead of {:?} of {first_name}",
                theirs.unwrap_or_default(),
                ours.unwrap_or_default()
            );
        }
        let fill = |set: usize| {
            let member = self.inputs.sets.get(set).and_then(|input| input.member(path));
            member.and_then(Member::array).and_then(|(metadata, _)| metadata.fill_value.clone())
        };
        let (our_fill, their_fill) = (fill(first), fill(set));
        if !fills::is_same(our_fill.as_ref(), their_fill.as_ref()) {
            let (ours, theirs) = (fills::show(our_fill.as_ref()), fills::show(their_fill.as_ref()));
            return format!("has fill value {theirs} instead of {ours} of {first_name}");
        }
        let values = |set| self.held.values(self.inputs, set, path);
        let parts = values(first)
            .ok()
            .zip(values(set).ok())
            .map(|(ours, theirs)| (differing(&ours, &theirs), differing(&theirs, &ours)));
        let (ours, theirs) = parts.unwrap_or_default();
        format!("its values are not those of {first_name}: ...{theirs}... instead of ...{ours}...")
    }
}

/// The first elements in which values differ from others, in words.
fn differing(ours: &Values, theirs: &Values) -> String {
    const SHOWN: usize = 4;
    let text = match (ours.bytes(), theirs.bytes(), ours.texts(), theirs.texts()) {
        (Some(bytes), Some(others), ..) => {
            let size = crate::convert::narrow(ours.dtype.size().unwrap_or(1)).max(1);
            let same = bytes.iter().zip(others).take_while(|(a, b)| a == b).count() / size * size;
            let end = same.saturating_add(SHOWN * size).min(bytes.len());
            format!("{:?}", Elements::of(&ours.dtype, bytes.get(same..end).unwrap_or_default()))
        }
        (.., Some(texts), Some(others)) => {
            let same = texts.iter().zip(others).take_while(|(a, b)| a == b).count();
            format!("{:?}", texts.iter().skip(same).take(SHOWN).collect::<Vec<_>>())
        }
        _ => name(&ours.dtype),
    };
    text.chars().take(60).collect()
}

/// A decision, or what it needs.
enum Sight {
    Is(Role),
    Compare(How),
}

/// How an array of several sets is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// By its values, which are inline: where they differ, it is along the axes.
    Inline,
    /// By its values: a difference is one of coordinates.
    Coordinate,
    /// By its values: a difference is one of an array that was thought to be the same.
    Values,
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
