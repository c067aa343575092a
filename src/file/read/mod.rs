//! Direct reads: the elements of a dataset, or of a box of it, wherever they are stored.

mod picked;
mod ready;
mod stored;
mod window;

use std::ops::Range;

use bytes::Bytes;

use super::dataset::Dataset;
use super::{CutOff, Datatype, Extent, File, Memo, Value};
use crate::error::Error;
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
