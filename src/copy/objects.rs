//! A store under a URL of an object store.

use super::layout::DOCUMENTS;
use super::{Progress, Target};
use crate::error::Error;
use crate::source::{RemoteOptions, Written, without_secrets};

/// What is there as long as a store is being written, so that what was noted of it is not taken for what is there after somebody else
/// has removed or written it.
const MARK: &str = ".h5refs-copy";

/// The documents that are at the root of a store.
const ROOT: [&str; 4] = [".zmetadata", ".zgroup", ".zarray", "zarr.json"];

/// Keys under a URL as `s3://bucket/folder`, each an object. Objects cannot be renamed, so a store grows where it will be read:
/// [`begin`](Self::begin) leaves nothing else there, [`Copier::write`](super::Copier::write) writes the documents last, and
/// [`finish`](Self::finish) removes the mark of a store that is being written.
///
/// Credentials, patience and connections are those of [`RemoteSources`](crate::RemoteSources). A request that fails is repeated, also one
/// that writes: it writes the same again.
///
/// ```no_run
/// # fn f(copier: &h5refs::copy::Copier<'_>) -> Result<(), h5refs::Error> {
/// use h5refs::copy::{Existing, ObjectTarget, Progress};
///
/// let target = ObjectTarget::new("s3://bucket/folder/out.zarr", h5refs::RemoteOptions::default())?;
/// let mut progress = Progress::none();
/// target.begin(&mut progress, Existing::Refused)?;
/// copier.write(&target, &mut progress, &|_| {})?;
/// target.finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ObjectTarget {
    written: Written,
}

/// What becomes of what is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Nothing may be there.
    Refused,
    /// A store, or the beginning of one, is removed.
    Replaced,
    /// What the progress tells of is gone on with.
    GoneOnWith,
}

impl ObjectTarget {
    /// The store of a URL; nothing is asked of it yet, but perhaps where its bucket lies.
    ///
    /// # Errors
    /// [`Error::Copy`] for a web server, for a whole bucket, and for what is no URL of a folder; [`Error::Io`] where an option is not
    /// known or there are no credentials.
    pub fn new(url: &str, options: RemoteOptions) -> Result<Self, Error> {
        Ok(Self { written: Written::new(url, options).map_err(not_written)? })
    }

    /// Sees to it that nothing is there but what the progress tells of, and that others see that a store is being written.
    ///
    /// What is replaced is removed at once, its documents first: while chunks are written no reader finds a store.
    ///
    /// # Errors
    /// [`Error::Copy`] for what is there and may not be, and where a copy that was begun is not there any more as it was left; what the
    /// store answers.
    pub fn begin(&self, progress: &mut Progress, existing: Existing) -> Result<(), Error> {
        let is_empty = self.written.is_empty()?;
        let refuse = |problem: &str| Err(self.refused(problem));
        match existing {
            Existing::Refused if !is_empty => return refuse("something is there already"),
            Existing::Replaced if !is_empty && !self.may_be_replaced()? => {
                return refuse("something is there, and it is no Zarr store: it is not replaced");
            }
            Existing::GoneOnWith if !is_empty && !self.is_marked(progress)? => {
                return refuse("something is there that is not the copy that was begun");
            }
            Existing::GoneOnWith if is_empty && progress.has_done() => {
                return refuse("what was written of the copy that was begun is not there any more");
            }
            _ => {}
        }
        let marked = progress.mark(self.written.url())?;
        if existing == Existing::GoneOnWith && progress.has_done() {
            return Ok(());
        }
        self.written.put(MARK, marked.as_bytes())?;
        if is_empty { Ok(()) } else { self.clear() }
    }

    /// The store is whole.
    ///
    /// # Errors
    /// What the store answers.
    pub fn finish(&self) -> Result<(), Error> {
        self.written.delete(&[MARK.to_owned()])
    }

    /// Removes the documents again, so that nobody takes for a store what is not what it should be.
    ///
    /// # Errors
    /// What the store answers.
    pub fn withdraw(&self) -> Result<(), Error> {
        let keys = self.written.keys()?;
        self.remove_documents(&keys)
    }

    fn may_be_replaced(&self) -> Result<bool, Error> {
        for key in ROOT.into_iter().chain([MARK]) {
            if self.written.get(key)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether what is there is what the progress tells of.
    fn is_marked(&self, progress: &Progress) -> Result<bool, Error> {
        let marked = self.written.get(MARK)?;
        Ok(marked.is_some_and(|marked| progress.is_marked(self.written.url(), &marked)))
    }

    /// Removes all but the mark, documents first, those of the root before the others.
    fn clear(&self) -> Result<(), Error> {
        let keys = self.written.keys()?;
        self.remove_documents(&keys)?;
        let others: Vec<String> = keys.into_iter().filter(|key| key != MARK && !is_document(key)).collect();
        self.written.delete(&others)?;
        if self.written.keys()?.iter().any(|key| key != MARK) {
            return Err(self.refused("what was there could not be removed, or something else is written there"));
        }
        Ok(())
    }

    fn remove_documents(&self, keys: &[String]) -> Result<(), Error> {
        let (root, others): (Vec<String>, Vec<String>) =
            keys.iter().filter(|key| is_document(key)).cloned().partition(|key| ROOT.contains(&key.as_str()));
        for key in ROOT.into_iter().filter(|key| root.iter().any(|one| one == key)) {
            self.written.delete(&[key.to_owned()])?;
        }
        self.written.delete(&others)
    }

    fn refused(&self, problem: &str) -> Error {
        Error::Copy { target: without_secrets(self.written.url()), problem: problem.to_owned() }
    }
}

impl Target for ObjectTarget {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.written.get(key)
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Result<(), Error> {
        self.written.put(key, bytes).map_err(not_written)
    }

    /// Nothing: an object that was taken is kept.
    fn sync(&self, _keys: &[String]) -> Result<(), Error> {
        Ok(())
    }
}

/// What may not be read may not be written either, and is told so.
fn not_written(error: Error) -> Error {
    match error {
        Error::NotAllowed { url, why } => Error::Copy { target: url, problem: why },
        error => error,
    }
}

fn is_document(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    DOCUMENTS.contains(&name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::{Arc, Mutex};

    use super::super::progress::{Done, note};
    use super::*;

    type Keys = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

    /// A bucket of a server, and what it was asked to do: PUT and DELETE, by key.
    struct Bucket {
        keys: Keys,
        done: Arc<Mutex<Vec<String>>>,
        options: RemoteOptions,
    }

    impl Bucket {
        fn new() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
            let (keys, done): (Keys, Arc<Mutex<Vec<String>>>) = Default::default();
            let (held, noted) = (Arc::clone(&keys), Arc::clone(&done));
            std::thread::spawn(move || {
                for connection in listener.incoming().flatten() {
                    let (held, noted) = (Arc::clone(&held), Arc::clone(&noted));
                    std::thread::spawn(move || converse(&connection, &held, &noted));
                }
            });
            // Objects one by one.
            let storage = [("key", "canary"), ("secret", "canary"), ("disable_bulk_delete", "true")];
            let storage = storage.map(|(word, value)| (word.to_owned(), value.to_owned())).into();
            Self { keys, done, options: RemoteOptions { endpoint, storage, ..RemoteOptions::default() } }
        }

        fn target(&self, url: &str) -> ObjectTarget {
            ObjectTarget::new(url, self.options.clone()).unwrap()
        }

        fn fill(&self, keys: &[&str]) {
            let mut held = self.keys.lock().unwrap();
            *held = keys.iter().map(|key| ((*key).to_owned(), b"old".to_vec())).collect();
        }

        fn keys(&self) -> Vec<String> {
            self.keys.lock().unwrap().keys().cloned().collect()
        }

        fn done(&self) -> Vec<String> {
            std::mem::take(&mut self.done.lock().unwrap())
        }
    }

    fn converse(
        connection: &TcpStream,
        keys: &Mutex<BTreeMap<String, Vec<u8>>>,
        done: &Mutex<Vec<String>>,
    ) -> Option<()> {
        let mut input = BufReader::new(connection);
        loop {
            let mut next = || input.by_ref().lines().next()?.ok();
            let first = next()?;
            let mut words = first.split(' ');
            let (method, target) = (words.next()?, words.next()?);
            let mut length = 0;
            while let Some((name, value)) = next()?.split_once(": ") {
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            input.read_exact(&mut body).ok()?;
            let mut keys = keys.lock().unwrap();
            let (status, bytes) = match target.strip_prefix("/bucket/").filter(|key| !key.is_empty()) {
                Some(key) if method == "GET" => match keys.get(key) {
                    Some(bytes) => ("200 OK", bytes.clone()),
                    None => ("404 Not Found", Vec::new()),
                },
                Some(key) => {
                    done.lock().unwrap().push(format!("{method} {key}"));
                    let _old = if method == "PUT" { keys.insert(key.to_owned(), body) } else { keys.remove(key) };
                    ("200 OK", Vec::new())
                }
                None => ("200 OK", listing(&keys, target)),
            };
            let head = format!("HTTP/1.1 {status}\r\nETag: \"e\"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n");
            let head = format!("{head}Content-Length: {}\r\n\r\n", bytes.len());
            (&mut &*connection).write_all(&[head.as_bytes(), &bytes].concat()).ok()?;
        }
    }

    fn listing(keys: &BTreeMap<String, Vec<u8>>, target: &str) -> Vec<u8> {
        let prefix = target.split("prefix=").nth(1).unwrap().split('&').next().unwrap().replace("%2F", "/");
        let one = |(key, bytes): (&String, &Vec<u8>)| {
            format!(
                "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>e</ETag></Contents>",
                bytes.len()
            )
        };
        let inner: String = keys.iter().filter(|(key, _)| key.starts_with(&prefix)).map(one).collect();
        format!("<?xml version=\"1.0\"?><ListBucketResult>{inner}</ListBucketResult>").into_bytes()
    }

    const URL: &str = "s3://bucket/d/out.zarr";

    fn done(progress: &mut Progress) {
        let done = Done { array: "a".to_owned(), first: vec![0], count: vec![1] };
        note(progress.split().log, done.clone()).unwrap();
        progress.add(done);
    }

    #[test]
    fn nothing_is_written_where_something_is() {
        let bucket = Bucket::new();
        bucket.fill(&["d/out.zarr/a/0", "d/out.zarr.old/.zgroup"]);
        let target = bucket.target(URL);
        let error = |existing| target.begin(&mut Progress::none(), existing).unwrap_err().to_string();
        assert_eq!(error(Existing::Refused), format!("{URL}: something is there already"));
        assert_eq!(
            error(Existing::GoneOnWith),
            format!("{URL}: something is there that is not the copy that was begun")
        );
        let told = format!("{URL}: something is there, and it is no Zarr store: it is not replaced");
        assert_eq!(error(Existing::Replaced), told);
        assert_eq!(bucket.done(), [""; 0]);
    }

    #[test]
    fn a_store_that_is_replaced_loses_its_documents_first_and_all_before_anything_is_written() {
        let bucket = Bucket::new();
        let old =
            [".zattrs", ".zgroup", ".zmetadata", "a/.zarray", "a/0", "a/1"].map(|key| format!("d/out.zarr/{key}"));
        let old: Vec<&str> = old.iter().map(String::as_str).chain(["d/other.nc"]).collect();
        bucket.fill(&old);
        let target = bucket.target(URL);
        target.begin(&mut Progress::none(), Existing::Replaced).unwrap();
        assert_eq!(bucket.keys(), ["d/other.nc", "d/out.zarr/.h5refs-copy"]);
        let done = bucket.done();
        let first = ["PUT d/out.zarr/.h5refs-copy", "DELETE d/out.zarr/.zmetadata", "DELETE d/out.zarr/.zgroup"];
        assert_eq!(done[..3], first);
        let place = |key: &str| done.iter().position(|one| one == &format!("DELETE d/out.zarr/{key}")).unwrap();
        assert!(place("a/.zarray").max(place(".zattrs")) < place("a/0").min(place("a/1")), "{done:?}");
        target.put("a/0", b"new").unwrap();
        assert_eq!(target.get("a/0").unwrap(), Some(b"new".to_vec()));
        target.put(".zgroup", b"{}").unwrap();
        target.withdraw().unwrap();
        assert_eq!((target.get(".zgroup").unwrap(), target.get("a/0").unwrap()), (None, Some(b"new".to_vec())));
        target.finish().unwrap();
        assert_eq!(bucket.keys(), ["d/other.nc", "d/out.zarr/a/0"]);
    }

    #[test]
    fn a_copy_is_gone_on_with_only_where_it_was_begun_and_left() {
        let bucket = Bucket::new();
        let (target, mut progress) = (bucket.target(URL), Progress::none());
        target.begin(&mut progress, Existing::Refused).unwrap();
        target.put("a/0", b"not noted").unwrap();
        // Of what is not noted nothing is kept.
        target.begin(&mut progress, Existing::GoneOnWith).unwrap();
        assert_eq!(bucket.keys(), ["d/out.zarr/.h5refs-copy"]);
        target.put("a/0", b"noted").unwrap();
        done(&mut progress);
        target.begin(&mut progress, Existing::GoneOnWith).unwrap();
        assert_eq!(bucket.keys(), ["d/out.zarr/.h5refs-copy", "d/out.zarr/a/0"]);
        let error = |target: &ObjectTarget, progress: &mut Progress| {
            target.begin(progress, Existing::GoneOnWith).unwrap_err().to_string()
        };
        let elsewhere = bucket.target("s3://bucket/d/other.zarr");
        let gone = "what was written of the copy that was begun is not there any more";
        assert_eq!(error(&elsewhere, &mut progress), format!("s3://bucket/d/other.zarr: {gone}"));
        // Another copy has begun there.
        target.begin(&mut Progress::none(), Existing::Replaced).unwrap();
        let other = format!("{URL}: something is there that is not the copy that was begun");
        assert_eq!(error(&target, &mut progress), other);
        bucket.fill(&[]);
        assert_eq!(error(&target, &mut progress), format!("{URL}: {gone}"));
    }

    #[test]
    fn a_copy_that_was_begun_elsewhere_is_not_begun_here() {
        let (bucket, mut progress) = (Bucket::new(), Progress::none());
        bucket.target(URL).begin(&mut progress, Existing::Refused).unwrap();
        let elsewhere = bucket.target("s3://bucket/d/other.zarr");
        let error = elsewhere.begin(&mut progress, Existing::GoneOnWith).unwrap_err();
        let told = format!("the copy that was begun: it is written to {URL}, and not to s3://bucket/d/other.zarr");
        assert_eq!(error.to_string(), told);
        assert_eq!(bucket.keys(), ["d/out.zarr/.h5refs-copy"]);
    }
}
