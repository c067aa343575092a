//! Virtual datasets: arrays of references to the chunks of their sources, where they consist of whole ones.

mod chunks;
mod gaps;
mod place;
mod sources;
mod steps;

use super::dtype::element;
use super::options::Options;
use super::subject::{Parts, Subject};
use crate::error::{Error, Unsupported};
use crate::file::{Class, Dataset, ExtentOf, File, Mapping, Storage, extent, is_unlimited};
use crate::reference::grid::grid;
use crate::source::Halt;
use crate::zarr::{ArrayMetadata, Codec};
use chunks::referenced;
use gaps::Gaps;
use place::{Placement, Wish};
use sources::{Chunks, Detail, Elements, Mapped, Sources};

/// The extent of a virtual dataset that has that of its sources, which may not be the one that is stored.
pub(super) fn current_extent(file: &File<'_>, dataset: &Dataset, options: &Options) -> Result<Option<Vec<u64>>, Halt> {
    let Storage::Virtual(mappings) = &dataset.storage else { return Ok(None) };
    if !mappings.iter().any(is_unlimited) {
        return Ok(None);
    }
    let mapped = Sources::new(file, options).of(mappings, Detail::Shapes)?;
    let extents: Vec<_> = mapped.iter().map(Mapped::extent_of).collect();
    Ok(Some(extent(&dataset.dataspace.dimensions, &dataset.dataspace.maximum, &extents)?))
}

/// The array that a virtual dataset becomes.
pub(super) fn virtual_array(
    file: &File<'_>,
    subject: Subject<'_>,
    mappings: &[Mapping],
    options: &Options,
) -> Result<Parts, Halt> {
    let Subject { dataset, longer, .. } = subject;
    if file.family().is_some() {
        return Err(Unsupported::Feature("a virtual dataset in a family of files").into());
    }
    if matches!(dataset.datatype.class, Class::VariableString(_)) {
        return Err(Unsupported::VirtualMapping("strings of variable length lie in the heaps of its sources").into());
    }
    let element = element(&dataset.datatype)?;
    let sources = Sources::new(file, options);
    let mapped = sources.of(mappings, Detail::Everything)?;
    if mapped.iter().any(|one| one.source.datatype != dataset.datatype) {
        return Err(Unsupported::VirtualMapping("a source has elements of another datatype").into());
    }
    let space = &dataset.dataspace;
    let extents: Vec<ExtentOf<'_>> = mapped.iter().map(Mapped::extent_of).collect();
    let mut shape = extent(&space.dimensions, &space.maximum, &extents)?;
    if longer.is_some_and(|longer| longer != shape) {
        return Err(Unsupported::VirtualMapping("it is not as long as its unlimited dimensions").into());
    }
    let placements = mapped.into_iter().filter_map(|one| Placement::new(one, &shape).transpose());
    let placements: Vec<Placement> = placements.collect::<Result<_, _>>()?;
    let mut chunk = chunk_shape(&shape, &placements)?;
    let placements = placements.iter().map(|placement| placement.in_chunks(&chunk, &shape));
    let placements: Vec<Placement> = placements.collect::<Result<_, _>>()?;
    refuse_overlaps(file, &placements)?;
    let codecs = common_codecs(&placements)?;
    let grid = grid(&shape, &chunk);
    let (mut manifest, urls) = referenced(&sources, &placements, &chunk, &dataset.datatype, grid)?;
    let gaps = Gaps { file, subject, placements: &placements, encoder: encoder(&placements) };
    let fill_value = gaps.fill(&chunk, options.fill, &mut manifest)?;
    shape.extend(&element.dimensions);
    chunk.extend(&element.dimensions);
    manifest.grid.extend(element.dimensions.iter().map(|_| 1));
    let metadata = ArrayMetadata::new(shape, chunk, element.dtype, fill_value, codecs);
    Ok(Parts { metadata, chunks: manifest, urls })
}

/// The one chunk shape that the chunks of all sources have.
fn chunk_shape(shape: &[u64], placements: &[Placement]) -> Result<Vec<u64>, Unsupported> {
    let refusal = || Unsupported::VirtualMapping("its sources have chunks of different shapes");
    let mut common: Vec<Wish> = vec![Wish::Divisor(0); shape.len()];
    for placement in placements {
        for (known, wish) in common.iter_mut().zip(placement.wishes()?) {
            *known = known.with(wish).ok_or_else(refusal)?;
        }
    }
    let size = |(wish, size): (&Wish, &u64)| match wish {
        // No source has a say.
        Wish::Divisor(0) => (*size).max(1),
        Wish::Exactly(chunk) | Wish::Divisor(chunk) => *chunk,
    };
    Ok(common.iter().zip(shape).map(size).collect())
}

impl Wish {
    /// What fulfils both.
    fn with(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Exactly(a), Self::Exactly(b)) => (a == b).then_some(self),
            (Self::Exactly(exact), Self::Divisor(divisor)) | (Self::Divisor(divisor), Self::Exactly(exact)) => {
                divisor.is_multiple_of(exact).then_some(Self::Exactly(exact))
            }
            (Self::Divisor(a), Self::Divisor(b)) => Some(Self::Divisor(steps::greatest_common_divisor(a, b))),
        }
    }
}

/// Of mappings that overlap libhdf5 reads the last; no chunk can be of two.
fn refuse_overlaps(file: &File<'_>, placements: &[Placement]) -> Result<(), Error> {
    let range = |placement: &Placement| {
        let first = placement.axes.first().map(place::Axis::place);
        first.map_or((0, u64::MAX), |steps| (steps.start, steps.end()))
    };
    let mut sorted: Vec<(&Placement, (u64, u64))> = placements.iter().map(|one| (one, range(one))).collect();
    sorted.sort_by_key(|(_, range)| *range);
    for (n, (one, (_, end))) in sorted.iter().enumerate() {
        for (other, _) in sorted.iter().skip(n + 1).take_while(|(_, (start, _))| start < end) {
            file.budget().structure(0)?;
            if !one.apart(other) {
                return Err(Unsupported::VirtualMapping("its mappings overlap, or may").into());
            }
        }
    }
    Ok(())
}

/// The chunks of each placement that was ever written in chunks.
fn written(placements: &[Placement]) -> impl Iterator<Item = &Chunks> {
    placements.iter().filter_map(|placement| match &placement.source.elements {
        Elements::Chunks(chunks) if chunks.manifest.present() > 0 => Some(&**chunks),
        _ => None,
    })
}

/// How chunks are encoded that are made here.
fn encoder(placements: &[Placement]) -> Option<&Chunks> {
    written(placements).next()
}

/// The codecs that decode the chunks of all sources; what only the encoder needs to know may differ.
fn common_codecs(placements: &[Placement]) -> Result<Vec<Codec>, Unsupported> {
    let plain = placements.iter().any(|placement| matches!(placement.source.elements, Elements::Whole(Some(_))));
    let Some(Chunks { codecs, .. }) = encoder(placements) else { return Ok(Vec::new()) };
    let same = |other: &Chunks| {
        other.codecs.len() == codecs.len() && other.codecs.iter().zip(codecs).all(|(a, b)| decode_alike(a, b))
    };
    if !written(placements).all(same) || (plain && !codecs.is_empty()) {
        return Err(Unsupported::VirtualMapping("its sources have chunks with different filters"));
    }
    Ok(codecs.clone())
}

fn decode_alike(a: &Codec, b: &Codec) -> bool {
    match (a, b) {
        (Codec::Shuffle { elementsize: a }, Codec::Shuffle { elementsize: b }) => a == b,
        (Codec::Other(a), Codec::Other(b)) => a == b,
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

#[cfg(test)]
mod tests {
    use super::super::proofs::{array, refused, translated, within};
    use super::super::{Report, Select};
    use bytes::Bytes;

    use super::*;
    use crate::file::proofs::exceeded;
    use crate::limits::Limits;
    use crate::reference::{ReferenceSet, UrlId, Urls};
    use crate::source::{ExternalError, FindExternal, FoundExternal, Input, Scan, Step};
    use crate::translate::{FillPolicy, UnsupportedPolicy};
    use crate::zarr::FillValue;

    const CHUNKS: &[u8] = include_bytes!("../../../testdata/data_layout/virtual_chunks.h5");
    const GAPS: &[u8] = include_bytes!("../../../testdata/data_layout/virtual_gaps.h5");
    const UNLIMITED: &[u8] = include_bytes!("../../../testdata/data_layout/virtual_unlimited.h5");
    const SAME_FILE: &[u8] = include_bytes!("../../../testdata/data_layout/virtual_same_file.h5");
    const VIRTUAL: &[u8] = include_bytes!("../../../testdata/data_layout/virtual.h5");
    const SOURCE: &[u8] = include_bytes!("../../../testdata/data_layout/virtual_source.h5");
    const NUMBERED: &[u8] = include_bytes!("../../../testdata/data_layout/virtual_numbered.h5");
    const PARTS: [&[u8]; 2] = [
        include_bytes!("../../../testdata/data_layout/virtual_part_0.h5"),
        include_bytes!("../../../testdata/data_layout/virtual_part_1.h5"),
    ];

    /// Finds the files that are named, and no other.
    fn files(known: &[(&'static str, &'static [u8])]) -> FindExternal {
        let known = known.to_vec();
        FindExternal::new(move |name| {
            let found = known.iter().find(|(known, _)| *known == name);
            let (name, bytes) = *found.ok_or_else(|| ExternalError::Absent("no such file".to_owned()))?;
            let found = FoundExternal::new(format!("/data/{name}"), u64::try_from(bytes.len()).unwrap());
            Ok(found.opened_by(move || Ok(Input::from(Bytes::from_static(bytes)))))
        })
    }

    fn with_files(bytes: &[u8], known: &[(&'static str, &'static [u8])]) -> (ReferenceSet, Report) {
        translated(bytes, |options| {
            options.external = Some(files(known));
            options.inline_threshold = 0;
        })
        .unwrap()
    }

    fn refusals(report: &Report) -> Vec<String> {
        report.refused().map(|(path, why)| format!("{path}: {why}")).collect()
    }

    /// The chunk shape of an array, and where its chunks lie.
    fn chunks(set: &ReferenceSet, key: &str) -> (Vec<u64>, Vec<u64>) {
        let array = array(set, key);
        (array.metadata.chunks.clone(), array.chunks.number.clone())
    }

    #[test]
    fn chunks_are_those_of_the_sources() {
        let (set, report) = translated(CHUNKS, |options| options.inline_threshold = 0).unwrap();
        assert_eq!(refusals(&report), [""; 0]);
        assert_eq!(chunks(&set, "layers"), (vec![1, 2, 3], (0..16).collect()));
        assert_eq!(chunks(&set, "tiles"), (vec![2, 3], (0..16).collect()));
        assert_eq!(chunks(&set, "rows"), (vec![1, 4], (0..8).collect()));
        // Sources in one piece, of 4 and 3 rows, are split into rows.
        assert_eq!(chunks(&set, "joined"), (vec![1, 3], (0..14).collect()));
        assert_eq!(chunks(&set, "turns"), (vec![1, 2, 2], (0..12).collect()));
        assert_eq!(chunks(&set, "part"), (vec![2, 3], vec![0, 1]));
        assert_eq!(chunks(&set, "element"), (vec![1], vec![1]));
        let (layers, source) = (array(&set, "layers"), array(&set, "g/gzip_2"));
        assert_eq!(layers.chunks.offset[8..12], source.chunks.offset[..]);
        assert_eq!(layers.metadata.filters, array(&set, "g/gzip_0").metadata.filters);
    }

    #[test]
    fn places_that_were_never_written_read_as_libhdf5_reads_them() {
        let (set, report) = translated(GAPS, |options| options.inline_threshold = 0).unwrap();
        assert_eq!(refusals(&report), [""; 0]);
        let inline = |key| array(&set, key).chunks.inline.keys().copied().collect::<Vec<_>>();
        // Rows 2 to 7 are those of the source, of which the middle chunk was written; each fill value is exact.
        assert_eq!((chunks(&set, "three_fills").1, inline("three_fills")), (vec![2], vec![0, 1, 3, 4]));
        let three = &array(&set, "three_fills").chunks.inline;
        assert!(three[&0] == three[&4] && three[&1] == three[&3] && three[&0] != three[&1]);
        assert_eq!(inline("uncovered_zeros"), [0; 0]);
        assert_eq!(inline("from_zeros"), [0; 0]);
        // What is declared is not held.
        assert_eq!(
            (inline("masked"), array(&set, "masked").metadata.fill_value.clone()),
            (vec![], Some(FillValue::Signed(7)))
        );
        assert_eq!(array(&set, "empty").chunks.present(), 0);
    }

    #[test]
    fn a_fill_value_may_be_declared_and_others_are_still_exact() {
        let (set, _) = translated(GAPS, |options| options.fill = FillPolicy::Declare).unwrap();
        let three = array(&set, "three_fills");
        assert_eq!(three.metadata.fill_value, Some(FillValue::Signed(-1)));
        assert_eq!(three.chunks.inline.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn constant_chunks_that_are_too_large_are_refused() {
        let (_, report) = translated(GAPS, |options| {
            options.limits.repair_bytes = 30;
            options.unsupported = UnsupportedPolicy::Refuse;
        })
        .unwrap();
        let told = refusals(&report);
        let uncovered = "/uncovered: 2 chunks were never written and read as the fill value -1, which readers of Zarr v2 would not give or would mask (--fill declare accepts that)";
        assert!(told.contains(&uncovered.to_owned()), "{told:?}");
    }

    #[test]
    fn the_shape_is_that_of_the_sources() {
        let (set, report) = within(UNLIMITED, Limits::default());
        assert_eq!(refusals(&report), [""; 0]);
        for (key, shape) in [("turns", [11, 3]), ("shots", [6, 3]), ("copy", [6, 3])] {
            let (current, outdated) = (array(&set, key), array(&set, &format!("{key}_outdated")));
            assert_eq!(current.metadata.shape, shape);
            // Its dimensions have the names of those of that length too.
            assert_eq!(outdated, current);
        }
    }

    #[test]
    fn sources_are_read_though_they_are_not_asked_for() {
        let all = translated(SAME_FILE, |_| ()).unwrap().0;
        let (set, report) = translated(SAME_FILE, |options| options.select = Select::new(|path| path == "/d")).unwrap();
        assert_eq!(array(&set, "d"), array(&all, "d"));
        assert_eq!((set.arrays().count(), refusals(&report)), (1, Vec::new()));
    }

    #[test]
    fn sources_in_other_files_are_chunks_of_those_files() {
        let (set, report) = with_files(VIRTUAL, &[("virtual_source.h5", SOURCE)]);
        assert_eq!(refusals(&report), [""; 0]);
        assert_eq!(set.urls, ["u", "/data/virtual_source.h5"]);
        let chunks = &array(&set, "d").chunks;
        assert_eq!((&chunks.urls, &chunks.offset), (&Urls::Each(vec![UrlId(1); 2]), &vec![2048; 2]));
    }

    #[test]
    fn small_chunks_of_other_files_are_held_inline() {
        let (set, _) =
            translated(VIRTUAL, |options| options.external = Some(files(&[("virtual_source.h5", SOURCE)]))).unwrap();
        let inline = &array(&set, "d").chunks.inline;
        assert_eq!((inline[&0].as_ref(), inline.len()), (&SOURCE[2048..2064], 2));
    }

    #[test]
    fn numbered_files_end_before_the_first_that_is_not_there() {
        let [first, second] = [("virtual_part_0.h5", PARTS[0]), ("virtual_part_1.h5", PARTS[1])];
        let (both, report) = with_files(NUMBERED, &[first, second]);
        assert_eq!(refusals(&report), [""; 0]);
        assert_eq!(array(&both, "numbered").metadata.shape, [8, 5]);
        // An absolute name that is not there is looked for beside the file.
        assert_eq!(array(&both, "moved").chunks.offset, array(&both, "numbered").chunks.offset[2..]);
        let (one, report) = with_files(NUMBERED, &[first]);
        assert_eq!(array(&one, "numbered").metadata.shape, [4, 5]);
        let absent = "/halves: source of the virtual dataset in the file \"virtual_part_1.h5\": no such file";
        let moved = "/moved: source of the virtual dataset in the file \"/nowhere/virtual_part_1.h5\": no such file";
        assert_eq!(refusals(&report), [absent, moved]);
        let (_, report) = with_files(NUMBERED, &[second]);
        assert_eq!(
            refusals(&report)[1],
            "/numbered: source \"/g/link\" of the virtual dataset in the file \"virtual_part_0.h5\": the first of a numbered sequence is not there"
        );
    }

    #[test]
    fn files_that_may_not_be_referenced_or_read_are_refused_by_name() {
        let told = |bytes: &[u8], find: fn(&str) -> Result<FoundExternal, ExternalError>| {
            let (_, report) = translated(bytes, |options| options.external = Some(FindExternal::new(find))).unwrap();
            refusals(&report).pop().unwrap()
        };
        let no = |_: &str| Err(ExternalError::Refused("it does not lie under --external-root".to_owned()));
        let expected =
            "source of the virtual dataset in the file \"virtual_source.h5\": it does not lie under --external-root";
        assert_eq!(told(VIRTUAL, no), format!("/d: {expected}"));
        // It is no end of a sequence either.
        assert!(told(NUMBERED, no).ends_with("\"virtual_part_0.h5\": it does not lie under --external-root"));
        assert_eq!(
            told(VIRTUAL, |_| Ok(FoundExternal::new("/data/x", 10))),
            "/d: source of the virtual dataset in the file \"virtual_source.h5\": it can be referenced, and not read"
        );
        let no_hdf5 =
            |_: &str| Ok(FoundExternal::new("x", 4).opened_by(|| Ok(Input::from(Bytes::from_static(b"none")))));
        assert_eq!(
            told(VIRTUAL, no_hdf5),
            "/d: source of the virtual dataset in the file \"virtual_source.h5\": superblock at 0x0: the HDF5 signature is missing (at 0x0)"
        );
    }

    #[test]
    fn a_file_may_be_called_by_its_own_name() {
        let (_, report) =
            translated(VIRTUAL, |options| options.own_name = Some("virtual_source.h5".to_owned())).unwrap();
        assert_eq!(
            refusals(&report),
            [
                "/d: source \"d\" of the virtual dataset in the file \"virtual_source.h5\": a source that is itself virtual is not supported"
            ]
        );
    }

    #[test]
    fn files_together_may_cost_what_one_may() {
        let told = |structures| {
            let (_, report) = translated(VIRTUAL, |options| {
                options.external = Some(files(&[("virtual_source.h5", SOURCE)]));
                options.limits.structures = structures;
            })
            .unwrap();
            refusals(&report)
        };
        let enough = (1..100).find(|structures| {
            let limits = Limits { structures: *structures, ..Limits::default() };
            crate::file::proofs::tree_within(VIRTUAL, limits).is_ok()
        });
        let enough = enough.unwrap();
        assert!(told(enough)[0].contains("exceeds Limits::structures"), "{:?}", told(enough));
        assert_eq!(told(enough + 20), [""; 0]);
    }

    #[test]
    fn chunks_are_charged_each_time_that_they_are_placed() {
        // The sources of the file have 44 chunks and are read a second time for the datasets made of them.
        let most = (0..500).find(|most| refused(CHUNKS, Limits { chunks: *most, ..Limits::default() }).is_empty());
        let most = most.unwrap();
        let told = refused(CHUNKS, Limits { chunks: most - 1, ..Limits::default() });
        assert!(told.iter().all(|line| line.ends_with(&exceeded("chunks", most - 1, most))), "{told:?}");
        assert!(most > 100, "{most}");
    }

    #[test]
    fn a_scan_reads_sources_in_other_files_where_it_is_given_them() {
        let mut options = Options::new("u");
        options.external = Some(files(&[("virtual_source.h5", SOURCE)]));
        options.inline_threshold = 0;
        let mut scan = Scan::references(u64::try_from(VIRTUAL.len()).unwrap(), options);
        let (set, _) = loop {
            match scan.step().unwrap() {
                Step::Done(done) => break done,
                Step::Need(ranges) => {
                    for range in ranges {
                        let here = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
                        scan.supply(range.start, &Bytes::from_static(&VIRTUAL[here])).unwrap();
                    }
                }
            }
        };
        assert_eq!(set, with_files(VIRTUAL, &[("virtual_source.h5", SOURCE)]).0);
    }
}
