//! Which combinations of coordinates which sets have.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::axis::Axis;
use super::findings::{Findings, Weight};
use super::inputs::Inputs;
use super::{Check, CombineOptions, Policy, holes};
use crate::convert::wide;
use crate::error::Error;

/// Most combinations of coordinates of all sets.
const MOST_CELLS: u64 = 1 << 24;

/// Combinations of coordinates, and the sets that have them.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// The number of all combinations.
    pub(super) count: u64,
    /// A set that has each combination, if there is any.
    one: HashMap<u64, u32>,
    /// All sets that have it, where there are several.
    several: HashMap<u64, Vec<u32>>,
    /// Positions along the only axis that are taken from other sets: by set.
    lost: HashMap<usize, Vec<u64>>,
    /// Sets of which nothing is taken.
    pub(super) left_out: Vec<usize>,
}

impl Cells {
    /// Looks at all sets, and decides between those that have the same combinations. Where nothing decides, chunks at the same place
    /// have to be the same.
    pub(super) fn of(
        inputs: &Inputs,
        axes: &[Axis],
        options: &CombineOptions,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let lengths: Vec<u64> = axes.iter().map(Axis::length).collect();
        let too_many = || Error::Combine {
            input: String::new(),
            problem: "the dimensions have more than 2^64 combinations".to_owned(),
        };
        let count = lengths.iter().try_fold(1_u64, |count, length| count.checked_mul(*length)).ok_or_else(too_many)?;
        let mut cells = Self { count, ..Self::default() };
        let mut total = 0_u64;
        for set in 0..inputs.sets.len() {
            let length = |axis: &Axis| axis.positions.get(set).map_or(0, |own| wide(own.len()));
            total = total.saturating_add(axes.iter().map(length).fold(1, u64::saturating_mul));
            if total > MOST_CELLS {
                let input = inputs.sets.get(set).map(|input| input.name.clone()).unwrap_or_default();
                let problem =
                    format!("the sets up to it have {total} combinations of coordinates, and {MOST_CELLS} are held");
                return Err(Error::Combine { input, problem });
            }
            let own = of_set(axes, set, &lengths);
            let number = u32::try_from(set).unwrap_or(u32::MAX);
            for cell in own {
                if let Some(first) = cells.one.insert(cell, number) {
                    cells.several.entry(cell).or_insert_with(|| vec![first]).push(number);
                }
            }
        }
        if axes.len() > 1 {
            cells.give_up_holes(inputs, axes);
        }
        let policy = options.policies.get(Check::Duplicate);
        if policy != Policy::Error && !axes.is_empty() {
            cells.decide(inputs, axes, policy, findings)?;
        }
        Ok(cells)
    }

    /// Leaves combinations that several sets have to those that have a chunk there, if any has.
    fn give_up_holes(&mut self, inputs: &Inputs, axes: &[Axis]) {
        let own = |set: usize| axes.iter().map(|axis| axis.positions.get(set).map_or(0, Vec::len)).product::<usize>();
        let mut filled: HashMap<u32, HashSet<u64>> = HashMap::new();
        for set in self.several.values().flatten() {
            let number = crate::convert::narrow((*set).into());
            if own(number) > 1 && !filled.contains_key(set) {
                filled.insert(*set, holes::filled(inputs, axes, number));
            }
        }
        let one = &mut self.one;
        self.several.retain(|cell, sets| {
            let has = |set: &u32| filled.get(set).is_none_or(|filled| filled.contains(cell));
            if sets.iter().any(has) {
                sets.retain(has);
            }
            one.extend(sets.first().map(|set| (*cell, *set)));
            sets.len() > 1
        });
    }

    /// Takes the combinations that several sets have from the first or the last of them, by name.
    fn decide(&mut self, inputs: &Inputs, axes: &[Axis], policy: Policy, findings: &mut Findings) -> Result<(), Error> {
        let name =
            |set: &u32| inputs.sets.get(crate::convert::narrow((*set).into())).map_or("", |input| input.name.as_str());
        let mut lost: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for (cell, mut sets) in std::mem::take(&mut self.several) {
            sets.sort_by_key(|set| (name(set), *set));
            if policy == Policy::Last {
                sets.reverse();
            }
            for loser in sets.drain(1..) {
                lost.entry(crate::convert::narrow(loser.into())).or_default().push(cell);
            }
            self.one.extend(sets.first().map(|winner| (cell, *winner)));
        }
        for (set, mut cells) in lost {
            cells.sort_unstable();
            let input = inputs.sets.get(set).map_or("", |input| input.name.as_str());
            let own: usize = axes.iter().map(|axis| axis.positions.get(set).map_or(0, Vec::len)).product();
            let what = || "another set's are taken where both have the same coordinates".to_owned();
            findings.add(Weight::Decided, Check::Duplicate, "", Some(input), what);
            if cells.len() == own {
                self.left_out.push(set);
            } else if axes.len() == 1 {
                self.lost.insert(set, cells);
            } else {
                let problem =
                    "a part of its coordinates are those of another set, along more than one dimension".to_owned();
                return Err(Error::Combine { input: input.to_owned(), problem });
            }
        }
        self.left_out.sort_unstable();
        Ok(())
    }

    /// The places of a set's rows along an axis.
    pub(super) fn rows(&self, axis: &Axis, set: usize) -> Vec<Option<u64>> {
        let lost = self.lost.get(&set);
        let is_kept = |at: &u64| lost.is_none_or(|lost| lost.binary_search(at).is_err());
        axis.positions.get(set).map(|own| own.iter().map(|at| Some(*at).filter(is_kept)).collect()).unwrap_or_default()
    }

    /// Combinations that at least one of some sets has.
    pub(super) fn covered(&self, having: &BTreeSet<usize>) -> u64 {
        let has = |set: &u32| having.contains(&crate::convert::narrow((*set).into()));
        let is_there = |(cell, one): &(&u64, &u32)| {
            has(one) || self.several.get(*cell).is_some_and(|several| several.iter().any(&has))
        };
        crate::convert::wide(self.one.iter().filter(is_there).count())
    }

    /// The sets that have a combination.
    pub(super) fn sets_of(&self, cell: u64) -> &[u32] {
        let one = || self.one.get(&cell).map_or(&[][..], std::slice::from_ref);
        self.several.get(&cell).map_or_else(one, Vec::as_slice)
    }

    /// Whether any combination is in more than one set.
    pub(super) fn any_twice(&self) -> bool {
        !self.several.is_empty()
    }
}

/// The combinations of one set, by their numbers.
fn of_set(axes: &[Axis], set: usize, lengths: &[u64]) -> Vec<u64> {
    let mut cells = vec![0_u64];
    for (axis, length) in axes.iter().zip(lengths) {
        let positions = axis.positions.get(set).map_or(&[][..], Vec::as_slice);
        cells = cells
            .iter()
            .flat_map(|cell| positions.iter().map(move |at| cell.saturating_mul(*length).saturating_add(*at)))
            .collect();
    }
    cells
}
