//! `.zattrs`.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// The attributes of a group or array, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes(Vec<(String, Value)>);

/// The attribute by which xarray knows an array's dimensions.
const DIMENSIONS: &str = "_ARRAY_DIMENSIONS";

impl Attributes {
    /// No attribute but the names of the dimensions.
    pub fn with_dimensions(names: &[String]) -> Self {
        let mut attributes = Self::default();
        attributes.insert(DIMENSIONS, names.to_vec());
        attributes
    }

    /// Adds an attribute, or replaces the one of that name.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            document.serialize_entry(name, value)?;
        }
        document.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_names_are_unique() {
        let mut attributes = Attributes::with_dimensions(&["y".to_owned()]);
        attributes.insert("b", 1);
        attributes.insert("a", 2.5);
        attributes.insert("b", "c");
        assert_eq!(serde_json::to_string(&attributes).unwrap(), r#"{"_ARRAY_DIMENSIONS":["y"],"b":"c","a":2.5}"#);
    }
}
