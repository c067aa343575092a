//! Many files: worked on side by side, each by itself, in memory that does not grow with their number.
//!
//! [`Batch`] works on what an iterator gives and tells of each input as it ends; nothing of it is kept. A [`Log`] keeps what became of
//! inputs in a file, from which a run that was stopped goes on. [`Tally`] counts.

mod choice;
mod log;
mod tally;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use choice::Condition;
pub use log::{Log, Place};
pub use tally::{Kind, Reason, Tally};

/// How many inputs are worked on, and when no more are.
///
/// ```
/// use h5refs::batch::{Batch, Ended, Failure};
///
/// let files = ["testdata/netcdf/cf.nc", "testdata/README.md"];
/// let work = |file: &&str| {
///     let input = h5refs::Input::open(file).map_err(|error| Failure::new(error.to_string()))?;
///     let (references, _) = h5refs::references(&input, &h5refs::Options::new(*file)).map_err(|error| Failure::new(error.to_string()))?;
///     Ok(references.arrays().count())
/// };
/// let mut told = Vec::new();
/// let ended = Batch::new(2).run(files.into_iter(), work, |finished| {
///     told.push((finished.number, finished.outcome.is_ok()));
///     Ok::<(), std::io::Error>(())
/// })?;
/// told.sort_unstable();
/// assert_eq!((ended, told.as_slice()), (Ended::All, &[(0, true), (1, false)][..]));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Batch {
    jobs: usize,
    most_failures: Option<u64>,
    stop: Arc<AtomicBool>,
}

/// Why nothing came of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In words, without the input's name.
    pub reason: String,
    /// Whether no other input would fare better, as where the disk is full: no more are begun.
    pub ends_run: bool,
}

impl Failure {
    /// A failure of this input alone.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ends_run: false }
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::new(reason)
    }
}

/// An input that is done with.
#[derive(Debug)]
pub struct Finished<'a, I, T> {
    /// Which it is, from 0.
    pub number: u64,
    /// The input.
    pub input: &'a I,
    /// What came of it.
    pub outcome: Result<T, Failure>,
    /// How long it was worked on.
    pub elapsed: Duration,
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// All inputs are done with.
    All,
    /// It was told to stop: inputs may be left.
    Stopped,
    /// As many inputs failed as may.
    TooManyFailures,
    /// A failure that ends the run.
    Failed,
}

impl Batch {
    /// Works on as many inputs at once; at least on one.
    pub fn new(jobs: usize) -> Self {
        Self { jobs: jobs.max(1), most_failures: None, stop: Arc::default() }
    }

    /// Begins no more inputs once as many failed.
    #[must_use]
    pub fn most_failures(mut self, failures: u64) -> Self {
        self.most_failures = Some(failures);
        self
    }

    /// Begins no more inputs once this is set; those in work are finished.
    #[must_use]
    pub fn stopped_by(mut self, stop: Arc<AtomicBool>) -> Self {
        self.stop = stop;
        self
    }

    /// Works on inputs, and tells `observe` of each as it ends, one at a time. Work that panics is a failure of its input.
    ///
    /// # Errors
    /// The first that `observe` gives; no more inputs are begun then.
    pub fn run<I: Send, T, E: Send>(
        &self,
        inputs: impl Iterator<Item = I> + Send,
        work: impl Fn(&I) -> Result<T, Failure> + Sync,
        observe: impl FnMut(Finished<'_, I, T>) -> Result<(), E> + Send,
    ) -> Result<Ended, E> {
        let inputs = Mutex::new((0..).zip(inputs.fuse()));
        let observer = Mutex::new(Observer { observe, failures: 0, ended: Ok(Ended::All) });
        let next = || {
            if !matches!(held(&observer).ended, Ok(Ended::All)) {
                return None;
            }
            if self.stop.load(Ordering::Relaxed) {
                held(&observer).ended = Ok(Ended::Stopped);
                return None;
            }
            held(&inputs).next()
        };
        let job = || {
            while let Some((number, input)) = next() {
                let begun = Instant::now();
                // What work leaves behind where it panics belongs to its input alone.
                let outcome = catch_unwind(AssertUnwindSafe(|| work(&input)));
                let outcome = outcome.unwrap_or_else(|panic| Err(Failure::new(told(&*panic))));
                let finished = Finished { number, input: &input, outcome, elapsed: begun.elapsed() };
                held(&observer).tell(finished, self.most_failures);
            }
        };
        side_by_side(self.jobs, job);
        observer.into_inner().unwrap_or_else(PoisonError::into_inner).ended
    }
}

/// Does the same in as many threads, and returns once all have ended. Where the system gives fewer it is done in those, and where it
/// gives none, or one is enough, in this one.
pub fn side_by_side(jobs: usize, job: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        let spawn = || std::thread::Builder::new().spawn_scoped(scope, &job).is_ok();
        let threads = if jobs > 1 { (0..jobs).take_while(|_| spawn()).count() } else { 0 };
        if threads == 0 {
            job();
        }
    });
}

/// Who is told, and how it stands.
struct Observer<O, E> {
    observe: O,
    failures: u64,
    ended: Result<Ended, E>,
}

impl<O, E> Observer<O, E> {
    fn tell<I, T>(&mut self, finished: Finished<'_, I, T>, most: Option<u64>)
    where
        O: FnMut(Finished<'_, I, T>) -> Result<(), E>,
    {
        if self.ended.is_err() {
            return;
        }
        let failure = finished.outcome.as_ref().err().map(|failure| failure.ends_run);
        self.failures = self.failures.saturating_add(failure.is_some().into());
        if failure == Some(true) {
            self.ended = Ok(Ended::Failed);
        } else if failure.is_some() && most.is_some_and(|most| self.failures >= most) {
            self.ended = Ok(Ended::TooManyFailures);
        }
        if let Err(error) = (self.observe)(finished) {
            self.ended = Err(error);
        }
    }
}

/// What a lock guards is whole whenever it is let go: a panic leaves nothing half done.
fn held<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a panic says.
fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a bug in h5refs: {}", text.unwrap_or("a panic"))
}

/// A fingerprint of a text or of bytes, by which two that differ are told apart (FNV-1a of 64 bits).
pub fn fingerprint(text: impl AsRef<[u8]>) -> String {
    let add = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.as_ref().iter().fold(0xcbf2_9ce4_8422_2325, add))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    fn double(n: u64) -> Result<u64, Failure> {
        match n {
            13 => panic!("thirteen"),
            n if n % 10 == 7 => Err(Failure::new("seven")),
            n => Ok(n * 2),
        }
    }

    /// A number, and what came of it.
    type Told = (u64, Result<u64, String>);

    /// Every number and what came of it, in the order of the inputs.
    fn outcomes(batch: &Batch, inputs: u64) -> (Ended, Vec<Told>) {
        let mut told = Vec::new();
        let ended = batch.run(
            0..inputs,
            |n| double(*n),
            |finished| {
                assert_eq!(finished.number, *finished.input);
                told.push((finished.number, finished.outcome.map_err(|failure| failure.reason)));
                Ok::<(), ()>(())
            },
        );
        told.sort_by_key(|(n, _)| *n);
        (ended.unwrap(), told)
    }

    #[test]
    fn each_input_is_told_once_whatever_the_jobs() {
        let one = outcomes(&Batch::new(0), 40);
        assert_eq!(one.0, Ended::All);
        assert_eq!(one.1.len(), 40);
        assert_eq!(one.1[12..14], [(12, Ok(24)), (13, Err("a bug in h5refs: thirteen".to_owned()))]);
        assert_eq!(one.1[17], (17, Err("seven".to_owned())));
        for jobs in [2, 8, 100] {
            assert_eq!(outcomes(&Batch::new(jobs), 40), one, "{jobs}");
        }
    }

    #[test]
    fn no_input_is_begun_once_as_many_failed_as_may() {
        let (ended, told) = outcomes(&Batch::new(1).most_failures(2), 40);
        assert_eq!((ended, told.len()), (Ended::TooManyFailures, 14));
        let (ended, told) = outcomes(&Batch::new(4).most_failures(100), 40);
        assert_eq!((ended, told.len()), (Ended::All, 40));
    }

    #[test]
    fn no_input_is_begun_once_it_is_told_to_stop() {
        let stop = Arc::new(AtomicBool::new(false));
        let begun = AtomicU64::new(0);
        let work = |n: &u64| {
            begun.fetch_add(1, Ordering::Relaxed);
            stop.store(*n == 5, Ordering::Relaxed);
            Ok(())
        };
        let mut finished = 0;
        let ended = Batch::new(1).stopped_by(stop.clone()).run(0_u64.., work, |_| {
            finished += 1;
            Ok::<(), ()>(())
        });
        assert_eq!((ended, finished, begun.into_inner()), (Ok(Ended::Stopped), 6, 6));
    }

    #[test]
    fn a_failure_that_no_other_input_escapes_ends_the_run() {
        let work = |n: &u64| Err::<(), _>(Failure { reason: "the disk is full".to_owned(), ends_run: *n == 3 });
        let mut finished = 0;
        let ended = Batch::new(1).run(0_u64.., work, |_| {
            finished += 1;
            Ok::<(), ()>(())
        });
        assert_eq!((ended, finished), (Ok(Ended::Failed), 4));
    }

    #[test]
    fn an_observer_that_gives_up_ends_the_run() {
        let mut finished = 0;
        let ended = Batch::new(3).run(
            0_u64..,
            |_| Ok(()),
            |_| {
                finished += 1;
                if finished == 9 { Err("enough") } else { Ok(()) }
            },
        );
        assert_eq!((ended, finished), (Err("enough"), 9));
    }

    #[test]
    fn texts_have_fingerprints_of_their_own() {
        assert_eq!(fingerprint(""), "cbf29ce484222325");
        assert_eq!(fingerprint("a"), "af63dc4c8601ec8c");
        assert_eq!(fingerprint("foobar"), "85944171f73967e8");
    }
}
