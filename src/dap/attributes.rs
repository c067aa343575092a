//! Attributes of the DAS, found for what they are of, and as Zarr has them.

use std::collections::BTreeSet;

use serde_json::{Number, Value as Json};

use super::das::{Attribute, Das, Values};
use super::kind::Kind;
use crate::convert::wide;
use crate::limits::Limits;
use crate::zarr::{Attributes, FillValue, Floats, not_finite};

/// Attributes of a variable or group, as they were sent.
pub(crate) type Declared = Vec<Attribute>;

/// The attribute by which xarray knows dimensions, which are this crate's to say.
const DIMENSIONS: &str = "_ARRAY_DIMENSIONS";

/// Containers of a DAS that belong to variables and groups of a dataset.
pub(crate) struct Owners<'a> {
    das: &'a Das,
    taken: BTreeSet<usize>,
}

impl<'a> Owners<'a> {
    pub(crate) fn new(das: &'a Das) -> Self {
        Self { das, taken: BTreeSet::new() }
    }

    /// The container of what has this path: one in another, or one whose name is all of it.
    pub(crate) fn take(&mut self, path: &[&str]) -> Option<usize> {
        let nested = path.iter().try_fold(0, |parent, name| self.das.child(parent, name));
        let found = nested.or_else(|| self.das.child(0, &path.join(".")))?;
        self.taken.insert(found);
        Some(found)
    }

    /// The attributes of a container, and those of the containers in it that belong to nothing else: their names with those of the
    /// containers before them and dots between, as netCDF-C has them.
    pub(crate) fn attributes(&self, container: usize, limits: &Limits) -> Declared {
        let (mut all, mut open) = (Vec::new(), vec![(container, String::new())]);
        while let Some((at, prefix)) = open.pop() {
            let Some(container) = self.das.containers.get(at) else { continue };
            for Attribute { name, values } in &container.attributes {
                all.push(Attribute { name: format!("{prefix}{name}"), values: values.clone() });
            }
            for child in container.children.iter().rev().filter(|child| !self.taken.contains(child)) {
                let Some(inner) = self.das.containers.get(*child) else { continue };
                // Those of the dataset as a whole have containers by their origin: NC_GLOBAL, HDF5_GLOBAL.
                let is_global = at == 0 && inner.name.to_ascii_uppercase().ends_with("GLOBAL");
                let name = if is_global { String::new() } else { format!("{prefix}{}.", inner.name) };
                let is_short = wide(name.len()) <= limits.key_bytes;
                open.push((*child, if is_short { name } else { "..".to_owned() }));
            }
        }
        all
    }
}

/// Attributes in Zarr, and those that are none there, by name, with the reason.
pub(crate) fn zarr(declared: &[Attribute], mut into: Attributes, refused: &mut Vec<(String, String)>) -> Attributes {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for Attribute { name, values } in declared {
        let mut refuse = |why: &str| refused.push((name.clone(), why.to_owned()));
        if name == DIMENSIONS {
            refuse("its name is that of the attribute for the dimensions");
            continue;
        }
        if !names.insert(name) {
            refuse("its name is that of one before it");
            continue;
        }
        match values {
            Values::Alias(target) => refuse(&format!("it is another name for {target:.200}")),
            Values::Wrong(why) => refuse(why),
            Values::Integers(_, integers) => {
                into.push(name.clone(), list(integers.iter().filter_map(|n| integer(*n))), Floats::Nowhere);
            }
            Values::Floats(_, floats) => {
                into.push(name.clone(), list(floats.iter().map(|x| float(*x))), Floats::Everywhere);
            }
            Values::Texts(_, texts) => {
                if texts.iter().any(|text| std::str::from_utf8(text).is_err()) {
                    refuse("text that is not UTF-8, told with U+FFFD in place of its other bytes");
                }
                let texts: Vec<Json> = texts.iter().map(|text| String::from_utf8_lossy(text).into()).collect();
                let value = if texts.is_empty() { Json::String(String::new()) } else { list(texts.into_iter()) };
                into.push(name.clone(), value, Floats::Nowhere);
            }
        }
    }
    into
}

/// One value as itself, others as a list.
fn list(values: impl Iterator<Item = Json>) -> Json {
    let mut values: Vec<Json> = values.collect();
    if values.len() == 1 { values.pop().unwrap_or_default() } else { Json::Array(values) }
}

fn integer(number: i128) -> Option<Json> {
    i64::try_from(number).map(Json::from).or_else(|_| u64::try_from(number).map(Json::from)).ok()
}

/// A float; those that JSON lacks by the names that Zarr has for them.
fn float(number: f64) -> Json {
    let name = not_finite(number).map(|name| Json::String(name.to_owned()));
    name.or_else(|| Number::from_f64(number).map(Json::Number)).unwrap_or_default()
}

/// A `_FillValue` of one number that the type has: it is the fill value in Zarr, and no attribute.
pub(crate) fn fill_value(declared: &[Attribute], kind: Kind) -> Option<FillValue> {
    let values = &declared.iter().find(|attribute| attribute.name == "_FillValue")?.values;
    if kind.is_float() {
        let number = match values {
            Values::Floats(_, floats) => *<&[f64; 1]>::try_from(floats.as_slice()).ok()?.first()?,
            Values::Integers(_, integers) => exact(*integers.first().filter(|_| integers.len() == 1)?)?,
            _ => return None,
        };
        #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "it is asked whether it is exact")]
        let single = f64::from(number as f32);
        let holds = kind == Kind::Float64 || number.is_nan() || single.to_bits() == number.to_bits();
        return holds.then_some(FillValue::Float(number));
    }
    let number = match values {
        Values::Integers(_, integers) => *integers.first().filter(|_| integers.len() == 1)?,
        Values::Floats(_, floats) => {
            let number = floats.first().filter(|x| floats.len() == 1 && x.fract() == 0.0)?;
            format!("{number:.0}").parse().ok()?
        }
        _ => return None,
    };
    let is_signed = matches!(kind, Kind::Int16 | Kind::Int32);
    let number = Some(number).filter(|number| kind.integers().is_some_and(|all| all.contains(number)))?;
    if is_signed {
        i64::try_from(number).ok().map(FillValue::Signed)
    } else {
        u64::try_from(number).ok().map(FillValue::Unsigned)
    }
}

/// An integer as a float, if it is one.
fn exact(number: i128) -> Option<f64> {
    let float: f64 = number.to_string().parse().ok()?;
    (format!("{float:.0}") == number.to_string()).then_some(float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn das(text: &str) -> Das {
        Das::read(format!("Attributes {{ {text} }}").as_bytes(), &Limits::default()).unwrap()
    }

    fn told(declared: &[Attribute]) -> (String, Vec<String>) {
        let mut refused = Vec::new();
        let attributes = zarr(declared, Attributes::default(), &mut refused);
        let refused = refused.into_iter().map(|(name, why)| format!("{name}: {why}")).collect();
        (serde_json::to_string(&attributes).unwrap(), refused)
    }

    #[test]
    fn containers_are_found_in_others_and_by_their_whole_names() {
        let das = das(
            "a { b { Byte x 1; } Byte y 2; } c.d { Byte z 3; } DODS { Byte w 4; e { Byte v 5; } } NC_GLOBAL { Byte u 6; } Byte t 7;",
        );
        let mut owners = Owners::new(&das);
        let found = ["a", "a.b", "c.d", "c", "b"].map(|path| {
            let path: Vec<&str> = path.split('.').collect();
            owners.take(&path)
        });
        let of = |container| told(&owners.attributes(container, &Limits::default())).0;
        let each: Vec<Option<String>> = found.map(|found| found.map(of)).to_vec();
        let expected = [Some(r#"{"y":2}"#), Some(r#"{"x":1}"#), Some(r#"{"z":3}"#), None, None];
        assert_eq!(each, expected.map(|json| json.map(str::to_owned)));
        assert_eq!(of(0), r#"{"t":7,"DODS.w":4,"DODS.e.v":5,"u":6}"#);
    }

    #[test]
    fn values_are_told_as_they_are_and_what_is_none_is_refused_by_name() {
        let das =
            das(r#"Int32 one 1; Int16 many 1, -2; UInt32 none; String empty; Float32 f 0.1, NaN; String s "a", "b";
            Alias x y; Int32 bad 1.5; String one "again"; String _ARRAY_DIMENSIONS "d"; String latin "\351";"#);
        let (json, refused) = told(&das.containers[0].attributes);
        let expected =
            r#"{"one":1,"many":[1,-2],"none":[],"empty":"","f":[0.10000000149011612,"NaN"],"s":["a","b"],"latin":"�"}"#;
        assert_eq!(json, expected);
        let expected = [
            "x: it is another name for y",
            "bad: 1.5 is no Int32",
            "one: its name is that of one before it",
            "_ARRAY_DIMENSIONS: its name is that of the attribute for the dimensions",
            "latin: text that is not UTF-8, told with U+FFFD in place of its other bytes",
        ];
        assert_eq!(refused, expected);
    }

    #[test]
    fn a_fill_value_is_one_that_the_type_has() {
        let fill = |text: &str, kind| fill_value(&das(&format!("{text};")).containers[0].attributes, kind);
        assert_eq!(fill("Int16 _FillValue -9999", Kind::Int16), Some(FillValue::Signed(-9999)));
        assert_eq!(fill("Float64 _FillValue 255", Kind::Byte), Some(FillValue::Unsigned(255)));
        assert_eq!(fill("Float32 _FillValue 0.1", Kind::Float32), Some(FillValue::Float(f64::from(0.1_f32))));
        assert_eq!(fill("Float32 _FillValue 0.1", Kind::Float64), Some(FillValue::Float(f64::from(0.1_f32))));
        assert_eq!(fill("Int32 _FillValue -99", Kind::Float32), Some(FillValue::Float(-99.0)));
        assert!(matches!(fill("Float32 _FillValue NaN", Kind::Float32), Some(FillValue::Float(x)) if x.is_nan()));
        for (none, kind) in [
            ("Byte _FillValue -1", Kind::Byte),
            ("Int32 _FillValue 40000", Kind::Int16),
            ("Float64 _FillValue 0.1", Kind::Float32),
            ("Float64 _FillValue 1.5", Kind::Int32),
            ("Float64 _FillValue NaN", Kind::Int32),
            ("Int32 _FillValue 1, 2", Kind::Int32),
            ("Int32 _FillValue 16777217", Kind::Float32),
            ("String _FillValue \"x\"", Kind::String),
            ("String _FillValue \"1\"", Kind::Int32),
            ("Int32 missing_value 1", Kind::Int32),
        ] {
            assert_eq!(fill(none, kind), None, "{none}");
        }
    }
}
