//! An array of which chunks lie in the sidecar file.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::super::boxes::{opened, read_options};
use super::super::chunks::{chunk_bytes, manifest};
use super::super::family;
use super::super::form::Elements;
use super::super::masks::Masks;
use super::super::options::Options;
use super::super::padding::{Padding, renumbered};
use super::super::subject::{Parts, Subject};
use super::coding::{Coding, Raw, has_form, needs_heap};
use super::constants::{Constants, repeated};
use super::pieces::{around, split};
use super::{Place, Sidecar};
use crate::error::{Error, Structure, Unsupported};
use crate::file::{Block, ChunkTable, Dataset, Extent, File, OpenDataset, Storage};
use crate::reference::grid::{grid, position};
use crate::reference::{Manifest, UrlId, Urls};
use crate::source::Halt;
use crate::window::{Runs, Window};
use crate::zarr::ArrayMetadata;

/// What a chunk that was never written, and is referenced all the same, costs in memory.
const REFERENCE: u64 = 64;

/// What an array has in the sidecar file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) chunks: u64,
    pub(crate) bytes: u64,
}

/// An array in the making.
struct Work<'a, 's> {
    file: &'a File<'s>,
    subject: Subject<'a>,
    coding: Coding<'a>,
    constants: Constants,
    padding: Option<Padding<'a>>,
    chunk: Vec<u64>,
    masks: Masks,
    /// Chunks as they lie, numbered in the array's grid.
    stored: Manifest,
    /// Elements and bytes of a chunk before its filters.
    size: (u64, u64),
    /// What the chunks are read from, if they do not lie in the file.
    elsewhere: Option<OpenDataset<'a>>,
    /// The id of the sidecar file.
    id: UrlId,
    /// Number, file, offset and length of each chunk.
    rows: Vec<(u64, UrlId, u64, u64)>,
}

/// Whether a dataset's values can be in the sidecar file, if each of its chunks decodes.
pub(crate) fn may_hold(dataset: &Dataset) -> bool {
    let is_null = dataset.dataspace.extent == Extent::Null;
    // Texts and references of a source lie in the heap of its own file, and lead to objects of it.
    let has_heap = matches!(dataset.storage, Storage::Virtual(_)) && needs_heap(&dataset.datatype);
    !is_null && !has_heap && dataset.filters.is_decoded(0) && has_form(&dataset.datatype)
}

/// The array of a dataset that is refused otherwise. Chunks that readers know as they lie are referenced where they are.
pub(crate) fn written(
    file: &File<'_>,
    subject: Subject<'_>,
    table: Option<Arc<ChunkTable>>,
    options: &Options,
    sidecar: &mut Sidecar<'_>,
) -> Result<(Parts, Written), Halt> {
    let Subject { dataset, longer, .. } = subject;
    let read_options = read_options(options, *file.limits());
    let elsewhere = match dataset.storage {
        Storage::External(_) | Storage::Virtual(_) => Some(opened(file, subject, &read_options)?),
        _ => None,
    };
    let (chunk, mut masks, mut stored) = match &elsewhere {
        Some(elsewhere) => boxes(elsewhere, dataset)?,
        None => lying(dataset, table)?,
    };
    let shape = longer.unwrap_or(&dataset.dataspace.dimensions).to_vec();
    renumber(&mut stored, &mut masks, grid(&shape, &chunk))?;
    let size = chunk_bytes(&chunk, &dataset.datatype)?;
    let mut coding = Coding::new(subject, masks.common, size.1, options)?;
    coding.own = coding.own.filter(|_| elsewhere.is_none());
    let padding = longer.map(|shape| Padding::new(dataset, shape, &chunk, file.limits())).transpose()?;
    let constants = Constants::new((file, subject), padding.as_ref(), coding.is_decoded(), options)?;
    let mut urls = family::urls(file, options)?;
    let id = UrlId(u32::try_from(urls.len()).unwrap_or(u32::MAX));
    urls.push(sidecar.url.clone());
    let rows = Vec::with_capacity(stored.number.len());
    let before = sidecar.bytes;
    let mut work = Work {
        file,
        subject,
        coding,
        constants,
        padding,
        chunk: chunk.clone(),
        masks,
        stored,
        size,
        elsewhere,
        id,
        rows,
    };
    let widths = work.widths()?;
    work.coding = work.coding.widened(widths);
    work.stored_chunks(sidecar)?;
    work.missing_chunks(sidecar)?;
    let bytes = sidecar.bytes - before;
    sidecar.referenced = sidecar.referenced.saturating_add(bytes);
    let chunks = work.rows.iter().filter(|(_, file, ..)| *file == id).count();
    let written = Written { chunks: u64::try_from(chunks).unwrap_or(u64::MAX), bytes };
    Ok((work.parts(shape, chunk.clone(), urls), written))
}

/// The chunk shape of data that lie in the file, the filters that the chunks skip, and where they are.
fn lying(dataset: &Dataset, table: Option<Arc<ChunkTable>>) -> Result<(Vec<u64>, Masks, Manifest), Error> {
    let (chunk, masks, mut stored) = manifest(dataset, table)?;
    if matches!(dataset.storage, Storage::Chunked { .. }) {
        return Ok((chunk, masks, stored));
    }
    let chunk = split(&dataset.dataspace.dimensions, dataset.datatype.size.into(), &mut stored);
    Ok((chunk, Masks { common: u32::MAX, ..Masks::default() }, stored))
}

/// The same of data that lie elsewhere: the chunks are the boxes that are read of them, all that a source has a part in.
fn boxes(elsewhere: &OpenDataset<'_>, dataset: &Dataset) -> Result<(Vec<u64>, Masks, Manifest), Error> {
    let shape = elsewhere.shape();
    let chunk = around(shape, dataset.datatype.size.into(), elsewhere.chunk());
    let grid = grid(shape, &chunk);
    let total = total(&grid)?;
    let mut number = Vec::new();
    for n in 0..total {
        if elsewhere.is_given(&window(n, &grid, &chunk, shape))? {
            number.push(n);
        }
    }
    let masks = Masks { common: u32::MAX, ..Masks::default() };
    Ok((chunk, masks, Manifest { grid, number, ..Manifest::default() }))
}

/// What a chunk has of a dataset.
fn window(number: u64, grid: &[u64], chunk: &[u64], shape: &[u64]) -> Window {
    let start: Vec<u64> = position(number, grid).iter().zip(chunk).map(|(at, size)| at * size).collect();
    let count = start.iter().zip(chunk).zip(shape).map(|((start, chunk), size)| (*chunk).min(size - start));
    let count = count.collect();
    Window { start, count }
}

/// Chunks of a grid.
fn total(grid: &[u64]) -> Result<u64, Unsupported> {
    let total = grid.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
    total.ok_or(Unsupported::Feature("an array of more than 2^64 chunks"))
}

/// Gives chunks the numbers that they have in a grid which may be longer.
fn renumber(stored: &mut Manifest, masks: &mut Masks, longer: Vec<u64>) -> Result<(), Unsupported> {
    let old = std::mem::replace(&mut stored.grid, longer);
    if old == stored.grid {
        return Ok(());
    }
    for number in &mut stored.number {
        *number = renumbered(*number, &old, &stored.grid)?;
    }
    let odd = std::mem::take(&mut masks.odd).into_iter();
    let odd = odd.map(|(number, mask)| Ok((renumbered(number, &old, &stored.grid)?, mask)));
    masks.odd = odd.collect::<Result<_, Unsupported>>()?;
    Ok(())
}

impl<'a> Work<'a, '_> {
    fn source(&self) -> Elements<'a> {
        Elements { file: self.file, paths: self.subject.paths }
    }

    fn raw<'r>(&self, bytes: &'r [u8], at: u64) -> Raw<'r> {
        Raw { bytes, at, count: self.size.0 }
    }

    /// How wide the parts of records are: as their longest texts, in the chunks and in what stands for those that are missing.
    fn widths(&self) -> Result<Vec<usize>, Halt> {
        let mut widths = self.coding.widths();
        if !self.coding.needs_measure() {
            return Ok(widths);
        }
        let source = self.source();
        for element in [&self.constants.inside, &self.constants.outside].into_iter().flatten() {
            self.coding.measure(source, Raw { bytes: element, at: 0, count: 1 }, &mut widths)?;
        }
        let all: Vec<usize> = (0..self.stored.number.len()).collect();
        self.each(&all, |_, block| self.coding.measure(source, self.raw(&block.bytes, block.at), &mut widths))?;
        Ok(widths)
    }

    /// The chunks that were written: referenced as they lie where readers know them, else decoded and written anew.
    fn stored_chunks(&mut self, sidecar: &mut Sidecar<'_>) -> Result<(), Halt> {
        let (mut odd, mut rows) = (Vec::new(), Vec::new());
        for n in 0..self.stored.number.len() {
            match self.as_it_lies(n) {
                Some(row) => rows.push(row),
                None => odd.push(n),
            }
        }
        let source = self.source();
        let mut odd_rows = Vec::with_capacity(odd.len());
        self.each(&odd, |number, block| {
            let place = sidecar.append(&self.coding.encode(source, self.raw(&block.bytes, block.at))?)?;
            odd_rows.push((number, self.id, place.offset, place.length));
            Ok(())
        })?;
        rows.extend(odd_rows);
        self.rows = rows;
        Ok(())
    }

    fn range(&self, n: usize) -> Range<u64> {
        let place = self.stored.offset.get(n).zip(self.stored.length.get(n));
        place.map_or(0..0, |(offset, length)| *offset..offset.saturating_add(*length))
    }

    fn ranges(&self, rows: &[usize]) -> Vec<Range<u64>> {
        rows.iter().map(|n| self.range(*n)).collect()
    }

    fn mask(&self, number: u64) -> u32 {
        self.masks.odd.get(&number).copied().unwrap_or(self.masks.common)
    }

    /// A reference to a chunk that readers know as it lies.
    fn as_it_lies(&self, n: usize) -> Option<(u64, UrlId, u64, u64)> {
        let own = self.coding.own.as_ref()?;
        let number = *self.stored.number.get(n)?;
        let range = self.range(n);
        // Data in one piece have no filters, and their last chunks may be shorter.
        let length = own.codecs.referenced(range.end - range.start).ok()?;
        let is_edge = |padding: &Padding<'_>| padding.is_edge(&position(number, &self.stored.grid));
        if self.mask(number) != self.masks.common || self.padding.as_ref().is_some_and(is_edge) {
            return None;
        }
        let Some(members) = self.file.family() else { return Some((number, UrlId(0), range.start, length)) };
        let is_torn = members.parts(range.clone()).nth(1).is_some();
        let (member, inside) = members.place(range.start);
        (!is_torn).then(|| (number, UrlId(u32::try_from(member).unwrap_or(u32::MAX)), inside, length))
    }

    /// Gives chunks by their numbers, before their filters.
    fn each(&self, rows: &[usize], mut each: impl FnMut(u64, Block) -> Result<(), Halt>) -> Result<(), Halt> {
        let number = |n: usize| self.stored.number.get(n).copied().unwrap_or(u64::MAX);
        if let Some(elsewhere) = &self.elsewhere {
            // One box at a time: what it takes of its sources is bounded, and all of it is here.
            let mut rows = rows.iter().map(|n| number(*n));
            return rows.try_for_each(|number| each(number, self.filled(number, self.boxed(number, elsewhere)?, 0)));
        }
        self.file.raw_data(&self.ranges(rows), |row, bytes| {
            let n = rows.get(row).copied().unwrap_or(usize::MAX);
            let at = self.range(n).start;
            let chunk = self.decoded(number(n), &Block { at, bytes })?;
            each(number(n), self.filled(number(n), chunk, at))
        })
    }

    /// A chunk that is read from elsewhere.
    fn boxed(&self, number: u64, elsewhere: &OpenDataset<'_>) -> Result<Bytes, Halt> {
        self.file.budget().decoded(self.size.1)?;
        let window = window(number, &self.stored.grid, &self.chunk, elsewhere.shape());
        let elements = elsewhere.window(&window)?;
        if window.count == self.chunk {
            return Ok(Bytes::from(elements));
        }
        let mut chunk = vec![0; usize::try_from(self.size.1).unwrap_or(0)];
        let origin = vec![0; self.chunk.len()];
        let runs = Runs::new(&window.count, (&window.count, &origin), (&self.chunk, &origin));
        runs.copy(&elements, &mut chunk, usize::try_from(self.subject.dataset.datatype.size).unwrap_or(0));
        Ok(Bytes::from(chunk))
    }

    /// A chunk before its filters.
    fn decoded(&self, number: u64, block: &Block) -> Result<Bytes, Halt> {
        let chunk = if matches!(self.subject.dataset.storage, Storage::Chunked { .. }) {
            let filters = (&self.subject.dataset.filters, self.mask(number));
            self.file.unfiltered(Structure::Chunk, block, filters, self.size.1)?
        } else {
            self.file.budget().decoded(self.size.1)?;
            let mut whole = block.bytes.to_vec();
            whole.resize(usize::try_from(self.size.1).unwrap_or(0), 0);
            Bytes::from(whole)
        };
        Ok(chunk)
    }

    /// A chunk, filled where the array is longer than the dataset.
    fn filled(&self, number: u64, chunk: Bytes, at: u64) -> Block {
        let place = position(number, &self.stored.grid);
        let bytes = match self.padding.as_ref().filter(|padding| padding.is_edge(&place)) {
            Some(padding) => Bytes::from(padding.filled(&chunk, &place)),
            None => chunk,
        };
        Block { at, bytes }
    }

    /// The chunks that were never written, where readers would give another value for them.
    fn missing_chunks(&mut self, sidecar: &mut Sidecar<'_>) -> Result<(), Halt> {
        if self.constants.inside.is_none() && self.constants.outside.is_none() {
            return Ok(());
        }
        let total = total(&self.stored.grid)?;
        let missing = total.saturating_sub(u64::try_from(self.stored.number.len()).unwrap_or(u64::MAX));
        self.file.budget().inline(missing.saturating_mul(REFERENCE))?;
        let present: Vec<u64> = std::mem::take(&mut self.stored.number);
        let mut present = present.into_iter().peekable();
        let (mut inside, mut outside) = (None, None);
        for number in (0..total).filter(|number| present.next_if_eq(number).is_none()) {
            let place = match self.padding.as_ref().map(|padding| (padding, position(number, &self.stored.grid))) {
                Some((padding, at)) if padding.is_outside(&at) => self.once(&mut outside, true, sidecar)?,
                Some((padding, at)) if padding.is_edge(&at) => {
                    let chunk = repeated(self.file, self.constants.inside.as_deref(), self.size)?;
                    self.made(&padding.filled(&chunk, &at), sidecar).map(Some)?
                }
                _ => self.once(&mut inside, false, sidecar)?,
            };
            self.rows.extend(place.map(|place| (number, self.id, place.offset, place.length)));
        }
        Ok(())
    }

    /// The place of a constant chunk, which is written when it is first wanted.
    fn once(&self, known: &mut Option<Place>, outside: bool, sidecar: &mut Sidecar<'_>) -> Result<Option<Place>, Halt> {
        let element = if outside { &self.constants.outside } else { &self.constants.inside };
        let (None, Some(element)) = (&known, element) else { return Ok(*known) };
        *known = Some(self.made(&repeated(self.file, Some(element), self.size)?, sidecar)?);
        Ok(*known)
    }

    /// Writes a chunk that the file does not hold.
    fn made(&self, chunk: &[u8], sidecar: &mut Sidecar<'_>) -> Result<Place, Halt> {
        Ok(sidecar.append(&self.coding.encode(self.source(), self.raw(chunk, 0))?)?)
    }

    /// The array of the chunks.
    fn parts(mut self, mut shape: Vec<u64>, mut chunks: Vec<u64>, urls: Vec<String>) -> Parts {
        self.rows.sort_unstable();
        let dimensions = self.coding.dimensions().to_vec();
        let grid = self.stored.grid.iter().copied().chain(dimensions.iter().map(|_| 1)).collect();
        let manifest = Manifest {
            grid,
            number: self.rows.iter().map(|(number, ..)| *number).collect(),
            urls: Urls::Each(self.rows.iter().map(|(_, file, ..)| *file).collect()),
            offset: self.rows.iter().map(|(_, _, offset, _)| *offset).collect(),
            length: self.rows.iter().map(|(.., length)| *length).collect(),
            ..Manifest::default()
        };
        shape.extend(&dimensions);
        chunks.extend(&dimensions);
        let (dtype, filters) = self.coding.types();
        let fill_value = self.constants.declared;
        let metadata = ArrayMetadata::new(shape, chunks, dtype, fill_value, filters);
        Parts { metadata, chunks: manifest, urls }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::proofs::{array, translated};
    use super::super::super::{Report, Status, UnsupportedPolicy, references_with_sidecar};
    use super::*;
    use crate::codec::deflate;
    use crate::limits::Limits;
    use crate::reference::ReferenceSet;
    use crate::source::Input;
    use crate::zarr::Codec;

    /// References to a file, and its sidecar file; `change` says what differs from options that hold nothing inline.
    fn with_sidecar(file: &[u8], change: impl FnOnce(&mut Options)) -> (ReferenceSet, Report, Vec<u8>) {
        let mut options = Options::new("u");
        options.unsupported = UnsupportedPolicy::Sidecar;
        options.inline_threshold = 0;
        options.limits.repair_bytes = 0;
        change(&mut options);
        let mut bytes = Vec::new();
        let mut sidecar = Sidecar::new("beside", &mut bytes);
        let input = Input::from(Bytes::copy_from_slice(file));
        let (set, report) = references_with_sidecar(&input, &options, &mut sidecar).unwrap();
        let written = sidecar.bytes();
        assert_eq!((sidecar.referenced(), written), (written, u64::try_from(bytes.len()).unwrap()));
        (set, report, bytes)
    }

    /// The bytes of each chunk, wherever they lie.
    fn chunks(set: &ReferenceSet, key: &str, file: &[u8], sidecar: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let manifest = &array(set, key).chunks;
        let at = |n: usize| {
            usize::try_from(manifest.offset[n]).unwrap()
                ..usize::try_from(manifest.offset[n] + manifest.length[n]).unwrap()
        };
        let from = |n: usize| if set.url(manifest.url(n)) == "u" { file } else { sidecar };
        let rows = manifest.number.iter().enumerate().map(|(n, number)| (*number, from(n)[at(n)].to_vec()));
        let inline = manifest.inline.iter().map(|(number, bytes)| (*number, bytes.to_vec()));
        let mut all: Vec<_> = rows.chain(inline).collect();
        all.sort();
        all
    }

    /// Compares an array in the sidecar file with the same array held inline; gives how many of its chunks lie in the sidecar file.
    fn compare(file: &[u8], key: &str) -> usize {
        let (inline, _) = translated(file, |options| options.inline_threshold = 0).unwrap();
        let (set, _, sidecar) = with_sidecar(file, |_| ());
        let (expected, found) = (array(&inline, key), array(&set, key));
        let compressed = found.metadata.filters.last() == Some(&Codec::Zlib { level: 5 })
            && expected.metadata.filters.last() != found.metadata.filters.last();
        let mut metadata = found.metadata.clone();
        metadata.filters.truncate(metadata.filters.len() - usize::from(compressed));
        assert_eq!(metadata, expected.metadata, "{key}");
        let plain = |bytes: Vec<u8>| if compressed { deflate::decode(&bytes, 1 << 20).unwrap() } else { bytes };
        let found_chunks = chunks(&set, key, file, &sidecar).into_iter().map(|(number, bytes)| (number, plain(bytes)));
        assert_eq!(found_chunks.collect::<Vec<_>>(), chunks(&inline, key, file, &[]), "{key}");
        let manifest = &found.chunks;
        (0..manifest.number.len()).filter(|n| set.url(manifest.url(*n)) == "beside").count()
    }

    #[test]
    fn chunks_of_other_filters_are_what_they_are_inline() {
        assert_eq!(compare(include_bytes!("../../../testdata/filter/gzip_shuffle.h5"), "d"), 4);
        assert_eq!(compare(include_bytes!("../../../testdata/filter/lzf.h5"), "d"), 4);
    }

    #[test]
    fn only_odd_chunks_are_written_where_readers_know_the_others() {
        let mixed = include_bytes!("../../../testdata/filter/mask_mixed.h5");
        assert_eq!(compare(mixed, "d"), 3);
    }

    #[test]
    fn numbers_and_texts_are_decoded_as_they_are_inline() {
        let odd = include_bytes!("../../../testdata/datatype/odd_chunked.h5");
        assert!(["fill", "gzip"].iter().all(|key| compare(odd, key) > 1));
        let strings = include_bytes!("../../../testdata/datatype/vlen_strings.h5");
        assert_eq!(compare(strings, "utf8"), 1);
        assert_eq!(compare(strings, "chunked"), 2);
        assert_eq!(compare(strings, "never_written"), 1);
    }

    #[test]
    fn texts_of_records_are_as_wide_as_the_longest_of_all_chunks() {
        let records = include_bytes!("../../../testdata/datatype/compound_decoded.h5");
        let keys = ["compressed", "contiguous", "never_written", "scalar"];
        assert!(keys.iter().all(|key| compare(records, key) > 0));
    }

    #[test]
    fn chunks_past_the_end_of_a_shorter_variable_end_in_its_fill_value() {
        let short = include_bytes!("../../../testdata/netcdf/short_records.nc");
        assert_eq!(compare(short, "short"), 2);
    }

    #[test]
    fn a_constant_chunk_is_written_once() {
        let seven = include_bytes!("../../../testdata/fill_value/seven.h5");
        assert_eq!(compare(seven, "d"), 2);
        let (set, report, _) = with_sidecar(seven, |_| ());
        let manifest = &array(&set, "d").chunks;
        let places: Vec<_> = (0..manifest.number.len())
            .filter(|n| set.url(manifest.url(*n)) == "beside")
            .map(|n| (manifest.offset[n], manifest.length[n]))
            .collect();
        assert_eq!(places.len(), 2);
        assert_eq!(places[0], places[1]);
        let told = report.outcomes.iter().find(|outcome| matches!(outcome.status, Status::Sidecar { .. })).unwrap();
        assert_eq!(told.path, "/d");
        assert!(matches!(told.status, Status::Sidecar { chunks: 2, bytes } if bytes == places[0].1));
    }

    #[test]
    fn what_is_decoded_for_the_sidecar_file_has_a_limit_of_its_own() {
        let file = include_bytes!("../../../testdata/filter/gzip_shuffle.h5");
        let within = |decoded_bytes, sidecar_bytes| {
            let limits = Limits { repair_bytes: 0, decoded_bytes, sidecar_bytes, ..Limits::default() };
            let (_, report, _) = with_sidecar(file, |options| options.limits = limits);
            report.refused().map(|(path, why)| format!("{path}: {why}")).collect::<Vec<_>>()
        };
        assert_eq!(within(0, 1 << 20), [""; 0]);
        assert!(within(0, 1)[0].contains("Limits::sidecar_bytes = 1;"), "{:?}", within(0, 1));
    }
}
