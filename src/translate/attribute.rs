//! Attributes as strict JSON.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value as Json};

use super::report::{Report, Status};
use crate::file::{Attribute, Class, Datatype, Object, Value};
use crate::netcdf::is_hidden;
use crate::zarr::{Attributes, Floats, not_finite};

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
    let own: Vec<String> = into.iter().map(|(name, _)| name.to_owned()).collect();
    let mut names: HashSet<&str> = own.iter().map(String::as_str).collect();
    into.reserve(attributes.len());
    for attribute in attributes.iter().filter(|attribute| !is_hidden(&attribute.name) && !skip(attribute)) {
        let refuse = |reason| Status::AttributeRefused { attribute: attribute.name.clone(), reason };
        let is_there = names.contains(attribute.name.as_str());
        match &attribute.values {
            Ok(_) if is_there && attribute.name_is_utf8 => {
                // The dimensions are this crate's to say.
                let is_own = own.contains(&attribute.name);
                let other = if is_own { "the attribute for the dimensions" } else { "one before it" };
                report.add(&object.path, refuse(format!("its name is that of {other}")));
            }
            Ok(_) if is_there => {
                report.add(
                    &object.path,
                    refuse("its name is not UTF-8, and that of another as it would be emitted".to_owned()),
                );
            }
            Ok(values)
                if is_for_decoding(attribute) && values.iter().any(|value| matches!(value, Value::Compound(_))) =>
            {
                report.add(
                    &object.path,
                    refuse("a record, with which xarray decodes nothing and opens no set".to_owned()),
                );
            }
            Ok(values) => {
                if let Some(reason) = replaced(attribute, values, paths) {
                    report.add(&object.path, refuse(reason.to_owned()));
                }
                let value = json(attribute, &without_nan(attribute, values), paths);
                names.insert(&attribute.name);
                into.push(attribute.name.clone(), value, floats(&attribute.datatype));
            }
            Err(error) => report.add(&object.path, refuse(error.to_string())),
        }
    }
    into
}

/// What JSON cannot tell of an attribute that is told all the same. U+FFFD in place of bytes is what netCDF-C shows too.
fn replaced(attribute: &Attribute, values: &[Value], paths: &Paths<'_>) -> Option<&'static str> {
    if !attribute.name_is_utf8 {
        return Some("a name that is not UTF-8, emitted with U+FFFD in place of its other bytes");
    }
    if values.iter().any(|value| has(value, &|value| matches!(value, Value::NotUtf8(_)))) {
        return Some("text that is not UTF-8, emitted with U+FFFD in place of its other bytes");
    }
    let is_lost = |value: &Value| match value {
        Value::Reference(Some(address)) | Value::Region(Some(address)) => !paths.contains_key(address),
        _ => false,
    };
    if values.iter().any(|value| has(value, &is_lost)) {
        return Some("a reference to an object that has no path, emitted as empty text");
    }
    is_decoding(attribute, values)
        .then_some("NaN and infinity are text in strict JSON, and readers do not decode with them as numbers (--nan python writes numbers)")
}

/// Whether a value is such, or a part of it.
fn has(value: &Value, is: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Compound(members) => members.iter().any(|(_, value)| has(value, is)),
        Value::Sequence(elements) => elements.iter().any(|value| has(value, is)),
        value => is(value),
    }
}

/// Whether readers decode values with an attribute.
fn is_for_decoding(attribute: &Attribute) -> bool {
    const DECODING: [&str; 11] = [
        "_FillValue",
        "_Unsigned",
        "add_offset",
        "bounds",
        "calendar",
        "coordinates",
        "dtype",
        "grid_mapping",
        "missing_value",
        "scale_factor",
        "units",
    ];
    DECODING.contains(&attribute.name.as_str())
}

/// Whether readers decode values with numbers of an attribute that JSON lacks. One NaN as `missing_value` masks what is masked already.
fn is_decoding(attribute: &Attribute, values: &[Value]) -> bool {
    let any = |is: fn(f64) -> bool| values.iter().any(|value| matches!(value, Value::Float(x) if is(*x)));
    match attribute.name.as_str() {
        "scale_factor" | "add_offset" => any(|x| !x.is_finite()),
        "missing_value" => any(f64::is_infinite),
        _ => false,
    }
}

/// The values that `missing_value` has beside NaN, which needs no masking: as text among numbers it would keep readers from masking them.
fn without_nan<'a>(attribute: &Attribute, values: &'a [Value]) -> Cow<'a, [Value]> {
    let is_nan = |value: &Value| matches!(value, Value::Float(x) if x.is_nan());
    let numbers: Vec<Value> = values.iter().filter(|value| !is_nan(value)).cloned().collect();
    let is_mixed = attribute.name == "missing_value" && !numbers.is_empty() && numbers.len() < values.len();
    if is_mixed && attribute.dataspace.dimensions.len() < 2 { numbers.into() } else { values.into() }
}

/// Where the strings of a value of a type are floats.
fn floats(datatype: &Datatype) -> Floats {
    match &datatype.class {
        Class::FloatingPoint { .. } | Class::Complex(_) => Floats::Everywhere,
        Class::Array { base, .. } | Class::Sequence(base) => floats(base),
        Class::Compound(members) => {
            let fields: BTreeMap<String, Floats> =
                members.iter().map(|member| (member.name.clone(), floats(&member.datatype))).collect();
            // A complex number among them, which is no object.
            let everywhere = fields.values().all(|floats| *floats == Floats::Everywhere);
            if everywhere { Floats::Everywhere } else { Floats::Fields(fields) }
        }
        _ => Floats::Nowhere,
    }
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
        Value::Opaque(bytes) | Value::Wide(bytes) => Json::String(STANDARD.encode(bytes)),
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

#[cfg(test)]
mod tests {
    use super::super::proofs::{array, refused, within};
    use super::*;
    use crate::file::{Charset, Content, Dataspace, Extent, Member, Node, Padding, Text};
    use crate::limits::Limits;

    /// An attribute of these values and this shape; `None` is a null dataspace.
    fn attribute(shape: Option<&[u64]>, values: Vec<Value>) -> Attribute {
        let extent = match shape {
            None => Extent::Null,
            Some([]) => Extent::Scalar,
            Some(_) => Extent::Simple,
        };
        let dimensions = shape.unwrap_or_default().to_vec();
        let maximum = dimensions.iter().copied().map(Some).collect();
        Attribute {
            name: "a".to_owned(),
            name_is_utf8: true,
            datatype: Datatype { size: 1, class: Class::Opaque { tag: String::new() } },
            dataspace: Dataspace { extent, dimensions, maximum },
            values: Ok(values),
        }
    }

    fn told(shape: Option<&[u64]>, values: Vec<Value>) -> String {
        let attribute = attribute(shape, values);
        let values = attribute.values.as_deref().unwrap();
        json(&attribute, values, &Paths::from([(0x60, "/g/d")])).to_string()
    }

    fn scalar(value: Value) -> String {
        told(Some(&[]), vec![value])
    }

    fn numbers(n: i64) -> Vec<Value> {
        (0..n).map(Value::Signed).collect()
    }

    #[test]
    fn one_element_is_a_scalar_whatever_the_shape() {
        for shape in [&[][..], &[1], &[1, 1]] {
            assert_eq!(told(Some(shape), numbers(1)), "0");
        }
    }

    #[test]
    fn lists_are_nested_as_the_shape_is() {
        assert_eq!(told(Some(&[3]), numbers(3)), "[0,1,2]");
        assert_eq!(told(Some(&[2, 3]), numbers(6)), "[[0,1,2],[3,4,5]]");
        assert_eq!(told(Some(&[2, 1, 2]), numbers(4)), "[[[0,1]],[[2,3]]]");
    }

    #[test]
    fn a_null_dataspace_is_empty_text_and_no_elements_an_empty_list() {
        assert_eq!(told(None, Vec::new()), "\"\"");
        assert_eq!(told(Some(&[0]), Vec::new()), "[]");
        assert_eq!(told(Some(&[2, 0]), Vec::new()), "[]");
    }

    #[test]
    fn numbers_are_kept_to_the_last_digit() {
        assert_eq!(scalar(Value::Unsigned(u64::MAX)), "18446744073709551615");
        assert_eq!(scalar(Value::Signed(i64::MIN)), "-9223372036854775808");
        assert_eq!(scalar(Value::Float(f64::from(0.1_f32))), "0.10000000149011612");
        assert_eq!(scalar(Value::Float(-0.0)), "-0.0");
        assert_eq!(scalar(Value::Boolean(true)), "true");
    }

    #[test]
    fn floats_that_json_lacks_are_strings() {
        let floats = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Value::Float).to_vec();
        assert_eq!(told(Some(&[3]), floats), r#"["NaN","Infinity","-Infinity"]"#);
        assert_eq!(scalar(Value::Complex(1.0, f64::NAN)), r#"[1.0,"NaN"]"#);
    }

    #[test]
    fn text_is_text_and_bytes_that_are_none_are_replaced() {
        assert_eq!(scalar(Value::Text("a \"b\"\n é".to_owned())), r#""a \"b\"\n é""#);
        assert_eq!(scalar(Value::Text(String::new())), "\"\"");
        assert_eq!(scalar(Value::NotUtf8(b"caf\xe9".to_vec())), "\"caf\u{fffd}\"");
        assert_eq!(scalar(Value::Opaque(vec![1, 2, 255])), "\"AQL/\"");
    }

    #[test]
    fn compounds_are_objects_and_sequences_lists() {
        let fields = vec![("z".to_owned(), Value::Signed(1)), ("a".to_owned(), Value::Float(2.5))];
        let compound = Value::Compound(fields);
        let object: Json = serde_json::from_str(&scalar(compound.clone())).unwrap();
        assert_eq!((&object["z"], &object["a"]), (&Json::from(1), &Json::from(2.5)));
        let two: Json = serde_json::from_str(&told(Some(&[2]), vec![compound.clone(), compound])).unwrap();
        assert_eq!(two, Json::from(vec![object.clone(), object]));
        assert_eq!(scalar(Value::Sequence(numbers(2))), "[0,1]");
        assert_eq!(scalar(Value::Sequence(Vec::new())), "[]");
    }

    #[test]
    fn references_are_the_paths_of_their_objects() {
        let references = [Some(0x60), Some(0x61), None].map(Value::Reference).to_vec();
        assert_eq!(told(Some(&[3]), references), r#"["/g/d","",""]"#);
    }

    #[test]
    fn text_that_is_not_utf8_is_told_and_said_not_to_be_as_it_was() {
        let file = include_bytes!("../../testdata/attribute/not_utf8.h5");
        let (set, _) = within(file, Limits::default());
        let attributes = &array(&set, "d").attributes;
        let told = |name| attributes.get(name).map(Json::to_string).unwrap_or_default();
        // As netCDF-C shows them.
        let expected = ["\"\u{fffd}C\"", "[\"\u{fffd}C\",\"ab\"]", "\"\u{fffd}C\"", "\"°C\"", "7"];
        assert_eq!(["units", "list", "variable", "sound", "na\u{fffd}ve"].map(told), expected);
        let said = |name: &str, what: &str| {
            format!(
                "/d: attribute \"{name}\": {what} that is not UTF-8, emitted with U+FFFD in place of its other bytes"
            )
        };
        let mut told = refused(file, Limits::default());
        told.sort_unstable();
        let expected = [("list", "text"), ("na\u{fffd}ve", "a name"), ("units", "text"), ("variable", "text")];
        assert_eq!(told, expected.map(|(name, what)| said(name, what)));
    }

    #[test]
    fn text_that_is_not_utf8_is_found_wherever_it_is() {
        let bad = || Value::NotUtf8(vec![0xe9]);
        let good = || Value::Text("é".to_owned());
        let field = |value| Value::Compound(vec![("a".to_owned(), good()), ("b".to_owned(), value)]);
        let bad_in = |value: &Value| has(value, &|value| matches!(value, Value::NotUtf8(_)));
        assert!(!bad_in(&field(Value::Sequence(vec![good()]))));
        assert!(bad_in(&field(bad())) && bad_in(&Value::Sequence(vec![good(), field(bad())])));
    }

    /// xarray masks -999 beside NaN in the file, and neither where NaN is a text; what it decodes with is a number.
    #[test]
    fn numbers_that_readers_decode_with_are_numbers_or_said_not_to_be() {
        let of = |name: &str, floats: &[f64]| {
            let size = u64::try_from(floats.len()).unwrap();
            let values = floats.iter().copied().map(Value::Float).collect();
            let attribute = Attribute { name: name.to_owned(), ..attribute(Some(&[size]), values) };
            let values = attribute.values.as_deref().unwrap();
            let told = json(&attribute, &without_nan(&attribute, values), &Paths::new()).to_string();
            (told, replaced(&attribute, values, &Paths::new()).is_some())
        };
        let told = |text: &str, said| (text.to_owned(), said);
        assert_eq!(of("missing_value", &[f64::NAN, -999.0]), told("-999.0", false));
        assert_eq!(of("missing_value", &[f64::NAN]), told("\"NaN\"", false));
        assert_eq!(of("missing_value", &[f64::INFINITY]), told("\"Infinity\"", true));
        assert_eq!(of("add_offset", &[f64::NAN]), told("\"NaN\"", true));
        assert_eq!(of("scale_factor", &[0.5]), told("0.5", false));
        assert_eq!(of("valid_range", &[f64::NAN, 1.0]), told("[\"NaN\",1.0]", false));
    }

    #[test]
    fn a_reference_that_leads_to_no_path_is_said() {
        let to = |address| vec![Value::Sequence(vec![Value::Reference(Some(address)), Value::Region(None)])];
        let attribute = attribute(Some(&[]), Vec::new());
        let paths = Paths::from([(0x60, "/d")]);
        let said = |address| replaced(&attribute, &to(address), &paths);
        assert_eq!(said(0x60), None);
        assert_eq!(said(0x61), Some("a reference to an object that has no path, emitted as empty text"));
    }

    #[test]
    fn names_that_become_alike_are_told_once_and_refused_once() {
        let named =
            |n| Attribute { name_is_utf8: false, name: "\u{fffd}".to_owned(), ..attribute(Some(&[]), numbers(n)) };
        let node = Node { content: Ok(Content::Group), attributes: Ok(vec![named(1), named(1)]) };
        let object = Object { path: "/d".to_owned(), address: 0, node: node.into() };
        let mut report = Report::default();
        attributes(&object, &Paths::new(), |_| false, Attributes::default(), &mut report);
        let refused: Vec<String> = report.refused().map(|(_, reason)| reason).collect();
        let [first, second] = &refused[..] else { panic!("{refused:?}") };
        assert!(first.ends_with("emitted with U+FFFD in place of its other bytes"), "{first}");
        assert!(second.ends_with("its name is not UTF-8, and that of another as it would be emitted"), "{second}");
    }

    #[test]
    fn strings_are_floats_where_the_type_has_floats() {
        let types = include_bytes!("../../testdata/attribute/many_types.h5");
        let (set, _) = within(types, Limits::default());
        let Some(crate::reference::Node::Group(root)) = set.node("") else { panic!() };
        let python = root.to_json(crate::zarr::NanPolicy::Python).unwrap();
        assert!(python.contains(r#""nan":NaN"#), "{python}");
        assert!(python.contains(r#""specials":[NaN,Infinity,-Infinity,-0.0]"#), "{python}");
        let text = Class::String(Text { padding: Padding::NullPadded, charset: Charset::Ascii });
        let member = |name: &str, class| {
            let datatype = Datatype { size: 4, class };
            Member { name: name.to_owned(), offset: 0, datatype }
        };
        let compound = |members| Datatype { size: 8, class: Class::Compound(members) };
        let float = || Class::Complex(Box::new(compound(Vec::new())));
        assert_eq!(floats(&compound(vec![member("r", float()), member("i", float())])), Floats::Everywhere);
        let mixed = Floats::Fields([("f".to_owned(), Floats::Everywhere), ("t".to_owned(), Floats::Nowhere)].into());
        assert_eq!(floats(&compound(vec![member("f", float()), member("t", text)])), mixed);
    }

    #[test]
    fn a_record_that_readers_decode_with_is_refused_and_any_other_is_an_object() {
        let record = || vec![Value::Compound(vec![("day".to_owned(), Value::Signed(-99))])];
        let named = |name: &str| Attribute { name: name.to_owned(), ..attribute(Some(&[]), record()) };
        let node = Node {
            content: Ok(Content::Group),
            attributes: Ok(["_FillValue", "coordinates", "obs"].map(named).into()),
        };
        let object = Object { path: "/d".to_owned(), address: 0, node: node.into() };
        let mut report = Report::default();
        let told = attributes(&object, &Paths::new(), |_| false, Attributes::default(), &mut report);
        assert_eq!(serde_json::to_string(&told).unwrap(), r#"{"obs":{"day":-99}}"#);
        let refused: Vec<String> = report.refused().map(|(_, reason)| reason).collect();
        let of =
            |name: &str| format!("attribute \"{name}\": a record, with which xarray decodes nothing and opens no set");
        assert_eq!(refused, ["_FillValue", "coordinates"].map(of));
    }

    #[test]
    fn what_belongs_to_dimensions_is_hidden_or_refused() {
        let named = |name: &str| Attribute { name: name.to_owned(), ..attribute(Some(&[]), numbers(1)) };
        let names = ["_Netcdf4Dimid", "DIMENSION_LABELS", "_ARRAY_DIMENSIONS", "units", "skipped", "units"];
        let attributes_of = Ok(names.map(named).into());
        let node = Node { content: Ok(Content::Group), attributes: attributes_of };
        let object = Object { path: "/d".to_owned(), address: 0, node: node.into() };
        let mut report = Report::default();
        let into = Attributes::with_dimensions(&["x".to_owned()]);
        let told = attributes(&object, &Paths::new(), |attribute| attribute.name == "skipped", into, &mut report);
        assert_eq!(serde_json::to_string(&told).unwrap(), r#"{"_ARRAY_DIMENSIONS":["x"],"units":0}"#);
        let refused: Vec<_> = report.refused().collect();
        let reasons = [
            "attribute \"_ARRAY_DIMENSIONS\": its name is that of the attribute for the dimensions",
            "attribute \"units\": its name is that of one before it",
        ];
        assert_eq!(refused, reasons.map(|reason| ("/d", reason.to_owned())));
    }
}
