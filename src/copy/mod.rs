//! A native Zarr v2 store of arrays from anywhere, in other chunks: written in bounded memory, in parallel, so that it can be gone on with,
//! and compared with what it was made of.

mod compare;
mod documents;
mod encode;
mod fit;
mod folder;
mod layout;
#[cfg(feature = "remote")]
mod objects;
mod progress;
mod target;
mod unit;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

pub use compare::{Comparison, Difference};
pub use encode::Compressor;
pub use folder::{Folder, Published};
#[cfg(feature = "remote")]
pub use objects::{Existing, ObjectTarget};
pub use progress::Progress;
pub use target::Target;

use crate::error::Error;
use crate::limits::Limits;
use crate::plan::ChunkPlan;
use crate::store::Origin;
use crate::translate::Select;
use crate::zarr::NanPolicy;
use documents::Documents;
use layout::Laid;
use progress::Done;
use unit::Unit;

/// How a store is written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CopyOptions {
    /// The chunks of arrays. Of those that it does not name, coordinates of at most 64 MiB and other arrays of at most 4 MiB are one
    /// chunk, and the others keep their chunks.
    pub plan: ChunkPlan,
    /// The arrays that are copied, by absolute path (default: all).
    pub select: Select,
    /// Bytes of elements and encoded chunks that are held at once, at most (default 1 GiB). What is not counted: the references
    /// themselves, and of texts of any length what exceeds 64 bytes each.
    pub memory: u64,
    /// Threads that read, decode, encode and write (default 1).
    pub jobs: usize,
    /// What chunks are compressed with.
    pub compressor: Compressor,
    /// Whether the bytes of one significance are put together before (default: no).
    pub shuffle: bool,
    /// How NaN and infinity are written in documents.
    pub nan: NanPolicy,
    /// What may be written: `output_chunks` and `output_bytes`.
    pub limits: Limits,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            plan: ChunkPlan::default(),
            select: Select::new(|_| true),
            memory: 1 << 30,
            jobs: 1,
            compressor: Compressor::default(),
            shuffle: false,
            nan: NanPolicy::default(),
            limits: Limits::default(),
        }
    }
}

/// Arrays that are about to be copied: everything is checked, and nothing is written yet.
///
/// ```
/// # fn main() -> Result<(), h5refs::Error> {
/// use h5refs::copy::{Copier, CopyOptions, Folder, Progress};
/// use h5refs::{Input, LocalSources, Options, Store};
///
/// let file = std::path::absolute("testdata/netcdf/cf.nc").unwrap();
/// let (references, _) = h5refs::references(&Input::open(&file)?, &Options::new(file.to_str().unwrap()))?;
/// let store = Store::new(references, LocalSources::new().allow("testdata")?);
///
/// let copier = Copier::new(&store, "cf.nc", CopyOptions::default())?;
/// # let folder = std::env::temp_dir().join(format!("h5refs-copy-{}", std::process::id()));
/// # let out = folder.join("cf.zarr");
/// let target = Folder::new(&out);
/// copier.write(&target, &mut Progress::none(), &|_| {})?;
/// assert!(copier.compare(&target, None, 0)?.is_same());
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok(())
/// # }
/// ```
pub struct Copier<'a> {
    origin: &'a dyn Origin,
    source: String,
    options: CopyOptions,
    arrays: Vec<Laid<'a>>,
    documents: Documents,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step<'a> {
    /// The array that is being written.
    pub array: &'a str,
    /// Chunks that are behind: written, left out because they are nothing but the fill value, or there from before.
    pub done: u64,
    /// Chunks of all arrays.
    pub total: u64,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[non_exhaustive]
pub struct Copied {
    /// Chunks of all arrays.
    pub chunks: u64,
    /// Chunks that were written by an earlier run.
    pub before: u64,
    /// Chunks that were left out: they are nothing but the fill value, which readers give for missing chunks.
    pub left_out: u64,
    /// Bytes of the elements that were read for chunks that were written.
    pub elements_bytes: u64,
    /// Bytes of the chunks that were written.
    pub written_bytes: u64,
}

/// What threads count together.
#[derive(Debug, Default)]
struct Counts {
    left_out: AtomicU64,
    written: AtomicU64,
}

impl std::fmt::Debug for Copier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copier").field("source", &self.source).field("options", &self.options).finish_non_exhaustive()
    }
}

impl<'a> Copier<'a> {
    /// Checks what shall be copied. `source` tells the source from another and from what it was before: its name, its size, its time.
    ///
    /// # Errors
    /// [`Error::Plan`] for a plan that does not fit; [`Error::Copy`] for names that are no keys of a store, arrays whose elements cannot be
    /// read here, and memory that is too little; [`Error::Limit`] for too many chunks or bytes.
    pub fn new(origin: &'a dyn Origin, source: impl Into<String>, options: CopyOptions) -> Result<Self, Error> {
        let arrays = layout::lay_out(origin.set(), &options)?;
        let documents = Documents::of(origin.set(), &arrays, &options)?;
        Ok(Self { origin, source: source.into(), options, arrays, documents })
    }

    /// What tells this copy from one with other options or of another source, but for memory and jobs, which change no byte of it.
    pub fn fingerprint(&self) -> String {
        self.documents.fingerprint(&self.source)
    }

    /// The chunks of all arrays.
    pub fn chunks(&self) -> u64 {
        self.arrays.iter().fold(0, |sum, array| sum.saturating_add(array.count()))
    }

    /// Bytes of memory that are taken at once, at most, as far as they are counted.
    pub fn memory(&self) -> u64 {
        self.arrays.iter().map(|array| array.fit.bytes).max().unwrap_or(0)
    }

    /// Writes the chunks, and then the documents: until the last of these is written nobody takes it for a store.
    ///
    /// # Errors
    /// What the origin and the target answer.
    pub fn write(
        &self,
        target: &dyn Target,
        progress: &mut Progress,
        observe: &(dyn Fn(Step<'_>) + Sync),
    ) -> Result<Copied, Error> {
        progress.begin(&self.fingerprint())?;
        let todo = progress.split();
        // What a unit wrote is on the disk before it is said to be done; the next is read meanwhile.
        let copied = std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(1);
            let keeper = move || keep(target, todo.log, &receiver);
            let keeper = std::thread::Builder::new().spawn_scoped(scope, keeper);
            let keeper = keeper.map_err(|error| Error::io("a thread of the copy", error))?;
            let written = self.write_arrays(target, todo.done, &sender, observe);
            drop(sender);
            // That nobody keeps what is written is told by who should have.
            keeper.join().unwrap_or_else(|_| Err(unit::ended_early())).and(written)
        })?;
        self.documents.write(target, &self.source)?;
        Ok(copied)
    }

    /// Writes the chunks of all arrays, but for what is done.
    fn write_arrays(
        &self,
        target: &dyn Target,
        known: &HashSet<Done>,
        written: &SyncSender<Pending>,
        observe: &(dyn Fn(Step<'_>) + Sync),
    ) -> Result<Copied, Error> {
        let (mut copied, counts) = (Copied { chunks: self.chunks(), ..Copied::default() }, Counts::default());
        let (mut pending, mut behind) = (Pending::default(), 0_u64);
        let send = |pending: &mut Pending| written.send(std::mem::take(pending)).map_err(|_| unit::ended_early());
        for laid in &self.arrays {
            for unit in laid.units() {
                let done = unit.done(laid);
                if known.contains(&done) {
                    copied.before = copied.before.saturating_add(unit.chunks());
                } else {
                    let (keys, bytes) = (self.write_unit(target, laid, &unit, &counts)?, unit.bytes(laid));
                    copied.elements_bytes = copied.elements_bytes.saturating_add(bytes);
                    pending.add(done, keys, bytes);
                    if pending.bytes >= TOGETHER {
                        send(&mut pending)?;
                    }
                }
                behind = behind.saturating_add(unit.chunks());
                observe(Step { array: laid.path, done: behind, total: copied.chunks });
            }
        }
        send(&mut pending)?;
        (copied.left_out, copied.written_bytes) = (counts.left_out.into_inner(), counts.written.into_inner());
        Ok(copied)
    }

    /// Writes the chunks of a unit, and gives their keys.
    fn write_unit(
        &self,
        target: &dyn Target,
        laid: &Laid<'_>,
        unit: &Unit,
        counts: &Counts,
    ) -> Result<Vec<String>, Error> {
        let keys = std::sync::Mutex::new(Vec::new());
        unit.each_chunk(self.origin, laid, self.options.jobs, &|number, elements| {
            if encode::is_left_out(&laid.metadata, &elements) {
                counts.left_out.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            let (key, encoded) = (laid.key(number), encode::encode(&laid.metadata, elements)?);
            target.put(&key, &encoded)?;
            counts.written.fetch_add(u64::try_from(encoded.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
            unit::held(&keys).push(key);
            Ok(())
        })?;
        Ok(keys.into_inner().unwrap_or_default())
    }
}

/// Bytes of units that are seen to together, at least: small arrays are not worth waiting for one by one.
const TOGETHER: u64 = 64 << 20;

/// Units that are written and may not be on the disk yet.
#[derive(Debug, Default)]
struct Pending {
    done: Vec<Done>,
    keys: Vec<String>,
    bytes: u64,
}

impl Pending {
    fn add(&mut self, done: Done, keys: Vec<String>, bytes: u64) {
        self.done.push(done);
        self.keys.extend(keys);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// Sees to it that what units wrote is on the disk, and notes that they are done.
fn keep(target: &dyn Target, log: &mut crate::batch::Log, written: &Receiver<Pending>) -> Result<(), Error> {
    for Pending { done, keys, .. } in written {
        target.sync(&keys)?;
        done.into_iter().try_for_each(|done| progress::note(log, done))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
