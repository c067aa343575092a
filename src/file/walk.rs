//! The walk over a file's groups: every object once, under every path that hard links give it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::File;
use super::group::Entry;
use super::object::Header;
use super::tree::{Content, Link, LinkKind, Node, Object, Tree};
use crate::error::{Error, Problem, Structure};
use crate::field::Address;
use crate::field::convert::{narrow, wide};
use crate::limits::check;
use crate::source::{Gather, Halt, attempt, both};
use crate::structure::message::link::Target;
use crate::structure::message::symbol_table::SymbolTable;

/// How much of each object a walk reads.
pub(crate) struct Detail<'a> {
    /// The paths of datasets whose chunk index is wanted.
    pub(crate) chunks: &'a dyn Fn(&str) -> bool,
}

/// A hard link on the way from the root.
struct Place {
    parent: Option<usize>,
    path: String,
    address: Address,
    /// What the parent knows of the group's symbol table.
    table: Option<SymbolTable>,
    depth: u64,
    members: Vec<usize>,
    links: Vec<Link>,
}

/// An object as far as its bytes are here.
struct Found {
    /// Links of a group; `None` while they are missing, or they cannot be read.
    links: Vec<Entry>,
    node: Option<Arc<Node>>,
}

impl File<'_> {
    /// Every object of the file. Objects are read in breadth: what one misses is fetched with what the others miss.
    pub(crate) fn walk(&self, detail: &Detail<'_>) -> Result<Tree, Halt> {
        if let Some(classic) = &self.classic {
            return Ok(self.classic_tree(classic, detail)?);
        }
        let mut gather = Gather::default();
        let mut places = vec![Place::root(self.superblock.root)];
        let mut known: BTreeMap<(Address, bool), Found> = BTreeMap::new();
        let mut next = 0_usize;
        while let Some(place) = places.get(next) {
            let key = (place.address, (detail.chunks)(&place.path));
            let found = known.entry(key).or_insert_with(|| self.find_object(key, place.table, &mut gather));
            let new = self.members(&places, next, &found.links)?;
            check("paths", wide(places.len()).saturating_add(wide(new.0.len())), self.limits().paths)?;
            let first = places.len();
            if let Some(place) = places.get_mut(next) {
                place.members = (first..first.saturating_add(new.0.len())).collect();
                place.links = new.1;
            }
            places.extend(new.0);
            next = next.saturating_add(1);
        }
        gather.finish(|| tree(places, &known, detail, self.limits().hops())).and_then(|tree| self.check_root(tree))
    }

    /// A file whose root group cannot be read is lost as a whole.
    fn check_root(&self, tree: Tree) -> Result<Tree, Halt> {
        match tree.objects.first().map(|root| &root.node.content) {
            Some(Ok(Content::Group)) | None => Ok(tree),
            Some(Ok(_)) => Err(self
                .problem_at(Structure::ObjectHeader, self.superblock.root, Problem::Missing("the root group"))
                .into()),
            Some(Err(error)) => Err(error.clone().into()),
        }
    }

    /// Reads an object; what misses goes to `gather`, without holding up what does not.
    fn find_object(
        &self,
        (address, with_chunks): (Address, bool),
        table: Option<SymbolTable>,
        gather: &mut Gather,
    ) -> Found {
        let header = match gather.attempt(self.header(address)) {
            None => {
                // Its links are fetched together with it. Whether they are its links indeed, its own symbol table message says later.
                let _ahead = table.and_then(|table| gather.attempt(self.old_links(table)));
                return Found { links: Vec::new(), node: None };
            }
            Some(Err(error)) => return Found { links: Vec::new(), node: Some(Arc::new(Node::unreadable(error))) },
            Some(Ok(header)) => header,
        };
        let links = if header.is_group() { gather.attempt(self.links(&header)) } else { Some(Ok(Vec::new())) };
        let content = match &links {
            Some(Ok(_)) => attempt(self.content(&header, with_chunks)),
            // The error is told as the group's own; what misses is noted already.
            _ => Ok(Ok(Content::Group)),
        };
        let node = gather.attempt(both(content, attempt(self.attributes(&header))));
        let links = match links {
            Some(Ok(links)) => links,
            Some(Err(error)) => return Found { links: Vec::new(), node: Some(Arc::new(Node::unreadable(error))) },
            None => Vec::new(),
        };
        let node = node.map(|node| {
            Arc::new(match node {
                Ok((content, attributes)) => Node { content, attributes },
                Err(error) => Node::unreadable(error),
            })
        });
        Found { links, node }
    }

    fn content(&self, header: &Header, with_chunks: bool) -> Result<Content, Halt> {
        if header.is_group() {
            Ok(Content::Group)
        } else if header.is_dataset() {
            Ok(Content::Dataset(Box::new(self.dataset(header, with_chunks)?)))
        } else {
            Ok(Content::Datatype(self.committed_datatype(header)?))
        }
    }

    /// The members of the group at `places[at]`, and its links that are none.
    fn members(&self, places: &[Place], at: usize, links: &[Entry]) -> Result<(Vec<Place>, Vec<Link>), Error> {
        let (mut members, mut others) = (Vec::new(), Vec::new());
        let Some(group) = places.get(at) else { return Ok((members, others)) };
        for Entry { link, table } in links {
            let path = group.join(&String::from_utf8_lossy(&link.name));
            let above = match &link.target {
                Target::Hard(address) => Place::above(places, at, *address),
                _ => None,
            };
            let kind = match (&link.target, above) {
                _ if unnameable(&link.name).is_some() => LinkKind::Unnameable(unnameable(&link.name).unwrap_or("")),
                (Target::Hard(_), Some(above)) => LinkKind::Loop { group: above.path.clone() },
                (Target::Hard(address), None) => {
                    let depth = group.depth.saturating_add(1);
                    check("group_depth", depth, self.limits().group_depth)?;
                    members.push(Place {
                        path,
                        address: *address,
                        depth,
                        table: *table,
                        parent: Some(at),
                        members: Vec::new(),
                        links: Vec::new(),
                    });
                    continue;
                }
                (Target::Soft(target), _) => {
                    LinkKind::Soft { target: String::from_utf8_lossy(target).into_owned(), object: None }
                }
                (Target::External { file, path }, _) => LinkKind::External {
                    file: String::from_utf8_lossy(file).into_owned(),
                    path: String::from_utf8_lossy(path).into_owned(),
                },
                (Target::UserDefined(kind), _) => LinkKind::UserDefined(*kind),
            };
            others.push(Link { path, kind });
        }
        Ok((members, others))
    }
}

impl Node {
    fn unreadable(error: Error) -> Self {
        Self { content: Err(error), attributes: Ok(Vec::new()) }
    }
}

impl Place {
    fn root(address: Address) -> Self {
        Self {
            parent: None,
            path: "/".to_owned(),
            address,
            table: None,
            depth: 0,
            members: Vec::new(),
            links: Vec::new(),
        }
    }

    fn join(&self, name: &str) -> String {
        if self.parent.is_none() { format!("/{name}") } else { format!("{}/{name}", self.path) }
    }

    /// The object at `address`, if it is `places[at]` or a group that it lies in.
    fn above(places: &[Place], at: usize, address: Address) -> Option<&Place> {
        std::iter::successors(places.get(at), |place| places.get(place.parent?)).find(|place| place.address == address)
    }
}

/// Why a link's name cannot be part of a path.
pub(super) fn unnameable(name: &[u8]) -> Option<&'static str> {
    match name {
        b"" => Some("it is empty"),
        b"." | b".." => Some("it is . or .."),
        _ if name.contains(&b'/') => Some("it contains a slash"),
        _ if name.contains(&0) => Some("it contains NUL"),
        _ if std::str::from_utf8(name).is_err() => Some("it is not UTF-8"),
        _ => None,
    }
}

/// The places in depth-first order, and their links resolved.
fn tree(mut places: Vec<Place>, known: &BTreeMap<(Address, bool), Found>, detail: &Detail<'_>, hops: u64) -> Tree {
    let (mut objects, mut links) = (Vec::with_capacity(places.len()), Vec::new());
    let mut stack = vec![0_usize];
    while let Some(at) = stack.pop() {
        let Some(place) = places.get_mut(at) else { continue };
        let key = (place.address, (detail.chunks)(&place.path));
        if let Some(node) = known.get(&key).and_then(|found| found.node.clone()) {
            let path = std::mem::take(&mut place.path);
            objects.push(Object { path, address: place.address.0, node });
        }
        links.append(&mut place.links);
        stack.extend(place.members.iter().rev());
    }
    resolve(&objects, &mut links, narrow(hops));
    Tree { objects, links, dimensions: Vec::new() }
}

/// Where a link leads that is on the way to an object.
#[derive(Clone, Copy)]
enum Way<'a> {
    /// To a path, relative to the link's group.
    Soft(&'a str),
    /// To the group at a path.
    Loop(&'a str),
}

impl<'a> Way<'a> {
    fn of(link: &'a Link) -> Option<Self> {
        match &link.kind {
            LinkKind::Soft { target, .. } => Some(Self::Soft(target)),
            LinkKind::Loop { group } => Some(Self::Loop(group)),
            _ => None,
        }
    }
}

/// Follows soft links, at most `hops` of them in a row.
fn resolve(objects: &[Object], links: &mut [Link], hops: usize) {
    if links.is_empty() {
        return;
    }
    let paths: BTreeSet<&str> = objects.iter().map(|object| object.path.as_str()).collect();
    let ways = links.iter().filter_map(|link| Some((link.path.as_str(), Way::of(link)?)));
    let ways: BTreeMap<&str, Way<'_>> = ways.collect();
    let led = |link: &Link| match &link.kind {
        LinkKind::Soft { .. } => follow(&link.path, &paths, &ways, hops),
        _ => None,
    };
    let led: Vec<Option<String>> = links.iter().map(led).collect();
    for (link, led) in links.iter_mut().zip(led) {
        if let LinkKind::Soft { object, .. } = &mut link.kind {
            *object = led;
        }
    }
}

/// The path of the object that the soft link at `path` leads to.
fn follow(path: &str, paths: &BTreeSet<&str>, ways: &BTreeMap<&str, Way<'_>>, hops: usize) -> Option<String> {
    let mut wanted = path.to_owned();
    for _ in 0..=hops {
        match one_way(&wanted, ways)? {
            Led::Here(path) => return paths.contains(path.as_str()).then_some(path),
            Led::On(path) => wanted = path,
        }
    }
    None
}

/// Where a path leads without soft links, or with the first of them.
enum Led {
    Here(String),
    On(String),
}

/// Goes along a path, name by name, up to its end or its first soft link.
fn one_way(path: &str, ways: &BTreeMap<&str, Way<'_>>) -> Option<Led> {
    let (mut here, mut rest) = (String::new(), path);
    while let Some((_, after)) = rest.split_once('/').filter(|(_, after)| !after.is_empty()) {
        let (name, left) = after.split_at_checked(after.find('/').unwrap_or(after.len()))?;
        let group = here.len();
        here.push('/');
        here.push_str(name);
        match ways.get(here.as_str()) {
            Some(Way::Loop(above)) => above.trim_end_matches('/').clone_into(&mut here),
            Some(Way::Soft(target)) => {
                here.truncate(group);
                return Some(Led::On(absolute(&here, &format!("{target}{left}"))));
            }
            None => {}
        }
        rest = left;
    }
    Some(Led::Here(if here.is_empty() { "/".to_owned() } else { here }))
}

/// A soft link's target as an absolute path: `.` is the group itself; `..` is a name like any other (`H5G__traverse_real`).
fn absolute(group: &str, target: &str) -> String {
    let start = if target.starts_with('/') { "" } else { group };
    let parts = start.split('/').chain(target.split('/')).filter(|part| !part.is_empty() && *part != ".");
    let path = parts.fold(String::new(), |path, part| path + "/" + part);
    if path.is_empty() { "/".to_owned() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::proofs::{exceeded, refusals, tree_of, tree_within};
    use crate::limits::Limits;
    use crate::structure::proofs::{message_of, with};

    const NESTED: &[u8] = include_bytes!("../../testdata/group/nested.h5");
    const SOFT_LINKS: &[u8] = include_bytes!("../../testdata/group/soft_links.h5");

    /// Where the soft link at `path` leads, among the objects `/`, `/d`, `/g`, `/g/d`.
    fn led(path: &str, soft: &[(&str, &str)], hops: usize) -> Option<String> {
        let loops = [("/g/self", Way::Loop("/g")), ("/g/root", Way::Loop("/"))];
        let ways = soft.iter().map(|(path, target)| (*path, Way::Soft(target))).chain(loops).collect();
        follow(path, &["/", "/d", "/g", "/g/d"].into(), &ways, hops)
    }

    #[test]
    fn a_target_is_absolute_or_relative_to_the_links_group() {
        let one = |path: &str, target: &str| led(path, &[(path, target)], 16);
        assert_eq!(one("/l", "/g/d").as_deref(), Some("/g/d"));
        assert_eq!(one("/g/l", "d").as_deref(), Some("/g/d"));
        assert_eq!(one("/g/l", "/d").as_deref(), Some("/d"));
        assert_eq!(one("/l", "g//./d/").as_deref(), Some("/g/d"));
        assert_eq!(one("/g/l", ".").as_deref(), Some("/g"));
        assert_eq!(one("/l", "/").as_deref(), Some("/"));
        assert_eq!(one("/g/l", "../d"), None);
        assert_eq!(one("/l", "/nowhere"), None);
    }

    #[test]
    fn links_on_the_way_to_a_target_are_followed() {
        let soft = [("/to_g", "/g"), ("/l", "to_g/d"), ("/g/up", "/l")];
        assert_eq!(led("/l", &soft, 16).as_deref(), Some("/g/d"));
        assert_eq!(led("/g/up", &soft, 16).as_deref(), Some("/g/d"));
    }

    #[test]
    fn a_way_through_a_group_that_contains_itself_is_followed() {
        let one = |target: &str, hops| led("/l", &[("/l", target)], hops);
        assert_eq!(one("/g/self/d", 1).as_deref(), Some("/g/d"));
        assert_eq!(one("/g/self/self/root/g/self/d", 1).as_deref(), Some("/g/d"));
        assert_eq!(one("g/root", 1).as_deref(), Some("/"));
        assert_eq!(one("/g/self", 1).as_deref(), Some("/g"));
        assert_eq!(one("/g/self/none", 16), None);
        // Only soft links count.
        assert_eq!(one("/g/self/d", 0), None);
        assert_eq!(one(&format!("/g{}/d", "/self".repeat(10_000)), 1).as_deref(), Some("/g/d"));
        assert_eq!(led("/a", &[("/a", "/g/root/a")], 1_000), None);
    }

    #[test]
    fn links_that_lead_to_each_other_or_too_far_lead_nowhere() {
        assert_eq!(led("/a", &[("/a", "/b"), ("/b", "/a")], 1_000), None);
        assert_eq!(led("/a", &[("/a", "/a/x")], 16), None);
        let chain = [("/a", "/b"), ("/b", "/c"), ("/c", "/d")];
        assert_eq!(led("/a", &chain, 3).as_deref(), Some("/d"));
        assert_eq!(led("/a", &chain, 2), None);
    }

    #[test]
    fn soft_links_are_told_with_the_object_they_lead_to() {
        let soft = |path: &str, target: &str, object: Option<&str>| Link {
            path: path.to_owned(),
            kind: LinkKind::Soft { target: target.to_owned(), object: object.map(str::to_owned) },
        };
        let expected = [
            soft("/dangling", "/nowhere", None),
            soft("/loop_a", "/loop_b", None),
            soft("/loop_b", "/loop_a", None),
            soft("/to_dataset", "/g/d", Some("/g/d")),
            soft("/to_group", "/g", Some("/g")),
            soft("/g/relative", "d", Some("/g/d")),
        ];
        let tree = tree_of(SOFT_LINKS);
        assert_eq!(tree.links, expected);
        assert_eq!(tree.find("/to_dataset").unwrap().path, "/g/d");
        let none = tree_within(SOFT_LINKS, Limits { soft_links: 0, ..Limits::default() }).unwrap();
        assert!(none.links.iter().all(|link| matches!(link.kind, LinkKind::Soft { object: None, .. })));
    }

    #[test]
    fn a_group_that_it_lies_in_is_listed_and_not_entered() {
        for file in [
            &include_bytes!("../../testdata/group/cycle.h5")[..],
            include_bytes!("../../testdata/group/cycle_compact.h5"),
        ] {
            let tree = tree_of(file);
            let paths: Vec<_> = tree.objects.iter().map(|object| object.path.as_str()).collect();
            assert_eq!(paths, ["/", "/g", "/g/d", "/g/h"]);
            let loops: Vec<_> = tree.links.iter().map(|link| (link.path.as_str(), &link.kind)).collect();
            let kind = |group: &str| LinkKind::Loop { group: group.to_owned() };
            assert_eq!(loops, [("/g/self", &kind("/g")), ("/g/h/back", &kind("/g")), ("/g/h/root", &kind("/"))]);
        }
    }

    #[test]
    fn names_that_cannot_be_part_of_a_path_are_told() {
        let why = [&b""[..], b".", b"..", b"a/b", b"a\0", b"\xe9", b"...", "é".as_bytes()].map(unnameable);
        assert_eq!(
            why,
            [
                Some("it is empty"),
                Some("it is . or .."),
                Some("it is . or .."),
                Some("it contains a slash"),
                Some("it contains NUL"),
                Some("it is not UTF-8"),
                None,
                None
            ]
        );
    }

    #[test]
    fn a_file_whose_root_is_no_group_is_refused() {
        // Its symbol table message becomes NIL, so that nothing says what it is.
        let nothing = with(NESTED, 0x70, &[0]);
        assert_eq!(
            message_of(tree_within(&nothing, Limits::default()).map(drop)),
            "object header at 0x60: datatype message is missing (at 0x60)"
        );
        let broken = with(NESTED, 0x60, &[9]);
        assert_eq!(
            message_of(tree_within(&broken, Limits::default()).map(drop)),
            "object header at 0x60: signature is not \"OHDR\" (at 0x60)"
        );
    }

    #[test]
    fn deep_groups_and_many_paths_are_refused() {
        let told = |limits| refusals(NESTED, limits);
        assert_eq!(told(Limits { group_depth: 5, ..Limits::default() }), [exceeded("group_depth", 5, 6)]);
        assert_eq!(told(Limits { group_depth: 6, ..Limits::default() }), [""; 0]);
        assert_eq!(told(Limits { paths: 7, ..Limits::default() }), [exceeded("paths", 7, 8)]);
        assert_eq!(told(Limits { paths: 8, ..Limits::default() }), [""; 0]);
    }

    #[test]
    fn too_many_structures_or_bytes_of_metadata_are_refused() {
        let told = |limits| refusals(NESTED, limits);
        assert_eq!(told(Limits { structures: 0, ..Limits::default() }), [exceeded("structures", 0, 1)]);
        assert_eq!(told(Limits { metadata_bytes: 511, ..Limits::default() }), [exceeded("metadata_bytes", 511, 512)]);
        // The objects that were read before are told.
        let told = told(Limits { structures: 12, ..Limits::default() });
        assert!(told.iter().all(|told| told.starts_with("/a") && told.ends_with(&exceeded("structures", 12, 13))));
        assert!(!told.is_empty());
    }

    #[test]
    fn deep_datatypes_cost_their_dataset_only() {
        let file = include_bytes!("../../testdata/datatype/compound.h5");
        let told = refusals(file, Limits { datatype_depth: 2, ..Limits::default() });
        assert_eq!(told, ["/mixed", "/nested"].map(|path| format!("{path}: {}", exceeded("datatype_depth", 2, 3))));
    }

    #[test]
    fn too_many_chunks_are_refused_whatever_their_index() {
        let files: [(&[u8], u64); 4] = [
            (include_bytes!("../../testdata/chunk/btree_v1.h5"), 6),
            (include_bytes!("../../testdata/chunk/fixed_array_one_page.h5"), 1_024),
            (include_bytes!("../../testdata/chunk/extensible_array_second.h5"), 4),
            (include_bytes!("../../testdata/chunk/btree_v2_levels.h5"), 200),
        ];
        for (file, chunks) in files {
            let told = refusals(file, Limits { chunks: chunks - 1, ..Limits::default() });
            assert!(told[0].ends_with(&exceeded("chunks", chunks - 1, chunks)), "{told:?}");
        }
        let implicit =
            refusals(include_bytes!("../../testdata/chunk/implicit.h5"), Limits { chunks: 11, ..Limits::default() });
        assert_eq!(implicit, [format!("/d: {}", exceeded("chunks", 11, 12))]);
    }
}
