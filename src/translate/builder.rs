//! Nodes and report in the making.

use std::collections::{BTreeMap, BTreeSet};

use super::attribute::{Paths, attributes};
use super::external_link::Linked;
use super::fill::is_moved;
use super::flags::flags;
use super::options::LinkPolicy;
use super::report::{Outcome, Report, Status};
use super::scope::Scope;
use super::subject::Parts;
use crate::error::{Error, Unsupported};
use crate::file::{Content, Link, LinkKind, Object, Tree};
use crate::limits::Budget;
use crate::netcdf::{Dimensions, is_dimension_only, variable_name};
use crate::reference::{Array, Manifest, Node, Split, UrlId, Urls};
use crate::zarr::{Attributes, Dtype};

/// Nodes and report in the making.
pub(crate) struct Builder<'a> {
    scope: &'a Scope<'a>,
    dimensions: &'a Dimensions,
    paths: &'a Paths<'a>,
    /// The paths of all variables: a name that netCDF-C changed is changed back only where it is free.
    variables: BTreeSet<&'a str>,
    seen: BTreeSet<u64>,
    /// Where the array of a path is.
    arrays: BTreeMap<String, usize>,
    budget: &'a Budget,
    /// The files that are referenced, first the translated one or its members.
    pub(crate) urls: Vec<String>,
    pub(crate) nodes: Vec<(String, Node)>,
    pub(crate) report: Report,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(
        scope: &'a Scope<'a>,
        tree: &'a Tree,
        dimensions: &'a Dimensions,
        paths: &'a Paths<'a>,
        (budget, urls): (&'a Budget, Vec<String>),
    ) -> Self {
        let variables = tree.objects.iter().filter(|object| !is_dimension_only(object));
        let variables = variables.map(|object| object.path.as_str()).collect();
        let (seen, arrays, nodes, report) = (BTreeSet::new(), BTreeMap::new(), Vec::new(), Report::default());
        Self { scope, dimensions, paths, variables, seen, arrays, budget, urls, nodes, report }
    }

    pub(crate) fn object(&mut self, object: &Object, array: Option<Result<Parts, Error>>) {
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
        self.adopt(&mut chunks, &urls);
        let mut array = Array { metadata, attributes: Attributes::default(), chunks };
        let whole = self.split(&object.path, &mut array);
        self.report.add(&object.path, Status::of(&array.chunks));
        self.report.outcomes.extend(whole);
        let mut names = self.dimensions.names(&object.path).to_vec();
        let name = object.path.rsplit('/').next().unwrap_or_default();
        // An array type's own dimensions.
        names.extend((names.len()..array.metadata.shape.len()).map(|axis| format!("{name}_dim_{axis}")));
        let moved = |attribute: &_| is_moved(attribute, &dataset.datatype);
        let mut attributes =
            attributes(object, self.paths, moved, Attributes::with_dimensions(&names), &mut self.report);
        flags(object, &dataset.datatype, &mut attributes, (self.budget, &mut self.report));
        array.attributes = attributes;
        if has_replaced_names(&array.metadata.dtype) {
            let (told, why) = ("fields with U+FFFD in their names".to_owned(), "those of the file are not UTF-8");
            self.report.add(&object.path, Status::Renamed { told, why });
        }
        self.push(&object.path, array);
    }

    /// Splits large chunks, where that is asked for and possible; why it is not possible is told.
    fn split(&self, path: &str, array: &mut Array) -> Option<Outcome> {
        let most = self.scope.options.split_contiguous.filter(|most| array.is_larger(*most))?;
        let key = self.scope.key(path).unwrap_or_default();
        let error = array.split(key, &Split::Bytes(most), &self.scope.options.limits).err()?;
        let why = error.to_string();
        let why = why.strip_prefix(&format!("{key}: ")).unwrap_or(&why).to_owned();
        Some(Outcome { path: path.to_owned(), status: Status::Whole(why) })
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
    pub(crate) fn external(&mut self, link: &Link, linked: Result<Linked, Error>) {
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
    pub(crate) fn link(&mut self, link: &Link) {
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

/// Whether names of fields have U+FFFD in them, which stands for bytes that are not UTF-8.
fn has_replaced_names(dtype: &Dtype) -> bool {
    matches!(dtype, Dtype::Structured(fields) if fields.iter().any(|field| field.0.contains('\u{fffd}')))
}

#[cfg(test)]
mod tests {
    use super::super::proofs::{array, keys, within};
    use super::*;
    use crate::file::proofs::resealed;
    use crate::limits::Limits;
    use crate::structure::proofs::with;

    /// "/first", "/second" and "/g/third" are one dataset.
    const HARD_LINKS: &[u8] = include_bytes!("../../testdata/group/hard_links.h5");
    const SOFT_LINKS: &[u8] = include_bytes!("../../testdata/group/soft_links.h5");
    /// A variable `x` along `y`, which netCDF-C calls `_nc4_non_coord_x`.
    const RENAMED: &[u8] = include_bytes!("../../testdata/netcdf/name_of_other_dimension.nc");

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
    fn a_name_that_netcdf_changed_is_changed_back_where_it_is_free() {
        assert_eq!(keys(RENAMED, |_| ()), ["", "x", "d"]);
        assert_eq!(listed(RENAMED), ["/x: a dimension without variable", "/y: a dimension without variable"]);
        // A scale whose name says something else is a variable: then `x` is not free.
        let at = RENAMED.windows(9).position(|bytes| bytes == b"This is a").unwrap();
        let header = RENAMED[..at].windows(4).rposition(|bytes| bytes == b"OHDR" || bytes == b"OCHK").unwrap();
        assert_eq!(keys(&resealed(RENAMED, header, at, b"t"), |_| ()), ["", "x", "_nc4_non_coord_x", "d"]);
    }

    #[test]
    fn fields_whose_names_are_not_utf8_are_said_to_be_told_otherwise() {
        let file = include_bytes!("../../testdata/datatype/compound.h5");
        assert_eq!(within(file, Limits::default()).1.renamed().count(), 0);
        // The first member of `packed`: its name, padding and offset.
        let member = b"a\0\0\0\0\0\0\0\0\0\0\0";
        let at = file.windows(member.len()).position(|bytes| bytes == member).unwrap();
        let (_, report) = within(&with(file, at, &[0xe9]), Limits::default());
        let said: Vec<_> = report.renamed().collect();
        let what = "told as fields with U+FFFD in their names, since those of the file are not UTF-8".to_owned();
        assert_eq!(said, [("/packed", what)]);
    }

    #[test]
    fn committed_datatypes_are_listed() {
        let told = listed(include_bytes!("../../testdata/datatype/committed.h5"));
        assert_eq!(
            told,
            ["/number: a committed datatype: int16", "/pair: a committed datatype: compound {a: int32, b: float32}"]
        );
    }
}
