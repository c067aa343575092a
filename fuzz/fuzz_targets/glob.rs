//! Any pattern over any names: what is found is there.

#![no_main]

use std::collections::BTreeMap;

use h5refs::Error;
use h5refs::listing::{Entry, Glob, Kind, Listing, Mask, dates};
use h5refs_fuzz::limits;

libfuzzer_sys::fuzz_target!(|texts: (&str, Vec<&str>)| {
    let (pattern, names) = texts;
    let folders = Folders::new(names.iter().take(32));
    if let Ok(glob) = Glob::new(pattern, &limits())
        && let Ok(found) = glob.expand(&folders, &limits())
    {
        for one in found {
            let entry = folders.find(&one.path).expect("listings answer");
            assert_eq!(entry.map(|entry| entry.kind == Kind::Folder), Some(one.is_folder), "{:?}", one.path);
        }
    }
    let Ok(days) = dates(pattern, &limits()) else { return };
    if let Some(mask) = names.first().and_then(|name| Mask::new(name)) {
        for day in days.into_iter().take(4) {
            let _ = (mask.patterns(day), mask.name(day));
        }
    }
});

/// Names by the folders that they lie in.
struct Folders(BTreeMap<String, BTreeMap<String, Kind>>);

impl Folders {
    fn new<'a>(paths: impl Iterator<Item = &'a &'a str>) -> Self {
        let mut folders: BTreeMap<String, BTreeMap<String, Kind>> = BTreeMap::from([(String::new(), BTreeMap::new())]);
        for path in paths {
            let mut folder = String::new();
            let parts: Vec<&str> = path.split('/').filter(|part| !["", ".", ".."].contains(part)).take(8).collect();
            for (n, part) in parts.iter().enumerate() {
                let kind = if n + 1 < parts.len() { Kind::Folder } else { Kind::File };
                let known = folders.entry(folder.clone()).or_default().entry((*part).to_owned()).or_insert(kind);
                if kind == Kind::Folder {
                    *known = Kind::Folder;
                }
                folder = format!("{folder}{part}/");
            }
        }
        Self(folders)
    }
}

impl Listing for Folders {
    fn list(&self, folder: &str) -> Result<Vec<Entry>, Error> {
        let entry = |(name, kind): (&String, &Kind)| Entry { name: name.clone(), kind: *kind, state: None };
        Ok(self.0.get(folder).into_iter().flatten().map(entry).collect())
    }

    fn find(&self, path: &str) -> Result<Option<Entry>, Error> {
        let (folder, name) = path.rfind('/').map_or(("", path), |slash| path.split_at(slash + 1));
        let kind = self.0.get(folder).and_then(|names| names.get(name));
        Ok(kind.map(|kind| Entry { name: name.to_owned(), kind: *kind, state: None }))
    }
}
