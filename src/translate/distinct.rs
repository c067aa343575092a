//! One name, one length: xarray opens no group in which two dimensions share a name and differ in length. Links bring such together,
//! and groups whose dimensions hide those of the groups around them.

use std::collections::BTreeMap;

use crate::reference::{Array, Node};

/// The lengths that a name has in a group, the one that keeps it first.
type Lengths<'a> = BTreeMap<(&'a str, &'a str), Vec<u64>>;

/// Adds the length to the name of each dimension that has not the length of the first of that name, or of the coordinate of that name.
pub(crate) fn tell_apart(nodes: &mut [(String, Node)]) {
    for (at, names) in renamed(nodes) {
        if let Some((_, Node::Array(array))) = nodes.get_mut(at) {
            array.attributes.set_dimensions(&names);
        }
    }
}

/// The arrays whose dimensions get other names, by position, and all their names.
fn renamed(nodes: &[(String, Node)]) -> Vec<(usize, Vec<String>)> {
    let lengths = lengths(nodes);
    let name = |group, name: &str, size: &u64| match lengths.get(&(group, name)) {
        Some(known) if known.first() != Some(size) => {
            let mut longer = format!("{name}_{size}");
            while lengths.contains_key(&(group, longer.as_str())) {
                longer.push('_');
            }
            longer
        }
        _ => name.to_owned(),
    };
    let names = arrays(nodes).map(|(at, key, array)| {
        let group = split(key).0;
        let sizes = array.attributes.dimensions().zip(&array.metadata.shape);
        (at, array, sizes.map(|(known, size)| name(group, known, size)).collect::<Vec<_>>())
    });
    let changed = names.filter(|(_, array, names)| !array.attributes.dimensions().eq(names.iter().map(String::as_str)));
    changed.map(|(at, _, names)| (at, names)).collect()
}

fn lengths(nodes: &[(String, Node)]) -> Lengths<'_> {
    let mut lengths = Lengths::new();
    for (_, key, array) in arrays(nodes) {
        let (group, own) = split(key);
        for (axis, (name, size)) in array.attributes.dimensions().zip(&array.metadata.shape).enumerate() {
            let known = lengths.entry((group, name)).or_default();
            let is_coordinate = name == own && axis == 0;
            known.retain(|length| !is_coordinate || length != size);
            if is_coordinate {
                known.insert(0, *size);
            } else if !known.contains(size) {
                known.push(*size);
            }
        }
    }
    lengths
}

/// Position, key and contents of the arrays.
fn arrays(nodes: &[(String, Node)]) -> impl Iterator<Item = (usize, &str, &Array)> {
    nodes.iter().enumerate().filter_map(|(at, (key, node))| match node {
        Node::Array(array) => Some((at, key.as_str(), &**array)),
        Node::Group(_) => None,
    })
}

/// Group and name of a key.
fn split(key: &str) -> (&str, &str) {
    key.rsplit_once('/').unwrap_or(("", key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Manifest;
    use crate::zarr::{ArrayMetadata, Attributes, Dtype};

    fn array(key: &str, names: &[&str], shape: &[u64]) -> (String, Node) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let dtype = Dtype::Simple("<i4".to_owned());
        let metadata = ArrayMetadata::new(shape.to_vec(), shape.to_vec(), dtype, None, Vec::new());
        let attributes = Attributes::with_dimensions(&names);
        (key.to_owned(), Node::Array(Box::new(Array { metadata, attributes, chunks: Manifest::default() })))
    }

    fn told(mut nodes: Vec<(String, Node)>) -> Vec<String> {
        tell_apart(&mut nodes);
        let names = |(_, key, array): (usize, &str, &Array)| {
            format!("{key}({})", array.attributes.dimensions().collect::<Vec<_>>().join(", "))
        };
        arrays(&nodes).map(names).collect()
    }

    #[test]
    fn the_coordinate_keeps_its_name_or_else_the_first() {
        let nodes = vec![
            array("link", &["x", "y"], &[5, 2]),
            array("x", &["x"], &[3]),
            array("x_5", &["z"], &[7]),
            array("other", &["t", "t"], &[4, 6]),
            array("last", &["x", "t"], &[5, 6]),
        ];
        assert_eq!(told(nodes), ["link(x_5, y)", "x(x)", "x_5(z)", "other(t, t_6)", "last(x_5, t_6)"]);
    }

    #[test]
    fn a_name_that_is_taken_is_not_given() {
        let nodes = vec![array("a", &["x", "x_5"], &[3, 4]), array("b", &["x"], &[5])];
        assert_eq!(told(nodes), ["a(x, x_5)", "b(x_5_)"]);
    }

    #[test]
    fn groups_have_names_of_their_own() {
        let nodes = vec![array("x", &["x"], &[3]), array("g/x", &["x"], &[5]), array("g/h/x", &["x"], &[7])];
        assert_eq!(told(nodes), ["x(x)", "g/x(x)", "g/h/x(x)"]);
    }
}
