//! How much of an array is read and written at once, so that chunks of the source are decoded as few times as memory allows.

use std::ops::Range;

use crate::reference::Array;
use crate::reference::grid::grid;

/// What may be used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) memory: u64,
    pub(super) jobs: usize,
}

/// How an array is taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fit {
    /// New chunks along each dimension that are filled at once.
    pub(super) unit: Vec<u64>,
    /// Where reads end in each dimension.
    pub(super) cuts: Vec<Cut>,
    /// Threads at once.
    pub(super) jobs: usize,
    /// Bytes that are held at once, at most.
    pub(super) bytes: u64,
}

/// Where reads end in a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// The source's chunk.
    pub(super) chunk: u64,
    /// A part of that, or several of them.
    pub(super) step: u64,
    /// Whether reads always go from one end of a chunk to the other, so that what they read lies in one piece.
    pub(super) wide: bool,
}

/// Bytes of a read that is made of several chunks, at most.
const READ: u64 = 8 << 20;

/// And at least, where memory is short.
const LEAST_READ: u64 = 1 << 20;

/// What a read takes for each byte of its chunks: the stored bytes, two steps of decoding, and the elements.
const READ_TIMES: u64 = 4;

/// What encoding a chunk takes besides the chunk: shuffled bytes, and encoded ones.
const ENCODE_TIMES: u64 = 2;

/// What a chunk takes besides its elements: its key, and what it is known by.
const BESIDE: u64 = 256;

/// Bytes of a unit, at least, where there is room: small chunks are not worth a round of their own.
const AT_ONCE: u64 = 64 << 20;

/// Sizes of units that are tried along a dimension.
const TRIED: u64 = 64;

impl Fit {
    /// For new chunks of an array whose elements have so many bytes.
    ///
    /// # Errors
    /// The bytes that would be needed at least.
    pub(super) fn new(array: &Array, element: u64, chunks: &[u64], room: Room) -> Result<Self, u64> {
        let shape = &array.metadata.shape;
        let volume = |sizes: &[u64]| sizes.iter().fold(element, |bytes, n| bytes.saturating_mul(*n));
        let jobs = u64::try_from(room.jobs.max(1)).unwrap_or(1);
        let most = (room.memory / 2 / READ_TIMES / jobs).clamp(LEAST_READ, READ);
        let source = Source::of(array, element, most, room);
        let cuts = source.cuts(shape, element, most);
        let read: Vec<u64> = cuts.iter().zip(shape).map(|(cut, n)| cut.longest().min(*n).max(1)).collect();
        let (chunk, read) = (volume(chunks).saturating_add(BESIDE), volume(&read).max(source.least));
        let job = read.saturating_mul(READ_TIMES).max(chunk.saturating_mul(ENCODE_TIMES));
        let needed = chunk.saturating_add(job);
        if needed > room.memory {
            return Err(needed);
        }
        let jobs = ((room.memory / 2) / job.max(1)).clamp(1, jobs);
        let left = room.memory.saturating_sub(job.saturating_mul(jobs));
        let (most, least) = (left / chunk.max(1), jobs.saturating_mul(2).max(AT_ONCE / chunk.max(1)));
        let growth = Growth { shape, chunks, grid: grid(shape, chunks), source: &source.chunks, most, least };
        let unit = growth.unit();
        let units = unit.iter().fold(chunk, |bytes, n| bytes.saturating_mul(*n));
        let bytes = units.saturating_add(job.saturating_mul(jobs));
        Ok(Self { unit, cuts, jobs: usize::try_from(jobs).unwrap_or(1), bytes })
    }
}

/// What of the source is decoded at once.
struct Source {
    /// Its chunks.
    own: Vec<u64>,
    /// Those, or the parts of them that are read at once.
    chunks: Vec<u64>,
    /// Whether it is a part of a larger chunk that is not encoded, and where reads then must be wide.
    part: Option<Vec<bool>>,
    /// Bytes that are decoded at once, at least.
    least: u64,
}

impl Source {
    fn of(array: &Array, element: u64, most: u64, room: Room) -> Self {
        let metadata = &array.metadata;
        let own: Vec<u64> = metadata.chunks.iter().zip(&metadata.shape).map(|(c, n)| (*c).min(*n).max(1)).collect();
        let bytes = own.iter().fold(element, |bytes, n| bytes.saturating_mul(*n));
        let is_absent = array.chunks.present() == 0;
        let is_plain = metadata.codecs().next().is_none() && metadata.order == crate::zarr::Order::C;
        // In a chunk at the edge of the array the elements do not lie in one piece.
        let is_even = metadata.chunks.iter().zip(&metadata.shape).all(|(chunk, n)| n % chunk == 0);
        // A server is asked for what it serves well.
        let most = if is_absent { most.max(room.memory / 16) } else { most };
        if bytes <= most || !(is_absent || (is_plain && is_even)) {
            return Self { chunks: own.clone(), own, part: None, least: bytes };
        }
        // All of the last dimensions, some of one, and one of the first.
        let (mut left, mut parts, mut wide) = ((most / element.max(1)).max(1), Vec::new(), Vec::new());
        for size in own.iter().rev() {
            let part = left.min(*size).max(1);
            wide.push(part == *size && !is_absent);
            parts.push(part);
            left = if part == *size { left / size } else { 1 };
        }
        parts.reverse();
        wide.reverse();
        Self { own, chunks: parts, part: Some(wide), least: 0 }
    }

    /// Several chunks of the source are read at once where they are small, the last dimensions first.
    fn cuts(&self, shape: &[u64], element: u64, most: u64) -> Vec<Cut> {
        let mut bytes = self.chunks.iter().fold(element, |bytes, n| bytes.saturating_mul(*n));
        let mut cuts = Vec::new();
        let sizes = self.own.iter().zip(self.chunks.iter().zip(shape));
        for (n, (own, (chunk, size))) in sizes.enumerate().rev() {
            let times = (most / bytes.max(1)).clamp(1, size.div_ceil(*chunk).max(1));
            let times = if self.part.is_some() { 1 } else { times };
            bytes = bytes.saturating_mul(times);
            let wide = self.part.as_ref().and_then(|wide| wide.get(n)).copied().unwrap_or(false);
            cuts.push(Cut { chunk: *own, step: chunk.saturating_mul(times), wide });
        }
        cuts.reverse();
        cuts
    }
}

impl Cut {
    fn longest(self) -> u64 {
        self.step
    }

    /// The parts of a range: what is taken of each read, and what is read.
    pub(super) fn parts(self, range: &Range<u64>, size: u64) -> Vec<(Range<u64>, Range<u64>)> {
        let (mut parts, mut at) = (Vec::new(), range.start);
        while at < range.end {
            // Parts of a chunk begin with it.
            let corner = if self.step < self.chunk { at / self.chunk * self.chunk } else { 0 };
            let step = self.step.max(1);
            let first = at.saturating_sub(corner) / step * step + corner;
            let most = if self.step < self.chunk { corner.saturating_add(self.chunk) } else { size };
            let end = first.saturating_add(step).min(most).min(size);
            let taken = at..end.min(range.end);
            at = taken.end.max(at.saturating_add(1));
            parts.push((taken.clone(), if self.wide { first..end } else { taken }));
        }
        parts
    }
}

/// How many new chunks are filled at once.
struct Growth<'a> {
    shape: &'a [u64],
    chunks: &'a [u64],
    grid: Vec<u64>,
    source: &'a [u64],
    /// Chunks that there is room for.
    most: u64,
    /// Chunks that are worth a round of all jobs.
    least: u64,
}

impl Growth<'_> {
    /// Along which dimensions and how far: as long as fewer chunks of the source are decoded twice, and then until there is enough
    /// to do for each job.
    fn unit(&self) -> Vec<u64> {
        let mut unit = vec![1; self.grid.len()];
        if self.grid.contains(&0) {
            return unit;
        }
        while let Some(better) = self.better(&unit) {
            unit = better;
        }
        for at in (0..unit.len()).rev() {
            let others =
                unit.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, n)| *n).fold(1, u64::saturating_mul);
            let wanted = self.least.div_ceil(others).min(self.most / others);
            if let (Some(own), Some(all)) = (unit.get_mut(at), self.grid.get(at)) {
                // Whole multiples end where chunks of the source do, if the unit does.
                *own = if wanted >= *all { *all } else { (wanted / *own).max(1).saturating_mul(*own) };
            }
        }
        unit
    }

    /// A larger unit, by which most chunks of the source are saved for its size.
    fn better(&self, unit: &[u64]) -> Option<Vec<u64>> {
        let (mut best, mut most) = (None, 1e-9);
        let volume = unit.iter().fold(1, |count: u64, n| count.saturating_mul(*n));
        for (at, own) in unit.iter().enumerate().rev() {
            let now = self.decoded(at, *own);
            for wanted in self.tried(at).into_iter().filter(|wanted| wanted > own) {
                let larger = (volume / own).saturating_mul(wanted);
                let saved = float(now) / float(self.decoded(at, wanted).max(1));
                let gain = saved.ln() / (float(wanted) / float(*own)).ln();
                if larger <= self.most && gain > most {
                    most = gain * (1.0 + 1e-9);
                    best = Some((at, wanted));
                }
            }
        }
        let (at, wanted) = best?;
        Some(unit.iter().enumerate().map(|(n, own)| if n == at { wanted } else { *own }).collect())
    }

    /// Sizes of units along a dimension: equal parts of it, and what ends where chunks of the source do.
    fn tried(&self, at: usize) -> Vec<u64> {
        let (Some(grid), Some(chunk), Some(source)) = (self.grid.get(at), self.chunks.get(at), self.source.get(at))
        else {
            return Vec::new();
        };
        let even = source / common(*chunk, *source).max(1);
        let parts = (1..=TRIED).map(|parts| grid.div_ceil(parts));
        let times = (1..=TRIED).map(|times| even.saturating_mul(times));
        let mut tried: Vec<u64> = parts.chain(times).filter(|n| (1..=*grid).contains(n)).collect();
        tried.sort_unstable();
        tried.dedup();
        tried
    }

    /// Chunks of the source along a dimension that are decoded, each as often as units meet it.
    fn decoded(&self, at: usize, unit: u64) -> u64 {
        let (Some(size), Some(chunk), Some(source)) = (self.shape.get(at), self.chunks.get(at), self.source.get(at))
        else {
            return 1;
        };
        let length = chunk.saturating_mul(unit).max(1);
        let borders = size.div_ceil(length).saturating_sub(1);
        let even = borders / (source / common(length, *source).max(1)).max(1);
        size.div_ceil((*source).max(1)).saturating_add(borders.saturating_sub(even))
    }
}

#[expect(clippy::cast_precision_loss, reason = "ratios are compared roughly")]
fn float(n: u64) -> f64 {
    n as f64
}

/// The greatest common divisor.
fn common(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Manifest;
    use crate::zarr::{ArrayMetadata, Attributes, Codec, Dtype};

    fn array(shape: &[u64], chunks: &[u64], codecs: Vec<Codec>) -> Array {
        let dtype = Dtype::Simple("<f4".to_owned());
        let metadata = ArrayMetadata::new(shape.to_vec(), chunks.to_vec(), dtype, None, codecs);
        let chunks = Manifest { grid: grid(shape, chunks), number: vec![0], ..Manifest::default() };
        Array { metadata, attributes: Attributes::default(), chunks }
    }

    fn fit(source: &Array, chunks: &[u64], memory: u64, jobs: usize) -> Result<Fit, u64> {
        Fit::new(source, 4, chunks, Room { memory, jobs })
    }

    fn zlib() -> Vec<Codec> {
        vec![Codec::Zlib { level: 1 }]
    }

    #[test]
    fn maps_become_series_with_each_map_decoded_once_where_there_is_memory() {
        let maps = array(&[1000, 500, 1000], &[1, 500, 1000], zlib());
        let all = fit(&maps, &[100, 100, 100], 1 << 30, 2).unwrap();
        assert_eq!((all.unit.as_slice(), all.jobs), (&[1, 5, 10][..], 2));
        assert!(all.bytes < 1 << 30);
        // A series is as long as the array, and half of the maps is too much.
        let parts = fit(&maps, &[1000, 50, 50], 1 << 30, 2).unwrap();
        assert_eq!(parts.unit.iter().product::<u64>(), 100);
        assert!(parts.bytes <= 1 << 30, "{parts:?}");
    }

    #[test]
    fn chunks_that_fit_into_each_other_are_not_gathered() {
        let source = array(&[6400, 6400], &[800, 800], zlib());
        let fitted = fit(&source, &[1600, 800], 1 << 30, 1).unwrap();
        assert_eq!(fitted.unit, [2, 8], "{fitted:?}");
        // Every second border of the new chunks is one of the source's.
        let odd = fit(&source, &[1200, 800], 1 << 30, 1).unwrap();
        assert_eq!(odd.unit, [2, 8], "{odd:?}");
        let large = fit(&source, &[3200, 6400], 1 << 30, 1).unwrap();
        assert_eq!(large.unit, [2, 1], "{large:?}");
    }

    #[test]
    fn memory_is_never_exceeded_and_too_little_is_told() {
        let source = array(&[1000, 1000], &[100, 100], zlib());
        // A chunk, and the reading of one of the source's or the encoding.
        let needed = fit(&source, &[100, 100], 1000, 1).unwrap_err();
        assert!((120_000..10_000_000).contains(&needed), "{needed}");
        for memory in [needed, needed * 2, needed * 7, 1 << 33] {
            for jobs in [1, 2, 64] {
                if let Ok(fit) = fit(&source, &[100, 100], memory, jobs) {
                    assert!(fit.bytes <= memory, "{memory} {jobs} {fit:?}");
                }
            }
        }
        assert!(fit(&source, &[u64::MAX, u64::MAX], 1 << 40, 1).is_err());
    }

    #[test]
    fn a_large_chunk_without_codecs_is_read_in_rows() {
        let plain = array(&[1000, 500, 1000], &[1000, 500, 1000], Vec::new());
        let fitted = fit(&plain, &[100, 100, 100], 1 << 30, 1).unwrap();
        let cut = |chunk, step, wide| Cut { chunk, step, wide };
        assert_eq!(fitted.cuts, [cut(1000, 4, false), cut(500, 500, true), cut(1000, 1000, true)]);
        let several = array(&[30, 600, 1000], &[10, 600, 1000], Vec::new());
        let fitted = fit(&several, &[30, 600, 100], 1 << 30, 1).unwrap();
        assert_eq!(fitted.cuts[0], cut(10, 3, false));
        let ranges: Vec<Range<u64>> = fitted.cuts[0].parts(&(2..21), 30).into_iter().map(|(taken, _)| taken).collect();
        assert_eq!(ranges, [2..3, 3..6, 6..9, 9..10, 10..13, 13..16, 16..19, 19..20, 20..21]);
        let packed = array(&[1000, 500, 1000], &[1000, 500, 1000], zlib());
        assert_eq!(fit(&packed, &[100, 100, 100], 1 << 30, 1), Err(4_000_000 + 256 + 4 * 2_000_000_000));
    }

    #[test]
    fn reads_end_where_chunks_of_the_source_do() {
        let cut = Cut { chunk: 5, step: 10, wide: false };
        assert_eq!(cut.parts(&(3..25), 40), [(3..10, 3..10), (10..20, 10..20), (20..25, 20..25)]);
        let wide = Cut { wide: true, ..cut };
        assert_eq!(wide.parts(&(3..12), 14), [(3..10, 0..10), (10..12, 10..14)]);
        assert_eq!(cut.parts(&(0..0), 0), []);
    }
}
