//! The chunks of a family: each lies in one member, or is held inline.

use super::external::rows;
use super::inline::hold;
use super::options::Options;
use crate::error::{Error, Unsupported};
use crate::file::{Dataset, File, Storage};
use crate::reference::{Manifest, UrlId, Urls};
use crate::source::{Halt, Members};

/// What references call the files that a file's bytes lie in: the file itself, or the members of a family.
pub(crate) fn urls(file: &File<'_>, options: &Options) -> Result<Vec<String>, Error> {
    let Some(Members { count, .. }) = file.family() else { return Ok(vec![options.url.clone()]) };
    let missing = || Error::MemberUrls { members: count, given: options.members.len() };
    Ok(options.members.get(..count).ok_or_else(missing)?.to_vec())
}

/// Splits data that lie in one piece over several members between two rows, where every member ends between two: then the chunk
/// shape and the chunks are others, and it says so. Data stay whole that are small, or would be small chunks and are not too large
/// to be held inline.
pub(crate) fn split(
    file: &File<'_>,
    dataset: &Dataset,
    options: &Options,
    (chunk, manifest): (&mut Vec<u64>, &mut Manifest),
) -> Result<bool, Error> {
    let (Some(members), Storage::Contiguous { .. } | Storage::Compact { .. }) = (file.family(), &dataset.storage)
    else {
        return Ok(false);
    };
    let (&[offset], &[length]) = (manifest.offset.as_slice(), manifest.length.as_slice()) else { return Ok(false) };
    let pieces: Vec<_> = members.parts(offset..offset.saturating_add(length)).collect();
    if length < options.inline_threshold || pieces.len() < 2 {
        return Ok(false);
    }
    let Some(rows) = rows(dataset, length, pieces.iter().map(|piece| piece.end - piece.start)) else {
        return Ok(false);
    };
    if rows.bytes < options.inline_threshold && length <= file.limits().repair_bytes {
        return Ok(false);
    }
    file.budget().chunks(length / rows.bytes.max(1))?;
    *manifest = rows.manifest(pieces.iter().map(|piece| (piece.start, piece.end - piece.start)));
    *chunk = rows.chunk;
    Ok(true)
}

/// Gives each chunk of a family its member and its offset there. Chunks that lie in two members are held inline while they are small.
pub(crate) fn place(file: &File<'_>, manifest: &mut Manifest) -> Result<(), Halt> {
    let Some(members) = file.family() else { return Ok(()) };
    let places = manifest.number.iter().zip(manifest.offset.iter().zip(&manifest.length));
    let places = places.map(|(number, (offset, length))| (*number, *offset..offset.saturating_add(*length)));
    let torn = places.filter(|(_, range)| members.parts(range.clone()).nth(1).is_some());
    let (numbers, ranges): (Vec<u64>, Vec<_>) = torn.unzip();
    let total = ranges.iter().fold(0_u64, |total, range| total.saturating_add(range.end - range.start));
    if total > file.limits().repair_bytes {
        return Err(Unsupported::MemberBorders { chunks: ranges.len() }.into());
    }
    file.budget().inline(total)?;
    hold(file, (&numbers, &ranges), manifest)?;
    let mut urls = Vec::with_capacity(manifest.offset.len());
    for offset in &mut manifest.offset {
        let (member, inside) = members.place(*offset);
        urls.push(UrlId(u32::try_from(member).unwrap_or(u32::MAX)));
        *offset = inside;
    }
    manifest.urls = match urls.as_slice() {
        [first, rest @ ..] if rest.iter().all(|url| url == first) => Urls::One(*first),
        _ => Urls::Each(urls),
    };
    Ok(())
}
