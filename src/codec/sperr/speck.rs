//! Whole numbers in bit planes, the most significant first: where in sets of elements the first bit of a number lies, then its sign, and
//! below that the bits themselves (SPERR, `SPECK_INT.cpp`).

use super::bits::Bits;
use super::extent::{Extent, Levels, half};
use super::mask::Mask;
use super::sets::{ALL, Parts, Set};
use crate::error::Problem;
use crate::field::convert::{narrow, wide};

/// Levels that sets can have: each of three dimensions of 32 bits is halved that often.
const LEVELS: usize = 1 + 3 * 32;

/// The corners of what is left of a plane, in the order of coding.
const AROUND: [usize; 3] = [3, 1, 2];

/// A coded stream.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    planes: u32,
    /// Bits of the whole stream.
    total: u64,
    /// Its bytes, the last of which may have been left out.
    bytes: &'a [u8],
}

/// Numbers, one for each element.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) magnitudes: Vec<u64>,
    pub(super) positive: Mask,
}

impl<'a> Stream<'a> {
    /// The stream, and what follows it.
    pub(super) fn parse(stream: &'a [u8]) -> Result<(Self, &'a [u8]), Problem> {
        let (planes, i) = stream.split_first().ok_or(Problem::Truncated)?;
        let (total, i) = i.split_first_chunk().ok_or(Problem::Truncated)?;
        if *planes > 64 {
            return Err(Problem::Value { field: "sperr bit planes", value: (*planes).into() });
        }
        let total = u64::from_le_bytes(*total);
        let (bytes, rest) = i.split_at_checked(narrow(total.div_ceil(8))).unwrap_or((i, &[]));
        Ok((Self { planes: (*planes).into(), total, bytes }, rest))
    }

    /// Whether nothing of it was left out.
    pub(super) fn is_whole(&self) -> bool {
        wide(self.bytes.len()) == self.total.div_ceil(8)
    }

    /// The numbers of `count` elements; `None` where the stream does not hold them.
    pub(super) fn decode(&self, extent: &Extent, count: usize) -> Option<Numbers> {
        let mut decoder = Decoder::new(Bits::new(self.bytes, self.total), *extent, count)?;
        let mut threshold = self.planes.checked_sub(1).map_or(0, |planes| 1_u64.wrapping_shl(planes));
        for _ in 0..self.planes {
            decoder.sort()?;
            if decoder.bits.is_exhausted() {
                break;
            }
            decoder.refine(threshold)?;
            if decoder.bits.is_exhausted() {
                break;
            }
            threshold /= 2;
        }
        decoder.begin(threshold);
        Some(Numbers { magnitudes: decoder.magnitudes, positive: decoder.positive })
    }
}

impl Numbers {
    /// The numbers in steps.
    pub(super) fn values(&self, step: f64) -> Vec<f64> {
        let signs = self.positive.bits().map(|positive| if positive { 1.0 } else { -1.0 });
        self.magnitudes.iter().zip(signs).map(|(magnitude, sign)| step * real(*magnitude) * sign).collect()
    }
}

/// The nearest float: both halves are exact, and only their sum is rounded.
pub(super) fn real(number: u64) -> f64 {
    let [high, low] = [number >> 32, number & u64::from(u32::MAX)].map(|half| u32::try_from(half).unwrap_or(0));
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

/// What is known of the numbers so far.
struct Decoder<'a> {
    bits: Bits<'a>,
    extent: Extent,
    /// Sets without a number that began, by their level.
    sets: Vec<Vec<Set>>,
    /// In planes: how often what is left around the sets can still be parted.
    around: u32,
    /// Elements of their own whose numbers did not begin.
    waiting: Mask,
    /// Elements whose numbers began in this plane.
    begun: Vec<usize>,
    /// Elements whose numbers began in planes before.
    known: Mask,
    magnitudes: Vec<u64>,
    positive: Mask,
}

impl<'a> Decoder<'a> {
    fn new(bits: Bits<'a>, extent: Extent, count: usize) -> Option<Self> {
        let mut decoder = Self {
            bits,
            extent,
            sets: vec![Vec::new(); LEVELS],
            around: 0,
            waiting: Mask::new(count, false),
            begun: Vec::new(),
            known: Mask::new(count, false),
            magnitudes: vec![0; count],
            positive: Mask::new(count, true),
        };
        let whole = Set::whole(&extent);
        match extent {
            Extent::Line(_) => {
                for (part, _) in Parts::new(whole, &extent) {
                    decoder.keep(part)?;
                }
            }
            Extent::Plane(_) => {
                decoder.around = match extent.levels() {
                    Levels::Dyadic(times) | Levels::Packet { plane: times, .. } => times,
                };
                let lengths = whole.lengths.map(|length| half(length, decoder.around));
                decoder.keep(Set { lengths, level: narrow(decoder.around.into()), ..whole })?;
            }
            Extent::Volume(_) => decoder.keep_volume(whole)?,
        }
        Some(decoder)
    }

    /// Parts a volume as the wavelet transform did; what was transformed most often comes first of its level.
    fn keep_volume(&mut self, whole: Set) -> Option<()> {
        const PLANE: usize = 3;
        const DEPTH: usize = 4;
        let (together, plane, depth) = match self.extent.levels() {
            Levels::Dyadic(times) => (times, 0, 0),
            Levels::Packet { plane, depth } => {
                let both = plane.min(depth);
                (both, plane.saturating_sub(both), depth.saturating_sub(both))
            }
        };
        let mut inner = whole;
        for (times, axes) in [(together, ALL), (plane, PLANE), (depth, DEPTH)] {
            for _ in 0..times {
                let splits = inner.splits(axes);
                let level = inner.level.saturating_add(narrow(splits.count_ones().into()));
                for corner in (1..=ALL).filter(|corner| corner & !splits == 0) {
                    self.keep(inner.part(corner, splits, level))?;
                }
                inner = inner.part(0, splits, level);
            }
        }
        self.sets.get_mut(inner.level)?.insert(0, inner);
        Some(())
    }

    fn keep(&mut self, set: Set) -> Option<()> {
        self.sets.get_mut(set.level)?.push(set);
        Some(())
    }

    /// Finds the elements whose numbers begin in this plane.
    fn sort(&mut self) -> Option<()> {
        for group in 0..self.waiting.groups() {
            for element in self.waiting.set_in(group) {
                if self.bits.next()? {
                    self.found(element)?;
                }
            }
        }
        for level in (0..self.sets.len()).rev() {
            let sets = std::mem::take(self.sets.get_mut(level)?);
            let mut kept = Vec::new();
            for set in sets {
                if self.bits.next()? {
                    self.part(set)?;
                } else {
                    kept.push(set);
                }
            }
            // Parts are of higher levels.
            *self.sets.get_mut(level)? = kept;
        }
        self.sort_around()
    }

    /// Parts what is left of a plane around the sets, as long as numbers begin there.
    fn sort_around(&mut self) -> Option<()> {
        let mut is_told = true;
        while self.around > 0 {
            if is_told && !self.bits.next()? {
                break;
            }
            let outer = Set::whole(&self.extent);
            let lengths = outer.lengths.map(|length| half(length, self.around.saturating_sub(1)));
            let outer = Set { lengths, ..outer };
            is_told = false;
            for corner in AROUND {
                let part = outer.part(corner, 3, narrow(self.around.into()));
                if self.bits.next()? {
                    is_told = true;
                    self.part(part)?;
                } else {
                    self.keep(part)?;
                }
            }
            self.around = self.around.saturating_sub(1);
        }
        Some(())
    }

    /// Parts a set in which a number begins, and those of its parts in which one does. Where none of the others has one the last has.
    fn part(&mut self, set: Set) -> Option<()> {
        let mut open = vec![(Parts::new(set, &self.extent), false)];
        while let Some((parts, has_begun)) = open.last_mut() {
            let Some((part, is_last)) = parts.next() else {
                open.pop();
                continue;
            };
            let begins = (is_last && !*has_begun) || self.bits.next()?;
            *has_begun |= begins;
            match (part.is_element(), begins) {
                (true, true) => self.found(self.element(&part)?)?,
                (true, false) => self.waiting.assign(self.element(&part)?, true),
                (false, true) => open.push((Parts::new(part, &self.extent), false)),
                (false, false) => self.keep(part)?,
            }
        }
        Some(())
    }

    /// The position of the first element of a set.
    fn element(&self, set: &Set) -> Option<usize> {
        let ([x, y, z], [width, height, _]) = (set.start.map(wide32), self.extent.lengths().map(wide32));
        z.checked_mul(height)?.checked_add(y)?.checked_mul(width)?.checked_add(x)
    }

    /// Takes the sign of an element whose number begins.
    fn found(&mut self, element: usize) -> Option<()> {
        let positive = self.bits.next()?;
        self.positive.assign(element, positive);
        self.waiting.assign(element, false);
        self.begun.push(element);
        Some(())
    }

    /// Takes a bit of each number that began before, and then counts those that began now to them. Numbers are in the middle of what
    /// they can be, or just below.
    fn refine(&mut self, threshold: u64) -> Option<()> {
        let quarter = threshold / 2;
        'planes: for group in 0..self.known.groups() {
            for element in self.known.set_in(group) {
                let bit = self.bits.next()?;
                let magnitude = self.magnitudes.get_mut(element)?;
                *magnitude = match (threshold, bit) {
                    (..2, bit) => magnitude.wrapping_add(bit.into()),
                    (_, true) => magnitude.wrapping_add(quarter),
                    (_, false) => magnitude.wrapping_sub(quarter),
                };
                if self.bits.is_exhausted() {
                    break 'planes;
                }
            }
        }
        self.begin(threshold);
        Some(())
    }

    /// Gives the numbers that began in this plane their first value.
    fn begin(&mut self, threshold: u64) {
        let value = threshold.wrapping_add(threshold).wrapping_sub(threshold / 2).wrapping_sub(1);
        for element in self.begun.drain(..) {
            self.known.assign(element, true);
            if let Some(magnitude) = self.magnitudes.get_mut(element) {
                *magnitude = value;
            }
        }
    }
}

fn wide32(n: u32) -> usize {
    narrow(n.into())
}
