//! Chunks that are held in the set itself: small ones, and those that stand for chunks never written.

use bytes::Bytes;

use super::fill::{Fill, fill_value};
use super::options::Options;
use crate::error::{Error, Unsupported};
use crate::file::{Dataset, File};
use crate::reference::Manifest;
use crate::source::Halt;

/// Holds the chunks inline that are shorter than the threshold.
pub(crate) fn small_chunks(file: &File<'_>, options: &Options, manifest: &mut Manifest) -> Result<(), Halt> {
    let rows = manifest.number.iter().zip(&manifest.offset).zip(&manifest.length);
    let small = rows.filter(|(_, length)| **length < options.inline_threshold);
    let (numbers, ranges): (Vec<u64>, Vec<_>) =
        small.map(|((number, offset), length)| (*number, *offset..offset.saturating_add(*length))).unzip();
    if numbers.is_empty() {
        return Ok(());
    }
    for range in &ranges {
        file.budget().inline(range.end.saturating_sub(range.start))?;
    }
    let mut inline = Vec::with_capacity(numbers.len());
    file.raw_data(&ranges, |n, bytes| {
        inline.extend(numbers.get(n).map(|number| (*number, Bytes::copy_from_slice(&bytes))));
        Ok(())
    })?;
    manifest.hold_inline(inline);
    Ok(())
}

/// Holds a constant chunk inline for every chunk that is missing, where readers would give another value.
pub(crate) fn constant_chunks(
    file: &File<'_>,
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
    let most = file.limits().repair_bytes;
    if total.is_none() || missing > most {
        return Err(refusal().into());
    }
    let size = elements.saturating_mul(dataset.datatype.size.into());
    file.budget().decoded(size)?;
    let chunk = element.repeat(usize::try_from(elements).unwrap_or(0));
    let chunk = Bytes::from(encode(chunk)?);
    let bytes = missing.saturating_mul(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
    if bytes > most {
        return Err(refusal().into());
    }
    file.budget().inline(bytes)?;
    // Columns ascend, so those that are present are met in order.
    let mut present = manifest.number.iter().copied().peekable();
    for number in (0..total.unwrap_or(0)).filter(|number| present.next_if_eq(number).is_none()) {
        manifest.inline.entry(number).or_insert_with(|| chunk.clone());
    }
    Ok(())
}
