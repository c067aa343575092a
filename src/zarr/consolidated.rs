//! `.zmetadata`: the documents of all groups and arrays in one.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::nan::read_as;

/// What is in `.zmetadata`.
pub(crate) struct Consolidated {
    /// Keys and documents, as texts, in their order.
    pub(crate) documents: Vec<(String, String)>,
    /// The members beside them.
    pub(crate) rest: Map<String, Value>,
}

impl Consolidated {
    pub(crate) fn parse(text: &str) -> serde_json::Result<Self> {
        let Document { metadata, rest } = read_as(text)?;
        // NaN and infinity that were bare tokens are marked, and stay so in the texts.
        let documents = metadata.0.into_iter().map(|(key, document)| Ok((key, serde_json::to_string(&document)?)));
        Ok(Self { documents: documents.collect::<serde_json::Result<_>>()?, rest })
    }
}

#[derive(serde::Deserialize)]
struct Document {
    metadata: Members<Members<Value>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// The members of an object, in their order.
struct Members<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<T>, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder(std::marker::PhantomData))
    }
}

impl<T: Serialize> Serialize for Members<T> {
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
    use super::super::{Attributes, NanPolicy};
    use super::*;

    #[test]
    fn documents_come_as_texts_in_their_order() {
        let text =
            r#"{"record_size": 10, "metadata": {"b/.zattrs": {"z": NaN, "a": "NaN"}, ".zgroup": {"zarr_format": 2}}}"#;
        let Consolidated { documents: texts, rest } = Consolidated::parse(text).unwrap();
        let keys: Vec<&str> = texts.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!((keys.as_slice(), &rest["record_size"]), (&["b/.zattrs", ".zgroup"][..], &Value::from(10)));
        let attributes = Attributes::parse(&texts[0].1).unwrap();
        assert_eq!(attributes.to_json(NanPolicy::Python).unwrap(), r#"{"z":NaN,"a":"NaN"}"#);
        assert_eq!(texts[1].1, r#"{"zarr_format":2}"#);
    }

    #[test]
    fn what_has_no_documents_is_refused() {
        for wrong in ["", "[]", "{}", r#"{"metadata": []}"#, r#"{"metadata": {".zgroup": "{}"}}"#] {
            assert!(Consolidated::parse(wrong).is_err(), "{wrong}");
        }
    }
}
