//! An array in all sets that have it.

use std::collections::{BTreeSet, HashMap};

use super::axis::Axis;
use super::inputs::Member;
use crate::zarr::ArrayMetadata;

/// The array in the sets that have it, the first set first.
pub(super) struct Sets<'a> {
    pub(super) path: usize,
    pub(super) name: &'a str,
    pub(super) dimensions: Vec<String>,
    pub(super) members: Vec<(usize, &'a Member, Vec<String>)>,
    /// Sets without a coordinate along some axis: of their arrays nothing is taken but the type.
    pub(super) empty: BTreeSet<usize>,
    /// Where each set is among the members.
    places: HashMap<usize, usize>,
}

impl<'a> Sets<'a> {
    pub(super) fn new(
        path: usize,
        name: &'a str,
        dimensions: Vec<String>,
        members: Vec<(usize, &'a Member, Vec<String>)>,
        axes: &[Axis],
    ) -> Self {
        let is_empty = |set: &usize| axes.iter().any(|axis| axis.positions.get(*set).is_none_or(Vec::is_empty));
        let empty = members.iter().map(|(set, ..)| *set).filter(is_empty).collect();
        let places = members.iter().enumerate().map(|(at, (set, ..))| (*set, at)).collect();
        Self { path, name, dimensions, members, empty, places }
    }

    pub(super) fn metadata(&self) -> impl Iterator<Item = (usize, &ArrayMetadata)> {
        self.members.iter().filter_map(|(set, member, _)| Some((*set, member.array()?.0)))
    }

    /// The metadata of sets that have elements; that of the first where none has.
    pub(super) fn with_elements(&self) -> impl Iterator<Item = (usize, &ArrayMetadata)> {
        let all_are_empty = self.members.iter().all(|(set, ..)| self.empty.contains(set));
        let first = self.members.first().map(|(set, ..)| *set).filter(|_| all_are_empty);
        self.metadata().filter(move |(set, _)| first == Some(*set) || !self.empty.contains(set))
    }

    pub(super) fn first(&self) -> Option<&ArrayMetadata> {
        self.with_elements().next().map(|(_, metadata)| metadata)
    }

    /// The array of a set, and the names of its dimensions.
    pub(super) fn member(&self, set: usize) -> Option<(&'a Member, &[String])> {
        let (_, member, names) = self.members.get(*self.places.get(&set)?)?;
        Some((member, names))
    }

    /// The sets that have the array.
    pub(super) fn numbers(&self) -> BTreeSet<usize> {
        self.members.iter().map(|(set, ..)| *set).collect()
    }
}
