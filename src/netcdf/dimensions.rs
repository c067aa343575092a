//! The names of dimensions, from HDF5 dimension scales as netCDF-4 uses them.

use std::collections::BTreeMap;

use crate::field::convert::wide;
use crate::file::{Attribute, Content, Dataset, Object, Tree, Value};

/// What a scale is called that is a dimension and no variable (`DIM_WITHOUT_VARIABLE`); the dimension's length follows.
const WITHOUT_VARIABLE: &str = "This is a netCDF dimension but not a netCDF variable.";

/// The names and lengths of the dimensions of all datasets of a file.
#[derive(Debug)]
pub(crate) struct Dimensions {
    /// Names by path of the dataset.
    names: BTreeMap<String, Vec<String>>,
    /// Shapes by path, of datasets that are shorter than their unlimited dimensions.
    longer: BTreeMap<String, Vec<u64>>,
}

/// A dimension without a scale, as netCDF-C knows one again (`create_phony_dims`): by group, length, and whether it is unlimited.
type Anonymous = (String, u64, bool);

/// The scales of a file.
struct Scales<'a> {
    /// Names by address of the object header.
    by_address: BTreeMap<u64, &'a str>,
    /// Addresses by `_Netcdf4Dimid`.
    by_id: BTreeMap<i64, u64>,
}

impl Dimensions {
    /// The names of every dataset's dimensions.
    pub(crate) fn of(tree: &Tree) -> Self {
        let scales = Scales::of(tree);
        let mut anonymous = AnonymousDimensions::new(scales.by_address.len());
        let mut names = BTreeMap::new();
        let mut measured = Vec::new();
        for object in members_first(tree) {
            if let Some(dataset) = object.dataset() {
                let known = scales.of_dataset(object, dataset);
                let named = known.iter().map(|scale| scale.and_then(|scale| scales.by_address.get(&scale).copied()));
                names.insert(object.path.clone(), anonymous.complete(object, dataset, named.collect()));
                measured.push((object, dataset, known));
            }
        }
        Self { names, longer: longer(&measured) }
    }

    /// The shape of a dataset that is shorter than its unlimited dimensions: netCDF shows it as long as they are, and reads its fill
    /// value where it ends.
    pub(crate) fn longer(&self, path: &str) -> Option<&[u64]> {
        self.longer.get(path).map(Vec::as_slice)
    }

    /// The names of a dataset's dimensions.
    pub(crate) fn names(&self, path: &str) -> &[String] {
        self.names.get(path).map_or(&[], Vec::as_slice)
    }
}

/// Datasets in the order in which netCDF-C numbers their dimensions (`nc4_rec_match_dimscales`): those of a group after those of the
/// groups in it.
fn members_first(tree: &Tree) -> Vec<&Object> {
    let mut ordered = Vec::with_capacity(tree.objects.len());
    let mut open: Vec<(&Object, Vec<&Object>)> = Vec::new();
    for object in &tree.objects {
        while open.last().is_some_and(|(group, _)| !is_inside(&object.path, &group.path)) {
            ordered.extend(open.pop().into_iter().flat_map(|(_, datasets)| datasets));
        }
        match (&object.node.content, open.last_mut()) {
            (Ok(Content::Group), _) => open.push((object, Vec::new())),
            (_, Some((_, datasets))) => datasets.push(object),
            (_, None) => ordered.push(object),
        }
    }
    ordered.extend(open.into_iter().rev().flat_map(|(_, datasets)| datasets));
    ordered
}

/// Whether a path lies in a group.
pub(crate) fn is_inside(path: &str, group: &str) -> bool {
    path.strip_prefix(group).is_some_and(|rest| group == "/" || rest.starts_with('/'))
}

/// Whether a dataset is a dimension only: netCDF has no variable of it, and its elements mean nothing.
pub(crate) fn is_dimension_only(object: &Object) -> bool {
    is_scale(object)
        && object.attribute("NAME").and_then(Attribute::text).is_some_and(|name| name.starts_with(WITHOUT_VARIABLE))
}

/// Whether a dataset is a dimension scale.
pub(crate) fn is_scale(object: &Object) -> bool {
    object.attribute("CLASS").and_then(Attribute::text) == Some("DIMENSION_SCALE")
}

/// The last part of a path.
pub(crate) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl<'a> Scales<'a> {
    fn of(tree: &'a Tree) -> Self {
        let (mut by_address, mut by_id) = (BTreeMap::new(), BTreeMap::new());
        for object in tree.objects.iter().filter(|object| is_scale(object)) {
            let name = name_of(&object.path);
            by_address.entry(object.address).or_insert(name);
            if let Some([id]) = object.attribute("_Netcdf4Dimid").and_then(integers).as_deref() {
                by_id.entry(*id).or_insert(object.address);
            }
        }
        Self { by_address, by_id }
    }

    /// The address of the scale of each dimension; `None` where there is none.
    fn of_dataset(&self, object: &Object, dataset: &Dataset) -> Vec<Option<u64>> {
        let rank = dataset.dataspace.dimensions.len();
        if let Some(scales) = self.coordinates(object, rank) {
            return scales;
        }
        let mut scales = self.attached(object, rank);
        // A scale measures itself; the further dimensions of one are named by `_Netcdf4Coordinates` or not at all.
        if is_scale(object) && scales.iter().all(Option::is_none) {
            scales.iter_mut().take(1).for_each(|first| *first = Some(object.address));
        }
        scales
    }

    /// `_Netcdf4Coordinates`: the dimension IDs of a coordinate variable of several dimensions.
    fn coordinates(&self, object: &Object, rank: usize) -> Option<Vec<Option<u64>>> {
        let ids = object.attribute("_Netcdf4Coordinates").and_then(integers).filter(|ids| ids.len() == rank)?;
        let scales: Vec<_> = ids.iter().map(|id| self.by_id.get(id).copied()).collect();
        scales.iter().all(Option::is_some).then_some(scales)
    }

    /// `DIMENSION_LIST`: for each dimension the scales attached to it, of which the last counts (`dimscale_visitor`, and h5netcdf).
    fn attached(&self, object: &Object, rank: usize) -> Vec<Option<u64>> {
        let lists = object.attribute("DIMENSION_LIST").and_then(|list| list.values.as_deref().ok()).unwrap_or_default();
        let scale = |list: Option<&Value>| match list {
            Some(Value::Sequence(scales)) => scales.iter().rev().find_map(|scale| self.referenced(scale)),
            // h5netcdf and old libraries keep a plain reference where there is one scale only.
            Some(scale) => self.referenced(scale),
            None => None,
        };
        (0..rank).map(|dimension| scale(lists.get(dimension))).collect()
    }

    fn referenced(&self, scale: &Value) -> Option<u64> {
        match scale {
            Value::Reference(Some(address)) if self.by_address.contains_key(address) => Some(*address),
            _ => None,
        }
    }
}

/// A dataset and the scale of each of its dimensions.
type Measured<'a> = (&'a Object, &'a Dataset, Vec<Option<u64>>);

/// The shapes of datasets that are shorter than an unlimited dimension. Its length is that of the longest of its datasets
/// (`nc4_find_dim_len`).
fn longer(measured: &[Measured<'_>]) -> BTreeMap<String, Vec<u64>> {
    let mut lengths: BTreeMap<u64, u64> = BTreeMap::new();
    for (_, dataset, scales) in measured {
        for (size, scale) in dataset.dataspace.dimensions.iter().zip(scales) {
            if let Some(scale) = scale {
                let length = lengths.entry(*scale).or_default();
                *length = (*length).max(*size);
            }
        }
    }
    let longer = measured.iter().filter_map(|(object, dataset, scales)| {
        let space = &dataset.dataspace;
        let sizes = space.dimensions.iter().zip(&space.maximum).zip(scales);
        let shape = sizes.map(|((size, most), scale)| match (most, scale) {
            (None, Some(scale)) => lengths.get(scale).copied().unwrap_or(*size),
            _ => *size,
        });
        let shape: Vec<u64> = shape.collect();
        (shape != space.dimensions).then(|| (object.path.clone(), shape))
    });
    longer.collect()
}

/// Dimensions without a scale, numbered as netCDF-C numbers them: after those with one, the same length in the same group is the
/// same dimension, but not twice in one dataset.
struct AnonymousDimensions {
    next: u64,
    known: BTreeMap<Anonymous, Vec<String>>,
}

impl AnonymousDimensions {
    fn new(scales: usize) -> Self {
        Self { next: wide(scales), known: BTreeMap::new() }
    }

    fn complete(&mut self, object: &Object, dataset: &Dataset, names: Vec<Option<&str>>) -> Vec<String> {
        let group = object.path.rsplit_once('/').map_or("", |(group, _)| group);
        let space = &dataset.dataspace;
        let mut used: BTreeMap<Anonymous, usize> = BTreeMap::new();
        let sizes = space.dimensions.iter().zip(&space.maximum);
        let mut anonymous = |(size, most): (&u64, &Option<u64>)| {
            let key = (group.to_owned(), *size, most.is_none());
            let used = used.entry(key.clone()).or_default();
            let nth = *used;
            *used = nth.saturating_add(1);
            self.nth(key, nth)
        };
        names.into_iter().zip(sizes).map(|(name, size)| name.map_or_else(|| anonymous(size), str::to_owned)).collect()
    }

    /// The `nth` dimension of a kind.
    fn nth(&mut self, kind: Anonymous, nth: usize) -> String {
        let known = self.known.entry(kind).or_default();
        if let Some(name) = known.get(nth) {
            return name.clone();
        }
        let name = format!("phony_dim_{}", self.next);
        self.next = self.next.saturating_add(1);
        known.push(name.clone());
        name
    }
}

/// An attribute's integers, if it has nothing else.
fn integers(attribute: &Attribute) -> Option<Vec<i64>> {
    let integer = |value: &Value| match value {
        Value::Signed(n) => Some(*n),
        Value::Unsigned(n) => i64::try_from(*n).ok(),
        _ => None,
    };
    attribute.values.as_deref().ok()?.iter().map(integer).collect()
}
