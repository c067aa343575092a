//! Attributes as strict JSON.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value as Json};

use super::report::{Report, Status};
use crate::file::{Attribute, Object, Value};
use crate::netcdf::is_hidden;
use crate::zarr::Attributes;
use crate::zarr::not_finite;

/// Paths by address of the object header: what object references lead to.
pub(crate) type Paths<'a> = BTreeMap<u64, &'a str>;

/// Adds an object's attributes to `into`, but the hidden ones and those for which `skip` says so; what has no JSON form is reported.
pub(crate) fn attributes(
    object: &Object,
    paths: &Paths<'_>,
    skip: impl Fn(&Attribute) -> bool,
    mut into: Attributes,
    report: &mut Report,
) -> Attributes {
    let attributes = match &object.node.attributes {
        Ok(attributes) => attributes,
        Err(error) => {
            let (attribute, reason) = ("*".to_owned(), error.to_string());
            report.add(&object.path, Status::AttributeRefused { attribute, reason });
            return into;
        }
    };
    for attribute in attributes.iter().filter(|attribute| !is_hidden(&attribute.name) && !skip(attribute)) {
        let refuse = |reason| Status::AttributeRefused { attribute: attribute.name.clone(), reason };
        match &attribute.values {
            // The dimensions are this crate's to say.
            Ok(_) if into.get(&attribute.name).is_some() => {
                report.add(&object.path, refuse("its name is that of the attribute for the dimensions".to_owned()));
            }
            Ok(values) => into.insert(attribute.name.clone(), json(attribute, values, paths)),
            Err(error) => report.add(&object.path, refuse(error.to_string())),
        }
    }
    into
}

/// An attribute's value: a scalar for one element, whatever the shape, as kerchunk has it; else a list, nested as the shape is.
fn json(attribute: &Attribute, values: &[Value], paths: &Paths<'_>) -> Json {
    match values {
        [] if attribute.is_null() => Json::String(String::new()),
        [] => Json::Array(Vec::new()),
        [one] => element(one, paths),
        many => {
            let elements = many.iter().map(|value| element(value, paths)).collect();
            nested(elements, &attribute.dataspace.dimensions)
        }
    }
}

/// A flat list as nested ones of the given sizes.
fn nested(elements: Vec<Json>, dimensions: &[u64]) -> Json {
    let mut level = elements;
    for size in dimensions.iter().skip(1).rev() {
        let size = usize::try_from(*size).unwrap_or(usize::MAX).max(1);
        level = level.chunks(size).map(|row| Json::Array(row.to_vec())).collect();
    }
    Json::Array(level)
}

fn element(value: &Value, paths: &Paths<'_>) -> Json {
    match value {
        Value::Signed(n) => Json::from(*n),
        Value::Unsigned(n) => Json::from(*n),
        Value::Float(x) => float(*x),
        Value::Boolean(value) => Json::Bool(*value),
        Value::Complex(real, imaginary) => Json::Array(vec![float(*real), float(*imaginary)]),
        Value::Text(text) => Json::String(text.clone()),
        Value::NotUtf8(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
        Value::Opaque(bytes) => Json::String(STANDARD.encode(bytes)),
        Value::Compound(members) => {
            let member = |(name, value): &(String, Value)| (name.clone(), element(value, paths));
            Json::Object(members.iter().map(member).collect::<Map<_, _>>())
        }
        Value::Sequence(elements) => Json::Array(elements.iter().map(|value| element(value, paths)).collect()),
        Value::Reference(address) | Value::Region(address) => {
            let path = address.and_then(|address| paths.get(&address)).copied().unwrap_or_default();
            Json::String(path.to_owned())
        }
    }
}

/// A float; those that JSON lacks as the strings that Zarr has for them.
fn float(value: f64) -> Json {
    match (not_finite(value), Number::from_f64(value)) {
        (Some(name), _) => Json::String(name.to_owned()),
        (None, Some(number)) => Json::Number(number),
        (None, None) => Json::Null,
    }
}
