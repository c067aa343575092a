//! `.zarray`.

use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

use super::codec::short;
use super::nan::read;
use super::{Codec, Dtype, FillValue, Invalid, NanPolicy};

/// The metadata of an array. Chunk keys are written with dots, whatever they were read with.
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
    /// One more codec, after the filters. What is translated here has none.
    pub compressor: Option<Codec>,
    /// How a chunk's elements follow one another.
    pub order: Order,
}

/// The order of a chunk's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub enum Order {
    /// The last dimension varies fastest.
    #[default]
    C,
    /// The first dimension varies fastest.
    F,
}

/// Between the numbers of a chunk's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separator {
    Dot,
    Slash,
}

/// Most dimensions of an array: of HDF5's 32, each may be an array type's with 32 more, and so on; readers have at most 64.
const MOST_DIMENSIONS: usize = 256;

/// Most codecs of an array: HDF5 has at most 32 filters.
const MOST_CODECS: usize = 64;

impl ArrayMetadata {
    /// An array in C order without compressor.
    pub fn new(
        shape: Vec<u64>,
        chunks: Vec<u64>,
        dtype: Dtype,
        fill_value: Option<FillValue>,
        filters: Vec<Codec>,
    ) -> Self {
        Self { shape, chunks, dtype, fill_value, filters, compressor: None, order: Order::C }
    }

    /// The codecs of a chunk, in the order of encoding.
    pub fn codecs(&self) -> impl DoubleEndedIterator<Item = &Codec> {
        self.filters.iter().chain(&self.compressor)
    }

    /// Bytes of a chunk before its codecs, if its elements have a size of their own.
    pub fn chunk_bytes(&self) -> Option<u64> {
        let size = self.dtype.size().filter(|size| *size > 0)?;
        self.chunks.iter().try_fold(size, |bytes, chunk| bytes.checked_mul(*chunk))
    }

    /// The document of a text, and how its chunks' keys are written.
    pub(crate) fn parse(text: &str) -> Result<(Self, Separator), Invalid> {
        let document = read(text).map_err(|error| Invalid::new(error.to_string()))?;
        let field = |name: &str| document.get(name).unwrap_or(&Value::Null);
        if *field("zarr_format") != 2 {
            return Err(Invalid::new(format!("zarr_format {}, and only 2 is read", short(field("zarr_format")))));
        }
        let (shape, chunks) = (sizes("shape", field("shape"))?, sizes("chunks", field("chunks"))?);
        if shape.len() != chunks.len() || chunks.iter().zip(&shape).any(|(chunk, size)| *chunk == 0 && *size > 0) {
            return Err(Invalid::new(format!("chunks {chunks:?} of shape {shape:?}")));
        }
        let dtype = Dtype::parse(field("dtype"))?;
        let fill_value = FillValue::parse(field("fill_value"), &dtype)?;
        let order = match field("order").as_str() {
            Some("C") => Order::C,
            Some("F") => Order::F,
            _ => return Err(Invalid::new(format!("order {}", short(field("order"))))),
        };
        let separator = match (field("dimension_separator"), field("dimension_separator").as_str()) {
            (Value::Null, _) | (_, Some(".")) => Separator::Dot,
            (_, Some("/")) => Separator::Slash,
            (other, _) => return Err(Invalid::new(format!("dimension_separator {}", short(other)))),
        };
        let filters = filters(field("filters"))?;
        let compressor = Some(field("compressor")).filter(|codec| !codec.is_null());
        let compressor = compressor.map(|codec| Codec::parse(codec.clone())).transpose()?;
        // A chunk of size 0 reads as one of size 1 in a dimension that has nothing.
        let chunks = chunks.into_iter().map(|chunk| chunk.max(1)).collect();
        let array = Self { shape, chunks, dtype, fill_value, filters, compressor, order };
        array.check()?;
        Ok((array, separator))
    }

    /// Whether its chunks can be made sense of.
    fn check(&self) -> Result<(), Invalid> {
        let is_object = self.dtype.size() == Some(0);
        if is_object && self.filters.is_empty() {
            return Err(Invalid::new("dtype |O without a codec of objects"));
        }
        if !is_object && self.chunk_bytes().is_none() {
            return Err(Invalid::new(format!("chunks {:?} of more than 2^64 bytes", self.chunks)));
        }
        Ok(())
    }

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

/// A list of sizes.
fn sizes(name: &str, document: &Value) -> Result<Vec<u64>, Invalid> {
    let wrong = || Invalid::new(format!("{name} {}", short(document)));
    let sizes = document.as_array().filter(|sizes| sizes.len() <= MOST_DIMENSIONS).ok_or_else(wrong)?;
    sizes.iter().map(|size| size.as_u64().ok_or_else(wrong)).collect()
}

fn filters(document: &Value) -> Result<Vec<Codec>, Invalid> {
    match document {
        Value::Null => Ok(Vec::new()),
        Value::Array(filters) if filters.len() <= MOST_CODECS => filters.iter().cloned().map(Codec::parse).collect(),
        other => Err(Invalid::new(format!("filters {}", short(other)))),
    }
}

impl Serialize for ArrayMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("zarray", 9)?;
        document.serialize_field("shape", &self.shape)?;
        document.serialize_field("chunks", &self.chunks)?;
        document.serialize_field("dtype", &self.dtype)?;
        document.serialize_field("fill_value", &self.fill_value)?;
        document.serialize_field("order", &self.order)?;
        // An empty list makes zarr-python warn.
        document.serialize_field("filters", &Some(&self.filters).filter(|filters| !filters.is_empty()))?;
        document.serialize_field("dimension_separator", ".")?;
        document.serialize_field("compressor", &self.compressor)?;
        document.serialize_field("zarr_format", &2)?;
        document.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_document_has_the_keys_in_the_order_that_readers_show() {
        let array = ArrayMetadata {
            shape: vec![3, 4],
            chunks: vec![3, 2],
            dtype: Dtype::Simple("<f2".to_owned()),
            fill_value: Some(FillValue::Float(f64::NAN)),
            filters: vec![Codec::Shuffle { elementsize: 2 }, Codec::Zlib { level: 4 }],
            compressor: None,
            order: Order::C,
        };
        assert_eq!(
            serde_json::to_string(&array).unwrap(),
            r#"{"shape":[3,4],"chunks":[3,2],"dtype":"<f2","fill_value":"NaN","order":"C","filters":[{"id":"shuffle","elementsize":2},{"id":"zlib","level":4}],"dimension_separator":".","compressor":null,"zarr_format":2}"#
        );
        let python = array.to_json(NanPolicy::Python).unwrap();
        assert!(python.contains(r#""dtype":"<f2","fill_value":NaN,"order":"C""#), "{python}");
        assert_eq!(array.to_json(NanPolicy::String).unwrap(), serde_json::to_string(&array).unwrap());
        let both = ArrayMetadata::parse(&python).unwrap();
        assert_eq!(both.0.to_json(NanPolicy::Python).unwrap(), python);
        assert_eq!(both.1, Separator::Dot);
        let bare = ArrayMetadata { fill_value: None, filters: Vec::new(), ..array };
        assert!(serde_json::to_string(&bare).unwrap().contains(r#""fill_value":null,"order":"C","filters":null"#));
    }

    /// An array of four integers, with another value for one key, or without it.
    fn parsed(key: &str, value: Option<Value>) -> Result<(ArrayMetadata, Separator), Invalid> {
        let mut document = json!({"zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "<i4", "compressor": null, "filters": null, "fill_value": 0, "order": "C"});
        let object = document.as_object_mut().unwrap();
        match value {
            Some(value) => object.insert(key.to_owned(), value),
            None => object.remove(key),
        };
        ArrayMetadata::parse(&document.to_string())
    }

    #[test]
    fn a_document_is_read_as_zarr_python_reads_it() {
        let (array, separator) = parsed("compressor", Some(json!({"id": "zlib", "level": 3}))).unwrap();
        assert_eq!((array.chunk_bytes(), separator), (Some(8), Separator::Dot));
        assert_eq!(array.codecs().collect::<Vec<_>>(), [&Codec::Zlib { level: 3 }]);
        assert_eq!(parsed("dimension_separator", Some(json!("/"))).unwrap().1, Separator::Slash);
        assert_eq!(parsed("order", Some(json!("F"))).unwrap().0.order, Order::F);
        assert_eq!(parsed("shape", Some(json!([1_u64 << 62]))).unwrap().0.shape, [1 << 62]);
    }

    #[test]
    fn a_document_that_makes_no_sense_is_refused() {
        let wrong = [
            ("shape", json!([-1])),
            ("shape", json!([1, 2])),
            ("shape", json!([1.5])),
            ("chunks", json!([0])),
            ("chunks", json!("2")),
            ("dtype", json!("<f99")),
            ("dtype", json!("|O")),
            ("order", json!("X")),
            ("zarr_format", json!(3)),
            ("filters", json!(5)),
            ("filters", json!(vec![json!({"id": "shuffle"}); 1000])),
            ("compressor", json!([1])),
            ("dimension_separator", json!("..")),
            ("fill_value", json!(1_u64 << 40)),
        ];
        for (key, value) in wrong {
            assert!(parsed(key, Some(value.clone())).is_err(), "{key} {value}");
        }
        for key in ["shape", "chunks", "dtype", "zarr_format", "order"] {
            assert!(parsed(key, None).is_err(), "{key}");
        }
        let large = json!({"zarr_format": 2, "shape": [1], "chunks": [1_u64 << 62], "dtype": "<i4", "order": "C"});
        assert!(ArrayMetadata::parse(&large.to_string()).is_err());
        assert!(ArrayMetadata::parse(&"[".repeat(100_000)).is_err());
    }
}
