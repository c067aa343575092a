//! A file's header in CDL, the text form of netCDF (`ncdump -h`).

use std::io::{self, Write};

use super::dimensions::{Dimensions, Length, is_dimension_only, is_inside, is_scale, name_of};
use super::{is_hidden, variable_name};
use crate::cdl::{escaped, quoted, real};
use crate::file::{Attribute, Class, Content, Dataset, Datatype, Dimension, Object, Tree, Value};

/// Writes dimensions, variables and attributes of every group as CDL; `name` is what the file is called.
///
/// # Errors
/// What `out` answers.
pub fn write_cdl(tree: &Tree, name: &str, mut out: impl Write) -> io::Result<()> {
    let writer = Writer { tree, dimensions: Dimensions::of(tree) };
    let mut open: Vec<&str> = Vec::new();
    for object in tree.objects.iter().filter(|object| matches!(object.node.content, Ok(Content::Group))) {
        while let Some(group) = open.pop_if(|group| !is_inside(&object.path, group)) {
            close(group, open.len(), &mut out)?;
        }
        match open.len().checked_sub(1) {
            None => writeln!(out, "netcdf {name} {{")?,
            Some(depth) => writeln!(out, "\n{}group: {} {{", indent(depth), escaped(name_of(&object.path)))?,
        }
        writer.group(object, &indent(open.len()), &mut out)?;
        open.push(&object.path);
    }
    while let Some(group) = open.pop() {
        close(group, open.len(), &mut out)?;
    }
    Ok(())
}

/// The end of a group at a depth.
fn close(group: &str, depth: usize, out: &mut impl Write) -> io::Result<()> {
    match depth {
        0 => writeln!(out, "}}"),
        _ => writeln!(out, "{}}} // group {}", indent(depth), escaped(name_of(group))),
    }
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
        let dimensions = self.own_dimensions(&members, group.path == "/");
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

    /// The dimensions that the format itself has or a group's scales define, and those without a scale that its variables have.
    fn own_dimensions(&self, members: &[(&Object, &Dataset)], is_root: bool) -> Vec<(String, Length)> {
        let of_format = self.tree.dimensions.iter().filter(|_| is_root);
        let length = |one: &Dimension| Length { current: one.length, unlimited: one.unlimited };
        let mut own: Vec<(String, Length)> = of_format.map(|one| (one.name.clone(), length(one))).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::proofs::tree_of;
    use crate::file::{Bits, ByteOrder};

    /// The CDL of a file called `f`.
    fn cdl(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        write_cdl(&tree_of(bytes), "f", &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// A text of CDL, indented by tabs: `ncdump -h` writes the same.
    const CF: &str = r#"netcdf f {
dimensions:
	time = UNLIMITED ; // (3 currently)
	lat = 4 ;
	lon = 6 ;
	bnds = 2 ;
	station = 3 ;
	name_len = 5 ;
variables:
	double time(time) ;
		time:units = "days since 2000-01-01" ;
		time:calendar = "standard" ;
		time:bounds = "time_bnds" ;
	float lat(lat) ;
		lat:units = "degrees_north" ;
		lat:standard_name = "latitude" ;
	float lon(lon) ;
		lon:units = "degrees_east" ;
		lon:standard_name = "longitude" ;
	double time_bnds(time, bnds) ;
	short sst(time, lat, lon) ;
		sst:_FillValue = -32768s ;
		sst:scale_factor = 0.01f ;
		sst:add_offset = 20.f ;
		sst:units = "degree_Celsius" ;
		sst:grid_mapping = "crs" ;
		sst:coordinates = "station_name" ;
		sst:valid_range = -1000s, 1000s ;
	int crs ;
		crs:grid_mapping_name = "latitude_longitude" ;
		crs:semi_major_axis = 6378137. ;
	string station_name(station) ;
	char station_code(station, name_len) ;

// global attributes:
		:Conventions = "CF-1.8" ;
		:title = "a small CF file" ;
}
"#;

    const GROUPS: &str = "netcdf f {
dimensions:
	x = 4 ;
	time = UNLIMITED ; // (2 currently)
variables:
	float x(x) ;

group: g {
  dimensions:
  	y = 3 ;
  variables:
  	float y(y) ;
  	int inherited(y, x) ;

  // group attributes:
  		:level = 1 ;

  group: h {
    dimensions:
    	x = 2 ;
    variables:
    	int shadowed(y, x) ;
    	int records(time) ;
    } // group h
  } // group g
}
";

    #[test]
    fn a_file_is_told_as_ncdump_tells_it() {
        assert_eq!(cdl(include_bytes!("../../testdata/netcdf/cf.nc")), CF);
        assert_eq!(cdl(include_bytes!("../../testdata/netcdf/groups.nc")), GROUPS);
    }

    #[test]
    fn constants_have_the_suffix_of_their_type() {
        let told = |signed, size: u16, value| {
            let bits = Bits { offset: 0, precision: size * 8 };
            let class = Class::FixedPoint { order: ByteOrder::Little, signed, bits };
            constant(&value, &Datatype { size: size.into(), class })
        };
        let signed = [1, 2, 4, 8].map(|size| told(true, size, Value::Signed(-3)));
        assert_eq!(signed, ["-3b", "-3s", "-3", "-3LL"]);
        let unsigned = [1, 2, 4, 8].map(|size| told(false, size, Value::Unsigned(3)));
        assert_eq!(unsigned, ["3UB", "3US", "3U", "3ULL"]);
    }
}
