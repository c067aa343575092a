//! A file's objects as the nodes of a reference set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::array::{Parts, Subject, array};
use super::attribute::{Paths, attributes};
use super::distinct::tell_apart;
use super::external_link::{Linked, linked};
use super::family;
use super::fill::is_moved;
use super::flags::flags;
use super::options::{LinkPolicy, Options};
use super::report::{Report, Status};
use super::virtual_dataset::current_extent;
use crate::error::{Error, Unsupported};
use crate::file::{ChunkTable, Content, CutOff, Detail, File, Link, LinkKind, Memo, Object, Tree};
use crate::limits::{Limits, check};
use crate::netcdf::{Dimensions, is_dimension_only, variable_name};
use crate::reference::{Array, Manifest, Node, ReferenceSet, UrlId, Urls};
use crate::source::{Halt, Input, Members, ReadAt, Resident, Scan, attempt, join};
use crate::zarr::Attributes;

/// Names that Zarr keeps for its own documents.
const RESERVED: [&str; 5] = [".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json"];

/// Translates a file that is here into references.
///
/// # Errors
/// [`Error::Format`] when it is no HDF5 file or its root group cannot be read, [`Error::NotFound`] when `options.group` is no
/// group, [`Error::Io`] and [`Error::Limit`]. What goes wrong with a single object is told by the report instead.
pub fn references(input: &Input, options: &Options) -> Result<(ReferenceSet, Report), Error> {
    input.run(|source| translate(source, &Memo::once(), options))
}

/// Everything that a file holds: groups, datasets with their chunk tables, attributes, links.
///
/// # Errors
/// As for [`references`].
pub fn tree(input: &Input, limits: Limits) -> Result<Tree, Error> {
    input.run(|source| File::open(source, limits, CutOff::Refuse, &Memo::once())?.walk(&Detail { chunks: &|_| true }))
}

impl Scan<(ReferenceSet, Report)> {
    /// A translation into references of a file of `size` bytes.
    pub fn references(size: u64, options: Options) -> Self {
        Self::translation(Resident::new(size), options)
    }

    /// A translation into references of a family whose members have these sizes. Ranges are those of the whole: byte `n` is byte
    /// `n % size` of member `n / size`, where `size` is that of the first.
    ///
    /// # Errors
    /// [`Error::Member`] when one but the last has another size than the first, or the last a larger one.
    pub fn references_of_family(sizes: &[u64], options: Options) -> Result<Self, Error> {
        Ok(Self::translation(Resident::family(Members::of(sizes)?), options))
    }

    fn translation(resident: Resident, options: Options) -> Self {
        let memo = Memo::replayed();
        Self::new(resident, options.limits, move |resident| translate(resident, &memo, &options))
    }
}

fn translate(source: &dyn ReadAt, memo: &Memo, options: &Options) -> Result<(ReferenceSet, Report), Halt> {
    let file = File::open(source, options.limits, options.cut_off, memo)?;
    translate_file(&file, options)
}

/// Translates a file that is open.
pub(crate) fn translate_file(file: &File<'_>, options: &Options) -> Result<(ReferenceSet, Report), Halt> {
    let urls = family::urls(file, options)?;
    let scope = Scope::new(options);
    let mut tree = file.walk(&Detail { chunks: &|path| scope.wants(path) })?;
    scope.check(&tree)?;
    let extents = extents(file, &tree.objects, options)?;
    for (object, extent) in tree.objects.iter_mut().zip(extents) {
        if let Some(extent) = extent {
            object.set_extent(extent);
        }
    }
    let dimensions = Dimensions::of(&tree);
    let chunks: Vec<_> = tree.objects.iter_mut().map(|object| scope.chunks(object)).collect();
    let paths = paths(&tree);
    let arrays = join(tree.objects.iter().zip(chunks), |(object, chunks)| {
        scope.array(file, &dimensions, &paths, object, chunks)
    })?;
    let linked = join(&tree.links, |link| scope.linked(file, link))?;
    let mut builder = Builder::new(&scope, &tree, &dimensions, &paths, urls);
    if file.missing() > 0 {
        builder.report.add("/", Status::Salvaged { missing: file.missing() });
    }
    for (object, array) in tree.objects.iter().zip(arrays) {
        builder.object(object, array);
    }
    for (link, linked) in tree.links.iter().zip(linked) {
        match linked {
            Some(linked) => builder.external(link, linked),
            None => builder.link(link),
        }
    }
    tell_apart(&mut builder.nodes);
    Ok((ReferenceSet { urls: builder.urls, nodes: builder.nodes }, builder.report))
}

/// The extents of virtual datasets that are those of their sources now; where they cannot be told, the translation of the dataset
/// says why.
fn extents(file: &File<'_>, objects: &[Object], options: &Options) -> Result<Vec<Option<Vec<u64>>>, Halt> {
    join(objects, |object| match object.dataset() {
        Some(dataset) => Ok(attempt(current_extent(file, dataset, options))?.ok().flatten()),
        None => Ok(None),
    })
}

/// The part of a file that is asked for.
struct Scope<'a> {
    options: &'a Options,
    /// What the paths of the group's members begin with, `/` at the end.
    prefix: String,
}

impl<'a> Scope<'a> {
    fn new(options: &'a Options) -> Self {
        let group = options.group.trim_matches('/');
        let prefix = if group.is_empty() { "/".to_owned() } else { format!("/{group}/") };
        Self { options, prefix }
    }

    fn check(&self, tree: &Tree) -> Result<(), Error> {
        let path = self.prefix.trim_end_matches('/');
        let root = tree.objects.iter().find(|object| object.path.trim_end_matches('/') == path);
        match root.map(|object| &object.node.content) {
            Some(Ok(Content::Group)) => Ok(()),
            Some(Err(error)) => Err(error.clone()),
            _ => Err(Error::NotFound { path: self.options.group.clone() }),
        }
    }

    /// Whether the dataset at a path is asked for.
    fn wants(&self, path: &str) -> bool {
        path.starts_with(&self.prefix) && self.options.select.chooses(path)
    }

    /// The key of the node at a path, if it lies in the group: the path below the group.
    fn key<'p>(&self, path: &'p str) -> Option<&'p str> {
        if path.len() + 1 == self.prefix.len() && self.prefix.starts_with(path) {
            return Some("");
        }
        path.strip_prefix(&self.prefix)
    }

    /// Refuses a path below the group that cannot be a key of a Zarr store.
    fn keyable(&self, key: &str) -> Result<(), Error> {
        if key.split('/').any(|part| RESERVED.contains(&part)) {
            return Err(Unsupported::Name("Zarr keeps it for a document of its own").into());
        }
        if key.contains('\\') {
            return Err(Unsupported::Name("readers take a backslash for a slash").into());
        }
        Ok(check("key_bytes", u64::try_from(key.len()).unwrap_or(u64::MAX), self.options.limits.key_bytes)?)
    }

    /// What an external link leads to, if it lies in the group and such are followed; an error costs this one only.
    fn linked(&self, file: &File<'_>, link: &Link) -> Result<Option<Result<Linked, Error>>, Halt> {
        let wanted = self.options.links == LinkPolicy::All && self.key(&link.path).is_some();
        if wanted { Ok(attempt(linked(file, link, self.options))?.transpose()) } else { Ok(None) }
    }

    /// Whether an object is a dataset that is asked for and becomes an array.
    fn is_array(&self, object: &Object) -> bool {
        self.wants(&object.path) && object.dataset().is_some() && !is_dimension_only(object)
    }

    /// The chunk table of an object, if it becomes an array that has one.
    fn chunks(&self, object: &mut Object) -> Option<Result<Arc<ChunkTable>, Error>> {
        if self.is_array(object) { object.take_chunks() } else { None }
    }

    /// The array that an object becomes, if it is a dataset that is asked for; an error costs this one only.
    fn array(
        &self,
        file: &File<'_>,
        dimensions: &Dimensions,
        paths: &Paths<'_>,
        object: &Object,
        chunks: Option<Result<Arc<ChunkTable>, Error>>,
    ) -> Result<Option<Result<Parts, Error>>, Halt> {
        let Some(dataset) = object.dataset().filter(|_| self.is_array(object)) else { return Ok(None) };
        let chunks = match chunks.transpose() {
            Ok(chunks) => chunks,
            Err(error) => return Ok(Some(Err(error))),
        };
        let subject = Subject { object, dataset, longer: dimensions.longer(&object.path), paths };
        attempt(array(file, subject, chunks, self.options)).map(Some)
    }
}

/// The first path of each object.
fn paths(tree: &Tree) -> Paths<'_> {
    let mut paths = Paths::new();
    for object in &tree.objects {
        paths.entry(object.address).or_insert(&object.path);
    }
    paths
}

/// Nodes and report in the making.
struct Builder<'a> {
    scope: &'a Scope<'a>,
    dimensions: &'a Dimensions,
    paths: &'a Paths<'a>,
    /// The paths of all variables: a name that netCDF-C changed is changed back only where it is free.
    variables: BTreeSet<&'a str>,
    seen: BTreeSet<u64>,
    /// Where the array of a path is.
    arrays: BTreeMap<String, usize>,
    /// The files that are referenced, first the translated one or its members.
    urls: Vec<String>,
    nodes: Vec<(String, Node)>,
    report: Report,
}

impl<'a> Builder<'a> {
    fn new(
        scope: &'a Scope<'a>,
        tree: &'a Tree,
        dimensions: &'a Dimensions,
        paths: &'a Paths<'a>,
        urls: Vec<String>,
    ) -> Self {
        let variables = tree.objects.iter().filter(|object| !is_dimension_only(object));
        let variables = variables.map(|object| object.path.as_str()).collect();
        let (seen, arrays, nodes, report) = (BTreeSet::new(), BTreeMap::new(), Vec::new(), Report::default());
        Self { scope, dimensions, paths, variables, seen, arrays, urls, nodes, report }
    }

    fn object(&mut self, object: &Object, array: Option<Result<Parts, Error>>) {
        let Some(key) = self.scope.key(&object.path) else { return };
        let first = self.seen.insert(object.address);
        if !first && self.scope.options.links == LinkPolicy::Once {
            return;
        }
        if let Err(error) = self.scope.keyable(key) {
            return self.refuse(&object.path, error);
        }
        match (&object.node.content, array) {
            (Err(error), _) => self.refuse(&object.path, error.clone()),
            (_, Some(Err(error))) => self.refuse(&object.path, error),
            (Ok(Content::Group), _) => self.group(object, key),
            (Ok(Content::Dataset(_)), Some(Ok(parts))) => self.array(object, parts),
            (Ok(Content::Dataset(_)), None) if is_dimension_only(object) => {
                self.report.add(&object.path, Status::Listed("a dimension without variable".to_owned()));
            }
            // Not asked for.
            (Ok(Content::Dataset(_)), None) => {}
            (Ok(Content::Datatype(datatype)), _) => {
                self.report.add(&object.path, Status::Listed(format!("a committed datatype: {}", datatype.name())));
            }
        }
    }

    fn refuse(&mut self, path: &str, error: Error) {
        self.report.add(path, Status::Refused(error));
    }

    fn group(&mut self, object: &Object, key: &str) {
        self.report.add(&object.path, Status::Group);
        let attributes = attributes(object, self.paths, |_| false, Attributes::default(), &mut self.report);
        self.nodes.push((key.to_owned(), Node::Group(attributes)));
    }

    fn array(&mut self, object: &Object, Parts { metadata, mut chunks, urls }: Parts) {
        let Some(dataset) = object.dataset() else { return };
        self.report.add(&object.path, Status::of(&chunks));
        self.adopt(&mut chunks, &urls);
        let mut names = self.dimensions.names(&object.path).to_vec();
        let name = object.path.rsplit('/').next().unwrap_or_default();
        // An array type's own dimensions.
        names.extend((names.len()..metadata.shape.len()).map(|axis| format!("{name}_dim_{axis}")));
        let moved = |attribute: &_| is_moved(attribute, &dataset.datatype);
        let mut attributes =
            attributes(object, self.paths, moved, Attributes::with_dimensions(&names), &mut self.report);
        flags(object, &dataset.datatype, &mut attributes, &mut self.report);
        self.push(&object.path, Array { metadata, attributes, chunks });
    }

    /// Gives chunks in other files the ids that these files have in the set.
    fn adopt(&mut self, chunks: &mut Manifest, urls: &[String]) {
        if urls.is_empty() {
            return;
        }
        let known: Vec<UrlId> = urls.iter().map(|url| self.intern(url)).collect();
        let here = |id: UrlId| usize::try_from(id.0).ok().and_then(|id| known.get(id)).copied().unwrap_or_default();
        match &mut chunks.urls {
            Urls::One(id) => *id = here(*id),
            Urls::Each(ids) => ids.iter_mut().for_each(|id| *id = here(*id)),
        }
    }

    fn intern(&mut self, url: &str) -> UrlId {
        let at = self.urls.iter().position(|known| known == url).unwrap_or_else(|| {
            self.urls.push(url.to_owned());
            self.urls.len() - 1
        });
        UrlId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Adds an array under the key of its path.
    fn push(&mut self, path: &str, array: Array) {
        let key = self.scope.key(path).unwrap_or_default();
        let (group, name) = key.rsplit_once('/').map_or(("", key), |(group, name)| (group, name));
        let plain = path.strip_suffix(name).map(|group| format!("{group}{}", variable_name(name)));
        let free = plain.is_some_and(|plain| !self.variables.contains(plain.as_str()));
        let name = if free { variable_name(name) } else { name };
        let key = if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") };
        self.arrays.insert(path.to_owned(), self.nodes.len());
        self.nodes.push((key, Node::Array(Box::new(array))));
    }

    /// What an external link leads to, under the path of the link.
    fn external(&mut self, link: &Link, linked: Result<Linked, Error>) {
        let Some(key) = self.scope.key(&link.path) else { return };
        let Linked { set, report } = match self.scope.keyable(key).and(linked) {
            Ok(linked) => linked,
            Err(error) => return self.refuse(&link.path, error),
        };
        for (below, node) in set.nodes {
            let key = if below.is_empty() { key.to_owned() } else { format!("{key}/{below}") };
            let mut node = node;
            if let Node::Array(array) = &mut node {
                self.adopt(&mut array.chunks, &set.urls);
            }
            self.nodes.push((key, node));
        }
        for outcome in report.outcomes {
            self.report.add(&format!("{}{}", link.path, outcome.path), outcome.status);
        }
    }

    /// A soft link to an array is that array once more; every other link is listed.
    fn link(&mut self, link: &Link) {
        let Some(key) = self.scope.key(&link.path) else { return };
        let listed = match &link.kind {
            LinkKind::Unnameable(reason) => return self.refuse(&link.path, Unsupported::Name(reason).into()),
            LinkKind::Soft { target, object: None } => format!("a soft link to {target}, which is not there"),
            LinkKind::Soft { target, object: Some(object) } => {
                let target_node = self.arrays.get(object).and_then(|at| self.nodes.get(*at));
                let wanted = self.scope.options.links == LinkPolicy::All && self.scope.wants(&link.path);
                if let (true, Ok(()), Some((_, Node::Array(array)))) = (wanted, self.scope.keyable(key), target_node) {
                    let array = Array::clone(array);
                    self.report.add(&link.path, Status::of(&array.chunks));
                    return self.push(&link.path, array);
                }
                format!("a soft link to {target}")
            }
            LinkKind::External { file, path } => format!("an external link to {path} of {file}"),
            LinkKind::UserDefined(kind) => format!("a user-defined link of type {kind}"),
            LinkKind::Loop { .. } => "a hard link to a group that it lies in".to_owned(),
        };
        self.report.add(&link.path, Status::Listed(listed));
    }
}

#[cfg(test)]
mod tests {
    use super::super::proofs::{array, refused, translated, within};
    use super::super::{Options, Select};
    use super::*;
    use crate::file::proofs::{exceeded, resealed};
    use crate::structure::proofs::{message_of, with};

    /// "/first", "/second" and "/g/third" are one dataset.
    const HARD_LINKS: &[u8] = include_bytes!("../../testdata/group/hard_links.h5");
    const SOFT_LINKS: &[u8] = include_bytes!("../../testdata/group/soft_links.h5");
    const NESTED: &[u8] = include_bytes!("../../testdata/group/nested.h5");
    /// A variable `x` along `y`, which netCDF-C calls `_nc4_non_coord_x`.
    const RENAMED: &[u8] = include_bytes!("../../testdata/netcdf/name_of_other_dimension.nc");

    fn keys(bytes: &[u8], change: impl FnOnce(&mut Options)) -> Vec<String> {
        translated(bytes, change).unwrap().0.nodes.into_iter().map(|(key, _)| key).collect()
    }

    /// What is listed, and why.
    fn listed(bytes: &[u8]) -> Vec<String> {
        let (_, report) = within(bytes, Limits::default());
        let listed = report.outcomes.into_iter().filter_map(|outcome| match outcome.status {
            Status::Listed(what) => Some(format!("{}: {what}", outcome.path)),
            _ => None,
        });
        listed.collect()
    }

    #[test]
    fn an_object_is_emitted_under_every_path_or_under_the_first() {
        assert_eq!(keys(HARD_LINKS, |_| ()), ["", "first", "g", "g/third", "second"]);
        assert_eq!(keys(HARD_LINKS, |options| options.links = LinkPolicy::Once), ["", "first", "g"]);
    }

    #[test]
    fn a_soft_link_to_an_array_is_that_array_and_any_other_is_listed() {
        assert_eq!(keys(SOFT_LINKS, |_| ()), ["", "g", "g/d", "to_dataset", "g/relative"]);
        let (set, _) = within(SOFT_LINKS, Limits::default());
        assert_eq!(array(&set, "to_dataset"), array(&set, "g/d"));
        assert_eq!(
            listed(SOFT_LINKS),
            [
                "/dangling: a soft link to /nowhere, which is not there",
                "/loop_a: a soft link to /loop_b, which is not there",
                "/loop_b: a soft link to /loop_a, which is not there",
                "/to_group: a soft link to /g"
            ]
        );
        assert_eq!(keys(SOFT_LINKS, |options| options.links = LinkPolicy::Once), ["", "g", "g/d"]);
    }

    #[test]
    fn links_that_lead_out_of_the_file_or_back_are_listed() {
        assert_eq!(
            listed(include_bytes!("../../testdata/group/cycle.h5")),
            [
                "/g/self: a hard link to a group that it lies in",
                "/g/h/back: a hard link to a group that it lies in",
                "/g/h/root: a hard link to a group that it lies in"
            ]
        );
        let external = listed(include_bytes!("../../testdata/group/external_link.h5"));
        assert!(matches!(&external[..], [one] if one.contains("an external link to /")), "{external:?}");
    }

    #[test]
    fn names_that_zarr_keeps_for_itself_are_refused() {
        for name in RESERVED.iter().filter(|name| name.len() < 8) {
            let at = HARD_LINKS.windows(7).position(|bytes| bytes == b"second\0").unwrap();
            let changed = with(HARD_LINKS, at, format!("{name}\0").as_bytes());
            let expected = format!("/{name}: name cannot be a Zarr key: Zarr keeps it for a document of its own");
            assert_eq!(refused(&changed, Limits::default()), [expected]);
            assert_eq!(keys(&changed, |_| ()), ["", "first", "g", "g/third"]);
        }
    }

    #[test]
    fn keys_that_are_too_long_are_refused() {
        assert_eq!(
            refused(HARD_LINKS, Limits { key_bytes: 5, ..Limits::default() }),
            [format!("/g/third: {}", exceeded("key_bytes", 5, 7)), format!("/second: {}", exceeded("key_bytes", 5, 6))]
        );
    }

    #[test]
    fn a_group_becomes_the_root() {
        for group in ["/a/b", "a/b", "/a/b/"] {
            let keys = keys(NESTED, |options| options.group = group.to_owned());
            assert_eq!(keys, ["", "c", "c/d", "c/d/e", "c/d/e/values"]);
        }
        for group in ["/a/x", "/a/b/c/d/e/values"] {
            let error = translated(NESTED, |options| options.group = group.to_owned());
            assert_eq!(message_of(error.map(drop)), format!("{group}: no such object"));
        }
    }

    #[test]
    fn only_datasets_that_are_chosen_are_translated() {
        let chosen = keys(HARD_LINKS, |options| options.select = Select::new(|path| path == "/second"));
        assert_eq!(chosen, ["", "g", "second"]);
    }

    #[test]
    fn a_name_that_netcdf_changed_is_changed_back_where_it_is_free() {
        assert_eq!(keys(RENAMED, |_| ()), ["", "x", "d"]);
        assert_eq!(listed(RENAMED), ["/x: a dimension without variable", "/y: a dimension without variable"]);
        // A scale whose name says something else is a variable: then `x` is not free.
        let at = RENAMED.windows(9).position(|bytes| bytes == b"This is a").unwrap();
        let header = RENAMED[..at].windows(4).rposition(|bytes| bytes == b"OHDR" || bytes == b"OCHK").unwrap();
        assert_eq!(keys(&resealed(RENAMED, header, at, b"t"), |_| ()), ["", "x", "_nc4_non_coord_x", "d"]);
    }

    #[test]
    fn committed_datatypes_are_listed() {
        let told = listed(include_bytes!("../../testdata/datatype/committed.h5"));
        assert_eq!(
            told,
            ["/number: a committed datatype: int16", "/pair: a committed datatype: compound {a: int32, b: float32}"]
        );
    }

    #[test]
    fn a_root_group_that_cannot_be_read_is_the_files_error() {
        let broken = with(NESTED, 0x60, &[9]);
        let expected = "object header at 0x60: signature is not \"OHDR\" (at 0x60)";
        assert_eq!(message_of(translated(&broken, |_| ()).map(drop)), expected);
        assert_eq!(
            message_of(translated(b"", |_| ()).map(drop)),
            "superblock at 0x0: every byte of the file is missing (at 0x0)"
        );
        assert_eq!(
            message_of(translated(b"CDF\x01 and more", |_| ()).map(drop)),
            "superblock at 0x0: the HDF5 signature is missing (at 0x0)"
        );
    }
}
