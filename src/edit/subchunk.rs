//! Chunks without codecs, split into smaller ones that are read by themselves.

use bytes::Bytes;

use super::EditError;
use crate::field::convert::{narrow, wide};
use crate::limits::{Limits, check};
use crate::reference::grid::{grid, number, position};
use crate::reference::key::{chunk_name, joined};
use crate::reference::{Array, Manifest, Node, ReferenceSet, UrlId, Urls};
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

/// What came of splitting an array's chunks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Subchunked {
    /// Shape of a chunk before.
    pub before: Vec<u64>,
    /// Shape of a chunk now.
    pub after: Vec<u64>,
    /// Chunks that are referenced or inline now.
    pub chunks: u64,
}

/// Splits the chunks of an array whose elements lie in them as they are. Chunks that are missing stay so; pieces that lie outside the
/// array, at its edge, are left out.
///
/// # Errors
/// [`EditError`]: arrays with codecs, in another order, of objects, or of whole files; pieces that do not fit; and more pieces than
/// [`Limits::pieces`] and [`Limits::chunks`] allow.
pub fn subchunk(set: &mut ReferenceSet, path: &str, split: &Split, limits: &Limits) -> Result<Subchunked, EditError> {
    let found = set.nodes.iter_mut().find_map(|(known, node)| match node {
        Node::Array(array) if known == path => Some(&mut **array),
        _ => None,
    });
    let array = found.ok_or_else(|| EditError::NotFound { path: path.to_owned() })?;
    let size = element(path, array)?;
    let after = pieces(path, array, size, split)?;
    let pieces = Pieces::new(path, array, &after, size, limits)?;
    let chunks = pieces.manifest(path, &array.chunks, limits)?;
    let before = std::mem::replace(&mut array.metadata.chunks, after.clone());
    array.chunks = chunks;
    Ok(Subchunked { before, after, chunks: wide(array.chunks.present()) })
}

/// Bytes of an element of an array whose chunks can be split.
fn element(path: &str, array: &Array) -> Result<u64, EditError> {
    let path = path.to_owned();
    let metadata = &array.metadata;
    let size = metadata.dtype.size().filter(|size| *size > 0);
    if metadata.dtype.size() == Some(0) {
        return Err(EditError::Objects { path });
    }
    if let Some(codec) = metadata.codecs().next() {
        return Err(EditError::Encoded { path, codec: codec.id().to_owned() });
    }
    if metadata.order != Order::C {
        return Err(EditError::Order { path });
    }
    if array.chunks.length.contains(&Manifest::WHOLE) {
        return Err(EditError::Whole { path });
    }
    size.ok_or(EditError::Objects { path })
}

/// The shape of a piece.
fn pieces(path: &str, array: &Array, size: u64, split: &Split) -> Result<Vec<u64>, EditError> {
    let chunk = &array.metadata.chunks;
    let shape = match split {
        Split::Factor(factor) => by_factor(chunk, *factor),
        Split::Bytes(most) => by_bytes(chunk, size, *most),
        Split::Dimensions(counts) => by_dimensions(array, counts),
        Split::Shape(shape) => Ok(shape.clone()),
    };
    shape
        .and_then(|shape| fits(chunk, &shape).map(|()| shape))
        .map_err(|why| EditError::Pieces { path: path.to_owned(), why })
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
    fn new(path: &str, array: &Array, after: &[u64], size: u64, limits: &Limits) -> Result<Self, EditError> {
        let counts: Vec<u64> = array.metadata.chunks.iter().zip(after).map(|(chunk, piece)| chunk / piece).collect();
        let count = counts.iter().try_fold(1_u64, |count, along| count.checked_mul(*along)).unwrap_or(u64::MAX);
        check("pieces", count, limits.pieces)?;
        let grid = grid(&array.metadata.shape, after);
        let fits = grid.iter().try_fold(1_u64, |chunks, along| chunks.checked_mul((*along).max(1))).is_some();
        let bytes = after.iter().try_fold(size, |bytes, along| bytes.checked_mul(*along));
        match bytes.filter(|_| fits) {
            Some(bytes) => Ok(Self { counts, count, bytes, grid }),
            None => {
                Err(EditError::Pieces { path: path.to_owned(), why: format!("a grid of {grid:?} pieces is too large") })
            }
        }
    }

    fn manifest(&self, path: &str, chunks: &Manifest, limits: &Limits) -> Result<Manifest, EditError> {
        let total = wide(chunks.present()).saturating_mul(self.count);
        check("chunks", total, limits.chunks)?;
        let (mut rows, mut inline) = (Vec::new(), Vec::new());
        let due = self.bytes.saturating_mul(self.count);
        let wrong = |number: u64, found: u64| EditError::Length {
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::reference::{Builder, Reference};
    use crate::store::Store;
    use crate::zarr::{ArrayMetadata, Attributes, Codec, Dtype, FillValue};

    fn metadata(shape: &[u64], chunks: &[u64]) -> ArrayMetadata {
        let fill = Some(FillValue::Unsigned(99));
        ArrayMetadata::new(shape.to_vec(), chunks.to_vec(), Dtype::Simple("<u2".to_owned()), fill, Vec::new())
    }

    /// A set of one array `a`.
    fn set(metadata: ArrayMetadata, chunks: impl IntoIterator<Item = (u64, Reference)>) -> ReferenceSet {
        let mut builder = Builder::default();
        builder.group("", Attributes::default());
        let names = ["t", "y", "x"].map(str::to_owned);
        let a = builder.array("a", metadata, Attributes::with_dimensions(&names));
        builder.url("f").unwrap();
        builder.url("g").unwrap();
        chunks.into_iter().for_each(|(number, reference)| builder.chunk(a, number, reference));
        builder.finish().unwrap()
    }

    fn told(metadata: ArrayMetadata, split: &Split) -> Result<Vec<u64>, String> {
        let mut set = set(metadata, []);
        let before = set.clone();
        let made = subchunk(&mut set, "a", split, &Limits::default());
        if made.is_err() {
            assert_eq!(set, before);
        }
        made.map(|made| made.after).map_err(|error| error.to_string())
    }

    fn range(offset: u64, length: u64) -> Reference {
        Reference::Range { url: UrlId(0), offset, length }
    }

    #[test]
    fn a_factor_is_taken_from_the_first_dimensions() {
        let of = |factor| told(metadata(&[9, 9, 10], &[4, 6, 10]), &Split::Factor(factor));
        let expected =
            [(1, [4, 6, 10]), (2, [2, 6, 10]), (4, [1, 6, 10]), (8, [1, 3, 10]), (24, [1, 1, 10]), (240, [1, 1, 1])];
        for (factor, shape) in expected {
            assert_eq!(of(factor), Ok(shape.to_vec()), "{factor}");
        }
        for factor in [0, 3, 5, 16, 480, u64::MAX] {
            let why =
                format!("a: chunks [4, 6, 10] do not split into {factor} equal pieces along the first dimensions");
            assert_eq!(of(factor), Err(why));
        }
        assert_eq!(told(metadata(&[], &[]), &Split::Factor(1)), Ok(Vec::new()));
        assert!(told(metadata(&[], &[]), &Split::Factor(2)).is_err());
    }

    #[test]
    fn pieces_have_at_most_so_many_bytes() {
        let of = |most| told(metadata(&[9, 9, 10], &[4, 6, 10]), &Split::Bytes(most));
        let expected = [
            (999, [4, 6, 10]),
            (480, [4, 6, 10]),
            (479, [2, 6, 10]),
            (239, [1, 6, 10]),
            (119, [1, 3, 10]),
            (20, [1, 1, 10]),
            (19, [1, 1, 5]),
            (2, [1, 1, 1]),
        ];
        for (most, shape) in expected {
            assert_eq!(of(most), Ok(shape.to_vec()), "{most}");
        }
        assert_eq!(of(1), Err("a: one element has 2 bytes".to_owned()));
        // The largest prime below 2^61: there is no time to look for a divisor of such.
        let prime = (1 << 61) - 1;
        assert!(told(metadata(&[prime], &[prime]), &Split::Bytes(100)).unwrap_err().contains("no part of at most"));
    }

    #[test]
    fn dimensions_and_shapes_are_refused_where_pieces_do_not_lie_in_one_piece() {
        let of = |split| told(metadata(&[9, 9, 10], &[4, 6, 10]), &split);
        let dimensions = |counts: &[(&str, u64)]| {
            of(Split::Dimensions(counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()))
        };
        assert_eq!(dimensions(&[("t", 2)]), Ok(vec![2, 6, 10]));
        assert_eq!(dimensions(&[("y", 3), ("t", 4)]), Ok(vec![1, 2, 10]));
        assert!(dimensions(&[("y", 2)]).unwrap_err().contains("do not lie in one piece"));
        assert_eq!(dimensions(&[("z", 2)]), Err("a: it has no dimension z".to_owned()));
        assert!(dimensions(&[("t", 3)]).unwrap_err().contains("4 elements of a chunk along t do not split into 3"));
        assert_eq!(of(Split::Shape(vec![1, 3, 10])), Ok(vec![1, 3, 10]));
        for shape in [vec![2, 3, 10], vec![1, 6], vec![0, 6, 10], vec![8, 6, 10], vec![3, 6, 10]] {
            assert!(of(Split::Shape(shape.clone())).is_err(), "{shape:?}");
        }
    }

    #[test]
    fn arrays_whose_chunks_cannot_be_split_are_refused() {
        let refused = |change: fn(&mut ArrayMetadata)| {
            let mut metadata = metadata(&[4], &[4]);
            change(&mut metadata);
            told(metadata, &Split::Factor(2)).unwrap_err()
        };
        let zlib = "a: its chunks are encoded with zlib, and no part of one can be read by itself";
        assert_eq!(refused(|array| array.filters = vec![Codec::Zlib { level: 1 }]), zlib);
        assert_eq!(refused(|array| array.compressor = Some(Codec::Zlib { level: 1 })), zlib);
        assert!(refused(|array| array.order = Order::F).contains("first dimension of its chunks varies fastest"));
        let objects = |array: &mut ArrayMetadata| {
            (array.dtype, array.filters) = (Dtype::Simple("|O".to_owned()), vec![Codec::VlenUtf8]);
        };
        assert_eq!(refused(objects), "a: its elements have no size of their own");
        let split = |chunks: Vec<(u64, Reference)>, limits: &Limits| {
            subchunk(&mut set(metadata(&[8], &[4]), chunks), "a", &Split::Factor(2), limits)
                .map_err(|error| error.to_string())
        };
        let limits = Limits::default();
        assert!(split(vec![(0, Reference::Whole { url: UrlId(0) })], &limits).unwrap_err().contains("whole files"));
        assert_eq!(split(vec![(1, range(0, 7))], &limits).unwrap_err(), "a/1: has 7 bytes, and its elements have 8");
        assert!(split(Vec::new(), &Limits { pieces: 1, ..limits }).unwrap_err().contains("Limits::pieces"));
        assert!(split(vec![(0, range(0, 8))], &Limits { chunks: 1, ..limits }).unwrap_err().contains("Limits::chunks"));
        let absent = subchunk(&mut set(metadata(&[8], &[4]), []), "b", &Split::Factor(2), &limits).unwrap_err();
        assert_eq!(absent.to_string(), "b: no such array");
    }

    #[test]
    fn pieces_outside_the_array_are_left_out() {
        let mut set = set(metadata(&[5, 2], &[4, 3]), [(0, range(100, 24)), (1, range(200, 24))]);
        let made = subchunk(&mut set, "a", &Split::Factor(4), &Limits::default()).unwrap();
        assert_eq!(made, Subchunked { before: vec![4, 3], after: vec![1, 3], chunks: 5 });
        let (_, array) = set.arrays().next().unwrap();
        assert_eq!(
            (array.chunks.offset.as_slice(), array.chunks.length.as_slice()),
            (&[100, 106, 112, 118, 200][..], &[6; 5][..])
        );
    }

    proptest! {
        #[test]
        fn what_is_split_reads_as_it_did(
            dimensions in prop::collection::vec((1_u64..8, 1_u64..7), 0..4),
            pick in any::<prop::sample::Index>(),
        ) {
            let (shape, chunks): (Vec<u64>, Vec<u64>) = dimensions.into_iter().unzip();
            let size = 2 * chunks.iter().product::<u64>();
            let cells = grid(&shape, &chunks).iter().product::<u64>();
            let file: Vec<u8> = (0..cells * size).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let files = HashMap::from(["f", "g"].map(|url| (url.to_owned(), Bytes::from(file.clone()))));
            let all = (0..cells).filter(|n| n % 4 != 1).map(|n| {
                let held = Bytes::copy_from_slice(&file[narrow(n * size)..narrow(n * size + size)]);
                let url = UrlId(u32::from(n % 3 == 0));
                (n, if n % 4 == 2 { Reference::Inline(held) } else { Reference::Range { url, offset: n * size, length: size } })
            });
            let mut set = set(metadata(&shape, &chunks), all);
            let before = Store::new(set.clone(), files.clone()).array("a").unwrap().read_all().unwrap();
            let most = 2 + pick.index(usize::try_from(size).unwrap());
            let made = subchunk(&mut set, "a", &Split::Bytes(wide(most)), &Limits::default()).unwrap();
            prop_assert!(made.after.iter().product::<u64>() * 2 <= wide(most));
            let after = Store::new(set, files).array("a").unwrap().read_all().unwrap();
            prop_assert_eq!(before, after);
        }
    }
}
