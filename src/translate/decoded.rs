//! Datasets whose elements Zarr has no type for as they lie, and whose values it can hold: decoded, and held inline.

use bytes::Bytes;

use super::array::Subject;
use super::fill::fill;
use super::form::{Form, Row};
use super::options::FillPolicy;
use super::padding::renumbered;
use crate::error::{Structure, Unsupported};
use crate::field::Span;
use crate::file::{Block, ChunkTable, Dataset, File, FillValue, Storage};
use crate::reference::Manifest;
use crate::source::{Halt, join};
use crate::zarr::ArrayMetadata;

/// The chunks of a dataset before its filters, each with its number.
type Chunks = Vec<(u64, Block)>;

/// Sizes of a dataset that is decoded, in the dataset's own dimensions.
struct Sizes {
    shape: Vec<u64>,
    chunk: Vec<u64>,
    grid: Vec<u64>,
    /// Chunks of the array.
    chunks: u64,
    /// Elements of a chunk.
    in_chunk: u64,
    /// The same, those of an array type counted one by one.
    elements: u64,
}

impl Sizes {
    fn new(subject: &Subject<'_>, form: &Form<'_>) -> Result<Self, Unsupported> {
        let shape = subject.longer.unwrap_or(&subject.dataset.dataspace.dimensions).to_vec();
        let chunk: Vec<u64> = match &subject.dataset.storage {
            Storage::Chunked { chunk, .. } => chunk.clone(),
            _ => shape.iter().map(|size| (*size).max(1)).collect(),
        };
        let grid = grid(&shape, &chunk);
        let product = |sizes: &[u64]| sizes.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
        let too_many = Unsupported::Feature("an array of more than 2^64 elements");
        let (Some(chunks), Some(in_chunk)) = (product(&grid), product(&chunk)) else { return Err(too_many) };
        let elements = product(&form.dimensions).and_then(|n| n.checked_mul(in_chunk)).ok_or(too_many)?;
        Ok(Self { shape, chunk, grid, chunks, in_chunk, elements })
    }
}

fn grid(shape: &[u64], chunk: &[u64]) -> Vec<u64> {
    shape.iter().zip(chunk).map(|(size, chunk)| size.div_ceil(*chunk)).collect()
}

/// The metadata and chunks of a dataset, decoded; its chunk shape is kept.
pub(crate) fn decoded(
    file: &File<'_>,
    subject: Subject<'_>,
    chunks: Option<&ChunkTable>,
    form: &Form<'_>,
) -> Result<(ArrayMetadata, Manifest), Halt> {
    let Subject { object, dataset, paths, .. } = subject;
    let sizes = Sizes::new(&subject, form)?;
    // Texts are charged as they are read.
    let bytes = form.width().map(|width| sizes.chunks.saturating_mul(sizes.elements).saturating_mul(width));
    if let Some(bytes) = bytes.filter(|bytes| *bytes > file.limits().repair_bytes) {
        return Err(Unsupported::Decoded { datatype: dataset.datatype.name(), bytes }.into());
    }
    let stored = stored_chunks(file, dataset, chunks, &sizes)?;
    let missing = sizes.chunks.saturating_sub(u64::try_from(stored.len()).unwrap_or(u64::MAX));
    let constant = if missing > 0 { Some(never_written(file, subject, form)?) } else { None };
    let decode = |block: &Block| form.rows(file, paths, sizes.elements, block.span());
    // Only a text in a record is as long as the longest; chunks are decoded again then, since all their values would take much memory.
    let all = if form.is_text() || form.width().is_some() { &[][..] } else { &stored[..] };
    let widths = join(all, |(_, block)| Ok(form.widths(decode(block)?.iter())))?;
    let widths = form.widest(widths.into_iter().chain([form.widths(constant.iter())]));
    let encoded = join(&stored, |(number, block)| Ok((*number, held(file, form.encode(&decode(block)?, &widths)?)?)))?;
    let mut manifest = Manifest { grid: sizes.grid.clone(), ..Manifest::default() };
    manifest.inline.extend(encoded);
    if let Some(row) = constant {
        constant_chunks(file, form, &row, &widths, &sizes, &mut manifest)?;
    }
    manifest.grid.extend(form.dimensions.iter().map(|_| 1));
    let with_own = |sizes: Vec<u64>| sizes.into_iter().chain(form.dimensions.iter().copied()).collect();
    let (dtype, filters) = form.types(&widths);
    let fill_value = fill(object, &dataset.datatype, &dataset.fill, FillPolicy::Exact).declared;
    let (shape, chunks) = (with_own(sizes.shape), with_own(sizes.chunk));
    Ok((ArrayMetadata { shape, chunks, dtype, fill_value, filters }, manifest))
}

/// A chunk that is held in the set.
fn held(file: &File<'_>, chunk: Vec<u8>) -> Result<Bytes, Halt> {
    file.budget().inline(u64::try_from(chunk.len()).unwrap_or(u64::MAX))?;
    Ok(Bytes::from(chunk))
}

/// What elements that were never written read as.
fn never_written(file: &File<'_>, subject: Subject<'_>, form: &Form<'_>) -> Result<Row, Halt> {
    let row = match &subject.dataset.fill {
        FillValue::Value(element) => form.rows(file, subject.paths, 1, Span::new(element, 0))?.pop(),
        _ => None,
    };
    Ok(row.unwrap_or_else(|| form.zero()))
}

/// Chunks that were never written are chunks of the fill value; readers differ on what a missing one is.
fn constant_chunks(
    file: &File<'_>,
    form: &Form<'_>,
    row: &Row,
    widths: &[usize],
    sizes: &Sizes,
    manifest: &mut Manifest,
) -> Result<(), Halt> {
    let missing = sizes.chunks.saturating_sub(u64::try_from(manifest.present()).unwrap_or(u64::MAX));
    let one = form.encode(std::slice::from_ref(row), widths)?;
    let length = sizes.elements.saturating_mul(u64::try_from(one.len()).unwrap_or(u64::MAX));
    let bytes = missing.saturating_mul(length);
    if bytes > file.limits().repair_bytes {
        let value = format!("{:?}", row.iter().map(|value| String::from_utf8_lossy(value)).collect::<String>());
        return Err(Unsupported::FillValue { missing, value }.into());
    }
    // The chunk is held once and written many times.
    file.budget().inline(bytes)?;
    let rows = vec![row.clone(); usize::try_from(sizes.elements).unwrap_or(0)];
    let chunk = Bytes::from(form.encode(&rows, widths)?);
    for number in 0..sizes.chunks {
        manifest.inline.entry(number).or_insert_with(|| chunk.clone());
    }
    Ok(())
}

/// The chunks as they lie in the file, filters undone, under their numbers in the array's grid.
fn stored_chunks(
    file: &File<'_>,
    dataset: &Dataset,
    chunks: Option<&ChunkTable>,
    sizes: &Sizes,
) -> Result<Chunks, Halt> {
    if dataset.dataspace.elements() == Some(0) {
        return Ok(Vec::new());
    }
    match (&dataset.storage, chunks) {
        (Storage::Compact { offset, elements }, _) => Ok(vec![(0, Block { at: *offset, bytes: elements.clone() })]),
        (Storage::Contiguous { offset: None, .. }, _) => Ok(Vec::new()),
        (Storage::Contiguous { offset: Some(offset), length }, _) => {
            let range = *offset..offset.saturating_add(*length);
            Ok(file.read_blocks(&[range])?.into_iter().map(|block| (0, block)).collect())
        }
        (Storage::Chunked { .. }, Some(table)) => {
            let size = sizes.in_chunk.saturating_mul(dataset.datatype.size.into());
            let own = grid(&dataset.dataspace.dimensions, &sizes.chunk);
            let ranges =
                table.offset.iter().zip(&table.size).map(|(offset, size)| *offset..offset.saturating_add(*size));
            let ranges: Vec<_> = ranges.collect();
            let blocks = file.read_blocks(&ranges)?;
            let numbers = table.number.iter().enumerate();
            join(numbers.zip(blocks), |((n, number), block)| {
                let filters = (&dataset.filters, table.mask(n));
                let bytes = file.unfiltered(Structure::Chunk, &block, filters, size)?;
                Ok((renumbered(*number, &own, &sizes.grid)?, Block { at: block.at, bytes }))
            })
        }
        _ => Err(Unsupported::Feature("the storage of values that are decoded").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::proofs::{array, refused, within};
    use super::*;
    use crate::limits::Limits;
    use crate::reference::ReferenceSet;
    use crate::structure::proofs::with;
    use crate::zarr::{Codec, Dtype};

    const STRINGS: &[u8] = include_bytes!("../../testdata/datatype/vlen_strings.h5");

    /// The texts of a chunk as numcodecs reads them.
    fn texts(set: &ReferenceSet, key: &str, chunk: u64) -> Vec<String> {
        let bytes = &array(set, key).chunks.inline[&chunk];
        let number = |at: usize| usize::try_from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap();
        let mut at = 4;
        let mut texts = Vec::new();
        for _ in 0..number(0) {
            let (start, end) = (at + 4, at + 4 + number(at));
            texts.push(String::from_utf8(bytes[start..end].to_vec()).unwrap());
            at = end;
        }
        assert_eq!(at, bytes.len());
        texts
    }

    #[test]
    fn every_chunk_is_held_inline() {
        let (set, _) = within(STRINGS, Limits::default());
        assert_eq!(texts(&set, "utf8", 0), ["first", "", "naïve 名前", ""]);
        assert_eq!(texts(&set, "ascii", 0), ["a", "bc"]);
        assert_eq!(texts(&set, "scalar", 0), ["a scalar string"]);
        assert_eq!(
            (texts(&set, "chunked", 0), texts(&set, "chunked", 1)[0].clone()),
            (vec!["p".to_owned(), "q".to_owned()], "r".to_owned())
        );
        assert_eq!(texts(&set, "never_written", 0), ["", ""]);
    }

    #[test]
    fn texts_are_objects_that_one_filter_reads() {
        let (set, _) = within(STRINGS, Limits::default());
        let expected = ArrayMetadata {
            shape: vec![3],
            chunks: vec![2],
            dtype: Dtype::Simple("|O".to_owned()),
            fill_value: None,
            filters: vec![Codec::VlenUtf8],
        };
        let chunked = array(&set, "chunked");
        assert_eq!((&chunked.metadata, &chunked.chunks.grid), (&expected, &vec![2]));
        assert!(chunked.chunks.number.is_empty());
    }

    #[test]
    fn text_that_is_not_utf8_costs_its_dataset() {
        let at = STRINGS.windows(5).position(|bytes| bytes == b"first").unwrap();
        let changed = with(STRINGS, at, &[0xff]);
        assert_eq!(refused(&changed, Limits::default()), ["/utf8: text that is not UTF-8 is not supported"]);
    }

    #[test]
    fn texts_that_are_too_long_together_are_refused() {
        let told = refused(STRINGS, Limits { inline_bytes: 14, ..Limits::default() });
        assert_eq!(told[0], "/ascii: 15 exceeds Limits::inline_bytes = 14; raise it if the file is trusted");
    }

    #[test]
    fn many_texts_that_were_never_written_are_refused() {
        let told = refused(STRINGS, Limits { repair_bytes: 11, ..Limits::default() });
        assert_eq!(
            told,
            [
                "/never_written: 1 chunks were never written and read as the fill value \"\", which readers of Zarr v2 would not give or would mask (--fill declare accepts that)"
            ]
        );
    }
}
