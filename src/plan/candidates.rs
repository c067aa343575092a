//! Chunk shapes of a size, and what reads of them cost.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::access::Access;
use crate::reference::grid::grid;

/// A chunk shape.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Candidate {
    /// Its size in each dimension.
    pub chunks: Vec<u64>,
    /// Bytes of a chunk, before any codec; 0 where elements have no size of their own.
    pub bytes: u64,
    /// Chunks along each dimension.
    pub grid: Vec<u64>,
    /// Chunks of the array.
    pub count: u64,
    /// How full the last chunk is: the least of all dimensions.
    pub filled: f64,
    /// What reads cost, by the names of the patterns.
    pub reads: BTreeMap<String, Reads>,
}

/// What a read costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reads {
    /// Chunks that it meets, at most; each is one read.
    pub reads: u64,
    /// Bytes of those, before any codec.
    pub bytes: u64,
    /// Seconds that are waited for answers, one read after another.
    pub latency: f64,
    /// The same, and the seconds in which the bytes come.
    pub seconds: f64,
}

/// Numbers of parts that are all tried; of larger ones each is a tenth more than the one before.
const DENSE: u64 = 64;

#[expect(clippy::cast_precision_loss, reason = "costs are estimates")]
fn float(n: u64) -> f64 {
    n as f64
}

impl Candidate {
    pub(super) fn new(access: &Access<'_>, size: u64, chunks: &[u64]) -> Self {
        let bytes = chunks.iter().fold(size, |bytes, chunk| bytes.saturating_mul(*chunk));
        let grid = grid(access.shape, chunks);
        let last = access.shape.iter().zip(chunks).map(|(n, chunk)| match n % (*chunk).max(1) {
            0 => 1.0,
            rest => float(rest) / float(*chunk),
        });
        let reads = access.patterns().into_iter().map(|(name, extents)| {
            let met = extents.iter().zip(access.shape.iter().zip(chunks));
            let reads = met.map(|(extent, (n, chunk))| extent.chunks(*n, *chunk)).fold(1, u64::saturating_mul);
            let latency = float(reads) * access.options.latency;
            let read = reads.saturating_mul(bytes);
            (name, Reads { reads, bytes: read, latency, seconds: latency + float(read) / access.options.throughput })
        });
        Self {
            filled: last.fold(1.0, f64::min),
            count: grid.iter().fold(1, |count, n| count.saturating_mul(*n)),
            reads: reads.collect(),
            chunks: chunks.to_vec(),
            bytes,
            grid,
        }
    }

    /// Seconds of the slowest pattern.
    fn slowest(&self) -> f64 {
        self.reads.values().map(|reads| reads.seconds).fold(0.0, f64::max)
    }

    /// Whether another is as good in every respect.
    fn is_beaten_by(&self, other: &Self) -> bool {
        let reads = self.reads.values().zip(other.reads.values());
        other.bytes <= self.bytes && reads.into_iter().all(|(own, other)| other.reads <= own.reads)
    }
}

/// The candidates of an array, the best first.
pub(super) fn of(access: &Access<'_>, size: u64, bytes: u64, today: &[u64]) -> Vec<Candidate> {
    let options = access.options;
    if bytes <= options.least.max(size) {
        let whole: Vec<u64> = access.shape.iter().map(|n| (*n).max(1)).collect();
        return vec![Candidate::new(access, size, &whole)];
    }
    let all: Vec<Vec<u64>> = shapes(access, today).into_iter().collect();
    let within = |least: u64, most: u64, filled: f64| {
        let volume = |chunks: &&Vec<u64>| chunks.iter().fold(size, |bytes, chunk| bytes.saturating_mul(*chunk));
        let fitting = all.iter().filter(move |chunks| (least..=most).contains(&volume(chunks)));
        let fitting = fitting.map(|chunks| Candidate::new(access, size, chunks));
        best(fitting.filter(|candidate| candidate.filled >= filled))
    };
    // What fits less well is better than nothing, up to the limit.
    let tries = [(options.least, options.most, options.filled), (options.least, options.limit, options.filled)];
    let tries = tries.into_iter().chain([(options.least, options.limit, 0.0), (0, options.limit, 0.0)]);
    tries.map(|(least, most, filled)| within(least, most, filled)).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Of those with the same grid the smallest; of these, those that none beats; the fastest first.
fn best(candidates: impl Iterator<Item = Candidate>) -> Vec<Candidate> {
    let mut by_grid: BTreeMap<Vec<u64>, Candidate> = BTreeMap::new();
    for candidate in candidates {
        match by_grid.get_mut(&candidate.grid) {
            Some(known) if known.bytes <= candidate.bytes => {}
            Some(known) => *known = candidate,
            None => _ = by_grid.insert(candidate.grid.clone(), candidate),
        }
    }
    let mut sorted: Vec<Candidate> = by_grid.into_values().collect();
    // One that is beaten comes after one that beats it.
    let sum = |one: &Candidate| one.reads.values().fold(0, |sum: u64, reads| sum.saturating_add(reads.reads));
    sorted.sort_by_key(|one| (one.bytes, sum(one)));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in sorted {
        if !kept.iter().any(|other| candidate.is_beaten_by(other)) {
            kept.push(candidate);
        }
    }
    kept.sort_by(|a, b| a.slowest().total_cmp(&b.slowest()).then(a.bytes.cmp(&b.bytes)));
    kept
}

/// The shapes that are tried.
fn shapes(access: &Access<'_>, today: &[u64]) -> BTreeSet<Vec<u64>> {
    let Access { shape, along, .. } = *access;
    let others: BTreeSet<Vec<u64>> = cubes(shape, along)
        .chain(equal_parts(shape))
        .chain(multiples(shape, today))
        .map(|mut chunks| {
            chunks.iter_mut().skip(along).take(1).for_each(|chunk| *chunk = 1);
            chunks
        })
        .collect();
    let Some(length) = shape.get(along).copied() else { return others };
    let lengths: BTreeSet<u64> = parts(length).map(|parts| length.div_ceil(parts).max(1)).collect();
    let with = |other: &Vec<u64>, length: u64| {
        let chunks = other.iter().enumerate().map(|(n, chunk)| if n == along { length } else { *chunk });
        chunks.collect::<Vec<u64>>()
    };
    others.iter().flat_map(|other| lengths.iter().map(move |length| with(other, *length))).collect()
}

/// Numbers of parts of so many things.
fn parts(most: u64) -> impl Iterator<Item = u64> {
    let next = |parts: &u64| Some(if *parts < DENSE { parts + 1 } else { parts.saturating_add(parts / 10) });
    std::iter::successors(Some(1), next).take_while(move |parts| *parts < most.max(2)).chain([most.max(1)])
}

/// Chunks of the same size in each dimension but one, that hold the `m`th part of these dimensions.
fn cubes(shape: &[u64], along: usize) -> impl Iterator<Item = Vec<u64>> {
    let volume: f64 = shape.iter().enumerate().filter(|(n, _)| *n != along).map(|(_, size)| float(*size)).product();
    let rank = f64::from(u16::try_from(shape.len().saturating_sub(1).max(1)).unwrap_or(u16::MAX));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what does not fit saturates")]
    let most = volume as u64;
    parts(most).map(move |m| {
        // A root that is whole is not rounded up for its last digits.
        let side = ((volume / float(m)).powf(rank.recip()) * (1.0 - 1e-12)).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what does not fit saturates")]
        let side = side as u64;
        shape.iter().map(|size| side.clamp(1, (*size).max(1))).collect()
    })
}

/// Chunks of which there are as many along each dimension, as far as there can be.
fn equal_parts(shape: &[u64]) -> impl Iterator<Item = Vec<u64>> {
    let most = shape.iter().copied().max().unwrap_or(1);
    parts(most).map(move |parts| shape.iter().map(|size| size.div_ceil(parts).max(1)).collect())
}

/// Chunks that each consist of whole ones of today, as many along each dimension, as far as there are.
fn multiples(shape: &[u64], today: &[u64]) -> impl Iterator<Item = Vec<u64>> {
    let most = grid(shape, today).into_iter().max().unwrap_or(1);
    parts(most).map(move |times| {
        let chunks = shape.iter().zip(today);
        chunks.map(|(size, chunk)| chunk.saturating_mul(times).clamp(1, (*size).max(1))).collect()
    })
}
