//! Chunks without codecs, split into smaller ones that are read by themselves.

use super::EditError;
use crate::field::convert::wide;
use crate::limits::Limits;
use crate::reference::{Node, ReferenceSet, Split};

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
    let before = array.split(path, split, limits)?;
    let after = array.metadata.chunks.clone();
    Ok(Subchunked { before, after, chunks: wide(array.chunks.present()) })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::convert::narrow;
    use crate::reference::grid::grid;
    use crate::reference::{Builder, Reference, UrlId};
    use crate::store::Store;
    use crate::zarr::{ArrayMetadata, Attributes, Codec, Dtype, FillValue, Order};

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
