//! What a set has: references, bytes, and what reads of it cost.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::field::convert::wide;
use crate::reference::{Array, Manifest, ReferenceSet};

/// What a set has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SetStatistics {
    /// Groups, the root among them.
    pub groups: u64,
    /// Files that references lie in.
    pub files: u64,
    /// All arrays together.
    pub total: Totals,
    /// Each array, in the order of the set.
    pub arrays: Vec<ArrayStatistics>,
}

/// Chunks and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Totals {
    /// Chunks that lie in files.
    pub referenced: u64,
    /// Chunks that are held.
    pub inline: u64,
    /// Chunks that are neither.
    pub missing: u128,
    /// Bytes of the referenced chunks, but for those of `unknown`.
    pub stored_bytes: u128,
    /// Bytes of the chunks that are held.
    pub inline_bytes: u128,
    /// Chunks that are whole files whose size is not recorded.
    pub unknown: u64,
    /// Bytes of all elements, missing ones too; without those that have no size of their own.
    pub logical_bytes: u128,
    /// Bytes of the chunks that are there, decoded, for one byte that is stored or held; not where either is unknown or nothing.
    pub ratio: Option<f64>,
}

/// What an array has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArrayStatistics {
    /// Its path, without leading slash.
    pub path: String,
    /// Size of each dimension.
    pub shape: Vec<u64>,
    /// Size of a chunk in each dimension.
    pub chunks: Vec<u64>,
    /// Names of the codecs, in the order of encoding.
    pub codecs: Vec<String>,
    /// Files that its chunks lie in.
    pub files: u64,
    /// Its chunks and their bytes.
    #[serde(flatten)]
    pub totals: Totals,
    /// Reading one point at all places along the first dimension: the most that this costs for any point.
    pub series: Cost,
    /// Reading all at one place along the first dimension: the most that this costs for any place.
    pub map: Cost,
    /// Reading all.
    pub whole: Cost,
}

/// What a read costs: chunks that are held cost nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Cost {
    /// Ranges of files.
    pub chunks: u64,
    /// Their bytes, but for chunks that are whole files whose size is not recorded.
    pub bytes: u128,
}

/// Counts what a set has. Nothing that it refers to is opened.
pub fn statistics(set: &ReferenceSet) -> SetStatistics {
    let arrays: Vec<ArrayStatistics> = set.arrays().map(|(path, array)| of_array(set, path, array)).collect();
    let mut total = Totals::default();
    let (mut decoded, mut is_known) = (0_u128, true);
    for (array, (_, source)) in arrays.iter().zip(set.arrays()) {
        let one = &array.totals;
        total.referenced += one.referenced;
        total.inline += one.inline;
        total.missing = total.missing.saturating_add(one.missing);
        total.stored_bytes += one.stored_bytes;
        total.inline_bytes += one.inline_bytes;
        total.unknown += one.unknown;
        total.logical_bytes = total.logical_bytes.saturating_add(one.logical_bytes);
        match present(source) {
            Some(bytes) => decoded = decoded.saturating_add(bytes),
            None => is_known = false,
        }
    }
    total.ratio = ratio(Some(decoded).filter(|_| is_known), &total);
    let mut files: Vec<_> = set.arrays().flat_map(|(_, array)| array.chunks.files()).collect();
    files.sort_unstable();
    files.dedup();
    SetStatistics { groups: wide(set.nodes.len() - arrays.len()), files: wide(files.len()), total, arrays }
}

fn of_array(set: &ReferenceSet, path: &str, array: &Array) -> ArrayStatistics {
    let (chunks, metadata) = (&array.chunks, &array.metadata);
    let grid = product(&chunks.grid);
    let size = u128::from(metadata.dtype.size().unwrap_or(0));
    let held: u128 = chunks.inline.values().map(|bytes| u128::from(wide(bytes.len()))).sum();
    let mut totals = Totals {
        referenced: wide(chunks.number.len()),
        inline: wide(chunks.inline.len()),
        missing: grid.saturating_sub(u128::from(wide(chunks.present()))),
        inline_bytes: held,
        logical_bytes: product(&metadata.shape).saturating_mul(size),
        ..Totals::default()
    };
    let columns = product(chunks.grid.get(1..).unwrap_or_default()).max(1);
    let (mut series, mut map) = (BTreeMap::new(), BTreeMap::new());
    for (n, number) in chunks.number.iter().enumerate() {
        let length = length(set, chunks, n);
        totals.unknown += u64::from(length.is_none());
        let bytes = u128::from(length.unwrap_or(0));
        totals.stored_bytes += bytes;
        let number = u128::from(*number);
        add(series.entry(number % columns).or_default(), bytes);
        add(map.entry(number / columns).or_default(), bytes);
    }
    totals.ratio = ratio(present(array), &totals);
    ArrayStatistics {
        path: path.to_owned(),
        shape: metadata.shape.clone(),
        chunks: metadata.chunks.clone(),
        codecs: metadata.codecs().map(|codec| codec.id().to_owned()).collect(),
        files: wide(chunks.files().len()),
        totals,
        series: most(&series),
        map: most(&map),
        whole: Cost { chunks: totals.referenced, bytes: totals.stored_bytes },
    }
}

/// Bytes of the `n`th referenced chunk, if they are known.
fn length(set: &ReferenceSet, chunks: &Manifest, n: usize) -> Option<u64> {
    match chunks.length.get(n).copied()? {
        Manifest::WHOLE => set.recorded.get(set.url(chunks.url(n))).map(|recorded| recorded.size),
        length => Some(length),
    }
}

fn add(cost: &mut Cost, bytes: u128) {
    cost.chunks += 1;
    cost.bytes += bytes;
}

/// The most chunks, and the most bytes.
fn most(costs: &BTreeMap<u128, Cost>) -> Cost {
    let chunks = costs.values().map(|cost| cost.chunks).max().unwrap_or(0);
    Cost { chunks, bytes: costs.values().map(|cost| cost.bytes).max().unwrap_or(0) }
}

/// Bytes that the chunks of an array have decoded, those at its edges as large as the others.
fn present(array: &Array) -> Option<u128> {
    let bytes = u128::from(array.metadata.chunk_bytes()?);
    Some(bytes.saturating_mul(u128::from(wide(array.chunks.present()))))
}

#[expect(clippy::cast_precision_loss, reason = "a ratio is for people")]
fn ratio(decoded: Option<u128>, totals: &Totals) -> Option<f64> {
    let stored = totals.stored_bytes + totals.inline_bytes;
    let decoded = decoded.filter(|_| totals.unknown == 0 && stored > 0)?;
    Some(decoded as f64 / stored as f64)
}

/// No more than fits.
fn product(sizes: &[u64]) -> u128 {
    sizes.iter().fold(1_u128, |product, size| product.saturating_mul(u128::from(*size)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::reference::{Builder, Recorded, Reference};
    use crate::zarr::{ArrayMetadata, Attributes, Codec, Dtype};

    /// `a` of 4 by 2 chunks of 24 bytes: the first column and the chunk at 1, 1 are stored in 10 bytes each, one is held, one is a file.
    fn set() -> ReferenceSet {
        let mut builder = Builder::default();
        builder.group("", Attributes::default());
        let zlib = vec![Codec::Zlib { level: 1 }];
        let metadata = ArrayMetadata::new(vec![7, 5], vec![2, 3], Dtype::Simple("<i4".to_owned()), None, zlib);
        let a = builder.array("a", metadata, Attributes::default());
        let (f, g) = (builder.url("f").unwrap(), builder.url("g").unwrap());
        for number in [0, 2, 3, 4] {
            builder.chunk(a, number, Reference::Range { url: f, offset: number * 10, length: 10 });
        }
        builder.chunk(a, 1, Reference::Inline(Bytes::from_static(b"held")));
        builder.chunk(a, 7, Reference::Whole { url: g });
        let texts = ArrayMetadata::new(vec![3], vec![3], Dtype::Simple("|O".to_owned()), None, vec![Codec::VlenUtf8]);
        builder.array("s", texts, Attributes::default());
        builder.finish().unwrap()
    }

    #[test]
    fn chunks_and_bytes_are_counted() {
        let mut set = set();
        let found = statistics(&set);
        assert_eq!((found.groups, found.files, found.arrays.len()), (1, 2, 2));
        let expected = Totals {
            referenced: 5,
            inline: 1,
            missing: 2,
            stored_bytes: 40,
            inline_bytes: 4,
            unknown: 1,
            logical_bytes: 140,
            ratio: None,
        };
        assert_eq!(found.arrays[0].totals, expected);
        assert_eq!(found.total, Totals { missing: 3, ..expected });
        set.recorded.insert("g".to_owned(), Recorded { size: 28, modified_ns: None, etag: None });
        let found = statistics(&set);
        assert_eq!(found.arrays[0].totals, Totals { stored_bytes: 68, unknown: 0, ratio: Some(2.0), ..expected });
        assert_eq!(found.arrays[0].codecs, ["zlib"]);
        assert_eq!(found.total.ratio, None);
    }

    #[test]
    fn a_read_costs_the_chunks_that_it_meets() {
        let found = statistics(&set());
        let cost = |chunks, bytes| Cost { chunks, bytes };
        let [a, s] = found.arrays.as_slice() else { panic!() };
        assert_eq!((a.series, a.map, a.whole), (cost(3, 30), cost(2, 20), cost(5, 40)));
        assert_eq!((s.series, s.map, s.whole), (Cost::default(), Cost::default(), Cost::default()));
    }

    #[test]
    fn the_shape_of_an_array_may_be_anything() {
        let mut builder = Builder::default();
        let dtype = Dtype::Simple("<f8".to_owned());
        let metadata = ArrayMetadata::new(vec![u64::MAX; 5], vec![1; 5], dtype.clone(), None, Vec::new());
        builder.array("large", metadata, Attributes::default());
        builder.array(
            "none",
            ArrayMetadata::new(vec![0, 3], vec![1, 1], dtype.clone(), None, Vec::new()),
            Attributes::default(),
        );
        let scalar =
            builder.array("scalar", ArrayMetadata::new(vec![], vec![], dtype, None, Vec::new()), Attributes::default());
        builder.url("f").unwrap();
        builder.chunk(scalar, 0, Reference::Range { url: crate::reference::UrlId(0), offset: 0, length: 8 });
        let found = statistics(&builder.finish().unwrap());
        assert_eq!((found.arrays[0].totals.missing, found.arrays[1].totals.missing), (u128::MAX, 0));
        assert_eq!(found.arrays[2].series, Cost { chunks: 1, bytes: 8 });
        assert_eq!(found.arrays[2].totals.ratio, Some(1.0));
    }
}
