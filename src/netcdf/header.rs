//! What a file declares, without where its data lie: lengths of dimensions, and attributes.

use std::collections::BTreeSet;

use super::dimensions::{Dimensions, is_scale, name_of};
use crate::file::{Attribute, Tree};

/// The dimensions and attributes of a file.
#[derive(Debug, Clone, Default)]
pub struct Header {
    /// Group, name and length of each dimension; also of those that a group's variables have from above.
    dimensions: BTreeSet<(String, String, u64)>,
    /// Objects by path.
    attributes: Vec<(String, Vec<Attribute>)>,
}

impl Header {
    /// What the objects of a file say; `declared` are dimensions, by group, name and length, that something else says.
    pub(crate) fn of(tree: &Tree, dimensions: &Dimensions, declared: &[(String, String, u64)]) -> Self {
        let mut header = Self { dimensions: declared.iter().cloned().collect(), attributes: Vec::new() };
        header.dimensions.extend(tree.dimensions.iter().map(|one| ("/".to_owned(), one.name.clone(), one.length)));
        for object in &tree.objects {
            let group = object.path.rsplit_once('/').map_or("", |(group, _)| group);
            let group = if group.is_empty() { "/" } else { group };
            if let Some(length) = dimensions.length(object).filter(|_| is_scale(object)) {
                header.dimensions.insert((group.to_owned(), name_of(&object.path).to_owned(), length.current));
            }
            if let Some(dataset) = object.dataset() {
                let shape = dimensions.longer(&object.path).unwrap_or(&dataset.dataspace.dimensions);
                let named = dimensions.names(&object.path).iter().zip(shape);
                header.dimensions.extend(named.map(|(name, size)| (group.to_owned(), name.clone(), *size)));
            }
            header.attributes.push((object.path.clone(), object.attributes().to_vec()));
        }
        header
    }

    /// The lengths of a dimension: of `/group/name` there, of `name` in the root group, or in all groups where the root has none.
    pub fn lengths(&self, name: &str) -> BTreeSet<u64> {
        let within = |group: Option<&str>, name: &str| -> BTreeSet<u64> {
            let is = |(known, called, _): &&(String, String, u64)| {
                called == name && group.is_none_or(|group| known == group)
            };
            self.dimensions.iter().filter(is).map(|(_, _, length)| *length).collect()
        };
        match name.rsplit_once('/') {
            Some((group, name)) => within(Some(if group.is_empty() { "/" } else { group }), name),
            None => {
                Some(within(Some("/"), name)).filter(|found| !found.is_empty()).unwrap_or_else(|| within(None, name))
            }
        }
    }

    /// An attribute: `name` of the root group, `/path/name` of the object at a path.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        let (path, name) = name.rsplit_once('/').unwrap_or(("", name));
        let path = if path.is_empty() { "/" } else { path };
        let (_, attributes) = self.attributes.iter().find(|(known, _)| known == path)?;
        attributes.iter().find(|attribute| attribute.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::proofs::tree_of;

    #[test]
    fn dimensions_of_netcdf_3_are_those_of_the_root_group_with_variables_or_without() {
        let tree = tree_of(include_bytes!("../../testdata/netcdf3/classic.nc3"));
        let header = Header::of(&tree, &Dimensions::of(&tree), &[]);
        let lengths = |name| header.lengths(name).into_iter().collect::<Vec<_>>();
        assert_eq!((lengths("three"), lengths("/unused"), lengths("none")), (vec![3], vec![7], vec![]));
        assert_eq!(header.attribute("title").and_then(Attribute::text), Some("a title"));
    }
}
