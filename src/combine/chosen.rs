//! The part of a set that is combined.

use super::CombineOptions;
use crate::reference::{Node, ReferenceSet};

/// The group that is asked for as the root, with the arrays that are asked for.
pub(super) fn chosen(mut set: ReferenceSet, options: &CombineOptions) -> ReferenceSet {
    let group = options.group.trim_matches('/');
    if !group.is_empty() {
        let inside = |path: String| match path.strip_prefix(group)? {
            "" => Some(String::new()),
            rest => rest.strip_prefix('/').map(str::to_owned),
        };
        set.nodes = set.nodes.into_iter().filter_map(|(path, node)| Some((inside(path)?, node))).collect();
    }
    set.nodes.retain(|(path, node)| matches!(node, Node::Group(_)) || options.select.has(path));
    set
}
