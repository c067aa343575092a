//! Strings of variable length: values in the global heap, held inline as `vlen-utf8`.

use bytes::Bytes;

use super::array::Subject;
use super::padding::renumbered;
use crate::error::{Error, Structure, Unsupported};
use crate::field::Span;
use crate::file::{Block, ChunkTable, Dataset, File, FillValue, Storage, Value};
use crate::reference::Manifest;
use crate::source::{Halt, join};
use crate::zarr::{ArrayMetadata, Codec, Dtype};

/// The chunks of a dataset before its filters, each with its number.
type Chunks = Vec<(u64, Block)>;

/// The metadata and chunks of a dataset of strings; its chunk shape is kept.
pub(crate) fn strings(
    file: &File<'_>,
    subject: Subject<'_>,
    chunks: Option<&ChunkTable>,
) -> Result<(ArrayMetadata, Manifest), Halt> {
    let Subject { dataset, longer, .. } = subject;
    let own = &dataset.dataspace.dimensions;
    let shape = longer.unwrap_or(own).to_vec();
    let chunk: Vec<u64> = match &dataset.storage {
        Storage::Chunked { chunk, .. } => chunk.clone(),
        _ => shape.iter().map(|size| (*size).max(1)).collect(),
    };
    let elements = chunk.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
    let elements = elements.ok_or(Unsupported::Feature("a chunk of more than 2^64 strings"))?;
    let grid: Vec<u64> = shape.iter().zip(&chunk).map(|(size, chunk)| size.div_ceil(*chunk)).collect();
    let own_grid: Vec<u64> = own.iter().zip(&chunk).map(|(size, chunk)| size.div_ceil(*chunk)).collect();
    let decoded = stored_chunks(file, dataset, chunks, elements)?;
    let encoded = join(decoded, |(number, block)| {
        let values = file.values(&dataset.datatype, elements, Span::new(&block.bytes, block.at))?;
        Ok((renumbered(number, &own_grid, &grid)?, encode(file, &values)?))
    })?;
    let mut manifest = Manifest { grid, ..Manifest::default() };
    manifest.inline.extend(encoded);
    let metadata = ArrayMetadata {
        shape,
        chunks: chunk,
        dtype: Dtype::Simple("|O".to_owned()),
        fill_value: None,
        filters: vec![Codec::VlenUtf8],
    };
    fill_chunks(file, dataset, elements, &mut manifest)?;
    Ok((metadata, manifest))
}

/// Chunks that were never written are chunks of the fill value; readers differ on what a missing one is.
fn fill_chunks(file: &File<'_>, dataset: &Dataset, elements: u64, manifest: &mut Manifest) -> Result<(), Halt> {
    let total = manifest.grid.iter().try_fold(1_u64, |n, size| n.checked_mul(*size)).unwrap_or(u64::MAX);
    let missing = total.saturating_sub(u64::try_from(manifest.present()).unwrap_or(u64::MAX));
    if missing == 0 {
        return Ok(());
    }
    let fill = match &dataset.fill {
        FillValue::Value(element) => file.values(&dataset.datatype, 1, Span::new(element, 0))?.pop(),
        _ => None,
    };
    let fill = fill.unwrap_or(Value::Text(String::new()));
    let length = if let Value::Text(text) = &fill { text.len() } else { 0 };
    let chunk = elements.saturating_mul(u64::try_from(length).unwrap_or(u64::MAX).saturating_add(4)).saturating_add(4);
    if missing.saturating_mul(chunk) > file.limits().repair_bytes {
        let value = if let Value::Text(text) = &fill { format!("{text:?}") } else { String::new() };
        return Err(Unsupported::FillValue { missing, value }.into());
    }
    let chunk = encode(file, &vec![fill; usize::try_from(elements).unwrap_or(0)])?;
    // The chunk is held once and written many times.
    let again = u64::try_from(chunk.len()).unwrap_or(u64::MAX).saturating_mul(missing.saturating_sub(1));
    file.budget().inline(again)?;
    for number in 0..total {
        manifest.inline.entry(number).or_insert_with(|| chunk.clone());
    }
    Ok(())
}

/// The chunks as they lie in the file, filters undone.
fn stored_chunks(
    file: &File<'_>,
    dataset: &Dataset,
    chunks: Option<&ChunkTable>,
    elements: u64,
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
            let size = elements.saturating_mul(dataset.datatype.size.into());
            let ranges =
                table.offset.iter().zip(&table.size).map(|(offset, size)| *offset..offset.saturating_add(*size));
            let ranges: Vec<_> = ranges.collect();
            let blocks = file.read_blocks(&ranges)?;
            let numbers = table.number.iter().enumerate();
            join(numbers.zip(blocks), |((n, number), block)| {
                let filters = (&dataset.filters, table.mask(n));
                let bytes = file.unfiltered(Structure::Chunk, &block, filters, size)?;
                Ok((*number, Block { at: block.at, bytes }))
            })
        }
        _ => Err(Unsupported::Feature("the storage of variable-length strings").into()),
    }
}

/// numcodecs' `vlen-utf8`: the number of texts, then each with its length in bytes before it.
fn encode(file: &File<'_>, values: &[Value]) -> Result<Bytes, Error> {
    let length = |n: usize| u32::try_from(n).map_err(|_| Unsupported::Feature("a chunk of more than 2^32 strings"));
    let mut chunk = length(values.len())?.to_le_bytes().to_vec();
    for value in values {
        let Value::Text(text) = value else { return Err(Unsupported::Feature("text that is not UTF-8").into()) };
        chunk.extend(length(text.len())?.to_le_bytes());
        chunk.extend_from_slice(text.as_bytes());
    }
    file.budget().inline(u64::try_from(chunk.len()).unwrap_or(u64::MAX))?;
    Ok(Bytes::from(chunk))
}

#[cfg(test)]
mod tests {
    use super::super::proofs::{array, refused, within};
    use super::*;
    use crate::limits::Limits;
    use crate::reference::ReferenceSet;
    use crate::structure::proofs::with;

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
