//! `.zattrs`.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::NanPolicy;
use super::nan::is_name;

/// The attributes of a group or array, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes(Vec<Attribute>);

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
}

/// The attribute by which xarray knows an array's dimensions.
const DIMENSIONS: &str = "_ARRAY_DIMENSIONS";

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

    /// Adds an attribute, or replaces the one of that name.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.insert_floats(name, value, Floats::Nowhere);
    }

    /// The same, of a value with floats in it.
    pub fn insert_floats(&mut self, name: impl Into<String>, value: impl Into<Value>, floats: Floats) {
        let attribute = Attribute { name: name.into(), value: value.into(), floats };
        match self.0.iter_mut().find(|known| known.name == attribute.name) {
            Some(old) => *old = attribute,
            None => self.0.push(attribute),
        }
    }

    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|known| known.name == name).map(|known| &known.value)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|known| (known.name.as_str(), &known.value))
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
                    self.write(element, text)?;
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
        for Attribute { name, value, .. } in &self.0 {
            document.serialize_entry(name, value)?;
        }
        document.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
