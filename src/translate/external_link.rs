//! External links: objects of other files under the paths of the links, followed only where the caller says which files may be.

use super::options::{Options, Select};
use super::report::Report;
use super::sidecar::Beside;
use super::walk::translate_file;
use crate::error::{Error, Unsupported};
use crate::file::{File, Link, LinkKind, Lookup, Memo};
use crate::reference::{Node, ReferenceSet};
use crate::source::{ExternalError, FoundExternal, Halt, attempt};

/// What an external link leads to.
#[derive(Debug, Default)]
pub(crate) struct Linked {
    /// The files of the arrays, and nodes by their keys below the link.
    pub(crate) set: ReferenceSet,
    /// What became of the objects, by their paths below the link.
    pub(crate) report: Report,
}

/// The objects that an external link leads to, if links are followed; those that it leads to by further external links are listed.
pub(crate) fn linked(
    file: &File<'_>,
    link: &Link,
    options: &Options,
    beside: &mut Beside<'_, '_, '_>,
) -> Result<Option<Linked>, Halt> {
    let (LinkKind::External { file: name, path }, Some(find)) = (&link.kind, &options.external) else {
        return Ok(None);
    };
    let refuse = |why: &str| Unsupported::ExternalLink { file: name.clone(), path: path.clone(), why: why.to_owned() };
    let found = match find.find(name) {
        Ok(found) => found,
        Err(ExternalError::Absent(why) | ExternalError::Refused(why)) => return Err(refuse(&why).into()),
    };
    let input = found.input().ok_or_else(|| refuse("it can be referenced, and not read"))??;
    let memo = Memo::once();
    let linked = input.run(|source| {
        let open = |file: &File<'_>| file.open_beside(source, options.cut_off, &memo);
        let made = open(file).and_then(|other| match beside {
            Beside::Possible => target(&other, &found, (link, path), options, Beside::Possible),
            Beside::Sidecar(again, sidecar) => {
                let again = open(again)?;
                target(&other, &found, (link, path), options, Beside::Sidecar(&again, sidecar))
            }
        });
        match attempt(made)? {
            Err(Error::Format(error)) => Err(refuse(&error.to_string()).into()),
            Err(Error::NotFound { .. }) => Err(refuse("there is no dataset and no group").into()),
            other => Ok(other?),
        }
    });
    Ok(Some(linked?))
}

/// The object at a path of another file, and what lies in it.
fn target(
    other: &File<'_>,
    found: &FoundExternal,
    (link, path): (&Link, &str),
    options: &Options,
    beside: Beside<'_, '_, '_>,
) -> Result<Linked, Halt> {
    let path = absolute(path);
    let lookup = Lookup::new(other);
    let not_found = || Error::NotFound { path: path.clone() };
    let address = lookup.object(&path)?.ok_or_else(not_found)?;
    let is_dataset = lookup.dataset(address, false)?.is_some();
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let mut inner =
        Options { url: found.url.clone(), members: Vec::new(), own_name: None, external: None, ..options.clone() };
    inner.group = if is_dataset { format!("/{}", parent.trim_start_matches('/')) } else { path.clone() };
    inner.select = selected(options.select.clone(), link.path.clone(), path.clone());
    let (mut set, mut report) = translate_file(other, &inner, beside)?;
    if is_dataset {
        // Its group and what else lies there are not what the link leads to.
        set.nodes.retain(|(key, node)| key == name && matches!(node, Node::Array(_)));
        set.nodes.iter_mut().for_each(|(key, _)| key.clear());
        report.outcomes.retain(|outcome| outcome.path == path);
    }
    if set.nodes.is_empty() && report.outcomes.is_empty() {
        return Err(not_found().into());
    }
    for outcome in &mut report.outcomes {
        outcome.path = below(&outcome.path, &path).to_owned();
    }
    Ok(Linked { set, report })
}

/// A path from the root group in its shortest form: libhdf5 passes over empty names and `.`.
fn absolute(path: &str) -> String {
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    format!("/{}", names.join("/"))
}

/// The choice of datasets by their paths below the link, as paths below what it leads to.
fn selected(select: Select, link: String, path: String) -> Select {
    Select::new(move |inner| {
        let is_inside = inner == path || below(inner, &path).starts_with('/');
        is_inside && select.chooses(&format!("{link}{}", below(inner, &path)))
    })
}

/// What a path has beyond that of an object: nothing, or what begins with a slash.
fn below<'p>(path: &'p str, object: &str) -> &'p str {
    if path == object { "" } else { path.strip_prefix(object.trim_end_matches('/')).unwrap_or(path) }
}
