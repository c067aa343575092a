//! The walk over a file's groups: every object once, under every path that hard links give it.

use std::collections::BTreeMap;
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
        gather.finish(|| tree(places, &known, detail, self.limits().soft_links)).and_then(|tree| self.check_root(tree))
    }

    /// A file whose root group cannot be read is lost as a whole.
    fn check_root(&self, mut tree: Tree) -> Result<Tree, Halt> {
        let Some(root) = tree.objects.first_mut() else { return Ok(tree) };
        match Arc::get_mut(&mut root.node).map(|node| &mut node.content) {
            Some(Ok(Content::Group)) | None => Ok(tree),
            Some(Ok(_)) => Err(self
                .problem_at(Structure::ObjectHeader, self.superblock.root, Problem::Missing("the root group"))
                .into()),
            Some(content) => match std::mem::replace(content, Ok(Content::Group)) {
                Err(error) => Err(error.into()),
                Ok(_) => Ok(tree),
            },
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
            let kind = match &link.target {
                _ if unnameable(&link.name).is_some() => LinkKind::Unnameable(unnameable(&link.name).unwrap_or("")),
                Target::Hard(address) if Place::is_above(places, at, *address) => LinkKind::Loop,
                Target::Hard(address) => {
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
                Target::Soft(target) => {
                    LinkKind::Soft { target: String::from_utf8_lossy(target).into_owned(), object: None }
                }
                Target::External { file, path } => LinkKind::External {
                    file: String::from_utf8_lossy(file).into_owned(),
                    path: String::from_utf8_lossy(path).into_owned(),
                },
                Target::UserDefined(kind) => LinkKind::UserDefined(*kind),
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

    /// Whether the object at `address` is `places[at]` or a group that it lies in.
    fn is_above(places: &[Place], at: usize, address: Address) -> bool {
        std::iter::successors(places.get(at), |place| places.get(place.parent?)).any(|place| place.address == address)
    }
}

/// Why a link's name cannot be part of a path.
fn unnameable(name: &[u8]) -> Option<&'static str> {
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
    Tree { objects, links }
}

/// Follows soft links, at most `hops` of them in a row.
fn resolve(objects: &[Object], links: &mut [Link], hops: usize) {
    if links.is_empty() {
        return;
    }
    let paths: std::collections::BTreeSet<&str> = objects.iter().map(|object| object.path.as_str()).collect();
    let soft: BTreeMap<String, String> = links
        .iter()
        .filter_map(|link| match &link.kind {
            LinkKind::Soft { target, .. } => Some((link.path.clone(), target.clone())),
            _ => None,
        })
        .collect();
    for link in links {
        if let LinkKind::Soft { object, .. } = &mut link.kind {
            *object = follow(&link.path, &paths, &soft, hops);
        }
    }
}

/// The path of the object that the soft link at `path` leads to.
fn follow(
    path: &str,
    paths: &std::collections::BTreeSet<&str>,
    soft: &BTreeMap<String, String>,
    hops: usize,
) -> Option<String> {
    let mut path = path.to_owned();
    for _ in 0..=hops {
        if paths.contains(path.as_str()) {
            return Some(path);
        }
        // The shortest beginning of the path that is itself a soft link is replaced by its target.
        let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
        let (end, target) = ends.into_iter().find_map(|end| Some((end, soft.get(path.get(..end)?)?)))?;
        let (link, rest) = path.split_at_checked(end)?;
        let group = link.rsplit_once('/').map_or("", |(group, _)| group);
        path = absolute(group, &format!("{target}{rest}"));
    }
    None
}

/// A soft link's target as an absolute path: `.` is the group itself; `..` is a name like any other (`H5G__traverse_real`).
fn absolute(group: &str, target: &str) -> String {
    let start = if target.starts_with('/') { "" } else { group };
    let parts = start.split('/').chain(target.split('/')).filter(|part| !part.is_empty() && *part != ".");
    let path = parts.fold(String::new(), |path, part| path + "/" + part);
    if path.is_empty() { "/".to_owned() } else { path }
}
