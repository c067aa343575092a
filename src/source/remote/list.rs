//! What lies in a folder of a store.

use std::collections::HashSet;
use std::io::{Error as Io, ErrorKind};

use ::object_store::path::Path;
use ::object_store::{ListResult, ObjectMeta};
use futures_util::TryStreamExt;

use super::RemoteSources;
use crate::error::{Error, Unsupported};
use crate::source::State;
use crate::source::object_store::failure::Failure;
use crate::source::object_store::object::state;
use crate::source::object_store::{Object, Prefix};
use crate::source::secrets::without_secrets;

/// Most files that one listing gives.
const MOST: usize = 10_000_000;

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
    /// [`Error::NotAllowed`] when it may not be read, [`Error::Unsupported`] for http and https, which have no listings, and [`Error::Io`].
    pub fn list(&self, folder: &str) -> Result<Listed, Error> {
        self.listed(folder, false)
    }

    /// All files in a folder and in the folders below it; no folders.
    ///
    /// # Errors
    /// As [`list`](Self::list), and [`Error::Io`] when there are more than ten million.
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
        let object = Object { url: folder.into(), store: stores.store(&place)?, path, by_get: true };
        let asked = self.objects.runtime.run(async move {
            let answer = ask(&object, is_deep).await;
            let answer = match answer {
                Err(error) if Failure::is_expired(&error) => ask(&object, is_deep).await,
                answer => answer,
            };
            answer.map(|listed| (listed, object.path.clone())).map_err(|error| object.error(error))
        });
        let gone = || Error::io(without_secrets(folder), Io::new(ErrorKind::Interrupted, "the listing was given up"));
        let (listed, path) = asked.ok_or_else(gone)??;
        if listed.objects.len() > MOST {
            return Err(Error::io(
                without_secrets(folder),
                Io::other(format!("there are more than {MOST} files in it")),
            ));
        }
        Ok(sorted(place.root, &path, &listed, is_deep))
    }
}

/// The path of a folder in its store; that of the root is empty.
fn folder_path(root: &str, url: &str) -> Result<Path, &'static str> {
    let url = url.strip_suffix('/').unwrap_or(url);
    if url == root { Ok(Path::default()) } else { Prefix::new(root)?.path(url).ok_or("it names no folder")? }
}

async fn ask(object: &Object, is_deep: bool) -> ::object_store::Result<ListResult> {
    if !is_deep {
        return object.store.list_with_delimiter(Some(&object.path)).await;
    }
    let mut found = object.store.list(Some(&object.path));
    let mut objects = Vec::new();
    while let Some(one) = found.try_next().await? {
        objects.push(one);
        if objects.len() > MOST {
            break;
        }
    }
    Ok(ListResult { common_prefixes: Vec::new(), objects, extensions: ::object_store::Extensions::default() })
}

fn sorted(root: &str, folder: &Path, listed: &ListResult, is_deep: bool) -> Listed {
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
    Listed { folders, files }
}

/// The folders that a path lies in.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}
