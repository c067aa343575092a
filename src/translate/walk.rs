//! A file's objects as the nodes of a reference set.

use std::sync::Arc;

use super::attribute::Paths;
use super::backslash;
use super::builder::Builder;
use super::distinct::tell_apart;
use super::family;
use super::options::{Options, UnsupportedPolicy};
use super::report::{Report, Status};
use super::scope::Scope;
use super::sidecar::{Beside, Pass, Sidecar, Written, is_wanted};
use super::virtual_dataset::current_extent;
use crate::error::Error;
use crate::file::{CutOff, Detail, File, Memo, Object, Tree};
use crate::limits::Limits;
use crate::netcdf::Dimensions;
use crate::reference::ReferenceSet;
use crate::source::{Halt, Input, Members, ReadAt, Resident, Scan, attempt, join};

/// Translates a file that is here into references.
///
/// # Errors
/// [`Error::Format`] when it is no HDF5 file or its root group cannot be read, [`Error::NotFound`] when `options.group` is no
/// group, [`Error::Io`] and [`Error::Limit`]. What goes wrong with a single object is told by the report instead.
pub fn references(input: &Input, options: &Options) -> Result<(ReferenceSet, Report), Error> {
    let memo = Memo::of(input);
    input.replay(options.limits, |source| translate(source, &memo, options))
}

/// The same with a file beside the references, for what [`UnsupportedPolicy::Sidecar`](super::UnsupportedPolicy::Sidecar) puts there.
/// Where [`Sidecar::referenced`] is 0 afterwards, nothing refers to it.
///
/// # Errors
/// As for [`references`], and [`Error::Io`] where the sidecar file cannot be written.
pub fn references_with_sidecar(
    input: &Input,
    options: &Options,
    sidecar: &mut Sidecar<'_>,
) -> Result<(ReferenceSet, Report), Error> {
    if input.is_replayed() {
        // The pass that writes cannot be replayed; all metadata that it walks over are here then.
        references(input, options)?;
    }
    let memo = Memo::once();
    input.run(|source| {
        let file = File::open(source, options.limits, options.cut_off, &memo)?;
        // What is decoded for the sidecar file is no part of what is decoded to be held here.
        let limits = Limits { decoded_bytes: options.limits.sidecar_bytes, ..options.limits };
        let again = File::open(source, limits, options.cut_off, &memo)?;
        translate_file(&file, options, Beside::Sidecar(&again, sidecar))
    })
}

/// Everything that a file holds: groups, datasets with their chunk tables, attributes, links.
///
/// # Errors
/// As for [`references`].
pub fn tree(input: &Input, limits: Limits) -> Result<Tree, Error> {
    let memo = Memo::of(input);
    let walk =
        |source: &dyn ReadAt| File::open(source, limits, CutOff::Refuse, &memo)?.walk(&Detail { chunks: &|_| true });
    input.replay(limits, walk)
}

impl Scan<(ReferenceSet, Report)> {
    /// A translation into references of a file of `size` bytes.
    pub fn references(size: u64, options: Options) -> Self {
        Self::translation(Resident::new(size), options)
    }

    /// A translation into references of a family whose members have these sizes. Ranges are those of the whole: byte `n` is byte
    /// `n % size` of member `n / size`, where `size` is that of the first.
    ///
    /// # Errors
    /// [`Error::Member`] when one but the last has another size than the first, or the last a larger one.
    pub fn references_of_family(sizes: &[u64], options: Options) -> Result<Self, Error> {
        Ok(Self::translation(Resident::family(Members::of(sizes)?), options))
    }

    fn translation(resident: Resident, options: Options) -> Self {
        let memo = Memo::replayed();
        Self::new(resident, options.limits, move |resident| translate(resident, &memo, &options))
    }
}

fn translate(source: &dyn ReadAt, memo: &Memo, options: &Options) -> Result<(ReferenceSet, Report), Halt> {
    let file = File::open(source, options.limits, options.cut_off, memo)?;
    translate_file(&file, options, Beside::Possible)
}

/// Translates a file that is open.
pub(crate) fn translate_file(
    file: &File<'_>,
    options: &Options,
    mut beside: Beside<'_, '_, '_>,
) -> Result<(ReferenceSet, Report), Halt> {
    let urls = family::urls(file, options)?;
    let scope = Scope::new(options);
    let mut tree = file.walk(&Detail { chunks: &|path| scope.wants(path) })?;
    scope.check(&tree)?;
    let extents = extents(file, &tree.objects, options)?;
    for (object, extent) in tree.objects.iter_mut().zip(extents) {
        if let Some(extent) = extent {
            object.set_extent(extent);
        }
    }
    let dimensions = Dimensions::of(&tree);
    let chunks: Vec<_> = tree.objects.iter_mut().map(|object| scope.chunks(object)).collect();
    let paths = paths(&tree);
    let arrays = join(tree.objects.iter().zip(chunks), |(object, chunks)| {
        // A table that is shared is copied, so it is only where it may be needed again.
        let shared = chunks.as_ref().filter(|_| options.unsupported == UnsupportedPolicy::Sidecar);
        let table = shared.and_then(|chunks| chunks.as_ref().ok().map(Arc::clone));
        let array = scope.array(file, &dimensions, &paths, object, chunks)?;
        let refused = array.as_ref().and_then(|array| array.as_ref().err()).zip(object.dataset());
        let kept = refused.is_some_and(|(refusal, dataset)| is_wanted(refusal, dataset, options));
        Ok((array, table.filter(|_| kept)))
    })?;
    let linked = join(&tree.links, |link| scope.linked(file, link, &mut beside))?;
    let mut builder = Builder::new(&scope, &tree, &dimensions, &paths, (file.budget(), urls));
    if file.missing() > 0 {
        builder.report.add("/", Status::Salvaged { missing: file.missing() });
    }
    let mut pass = Pass::default();
    for (object, (array, table)) in tree.objects.iter().zip(arrays) {
        let (array, written) = match array.zip(scope.subject(&dimensions, &paths, object)) {
            Some((array, subject)) => {
                let (array, written) = pass.array(array, subject, table, options, &mut beside)?;
                (Some(array), written)
            }
            None => (None, None),
        };
        builder.object(object, array);
        if let Some(Written { chunks, bytes }) = written {
            builder.report.add(&object.path, Status::Sidecar { chunks, bytes });
        }
    }
    for (link, linked) in tree.links.iter().zip(linked) {
        match linked {
            Some(linked) => builder.external(link, linked),
            None => builder.link(link),
        }
    }
    tell_apart(&mut builder.nodes);
    backslash::encode(&mut builder.nodes, &scope.prefix, &mut builder.report);
    Ok((ReferenceSet { urls: builder.urls, nodes: builder.nodes, ..ReferenceSet::default() }, builder.report))
}

/// The extents of virtual datasets that are those of their sources now; where they cannot be told, the translation of the dataset
/// says why.
fn extents(file: &File<'_>, objects: &[Object], options: &Options) -> Result<Vec<Option<Vec<u64>>>, Halt> {
    join(objects, |object| match object.dataset() {
        Some(dataset) => Ok(attempt(current_extent(file, dataset, options))?.ok().flatten()),
        None => Ok(None),
    })
}

/// The first path of each object.
fn paths(tree: &Tree) -> Paths<'_> {
    let mut paths = Paths::new();
    for object in &tree.objects {
        paths.entry(object.address).or_insert(&object.path);
    }
    paths
}
#[cfg(test)]
mod tests {
    use super::super::proofs::translated;
    use crate::structure::proofs::{message_of, with};

    const NESTED: &[u8] = include_bytes!("../../testdata/group/nested.h5");

    #[test]
    fn a_root_group_that_cannot_be_read_is_the_files_error() {
        let broken = with(NESTED, 0x60, &[9]);
        let expected = "object header at 0x60: signature is not \"OHDR\" (at 0x60)";
        assert_eq!(message_of(translated(&broken, |_| ()).map(drop)), expected);
        assert_eq!(
            message_of(translated(b"", |_| ()).map(drop)),
            "superblock at 0x0: every byte of the file is missing (at 0x0)"
        );
        assert_eq!(
            message_of(translated(b"CDF and more", |_| ()).map(drop)),
            "superblock at 0x0: the HDF5 signature is missing (at 0x0)"
        );
        assert_eq!(
            message_of(translated(b"CDF\x01\0\0\0\0\0\0\0\x0b\0\0\0\x01", |_| ()).map(drop)),
            "netCDF classic header at 0x0: list tag is 11 (at 0x8)"
        );
    }
}
