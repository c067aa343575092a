//! Direct reads: the elements of a dataset, or of a box of it, wherever they are stored.

mod picked;
mod ready;
mod stored;
mod window;

use std::ops::Range;

use bytes::Bytes;

use super::dataset::{Dataset, Storage};
use super::{CutOff, Datatype, Extent, File, Lookup, Memo, Place, Value};
use crate::error::Error;
use crate::field::Address;
use crate::limits::{Budget, Limits};
use crate::source::{FindExternal, Halt, Input, ReadAt, Resident, Scan, finish};
use crate::window::Window;
use ready::{Finder, Ready};
use window::{AsStored, AsValues, Reading};

/// How datasets are read. Build one with `ReadOptions::default()` and set what differs.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// What is done about a file that is cut off.
    pub cut_off: CutOff,
    /// The file's own name, by which its virtual datasets may call it (default: none, they call it `.`).
    pub own_name: Option<String>,
    /// Finds the files of external raw data and of sources of virtual datasets (default: none may be read).
    pub external: Option<FindExternal>,
    /// What is done about sources of virtual datasets that are not there, and external raw files that end too early.
    pub missing: MissingSources,
    /// What the file may cost.
    pub limits: Limits,
}

/// What is done about sources of virtual datasets that are not there, and external raw files that end too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MissingSources {
    /// The read is refused.
    #[default]
    Refuse,
    /// As libhdf5 does without a word: the fill value in virtual datasets, zeros in external raw data.
    Fill,
}

/// Elements as they lie in the file, filters undone: what libhdf5 reads before it converts anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Values {
    /// How many indices of each dimension were read; empty for a scalar.
    pub shape: Vec<u64>,
    /// What each element is.
    pub datatype: Datatype,
    /// The elements in C order; what lies in a heap is a heap ID here.
    pub bytes: Bytes,
}

/// An HDF5 file whose datasets are read.
#[derive(Debug)]
pub struct Reader<'i> {
    file: File<'i>,
    options: ReadOptions,
}

/// A dataset that is found, with its chunk table: any number of boxes are read of it.
#[derive(Debug)]
pub struct OpenDataset<'r> {
    file: &'r File<'r>,
    options: &'r ReadOptions,
    ready: Ready,
}

/// Tables are kept by datasets that are open, and not for replays.
static ONCE: Memo = Memo::once();

impl<'i> Reader<'i> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::Format`] when it is no HDF5 file, [`Error::Unsupported`], [`Error::Io`] and [`Error::Limit`].
    pub fn open(input: &'i Input, options: ReadOptions) -> Result<Self, Error> {
        let file = finish(File::open(input.source(), options.limits, options.cut_off, &ONCE))?;
        Ok(Self { file, options })
    }

    /// The dataset at a path, soft links followed.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none; otherwise as for [`Reader::open`].
    pub fn dataset(&self, path: &str) -> Result<OpenDataset<'_>, Error> {
        let ready = finish(found(&self.file, path, &self.options))?;
        Ok(OpenDataset { file: &self.file, options: &self.options, ready })
    }

    /// Where paths lead; groups that several lead through are read once.
    pub(crate) fn places(&self, paths: impl IntoIterator<Item = String>) -> Vec<Result<Place, Error>> {
        let lookup = Lookup::new(&self.file);
        paths.into_iter().map(|path| finish(lookup.place(&path))).collect()
    }
}

impl<'r> OpenDataset<'r> {
    /// The dataset at an address; `None` is none.
    pub(crate) fn at(file: &'r File<'r>, address: u64, options: &'r ReadOptions) -> Result<Option<Self>, Halt> {
        let ready = Finder::new(file, options).at(Address(address))?;
        Ok(ready.map(|ready| Self { file, options, ready }))
    }

    /// The elements of a box as they lie in the file; what it takes to read them is spent on the file's budget too.
    pub(crate) fn window(&self, window: &Window) -> Result<Vec<u8>, Halt> {
        let budget = Budget::new(self.options.limits);
        let read =
            Reading { file: self.file, options: self.options, budget: &budget }.window::<AsStored>(&self.ready, window);
        self.file.budget().spent_by(&budget)?;
        read
    }

    /// Whether a source of a virtual dataset gives any element of a box; if none does, all are the fill value.
    pub(crate) fn is_given(&self, window: &Window) -> Result<bool, Error> {
        if !matches!(self.ready.dataset.storage, Storage::Virtual(_)) {
            return Ok(true);
        }
        let runs = self.ready.parts.iter().fold(0_u64, |n, part| n.saturating_add(part.to.runs()));
        self.file.budget().chunks(runs)?;
        Ok(self.ready.parts.iter().any(|part| part.to.within(window, |_| Err(())).is_err()))
    }

    /// The shape of the chunks that the elements lie in, in the first source of a virtual dataset.
    pub(crate) fn chunk(&self) -> Option<&[u64]> {
        let mut sources = std::iter::successors(Some(&self.ready), |ready| Some(&ready.parts.first()?.source.ready));
        sources.find_map(|ready| match &ready.dataset.storage {
            Storage::Chunked { chunk, .. } => Some(chunk.as_slice()),
            _ => None,
        })
    }
}

impl OpenDataset<'_> {
    /// The dataset; a virtual one has the extent that its sources give it now.
    pub fn dataset(&self) -> &Dataset {
        &self.ready.dataset
    }

    /// Size of each dimension, in elements; empty for a scalar, and for a null dataspace.
    pub fn shape(&self) -> &[u64] {
        &self.ready.dataset.dataspace.dimensions
    }

    /// The elements of a box, one range for each dimension, as they lie in the file.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the box is not inside the dataset or its elements cannot be read, [`Error::Format`] when what is
    /// stored does not decode, [`Error::Limit`] when there are more than `Limits::read_bytes`, and [`Error::Io`].
    pub fn read(&self, slice: &[Range<u64>]) -> Result<Values, Error> {
        finish(raw(self.file, self.options, &self.ready, &Window::of(slice, self.shape())?))
    }

    /// All elements as they lie in the file.
    ///
    /// # Errors
    /// As for [`OpenDataset::read`].
    pub fn read_all(&self) -> Result<Values, Error> {
        finish(raw(self.file, self.options, &self.ready, &Window::whole(self.shape())))
    }

    /// The elements of a box in C order, decoded: texts and sequences are read out of the heap.
    ///
    /// # Errors
    /// As for [`OpenDataset::read`].
    pub fn elements(&self, slice: &[Range<u64>]) -> Result<Vec<Value>, Error> {
        let window = Window::of(slice, self.shape())?;
        let budget = Budget::new(self.options.limits);
        let reading = Reading { file: self.file, options: self.options, budget: &budget };
        if self.ready.dataset.dataspace.extent == Extent::Null {
            return Ok(Vec::new());
        }
        finish(reading.window::<AsValues>(&self.ready, &window))
    }
}

/// The elements of a dataset, or of a box of it, as they lie in the file.
///
/// # Errors
/// As for [`Reader::open`], [`Reader::dataset`] and [`OpenDataset::read`].
pub fn read(input: &Input, path: &str, slice: Option<&[Range<u64>]>, options: &ReadOptions) -> Result<Values, Error> {
    input.run(|source| read_from(source, &ONCE, path, slice, options))
}

impl Scan<Values> {
    /// A read of a dataset, or of a box of it, in a file of `size` bytes; what is read of chunks counts as `Limits::metadata_bytes`.
    pub fn values(size: u64, path: &str, slice: Option<Vec<Range<u64>>>, options: ReadOptions) -> Self {
        let (memo, path) = (Memo::replayed(), path.to_owned());
        Self::new(Resident::new(size), options.limits, move |resident| {
            read_from(resident, &memo, &path, slice.as_deref(), &options)
        })
    }
}

fn read_from(
    source: &dyn ReadAt,
    memo: &Memo,
    path: &str,
    slice: Option<&[Range<u64>]>,
    options: &ReadOptions,
) -> Result<Values, Halt> {
    let file = File::open(source, options.limits, options.cut_off, memo)?;
    let ready = found(&file, path, options)?;
    let shape = &ready.dataset.dataspace.dimensions;
    let window = slice.map_or_else(|| Ok(Window::whole(shape)), |slice| Window::of(slice, shape))?;
    raw(&file, options, &ready, &window)
}

fn found(file: &File<'_>, path: &str, options: &ReadOptions) -> Result<Ready, Halt> {
    let ready = Finder::new(file, options).at_path(path)?;
    ready.ok_or_else(|| Error::NotFound { path: path.to_owned() }.into())
}

fn raw(file: &File<'_>, options: &ReadOptions, ready: &Ready, window: &Window) -> Result<Values, Halt> {
    let budget = Budget::new(options.limits);
    let bytes = if ready.dataset.dataspace.extent == Extent::Null {
        Vec::new()
    } else {
        Reading { file, options, budget: &budget }.window::<AsStored>(ready, window)?
    };
    Ok(Values { shape: window.count.clone(), datatype: ready.dataset.datatype.clone(), bytes: Bytes::from(bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::proofs::exceeded;
    use crate::source::{ExternalError, FoundExternal};

    const GZIP: &[u8] = include_bytes!("../../../testdata/filter/gzip_shuffle.h5");
    const EXTERNAL: &[u8] = include_bytes!("../../../testdata/data_layout/external.h5");
    const VIRTUAL: &[u8] = include_bytes!("../../../testdata/data_layout/virtual.h5");

    const VIRTUAL_READ: &[u8] = include_bytes!("../../../testdata/data_layout/virtual_read.h5");

    fn told(bytes: &'static [u8], path: &str, change: impl FnOnce(&mut ReadOptions)) -> String {
        let mut options = ReadOptions::default();
        change(&mut options);
        match read(&Input::from(Bytes::from_static(bytes)), path, None, &options) {
            Ok(values) => format!("{} bytes", values.bytes.len()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_read_is_bounded_by_its_elements_and_by_the_chunks_that_it_decodes() {
        let limited = |read_bytes, chunk_bytes| {
            told(GZIP, "/d", |options| {
                (options.limits.read_bytes, options.limits.chunk_bytes) = (read_bytes, chunk_bytes);
            })
        };
        let whole = limited(u64::MAX, u64::MAX);
        let bytes: u64 = whole.trim_end_matches(" bytes").parse().unwrap();
        assert_eq!(limited(bytes, u64::MAX), whole);
        assert_eq!(limited(bytes - 1, u64::MAX), exceeded("read_bytes", bytes - 1, bytes));
        assert!(limited(bytes, 1).contains("exceeds Limits::chunk_bytes = 1"), "{}", limited(bytes, 1));
    }

    #[test]
    fn irregular_blocks_are_counted_by_their_rows() {
        let limited = |pieces| told(VIRTUAL_READ, "/irregular", |options| options.limits.pieces = pieces);
        assert_eq!((limited(4), limited(3)), ("24 bytes".to_owned(), exceeded("pieces", 3, 4)));
    }

    #[test]
    fn values_in_memory_are_larger_than_their_bytes_and_count_as_they_are() {
        let input = Input::from(Bytes::from_static(GZIP));
        let mut options = ReadOptions::default();
        options.limits.read_bytes = 200;
        let reader = Reader::open(&input, options).unwrap();
        let dataset = reader.dataset("/d").unwrap();
        let first: Vec<_> = dataset.shape().iter().map(|_| 0..1).collect();
        assert_eq!(dataset.elements(&first).unwrap().len(), 1);
        let all: Vec<_> = dataset.shape().iter().map(|size| 0..*size).collect();
        let error = dataset.elements(&all).unwrap_err().to_string();
        assert!(error.contains("exceeds Limits::read_bytes = 200"), "{error}");
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        assert_eq!(told(GZIP, "/nowhere", |_| ()), "/nowhere: no such object");
        assert_eq!(told(GZIP, "/", |_| ()), "/: no such object");
        let slice = [0..u64::MAX, 0..1];
        let outside = read(&Input::from(Bytes::from_static(GZIP)), "/d", Some(&slice), &ReadOptions::default());
        assert_eq!(outside.unwrap_err().to_string(), "a slice that is not inside the dataset is not supported");
    }

    fn only(name: &'static str, bytes: &'static [u8]) -> FindExternal {
        FindExternal::new(move |wanted| {
            if wanted != name {
                return Err(ExternalError::Absent("no such file".to_owned()));
            }
            let size = u64::try_from(bytes.len()).unwrap();
            Ok(FoundExternal::new(name, size).opened_by(move || Ok(Input::from(Bytes::from_static(bytes)))))
        })
    }

    #[test]
    fn other_files_are_read_only_where_the_caller_finds_them() {
        let paths = |bytes: &'static [u8]| -> Vec<String> {
            let tree = crate::file::proofs::tree_of(bytes);
            let datasets = tree.objects.iter().filter(|object| object.dataset().is_some());
            datasets.map(|object| object.path.clone()).collect()
        };
        let external = paths(EXTERNAL).remove(0);
        assert_eq!(
            told(EXTERNAL, &external, |_| ()),
            "raw data lie in external files, referenced only under --external-root"
        );
        let absent = told(EXTERNAL, &external, |options| options.external = Some(only("none", b"")));
        assert!(absent.ends_with("no such file"), "{absent}");
        let virtual_dataset = paths(VIRTUAL).remove(0);
        assert_eq!(
            told(VIRTUAL, &virtual_dataset, |_| ()),
            "sources of the virtual dataset lie in other files, referenced only under --external-root"
        );
        let find = || Some(only("none", b""));
        let refused = told(VIRTUAL, &virtual_dataset, |options| options.external = find());
        assert!(refused.ends_with("there is no such dataset"), "{refused}");
        let filled = told(VIRTUAL, &virtual_dataset, |options| {
            (options.external, options.missing) = (find(), MissingSources::Fill);
        });
        assert!(filled.ends_with(" bytes") && filled != "0 bytes", "{filled}");
    }
}
