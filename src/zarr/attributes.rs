//! `.zattrs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::nan::{is_name, marked_float, read_as};
use super::{Invalid, NanPolicy};

/// The attributes of a group or array, in order. A clone shares them until one of the two is changed.
#[derive(Debug, Clone, Default)]
pub struct Attributes(Arc<Vec<Attribute>>);

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Attribute {
    name: String,
    value: Value,
    floats: Floats,
}

/// Where in an attribute's value the strings `"NaN"`, `"Infinity"`, `"-Infinity"` are floats and no texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Floats {
    /// Nowhere.
    #[default]
    Nowhere,
    /// Everywhere.
    Everywhere,
    /// In fields of an object.
    Fields(BTreeMap<String, Floats>),
    /// In elements of a list that are not alike.
    Elements(Vec<Floats>),
}

/// The attribute by which xarray knows an array's dimensions.
pub(super) const DIMENSIONS: &str = "_ARRAY_DIMENSIONS";

impl Attributes {
    /// No attribute but the names of the dimensions.
    pub fn with_dimensions(names: &[String]) -> Self {
        let mut attributes = Self::default();
        attributes.set_dimensions(names);
        attributes
    }

    /// The names of the dimensions, if they are told.
    pub fn dimensions(&self) -> impl Iterator<Item = &str> {
        self.get(DIMENSIONS).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Gives the dimensions other names.
    pub fn set_dimensions(&mut self, names: &[String]) {
        self.insert(DIMENSIONS, names.to_vec());
    }

    /// Makes room for so many more.
    pub(crate) fn reserve(&mut self, more: usize) {
        Arc::make_mut(&mut self.0).reserve_exact(more);
    }

    /// Adds an attribute, or replaces the one of that name.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.insert_floats(name, value, Floats::Nowhere);
    }

    /// The same, of a value with floats in it.
    pub fn insert_floats(&mut self, name: impl Into<String>, value: impl Into<Value>, floats: Floats) {
        let attribute = Attribute { name: name.into(), value: value.into(), floats };
        let all = Arc::make_mut(&mut self.0);
        match all.iter_mut().find(|known| known.name == attribute.name) {
            Some(old) => *old = attribute,
            None => all.push(attribute),
        }
    }

    /// Adds an attribute of a name that is not there yet.
    pub(crate) fn push(&mut self, name: String, value: Value, floats: Floats) {
        Arc::make_mut(&mut self.0).push(Attribute { name, value, floats });
    }

    /// Keeps the attributes for whose name `keep` says yes.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        Arc::make_mut(&mut self.0).retain(|known| keep(&known.name));
    }

    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|known| known.name == name).map(|known| &known.value)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|known| (known.name.as_str(), &known.value))
    }

    /// The document of a text, in which floats that JSON lacks may be bare tokens.
    ///
    /// # Errors
    /// [`Invalid`] when it is no object, or has a name twice.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        read_as(text).map_err(|error| Invalid::new(format!("attributes: {error}")))
    }

    /// The document as text.
    pub(crate) fn to_json(&self, nan: NanPolicy) -> serde_json::Result<String> {
        if nan == NanPolicy::String {
            return serde_json::to_string(self);
        }
        let mut text = String::from("{");
        for (n, Attribute { name, value, floats }) in self.0.iter().enumerate() {
            text.push_str(if n > 0 { "," } else { "" });
            text.push_str(&serde_json::to_string(name)?);
            text.push(':');
            floats.write(value, &mut text)?;
        }
        text.push('}');
        Ok(text)
    }
}

impl Floats {
    /// Takes the marks from what was a bare token; where those were.
    fn unmark(value: &mut Value) -> Self {
        match value {
            Value::String(text) => match marked_float(text).map(str::to_owned) {
                Some(name) => {
                    *text = name;
                    Self::Everywhere
                }
                None => Self::Nowhere,
            },
            Value::Array(elements) => {
                let each: Vec<Self> = elements.iter_mut().map(Self::unmark).collect();
                let one = each.iter().find(|floats| **floats != Self::Nowhere).cloned().unwrap_or_default();
                let are_alike = one == Self::Nowhere || elements.iter().zip(&each).all(|(v, own)| one.is_as(own, v));
                if are_alike { one } else { Self::Elements(each) }
            }
            Value::Object(fields) => {
                let floats = fields.iter_mut().map(|(name, field)| (name.clone(), Self::unmark(field)));
                let floats: BTreeMap<_, _> = floats.filter(|(_, floats)| *floats != Self::Nowhere).collect();
                if floats.is_empty() { Self::Nowhere } else { Self::Fields(floats) }
            }
            _ => Self::Nowhere,
        }
    }

    /// Whether a value has its floats where it has them by another.
    fn is_as(&self, other: &Self, value: &Value) -> bool {
        let written = |floats: &Self| {
            let mut text = String::new();
            floats.write(value, &mut text).is_ok().then_some(text)
        };
        self == other || written(self) == written(other)
    }

    /// Those in an element of a list.
    fn of_element(&self, n: usize) -> &Self {
        match self {
            Self::Elements(each) => each.get(n).unwrap_or(&Self::Nowhere),
            other => other,
        }
    }

    /// Those in a field of an object.
    fn of(&self, name: &str) -> &Self {
        match self {
            Self::Fields(fields) => fields.get(name).unwrap_or(&Self::Nowhere),
            other => other,
        }
    }

    /// Writes a value with bare tokens for the floats that JSON lacks.
    fn write(&self, value: &Value, text: &mut String) -> serde_json::Result<()> {
        match (self, value) {
            (Self::Nowhere, _) => text.push_str(&serde_json::to_string(value)?),
            (Self::Everywhere, Value::String(name)) if is_name(name) => text.push_str(name),
            (_, Value::Array(elements)) => {
                for (n, element) in elements.iter().enumerate() {
                    text.push(if n > 0 { ',' } else { '[' });
                    self.of_element(n).write(element, text)?;
                }
                text.push_str(if elements.is_empty() { "[]" } else { "]" });
            }
            (_, Value::Object(fields)) => {
                for (n, (name, field)) in fields.iter().enumerate() {
                    text.push(if n > 0 { ',' } else { '{' });
                    text.push_str(&serde_json::to_string(name)?);
                    text.push(':');
                    self.of(name).write(field, text)?;
                }
                text.push_str(if fields.is_empty() { "{}" } else { "}" });
            }
            _ => text.push_str(&serde_json::to_string(value)?),
        }
        Ok(())
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_map(Some(self.0.len()))?;
        for Attribute { name, value, .. } in self.0.iter() {
            document.serialize_entry(name, value)?;
        }
        document.end()
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

/// Reads the attributes in their order.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Attributes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of attributes")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Attributes, M::Error> {
        let (mut attributes, mut names) = (Vec::new(), BTreeSet::new());
        while let Some((name, mut value)) = map.next_entry::<String, Value>()? {
            if !names.insert(name.clone()) {
                return Err(M::Error::custom(format!("{name:?} is there twice")));
            }
            let floats = Floats::unmark(&mut value);
            attributes.push(Attribute { name, value, floats });
        }
        Ok(Attributes(Arc::new(attributes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_in_order_and_with_its_floats() {
        let texts = [
            r#"{"z":1,"_ARRAY_DIMENSIONS":["y","x"],"a":"NaN","u":18446744073709551615}"#,
            // Texts beside floats stay texts, and floats in one element are not those of another.
            r#"{"list":[NaN,"NaN",["Infinity"]],"fields":[{"f":NaN,"g":"NaN"},{"f":"NaN","g":NaN}],"deep":[[1.5,NaN],["NaN"]]}"#,
            r#"{"float":-Infinity,"list":[[NaN,Infinity],1.5],"compound":[{"f":[NaN],"t":"NaN"}]}"#,
            "{}",
        ];
        for text in texts {
            assert_eq!(Attributes::parse(text).unwrap().to_json(NanPolicy::Python).unwrap(), text);
        }
        for wrong in [r#"{"a":1,"a":2}"#, "[]", "hello", "{\"a\":1"] {
            assert!(Attributes::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn floats_are_bare_only_where_they_are_floats() {
        let list = |values: &[&str]| Value::from(values.to_vec());
        let mut attributes = Attributes::default();
        attributes.insert("text", "NaN");
        attributes.insert_floats("float", "-Infinity", Floats::Everywhere);
        attributes.insert_floats(
            "list",
            Value::Array(vec![list(&["NaN", "Infinity"]), 1.5.into()]),
            Floats::Everywhere,
        );
        attributes.insert_floats("none", Value::Array(Vec::new()), Floats::Everywhere);
        let fields = [("f".to_owned(), list(&["NaN"])), ("t".to_owned(), "NaN".into())];
        let floats = Floats::Fields([("f".to_owned(), Floats::Everywhere)].into());
        let compound = Value::Object(fields.into_iter().collect());
        attributes.insert_floats("compound", Value::Array(vec![compound.clone(), compound]), floats);
        assert_eq!(
            attributes.to_json(NanPolicy::Python).unwrap(),
            concat!(
                r#"{"text":"NaN","float":-Infinity,"list":[[NaN,Infinity],1.5],"none":[],"#,
                r#""compound":[{"f":[NaN],"t":"NaN"},{"f":[NaN],"t":"NaN"}]}"#
            )
        );
        assert_eq!(
            attributes.to_json(NanPolicy::String).unwrap(),
            concat!(
                r#"{"text":"NaN","float":"-Infinity","list":[["NaN","Infinity"],1.5],"none":[],"#,
                r#""compound":[{"f":["NaN"],"t":"NaN"},{"f":["NaN"],"t":"NaN"}]}"#
            )
        );
    }

    #[test]
    fn order_is_kept_and_names_are_unique() {
        let mut attributes = Attributes::with_dimensions(&["y".to_owned()]);
        attributes.insert("b", 1);
        attributes.insert("a", 2.5);
        attributes.insert("b", "c");
        assert_eq!(serde_json::to_string(&attributes).unwrap(), r#"{"_ARRAY_DIMENSIONS":["y"],"b":"c","a":2.5}"#);
    }
}
