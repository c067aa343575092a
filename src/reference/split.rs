//! Chunks without codecs, split into smaller ones that are read by themselves.

use bytes::Bytes;

use super::grid::{grid, number, position};
use super::key::{chunk_name, joined};
use super::{Array, Manifest, UrlId, Urls};
use crate::convert::{narrow, wide};
use crate::error::LimitError;
use crate::limits::{Limits, check};
use crate::zarr::Order;

/// Into what chunks are split. Pieces must lie in one piece: of one element along the first dimensions, a part along one, and all along
/// those after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Split {
    /// So many pieces: along the first dimension, then the next, each taken whole before the next is split.
    Factor(u64),
    /// The largest pieces of at most so many bytes.
    Bytes(u64),
    /// So many pieces along dimensions, by their names.
    Dimensions(Vec<(String, u64)>),
    /// Pieces of this shape.
    Shape(Vec<u64>),
}

/// Why chunks are not split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// Chunks that are not their elements as they lie, so that no part of one can be referenced.
    #[error("{path}: its chunks are encoded with {codec}, and no part of one can be read by itself")]
    Encoded {
        /// The array.
        path: String,
        /// The first codec, by its name.
        codec: String,
    },
    /// Chunks of which the first dimension varies fastest.
    #[error("{path}: the first dimension of its chunks varies fastest, which is not split")]
    Order {
        /// The array.
        path: String,
    },
    /// Elements that have no size of their own.
    #[error("{path}: its elements have no size of their own")]
    Objects {
        /// The array.
        path: String,
    },
    /// Chunks that are whole files, whose length the references do not tell.
    #[error("{path}: chunks of it are whole files, of which references tell no length")]
    Whole {
        /// The array.
        path: String,
    },
    /// A chunk that has not the bytes of its elements.
    #[error("{key}: has {found} bytes, and its elements have {expected}")]
    Length {
        /// The key of the chunk.
        key: String,
        /// Its bytes.
        found: u64,
        /// The bytes of its elements.
        expected: u64,
    },
    /// Pieces that chunks cannot be split into.
    #[error("{path}: {why}")]
    Pieces {
        /// The array.
        path: String,
        /// Why not.
        why: String,
    },
    /// More than the caller's [`Limits`](crate::Limits) allow.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

impl Array {
    /// Splits the chunks, and gives the shape that they had. Where it cannot be done the array stays as it is.
    pub(crate) fn split(&mut self, path: &str, split: &Split, limits: &Limits) -> Result<Vec<u64>, SplitError> {
        let size = element(path, self)?;
        let after = pieces(path, self, size, split)?;
        let pieces = Pieces::new(path, self, &after, size, limits)?;
        self.chunks = pieces.manifest(path, &self.chunks, limits)?;
        Ok(std::mem::replace(&mut self.metadata.chunks, after))
    }

    /// Whether its chunks have more than so many bytes, and no codec encodes them.
    pub(crate) fn is_larger(&self, most: u64) -> bool {
        self.metadata.codecs().next().is_none() && self.metadata.chunk_bytes().is_some_and(|bytes| bytes > most)
    }
}

/// Bytes of an element of an array whose chunks can be split.
fn element(path: &str, array: &Array) -> Result<u64, SplitError> {
    let path = path.to_owned();
    let metadata = &array.metadata;
    let size = metadata.dtype.size().filter(|size| *size > 0);
    if metadata.dtype.size() == Some(0) {
        return Err(SplitError::Objects { path });
    }
    if let Some(codec) = metadata.codecs().next() {
        return Err(SplitError::Encoded { path, codec: codec.id().to_owned() });
    }
    if metadata.order != Order::C {
        return Err(SplitError::Order { path });
    }
    if array.chunks.length.contains(&Manifest::WHOLE) {
        return Err(SplitError::Whole { path });
    }
    size.ok_or(SplitError::Objects { path })
}

/// The shape of a piece.
fn pieces(path: &str, array: &Array, size: u64, split: &Split) -> Result<Vec<u64>, SplitError> {
    let chunk = &array.metadata.chunks;
    let shape = match split {
        Split::Factor(factor) => by_factor(chunk, *factor),
        Split::Bytes(most) => by_bytes(chunk, size, *most),
        Split::Dimensions(counts) => by_dimensions(array, counts),
        Split::Shape(shape) => Ok(shape.clone()),
    };
    shape
        .and_then(|shape| fits(chunk, &shape).map(|()| shape))
        .map_err(|why| SplitError::Pieces { path: path.to_owned(), why })
}

fn by_factor(chunk: &[u64], factor: u64) -> Result<Vec<u64>, String> {
    let (mut shape, mut rest) = (chunk.to_vec(), factor);
    let wrong = || format!("chunks {chunk:?} do not split into {factor} equal pieces along the first dimensions");
    for size in &mut shape {
        let whole = *size;
        if rest == 0 || (rest % whole != 0 && whole % rest != 0) {
            return Err(wrong());
        }
        *size = if rest >= whole { 1 } else { whole / rest };
        rest = (rest / whole).max(1);
        if *size > 1 {
            break;
        }
    }
    if rest == 1 { Ok(shape) } else { Err(wrong()) }
}

fn by_bytes(chunk: &[u64], size: u64, most: u64) -> Result<Vec<u64>, String> {
    let mut shape = chunk.to_vec();
    for at in 0..shape.len() {
        let inner = chunk.iter().skip(at.saturating_add(1)).try_fold(size, |bytes, size| bytes.checked_mul(*size));
        let room = most / inner.unwrap_or(u64::MAX);
        let Some(size) = shape.get_mut(at) else { break };
        if room == 0 {
            *size = 1;
            continue;
        }
        *size = divisor(*size, room).ok_or_else(|| format!("chunks {chunk:?} have no part of at most {most} bytes"))?;
        return Ok(shape);
    }
    if size <= most { Ok(shape) } else { Err(format!("one element has {size} bytes")) }
}

/// The largest divisor that is at most `most`, if it is found in a reasonable time.
fn divisor(size: u64, most: u64) -> Option<u64> {
    const PATIENCE: u64 = 1 << 24;
    let first = size.div_ceil(most.max(1)).max(1);
    let mut counts = first..=first.saturating_add(PATIENCE).min(size);
    counts.find(|count| size.is_multiple_of(*count)).map(|count| size / count)
}

fn by_dimensions(array: &Array, counts: &[(String, u64)]) -> Result<Vec<u64>, String> {
    let mut shape = array.metadata.chunks.clone();
    for (name, count) in counts {
        let mut named = array.attributes.dimensions().zip(&mut shape).filter(|(known, _)| known == name);
        let Some((_, size)) = named.next() else { return Err(format!("it has no dimension {name}")) };
        if *count == 0 || *size % count != 0 {
            return Err(format!("{size} elements of a chunk along {name} do not split into {count} equal pieces"));
        }
        *size /= count;
    }
    Ok(shape)
}

/// Whether chunks consist of such pieces, each in one piece.
fn fits(chunk: &[u64], shape: &[u64]) -> Result<(), String> {
    let divides = chunk.iter().zip(shape).all(|(chunk, piece)| *piece > 0 && chunk % piece == 0);
    if chunk.len() != shape.len() || !divides {
        return Err(format!("chunks {chunk:?} do not consist of pieces {shape:?}"));
    }
    let mut rest = chunk.iter().zip(shape).skip_while(|(_, piece)| **piece == 1).skip(1);
    if rest.any(|(chunk, piece)| chunk != piece) {
        return Err(format!(
            "pieces {shape:?} of chunks {chunk:?} do not lie in one piece: the dimensions before one that is split must be in pieces of one element"
        ));
    }
    Ok(())
}

/// How each chunk is split.
struct Pieces {
    /// Pieces of a chunk along each dimension.
    counts: Vec<u64>,
    /// Pieces of a chunk.
    count: u64,
    /// Bytes of a piece.
    bytes: u64,
    /// Chunks along each dimension, after.
    grid: Vec<u64>,
}

impl Pieces {
    fn new(path: &str, array: &Array, after: &[u64], size: u64, limits: &Limits) -> Result<Self, SplitError> {
        let counts: Vec<u64> = array.metadata.chunks.iter().zip(after).map(|(chunk, piece)| chunk / piece).collect();
        let count = counts.iter().try_fold(1_u64, |count, along| count.checked_mul(*along)).unwrap_or(u64::MAX);
        check("pieces", count, limits.pieces)?;
        let grid = grid(&array.metadata.shape, after);
        let fits = grid.iter().try_fold(1_u64, |chunks, along| chunks.checked_mul((*along).max(1))).is_some();
        let bytes = after.iter().try_fold(size, |bytes, along| bytes.checked_mul(*along));
        match bytes.filter(|_| fits) {
            Some(bytes) => Ok(Self { counts, count, bytes, grid }),
            None => Err(SplitError::Pieces {
                path: path.to_owned(),
                why: format!("a grid of {grid:?} pieces is too large"),
            }),
        }
    }

    fn manifest(&self, path: &str, chunks: &Manifest, limits: &Limits) -> Result<Manifest, SplitError> {
        let total = wide(chunks.present()).saturating_mul(self.count);
        check("chunks", total, limits.chunks)?;
        let (mut rows, mut inline) = (Vec::new(), Vec::new());
        let due = self.bytes.saturating_mul(self.count);
        let wrong = |number: u64, found: u64| SplitError::Length {
            key: joined(path, &chunk_name(number, &chunks.grid)),
            found,
            expected: due,
        };
        for (n, ((chunk, offset), length)) in chunks.number.iter().zip(&chunks.offset).zip(&chunks.length).enumerate() {
            let end = offset.checked_add(*length).filter(|_| *length == due).ok_or_else(|| wrong(*chunk, *length))?;
            let places = self.places(*chunk, &chunks.grid);
            rows.extend(places.map(|(number, at)| (number, chunks.url(n), offset.saturating_add(at).min(end))));
        }
        for (chunk, bytes) in &chunks.inline {
            if wide(bytes.len()) != due {
                return Err(wrong(*chunk, wide(bytes.len())));
            }
            let part = |at: u64| bytes.slice(narrow(at)..narrow(at.saturating_add(self.bytes)));
            inline.extend(self.places(*chunk, &chunks.grid).map(|(number, at)| (number, part(at))));
        }
        Ok(self.columns(rows, inline, &chunks.urls))
    }

    /// The pieces of a chunk that lie in the array: their numbers, and where they start in the chunk.
    fn places(&self, chunk: u64, before: &[u64]) -> impl Iterator<Item = (u64, u64)> {
        let chunk = position(chunk, before);
        (0..self.count).filter_map(move |piece| {
            let place = position(piece, &self.counts);
            let along = chunk.iter().zip(&self.counts).zip(&place);
            let place: Vec<u64> = along.map(|((n, count), m)| n.saturating_mul(*count).saturating_add(*m)).collect();
            let inside = place.iter().zip(&self.grid).all(|(place, size)| place < size);
            let number = number(&place, &self.grid).filter(|_| inside)?;
            Some((number, piece.saturating_mul(self.bytes)))
        })
    }

    fn columns(&self, mut rows: Vec<(u64, UrlId, u64)>, inline: Vec<(u64, Bytes)>, urls: &Urls) -> Manifest {
        rows.sort_unstable_by_key(|row| row.0);
        Manifest {
            grid: self.grid.clone(),
            number: rows.iter().map(|row| row.0).collect(),
            urls: match urls {
                Urls::One(url) => Urls::One(*url),
                Urls::Each(_) => Urls::Each(rows.iter().map(|row| row.1).collect()),
            },
            offset: rows.iter().map(|row| row.2).collect(),
            length: vec![self.bytes; rows.len()],
            inline: inline.into_iter().collect(),
        }
    }
}
