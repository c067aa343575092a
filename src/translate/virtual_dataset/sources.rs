//! The datasets that a virtual one is made of, in its own file and in others.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::chunks::{chunk_bytes, manifest, without_checksums};
use super::super::codec::codecs;
use super::super::masks::{Stored, odd_chunks};
use super::super::options::{CodecPolicy, Options};
use super::super::texts::Texts;
use crate::error::{Error, Unsupported};
use crate::file::{
    Dataset, Datatype, Extent, ExtentOf, File, FillValue, FilterPipeline, Lookup, Mapping, Memo, SourceName, Storage,
};
use crate::limits::check;
use crate::reference::Manifest;
use crate::source::{ExternalError, FoundExternal, Halt, attempt, join};
use crate::zarr::Codec;

/// A source, its chunks ready to be referenced.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) shape: Vec<u64>,
    pub(super) datatype: Datatype,
    pub(super) fill: FillValue,
    pub(super) elements: Elements,
}

/// Where a source's elements lie.
#[derive(Debug)]
pub(super) enum Elements {
    /// In one piece, or nowhere yet.
    Whole(Option<u64>),
    Chunks(Box<Chunks>),
}

#[derive(Debug)]
pub(super) struct Chunks {
    pub(super) chunk: Vec<u64>,
    pub(super) manifest: Manifest,
    pub(super) codecs: Vec<Codec>,
    pub(super) pipeline: FilterPipeline,
    /// The filters that the chunks skip.
    pub(super) mask: u32,
    /// Bytes at the end of each that are left out.
    pub(super) trailing: u64,
}

/// A mapping and its source; of a numbered one, one of its blocks.
#[derive(Debug)]
pub(super) struct Mapped<'m> {
    pub(super) mapping: &'m Mapping,
    /// The number of the block, where the names of the sources are numbered.
    pub(super) block: Option<u64>,
    /// The name of the source's file.
    pub(super) file: String,
    pub(super) source: Rc<Source>,
}

impl Mapped<'_> {
    /// What the extent of the virtual dataset depends on.
    pub(super) fn extent_of(&self) -> ExtentOf<'_> {
        ExtentOf { mapping: self.mapping, block: self.block, shape: Some(&self.source.shape) }
    }
}

/// What is read of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Their shapes only; they seem to be nowhere.
    Shapes,
    Everything,
}

/// The sources of a virtual dataset.
pub(super) struct Sources<'a, 's> {
    file: &'a File<'s>,
    options: &'a Options,
    here: Lookup<'a, 's>,
}

/// A source by the names of its file and its path.
type Names = (String, String);

impl<'a, 's> Sources<'a, 's> {
    pub(super) fn new(file: &'a File<'s>, options: &'a Options) -> Self {
        Self { file, options, here: Lookup::new(file) }
    }

    /// Every mapping with its source.
    pub(super) fn of<'m>(&self, mappings: &'m [Mapping], detail: Detail) -> Result<Vec<Mapped<'m>>, Halt> {
        let named = join(mappings, |mapping| Ok((mapping, self.names(mapping)?)))?;
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (file, dataset) in named.iter().flat_map(|(_, (names, _))| names) {
            wanted.entry(file).or_default().insert(dataset);
        }
        let loaded = join(wanted, |(file, datasets)| Ok((file, self.load(file, &datasets, detail)?)))?;
        let loaded: BTreeMap<&str, BTreeMap<String, Rc<Source>>> = loaded.into_iter().collect();
        let mut mapped = Vec::new();
        for (mapping, (names, numbered)) in &named {
            for (block, (file, dataset)) in (0_u64..).zip(names) {
                let source = loaded.get(file.as_str()).and_then(|sources| sources.get(dataset));
                let source = Rc::clone(source.ok_or_else(|| refusal(file, dataset, "it was not read"))?);
                let block = numbered.then_some(block);
                mapped.push(Mapped { mapping, block, file: file.clone(), source });
            }
        }
        Ok(mapped)
    }

    pub(super) fn options(&self) -> &Options {
        self.options
    }

    /// `n` chunks that are looked at.
    pub(super) fn charge(&self, n: u64) -> Result<(), Error> {
        Ok(self.file.budget().chunks(n)?)
    }

    /// Whether a name is that of the virtual dataset's own file.
    pub(super) fn is_here(&self, file: &str) -> bool {
        file == "." || self.options.own_name.as_deref() == Some(file)
    }

    /// What references call a file.
    pub(super) fn url(&self, file: &str) -> Result<String, Error> {
        if self.is_here(file) { Ok(self.options.url.clone()) } else { Ok(self.found(file)?.url) }
    }

    /// Runs `work` on a file that holds sources.
    pub(super) fn with<T>(&self, file: &str, work: impl FnOnce(&File<'_>) -> Result<T, Halt>) -> Result<T, Halt> {
        if self.is_here(file) {
            return work(self.file);
        }
        let found = self.found(file)?;
        let input = found.input().ok_or_else(|| why(file, "it can be referenced, and not read"))??;
        let memo = Memo::once();
        let done = input.run(|source| match attempt(self.file.open_beside(source, self.options.cut_off, &memo))? {
            Ok(opened) => work(&opened),
            Err(error @ (Error::Limit(_) | Error::Io { .. })) => Err(error.into()),
            Err(error) => Err(why(file, &error.to_string()).into()),
        });
        Ok(done?)
    }

    fn found(&self, file: &str) -> Result<FoundExternal, Unsupported> {
        self.find(file)?.map_err(|error| why(file, &error.to_string()))
    }

    fn find(&self, file: &str) -> Result<Result<FoundExternal, ExternalError>, Unsupported> {
        Ok(self.options.external.as_ref().ok_or(Unsupported::VirtualFiles)?.find_source(file))
    }

    /// The names of a mapping's sources, and whether they are numbered: then they end before the first one that is not there.
    fn names(&self, mapping: &Mapping) -> Result<(Vec<Names>, bool), Halt> {
        let (file, dataset) = (SourceName::parse(&mapping.source_file)?, SourceName::parse(&mapping.source_dataset)?);
        let of = |block| (file.of(block), dataset.of(block));
        if !file.is_numbered() && !dataset.is_numbered() {
            return Ok((vec![of(0)], false));
        }
        let mut names = Vec::new();
        let mut next = of(0);
        while self.is_there(&next)? {
            names.push(next);
            check("paths", u64::try_from(names.len()).unwrap_or(u64::MAX), self.file.limits().paths)?;
            next = of(u64::try_from(names.len()).unwrap_or(u64::MAX));
        }
        if names.is_empty() {
            let (file, dataset) = of(0);
            return Err(refusal(&file, &dataset, "the first of a numbered sequence is not there").into());
        }
        Ok((names, true))
    }

    fn is_there(&self, (file, dataset): &Names) -> Result<bool, Halt> {
        if self.is_here(file) {
            return Ok(self.here.object(dataset)?.is_some());
        }
        match self.find(file)? {
            Err(ExternalError::Absent(_)) => Ok(false),
            Err(error) => Err(why(file, &error.to_string()).into()),
            Ok(_) => self.with(file, |file| Ok(Lookup::new(file).object(dataset)?.is_some())),
        }
    }

    /// Sources of one file.
    fn load(
        &self,
        file: &str,
        datasets: &BTreeSet<&str>,
        detail: Detail,
    ) -> Result<BTreeMap<String, Rc<Source>>, Halt> {
        if self.is_here(file) {
            return load(file, (self.file, &self.here), datasets, detail);
        }
        self.with(file, |opened| load(file, (opened, &Lookup::new(opened)), datasets, detail))
    }
}

fn load(
    name: &str,
    (file, lookup): (&File<'_>, &Lookup<'_, '_>),
    datasets: &BTreeSet<&str>,
    detail: Detail,
) -> Result<BTreeMap<String, Rc<Source>>, Halt> {
    let loaded = join(datasets, |dataset| {
        let found = attempt(lookup.object(dataset).and_then(|address| {
            match address {
                Some(address) => lookup
                    .dataset(address, detail == Detail::Everything)?
                    .map(|found| Source::new(file, found, detail))
                    .transpose(),
                None => Ok(None),
            }
        }))?;
        match found {
            Ok(Some(source)) => Ok(((*dataset).to_owned(), Rc::new(source))),
            Ok(None) => Err(refusal(name, dataset, "there is no such dataset").into()),
            Err(error @ (Error::Limit(_) | Error::Io { .. })) => Err(error.into()),
            Err(error) => Err(refusal(name, dataset, &error.to_string()).into()),
        }
    })?;
    Ok(loaded.into_iter().collect())
}

impl Source {
    fn new(file: &File<'_>, mut dataset: Dataset, detail: Detail) -> Result<Self, Halt> {
        if dataset.dataspace.extent == Extent::Null {
            return Err(Unsupported::NullDataspace.into());
        }
        let elements = match &dataset.storage {
            _ if detail == Detail::Shapes => Elements::Whole(None),
            Storage::Compact { offset, .. } => Elements::Whole(Some(*offset)),
            Storage::Contiguous { offset, .. } => Elements::Whole(*offset),
            Storage::Chunked { .. } => Elements::Chunks(Box::new(Chunks::new(file, &mut dataset)?)),
            Storage::External(_) => {
                return Err(Unsupported::Feature("a source whose raw data lie in other files").into());
            }
            Storage::Virtual(_) => return Err(Unsupported::Feature("a source that is itself virtual").into()),
        };
        let Dataset { datatype, dataspace, fill, .. } = dataset;
        Ok(Self { shape: dataspace.dimensions, datatype, fill, elements })
    }
}

impl Chunks {
    fn new(file: &File<'_>, dataset: &mut Dataset) -> Result<Self, Halt> {
        let table = dataset.storage.chunks_mut().and_then(Option::take).transpose()?;
        let (chunk, masks, mut manifest) = manifest(dataset, table)?;
        let (_, bytes) = chunk_bytes(&chunk, &dataset.datatype)?;
        let codecs = codecs(&dataset.filters, masks.common, bytes, CodecPolicy::Standard)?;
        let (mask, trailing) = (masks.common, codecs.trailing);
        let stored = Stored { pipeline: &dataset.filters, mask, trailing, bytes, texts: Texts::of(&dataset.datatype) };
        odd_chunks(file, &stored, &masks.odd, &mut manifest)?;
        without_checksums(&mut manifest, &codecs)?;
        Ok(Self { chunk, manifest, codecs: codecs.filters, pipeline: dataset.filters.clone(), mask, trailing })
    }
}

fn refusal(file: &str, dataset: &str, why: &str) -> Unsupported {
    Unsupported::VirtualSource { file: file.to_owned(), dataset: dataset.to_owned(), why: why.to_owned() }
}

/// A file that cannot be referenced, whatever dataset is wanted of it.
fn why(file: &str, why: &str) -> Unsupported {
    Unsupported::VirtualFile { name: file.to_owned(), why: why.to_owned() }
}
