//! Names of dimensions.

use super::inputs::Member;
use crate::reference::key::joined;

/// Names of dimensions that have none, as kerchunk gives them.
const NAMELESS: [&str; 5] = ["i", "k", "j", "l", "m"];

/// The names of an array's dimensions.
pub(super) fn dimensions(member: &Member) -> Vec<String> {
    let Some((metadata, attributes)) = member.array() else { return Vec::new() };
    let names: Vec<String> = attributes.dimensions().map(str::to_owned).collect();
    if names.len() == metadata.shape.len() {
        return names;
    }
    let name = |n: usize| NAMELESS.get(n).map_or_else(|| format!("dim_{n}"), |name| (*name).to_owned());
    (0..metadata.shape.len()).map(name).collect()
}

/// Whether an array has a dimension.
pub(super) fn has_dimension(member: &Member, name: &str) -> bool {
    member.array().is_some_and(|(metadata, attributes)| {
        attributes.dimensions().count() == metadata.shape.len() && attributes.dimensions().any(|known| known == name)
    })
}

/// The path that a name in an attribute means, seen from a group.
pub(super) fn resolved(group: &str, name: &str) -> String {
    match name.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => joined(group, name),
    }
}

/// The dimensions of the combined array: those of the set that has the most, with the axes that all lack in front. `None` where a
/// set has them in another order or has others.
pub(super) fn united(all: &[Vec<String>], axes: &[&str]) -> Result<Vec<String>, usize> {
    let longest = all.iter().map(Vec::len).max();
    let Some(most) = all.iter().find(|names| Some(names.len()) == longest) else { return Ok(Vec::new()) };
    let lacking = axes.iter().filter(|axis| !most.iter().any(|name| name == *axis));
    let united: Vec<String> = lacking.map(|axis| (*axis).to_owned()).chain(most.iter().cloned()).collect();
    let fits = |names: &Vec<String>| {
        let is_there = |name: &&String| names.contains(name) || !axes.contains(&name.as_str());
        united.iter().filter(is_there).eq(names.iter())
    };
    match all.iter().position(|names| !fits(names)) {
        Some(at) => Err(at),
        None => Ok(united),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn axes_that_all_lack_come_first() {
        assert_eq!(united(&[names("y x"), names("y x")], &["c", "p"]), Ok(names("c p y x")));
        assert_eq!(united(&[names("y x"), names("t y x")], &["t"]), Ok(names("t y x")));
        assert_eq!(united(&[names("y t"), names("y t")], &["t"]), Ok(names("y t")));
        assert_eq!(united(&[names("t y x"), names("t x y")], &["t"]), Err(1));
        assert_eq!(united(&[names("t y"), names("z")], &["t"]), Err(1));
        assert_eq!(united(&[names("")], &["t"]), Ok(names("t")));
    }

    #[test]
    fn names_in_attributes_are_seen_from_their_group() {
        assert_eq!(
            (resolved("g", "x"), resolved("g", "/x"), resolved("", "x")),
            ("g/x".into(), "x".into(), "x".into())
        );
    }
}
