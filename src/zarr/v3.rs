//! `zarr.json`: the documents of Zarr v3, in the names that zarr-python 3.1 reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::codec::short;
use super::dtype::Field;
use super::{ArrayMetadata, Attributes, Codec, Dtype, FillValue, Invalid, Kind, NanPolicy, Order, Scalar};

/// The document of a group.
pub(crate) fn group(attributes: &Attributes, nan: NanPolicy) -> serde_json::Result<String> {
    Ok(format!("{{\"zarr_format\":3,\"node_type\":\"group\",\"attributes\":{}}}", attributes.to_json(nan)?))
}

/// The document of an array whose chunks have the keys that they have in Zarr v2.
pub(crate) fn array(metadata: &ArrayMetadata, attributes: &Attributes, nan: NanPolicy) -> Result<String, Invalid> {
    let written = |error: serde_json::Error| Invalid::new(error.to_string());
    let names: Vec<&str> = attributes.dimensions().collect();
    let document = json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": metadata.shape,
        "data_type": data_type(&metadata.dtype)?,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": metadata.chunks}},
        "chunk_key_encoding": {"name": "v2", "configuration": {"separator": "."}},
        "fill_value": fill_value(metadata)?,
        "codecs": codecs(metadata)?,
        "dimension_names": if names.len() == metadata.shape.len() { json!(names) } else { Value::Null },
    });
    let mut text = serde_json::to_string(&document).map_err(written)?;
    // What attributes write themselves may have bare tokens.
    text.pop();
    let attributes = with_mask(metadata, attributes).to_json(nan).map_err(written)?;
    Ok(format!("{text},\"attributes\":{attributes}}}"))
}

/// The attributes as xarray reads them from Zarr v3: without the names of the dimensions, which have a member of their own, and with what
/// it shall mask, which is not the fill value there (`FillValueCoder`). It masks no texts, and opens no set that tells it to; a value that
/// the type does not have it would not find.
fn with_mask(metadata: &ArrayMetadata, attributes: &Attributes) -> Attributes {
    let mut attributes = attributes.clone();
    let kind = metadata.dtype.scalar().map(|scalar| scalar.kind);
    // Of fractions it takes the whole part.
    let is_whole = attributes.get("_FillValue").is_some_and(|value| value.is_i64() || value.is_u64());
    let is_read = is_whole && matches!(kind, Some(Kind::Boolean | Kind::Signed | Kind::Unsigned));
    attributes.retain(|name| name != super::attributes::DIMENSIONS && (is_read || name != "_FillValue"));
    let float = |x: f64| STANDARD.encode(x.to_le_bytes());
    let mask = match &metadata.fill_value {
        Some(FillValue::Boolean(value)) => json!(value),
        Some(FillValue::Signed(value)) => json!(value),
        Some(FillValue::Unsigned(value)) => json!(value),
        Some(FillValue::Float(value)) => json!(float(*value)),
        Some(FillValue::Complex(real, imaginary)) => json!([float(*real), float(*imaginary)]),
        Some(FillValue::Bytes(_) | FillValue::Text(_)) | None => return attributes,
    };
    attributes.insert("_FillValue", mask);
    attributes
}

fn data_type(dtype: &Dtype) -> Result<Value, Invalid> {
    match dtype {
        Dtype::Simple(text) => simple(text),
        Dtype::Structured(fields) => {
            // The codec of bytes turns no fields round.
            if fields.iter().any(|Field(_, text)| text.starts_with('>')) {
                return Err(Invalid::new(format!(
                    "{} has big-endian fields, which Zarr v3 does not tell",
                    told(dtype)
                )));
            }
            let fields = fields.iter().map(|Field(name, text)| Ok(json!([name, simple(text)?])));
            let fields: Vec<Value> = fields.collect::<Result<_, Invalid>>()?;
            Ok(json!({"name": "structured", "configuration": {"fields": fields}}))
        }
    }
}

/// A simple type, by its name.
fn simple(text: &str) -> Result<Value, Invalid> {
    let Scalar { kind, size, .. } = Scalar::parse(text)?;
    let bits = size.saturating_mul(8);
    let of_bytes = |name: &str| json!({"name": name, "configuration": {"length_bytes": size}});
    Ok(match kind {
        Kind::Boolean => json!("bool"),
        Kind::Signed => json!(format!("int{bits}")),
        Kind::Unsigned => json!(format!("uint{bits}")),
        Kind::Float => json!(format!("float{bits}")),
        Kind::Complex => json!(format!("complex{bits}")),
        Kind::Bytes => of_bytes("null_terminated_bytes"),
        Kind::Text => of_bytes("fixed_length_utf32"),
        Kind::Opaque => of_bytes("raw_bytes"),
        Kind::Object => json!("string"),
        Kind::Datetime => of_time("numpy.datetime64", text),
        Kind::Timedelta => of_time("numpy.timedelta64", text),
    })
}

/// A type of times, with the unit in brackets and how many of it are counted.
fn of_time(name: &str, text: &str) -> Value {
    let unit = text.split_once('[').map_or("", |(_, unit)| unit.trim_end_matches(']'));
    let (count, unit) = unit.split_at(unit.find(|c: char| !c.is_ascii_digit()).unwrap_or(unit.len()));
    json!({"name": name, "configuration": {"unit": unit, "scale_factor": count.parse::<u64>().unwrap_or(1)}})
}

/// The codecs, in the order of encoding: first one that makes bytes of an array.
fn codecs(metadata: &ArrayMetadata) -> Result<Vec<Value>, Invalid> {
    let mut codecs = Vec::new();
    if metadata.order == Order::F {
        let order: Vec<usize> = (0..metadata.shape.len()).rev().collect();
        codecs.push(json!({"name": "transpose", "configuration": {"order": order}}));
    }
    let (mut rest, is_text) = (metadata.codecs().peekable(), metadata.dtype.size() == Some(0));
    if is_text {
        match rest.next() {
            Some(Codec::VlenUtf8) => codecs.push(json!({"name": "vlen-utf8", "configuration": {}})),
            other => {
                let id = other.map_or("none", Codec::id);
                return Err(Invalid::new(format!("objects by the codec {id} are not written in Zarr v3")));
            }
        }
    } else {
        codecs.push(bytes(&metadata.dtype));
    }
    for codec in rest {
        codecs.push(of_numcodecs(codec)?);
    }
    Ok(codecs)
}

fn bytes(dtype: &Dtype) -> Value {
    match dtype.scalar() {
        Some(Scalar { kind: Kind::Text, big_endian, .. }) => endian(big_endian),
        Some(Scalar { kind: Kind::Bytes | Kind::Opaque | Kind::Boolean, .. }) => json!({"name": "bytes"}),
        Some(Scalar { size, big_endian, .. }) if size > 1 => endian(big_endian),
        _ => json!({"name": "bytes"}),
    }
}

fn endian(big: bool) -> Value {
    json!({"name": "bytes", "configuration": {"endian": if big { "big" } else { "little" }}})
}

/// A codec of bytes, as numcodecs has it under Zarr v3.
fn of_numcodecs(codec: &Codec) -> Result<Value, Invalid> {
    if codec.is_of_imagecodecs() || matches!(codec, Codec::VlenUtf8) {
        return Err(Invalid::new(format!("the codec {} has no form in Zarr v3", codec.id())));
    }
    let document = serde_json::to_value(codec).map_err(|error| Invalid::new(error.to_string()))?;
    let Value::Object(mut parameters) = document else {
        return Err(Invalid::new(format!("a codec that is no object: {}", short(&document))));
    };
    parameters.remove("id");
    Ok(json!({"name": format!("numcodecs.{}", codec.id()), "configuration": Value::Object(parameters)}))
}

/// What chunks that are missing read as: Zarr v3 has no null.
fn fill_value(metadata: &ArrayMetadata) -> Result<Value, Invalid> {
    let written = |value: &FillValue| serde_json::to_value(value).map_err(|error| Invalid::new(error.to_string()));
    if let Some(value) = &metadata.fill_value {
        return written(value);
    }
    let size = metadata.dtype.size().and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    let zeros = || written(&FillValue::Bytes(vec![0; size]));
    match metadata.dtype.scalar().map(|scalar| scalar.kind) {
        Some(Kind::Boolean) => Ok(json!(false)),
        Some(Kind::Signed | Kind::Unsigned) => Ok(json!(0)),
        Some(Kind::Float) => Ok(json!(0.0)),
        Some(Kind::Complex) => Ok(json!([0.0, 0.0])),
        Some(Kind::Bytes | Kind::Text | Kind::Object) => Ok(json!("")),
        Some(Kind::Datetime | Kind::Timedelta) => Ok(json!(i64::MIN)),
        _ => zeros(),
    }
}

fn told(dtype: &Dtype) -> String {
    format!("dtype {}", serde_json::to_value(dtype).map_or(String::new(), |value| short(&value)))
}

/// The members of a document of the root group that hold the documents of all others.
pub(crate) fn consolidated(root: &str, documents: &[(String, String)]) -> String {
    let members: Vec<String> =
        documents.iter().map(|(path, document)| format!("{}:{document}", Value::from(path.as_str()))).collect();
    let inside = root.strip_suffix('}').unwrap_or(root);
    format!(
        "{inside},\"consolidated_metadata\":{{\"kind\":\"inline\",\"must_understand\":false,\"metadata\":{{{}}}}}}}",
        members.join(",")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn document(metadata: &ArrayMetadata, attributes: &Attributes) -> Map<String, Value> {
        serde_json::from_str(&array(metadata, attributes, NanPolicy::String).unwrap()).unwrap()
    }

    fn metadata(dtype: &str, fill_value: Option<FillValue>, filters: Vec<Codec>) -> ArrayMetadata {
        ArrayMetadata::new(vec![4, 6], vec![2, 3], Dtype::Simple(dtype.to_owned()), fill_value, filters)
    }

    #[test]
    fn an_array_tells_what_its_version_2_tells() {
        let mut attributes = Attributes::with_dimensions(&["y".to_owned(), "x".to_owned()]);
        attributes.insert("units", "K");
        let filters = vec![Codec::Shuffle { elementsize: 2 }, Codec::Zlib { level: 4 }];
        let told = document(&metadata(">i2", Some(FillValue::Signed(-9)), filters), &attributes);
        assert_eq!(told["data_type"], "int16");
        assert_eq!(told["chunk_grid"]["configuration"]["chunk_shape"], json!([2, 3]));
        assert_eq!((&told["fill_value"], &told["dimension_names"]), (&json!(-9), &json!(["y", "x"])));
        assert_eq!(told["attributes"], json!({"units": "K", "_FillValue": -9}));
        let codecs = json!([
            {"name": "bytes", "configuration": {"endian": "big"}},
            {"name": "numcodecs.shuffle", "configuration": {"elementsize": 2}},
            {"name": "numcodecs.zlib", "configuration": {"level": 4}},
        ]);
        assert_eq!(told["codecs"], codecs);
    }

    #[test]
    fn nothing_is_masked_where_nothing_is_declared() {
        for (dtype, zero) in [
            ("<f8", json!(0.0)),
            ("|u1", json!(0)),
            ("|S3", json!("")),
            ("|b1", json!(false)),
            ("<c8", json!([0.0, 0.0])),
            ("|V2", json!("AAA=")),
        ] {
            let told = document(&metadata(dtype, None, Vec::new()), &Attributes::default());
            assert_eq!((&told["fill_value"], &told["attributes"]), (&zero, &json!({})), "{dtype}");
            assert_eq!(told["dimension_names"], Value::Null);
        }
    }

    #[test]
    fn floats_are_masked_by_their_bytes_in_base64() {
        let told = document(&metadata("<f4", Some(FillValue::Float(f64::NAN)), Vec::new()), &Attributes::default());
        assert_eq!(told["fill_value"], "NaN");
        assert_eq!(told["attributes"]["_FillValue"], STANDARD.encode(f64::NAN.to_le_bytes()));
    }

    #[test]
    fn times_have_units() {
        let told =
            |text: &str| document(&metadata(text, None, Vec::new()), &Attributes::default())["data_type"].clone();
        let of = |name: &str, unit: &str, count: u64| json!({"name": name, "configuration": {"unit": unit, "scale_factor": count}});
        assert_eq!(told("<M8[s]"), of("numpy.datetime64", "s", 1));
        assert_eq!(told(">m8[25ns]"), of("numpy.timedelta64", "ns", 25));
    }

    #[test]
    fn fractions_are_no_integers_to_mask() {
        let mut attributes = Attributes::default();
        attributes.insert("_FillValue", 0.5);
        assert_eq!(document(&metadata("<i2", None, Vec::new()), &attributes)["attributes"], json!({}));
        attributes.insert("_FillValue", 7);
        assert_eq!(document(&metadata("<i2", None, Vec::new()), &attributes)["attributes"], json!({"_FillValue": 7}));
    }

    #[test]
    fn texts_are_not_masked() {
        let mut attributes = Attributes::default();
        attributes.insert("_FillValue", "z");
        let told = document(&metadata("|S2", Some(FillValue::Bytes(b"z\0".to_vec())), Vec::new()), &attributes);
        assert_eq!((&told["fill_value"], &told["attributes"]), (&json!("egA="), &json!({})));
    }

    #[test]
    fn what_zarr_3_has_no_form_for_is_refused() {
        let told = |dtype: Dtype, filters: Vec<Codec>| {
            let metadata = ArrayMetadata::new(vec![4], vec![2], dtype, None, filters);
            array(&metadata, &Attributes::default(), NanPolicy::String).map(drop).map_err(|error| error.to_string())
        };
        let simple = |text: &str| Dtype::Simple(text.to_owned());
        let fields = |order: &str| Dtype::Structured(vec![Field("a".to_owned(), format!("{order}i4"))]);
        assert_eq!(told(fields("<"), Vec::new()), Ok(()));
        assert_eq!(told(simple("|O"), vec![Codec::VlenUtf8]), Ok(()));
        assert!(told(fields(">"), Vec::new()).unwrap_err().contains("big-endian fields"));
        assert!(told(simple("|O"), Vec::new()).unwrap_err().contains("objects by the codec none"));
        let lzf = vec![Codec::ImagecodecsLzf { header: false }];
        assert!(told(simple("|u1"), lzf).unwrap_err().contains("imagecodecs_lzf has no form"));
    }

    #[test]
    fn a_root_may_hold_all_documents() {
        let root = group(&Attributes::default(), NanPolicy::String).unwrap();
        let all = consolidated(&root, &[("a \"b\"".to_owned(), "{\"x\":1}".to_owned())]);
        let told: Value = serde_json::from_str(&all).unwrap();
        assert_eq!(told["consolidated_metadata"]["metadata"], json!({"a \"b\"": {"x": 1}}));
        assert_eq!(told["node_type"], "group");
    }
}
