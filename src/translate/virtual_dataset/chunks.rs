//! The chunks of the sources as those of the virtual dataset.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;

use super::super::chunks::chunk_bytes;
use super::super::inline::small_chunks;
use super::place::Placement;
use super::sources::{Chunks, Elements, Source, Sources};
use crate::error::{Error, Unsupported};
use crate::file::Datatype;
use crate::reference::grid::{number, position};
use crate::reference::{Manifest, UrlId, Urls};
use crate::source::{Halt, join};

/// Most chunks that one source in one piece is split into.
const MOST_PIECES: u64 = 1 << 20;

/// Most chunks that are placed more often than once.
const MOST_REPEATED: u64 = 1 << 20;

/// Chunks that are referenced, and those that are held inline, by number.
#[derive(Default)]
struct Found {
    /// Number, offset and length.
    rows: Vec<(u64, u64, u64)>,
    inline: BTreeMap<u64, Bytes>,
    counted: usize,
}

/// The chunks of all placements, and the files that they lie in.
pub(super) fn referenced(
    sources: &Sources<'_, '_>,
    placements: &[Placement],
    chunk: &[u64],
    datatype: &Datatype,
    grid: Vec<u64>,
) -> Result<(Manifest, Vec<String>), Halt> {
    let mut files: BTreeMap<&str, Found> = BTreeMap::new();
    let most = distinct(placements, chunk).saturating_add(MOST_REPEATED);
    let mut placed = 0_u64;
    for placement in placements {
        let found = files.entry(&placement.file).or_default();
        match &placement.source.elements {
            Elements::Chunks(chunks) => chunked(sources, placement, chunks, &grid, found)?,
            Elements::Whole(Some(offset)) => pieces(sources, placement, *offset, (chunk, datatype), &grid, found)?,
            Elements::Whole(None) => {}
        }
        placed = placed.saturating_add(u64::try_from(found.added()).unwrap_or(u64::MAX));
        if placed > most {
            return Err(
                Unsupported::VirtualMapping("more than 2^20 chunks of its sources are in several places").into()
            );
        }
    }
    let only_here = files.keys().all(|file| sources.is_here(file));
    let small = join(files, |(name, found)| {
        let mut manifest = found.manifest();
        let options = sources.options();
        // A file is not opened once more for nothing.
        if manifest.length.iter().any(|length| *length < options.inline_threshold) {
            sources.with(name, |file| small_chunks(file, options.inline_threshold, &mut manifest))?;
        }
        Ok((sources.url(name)?, manifest))
    })?;
    let mut rows = Vec::new();
    let (mut manifest, mut urls) = (Manifest { grid, ..Manifest::default() }, Vec::new());
    for (id, (url, of_file)) in (0_u32..).zip(small) {
        let places = of_file.offset.iter().zip(&of_file.length);
        rows.extend(
            of_file.number.iter().zip(places).map(|(number, (offset, length))| (*number, id, *offset, *length)),
        );
        manifest.inline.extend(of_file.inline);
        urls.push(url);
    }
    rows.sort_unstable();
    manifest.number = rows.iter().map(|(number, ..)| *number).collect();
    manifest.offset = rows.iter().map(|(_, _, offset, _)| *offset).collect();
    manifest.length = rows.iter().map(|(.., length)| *length).collect();
    if only_here {
        return Ok((manifest, Vec::new()));
    }
    manifest.urls = Urls::Each(rows.iter().map(|(_, id, ..)| UrlId(*id)).collect());
    Ok((manifest, urls))
}

/// How many chunks the sources have, or are split into, each counted once.
fn distinct(placements: &[Placement], chunk: &[u64]) -> u64 {
    let sources: BTreeMap<*const Source, &Placement> =
        placements.iter().map(|placement| (Rc::as_ptr(&placement.source), placement)).collect();
    let chunks = sources.values().map(|placement| match &placement.source.elements {
        Elements::Chunks(chunks) => u64::try_from(chunks.manifest.present()).unwrap_or(u64::MAX),
        Elements::Whole(_) => {
            let sizes = placement.source.shape.iter().zip(placement.own_chunk(chunk));
            sizes.fold(1_u64, |n, (size, chunk)| n.saturating_mul(size.div_ceil(chunk)))
        }
    });
    chunks.fold(0, u64::saturating_add)
}

impl Found {
    /// Chunks that were added since this was asked last.
    fn added(&mut self) -> usize {
        let all = self.rows.len() + self.inline.len();
        all - std::mem::replace(&mut self.counted, all)
    }

    fn manifest(mut self) -> Manifest {
        self.rows.sort_unstable();
        Manifest {
            number: self.rows.iter().map(|(number, ..)| *number).collect(),
            offset: self.rows.iter().map(|(_, offset, _)| *offset).collect(),
            length: self.rows.iter().map(|(.., length)| *length).collect(),
            inline: self.inline,
            ..Manifest::default()
        }
    }
}

const TOO_MANY: Unsupported = Unsupported::Feature("an array of more than 2^64 chunks");

/// Chunks of a chunked source: those that are written, or those that are wanted, whichever are fewer.
fn chunked(
    sources: &Sources<'_, '_>,
    placement: &Placement,
    chunks: &Chunks,
    grid: &[u64],
    found: &mut Found,
) -> Result<(), Error> {
    let Manifest { grid: own, number: numbers, offset, length, inline, .. } = &chunks.manifest;
    let present = u64::try_from(chunks.manifest.present()).unwrap_or(u64::MAX);
    let cells = placement.len().unwrap_or(u64::MAX);
    sources.charge(present.min(cells))?;
    let mut add = |from: u64, to: u64| {
        if let Some(bytes) = inline.get(&from) {
            found.inline.insert(to, bytes.clone());
        } else if let Ok(row) = numbers.binary_search(&from) {
            let place = offset.get(row).zip(length.get(row));
            found.rows.extend(place.map(|(offset, length)| (to, *offset, *length)));
        }
    };
    if cells < present {
        for (to, from) in (0..cells).map(|n| placement.cell(n)) {
            add(number(&from, own).ok_or(TOO_MANY)?, number(&to, grid).ok_or(TOO_MANY)?);
        }
        return Ok(());
    }
    for from in numbers.iter().chain(inline.keys()) {
        if let Some(to) = placement.place_of(&position(*from, own)) {
            add(*from, number(&to, grid).ok_or(TOO_MANY)?);
        }
    }
    Ok(())
}

/// Chunks of a source in one piece.
fn pieces(
    sources: &Sources<'_, '_>,
    placement: &Placement,
    offset: u64,
    (chunk, datatype): (&[u64], &Datatype),
    grid: &[u64],
    found: &mut Found,
) -> Result<(), Error> {
    let cells = placement.len().filter(|cells| *cells <= MOST_PIECES);
    let cells =
        cells.ok_or(Unsupported::VirtualMapping("a source in one piece would be split into more than 2^20 chunks"))?;
    sources.charge(cells)?;
    let (_, length) = chunk_bytes(chunk, datatype)?;
    let own = placement.own_chunk(chunk);
    let shape = &placement.source.shape;
    for (to, from) in (0..cells).map(|n| placement.cell(n)) {
        // The chunk's first element; the whole source is inside the file, so nothing overflows.
        let first = from.iter().zip(&own).map(|(at, chunk)| at.saturating_mul(*chunk)).collect::<Vec<_>>();
        let first = number(&first, shape).ok_or(TOO_MANY)?.saturating_mul(datatype.size.into());
        found.rows.push((number(&to, grid).ok_or(TOO_MANY)?, offset.saturating_add(first), length));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::place::Axis;
    use super::super::steps::Steps;
    use super::*;
    use crate::file::proofs::opened;
    use crate::file::{Bits, ByteOrder, Class, FillValue};
    use crate::limits::Limits;
    use crate::translate::Options;

    const FILE: &[u8] = include_bytes!("../../../testdata/superblock/v0.h5");

    /// What becomes of a source of `size` bytes in one piece, each a chunk, which goes to `places` places.
    fn told(size: u64, places: u64) -> String {
        let class = Class::BitField { order: ByteOrder::Little, bits: Bits { offset: 0, precision: 8 } };
        let datatype = Datatype { size: 1, class };
        let elements = Elements::Whole(Some(0));
        let source =
            Rc::new(Source { shape: vec![size], datatype: datatype.clone(), fill: FillValue::Default, elements });
        let placement = |n| {
            let axis = Axis::Kept { dimension: 0, place: Steps::run(n * size, size), taken: Steps::run(0, size) };
            Placement { file: ".".to_owned(), source: Rc::clone(&source), axes: vec![axis], dropped: Vec::new() }
        };
        let placements: Vec<Placement> = (0..places).map(placement).collect();
        let options = Options { inline_threshold: 0, ..Options::new("u") };
        opened(FILE, Limits::default(), |file| {
            let sources = Sources::new(file, &options);
            let (manifest, _) = referenced(&sources, &placements, &[1], &datatype, vec![size * places])?;
            Ok(format!("{} chunks", manifest.present()))
        })
        .unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn a_source_is_not_split_into_too_many_pieces() {
        assert_eq!(told(10, 1), "10 chunks");
        let expected = "virtual dataset: a source in one piece would be split into more than 2^20 chunks";
        assert_eq!(told(MOST_PIECES + 1, 1), expected);
    }

    #[test]
    fn chunks_are_not_repeated_without_bound() {
        assert_eq!(told(100, 20), "2000 chunks");
        let expected = "virtual dataset: more than 2^20 chunks of its sources are in several places";
        assert_eq!(told(MOST_REPEATED / 4, 6), expected);
    }
}
