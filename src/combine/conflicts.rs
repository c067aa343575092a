//! What would take the place of something else in the combined set.

use std::collections::BTreeSet;

use super::axis::Axis;
use super::dimensions::dimensions;
use super::inputs::Inputs;
use crate::error::Error;
use crate::reference::key::split;

/// Whether what takes the place of an array are its own values, or it has none but one for each coordinate.
pub(super) fn only_along(inputs: &Inputs, order: &[usize], path: usize, axis: &Axis) -> Result<(), Error> {
    for input in order.iter().filter_map(|set| inputs.sets.get(*set)) {
        let Some(member) = input.member(path) else { continue };
        let names = dimensions(member);
        if axis.source == Some(path) || names.iter().all(|name| *name == axis.name) {
            continue;
        }
        let problem =
            format!("{} has dimensions {names:?}, and the coordinates along it would take its place", axis.name);
        return Err(Error::Combine { input: input.name.clone(), problem });
    }
    Ok(())
}

/// Whether no path lies inside an array: what is a group in one set may be an array in another.
pub(super) fn lies_in_no_array(nodes: &[(&str, bool)]) -> Result<(), Error> {
    let arrays: BTreeSet<&str> = nodes.iter().filter(|(_, is_array)| *is_array).map(|(path, _)| *path).collect();
    for (name, _) in nodes.iter().filter(|(name, _)| !name.is_empty()) {
        let mut above = std::iter::successors(Some(split(name).0), |path| (!path.is_empty()).then(|| split(path).0));
        if let Some(array) = above.find(|path| arrays.contains(path)) {
            let problem = format!("{name} lies in {array}, which is a group in some sets and an array in others");
            return Err(Error::Combine { input: String::new(), problem });
        }
    }
    Ok(())
}
