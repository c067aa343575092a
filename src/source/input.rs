//! A file that is here: in memory, or in the local file system.

use std::path::Path;

use bytes::Bytes;

use super::{Halt, LocalFile, ReadAt, Scan, Step};
use crate::error::Error;

/// A file whose bytes can be read at once, without a caller who fetches them.
#[derive(Debug)]
pub struct Input(Kind);

#[derive(Debug)]
enum Kind {
    Memory(Bytes),
    Local(LocalFile),
}

impl Input {
    /// A file of the local file system.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be opened, or is a directory.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self(Kind::Local(LocalFile::open(path)?)))
    }

    fn source(&self) -> &dyn ReadAt {
        match &self.0 {
            Kind::Memory(bytes) => bytes,
            Kind::Local(file) => file,
        }
    }

    /// Runs a walk to its end: nothing is ever missing.
    pub(crate) fn run<T>(&self, walk: impl FnOnce(&dyn ReadAt) -> Result<T, Halt>) -> Result<T, Error> {
        match walk(self.source()) {
            Ok(value) => Ok(value),
            Err(Halt::Error(error)) => Err(error),
            Err(Halt::Missing(ranges)) => {
                let error = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
                Err(Error::io(format!("{} ranges of the file", ranges.len()), error))
            }
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
