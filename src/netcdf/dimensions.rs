//! The names of dimensions, from HDF5 dimension scales as netCDF-4 uses them.

use std::collections::BTreeMap;

use crate::field::convert::wide;
use crate::file::{Attribute, Class, Content, Dataset, Datatype, Object, Tree, Value};

/// What a scale is called that is a dimension and no variable (`DIM_WITHOUT_VARIABLE`); the dimension's length follows.
const WITHOUT_VARIABLE: &str = "This is a netCDF dimension but not a netCDF variable.";

/// The names and lengths of the dimensions of all datasets of a file.
#[derive(Debug)]
pub(crate) struct Dimensions {
    /// Names by path of the dataset.
    names: BTreeMap<String, Vec<String>>,
    /// Shapes by path, of datasets that are shorter than their unlimited dimensions.
    longer: BTreeMap<String, Vec<u64>>,
    /// Lengths by address of the scale.
    lengths: BTreeMap<u64, Length>,
}

/// The length of a dimension.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Length {
    /// That of its longest dataset (`nc4_find_dim_len`).
    pub(crate) current: u64,
    pub(crate) unlimited: bool,
}

/// Dimensions that something else than scales tells.
#[cfg(feature = "dmrpp")]
#[derive(Debug, Default)]
pub(crate) struct ToldDimensions {
    /// Group, name and length.
    pub(crate) declared: Vec<(String, String, u64)>,
    /// Names by path of the dataset, where its dimensions have any.
    pub(crate) names: BTreeMap<String, Vec<Option<String>>>,
}

/// What netCDF-C knows a dimension without a scale by (`create_phony_dims`): by group, length, and whether it is unlimited.
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
        let mut anonymous = AnonymousDimensions::new(tree, scales.by_address.len());
        let mut names = BTreeMap::new();
        let mut measured = Vec::new();
        for object in members_first(tree) {
            if let Some(dataset) = object.dataset() {
                if !dataset.named.is_empty() {
                    names.insert(object.path.clone(), dataset.named.clone());
                    continue;
                }
                let known = scales.of_dataset(object, dataset);
                let named = known.iter().map(|scale| scale.and_then(|scale| scales.by_address.get(&scale).copied()));
                names.insert(object.path.clone(), anonymous.complete(object, dataset, named.collect()));
                measured.push((object, dataset, known));
            }
        }
        let lengths = lengths(&measured);
        Self { names, longer: longer(&measured, &lengths), lengths }
    }

    /// The names that are told, and those of the other dimensions as netCDF-C would find them.
    #[cfg(feature = "dmrpp")]
    pub(crate) fn told(tree: &Tree, told: &ToldDimensions) -> Self {
        let mut anonymous = AnonymousDimensions::told(&told.declared);
        let mut names = BTreeMap::new();
        for object in members_first(tree) {
            if let Some((dataset, told)) = object.dataset().zip(told.names.get(&object.path)) {
                let told = told.iter().map(Option::as_deref).collect();
                names.insert(object.path.clone(), anonymous.complete(object, dataset, told));
            }
        }
        Self { names, longer: BTreeMap::new(), lengths: BTreeMap::new() }
    }

    /// The length of the dimension that a scale stands for.
    pub(crate) fn length(&self, scale: &Object) -> Option<Length> {
        self.lengths.get(&scale.address).copied()
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
    // netCDF-C passes over datasets whose type it does not have: they name no dimension before the others do.
    let has_type = |object: &&Object| {
        let datatype = object.dataset().map(|dataset| &dataset.datatype);
        datatype.is_none_or(is_netcdf_type)
    };
    let (ours, others): (Vec<_>, Vec<_>) = ordered.into_iter().partition(has_type);
    ours.into_iter().chain(others).collect()
}

/// Whether netCDF-C reads datasets of these elements (4.10.1, by trial: of compounds and sequences only simple ones).
fn is_netcdf_type(datatype: &Datatype) -> bool {
    match &datatype.class {
        Class::Reference(_) | Class::Time { .. } | Class::BitField { .. } | Class::Array { .. } => false,
        Class::Compound(members) => members.iter().all(|member| match &member.datatype.class {
            Class::Array { base, .. } => is_member_type(base),
            _ => is_member_type(&member.datatype),
        }),
        Class::Sequence(base) => is_member_type(base) || matches!(base.class, Class::Opaque { .. }),
        _ => true,
    }
}

/// Whether netCDF-C reads such members of compounds.
fn is_member_type(datatype: &Datatype) -> bool {
    match &datatype.class {
        Class::FixedPoint { .. } | Class::String(_) | Class::VariableString(_) => true,
        Class::FloatingPoint { .. } => matches!(datatype.size, 4 | 8),
        _ => false,
    }
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

/// The group that a path lies in.
fn group_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(group, _)| group)
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

/// The lengths of all dimensions with a scale.
fn lengths(measured: &[Measured<'_>]) -> BTreeMap<u64, Length> {
    let mut lengths: BTreeMap<u64, Length> = BTreeMap::new();
    for (_, dataset, scales) in measured {
        let space = &dataset.dataspace;
        for ((size, most), scale) in space.dimensions.iter().zip(&space.maximum).zip(scales) {
            if let Some(scale) = scale {
                let length = lengths.entry(*scale).or_default();
                length.current = length.current.max(*size);
                length.unlimited |= most.is_none();
            }
        }
    }
    lengths
}

/// The shapes of datasets that are shorter than an unlimited dimension.
fn longer(measured: &[Measured<'_>], lengths: &BTreeMap<u64, Length>) -> BTreeMap<String, Vec<u64>> {
    let longer = measured.iter().filter_map(|(object, dataset, scales)| {
        let space = &dataset.dataspace;
        let sizes = space.dimensions.iter().zip(&space.maximum).zip(scales);
        let shape = sizes.map(|((size, most), scale)| match (most, scale) {
            (None, Some(scale)) => lengths.get(scale).map_or(*size, |length| length.current),
            _ => *size,
        });
        let shape: Vec<u64> = shape.collect();
        (shape != space.dimensions).then(|| (object.path.clone(), shape))
    });
    longer.collect()
}

/// Dimensions without a scale, as netCDF-C names them: one of the group that has their length, with a scale or without, but not twice
/// in one dataset; else a new one, numbered after those with a scale.
struct AnonymousDimensions {
    next: u64,
    known: BTreeMap<Anonymous, Vec<String>>,
}

impl AnonymousDimensions {
    fn new(tree: &Tree, scales: usize) -> Self {
        let mut known: BTreeMap<Anonymous, Vec<String>> = BTreeMap::new();
        for object in tree.objects.iter().filter(|object| is_scale(object)) {
            let space = object.dataset().map(|dataset| &dataset.dataspace);
            let first = space.and_then(|space| space.dimensions.first().zip(space.maximum.first()));
            if let Some((size, most)) = first {
                let kind = (group_of(&object.path).to_owned(), *size, most.is_none() || *size == 0);
                known.entry(kind).or_default().push(name_of(&object.path).to_owned());
            }
        }
        Self { next: wide(scales), known }
    }

    #[cfg(feature = "dmrpp")]
    fn told(declared: &[(String, String, u64)]) -> Self {
        let mut known: BTreeMap<Anonymous, Vec<String>> = BTreeMap::new();
        for (group, name, size) in declared {
            let group = group_of(&format!("{}/", group.trim_end_matches('/'))).to_owned();
            known.entry((group, *size, *size == 0)).or_default().push(name.clone());
        }
        Self { next: wide(declared.len()), known }
    }

    fn complete(&mut self, object: &Object, dataset: &Dataset, names: Vec<Option<&str>>) -> Vec<String> {
        let group = group_of(&object.path);
        let space = &dataset.dataspace;
        let mut used: Vec<String> = names.iter().flatten().map(|name| (*name).to_owned()).collect();
        let mut anonymous = |(size, most): (&u64, &Option<u64>)| {
            let name = self.unused((group.to_owned(), *size, most.is_none()), &used);
            used.push(name.clone());
            name
        };
        let sizes = space.dimensions.iter().zip(&space.maximum);
        names.into_iter().zip(sizes).map(|(name, size)| name.map_or_else(|| anonymous(size), str::to_owned)).collect()
    }

    /// The first dimension of a kind that is not used yet. A length of 0 makes a dimension unlimited (`nc4_dim_list_add`), and what is
    /// looked for is not.
    fn unused(&mut self, (group, size, unlimited): Anonymous, used: &[String]) -> String {
        let known = self.known.entry((group, size, unlimited || size == 0)).or_default();
        let is_shared = size > 0 || unlimited;
        if let Some(name) = known.iter().find(|name| is_shared && !used.contains(name)) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::proofs::tree_of;
    use crate::file::{Dataspace, Extent, FillValue, FilterPipeline, Node, Reference, Storage};

    fn space(shape: &[u64], unlimited: bool) -> Dataspace {
        let maximum = shape.iter().map(|size| Some(*size).filter(|_| !unlimited)).collect();
        Dataspace { extent: Extent::Simple, dimensions: shape.to_vec(), maximum }
    }

    fn bytes() -> Datatype {
        Datatype { size: 1, class: Class::Opaque { tag: String::new() } }
    }

    fn object(path: &str, content: Content, attributes: &[(&str, Value)]) -> Object {
        let attribute = |(name, value): &(&str, Value)| Attribute {
            name: (*name).to_owned(),
            name_is_utf8: true,
            datatype: bytes(),
            dataspace: space(&[1], false),
            values: Ok(vec![value.clone()]),
        };
        let attributes = Ok(attributes.iter().map(attribute).collect());
        Object {
            path: path.to_owned(),
            address: wide(path.len()),
            node: Node { content: Ok(content), attributes }.into(),
        }
    }

    fn dataset(path: &str, dataspace: Dataspace, attributes: &[(&str, Value)]) -> Object {
        dataset_of(bytes(), path, dataspace, attributes)
    }

    fn dataset_of(datatype: Datatype, path: &str, dataspace: Dataspace, attributes: &[(&str, Value)]) -> Object {
        let storage = Storage::Contiguous { offset: None, length: 0 };
        let (fill, filters) = (FillValue::Default, FilterPipeline::default());
        let dataset = Dataset { datatype, dataspace, fill, filters, storage, named: Vec::new() };
        object(path, Content::Dataset(Box::new(dataset)), attributes)
    }

    fn group(path: &str) -> Object {
        object(path, Content::Group, &[])
    }

    fn scale() -> (&'static str, Value) {
        ("CLASS", Value::Text("DIMENSION_SCALE".to_owned()))
    }

    /// The names of the dimensions of all datasets but scales of one dimension.
    fn named(objects: Vec<Object>) -> Vec<String> {
        let tree = Tree { objects, links: Vec::new(), dimensions: Vec::new() };
        let dimensions = Dimensions::of(&tree);
        let datasets = tree.objects.iter().filter(|object| !dimensions.names(&object.path).is_empty());
        datasets.map(|object| format!("{}({})", object.path, dimensions.names(&object.path).join(", "))).collect()
    }

    fn names(bytes: &[u8], paths: &[&str]) -> Vec<String> {
        let dimensions = Dimensions::of(&tree_of(bytes));
        paths.iter().map(|path| dimensions.names(path).join(", ")).collect()
    }

    #[test]
    fn scales_name_the_dimensions_that_they_are_attached_to() {
        let file = include_bytes!("../../testdata/netcdf/groups.nc");
        let paths = ["/x", "/g/inherited", "/g/h/shadowed", "/g/h/records"];
        assert_eq!(names(file, &paths), ["x", "y, x", "y, x", "time"]);
        let file = include_bytes!("../../testdata/netcdf/no_coordinates.nc");
        assert_eq!(names(file, &["/d", "/square"]), ["y, x", "x, x"]);
        let file = include_bytes!("../../testdata/netcdf/name_of_other_dimension.nc");
        assert_eq!(names(file, &["/_nc4_non_coord_x", "/d"]), ["y", "y, x"]);
    }

    /// As netCDF-C reads files with datasets of references: it counts no dimension of theirs.
    #[test]
    fn datasets_of_types_that_netcdf_lacks_number_no_dimension_before_the_others() {
        let references = Datatype { size: 8, class: Class::Reference(Reference::Object) };
        let found = named(vec![
            group("/"),
            dataset_of(references, "/a", space(&[3], false), &[]),
            dataset("/bb", space(&[5], false), &[]),
        ]);
        assert_eq!(found, ["/a(phony_dim_1)", "/bb(phony_dim_0)"]);
    }

    #[test]
    fn a_coordinate_variable_of_two_dimensions_is_named_by_their_numbers() {
        let file = include_bytes!("../../testdata/netcdf/coordinates_2d.nc");
        assert_eq!(names(file, &["/z", "/lat", "/y"]), ["z, x", "y, x", "y"]);
    }

    /// As netCDF-C 4.10.1 reads the same file written with h5py.
    #[test]
    fn dimensions_without_a_scale_are_named_as_netcdf_names_them() {
        let found = named(vec![
            group("/"),
            dataset("/d", space(&[4, 4, 5], false), &[]),
            dataset("/e", space(&[4], false), &[]),
            group("/g"),
            dataset("/g/y", space(&[3], false), &[scale()]),
            dataset("/g/z", space(&[3, 4, 3], false), &[]),
            dataset("/u", space(&[5], false), &[]),
            dataset("/un", space(&[4], true), &[]),
            dataset("/x", space(&[4], false), &[scale()]),
        ]);
        let expected = [
            "/d(x, phony_dim_4, phony_dim_5)",
            "/e(x)",
            "/g/y(y)",
            "/g/z(y, phony_dim_2, phony_dim_3)",
            "/u(phony_dim_5)",
            "/un(phony_dim_6)",
            "/x(x)",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_last_scale_of_a_dimension_counts_and_a_plain_reference_too() {
        let reference = |path: &str| Value::Reference(Some(wide(path.len())));
        let list = |value| ("DIMENSION_LIST", value);
        let both = Value::Sequence(vec![reference("/xx"), reference("/x"), Value::Reference(None)]);
        let found = named(vec![
            group("/"),
            dataset("/x", space(&[4], false), &[scale()]),
            dataset("/xx", space(&[4], false), &[scale()]),
            dataset("/d___", space(&[4], false), &[list(both)]),
            dataset("/e____", space(&[4], false), &[list(reference("/x"))]),
        ]);
        assert_eq!(found, ["/x(x)", "/xx(xx)", "/d___(x)", "/e____(x)"]);
    }

    #[test]
    fn what_is_a_dimension_only_says_so_in_its_name() {
        let tree = tree_of(include_bytes!("../../testdata/netcdf/name_of_other_dimension.nc"));
        let only: Vec<_> = tree.objects.iter().filter(|object| is_dimension_only(object)).collect();
        assert_eq!(only.iter().map(|object| object.path.as_str()).collect::<Vec<_>>(), ["/x", "/y"]);
        assert!(!is_dimension_only(&dataset("/t", space(&[4], false), &[scale()])));
    }

    #[test]
    fn a_path_lies_in_a_group_only_below_a_slash() {
        assert_eq!(
            [("/a/b", "/a"), ("/ab", "/a"), ("/a", "/"), ("/a", "/a")].map(|(path, group)| is_inside(path, group)),
            [true, false, true, false]
        );
    }
}
