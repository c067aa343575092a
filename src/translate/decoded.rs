//! Datasets whose elements Zarr has no type for as they lie, and whose values it can hold: decoded, and held inline.

use bytes::Bytes;

use super::boxes::{opened, read_options};
use super::chunks::is_partial;
use super::fill::fill;
use super::form::{Elements, Form};
use super::options::{FillPolicy, Options, UnsupportedPolicy};
use super::padding::renumbered;
use super::subject::Subject;
use crate::error::{Structure, Unsupported};
use crate::field::Span;
use crate::file::{Block, ChunkTable, Dataset, File, FillValue, Storage};
use crate::limits::Limits;
use crate::reference::Manifest;
use crate::reference::grid::grid;
use crate::source::{Halt, join};
use crate::window::Window;
use crate::zarr::{ArrayMetadata, FillValue as Declared};

/// How many times the bytes of the file a dataset may have decoded.
const MOST_TIMES: u64 = 64;

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

    /// The metadata of the array, with the dimensions of an array type after the dataset's.
    fn metadata(self, form: &Form<'_>, widths: &[usize], fill_value: Option<Declared>) -> ArrayMetadata {
        let with_own = |sizes: Vec<u64>| sizes.into_iter().chain(form.dimensions.iter().copied()).collect();
        let (dtype, filters) = form.types(widths);
        let (shape, chunks) = (with_own(self.shape), with_own(self.chunk));
        ArrayMetadata::new(shape, chunks, dtype, fill_value, filters)
    }
}

/// The metadata and chunks of a dataset, decoded; its chunk shape is kept.
pub(crate) fn decoded(
    file: &File<'_>,
    subject: Subject<'_>,
    chunks: Option<&ChunkTable>,
    form: &Form<'_>,
    options: &Options,
) -> Result<(ArrayMetadata, Manifest), Halt> {
    let Subject { object, dataset, paths, .. } = subject;
    let sizes = Sizes::new(&subject, form)?;
    let too_many = |bytes| Unsupported::Decoded { datatype: dataset.datatype.name(), bytes };
    // Records are as wide as their longest text, and what is compressed may be all alike. What is large has a better place in a
    // sidecar file, where there is to be one.
    let most = file.limits().repair_bytes;
    let most = if form.width().is_some() || options.unsupported == UnsupportedPolicy::Sidecar {
        most
    } else {
        most.max(file.size().saturating_mul(MOST_TIMES))
    };
    let mut widths = form.narrowest();
    let least = form.held_bytes(sizes.chunks.saturating_mul(sizes.elements), 0, &widths);
    if least > most {
        return Err(too_many(least).into());
    }
    let source = Elements { file, paths };
    let stored = stored_chunks(file, subject, chunks, &sizes, options)?;
    let missing = sizes.chunks.saturating_sub(u64::try_from(stored.len()).unwrap_or(u64::MAX));
    let constant = never_written(dataset).filter(|_| missing > 0);
    let texts = join(&stored, |(_, block)| form.measure(source, sizes.elements, block.span(), &mut widths))?;
    let constant_texts = constant.map_or(Ok(0), |element| form.measure(source, 1, element, &mut widths))?;
    let texts = texts.iter().fold(0, |sum: u64, texts| sum.saturating_add(*texts));
    let elements = sizes.chunks.saturating_sub(missing).saturating_mul(sizes.elements);
    let bytes = form.held_bytes(elements, texts, &widths);
    if bytes > most {
        return Err(too_many(bytes).into());
    }
    file.budget().inline(bytes)?;
    let encode = |block: &Block| form.encode(source, sizes.elements, block.span(), &widths).map(Bytes::from);
    let encoded = join(&stored, |(number, block)| Ok((*number, encode(block)?)))?;
    let mut manifest = Manifest::default();
    manifest.inline.extend(encoded);
    if missing > 0 {
        let chunk = constant_chunk(source, form, (constant, constant_texts), &widths, (&sizes, missing))?;
        for number in 0..sizes.chunks {
            manifest.inline.entry(number).or_insert_with(|| chunk.clone());
        }
    }
    let fill_value = fill(object, &dataset.datatype, &dataset.fill, FillPolicy::Exact).declared;
    manifest.grid.clone_from(&sizes.grid);
    manifest.grid.extend(form.dimensions.iter().map(|_| 1));
    Ok((sizes.metadata(form, &widths, fill_value), manifest))
}

/// The element that chunks which were never written are made of, where it is not zeros.
fn never_written(dataset: &Dataset) -> Option<Span<'_>> {
    match &dataset.fill {
        FillValue::Value(element) => Some(Span::new(element, 0)),
        FillValue::Default | FillValue::Undefined => None,
    }
}

/// A chunk that was never written, which is a chunk of the fill value; readers differ on what a missing one is.
fn constant_chunk(
    source: Elements<'_>,
    form: &Form<'_>,
    (element, texts): (Option<Span<'_>>, u64),
    widths: &[usize],
    (sizes, missing): (&Sizes, u64),
) -> Result<Bytes, Halt> {
    let chunk = form.held_bytes(sizes.elements, texts.saturating_mul(sizes.elements), widths);
    let bytes = missing.saturating_mul(chunk);
    if bytes > source.file.limits().repair_bytes {
        let value = if element.is_none() && form.is_text() { "\"\"" } else { "of the file" };
        return Err(Unsupported::FillValue { missing, value: value.to_owned() }.into());
    }
    // The chunk is held once and written many times.
    source.file.budget().inline(bytes)?;
    let one = element.map(|element| form.encode(source, 1, element, widths)).transpose()?;
    Ok(Bytes::from(form.repeated(one.as_deref(), sizes.elements, widths)?))
}

/// The chunks as they lie in the file, filters undone, under their numbers in the array's grid.
fn stored_chunks(
    file: &File<'_>,
    subject: Subject<'_>,
    chunks: Option<&ChunkTable>,
    sizes: &Sizes,
    options: &Options,
) -> Result<Chunks, Halt> {
    let dataset = subject.dataset;
    if matches!(dataset.storage, Storage::External(_) | Storage::Virtual(_)) {
        // Of what is not there it is not known how long it is, though the file may say that it is empty.
        let bytes = elsewhere(file, subject, options)?;
        return Ok(if bytes.is_empty() { Vec::new() } else { vec![(0, Block { at: 0, bytes })] });
    }
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
        (Storage::Chunked { unfiltered_edges, .. }, Some(table)) => {
            let size = sizes.in_chunk.saturating_mul(dataset.datatype.size.into());
            let own = grid(&dataset.dataspace.dimensions, &sizes.chunk);
            let ranges =
                table.offset.iter().zip(&table.size).map(|(offset, size)| *offset..offset.saturating_add(*size));
            let ranges: Vec<_> = ranges.collect();
            let blocks = file.read_blocks(&ranges)?;
            let numbers = table.number.iter().enumerate();
            join(numbers.zip(blocks), |((n, number), block)| {
                let partial =
                    *unfiltered_edges && is_partial(*number, &dataset.dataspace.dimensions, &sizes.chunk, &table.grid);
                let filters = (&dataset.filters, if partial { u32::MAX } else { table.mask(n) });
                let bytes = file.unfiltered(Structure::Chunk, &block, filters, size)?;
                Ok((renumbered(*number, &own, &sizes.grid)?, Block { at: block.at, bytes }))
            })
        }
        _ => Err(Unsupported::Feature("the storage of values that are decoded").into()),
    }
}

/// All elements of a dataset that lie in others or in other files; a few times as many bytes may be read for them as may be held.
fn elsewhere(file: &File<'_>, subject: Subject<'_>, options: &Options) -> Result<Bytes, Halt> {
    let limits = file.limits();
    let limits = Limits { read_bytes: limits.repair_bytes.min(limits.read_bytes), ..*limits };
    let read_options = read_options(options, limits);
    let elements =
        opened(file, subject, &read_options)?.window(&Window::whole(&subject.dataset.dataspace.dimensions))?;
    Ok(Bytes::from(elements))
}

#[cfg(test)]
mod tests {
    use super::super::proofs::{array, refused, within};
    use super::*;
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
        let dtype = Dtype::Simple("|O".to_owned());
        let expected = ArrayMetadata::new(vec![3], vec![2], dtype, None, vec![Codec::VlenUtf8]);
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
                "/never_written: 1 chunks were never written and read as the fill value \"\", which readers of Zarr v2 would not give or would mask (--fill declare accepts that); --unsupported sidecar writes the values to a file beside the references"
            ]
        );
    }
}
