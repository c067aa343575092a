//! What lies in a folder of a store.

use std::collections::HashSet;
use std::io::{Error as Io, ErrorKind};

use ::object_store::list::{PaginatedListOptions, PaginatedListStore};
use ::object_store::path::Path;
use ::object_store::{ListResult, ObjectMeta};

use super::RemoteSources;
use crate::error::{Error, Unsupported};
use crate::source::State;
use crate::source::object_store::failure::Failure;
use crate::source::object_store::object::state;
use crate::source::object_store::{Object, Prefix};
use crate::source::secrets::without_secrets;

/// Most names that one listing gives, and most pages that it has.
const MOST: usize = 1_000_000;

/// What lies in a folder, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The URLs of the folders in it, with a slash at their ends.
    pub folders: Vec<String>,
    /// The URLs of the files in it, and what they are.
    pub files: Vec<(String, State)>,
}

impl RemoteSources {
    /// What lies in a folder, as `s3://bucket/folder/`; nothing lies in one that is not there.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when it may not be read, [`Error::Unsupported`] for http and https, which have no listings, and [`Error::Io`],
    /// also when more than a million names lie there.
    pub fn list(&self, folder: &str) -> Result<Listed, Error> {
        self.listed(folder, false)
    }

    /// All files in a folder and in the folders below it; no folders.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn list_all(&self, folder: &str) -> Result<Listed, Error> {
        self.listed(folder, true)
    }

    fn listed(&self, folder: &str, is_deep: bool) -> Result<Listed, Error> {
        let refuse = |why: &str| Error::NotAllowed { url: without_secrets(folder), why: why.to_owned() };
        let stores = &self.objects.find;
        let place = stores.place(folder).map_err(refuse)?;
        if !stores.may(place.plain) {
            return Err(refuse("it lies under no prefix that may be read"));
        }
        if place.is_web() {
            return Err(Unsupported::Feature("listing folders of web servers").into());
        }
        let path = folder_path(place.root, place.plain).map_err(refuse)?;
        let opened = stores.store(&place)?;
        let pages = opened.pages.ok_or(Unsupported::Feature("listing folders of such stores"))?;
        let object = Object { url: folder.into(), store: opened.objects, path, by_get: true };
        let asked = self.objects.runtime.run(async move {
            let answer = ask(&*pages, &object.path, is_deep).await;
            let answer = match answer {
                Err(error) if Failure::is_expired(&error) => ask(&*pages, &object.path, is_deep).await,
                answer => answer,
            };
            answer.map(|listed| (listed, object.path.clone())).map_err(|error| object.error(error))
        });
        let gone = || Error::io(without_secrets(folder), Io::new(ErrorKind::Interrupted, "the listing was given up"));
        let (listed, path) = asked.ok_or_else(gone)??;
        sorted(place.root, &path, &listed, is_deep)
            .map_err(|why| Error::io(without_secrets(folder), Io::new(ErrorKind::InvalidData, why)))
    }
}

/// The path of a folder in its store; that of the root is empty.
pub(super) fn folder_path(root: &str, url: &str) -> Result<Path, &'static str> {
    let url = url.strip_suffix('/').unwrap_or(url);
    if url == root { Ok(Path::default()) } else { Prefix::new(root)?.path(url).ok_or("it names no folder")? }
}

/// All pages of a listing, as many as are reasonable.
async fn ask(pages: &dyn PaginatedListStore, path: &Path, is_deep: bool) -> ::object_store::Result<ListResult> {
    let wrong = |why: String| ::object_store::Error::Generic { store: "listing", source: why.into() };
    let prefix = (!path.as_ref().is_empty()).then(|| format!("{path}/"));
    let mut all = ListResult {
        common_prefixes: Vec::new(),
        objects: Vec::new(),
        extensions: ::object_store::Extensions::default(),
    };
    let mut token: Option<String> = None;
    for _ in 0..MOST {
        let delimiter = (!is_deep).then(|| "/".into());
        let options = PaginatedListOptions { delimiter, page_token: token.clone(), ..PaginatedListOptions::default() };
        let page = pages.list_paginated(prefix.as_deref(), options).await?;
        all.objects.extend(page.result.objects);
        all.common_prefixes.extend(page.result.common_prefixes);
        if all.objects.len().saturating_add(all.common_prefixes.len()) > MOST {
            return Err(wrong(format!("there are more than {MOST} names in it")));
        }
        match page.page_token {
            None => return Ok(all),
            next if next == token => return Err(wrong("the store gives the same page again".to_owned())),
            next => token = next,
        }
    }
    Err(wrong("its pages do not end".to_owned()))
}

fn sorted(root: &str, folder: &Path, listed: &ListResult, is_deep: bool) -> Result<Listed, &'static str> {
    if listed.common_prefixes.iter().any(|path| path == folder || path.as_ref().is_empty()) {
        return Err("a name in it begins with a slash, and no URL leads there");
    }
    let url = |path: &Path| format!("{root}/{path}");
    let mut folders: Vec<String> = listed.common_prefixes.iter().map(|path| format!("{}/", url(path))).collect();
    folders.sort_unstable();
    folders.dedup();
    let parents: HashSet<&str> = if is_deep {
        listed.objects.iter().flat_map(|one| parents(one.location.as_ref())).collect()
    } else {
        HashSet::new()
    };
    // An object without bytes that is called as a folder is a mark that some programs leave for it.
    let is_mark =
        |one: &ObjectMeta| one.location == *folder || (one.size == 0 && parents.contains(one.location.as_ref()));
    let files = listed.objects.iter().filter(|one| !is_mark(one));
    let mut files: Vec<(String, State)> = files.map(|one| (url(&one.location), state(one))).collect();
    files.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    Ok(Listed { folders, files })
}

/// The folders that a path lies in.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}
