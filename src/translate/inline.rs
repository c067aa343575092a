//! Chunks that are held in the set itself: small ones, and those that stand for chunks never written.

use std::ops::Range;

use bytes::Bytes;

use super::fill::{Fill, fill_value};
use crate::error::{Error, Unsupported};
use crate::file::{Dataset, File};
use crate::limits::Budget;
use crate::reference::Manifest;
use crate::source::Halt;

/// Holds the chunks inline that are shorter than the threshold.
pub(crate) fn small_chunks(file: &File<'_>, threshold: u64, manifest: &mut Manifest) -> Result<(), Halt> {
    let rows = manifest.number.iter().zip(&manifest.offset).zip(&manifest.length);
    let small = rows.filter(|(_, length)| **length < threshold);
    let (numbers, ranges): (Vec<u64>, Vec<_>) =
        small.map(|((number, offset), length)| (*number, *offset..offset.saturating_add(*length))).unzip();
    if numbers.is_empty() {
        return Ok(());
    }
    for range in &ranges {
        file.budget().inline(range.end.saturating_sub(range.start))?;
    }
    hold(file, (&numbers, &ranges), manifest)
}

/// Holds records that are shorter than the threshold inline as one chunk: each by itself would cost readers more than its bytes.
pub(crate) fn small_records(
    file: &File<'_>,
    dataset: &Dataset,
    threshold: u64,
    (chunk, manifest): (&mut Vec<u64>, &mut Manifest),
) -> Result<(), Halt> {
    if !dataset.is_of_records()
        || manifest.number.len() < 2
        || manifest.length.iter().any(|length| *length >= threshold)
    {
        return Ok(());
    }
    let rows = manifest.offset.iter().zip(&manifest.length);
    let ranges: Vec<_> = rows.map(|(offset, length)| *offset..offset.saturating_add(*length)).collect();
    let total = manifest.length.iter().fold(0_u64, |total, length| total.saturating_add(*length));
    file.budget().inline(total)?;
    let mut whole = Vec::with_capacity(usize::try_from(total).unwrap_or(0));
    file.raw_data(&ranges, |_, bytes| {
        whole.extend_from_slice(&bytes);
        Ok(())
    })?;
    chunk.clone_from(&dataset.dataspace.dimensions);
    let grid = vec![1; manifest.grid.len()];
    *manifest = Manifest { grid, inline: [(0, Bytes::from(whole))].into(), ..Manifest::default() };
    Ok(())
}

/// Holds these chunks inline as they lie in the file; the caller has charged them.
pub(crate) fn hold(
    file: &File<'_>,
    (numbers, ranges): (&[u64], &[Range<u64>]),
    manifest: &mut Manifest,
) -> Result<(), Halt> {
    let mut inline = Vec::with_capacity(numbers.len());
    file.raw_data(ranges, |n, bytes| {
        inline.extend(numbers.get(n).map(|number| (*number, Bytes::copy_from_slice(&bytes))));
        Ok(())
    })?;
    manifest.hold_inline(inline);
    Ok(())
}

/// Holds a constant chunk inline for every chunk that is missing, where readers would give another value.
pub(crate) fn constant_chunks(
    budget: &Budget,
    dataset: &Dataset,
    fill: &Fill,
    elements: u64,
    encode: impl FnOnce(Vec<u8>) -> Result<Vec<u8>, Unsupported>,
    manifest: &mut Manifest,
) -> Result<(), Error> {
    let Some(element) = &fill.constant else { return Ok(()) };
    let total = manifest.grid.iter().try_fold(1_u64, |total, size| total.checked_mul(*size));
    let present = u64::try_from(manifest.present()).unwrap_or(u64::MAX);
    let missing = total.unwrap_or(u64::MAX).saturating_sub(present);
    if missing == 0 {
        return Ok(());
    }
    let refusal = || {
        let value = fill_value(&dataset.datatype, element).and_then(|value| serde_json::to_string(&value).ok());
        Unsupported::FillValue { missing, value: value.unwrap_or_else(|| "of the file".to_owned()) }
    };
    let most = budget.limits().repair_bytes;
    if total.is_none() || missing > most {
        return Err(refusal().into());
    }
    let size = elements.saturating_mul(dataset.datatype.size.into());
    budget.decoded(size)?;
    let chunk = element.repeat(usize::try_from(elements).unwrap_or(0));
    let chunk = Bytes::from(encode(chunk)?);
    let bytes = missing.saturating_mul(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
    if bytes > most {
        return Err(refusal().into());
    }
    budget.inline(bytes)?;
    // Columns ascend, so those that are present are met in order.
    let mut present = manifest.number.iter().copied().peekable();
    for number in (0..total.unwrap_or(0)).filter(|number| present.next_if_eq(number).is_none()) {
        manifest.inline.entry(number).or_insert_with(|| chunk.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::proofs::{array, refused, translated, within};
    use crate::file::proofs::exceeded;
    use crate::limits::Limits;

    /// Six integers in chunks of two, the first written, and the fill value 7; and the same of doubles and NaN.
    const SEVEN: &[u8] = include_bytes!("../../testdata/fill_value/seven.h5");
    /// Four chunks of four integers, each of which skips other filters.
    const MIXED: &[u8] = include_bytes!("../../testdata/filter/mask_mixed.h5");
    const GZIP: &[u8] = include_bytes!("../../testdata/filter/gzip.h5");

    #[test]
    fn chunks_below_the_threshold_are_held_inline() {
        let held = |threshold| {
            let (set, _) = translated(SEVEN, |options| options.inline_threshold = threshold).unwrap();
            let chunks = &array(&set, "d").chunks;
            (chunks.number.clone(), chunks.inline.keys().copied().collect::<Vec<_>>())
        };
        // The chunks that were never written read as 7: they are held whatever the threshold.
        assert_eq!(held(0), (vec![0], vec![1, 2]));
        assert_eq!(held(8), (vec![0], vec![1, 2]));
        assert_eq!(held(9), (vec![], vec![0, 1, 2]));
    }

    #[test]
    fn chunks_never_written_are_chunks_of_the_fill_value() {
        let (set, _) = within(SEVEN, Limits::default());
        let integers = array(&set, "d");
        assert_eq!(
            (&integers.chunks.inline[&1][..], &integers.metadata.fill_value),
            (&[7, 0, 0, 0, 7, 0, 0, 0][..], &None)
        );
        let doubles = &array(&set, "f8").chunks.inline;
        assert_eq!((&doubles[&0][..8], &doubles[&2][..8]), (&1_f64.to_le_bytes()[..], &f64::NAN.to_le_bytes()[..]));
    }

    #[test]
    fn zeros_that_were_never_written_are_left_out() {
        let (set, _) = within(include_bytes!("../../testdata/fill_value/default.h5"), Limits::default());
        assert_eq!(array(&set, "d").chunks.inline.keys().copied().collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn constant_chunks_that_are_too_many_or_too_large_are_refused() {
        let reason = |value| {
            format!(
                "2 chunks were never written and read as the fill value {value}, which readers of Zarr v2 would not give or would mask (--fill declare accepts that); --unsupported sidecar writes the values to a file beside the references"
            )
        };
        let expected = [format!("/d: {}", reason("7")), format!("/f8: {}", reason("\"NaN\""))];
        assert_eq!(refused(SEVEN, Limits { repair_bytes: 1, ..Limits::default() }), expected);
        assert_eq!(refused(SEVEN, Limits { repair_bytes: 15, ..Limits::default() }), expected);
        assert_eq!(refused(SEVEN, Limits { repair_bytes: 16, ..Limits::default() }), expected[1..]);
    }

    #[test]
    fn inline_bytes_are_counted_over_the_whole_file() {
        // Of each dataset one chunk that is small, and two that are constant.
        assert_eq!(refused(SEVEN, Limits { inline_bytes: 72, ..Limits::default() }), [""; 0]);
        assert_eq!(
            refused(SEVEN, Limits { inline_bytes: 71, ..Limits::default() }),
            [format!("/f8: {}", exceeded("inline_bytes", 71, 72))]
        );
        assert_eq!(
            refused(SEVEN, Limits { inline_bytes: 7, ..Limits::default() })[0],
            format!("/d: {}", exceeded("inline_bytes", 7, 8))
        );
    }

    #[test]
    fn chunks_that_are_decoded_are_counted() {
        let told = |limits| refused(MIXED, limits);
        assert_eq!(told(Limits::default()), [""; 0]);
        // A chunk of 16 bytes may grow on its way through the filters.
        assert_eq!(
            told(Limits { chunk_bytes: 81, ..Limits::default() }),
            [format!("/d: {}", exceeded("chunk_bytes", 81, 82))]
        );
        assert_eq!(
            told(Limits { decoded_bytes: 163, ..Limits::default() }),
            [format!("/d: {}", exceeded("decoded_bytes", 163, 164))]
        );
        assert_eq!(
            told(Limits { repair_bytes: 50, ..Limits::default() }),
            [
                "/d: 3 chunks with another filter mask cannot be expressed in Zarr v2, and are too large to be held inline (Limits::repair_bytes); --unsupported sidecar writes the values to a file beside the references"
            ]
        );
        // What is only referenced is not decoded.
        assert_eq!(refused(GZIP, Limits { chunk_bytes: 0, decoded_bytes: 0, ..Limits::default() }), [""; 0]);
    }
}
