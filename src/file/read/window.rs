//! The elements of a box of any dataset: their bytes, or their values.

use super::super::dataset::{Dataset, Storage};
use super::super::{File, Value};
use super::ReadOptions;
use super::ready::{Part, Ready, opened};
use super::stored::{bytes_of, filled, stored};
use crate::field::Span;
use crate::field::convert::{narrow, wide};
use crate::limits::Budget;
use crate::source::{Gather, Halt};
use crate::window::{Runs, Window};

/// Most bytes of a source that are read at once for a virtual dataset, unless one run has more.
const MOST_BYTES: u64 = 1 << 25;

/// Most runs of a source that are read at once.
const MOST_RUNS: usize = 1 << 16;

/// What a box is read as.
pub(super) trait Form {
    /// What elements consist of.
    type Unit: Clone;

    /// How many units an element has.
    fn units(dataset: &Dataset) -> u64;

    /// Elements out of their bytes.
    fn of(file: &File<'_>, dataset: &Dataset, bytes: Vec<u8>) -> Result<Vec<Self::Unit>, Halt>;
}

/// Elements as they lie in the file.
pub(super) struct AsStored;

/// Elements as values, which may lie in the heap of the file that they are stored in.
pub(super) struct AsValues;

impl Form for AsStored {
    type Unit = u8;

    fn units(dataset: &Dataset) -> u64 {
        dataset.datatype.size.into()
    }

    fn of(_: &File<'_>, _: &Dataset, bytes: Vec<u8>) -> Result<Vec<u8>, Halt> {
        Ok(bytes)
    }
}

impl Form for AsValues {
    type Unit = Value;

    fn units(_: &Dataset) -> u64 {
        1
    }

    fn of(file: &File<'_>, dataset: &Dataset, bytes: Vec<u8>) -> Result<Vec<Value>, Halt> {
        let count = wide(bytes.len()).checked_div(dataset.datatype.size.into()).unwrap_or(0);
        file.elements(&dataset.datatype, count, Span::new(&bytes, 0))
    }
}

/// What a read goes by.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) file: &'a File<'a>,
    pub(super) options: &'a ReadOptions,
    pub(super) budget: &'a Budget,
}

impl Reading<'_> {
    /// The elements of a box.
    pub(super) fn window<F: Form>(&self, ready: &Ready, window: &Window) -> Result<Vec<F::Unit>, Halt> {
        let dataset = &ready.dataset;
        if matches!(dataset.storage, Storage::Virtual(_)) {
            return self.virtual_window::<F>(ready, window);
        }
        let bytes = match &ready.external {
            Some(external) => stored(external, dataset, window, self.budget)?,
            None => stored(self.file.source, dataset, window, self.budget)?,
        };
        F::of(self.file, dataset, bytes)
    }

    /// Of mappings that overlap libhdf5 reads the last.
    fn virtual_window<F: Form>(&self, ready: &Ready, window: &Window) -> Result<Vec<F::Unit>, Halt> {
        self.budget.read(bytes_of(&ready.dataset, window))?;
        let mut elements = self.fill::<F>(&ready.dataset, window)?;
        if elements.is_empty() {
            return Ok(elements);
        }
        let most = MOST_BYTES.checked_div(ready.dataset.datatype.size.into()).unwrap_or(1);
        let mut gather = Gather::default();
        for part in &ready.parts {
            let mut pieces = Pieces::default();
            part.to.within(window, |run| -> Result<(), Halt> {
                let (mut number, mut at, mut left) = (run.number, run.at, run.length);
                while left > 0 {
                    let Some((from, length)) = part.from.locate(number) else { return Ok(()) };
                    let length = length.min(left);
                    if !pieces.takes(&from, length, most) {
                        self.copy::<F>(part, window, &mut pieces, &mut elements, &mut gather)?;
                    }
                    pieces.add(from, &at, length);
                    (number, left) = (number.saturating_add(length), left.saturating_sub(length));
                    if let Some(last) = at.last_mut() {
                        *last = last.saturating_add(length);
                    }
                }
                Ok(())
            })?;
            self.copy::<F>(part, window, &mut pieces, &mut elements, &mut gather)?;
        }
        gather.finish(|| elements)
    }

    /// Copies pieces of a source to their places.
    fn copy<F: Form>(
        &self,
        part: &Part,
        window: &Window,
        pieces: &mut Pieces,
        elements: &mut [F::Unit],
        gather: &mut Gather,
    ) -> Result<(), Halt> {
        let Pieces { bounds: Some(bounds), pieces } = std::mem::take(pieces) else { return Ok(()) };
        self.budget.chunks(wide(pieces.len()))?;
        let source = &part.source.ready;
        // Virtual datasets in virtual datasets may name the same elements again and again.
        self.budget.read_source(bytes_of(&source.dataset, &bounds))?;
        let read = match &part.source.file {
            None => self.window::<F>(source, &bounds),
            Some(found) => opened(self.file, found, self.options, &found.url, |file| {
                Reading { file, ..*self }.window::<F>(source, &bounds)
            }),
        };
        let Some(read) = gather.take(read)? else { return Ok(()) };
        let unit = narrow(F::units(&source.dataset));
        for (from, to, length) in pieces {
            let inside = |at: &[u64], start: &[u64]| -> Vec<u64> {
                at.iter().zip(start).map(|(at, start)| at.saturating_sub(*start)).collect()
            };
            let from =
                Runs::new(&vec![1; from.len()], (&bounds.count, &inside(&from, &bounds.start)), (&bounds.count, &from))
                    .next();
            let to = Runs::new(&vec![1; to.len()], (&window.count, &inside(&to, &window.start)), (&window.count, &to))
                .next();
            let range = |first: u64| {
                let start = narrow(first).saturating_mul(unit);
                start..start.saturating_add(narrow(length).saturating_mul(unit))
            };
            let (from, to) = (from.and_then(|(at, _)| read.get(range(at))), to.map(|(at, _)| range(at)));
            if let (Some(from), Some(to)) = (from, to.and_then(|to| elements.get_mut(to))) {
                to.clone_from_slice(from);
            }
        }
        Ok(())
    }

    /// A box of elements that no source gives.
    fn fill<F: Form>(&self, dataset: &Dataset, window: &Window) -> Result<Vec<F::Unit>, Halt> {
        let elements = window.elements().unwrap_or(u64::MAX);
        let one = Window { start: Vec::new(), count: Vec::new() };
        let one = F::of(self.file, dataset, filled(dataset, &one))?;
        let units = elements.checked_mul(F::units(dataset)).map_or(usize::MAX, narrow);
        Ok(one.into_iter().cycle().take(units).collect())
    }
}

/// Runs of a source, where they go, and the box that they lie in.
#[derive(Default)]
struct Pieces {
    bounds: Option<Window>,
    pieces: Vec<(Vec<u64>, Vec<u64>, u64)>,
}

impl Pieces {
    /// Whether one more run leaves the box small enough.
    fn takes(&self, from: &[u64], length: u64, most: u64) -> bool {
        let Some(bounds) = &self.bounds else { return true };
        self.pieces.len() < MOST_RUNS && widened(bounds, from, length).elements().is_some_and(|n| n <= most)
    }

    fn add(&mut self, from: Vec<u64>, to: &[u64], length: u64) {
        self.bounds = Some(match &self.bounds {
            Some(bounds) => widened(bounds, &from, length),
            None => widened(&Window { start: from.clone(), count: vec![0; from.len()] }, &from, length),
        });
        self.pieces.push((from, to.to_vec(), length));
    }
}

/// The box around a box and a run along the last dimension.
fn widened(bounds: &Window, from: &[u64], length: u64) -> Window {
    let mut wider = Window { start: Vec::new(), count: Vec::new() };
    let last = from.len().saturating_sub(1);
    for (dimension, (range, at)) in bounds.ranges().zip(from).enumerate() {
        let end = at.saturating_add(if dimension == last { length } else { 1 });
        let start = range.start.min(*at);
        wider.start.push(start);
        wider.count.push(range.end.max(end).saturating_sub(start));
    }
    wider
}
