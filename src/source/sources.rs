//! Files that references name, and who may read which.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use super::secrets::told_url;
use super::{Halt, LocalFile, ReadAt};
use crate::error::Error;
use crate::field::convert::wide;

/// Reads the files that references name. What it may not read it refuses; nobody else asks.
pub trait Sources: Send + Sync {
    /// The state of a file.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when the file may not be read, and [`Error::Io`].
    fn state(&self, url: &str) -> Result<State, Error>;

    /// Ranges of a file that lie inside it, in order.
    ///
    /// # Errors
    /// As [`state`](Self::state).
    fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error>;

    /// The state of a file, and its first bytes: fewer than asked for if it is shorter. Where there are round trips, in one.
    ///
    /// # Errors
    /// As [`state`](Self::state).
    fn first(&self, url: &str, bytes: u64) -> Result<(State, Bytes), Error> {
        let state = self.state(url)?;
        let range = 0..bytes.min(state.size);
        let ranges = std::slice::from_ref(&range);
        let first = exact(url, ranges, self.read(url, ranges)?)?.pop().unwrap_or_default();
        Ok((state, first))
    }

    /// The states of several files, in order; where there are round trips, at once.
    fn states(&self, urls: &[&str]) -> Vec<Result<State, Error>> {
        urls.iter().map(|url| self.state(url)).collect()
    }

    /// Ranges of several files, in order; where there are round trips, at once.
    fn read_many(&self, wanted: &[(&str, &[Range<u64>])]) -> Vec<Result<Vec<Bytes>, Error>> {
        wanted.iter().map(|(url, ranges)| self.read(url, ranges)).collect()
    }
}

/// The answer of sources, if it has the bytes that were asked for.
pub(crate) fn exact(url: &str, ranges: &[Range<u64>], bytes: Vec<Bytes>) -> Result<Vec<Bytes>, Error> {
    let fits = |(range, bytes): (&Range<u64>, &Bytes)| range.end.checked_sub(range.start) == Some(wide(bytes.len()));
    if bytes.len() == ranges.len() && ranges.iter().zip(&bytes).all(fits) {
        return Ok(bytes);
    }
    let error =
        std::io::Error::new(std::io::ErrorKind::InvalidData, "the sources answer with other bytes than asked for");
    Err(Error::io(url, error))
}

/// By what a file that was changed is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Size in bytes.
    pub size: u64,
    /// When it was last changed, if that is known.
    pub modified: Option<SystemTime>,
    /// The tag that an object store gives to its contents.
    pub etag: Option<String>,
}

impl<S: Sources + ?Sized> Sources for Arc<S> {
    fn state(&self, url: &str) -> Result<State, Error> {
        (**self).state(url)
    }

    fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        (**self).read(url, ranges)
    }

    fn first(&self, url: &str, bytes: u64) -> Result<(State, Bytes), Error> {
        (**self).first(url, bytes)
    }

    fn states(&self, urls: &[&str]) -> Vec<Result<State, Error>> {
        (**self).states(urls)
    }

    fn read_many(&self, wanted: &[(&str, &[Range<u64>])]) -> Vec<Result<Vec<Bytes>, Error>> {
        (**self).read_many(wanted)
    }
}

/// Files in memory, by their URLs.
impl<H: std::hash::BuildHasher + Send + Sync> Sources for HashMap<String, Bytes, H> {
    fn state(&self, url: &str) -> Result<State, Error> {
        let bytes = self.get(url).ok_or_else(|| not_found(url))?;
        Ok(State { size: wide(bytes.len()), modified: None, etag: None })
    }

    fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        let bytes = self.get(url).ok_or_else(|| not_found(url))?;
        bytes.read(ranges).map_err(|halt| as_error(url, halt))
    }
}

impl State {
    /// What has changed since, in words.
    pub(crate) fn changed(&self, now: &Self) -> Option<String> {
        if self.size != now.size {
            return Some(format!("it has {} bytes and had {}", now.size, self.size));
        }
        match (&self.etag, &now.etag) {
            // The tag says it; times of objects may change without their contents.
            (Some(was), Some(is)) => (was != is).then(|| format!("its ETag is {is} and was {was}")),
            _ => match (self.modified, now.modified) {
                (Some(was), Some(is)) if was != is => Some("it was modified at another time".to_owned()),
                _ => None,
            },
        }
    }
}

/// Files of the local file system under folders that may be read, symbolic links followed.
#[derive(Debug, Default)]
pub struct LocalSources {
    folders: Vec<PathBuf>,
    base: PathBuf,
    open: Mutex<HashMap<String, Arc<LocalFile>>>,
}

/// Most files that are kept open.
const MOST_OPEN: usize = 64;

impl LocalSources {
    /// No folder may be read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows a folder and all in it, or one file.
    ///
    /// # Errors
    /// [`Error::Io`] when it is not there.
    pub fn allow(mut self, folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let io = |error| Error::io(folder.display().to_string(), error);
        self.folders.push(std::fs::canonicalize(folder).map_err(io)?);
        Ok(self)
    }

    /// The folder that relative paths start at; without it they start at the current one, as in fsspec.
    #[must_use]
    pub fn relative_to(mut self, base: impl Into<PathBuf>) -> Self {
        self.base = base.into();
        self
    }

    fn file(&self, url: &str) -> Result<Arc<LocalFile>, Error> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(url) {
            return Ok(Arc::clone(file));
        }
        let path = self.path(url)?;
        let file = Arc::new(LocalFile::open_plain(&path)?);
        if open.len() >= MOST_OPEN {
            open.clear();
        }
        open.insert(url.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    /// The path of a URL, if it leads to where files may be read.
    fn path(&self, url: &str) -> Result<PathBuf, Error> {
        let resolved = self.resolved(url)?;
        let refuse = || Error::NotAllowed { url: told_url(url), why: "it is no file".to_owned() };
        if resolved.is_file() { Ok(resolved) } else { Err(refuse()) }
    }

    /// The path of a file or folder, links followed, if it leads to where files may be read.
    pub(super) fn resolved(&self, url: &str) -> Result<PathBuf, Error> {
        let refuse = |why: &str| Error::NotAllowed { url: told_url(url), why: why.to_owned() };
        self.within(url, local_path(url).ok_or_else(|| refuse("it is no path of the local file system"))?)
    }

    /// The same of a path that no references name: whatever characters it has, it is a path.
    pub(super) fn within(&self, url: &str, path: &Path) -> Result<PathBuf, Error> {
        let refuse = |why: &str| Error::NotAllowed { url: told_url(url), why: why.to_owned() };
        let path = self.base.join(path);
        // What may not be read is refused before it is looked at.
        let lexical = std::path::absolute(&path).map_err(|error| Error::io(url, error))?;
        let may = |path: &Path| self.folders.iter().any(|folder| path.starts_with(folder));
        let outside = "it lies in no folder that may be read";
        match std::fs::canonicalize(&lexical) {
            Ok(resolved) if may(&resolved) => Ok(resolved),
            Err(error) if may(&lexical) => Err(Error::io(url, error)),
            _ => Err(refuse(outside)),
        }
    }
}

impl Sources for LocalSources {
    fn state(&self, url: &str) -> Result<State, Error> {
        // A file that is open may have been replaced since.
        let path = self.path(url)?;
        let metadata = std::fs::metadata(path).map_err(|error| Error::io(url, error))?;
        Ok(State { size: metadata.len(), modified: metadata.modified().ok(), etag: None })
    }

    fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        self.file(url)?.read(ranges).map_err(|halt| as_error(url, halt))
    }
}

/// The path that a URL without a scheme, or with `file://`, is; percent signs stand for themselves, as in fsspec.
fn local_path(url: &str) -> Option<&Path> {
    let path = match url.split_once("://") {
        None if url.contains("::") || url.is_empty() => return None,
        None => url,
        Some(("file", path)) if path.starts_with('/') => path,
        Some(_) => return None,
    };
    (!path.contains('\0')).then(|| Path::new(path))
}

fn not_found(url: &str) -> Error {
    Error::io(url, std::io::Error::from(std::io::ErrorKind::NotFound))
}

pub(super) fn as_error(url: &str, halt: Halt) -> Error {
    match halt {
        Halt::Error(error) => error,
        Halt::Missing(_) => Error::io(url, std::io::Error::from(std::io::ErrorKind::UnexpectedEof)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Input;

    #[test]
    fn only_what_lies_in_an_allowed_folder_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::write(inside.join("a%20b"), b"abcdef").unwrap();
        std::fs::write(outside.join("secret"), b"secret").unwrap();
        let sources = LocalSources::new().allow(&inside).unwrap().relative_to(&inside);
        let url = |path: &Path| path.to_str().unwrap().to_owned();
        let a = url(&inside.join("a%20b"));
        for url in [a.clone(), format!("file://{a}"), "a%20b".to_owned(), format!("{}/../in/a%20b", url(&inside))] {
            assert_eq!(sources.state(&url).unwrap().size, 6, "{url}");
            assert_eq!(sources.read(&url, &[1..3, 0..0]).unwrap(), [Bytes::from_static(b"bc"), Bytes::new()]);
        }
        let secret = url(&outside.join("secret"));
        let not_there = url(&outside.join("nothing"));
        let wrong = [
            &secret,
            &not_there,
            "../out/secret",
            "/dev/zero",
            "",
            "s3://b/k",
            "simplecache::file:///etc/passwd",
            "file://host/x",
            "a\0b",
        ];
        for url in wrong {
            assert!(matches!(sources.read(url, &[]), Err(Error::NotAllowed { .. })), "{url}");
        }
        assert!(matches!(sources.state(&url(&inside)), Err(Error::NotAllowed { .. })));
        assert!(matches!(sources.state("nothing"), Err(Error::Io { .. })));
        assert!(matches!(sources.read(&a, std::slice::from_ref(&(4..9))), Err(Error::Io { .. })));
    }

    #[test]
    fn a_file_is_known_by_its_size_and_its_tag_or_time() {
        let state = |size, seconds: Option<u64>, etag: Option<&str>| State {
            size,
            modified: seconds.map(|seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)),
            etag: etag.map(str::to_owned),
        };
        let was = state(5, Some(1), Some("W/a"));
        assert_eq!(was.changed(&state(5, Some(2), Some("W/a"))), None);
        assert_eq!(was.changed(&state(5, Some(1), None)), None);
        assert_eq!(was.changed(&state(5, None, None)), None);
        assert_eq!(was.changed(&state(6, Some(1), Some("W/a"))).unwrap(), "it has 6 bytes and had 5");
        assert_eq!(was.changed(&state(5, Some(1), Some("W/b"))).unwrap(), "its ETag is W/b and was W/a");
        assert_eq!(was.changed(&state(5, Some(2), None)).unwrap(), "it was modified at another time");
    }

    #[test]
    fn a_file_of_sources_is_an_input() {
        let file = Bytes::from(std::fs::read("testdata/netcdf/cf.nc").unwrap());
        let sources: Arc<dyn Sources> = Arc::new(HashMap::from([("s3://b/cf.nc".to_owned(), file.clone())]));
        let input = Input::through(Arc::clone(&sources), "s3://b/cf.nc").unwrap();
        let state = State { size: wide(file.len()), modified: None, etag: None };
        assert_eq!((input.size(), input.state()), (wide(file.len()), Some(state)));
        let options = crate::Options::new("s3://b/cf.nc");
        let through = crate::references(&input, &options).unwrap().0;
        assert_eq!(through, crate::references(&Input::from(file.clone()), &options).unwrap().0);
        let scanned = crate::Scan::references(input.size(), options).run(&input).unwrap();
        assert_eq!(scanned.0, through);
        let absent = Input::through(sources, "s3://b/other").unwrap_err();
        assert_eq!(absent.to_string(), "s3://b/other: entity not found");
        let outside = input.run(|source| source.read(&[0..1, wide(file.len())..wide(file.len()) + 1]));
        assert!(matches!(outside, Err(Error::Io { .. })), "{outside:?}");
    }

    #[test]
    fn the_first_bytes_are_those_that_there_are() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("six"), b"abcdef").unwrap();
        std::fs::write(folder.path().join("none"), b"").unwrap();
        let sources = Arc::new(LocalSources::new().allow(folder.path()).unwrap().relative_to(folder.path()));
        let first = |url: &str, bytes| sources.first(url, bytes).map(|(state, first)| (state.size, first));
        assert_eq!(first("six", 2).unwrap(), (6, Bytes::from_static(b"ab")));
        assert_eq!(first("six", 0).unwrap(), (6, Bytes::new()));
        assert_eq!(first("six", u64::MAX).unwrap(), (6, Bytes::from_static(b"abcdef")));
        assert_eq!(first("none", 5).unwrap(), (0, Bytes::new()));
        assert!(matches!(first("absent", 5), Err(Error::Io { .. })));
        assert_eq!(Answers(vec![Bytes::from_static(b"ab")]).first("f", 2).unwrap().1, "ab");
        assert!(matches!(Answers(vec![Bytes::from_static(b"ab")]).first("f", 3), Err(Error::Io { .. })));
    }

    /// Sources that answer with this, whatever is asked for.
    struct Answers(Vec<Bytes>);

    impl Sources for Answers {
        fn state(&self, _url: &str) -> Result<State, Error> {
            Ok(State { size: 9, modified: None, etag: None })
        }

        fn read(&self, _url: &str, _ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
            Ok(self.0.clone())
        }
    }

    #[test]
    fn what_was_not_asked_for_is_refused() {
        let two = Bytes::from_static(b"ab");
        let read = |answer: &[&Bytes]| {
            let sources = Arc::new(Answers(answer.iter().map(|bytes| (*bytes).clone()).collect()));
            let fetch = crate::Fetch { first: 0, ..crate::Fetch::default() };
            Input::through_with(sources, "f", fetch).unwrap().run(|source| source.read(&[0..2, 4..5]))
        };
        assert_eq!(read(&[&two, &two.slice(..1)]).unwrap(), [two.clone(), two.slice(..1)]);
        for wrong in [vec![], vec![&two], vec![&two, &two], vec![&two, &Bytes::new()]] {
            let error = read(&wrong).unwrap_err();
            assert_eq!(error.to_string(), "f: the sources answer with other bytes than asked for");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_leads_to_where_it_leads() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("in");
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::write(folder.path().join("secret"), b"secret").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), inside.join("link")).unwrap();
        let sources = LocalSources::new().allow(&inside).unwrap().relative_to(&inside);
        assert!(matches!(sources.read("link", &[]), Err(Error::NotAllowed { .. })));
        let sources = sources.allow(folder.path()).unwrap();
        assert_eq!(sources.read("link", std::slice::from_ref(&(0..1))).unwrap(), [Bytes::from_static(b"s")]);
    }
}
