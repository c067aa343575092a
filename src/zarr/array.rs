//! `.zarray`.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{Codec, Dtype, FillValue, NanPolicy};

/// The metadata of an array, always in C order, its chunk keys separated by dots.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayMetadata {
    /// Size of each dimension, in elements.
    pub shape: Vec<u64>,
    /// Size of a chunk in each dimension, in elements, at least 1.
    pub chunks: Vec<u64>,
    /// Type of the elements.
    pub dtype: Dtype,
    /// What chunks that are missing read as; `None` reads as zeros, and nothing is masked.
    pub fill_value: Option<FillValue>,
    /// The codecs of a chunk, in the order of encoding.
    pub filters: Vec<Codec>,
}

impl ArrayMetadata {
    /// The document as text.
    pub(crate) fn to_json(&self, nan: NanPolicy) -> serde_json::Result<String> {
        let strict = serde_json::to_string(self)?;
        let bare = self.fill_value.as_ref().filter(|_| nan == NanPolicy::Python).and_then(FillValue::bare);
        let Some(bare) = bare else { return Ok(strict) };
        // Inside a text the quotes would have backslashes, so this is found nowhere else.
        let key = "\"fill_value\":";
        Ok(strict.replacen(&format!("{key}{}", serde_json::to_string(&self.fill_value)?), &format!("{key}{bare}"), 1))
    }
}

impl Serialize for ArrayMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("zarray", 9)?;
        document.serialize_field("shape", &self.shape)?;
        document.serialize_field("chunks", &self.chunks)?;
        document.serialize_field("dtype", &self.dtype)?;
        document.serialize_field("fill_value", &self.fill_value)?;
        document.serialize_field("order", "C")?;
        // An empty list makes zarr-python warn.
        document.serialize_field("filters", &Some(&self.filters).filter(|filters| !filters.is_empty()))?;
        document.serialize_field("dimension_separator", ".")?;
        document.serialize_field("compressor", &None::<Codec>)?;
        document.serialize_field("zarr_format", &2)?;
        document.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_keys_in_the_order_that_readers_show() {
        let array = ArrayMetadata {
            shape: vec![3, 4],
            chunks: vec![3, 2],
            dtype: Dtype::Simple("<i2".to_owned()),
            fill_value: Some(FillValue::Float(f64::NAN)),
            filters: vec![Codec::Shuffle { elementsize: 2 }, Codec::Zlib { level: 4 }],
        };
        assert_eq!(
            serde_json::to_string(&array).unwrap(),
            r#"{"shape":[3,4],"chunks":[3,2],"dtype":"<i2","fill_value":"NaN","order":"C","filters":[{"id":"shuffle","elementsize":2},{"id":"zlib","level":4}],"dimension_separator":".","compressor":null,"zarr_format":2}"#
        );
        let python = array.to_json(NanPolicy::Python).unwrap();
        assert!(python.contains(r#""dtype":"<i2","fill_value":NaN,"order":"C""#), "{python}");
        assert_eq!(array.to_json(NanPolicy::String).unwrap(), serde_json::to_string(&array).unwrap());
        let bare = ArrayMetadata { fill_value: None, filters: Vec::new(), ..array };
        assert!(serde_json::to_string(&bare).unwrap().contains(r#""fill_value":null,"order":"C","filters":null"#));
    }
}
