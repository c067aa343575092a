//! A file that is here: in memory, or in the local file system.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::through::Through;
use super::{Family, Fetch, Halt, LocalFile, ReadAt, Scan, Sources, State, Statistics, Step};
use crate::error::Error;
use crate::limits::Limits;

/// A file whose bytes can be read at once, without a caller who fetches them.
#[derive(Debug)]
pub struct Input(Kind);

#[derive(Debug)]
enum Kind {
    Memory(Bytes),
    Local(LocalFile),
    Family(Box<Family>),
    Through(Box<Through>),
}

impl Input {
    /// A file of the local file system.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be opened, or is a directory; [`Error::Unsupported`] when the onion or the subfiling driver
    /// of libhdf5 keeps later revisions or the data in files beside it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self(Kind::Local(LocalFile::open(path)?)))
    }

    /// A file that the family driver of libhdf5 spread over these members, in their order.
    ///
    /// # Errors
    /// [`Error::Member`] when one but the last has another size than the first, or the last a larger one.
    pub fn family(members: impl IntoIterator<Item = Self>) -> Result<Self, Error> {
        Ok(Self(Kind::Family(Box::new(Family::new(members.into_iter().collect())?))))
    }

    /// What a file is, by which one that was changed is known; `None` for one in memory and for a family.
    pub fn state(&self) -> Option<State> {
        match &self.0 {
            Kind::Local(file) => Some(file.state().clone()),
            Kind::Through(through) => Some(through.state().clone()),
            Kind::Memory(_) | Kind::Family(_) => None,
        }
    }

    /// A file that references name, through the sources that may read it. Its metadata are read in rounds and kept: each round asks for
    /// all that is known to be needed, as [`Scan`] does.
    ///
    /// # Errors
    /// What the sources answer.
    pub fn through(sources: Arc<dyn Sources>, url: impl Into<String>) -> Result<Self, Error> {
        Self::through_with(sources, url, Fetch::default())
    }

    /// The same, read in another manner.
    ///
    /// # Errors
    /// What the sources answer.
    pub fn through_with(sources: Arc<dyn Sources>, url: impl Into<String>, fetch: Fetch) -> Result<Self, Error> {
        Ok(Self(Kind::Through(Box::new(Through::new(sources, url.into(), fetch)?))))
    }

    /// What was asked for of a file that is read in rounds, and how long it was waited for; `None` for others.
    pub fn statistics(&self) -> Option<(Statistics, Duration)> {
        match &self.0 {
            Kind::Through(through) => Some((through.statistics(), through.waited())),
            Kind::Memory(_) | Kind::Local(_) | Kind::Family(_) => None,
        }
    }

    /// Whether walks over it are run again and again.
    pub(crate) fn is_replayed(&self) -> bool {
        matches!(self.0, Kind::Through(_))
    }

    /// Bytes of the file, of all members if it is a family.
    pub fn size(&self) -> u64 {
        self.source().size()
    }

    pub(crate) fn source(&self) -> &dyn ReadAt {
        match &self.0 {
            Kind::Memory(bytes) => bytes,
            Kind::Local(file) => file,
            Kind::Family(family) => &**family,
            Kind::Through(through) => &**through,
        }
    }

    /// Runs a walk to its end, again and again where the file is read in rounds.
    pub(crate) fn replay<T>(&self, limits: Limits, walk: impl Fn(&dyn ReadAt) -> Result<T, Halt>) -> Result<T, Error> {
        match &self.0 {
            Kind::Through(through) => through.replay(limits, walk),
            Kind::Memory(_) | Kind::Local(_) | Kind::Family(_) => self.run(walk),
        }
    }

    /// Runs a walk to its end: nothing is ever missing. A file that changed meanwhile is an error, whatever the walk says.
    pub(crate) fn run<T>(&self, walk: impl FnOnce(&dyn ReadAt) -> Result<T, Halt>) -> Result<T, Error> {
        let done = finish(walk(self.source()));
        self.unchanged()?;
        done
    }

    /// Refuses a local file that is no longer what it was when it was opened; sources refuse theirs when they are read.
    pub(super) fn unchanged(&self) -> Result<(), Error> {
        match &self.0 {
            Kind::Local(file) => file.unchanged(),
            Kind::Family(family) => family.unchanged(),
            Kind::Memory(_) | Kind::Through(_) => Ok(()),
        }
    }
}

/// The end of a walk over a file of which nothing is ever missing.
pub(crate) fn finish<T>(walk: Result<T, Halt>) -> Result<T, Error> {
    match walk {
        Ok(value) => Ok(value),
        Err(Halt::Error(error)) => Err(error),
        Err(Halt::Missing(missing)) => {
            let error = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
            Err(Error::io(format!("{} ranges of the file", missing.len()), error))
        }
    }
}

/// A file in memory; a memory map enters through [`Bytes::from_owner`].
impl From<Bytes> for Input {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Memory(bytes))
    }
}

impl<T> Scan<T> {
    /// Finishes the work with the bytes of `input`.
    ///
    /// # Errors
    /// What [`Scan::step`] and [`Scan::supply`] answer, and [`Error::Io`].
    pub fn run(&mut self, input: &Input) -> Result<T, Error> {
        loop {
            match self.step()? {
                Step::Done(value) => return Ok(value),
                Step::Need(ranges) => {
                    let bytes = input.run(|source| source.read(&ranges))?;
                    for (range, bytes) in ranges.iter().zip(bytes) {
                        self.supply(range.start, &bytes)?;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::single_range_in_vec_init, reason = "one range is read")]

    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_local_file_that_changes_while_it_is_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, b"abc").unwrap();
        let input = Input::open(&path).unwrap();
        assert_eq!(input.run(|source| source.read(&[0..2])).unwrap(), [Bytes::from_static(b"ab")]);
        let grown = input.run(|source| {
            let read = source.read(&[0..2]);
            std::fs::write(&path, b"abcd").unwrap();
            read
        });
        let Err(Error::Changed { what, .. }) = grown else { panic!("it is not seen: {grown:?}") };
        assert_eq!(what, "it has 4 bytes and had 3");
        let input = Input::open(&path).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
        // What else is wrong with it may come of that.
        let wrong = input.run(|_| Err::<(), _>(Error::NotFound { path: "/x".to_owned() }.into()));
        assert!(matches!(wrong, Err(Error::Changed { .. })), "{wrong:?}");
        let input = Input::open(&path).unwrap();
        let other = folder.path().join("other");
        std::fs::copy(&path, &other).unwrap();
        let same_time = file.metadata().unwrap().modified().unwrap();
        std::fs::File::options().write(true).open(&other).unwrap().set_modified(same_time).unwrap();
        std::fs::rename(&other, &path).unwrap();
        let replaced = input.run(|source| source.read(&[0..2])).unwrap_err();
        assert!(replaced.to_string().ends_with("another file has its name"), "{replaced}");
    }
}
