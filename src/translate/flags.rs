//! The members of an enumeration as the attributes that CF has for them (CF 3.5, "Flags").

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::report::{Report, Status};
use crate::file::{Class, Datatype, Object, Value, decode};
use crate::limits::Budget;
use crate::zarr::Attributes;

/// The attributes of CF for flags; an object that has one of them says itself what its values mean.
const FLAGS: [&str; 3] = ["flag_values", "flag_meanings", "flag_masks"];

/// What a member costs beside its name, in bytes.
const MEMBER: u64 = 128;

/// Adds `flag_values` and `flag_meanings` to the attributes of an array of an enumeration.
pub(crate) fn flags(
    object: &Object,
    datatype: &Datatype,
    into: &mut Attributes,
    (budget, report): (&Budget, &mut Report),
) {
    let Some((base, members)) = enumeration(datatype) else { return };
    if members.is_empty() || FLAGS.iter().any(|name| object.attribute(name).is_some()) {
        return;
    }
    // Many datasets may have one enumeration of many members.
    let bytes = members.iter().map(|(name, _)| u64::try_from(name.len()).unwrap_or(u64::MAX).saturating_add(MEMBER));
    if let Err(limit) = budget.inline(bytes.fold(0, u64::saturating_add)) {
        let (attribute, reason) = ("flag_meanings".to_owned(), limit.to_string());
        return report.add(&object.path, Status::AttributeRefused { attribute, reason });
    }
    let members: Option<Vec<(i128, &str)>> =
        members.iter().map(|(name, element)| Some((number(base, element)?, name.as_str()))).collect();
    let Some(mut members) = members else { return };
    members.sort_unstable();
    if let Some(meanings) = meanings(&members) {
        let values = members.iter().map(|(value, _)| json(*value));
        into.insert("flag_values", values.collect::<Vec<Json>>());
        into.insert("flag_meanings", meanings);
    } else {
        let reason = "the names of the enumeration's members are no distinct words, which CF wants".to_owned();
        report.add(&object.path, Status::AttributeRefused { attribute: "flag_meanings".to_owned(), reason });
    }
}

/// A member's name and value.
type Member = (String, Vec<u8>);

/// Base and members of an enumeration, also of one in an array type; booleans have a type of their own in Zarr.
fn enumeration(datatype: &Datatype) -> Option<(&Datatype, &[Member])> {
    match &datatype.class {
        Class::Enumeration { base, members } if !datatype.is_boolean() => Some((base, members)),
        Class::Array { base, .. } => enumeration(base),
        _ => None,
    }
}

fn number(base: &Datatype, element: &[u8]) -> Option<i128> {
    match decode(base, element)? {
        Value::Signed(n) => Some(n.into()),
        Value::Unsigned(n) => Some(n.into()),
        _ => None,
    }
}

fn json(value: i128) -> Json {
    i64::try_from(value).map_or_else(|_| u64::try_from(value).unwrap_or_default().into(), Json::from)
}

/// The names as words of one text, blanks as underscores; `None` where they would not stay distinct.
fn meanings(members: &[(i128, &str)]) -> Option<String> {
    let word = |name: &str| -> String { name.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect() };
    let words: Vec<String> = members.iter().map(|(_, name)| word(name)).collect();
    let distinct: BTreeSet<&String> = words.iter().filter(|word| !word.is_empty()).collect();
    (distinct.len() == words.len()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::proofs::{array, refused, within};
    use super::*;
    use crate::limits::Limits;

    /// RED = 0, GREEN = 1, BLUE = 42 in one dataset, LOW = -300, HIGH = 300 in the other.
    const ENUM: &[u8] = include_bytes!("../../testdata/datatype/enum.h5");
    const FLAGS_FILE: &[u8] = include_bytes!("../../testdata/datatype/enum_flags.h5");

    fn members<'a>(names: &[&'a str]) -> Vec<(i128, &'a str)> {
        names.iter().map(|name| (0, *name)).collect()
    }

    fn told(file: &[u8], key: &str) -> (String, String) {
        let (set, _) = within(file, Limits::default());
        let attributes = &array(&set, key).attributes;
        let text = |name| attributes.get(name).map(Json::to_string).unwrap_or_default();
        (text("flag_values"), text("flag_meanings"))
    }

    #[test]
    fn members_are_flags_in_the_order_of_their_values() {
        assert_eq!(told(ENUM, "u1"), ("[0,1,42]".to_owned(), "\"RED GREEN BLUE\"".to_owned()));
        assert_eq!(told(ENUM, "i2_be"), ("[-300,300]".to_owned(), "\"LOW HIGH\"".to_owned()));
    }

    #[test]
    fn a_dataset_with_flags_of_its_own_keeps_them_and_names_become_words() {
        let flags = || ("[-1,0,1]".to_owned(), "\"no_data clear_sky cloudy\"".to_owned());
        assert_eq!((told(FLAGS_FILE, "blanks"), told(FLAGS_FILE, "array")), (flags(), flags()));
        assert_eq!(told(FLAGS_FILE, "own"), (String::new(), "\"its own words\"".to_owned()));
    }

    #[test]
    fn values_of_64_bits_are_exact() {
        assert_eq!(json(u64::MAX.into()).to_string(), "18446744073709551615");
        assert_eq!(json(i64::MIN.into()).to_string(), "-9223372036854775808");
    }

    #[test]
    fn booleans_and_numbers_have_no_flags() {
        let boolean = include_bytes!("../../testdata/datatype/bool.h5");
        assert_eq!(told(boolean, "d"), Default::default());
        assert_eq!(told(include_bytes!("../../testdata/datatype/bitfield.h5"), "b8"), Default::default());
    }

    #[test]
    fn names_are_words() {
        assert_eq!(meanings(&members(&["no data", "a\tb", "ok"])).as_deref(), Some("no_data a_b ok"));
        assert_eq!(meanings(&members(&["no data", "no_data"])), None);
        assert_eq!(meanings(&members(&["a", ""])), None);
    }

    #[test]
    fn names_that_are_no_distinct_words_are_told() {
        assert_eq!(told(FLAGS_FILE, "alike"), Default::default());
        let reason = "the names of the enumeration's members are no distinct words, which CF wants";
        assert_eq!(refused(FLAGS_FILE, Limits::default()), [format!("/alike: attribute \"flag_meanings\": {reason}")]);
    }
}
