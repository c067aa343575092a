//! A file's header in CDL, the text form of netCDF (`ncdump -h`).

use std::io::{self, Write};

use super::dimensions::{Dimensions, Length, is_dimension_only, is_inside, is_scale, name_of};
use super::{is_hidden, variable_name};
use crate::file::{Attribute, Class, Content, Dataset, Datatype, Object, Tree, Value};

/// Writes dimensions, variables and attributes of every group as CDL; `name` is what the file is called.
///
/// # Errors
/// What `out` answers.
pub fn write_cdl(tree: &Tree, name: &str, mut out: impl Write) -> io::Result<()> {
    let writer = Writer { tree, dimensions: Dimensions::of(tree) };
    let mut open: Vec<&str> = Vec::new();
    for object in tree.objects.iter().filter(|object| matches!(object.node.content, Ok(Content::Group))) {
        while open.last().is_some_and(|group| !is_inside(&object.path, group)) {
            let closed = open.pop().map_or("", name_of);
            writeln!(out, "{}}} // group {}", indent(open.len()), escaped(closed))?;
        }
        let head = if object.path == "/" {
            format!("netcdf {name}")
        } else {
            format!("group: {}", escaped(name_of(&object.path)))
        };
        writeln!(out, "{}{head} {{", indent(open.len()))?;
        writer.group(object, &indent(open.len()), &mut out)?;
        open.push(&object.path);
    }
    while let Some(closed) = open.pop() {
        let name = if closed == "/" { String::new() } else { format!(" // group {}", escaped(name_of(closed))) };
        writeln!(out, "{}}}{name}", indent(open.len()))?;
    }
    Ok(())
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

struct Writer<'a> {
    tree: &'a Tree,
    dimensions: Dimensions,
}

impl<'a> Writer<'a> {
    fn group(&self, group: &Object, indent: &str, out: &mut impl Write) -> io::Result<()> {
        let members: Vec<_> = self.members(group).collect();
        let dimensions = self.own_dimensions(&members);
        if !dimensions.is_empty() {
            writeln!(out, "{indent}dimensions:")?;
        }
        for (name, Length { current, unlimited }) in &dimensions {
            let name = escaped(name);
            if *unlimited {
                writeln!(out, "{indent}\t{name} = UNLIMITED ; // ({current} currently)")?;
            } else {
                writeln!(out, "{indent}\t{name} = {current} ;")?;
            }
        }
        let variables: Vec<_> = members.iter().filter(|(object, _)| !is_dimension_only(object)).collect();
        if !variables.is_empty() {
            writeln!(out, "{indent}variables:")?;
        }
        for (object, dataset) in variables {
            self.variable(object, dataset, indent, out)?;
        }
        let attributes: Vec<_> = visible(group).collect();
        if !attributes.is_empty() {
            writeln!(out, "\n{indent}// {} attributes:", if group.path == "/" { "global" } else { "group" })?;
        }
        attributes.into_iter().try_for_each(|attribute| write_attribute("", attribute, indent, out))
    }

    /// The datasets that lie in a group itself.
    fn members(&self, group: &Object) -> impl Iterator<Item = (&'a Object, &'a Dataset)> {
        let prefix = if group.path == "/" { "/".to_owned() } else { format!("{}/", group.path) };
        self.tree.objects.iter().filter_map(move |object| {
            let name = object.path.strip_prefix(&prefix)?;
            (!name.is_empty() && !name.contains('/')).then_some((object, object.dataset()?))
        })
    }

    /// The dimensions that a group's scales define, and those without a scale that its variables have.
    fn own_dimensions(&self, members: &[(&Object, &Dataset)]) -> Vec<(String, Length)> {
        let mut own: Vec<(String, Length)> = Vec::new();
        for (object, dataset) in members {
            if is_scale(object) {
                own.extend(self.dimensions.length(object).map(|length| (name_of(&object.path).to_owned(), length)));
            }
            let space = &dataset.dataspace;
            let sizes = space.dimensions.iter().zip(&space.maximum);
            for (name, (size, most)) in self.dimensions.names(&object.path).iter().zip(sizes) {
                if name.starts_with("phony_dim_") && !own.iter().any(|(known, _)| known == name) {
                    own.push((name.clone(), Length { current: *size, unlimited: most.is_none() }));
                }
            }
        }
        own
    }

    fn variable(&self, object: &Object, dataset: &Dataset, indent: &str, out: &mut impl Write) -> io::Result<()> {
        let name = escaped(variable_name(name_of(&object.path)));
        let dimensions: Vec<_> = self.dimensions.names(&object.path).iter().map(|name| escaped(name)).collect();
        let shape = if dimensions.is_empty() { String::new() } else { format!("({})", dimensions.join(", ")) };
        writeln!(out, "{indent}\t{} {name}{shape} ;", type_name(&dataset.datatype))?;
        visible(object).try_for_each(|attribute| write_attribute(&name, attribute, indent, out))
    }
}

fn visible(object: &Object) -> impl Iterator<Item = &Attribute> {
    object.attributes().iter().filter(|attribute| !is_hidden(&attribute.name))
}

fn write_attribute(variable: &str, attribute: &Attribute, indent: &str, out: &mut impl Write) -> io::Result<()> {
    let value = match &attribute.values {
        Ok(values) if values.is_empty() => "\"\"".to_owned(),
        Ok(values) => values.iter().map(|value| constant(value, &attribute.datatype)).collect::<Vec<_>>().join(", "),
        Err(error) => format!("\"\" ; // {error}"),
    };
    let string = if matches!(attribute.datatype.class, Class::VariableString(_)) { "string " } else { "" };
    writeln!(out, "{indent}\t\t{string}{variable}:{} = {value} ;", escaped(&attribute.name))
}

/// A datatype by netCDF's name, or in words where netCDF has none.
fn type_name(datatype: &Datatype) -> String {
    let integer = |signed: bool| match (signed, datatype.size) {
        (true, 1) => Some("byte"),
        (true, 2) => Some("short"),
        (true, 4) => Some("int"),
        (true, 8) => Some("int64"),
        (false, 1) => Some("ubyte"),
        (false, 2) => Some("ushort"),
        (false, 4) => Some("uint"),
        (false, 8) => Some("uint64"),
        _ => None,
    };
    let name = match &datatype.class {
        Class::FixedPoint { signed, .. } => integer(*signed),
        Class::FloatingPoint { format, .. } if format.is_ieee(datatype.size) => match datatype.size {
            4 => Some("float"),
            8 => Some("double"),
            _ => None,
        },
        Class::String(_) if datatype.size == 1 => Some("char"),
        Class::VariableString(_) => Some("string"),
        _ => None,
    };
    name.map_or_else(|| format!("\"{}\"", datatype.name()), str::to_owned)
}

/// A value as a CDL constant, with the suffix of its type.
fn constant(value: &Value, datatype: &Datatype) -> String {
    let suffix = match (type_name(datatype).as_str(), value) {
        ("byte", _) => "b",
        ("short", _) => "s",
        ("int64", _) => "LL",
        ("ubyte", _) => "UB",
        ("ushort", _) => "US",
        ("uint", _) => "U",
        ("uint64", _) => "ULL",
        ("float", Value::Float(_)) => "f",
        _ => "",
    };
    match value {
        Value::Signed(n) => format!("{n}{suffix}"),
        Value::Unsigned(n) => format!("{n}{suffix}"),
        Value::Float(x) => format!("{}{suffix}", real(*x, suffix == "f")),
        Value::Text(text) => quoted(text),
        Value::NotUtf8(bytes) => quoted(&String::from_utf8_lossy(bytes)),
        Value::Boolean(value) => u8::from(*value).to_string(),
        other => quoted(&format!("{other:?}")),
    }
}

/// The shortest decimal that reads back as the same number, with the point that CDL wants.
fn real(value: f64, single: bool) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() };
    }
    #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "the value was a float of 32 bits")]
    let text = if single { format!("{:?}", value as f32) } else { format!("{value:?}") };
    text.strip_suffix(".0").map_or(text.clone(), |whole| format!("{whole}."))
}

fn quoted(text: &str) -> String {
    let escape = |c: char| match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

/// A name with CDL's special characters escaped.
fn escaped(name: &str) -> String {
    let escape = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else if " !\"#$%&'()*,:;<=>?[]\\^`{|}~".contains(c) {
            format!("\\{c}")
        } else {
            c.to_string()
        }
    };
    name.chars().map(escape).collect()
}
