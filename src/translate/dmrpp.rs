//! DMR++ sidecars -> references, without a look at the file.

use std::sync::Arc;

use super::attribute::Paths;
use super::builder::Builder;
use super::chunks::{chunk_bytes, manifest, without_checksums};
use super::codec::codecs;
use super::distinct::tell_apart;
use super::dtype::element;
use super::fill::fill;
use super::inline::constant_chunks;
use super::masks::Stored;
use super::options::Options;
use super::report::{Report, Status};
use super::scope::Scope;
use super::subject::Parts;
use super::texts::Texts;
use super::{backslash, sidecar_urls};
use crate::dmrpp::{self, Facts, Given, Sidecar, has_octal};
use crate::error::{Error, Unsupported};
use crate::file::{ChunkTable, Class, Dataset, FillValue, Object, Storage};
use crate::limits::Budget;
use crate::reference::{Manifest, ReferenceSet, UrlId, Urls};
use crate::zarr::{ArrayMetadata, Codec, Dtype};

/// Translates a DMR++ sidecar into references to the HDF5 file that it describes, which is not opened.
///
/// [`Options::url`] is what references call the file; where it is empty, it is what the sidecar says, if that is a URL. What a
/// sidecar does not tell, or not exactly, is refused by name: see [`Options::dmrpp_order`] and [`Options::dmrpp_as_served`]. Chunks stay references, whatever
/// [`Options::inline_threshold`] is, since their bytes are not here.
///
/// # Errors
/// [`Error::Format`] when the bytes are no DMR++ document, [`Error::NotFound`] when `options.group` is no group of it or nothing says
/// where the file lies, and [`Error::Limit`]. What goes wrong with a single variable is told by the report instead.
pub fn dmrpp_references(bytes: &[u8], options: &Options) -> Result<(ReferenceSet, Report), Error> {
    let budget = Budget::new(options.limits);
    let sidecar =
        dmrpp::read(bytes, Given { order: options.dmrpp_order, as_served: options.dmrpp_as_served }, &budget)?;
    translate(sidecar, options, &budget)
}

/// What a DMR++ sidecar calls the file that it describes, if it is a URL. Sidecars that nobody put into use yet have a word in its place,
/// and others a path that only their server knows.
///
/// # Errors
/// [`Error::Format`] when the bytes are no DMR++ document.
pub fn dmrpp_url(bytes: &[u8]) -> Result<Option<String>, Error> {
    dmrpp::url(bytes).map(|url| url.map(sidecar_urls::plain))
}

fn translate(mut sidecar: Sidecar, options: &Options, budget: &Budget) -> Result<(ReferenceSet, Report), Error> {
    let scope = Scope::new(options);
    scope.check(&sidecar.tree)?;
    let files = sidecar_urls::of(&sidecar.files, &options.url);
    let own = files.first().and_then(|url| url.clone().ok());
    let own = own.ok_or_else(|| Error::NotFound { path: "a URL of the sidecar's file (--url says it)".to_owned() })?;
    let chunks: Vec<_> = sidecar.tree.objects.iter_mut().map(|object| scope.chunks(object)).collect();
    let paths = Paths::new();
    let source = Source { sidecar: &sidecar, files: &files, budget, options };
    let mut builder = Builder::new(&scope, &sidecar.tree, &sidecar.dimensions, &paths, (budget, vec![own]));
    for (object, chunks) in sidecar.tree.objects.iter().zip(chunks) {
        let array = object.dataset().filter(|_| scope.is_array(object));
        let array = array.map(|dataset| source.array(object, dataset, chunks.transpose()?));
        let (array, taken) = match array {
            Some(Ok((parts, taken))) => (Some(Ok(parts)), taken),
            Some(Err(error)) => (Some(Err(error)), Vec::new()),
            None => (None, Vec::new()),
        };
        builder.object(object, array);
        // A key may be refused that has an array.
        let is_refused = builder.report.last_refuses(&object.path);
        for untold in taken.into_iter().filter(|_| !is_refused) {
            builder.report.add(&object.path, Status::Assumed(untold));
        }
        if scope.key(&object.path).is_some() {
            doubtful(object, &mut builder.report);
        }
    }
    tell_apart(&mut builder.nodes);
    backslash::encode(&mut builder.nodes, &scope.prefix, &mut builder.report);
    Ok((ReferenceSet { urls: builder.urls, nodes: builder.nodes, ..ReferenceSet::default() }, builder.report))
}

/// Says which attributes may have had other characters.
fn doubtful(object: &Object, report: &mut Report) {
    for attribute in object.attributes().iter().filter(|attribute| has_octal(attribute)) {
        let reason =
            "a backslash and three digits, in the place of which the file may have a character that XML has not";
        let (attribute, reason) = (attribute.name.clone(), reason.to_owned());
        report.add(&object.path, Status::AttributeRefused { attribute, reason });
    }
}

/// What arrays are made of.
struct Source<'a> {
    sidecar: &'a Sidecar,
    /// What references call the files of the sidecar, or why they cannot be called.
    files: &'a [Result<String, Unsupported>],
    budget: &'a Budget,
    options: &'a Options,
}

impl Source<'_> {
    /// An array, and what it takes for what is not told.
    fn array(
        &self,
        object: &Object,
        dataset: &Dataset,
        table: Option<Arc<ChunkTable>>,
    ) -> Result<(Parts, Vec<String>), Error> {
        let nothing = Facts::default();
        let facts = self.sidecar.facts.get(&object.path).unwrap_or(&nothing);
        let mut taken = facts.taken.clone();
        if let (Class::VariableString(_), Storage::Compact { elements, .. }) =
            (&dataset.datatype.class, &dataset.storage)
        {
            let manifest = here(dataset, elements.clone());
            let (shape, chunks) = (dataset.dataspace.dimensions.clone(), whole(dataset));
            let metadata =
                ArrayMetadata::new(shape, chunks, Dtype::Simple("|O".to_owned()), None, vec![Codec::VlenUtf8]);
            return Ok((Parts { metadata, chunks: manifest, urls: Vec::new() }, taken));
        }
        let element = element(&dataset.datatype)?;
        let (mut chunks, masks, mut manifest) = manifest(dataset, table)?;
        if !masks.odd.is_empty() {
            let told = format!(
                "the values of {} chunks that skip other filters than most, but as bytes of the file",
                masks.odd.len()
            );
            return Err(Unsupported::NotTold(told).into());
        }
        let (elements, bytes) = chunk_bytes(&chunks, &dataset.datatype)?;
        let codecs = codecs(&dataset.filters, masks.common, bytes, self.options.codecs)?;
        let texts = Texts::of(&dataset.datatype);
        let stored = Stored { pipeline: &dataset.filters, mask: masks.common, trailing: codecs.trailing, bytes, texts };
        if let Storage::Compact { elements, .. } = &dataset.storage {
            let ended = stored.encode(elements.to_vec())?;
            manifest = here(dataset, ended.into());
        }
        // Texts that are here have been ended there.
        if !stored.texts.is_empty() && !manifest.number.is_empty() {
            let untold =
                "whether anything lies behind the first NUL of its texts, which libhdf5 does not read".to_owned();
            if !self.options.dmrpp_as_served {
                return Err(Unsupported::NotTold(untold).into());
            }
            taken.push(untold);
        }
        // Where no chunk is missing, a value that is not told counts for nothing, and is not declared either.
        let known = if facts.fill.is_some() && !has_gaps(&manifest) { &FillValue::Undefined } else { &dataset.fill };
        let fill = fill(object, &dataset.datatype, known, self.options.fill);
        if let Some(untold) = facts.fill.as_ref().filter(|_| has_gaps(&manifest)) {
            if matches!(dataset.fill, FillValue::Undefined) {
                return Err(Unsupported::NotTold(untold.clone()).into());
            }
            taken.push(untold.clone());
        }
        without_checksums(&mut manifest, &codecs)?;
        let urls = self.place(facts, &mut manifest)?;
        constant_chunks(self.budget, dataset, &fill, elements, |chunk| stored.encode(chunk), &mut manifest)?;
        let mut shape = dataset.dataspace.dimensions.clone();
        shape.extend(&element.dimensions);
        chunks.extend(&element.dimensions);
        manifest.grid.extend(element.dimensions.iter().map(|_| 1));
        let metadata = ArrayMetadata::new(shape, chunks, element.dtype, fill.declared, codecs.filters);
        Ok((Parts { metadata, chunks: manifest, urls }, taken))
    }

    /// Gives chunks that lie in other files their URLs; of no chunk there are none.
    fn place(&self, facts: &Facts, manifest: &mut Manifest) -> Result<Vec<String>, Unsupported> {
        if facts.files.is_empty() {
            return Ok(Vec::new());
        }
        let mut used: Vec<usize> = facts.files.clone();
        used.sort_unstable();
        used.dedup();
        let missing = || Unsupported::NotTold("where its chunks lie".to_owned());
        let urls = used.iter().map(|file| self.files.get(*file).cloned().unwrap_or_else(|| Err(missing())));
        let urls: Vec<String> = urls.collect::<Result<_, _>>()?;
        let id = |file: &usize| used.binary_search(file).ok().and_then(|at| u32::try_from(at).ok()).map(UrlId);
        let ids: Option<Vec<UrlId>> = facts.files.iter().map(id).collect();
        manifest.urls = Urls::Each(ids.filter(|ids| ids.len() == manifest.number.len()).ok_or_else(missing)?);
        Ok(urls)
    }
}

/// The one chunk of an array whose values are here.
fn here(dataset: &Dataset, elements: bytes::Bytes) -> Manifest {
    let grid: Vec<u64> = dataset.dataspace.dimensions.iter().map(|size| (*size).min(1)).collect();
    let mut manifest = Manifest::default();
    if !grid.contains(&0) {
        manifest.inline.insert(0, elements);
    }
    Manifest { grid, ..manifest }
}

fn whole(dataset: &Dataset) -> Vec<u64> {
    dataset.dataspace.dimensions.iter().map(|size| (*size).max(1)).collect()
}

/// Whether there are chunks that were never written.
fn has_gaps(manifest: &Manifest) -> bool {
    let total = manifest.grid.iter().try_fold(1_u64, |total, size| total.checked_mul(*size));
    let present = u64::try_from(manifest.present()).unwrap_or(u64::MAX);
    total.is_none_or(|total| present < total)
}
