//! Files of a set, called otherwise.

use std::collections::{BTreeMap, HashMap};

use super::EditError;
use crate::reference::{Node, Recorded, ReferenceSet, UrlId, Urls};

/// What came of renaming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Renamed {
    /// URLs that have another name.
    pub changed: usize,
    /// URLs that are the same as others now.
    pub merged: usize,
}

/// Calls the files of a set by other URLs: those for which `new` gives one. What was recorded of a file goes with it. URLs that become
/// one are one file.
///
/// # Errors
/// [`EditError::NoUrl`] for an empty URL, and [`EditError::TwoFiles`] where files of different sizes would become one. The set is then
/// what it was.
pub fn rename(set: &mut ReferenceSet, new: impl Fn(&str) -> Option<String>) -> Result<Renamed, EditError> {
    let name = |url: &str| match new(url) {
        Some(name) if name.is_empty() => Err(EditError::NoUrl { url: url.to_owned() }),
        name => Ok(name.unwrap_or_else(|| url.to_owned())),
    };
    let mut recorded: BTreeMap<String, Recorded> = BTreeMap::new();
    for (url, state) in &set.recorded {
        let url = name(url)?;
        let state = match recorded.get(&url) {
            Some(known) => both(&url, known, state)?,
            None => state.clone(),
        };
        recorded.insert(url, state);
    }
    let (mut urls, mut places, mut ids) = (Vec::new(), HashMap::new(), Vec::new());
    let mut renamed = Renamed::default();
    for url in &set.urls {
        let name = name(url)?;
        renamed.changed += usize::from(name != *url);
        let id = *places.entry(name.clone()).or_insert(UrlId(u32::try_from(urls.len()).unwrap_or(u32::MAX)));
        if usize::try_from(id.0).is_ok_and(|id| id == urls.len()) {
            urls.push(name);
        } else {
            renamed.merged += 1;
        }
        ids.push(id);
    }
    for (_, node) in &mut set.nodes {
        if let Node::Array(array) = node {
            renumber(&mut array.chunks.urls, &ids);
        }
    }
    (set.urls, set.recorded) = (urls, recorded);
    Ok(renamed)
}

/// What two files have in common that are to be one.
fn both(url: &str, one: &Recorded, other: &Recorded) -> Result<Recorded, EditError> {
    if one.size != other.size {
        return Err(EditError::TwoFiles { url: url.to_owned(), one: one.size, other: other.size });
    }
    Ok(Recorded {
        size: one.size,
        modified_ns: one.modified_ns.filter(|time| other.modified_ns == Some(*time)),
        etag: one.etag.clone().filter(|tag| other.etag.as_ref() == Some(tag)),
    })
}

fn renumber(urls: &mut Urls, ids: &[UrlId]) {
    let new = |id: UrlId| usize::try_from(id.0).ok().and_then(|at| ids.get(at)).copied().unwrap_or(id);
    match urls {
        Urls::One(id) => *id = new(*id),
        Urls::Each(each) => {
            for id in each.iter_mut() {
                *id = new(*id);
            }
            if let Some(first) = each.first().copied().filter(|first| each.iter().all(|id| id == first)) {
                *urls = Urls::One(first);
            }
        }
    }
}

/// A URL with its longest beginning that is the first of a pair replaced by the second; `None` where no pair fits.
pub fn longest_prefix(pairs: &[(String, String)], url: &str) -> Option<String> {
    let fitting = pairs.iter().filter_map(|(old, new)| Some((new, url.strip_prefix(old.as_str())?)));
    fitting.min_by_key(|(_, rest)| rest.len()).map(|(new, rest)| format!("{new}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{Builder, Reference};
    use crate::zarr::{ArrayMetadata, Attributes, Dtype};

    /// Arrays `a`, of the files `/a/1` and `/b/1`, and `b`, of `/b/1`.
    fn set() -> ReferenceSet {
        let mut builder = Builder::default();
        builder.group("", Attributes::default());
        let metadata = ArrayMetadata::new(vec![2], vec![1], Dtype::Simple("|u1".to_owned()), None, Vec::new());
        let a = builder.array("a", metadata.clone(), Attributes::default());
        let b = builder.array("b", metadata, Attributes::default());
        let urls = [builder.url("/a/1").unwrap(), builder.url("/b/1").unwrap()];
        let range = |url, offset| Reference::Range { url, offset, length: 1 };
        builder.chunk(a, 0, range(urls[0], 1));
        builder.chunk(a, 1, range(urls[1], 2));
        builder.chunk(b, 0, range(urls[1], 3));
        let mut set = builder.finish().unwrap();
        for url in ["/a/1", "/b/1", "/c/1"] {
            let state = Recorded { size: 9, modified_ns: Some(u64::from(url == "/a/1")), etag: None };
            set.recorded.insert(url.to_owned(), state);
        }
        set
    }

    /// Array, number of the chunk, URL.
    fn references(set: &ReferenceSet) -> Vec<(String, u64, String)> {
        let rows = set.arrays().flat_map(|(path, array)| {
            let number = |n: usize| (path.to_owned(), array.chunks.number[n], set.url(array.chunks.url(n)).to_owned());
            (0..array.chunks.number.len()).map(number).collect::<Vec<_>>()
        });
        rows.collect()
    }

    fn row(array: &str, number: u64, url: &str) -> (String, u64, String) {
        (array.to_owned(), number, url.to_owned())
    }

    #[test]
    fn some_files_are_called_otherwise_and_their_record_goes_with_them() {
        let mut set = set();
        let pairs = [("/".to_owned(), "file:///".to_owned()), ("/b/".to_owned(), "s3://b/".to_owned())];
        let renamed = rename(&mut set, |url| longest_prefix(&pairs, url)).unwrap();
        assert_eq!(renamed, Renamed { changed: 2, merged: 0 });
        assert_eq!(references(&set), [row("a", 0, "file:///a/1"), row("a", 1, "s3://b/1"), row("b", 0, "s3://b/1")]);
        assert_eq!(set.recorded.keys().collect::<Vec<_>>(), ["file:///a/1", "file:///c/1", "s3://b/1"]);
        let again = rename(&mut set, |_| None).unwrap();
        assert_eq!(again, Renamed::default());
    }

    #[test]
    fn files_that_become_one_are_one() {
        let mut set = set();
        let renamed = rename(&mut set, |url| Some(url.replace("/a/", "/b/"))).unwrap();
        assert_eq!((renamed, set.urls.as_slice()), (Renamed { changed: 1, merged: 1 }, ["/b/1".to_owned()].as_slice()));
        assert_eq!(references(&set), [row("a", 0, "/b/1"), row("a", 1, "/b/1"), row("b", 0, "/b/1")]);
        assert!(set.arrays().all(|(_, array)| array.chunks.urls == Urls::One(UrlId(0))));
        assert_eq!(set.recorded["/b/1"], Recorded { size: 9, modified_ns: None, etag: None });
    }

    #[test]
    fn names_may_be_exchanged() {
        let mut set = set();
        let other = |url: &str| Some(if url == "/a/1" { "/b/1" } else { "/a/1" }.to_owned()).filter(|_| url != "/c/1");
        assert_eq!(rename(&mut set, other).unwrap(), Renamed { changed: 2, merged: 0 });
        assert_eq!(references(&set), [row("a", 0, "/b/1"), row("a", 1, "/a/1"), row("b", 0, "/a/1")]);
    }

    #[test]
    fn two_files_are_not_made_one_and_none_is_without_a_name() {
        let mut changed = set();
        changed.recorded.get_mut("/a/1").unwrap().size = 8;
        let before = changed.clone();
        let error = rename(&mut changed, |_| Some("x".to_owned())).unwrap_err();
        assert_eq!(error.to_string(), "x: two files of 8 and 9 bytes would have this URL");
        assert_eq!(
            rename(&mut changed, |_| Some(String::new())).unwrap_err().to_string(),
            "/a/1: its new URL is empty"
        );
        assert_eq!(changed, before);
    }
}
