//! A dataset as groups and arrays of Zarr: where each array lies, what it is, and what the server is asked for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::attributes::{Declared, Owners, fill_value, zarr};
use super::constraint::Parts;
use super::das::{Das, Values};
use super::dds::{Content, Dds, Part, Variable};
use super::kind::Kind;
use super::name::Name;
use crate::convert::wide;
use crate::error::Error;
use crate::limits::{Limits, check};
use crate::reference::{Builder, ReferenceSet};
use crate::window::Window;
use crate::zarr::{ArrayMetadata, Attributes, Codec, Dtype, RESERVED};

/// Bytes of a chunk that an array is said to have: whole rows, which servers read well.
const CHUNK: u64 = 16 << 20;

/// Bytes that a text is taken to have, where it is not known.
pub(crate) const TEXT: u64 = 1 << 10;

/// A dataset.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) set: ReferenceSet,
    pub(crate) served: BTreeMap<String, Served>,
    /// The attributes of arrays and groups as they were sent, by path.
    pub(crate) declared: BTreeMap<String, Declared>,
    pub(crate) refused: Vec<Refused>,
}

/// What the server knows of an array.
#[derive(Debug)]
pub(crate) struct Served {
    /// The names that it is asked for by.
    pub(crate) path: Vec<Arc<Name>>,
    pub(crate) kind: Kind,
    pub(crate) shape: Vec<u64>,
}

/// A variable or an attribute that is not there, or not as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The path of the variable or group, with a slash before it.
    pub path: String,
    /// Why, and which attribute if it is one.
    pub reason: String,
}

/// A variable that has a place.
struct Placed<'a> {
    variable: &'a Variable,
    kind: Kind,
    path: String,
    container: Option<usize>,
}

impl Layout {
    /// Of all variables, or of those that are named.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a name that no variable has.
    pub(crate) fn new(dds: &Dds, das: &Das, names: &[String], limits: &Limits) -> Result<Self, Error> {
        let mut variables: Vec<&Variable> = dds.variables.iter().collect();
        if let Some(name) = names.iter().find(|name| !variables.iter().any(|variable| is_named(variable, name))) {
            return Err(Error::NotFound { path: name.clone() });
        }
        variables.retain(|variable| names.is_empty() || names.iter().any(|name| is_named(variable, name)));
        // The Maps of Grids last: what other variables are need not come from them.
        variables.sort_by_key(|variable| variable.part == Part::Map);
        let mut layout = Self::default();
        let mut owners = Owners::new(das);
        let placed = layout.place(&variables, &mut owners, limits);
        let groups: BTreeSet<&str> = placed.iter().flat_map(|placed| ancestors(&placed.path)).collect();
        let containers: Vec<(&str, Option<usize>)> = groups
            .iter()
            .map(|group| {
                let path: Vec<&str> = group.split('/').collect();
                (*group, if group.is_empty() { Some(0) } else { owners.take(&path) })
            })
            .collect();
        let mut builder = Builder::default();
        for (group, container) in containers {
            let declared = container.map(|container| owners.attributes(container, limits)).unwrap_or_default();
            builder.group(group, layout.attributes(group, &declared, Attributes::default()));
            layout.declared.insert(group.to_owned(), declared);
        }
        for placed in placed {
            let declared = placed.container.map(|at| owners.attributes(at, limits)).unwrap_or_default();
            layout.array(placed, declared, &mut builder);
        }
        layout.set = builder.finish()?;
        Ok(layout)
    }

    /// The variables that have a place; the others are refused.
    fn place<'a>(&mut self, variables: &[&'a Variable], owners: &mut Owners<'_>, limits: &Limits) -> Vec<Placed<'a>> {
        let (mut placed, mut known, mut groups) = (Vec::new(), BTreeMap::<String, &Variable>::new(), BTreeSet::new());
        for variable in variables {
            let names = place_of(variable);
            let path = names.join("/");
            let other = known.get(&path);
            // A coordinate that is there by itself, or in another Grid too.
            if variable.part == Part::Map && other.is_some_and(|other| is_same(variable, other)) {
                continue;
            }
            let is_over = groups.contains(&path) || ancestors(&path).any(|group| known.contains_key(group));
            let kind = match kind_of(variable).and_then(|kind| keyable(&names, limits).map(|()| kind)) {
                Ok(_) if other.is_some() => Err("its path is that of another variable".to_owned()),
                Ok(_) if is_over => Err("its path is that of another variable and of what lies in it".to_owned()),
                kind => kind,
            };
            match kind {
                Err(reason) => self.refuse(&path, &reason),
                Ok(kind) => {
                    groups.extend(ancestors(&path).map(str::to_owned));
                    known.insert(path.clone(), variable);
                    let container = container_of(variable, owners);
                    placed.push(Placed { variable, kind, path, container });
                }
            }
        }
        placed
    }

    fn refuse(&mut self, path: &str, reason: &str) {
        self.refused.push(Refused { path: format!("/{path}"), reason: reason.to_owned() });
    }

    /// Attributes in Zarr, behind those that are there; what is none is refused.
    fn attributes(&mut self, path: &str, declared: &Declared, into: Attributes) -> Attributes {
        let mut refused = Vec::new();
        let attributes = zarr(declared, into, &mut refused);
        for (name, why) in refused {
            self.refuse(path, &format!("attribute {name}: {why}"));
        }
        attributes
    }

    fn array(&mut self, placed: Placed<'_>, declared: Declared, builder: &mut Builder) {
        let Placed { variable, kind, path, .. } = placed;
        let shape: Vec<u64> = variable.dimensions.iter().map(|dimension| dimension.size).collect();
        let own = path.rsplit('/').next().unwrap_or(&path);
        // Without names, dimensions have those that netCDF-C gives them.
        let name = |(n, name): (usize, Option<&Name>)| match name {
            Some(name) => name.meant.rsplit('/').next().unwrap_or_default().to_owned(),
            None => format!("{own}_{n}"),
        };
        let names = variable.dimensions.iter().map(|dimension| dimension.name.as_ref());
        let names: Vec<String> = names.enumerate().map(name).collect();
        let fill = fill_value(&declared, kind);
        let mut attributes = self.attributes(&path, &declared, Attributes::with_dimensions(&names));
        if fill.is_some() {
            attributes.retain(|name| name != "_FillValue");
        }
        let dtype = Dtype::Simple(kind.dtype().to_owned());
        let filters = if kind.is_text() { vec![Codec::VlenUtf8] } else { Vec::new() };
        let chunks = chunks(&shape, kind.size().unwrap_or(TEXT));
        builder.array(&path, ArrayMetadata::new(shape.clone(), chunks, dtype, fill, filters), attributes);
        self.declared.insert(path.clone(), declared);
        self.served.insert(path, Served { path: variable.path.clone(), kind, shape });
    }

    /// Names of dimensions without an end, as THREDDS tells of them.
    pub(crate) fn unlimited(&self) -> BTreeSet<String> {
        let root = self.declared.get("").into_iter().flatten();
        let told = root.filter(|attribute| attribute.name == "DODS_EXTRA.Unlimited_Dimension");
        let texts = told.filter_map(|attribute| match &attribute.values {
            Values::Texts(_, texts) => Some(texts),
            _ => None,
        });
        texts.flatten().map(|text| String::from_utf8_lossy(text).into_owned()).collect()
    }
}

/// The type of a variable that is an array, or why it is none.
fn kind_of(variable: &Variable) -> Result<Kind, String> {
    let length = variable.dimensions.iter().try_fold(1_u64, |n, dimension| n.checked_mul(dimension.size));
    match &variable.content {
        Content::Values(_) if length.is_none() => Err("it has more than 2^64 elements".to_owned()),
        Content::Values(kind) => Ok(*kind),
        Content::Sequence => Err("a Sequence, a table of DAP2, is not supported".to_owned()),
        Content::Structures => Err("an array of Structures is not supported".to_owned()),
        Content::Other(name) => Err(format!("its type {name:.100} is none of DAP2")),
    }
}

/// That names make a key.
fn keyable(names: &[String], limits: &Limits) -> Result<(), String> {
    let is_bad = |name: &String| {
        name.is_empty() || [".", ".."].contains(&&**name) || RESERVED.contains(&&**name) || name.contains(['\0', '\\'])
    };
    let length = names.iter().fold(0_u64, |sum, name| sum.saturating_add(wide(name.len())).saturating_add(1));
    if names.iter().any(is_bad) {
        return Err("its name cannot be a Zarr key".to_owned());
    }
    check("key_bytes", length, limits.key_bytes).map_err(|error| error.to_string())
}

/// Whether a name is that of a variable, or of what it lies in.
fn is_named(variable: &Variable, name: &str) -> bool {
    let full: Vec<&str> = variable.path.iter().map(|name| &*name.meant).collect();
    let full = full.join(".");
    full.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The same coordinate.
fn is_same(one: &Variable, other: &Variable) -> bool {
    let sizes = |variable: &Variable| variable.dimensions.iter().map(|dimension| dimension.size).collect::<Vec<_>>();
    one.content == other.content && sizes(one) == sizes(other)
}

/// The names of groups and of the array: Structures are groups, and so are names with slashes before the last; a Grid is its Array, and
/// its Maps lie beside it.
fn place_of(variable: &Variable) -> Vec<String> {
    let (own, around) = match variable.path.as_slice() {
        [around @ .., _, map] if variable.part == Part::Map => (Some(map), around),
        [around @ .., grid, _] if variable.part == Part::Array => (Some(grid), around),
        [around @ .., own] => (Some(own), around),
        [] => (None, &[][..]),
    };
    let parts = |name: &Arc<Name>| {
        let meant = name.meant.strip_prefix('/').unwrap_or(&name.meant);
        meant.split('/').map(str::to_owned).collect::<Vec<_>>()
    };
    around.iter().chain(own).flat_map(parts).collect()
}

/// The container of the attributes of a variable. In a Grid, the Grid has those of its Array; those of a Map are in the Grid's, or its own.
fn container_of(variable: &Variable, owners: &mut Owners<'_>) -> Option<usize> {
    let path: Vec<&str> = variable.path.iter().map(|name| &*name.meant).collect();
    match (variable.part, path.as_slice()) {
        (Part::Array, [grid @ .., _]) => owners.take(grid),
        (Part::Map, [around @ .., _, map]) => owners.take(&path).or_else(|| owners.take(&[around, &[*map]].concat())),
        _ => owners.take(&path),
    }
}

/// The groups that a path lies in, the root first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::once("").chain(path.match_indices('/').filter_map(|(at, _)| path.get(..at)))
}

/// Whole rows, of as many bytes as a chunk has.
fn chunks(shape: &[u64], size: u64) -> Vec<u64> {
    let window = Window::whole(shape);
    let first = Parts::new(&window, CHUNK.checked_div(size).unwrap_or(1)).part(0);
    first.into_iter().map(|range| range.end.saturating_sub(range.start).max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zarr::FillValue;

    fn layout(dds: &str, das: &str, names: &[&str]) -> Result<Layout, String> {
        let limits = Limits::default();
        let dds = Dds::read(format!("Dataset {{ {dds} }} d;").as_bytes(), &limits).unwrap();
        let das = Das::read(format!("Attributes {{ {das} }}").as_bytes(), &limits).unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Layout::new(&dds, &das, &names, &limits).map_err(|error| error.to_string())
    }

    /// Each array: its path, type, shape, attributes, and what it is asked for by.
    fn told(layout: &Layout) -> Vec<String> {
        let line = |(path, array): (&str, &crate::reference::Array)| {
            let sent: Vec<&str> = layout.served[path].path.iter().map(|name| &*name.sent).collect();
            let Dtype::Simple(dtype) = &array.metadata.dtype else { panic!() };
            let attributes = serde_json::to_string(&array.attributes).unwrap();
            format!("{path} {dtype} {:?} {attributes} by {}", array.metadata.shape, sent.join("."))
        };
        layout.set.arrays().map(line).collect()
    }

    fn refused(layout: &Layout) -> Vec<String> {
        layout.refused.iter().map(|refused| format!("{}: {}", refused.path, refused.reason)).collect()
    }

    const GRIDS: &str = "Float32 lat[lat = 2]; Grid { Array: Int16 sst[time = 3][lat = 2]; Maps: Float64 time[time = 3]; Float32 lat[lat = 2]; } sst;
        Grid { Array: Byte mask[time = 3]; Maps: Float64 time[time = 3]; } mask;";

    #[test]
    fn a_grid_is_its_array_and_maps_are_coordinates_once() {
        let das = "sst { Int16 _FillValue -99; String units \"K\"; } lat { String units \"degrees\"; } mask { time { Byte n 1; } }
            time { String units \"days\"; } NC_GLOBAL { String title \"t\"; } DODS_EXTRA { String Unlimited_Dimension \"time\"; }";
        let layout = layout(GRIDS, das, &[]).unwrap();
        let expected = [
            r#"lat <f4 [2] {"_ARRAY_DIMENSIONS":["lat"],"units":"degrees"} by lat"#,
            r#"sst <i2 [3, 2] {"_ARRAY_DIMENSIONS":["time","lat"],"units":"K"} by sst.sst"#,
            r#"mask |u1 [3] {"_ARRAY_DIMENSIONS":["time"],"time.n":1} by mask.mask"#,
            r#"time <f8 [3] {"_ARRAY_DIMENSIONS":["time"],"units":"days"} by sst.time"#,
        ];
        assert_eq!(told(&layout), expected);
        assert_eq!(refused(&layout), Vec::<String>::new());
        let Some(crate::reference::Node::Array(sst)) = layout.set.node("sst") else { panic!() };
        assert_eq!(sst.metadata.fill_value, Some(FillValue::Signed(-99)));
        let Some(crate::reference::Node::Group(root)) = layout.set.node("") else { panic!() };
        assert_eq!(serde_json::to_string(root).unwrap(), r#"{"title":"t","DODS_EXTRA.Unlimited_Dimension":"time"}"#);
        assert_eq!(layout.unlimited(), BTreeSet::from(["time".to_owned()]));
    }

    #[test]
    fn structures_and_names_with_slashes_are_groups() {
        let dds = "Structure { Structure { Byte a%20b[2]; } in; Int32 n; } out; Url /g/u[x = 1]; String s;";
        let das =
            "out { String of \"out\"; in { a%20b { Byte x 1; } } } /g/u { Byte y 2; } s { DODS { Int32 strlen 3; } }";
        let layout = layout(dds, das, &[]).unwrap();
        let expected = [
            r#"s |O [] {"_ARRAY_DIMENSIONS":[],"DODS.strlen":3} by s"#,
            r#"out/n <i4 [] {"_ARRAY_DIMENSIONS":[]} by out.n"#,
            r#"g/u |O [1] {"_ARRAY_DIMENSIONS":["x"],"y":2} by /g/u"#,
            r#"out/in/a b |u1 [2] {"_ARRAY_DIMENSIONS":["a b_0"],"x":1} by out.in.a%20b"#,
        ];
        let mut found = told(&layout);
        found.sort_by_key(|line| expected.iter().position(|expected| expected == line));
        assert_eq!(found, expected);
        let groups: Vec<&str> = layout
            .set
            .nodes
            .iter()
            .map(|(path, _)| path.as_str())
            .filter(|path| !layout.served.contains_key(*path))
            .collect();
        assert_eq!(groups, ["", "g", "out", "out/in"]);
        assert_eq!(told(&layout).len(), 4);
    }

    #[test]
    fn what_has_no_place_is_refused_by_name() {
        let dds = "Sequence { Byte b; } table; Structure { Byte r; } z[2]; Int64 wide; Byte .zarray; Byte a; Byte a; Byte a%2Fb; Byte //; Byte n%00; Byte b\\b;
            Grid { Array: Byte g[lat = 3]; Maps: Float32 lat[lat = 3]; } g; Float32 lat[lat = 2];
            Byte huge[99999999999][99999999999];";
        let layout = layout(dds, "a { Int32 bad x; Alias b c; }", &[]).unwrap();
        let mut found = refused(&layout);
        found.sort();
        let mut expected = [
            "/table: a Sequence, a table of DAP2, is not supported",
            "/z: an array of Structures is not supported",
            "/wide: its type Int64 is none of DAP2",
            "/.zarray: its name cannot be a Zarr key",
            "/a: its path is that of another variable",
            "/a/b: its path is that of another variable and of what lies in it",
            "//: its name cannot be a Zarr key",
            "/n\0: its name cannot be a Zarr key",
            "/b\\b: its name cannot be a Zarr key",
            "/lat: its path is that of another variable",
            "/huge: it has more than 2^64 elements",
            "/a: attribute bad: x is no Int32",
            "/a: attribute b: it is another name for c",
        ];
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn only_what_is_named_is_there() {
        let paths = |names: &[&str]| -> Result<Vec<String>, String> {
            Ok(layout(GRIDS, "", names)?.served.into_keys().collect())
        };
        assert_eq!(paths(&["mask"]).unwrap(), ["mask", "time"]);
        assert_eq!(paths(&["sst.lat", "mask.mask"]).unwrap(), ["lat", "mask"]);
        assert_eq!(paths(&["lat", "tnm"]).unwrap_err(), "tnm: no such object");
        assert_eq!(paths(&["ma"]).unwrap_err(), "ma: no such object");
    }

    #[test]
    fn chunks_are_whole_rows() {
        assert_eq!(chunks(&[1512, 621, 1405], 4), [4, 621, 1405]);
        assert_eq!(chunks(&[5, 100_000, 100_000], 4), [1, 41, 100_000]);
        assert_eq!(chunks(&[0, 3], 8), [1, 3]);
        assert_eq!(chunks(&[], 8), [0; 0]);
    }
}
