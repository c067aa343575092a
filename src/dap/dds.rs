//! The DDS: the variables of a dataset, or of an answer, with their types and shapes.

use std::sync::Arc;

use super::kind::Kind;
use super::name::Name;
use super::text::{blank, is_next, keyword, parse, run, sign, word};
use crate::convert::wide;
use crate::error::{Error, Problem, Structure};
use crate::field::{Parsed, Span};
use crate::limits::{Limits, check};

/// What ends a word.
const ENDS: &[u8] = b"{}[]:;=,";

/// Most dimensions of an array, as Zarr has them here.
const MOST_DIMENSIONS: usize = 256;

/// A dataset, or the part of it that an answer has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dds {
    pub(crate) name: String,
    /// In the order of their data.
    pub(crate) variables: Vec<Variable>,
}

/// A variable that holds data itself, or one that is not looked into.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Variable {
    /// Its name, after those of the Structures and the Grid that it lies in.
    pub(crate) path: Vec<Arc<Name>>,
    pub(crate) part: Part,
    pub(crate) content: Content,
    /// None of a scalar.
    pub(crate) dimensions: Vec<Dimension>,
}

/// What a variable is in a Grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// In no Grid.
    None,
    /// Its Array.
    Array,
    /// One of its Maps.
    Map,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Values(Kind),
    /// A table, whose length nobody knows before its end.
    Sequence,
    /// An array of Structures.
    Structures,
    /// A type that DAP2 does not have, by its name.
    Other(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dimension {
    pub(crate) name: Option<Name>,
    pub(crate) size: u64,
}

/// A Structure or Sequence that is not at its end yet: its name is.
struct Open {
    is_sequence: bool,
    /// Position of its first variable.
    first: usize,
}

impl Dds {
    pub(crate) fn read(text: &[u8], limits: &Limits) -> Result<Self, Error> {
        parse(Structure::Dds, text, |i| Self::parse(limits, i))
    }

    /// `Dataset { .. } name;`
    pub(crate) fn parse<'a>(limits: &Limits, i: Span<'a>) -> Parsed<'a, Self> {
        let (i, ()) = keyword("Dataset", ENDS, i)?;
        let (mut i, ()) = sign(b'{', "{", i)?;
        let (mut variables, mut open, mut pushed) = (Vec::<Variable>::new(), Vec::new(), 0_u64);
        loop {
            if is_next(b'}', i) {
                let (rest, ()) = sign(b'}', "}", i)?;
                let Some(container) = open.pop() else {
                    let (i, name) = dataset_name(rest)?;
                    for variable in &mut variables {
                        variable.path.reverse();
                    }
                    return Ok((i, Self { name, variables }));
                };
                let first = i;
                i = close(&container, &mut variables, rest)?.0;
                pushed = pushed.saturating_add(wide(variables.len().saturating_sub(container.first)));
                if let Err(error) = check("structures", pushed, limits.structures) {
                    return first.limit(error);
                }
                continue;
            }
            if let Err(error) = check("paths", wide(variables.len()), limits.paths) {
                return i.limit(error);
            }
            let (rest, type_name) = word("type", ENDS, i)?;
            i = if ["Structure", "Sequence"].iter().any(|name| name.eq_ignore_ascii_case(type_name)) {
                let is_sequence = type_name.eq_ignore_ascii_case("Sequence");
                open.push(Open { is_sequence, first: variables.len() });
                if let Err(error) = check("group_depth", wide(open.len()), limits.group_depth) {
                    return i.limit(error);
                }
                sign(b'{', "{", rest)?.0
            } else if type_name.eq_ignore_ascii_case("Grid") {
                grid(limits, &mut variables, rest)?.0
            } else {
                let (rest, variable) = declaration(Part::None, i)?;
                variables.push(variable);
                rest
            };
        }
    }
}

/// The name of a dataset, which may have any characters but the semicolon that ends it.
fn dataset_name(i: Span<'_>) -> Parsed<'_, String> {
    let (i, name) = run(blank(i), |byte| byte != b';');
    let (i, ()) = sign(b';', ";", i)?;
    Ok((i, String::from_utf8_lossy(name.bytes()).trim().to_owned()))
}

/// The end of a Structure or Sequence: what lies in it gets its name before its own, or is one variable with it.
fn close<'a>(open: &Open, variables: &mut Vec<Variable>, i: Span<'a>) -> Parsed<'a, ()> {
    let (i, name) = name(i)?;
    let (i, dimensions) = dimensions(i)?;
    let (i, ()) = sign(b';', ";", i)?;
    let name = Arc::new(name);
    if open.is_sequence || !dimensions.is_empty() {
        let content = if open.is_sequence { Content::Sequence } else { Content::Structures };
        variables.truncate(open.first);
        variables.push(Variable { path: vec![name], part: Part::None, content, dimensions });
    } else {
        for variable in variables.iter_mut().skip(open.first) {
            variable.path.push(Arc::clone(&name));
        }
    }
    Ok((i, ()))
}

/// A Grid: `{ Array: TYPE name[..]; Maps: TYPE name[..]; .. } name;`
fn grid<'a>(limits: &Limits, variables: &mut Vec<Variable>, i: Span<'a>) -> Parsed<'a, ()> {
    let first = variables.len();
    let (i, ()) = sign(b'{', "{", i)?;
    let (i, ()) = keyword("Array", ENDS, i)?;
    let (i, ()) = sign(b':', ":", i)?;
    let (i, array) = declaration(Part::Array, i)?;
    variables.push(array);
    let (i, ()) = keyword("Maps", ENDS, i)?;
    let (mut i, ()) = sign(b':', ":", i)?;
    while !is_next(b'}', i) {
        if let Err(error) = check("paths", wide(variables.len()), limits.paths) {
            return i.limit(error);
        }
        let (rest, map) = declaration(Part::Map, i)?;
        variables.push(map);
        i = rest;
    }
    let (i, ()) = sign(b'}', "}", i)?;
    let (i, name) = name(i)?;
    let (i, ()) = sign(b';', ";", i)?;
    let name = Arc::new(name);
    for variable in variables.iter_mut().skip(first) {
        variable.path.push(Arc::clone(&name));
    }
    Ok((i, ()))
}

/// `TYPE name[dimension = size]..;`
fn declaration(part: Part, i: Span<'_>) -> Parsed<'_, Variable> {
    let (i, type_name) = word("type", ENDS, i)?;
    let content = Kind::of(type_name).map_or_else(|| Content::Other(type_name.to_owned()), Content::Values);
    let (i, name) = name(i)?;
    let (i, dimensions) = dimensions(i)?;
    let (i, ()) = sign(b';', ";", i)?;
    Ok((i, Variable { path: vec![Arc::new(name)], part, content, dimensions }))
}

fn name(i: Span<'_>) -> Parsed<'_, Name> {
    let (rest, sent) = word("name", ENDS, i)?;
    match Name::new(sent) {
        Some(name) => Ok((rest, name)),
        None => blank(i).fail(Problem::Text("name")),
    }
}

/// `[size]` or `[name = size]`, for each dimension.
fn dimensions(i: Span<'_>) -> Parsed<'_, Vec<Dimension>> {
    let (mut i, mut dimensions) = (i, Vec::new());
    while is_next(b'[', i) {
        if dimensions.len() == MOST_DIMENSIONS {
            return i.value("number of dimensions", wide(MOST_DIMENSIONS).saturating_add(1));
        }
        let (inside, ()) = sign(b'[', "[", i)?;
        let (rest, first) = word("size", ENDS, inside)?;
        let (rest, dimension) = if is_next(b'=', rest) {
            let (_, name) = name(inside)?;
            let (rest, ()) = sign(b'=', "=", rest)?;
            let (rest, size) = size(rest)?;
            (rest, Dimension { name: Some(name), size })
        } else if first.bytes().all(|byte| byte.is_ascii_digit()) {
            let (rest, size) = size(inside)?;
            (rest, Dimension { name: None, size })
        } else {
            return blank(inside).fail(Problem::Missing("size"));
        };
        i = sign(b']', "]", rest)?.0;
        dimensions.push(dimension);
    }
    Ok((i, dimensions))
}

fn size(i: Span<'_>) -> Parsed<'_, u64> {
    let (rest, digits) = word("size", ENDS, i)?;
    // Not what a number may begin with in Rust.
    let number = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match number {
        Some(size) => Ok((rest, size)),
        None => blank(i).fail(Problem::Missing("size")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Dds, String> {
        Dds::read(text.as_bytes(), &Limits::default()).map_err(|error| error.to_string())
    }

    /// Each variable in a line: its path, what it is, and its dimensions.
    fn told(text: &str) -> Vec<String> {
        let line = |variable: &Variable| {
            let path: Vec<&str> = variable.path.iter().map(|name| &*name.meant).collect();
            let dimension = |dimension: &Dimension| match &dimension.name {
                Some(name) => format!("[{}={}]", name.meant, dimension.size),
                None => format!("[{}]", dimension.size),
            };
            let dimensions: String = variable.dimensions.iter().map(dimension).collect();
            let part = match variable.part {
                Part::None => "",
                Part::Array => " array",
                Part::Map => " map",
            };
            format!("{} {:?}{dimensions}{part}", path.join("."), variable.content)
        };
        read(text).unwrap().variables.iter().map(line).collect()
    }

    /// As THREDDS writes it.
    const GRID: &str = "Dataset {
    Float32 lat[lat = 2];
    Grid {
     ARRAY:
        Int16 sst[time = 3][lat = 2];
     MAPS:
        Float64 time[time = 3];
        Float32 lat[lat = 2];
    } sst;
    String name[2];
    Int32 crs;
} dodsC/a file:1.nc;
";

    #[test]
    fn grids_arrays_and_scalars_are_told_in_order() {
        let expected = [
            "lat Values(Float32)[lat=2]",
            "sst.sst Values(Int16)[time=3][lat=2] array",
            "sst.time Values(Float64)[time=3] map",
            "sst.lat Values(Float32)[lat=2] map",
            "name Values(String)[2]",
            "crs Values(Int32)",
        ];
        assert_eq!(told(GRID), expected);
        assert_eq!(read(GRID).unwrap().name, "dodsC/a file:1.nc");
    }

    #[test]
    fn structures_are_before_what_lies_in_them_and_tables_are_one_variable() {
        let text = "# comment\ndataset{structure{structure{byte a;uint32 b[ x=1 ][ 2 ];}in;Url u;}out;
            Sequence { Int32 i; Structure { Float64 f; } s; Sequence { Byte b; } t; } table;
            Structure { Float64 re; Float64 im; } z[n = 4]; Int64 wide;} ;";
        let expected = [
            "out.in.a Values(Byte)",
            "out.in.b Values(UInt32)[x=1][2]",
            "out.u Values(Url)",
            "table Sequence",
            "z Structures[n=4]",
            "wide Other(\"Int64\")",
        ];
        assert_eq!(told(text), expected);
    }

    #[test]
    fn names_are_told_without_escapes_and_kept_with_them() {
        let dds = read("Dataset { Int32 White%20space[a%2Eb = 1]; Byte /g/x; } d;").unwrap();
        let name = &dds.variables[0].path[0];
        assert_eq!((&*name.meant, &*name.sent), ("White space", "White%20space"));
        assert_eq!(dds.variables[0].dimensions[0].name.as_ref().map(|name| &*name.meant), Some("a.b"));
        assert_eq!(&*dds.variables[1].path[0].meant, "/g/x");
    }

    #[test]
    fn what_is_none_is_refused_at_its_place() {
        let table = [
            ("<html>", "DDS at 0x0: Dataset is missing (at 0x0)"),
            ("Dataset { Int32 a }", "DDS at 0x0: ; is missing (at 0x12)"),
            ("Dataset { Int32 ; } d;", "DDS at 0x0: name is missing (at 0x10)"),
            ("Dataset { Int32 a[-1]; } d;", "DDS at 0x0: size is missing (at 0x12)"),
            ("Dataset { Int32 a[x = 99999999999999999999]; } d;", "DDS at 0x0: size is missing (at 0x16)"),
            ("Dataset { Int32 a[1; } d;", "DDS at 0x0: ] is missing (at 0x13)"),
            ("Dataset { Grid { Maps: } g; } d;", "DDS at 0x0: Array is missing (at 0x11)"),
            ("Dataset { Int32 caf%E9; } d;", "DDS at 0x0: name is not valid text (at 0x10)"),
        ];
        for (text, error) in table {
            assert_eq!(read(text).unwrap_err(), error, "{text}");
        }
        let many = format!("Dataset {{ Int32 a{}; }} d;", "[1]".repeat(257));
        assert_eq!(read(&many).unwrap_err(), "DDS at 0x0: number of dimensions is 257 (at 0x311)");
    }

    #[test]
    fn every_part_of_it_alone_is_refused() {
        let end = GRID.trim_end().len();
        for length in 0..end {
            assert!(read(&GRID[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn depth_and_number_have_limits() {
        let deep = format!("Dataset {{ {}", "Structure { ".repeat(2000));
        assert!(read(&deep).unwrap_err().starts_with("1025 exceeds Limits::group_depth"));
        let limits = Limits { paths: 2, ..Limits::default() };
        let many = |text: &str| Dds::read(text.as_bytes(), &limits).map_err(|error| error.to_string());
        assert!(many("Dataset { Byte a; Byte b; } d;").is_ok());
        let error = many("Dataset { Byte a; Byte b; Byte c; Byte d; } d;").unwrap_err();
        assert!(error.starts_with("3 exceeds Limits::paths"), "{error}");
        let limits = Limits { structures: 3, ..Limits::default() };
        let nested = Dds::read(b"Dataset { Structure { Structure { Byte a; Byte b; } s; } t; } d;", &limits);
        assert!(nested.unwrap_err().to_string().starts_with("4 exceeds Limits::structures"));
    }

    /// A DDS as a server prints it.
    pub(crate) fn printed(dds: &Dds) -> String {
        let variable = |variable: &Variable| {
            let dimension = |dimension: &Dimension| match &dimension.name {
                Some(name) => format!("[{} = {}]", name.sent, dimension.size),
                None => format!("[{}]", dimension.size),
            };
            let dimensions: String = variable.dimensions.iter().map(dimension).collect();
            let Content::Values(kind) = &variable.content else { panic!() };
            let (name, around) = variable.path.split_last().unwrap();
            let own = format!("{} {}{dimensions};", kind.name(), name.sent);
            around.iter().rev().fold(own, |own, name| format!("Structure {{\n{own}\n}} {};", name.sent))
        };
        let variables: Vec<String> = dds.variables.iter().map(variable).collect();
        format!("Dataset {{\n{}\n}} {};\n", variables.join("\n"), dds.name)
    }

    fn names() -> impl Strategy<Value = Name> {
        "[a-zA-Z_][a-zA-Z0-9_/.*~-]{0,6}(%20|%C3%A9)?".prop_map(|name| Name::new(&name).unwrap())
    }

    fn variables() -> impl Strategy<Value = Variable> {
        let kind = (0..Kind::ALL.len()).prop_map(|n| Kind::ALL[n]);
        let dimension = (prop::option::of(names()), any::<u64>()).prop_map(|(name, size)| Dimension { name, size });
        let path = prop::collection::vec(names().prop_map(Arc::new), 1..4);
        (path, kind, prop::collection::vec(dimension, 0..4)).prop_map(|(path, kind, dimensions)| Variable {
            path,
            part: Part::None,
            content: Content::Values(kind),
            dimensions,
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(variables in prop::collection::vec(variables(), 0..6)) {
            let dds = Dds { name: "d".to_owned(), variables };
            prop_assert_eq!(read(&printed(&dds)), Ok(dds));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Dds::read(&bytes, &Limits::default());
        }

        #[test]
        fn any_signs_are_read_or_refused(text in "(Dataset|Grid|Array|Maps|Structure|Sequence|Byte|[a{}\\[\\]:;= ]){0,60}") {
            let _ = read(&text);
        }
    }
}
