//! Datasets by their paths, without a walk over the whole file.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::File;
use super::dataset::Dataset;
use super::group::Entry;
use crate::error::Unsupported;
use crate::field::Address;
use crate::limits::check;
use crate::source::Halt;
use crate::structure::message::link::Target;

/// A file whose groups are read as paths lead through them, each once.
pub(crate) struct Lookup<'f, 's> {
    file: &'f File<'s>,
    groups: RefCell<BTreeMap<Address, Rc<Members>>>,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Here(Address),
    /// By an external link to a path in another file, called by its stored name.
    Elsewhere {
        file: String,
        path: String,
    },
    Nowhere,
}

/// Where the links of a group lead, by name; `None` is no group.
type Members = Option<BTreeMap<Vec<u8>, Target>>;

impl<'f, 's> Lookup<'f, 's> {
    pub(crate) fn new(file: &'f File<'s>) -> Self {
        Self { file, groups: RefCell::default() }
    }

    /// The address of the object at a path from the root group, soft links followed.
    pub(crate) fn object(&self, path: &str) -> Result<Option<Address>, Halt> {
        match self.place(path)? {
            Place::Here(address) => Ok(Some(address)),
            Place::Nowhere => Ok(None),
            Place::Elsewhere { .. } => Err(Unsupported::Feature("a path that leads out of the file").into()),
        }
    }

    /// Where a path from the root group leads, soft links followed.
    pub(crate) fn place(&self, path: &str) -> Result<Place, Halt> {
        let mut way: VecDeque<Vec<u8>> = parts(path.as_bytes());
        if let Some(classic) = &self.file.classic {
            return Ok(classic.find(way.make_contiguous()).map_or(Place::Nowhere, Place::Here));
        }
        let (mut here, mut links) = (self.file.root(), 0_u64);
        while let Some(name) = way.pop_front() {
            let members = self.members(here)?;
            match members.as_ref().as_ref().and_then(|members| members.get(&name)) {
                None => return Ok(Place::Nowhere),
                Some(Target::Hard(address)) => here = *address,
                Some(Target::Soft(target)) => {
                    links = links.saturating_add(1);
                    check("soft_links", links, self.file.limits().hops())?;
                    here = if target.starts_with(b"/") { self.file.root() } else { here };
                    parts(target).into_iter().rev().for_each(|part| way.push_front(part));
                }
                Some(Target::External { file, path }) => {
                    let names = std::iter::once(path.clone()).chain(way).collect::<Vec<_>>().join(&b'/');
                    let [file, path] = [file, &names].map(|text| String::from_utf8_lossy(text).into_owned());
                    return Ok(Place::Elsewhere { file, path });
                }
                Some(Target::UserDefined(_)) => {
                    return Err(Unsupported::Feature("a path that leads out of the file").into());
                }
            }
        }
        Ok(Place::Here(here))
    }

    /// The dataset at an address, `with_chunks` with its chunk table; `None` is no dataset.
    pub(crate) fn dataset(&self, address: Address, with_chunks: bool) -> Result<Option<Dataset>, Halt> {
        if let Some(classic) = &self.file.classic {
            return Ok(self.file.classic_dataset(classic, address, with_chunks).transpose()?);
        }
        let header = self.file.header(address)?;
        if header.is_group() || !header.is_dataset() {
            return Ok(None);
        }
        self.file.dataset(&header, with_chunks).map(Some)
    }

    fn members(&self, address: Address) -> Result<Rc<Members>, Halt> {
        if let Some(known) = self.groups.borrow().get(&address) {
            return Ok(Rc::clone(known));
        }
        let header = self.file.header(address)?;
        let name = |Entry { link, .. }| (link.name, link.target);
        let members =
            if header.is_group() { Some(self.file.links(&header)?.into_iter().map(name).collect()) } else { None };
        let members = Rc::new(members);
        self.groups.borrow_mut().insert(address, Rc::clone(&members));
        Ok(members)
    }
}

/// The names on a path; `.` is the group itself.
fn parts(path: &[u8]) -> VecDeque<Vec<u8>> {
    let names = path.split(|byte| *byte == b'/');
    names.filter(|name| !name.is_empty() && *name != b".").map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::file::proofs::{exceeded, object, opened, tree_of};
    use crate::limits::Limits;

    const SOFT_LINKS: &[u8] = include_bytes!("../../testdata/group/soft_links.h5");

    fn found(bytes: &[u8], path: &str, limits: Limits) -> Result<Option<u64>, Error> {
        opened(bytes, limits, |file| Lookup::new(file).object(path)).map(|found| found.map(|address| address.0))
    }

    fn at(bytes: &[u8], path: &str) -> Option<u64> {
        found(bytes, path, Limits::default()).unwrap()
    }

    #[test]
    fn a_path_leads_through_groups_and_soft_links() {
        let tree = tree_of(SOFT_LINKS);
        let dataset = Some(object(&tree, "/g/d").address);
        for path in ["/g/d", "g/d", "//g/./d/", "/to_dataset", "/to_group/d", "/g/relative"] {
            assert_eq!(at(SOFT_LINKS, path), dataset, "{path}");
        }
        assert_eq!(at(SOFT_LINKS, "/"), Some(object(&tree, "/").address));
    }

    #[test]
    fn what_is_not_there_is_told_so() {
        for path in ["/nowhere", "/g/d/x", "/dangling", "/g/.."] {
            assert_eq!(at(SOFT_LINKS, path), None, "{path}");
        }
    }

    #[test]
    fn links_that_go_in_circles_or_out_of_the_file_are_refused() {
        let circle = found(SOFT_LINKS, "/loop_a", Limits::default()).unwrap_err();
        assert_eq!(circle.to_string(), exceeded("soft_links", 16, 17));
        let out = found(include_bytes!("../../testdata/group/external_link.h5"), "/elsewhere", Limits::default());
        assert_eq!(out.unwrap_err().to_string(), "a path that leads out of the file is not supported");
    }

    #[test]
    fn an_external_link_leads_to_the_rest_of_the_path_in_its_file() {
        let bytes = include_bytes!("../../testdata/group/external_link.h5");
        let place = |path| opened(bytes, Limits::default(), |file| Lookup::new(file).place(path)).unwrap();
        let elsewhere = |path: &str| Place::Elsewhere { file: "other.h5".to_owned(), path: path.to_owned() };
        assert_eq!(place("/elsewhere"), elsewhere("/path/in/it"));
        assert_eq!(place("/elsewhere/./a//b/"), elsewhere("/path/in/it/a/b"));
        assert_eq!(place("/d/elsewhere"), Place::Nowhere);
    }

    #[test]
    fn a_dataset_comes_with_its_chunks_and_a_group_is_none() {
        let bytes = include_bytes!("../../testdata/superblock/v0.h5");
        let dataset = |path| {
            opened(bytes, Limits::default(), |file| {
                let lookup = Lookup::new(file);
                let address = lookup.object(path)?.unwrap();
                lookup.dataset(address, true)
            })
        };
        assert!(dataset("/g").unwrap().is_none());
        let mut chunked = dataset("/g/chunked").unwrap().unwrap();
        assert_eq!(chunked.storage.chunks_mut().unwrap().as_ref().unwrap().as_ref().unwrap().len(), 2);
    }
}
