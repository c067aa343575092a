//! A dataset in CDL, the text form of netCDF.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::das::{Attribute, Values};
use super::kind::Kind;
use super::layout::Layout;
use crate::cdl::{escaped, quoted, real};
use crate::reference::{Array, Node};

/// Dimensions, variables and attributes of every group.
pub(crate) fn write(layout: &Layout, name: &str, mut out: impl Write) -> io::Result<()> {
    let mut writer = Writer { layout, unlimited: layout.unlimited(), known: Vec::new() };
    let mut open: Vec<&str> = Vec::new();
    let mut groups: Vec<&str> = layout
        .set
        .nodes
        .iter()
        .filter(|(_, node)| matches!(node, Node::Group(_)))
        .map(|(path, _)| path.as_str())
        .collect();
    groups.sort_by_key(|path| path.split('/').collect::<Vec<_>>());
    for group in groups {
        while let Some(other) = open.pop_if(|open| !is_inside(group, open)) {
            close(other, open.len(), &mut out)?;
        }
        match open.len().checked_sub(1) {
            None => writeln!(out, "netcdf {} {{", escaped(name))?,
            Some(depth) => writeln!(out, "\n{}group: {} {{", "  ".repeat(depth), escaped(last(group)))?,
        }
        writer.group(group, &"  ".repeat(open.len()), &mut out)?;
        open.push(group);
    }
    while let Some(group) = open.pop() {
        close(group, open.len(), &mut out)?;
    }
    Ok(())
}

/// Whether a path lies in a group.
fn is_inside(path: &str, group: &str) -> bool {
    group.is_empty() || path.strip_prefix(group).is_some_and(|rest| rest.starts_with('/'))
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn close(group: &str, depth: usize, out: &mut impl Write) -> io::Result<()> {
    match depth {
        0 => writeln!(out, "}}"),
        _ => writeln!(out, "{}}} // group {}", "  ".repeat(depth), escaped(last(group))),
    }
}

struct Writer<'a> {
    layout: &'a Layout,
    unlimited: BTreeSet<String>,
    /// Dimensions, after the groups that have them.
    known: Vec<(&'a str, &'a str, u64)>,
}

impl<'a> Writer<'a> {
    fn group(&mut self, group: &'a str, indent: &str, out: &mut impl Write) -> io::Result<()> {
        let is_member =
            |path: &str| is_inside(path, group) && path.rsplit_once('/').map_or("", |(group, _)| group) == group;
        let members: Vec<(&str, &Array)> = self.layout.set.arrays().filter(|(path, _)| is_member(path)).collect();
        let first = self.known.len();
        for (name, size) in members.iter().flat_map(|(_, array)| dimensions(array)) {
            if self.size(group, name).is_none() {
                self.known.push((group, name, size));
            }
        }
        let own = self.known.get(first..).unwrap_or_default();
        if !own.is_empty() {
            writeln!(out, "{indent}dimensions:")?;
        }
        for (_, name, size) in own {
            if self.unlimited.contains(*name) {
                writeln!(out, "{indent}\t{} = UNLIMITED ; // ({size} currently)", escaped(name))?;
            } else {
                writeln!(out, "{indent}\t{} = {size} ;", escaped(name))?;
            }
        }
        if !members.is_empty() {
            writeln!(out, "{indent}variables:")?;
        }
        for (path, array) in members {
            self.variable(group, path, array, indent, out)?;
        }
        let attributes = self.layout.declared.get(group).map(Vec::as_slice).unwrap_or_default();
        let lines: Vec<String> = attributes.iter().filter_map(|attribute| line("", attribute)).collect();
        if !lines.is_empty() {
            writeln!(out, "\n{indent}// {} attributes:", if group.is_empty() { "global" } else { "group" })?;
        }
        lines.iter().try_for_each(|line| writeln!(out, "{indent}\t\t{line} ;"))
    }

    /// The length of a dimension as a group or one that it lies in has it.
    fn size(&self, group: &str, name: &str) -> Option<u64> {
        let mut known = self.known.iter().rev();
        known
            .find(|(other, known, _)| *known == name && (*other == group || is_inside(group, other)))
            .map(|known| known.2)
    }

    fn variable(&self, group: &str, path: &str, array: &Array, indent: &str, out: &mut impl Write) -> io::Result<()> {
        let Some(served) = self.layout.served.get(path) else { return Ok(()) };
        let name = escaped(last(path));
        let names: Vec<String> = dimensions(array).map(|(name, _)| escaped(name)).collect();
        let shape = if names.is_empty() { String::new() } else { format!("({})", names.join(", ")) };
        // CDL has no two lengths for one name.
        let others = dimensions(array).filter(|(name, size)| self.size(group, name) != Some(*size));
        let others: Vec<String> = others.map(|(name, size)| format!("{} = {size}", escaped(name))).collect();
        let note = if others.is_empty() { String::new() } else { format!(" // {}", others.join(", ")) };
        writeln!(out, "{indent}\t{} {name}{shape} ;{note}", served.kind.cdl())?;
        let attributes = self.layout.declared.get(path).into_iter().flatten();
        attributes
            .filter_map(|attribute| line(&name, attribute))
            .try_for_each(|line| writeln!(out, "{indent}\t\t{line} ;"))
    }
}

/// Names and lengths of the dimensions of an array.
fn dimensions(array: &Array) -> impl Iterator<Item = (&str, u64)> {
    array.attributes.dimensions().zip(array.metadata.shape.iter().copied())
}

/// An attribute of a variable; `None` of what is none.
fn line(variable: &str, Attribute { name, values }: &Attribute) -> Option<String> {
    let (is_list, values): (bool, Vec<String>) = match values {
        Values::Integers(kind, integers) => (false, integers.iter().map(|number| integer(*number, *kind)).collect()),
        Values::Floats(Kind::Float32, floats) => {
            (false, floats.iter().map(|x| format!("{}f", real(*x, true))).collect())
        }
        Values::Floats(_, floats) => (false, floats.iter().map(|x| real(*x, false)).collect()),
        Values::Texts(_, texts) => {
            (texts.len() > 1, texts.iter().map(|text| quoted(&String::from_utf8_lossy(text))).collect())
        }
        Values::Alias(_) | Values::Wrong(_) => return None,
    };
    let value = if values.is_empty() { "\"\"".to_owned() } else { values.join(", ") };
    Some(format!("{}{variable}:{} = {value}", if is_list { "string " } else { "" }, escaped(name)))
}

/// An integer with the suffix of its type, or of one that has it.
fn integer(number: i128, kind: Kind) -> String {
    let has = kind.integers().is_some_and(|all| all.contains(&number));
    let suffix = match kind {
        Kind::Byte if has => "UB",
        Kind::Int16 if has => "s",
        Kind::UInt16 if has => "US",
        Kind::UInt32 if has => "U",
        _ if has => "",
        _ if i64::try_from(number).is_ok() => "LL",
        _ => "ULL",
    };
    format!("{number}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::super::das::Das;
    use super::super::dds::Dds;
    use super::*;
    use crate::limits::Limits;

    fn cdl(dds: &str, das: &str) -> String {
        let limits = Limits::default();
        let dds = Dds::read(format!("Dataset {{ {dds} }} d;").as_bytes(), &limits).unwrap();
        let das = Das::read(format!("Attributes {{ {das} }}").as_bytes(), &limits).unwrap();
        let layout = Layout::new(&dds, &das, &[], &limits).unwrap();
        let mut out = Vec::new();
        write(&layout, "f", &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const FLAT: &str = r#"netcdf f {
dimensions:
	time = UNLIMITED ; // (3 currently)
	lat = 2 ;
	n = 1 ;
variables:
	double time(time) ;
		time:units = "days" ;
	short sst(time, lat) ;
		sst:_FillValue = -99s ;
		sst:scale_factor = 0.1f ;
		sst:valid_range = 0.5, NaN ;
		sst:flags = 1UB, 2UB ;
		sst:large = 9999999999LL, 18446744073709551615ULL, -1LL ;
	string names(n) ;
		string names:two = "a", "b" ;
	int odd(lat) ; // lat = 7
	ubyte a\ b ;

// global attributes:
		:title = "a \"t\"" ;
		:none = "" ;
		:DODS_EXTRA.Unlimited_Dimension = "time" ;
}
"#;

    #[test]
    fn a_dataset_is_told_with_the_types_that_it_was_sent_with() {
        let dds = "Float64 time[time = 3]; Int16 sst[time = 3][lat = 2]; String names[n = 1]; Int32 odd[lat = 7]; Byte a%20b;";
        let das = r#"time { String units "days"; }
            sst { Int16 _FillValue -99; Float32 scale_factor 0.1; Float64 valid_range 0.5, NaN; Byte flags 1, 2;
                  UInt16 large 9999999999, 18446744073709551615, -1; Int32 wrong x; }
            names { String two "a", "b"; }
            NC_GLOBAL { String title "a \"t\""; String none; } DODS_EXTRA { String Unlimited_Dimension "time"; }"#;
        assert_eq!(cdl(dds, das), FLAT);
    }

    const GROUPS: &str = "netcdf f {
dimensions:
	x = 2 ;
variables:
	ubyte top(x) ;

group: g {
  dimensions:
  	y = 3 ;
  variables:
  	uint a(x, y) ;

  // group attributes:
  		:of = \"g\" ;

  group: h {
    variables:
    	float b(y) ;
    } // group h
  } // group g

group: h {
  variables:
  	ushort c ;
  } // group h
}
";

    #[test]
    fn structures_are_told_as_groups() {
        let dds = "Byte top[x = 2]; Structure { UInt32 a[x = 2][y = 3]; Structure { Float32 b[y = 3]; } h; } g; Structure { UInt16 c; } h;";
        assert_eq!(cdl(dds, "g { String of \"g\"; }"), GROUPS);
    }
}
