//! Attributes of sets that are put together: the first's, with what differs found.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::findings::{Findings, Weight};
use super::{Check, Policies, Policy};
use crate::zarr::Attributes;

/// Attributes that say what elements mean: they are never taken from another set unasked.
const PACKING: [&str; 5] = ["scale_factor", "add_offset", "missing_value", "_FillValue", "_Unsigned"];

/// Attributes that hold only for the numbers that an array has.
const OF_NUMBERS: [&str; 7] = ["units", "calendar", "bounds", "climatology", "valid_min", "valid_max", "valid_range"];

/// The attribute of dimensions, which have a check of their own.
const DIMENSIONS: &str = "_ARRAY_DIMENSIONS";

/// The attributes of one path in all sets, the first set first; and whether a difference leaves the array out.
pub(super) fn merged(
    path: &str,
    all: &[(&str, &Attributes)],
    policies: &Policies,
    is_time: bool,
    findings: &mut Findings,
) -> (Attributes, bool) {
    let Some((_, first)) = all.first() else { return (Attributes::default(), false) };
    let (mut is_left_out, mut dropped) = (false, Vec::new());
    for (input, other) in all.iter().skip(1) {
        if std::ptr::eq(*other, *first) || other == first {
            continue;
        }
        for (name, ours, theirs) in different(first, other) {
            let check = check_of(name);
            if check != Check::Attributes && is_time && matches!(check, Check::Units | Check::Calendar) {
                continue;
            }
            let policy = policies.get(check);
            let weight = match policy {
                Policy::Error => Weight::Error,
                _ if check == Check::Attributes => Weight::Note,
                _ => Weight::Decided,
            };
            let what = || format!("{name} is {} instead of {}", show(theirs), show(ours));
            findings.add(weight, check, &format!("{path}/{name}"), Some(input), what);
            match policy {
                Policy::Drop if check == Check::Attributes => dropped.push(name.to_owned()),
                Policy::Drop => is_left_out = true,
                _ => {}
            }
        }
    }
    let dropped: HashSet<&str> = dropped.iter().map(String::as_str).collect();
    (without(first, |name| dropped.contains(name)), is_left_out)
}

/// Which check compares an attribute.
fn check_of(name: &str) -> Check {
    match name {
        "units" => Check::Units,
        "calendar" => Check::Calendar,
        name if PACKING.contains(&name) => Check::Packing,
        _ => Check::Attributes,
    }
}

/// The names of attributes that differ, with both values.
fn different<'a>(
    first: &'a Attributes,
    other: &'a Attributes,
) -> impl Iterator<Item = (&'a str, Option<&'a Value>, Option<&'a Value>)> {
    let (by_name, known) = (other.iter().collect::<HashMap<_, _>>(), first.iter().collect::<HashMap<_, _>>());
    let changed = first.iter().filter_map(move |(name, ours)| {
        let theirs = by_name.get(name).copied();
        (theirs != Some(ours)).then_some((name, Some(ours), theirs))
    });
    let added = other
        .iter()
        .filter(move |(name, _)| !known.contains_key(name))
        .map(|(name, theirs)| (name, None, Some(theirs)));
    changed.chain(added).filter(|(name, ..)| *name != DIMENSIONS)
}

/// The attributes of an array that has other numbers now.
pub(super) fn of_other_numbers(attributes: &Attributes) -> Attributes {
    without(attributes, |name| OF_NUMBERS.contains(&name) || PACKING.contains(&name))
}

/// Attributes without some.
fn without(attributes: &Attributes, is_dropped: impl Fn(&str) -> bool) -> Attributes {
    let mut kept = attributes.clone();
    kept.retain(|name| !is_dropped(name));
    kept
}

/// A value, shortened.
fn show(value: Option<&Value>) -> String {
    const MOST: usize = 60;
    let Some(value) = value else { return "absent".to_owned() };
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(values: &Value) -> Attributes {
        Attributes::parse(&values.to_string()).unwrap()
    }

    fn told(policies: &Policies, sets: &[Value]) -> (Attributes, bool, Vec<String>) {
        let all: Vec<Attributes> = sets.iter().map(of).collect();
        let all: Vec<(&str, &Attributes)> = all.iter().map(|one| ("f", one)).collect();
        let mut findings = Findings::default();
        let (merged, out) = merged("v", &all, policies, false, &mut findings);
        let told = findings.into_vec().iter().map(|finding| format!("{:?} {finding}", finding.weight)).collect();
        (merged, out, told)
    }

    #[test]
    fn what_changes_values_is_an_error_and_the_rest_a_note() {
        let sets = [json!({"scale_factor": 1.0, "title": "a"}), json!({"scale_factor": 2.0, "title": "b", "new": 1})];
        let (merged, out, told) = told(&Policies::default(), &sets);
        assert_eq!((merged, out), (of(&json!({"scale_factor": 1.0, "title": "a"})), false));
        let expected = [
            "Note v/new: attributes: new is 1 instead of absent [f]",
            "Error v/scale_factor: packing: scale_factor is 2.0 instead of 1.0 [f]",
            "Note v/title: attributes: title is \"b\" instead of \"a\" [f]",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn attributes_that_differ_are_left_out_where_that_is_asked() {
        let mut policies = Policies::default();
        policies.set(Check::Attributes, Policy::Drop);
        policies.set(Check::Units, Policy::Drop);
        let sets = [json!({"a": 1, "b": 2, "units": "m"}), json!({"a": 1, "b": 3, "units": "km"})];
        let (merged, out, _) = told(&policies, &sets);
        assert_eq!((merged, out), (of(&json!({"a": 1, "units": "m"})), true));
    }
}
