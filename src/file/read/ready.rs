//! Datasets that are ready to be read: virtual ones with their sources, found once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::dataset::{Dataset, ExternalFile, Storage};
use super::super::{
    Extent, ExtentOf, File, Lookup, Mapping, Memo, Selection, SourceName, extent, is_unlimited, slices, unlimited,
};
use super::picked::{Clip, Picked, rows_of_blocks};
use super::{MissingSources, ReadOptions};
use crate::error::{Error, Unsupported};
use crate::field::Address;
use crate::field::convert::wide;
use crate::limits::{Limits, check};
use crate::source::{ExternalError, FoundExternal, Halt, Input, Segment, Segments, attempt, join};

/// Most virtual datasets that may lie in one another.
const DEEPEST: usize = 16;

/// A dataset whose elements can be read.
#[derive(Debug)]
pub(super) struct Ready {
    /// With the extent that its sources give it now.
    pub(super) dataset: Dataset,
    /// The parts of a virtual dataset, in the order of its mappings.
    pub(super) parts: Vec<Part>,
    /// The files of external raw data.
    pub(super) external: Option<Segments>,
}

/// A part of a virtual dataset, and the elements of its source that go there.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) to: Picked,
    pub(super) from: Picked,
    pub(super) source: Rc<Found>,
}

/// A source of a virtual dataset.
#[derive(Debug)]
pub(super) struct Found {
    /// The file that it lies in; `None` is the virtual dataset's own.
    pub(super) file: Option<FoundExternal>,
    pub(super) ready: Ready,
}

/// A source by the names of its file and its path.
type Names = (String, String);

type Sources = BTreeMap<(Option<String>, Names), Option<Rc<Found>>>;

/// A mapping, the number of its block, and the source that it leads to, if there is one.
type Mapped<'m> = (&'m Mapping, Option<u64>, Option<Rc<Found>>);

/// A file whose datasets are being made ready.
pub(super) struct Finder<'a, 's> {
    file: &'a File<'s>,
    lookup: Lookup<'a, 's>,
    options: &'a ReadOptions,
    /// The name by which the file was found.
    name: Option<&'a str>,
    /// Virtual datasets that this one is a source of, the outermost first.
    above: Vec<(Option<String>, Address)>,
    /// Those that are found, by the file that asks and their names: shared by all, so that each is made ready once.
    sources: Rc<RefCell<Sources>>,
}

impl<'a, 's> Finder<'a, 's> {
    pub(super) fn new(file: &'a File<'s>, options: &'a ReadOptions) -> Self {
        let name = options.own_name.as_deref();
        Self { file, lookup: Lookup::new(file), options, name, above: Vec::new(), sources: Rc::default() }
    }

    /// The dataset at a path; `None` is none.
    pub(super) fn at_path(&self, path: &str) -> Result<Option<Ready>, Halt> {
        match self.lookup.object(path)? {
            Some(address) => self.at(address),
            None => Ok(None),
        }
    }

    /// The dataset at an address; `None` is none.
    pub(super) fn at(&self, address: Address) -> Result<Option<Ready>, Halt> {
        let Some(mut dataset) = self.lookup.dataset(address, true)? else { return Ok(None) };
        let (mut parts, mut external) = (Vec::new(), None);
        match &dataset.storage {
            Storage::External(files) if dataset.dataspace.elements() != Some(0) => {
                external = Some(self.segments(&dataset, files)?);
            }
            Storage::Virtual(mappings) if dataset.dataspace.extent != Extent::Null => {
                let below = self.enter(address)?;
                let mapped = below.mapped(mappings)?;
                let shape = current(&dataset, &mapped)?;
                parts = parted(&dataset, &mapped, &shape, self.file.limits())?;
                dataset.dataspace.dimensions = shape;
            }
            _ => {}
        }
        Ok(Some(Ready { dataset, parts, external }))
    }

    /// The finder of the sources of a virtual dataset.
    fn enter(&self, address: Address) -> Result<Self, Unsupported> {
        let here = (self.name.map(str::to_owned), address);
        if self.above.contains(&here) {
            return Err(Unsupported::VirtualMapping("it is a source of itself"));
        }
        if self.above.len() >= DEEPEST {
            return Err(Unsupported::VirtualMapping("more than 16 virtual datasets are sources of one another"));
        }
        let above = self.above.iter().cloned().chain([here]).collect();
        let lookup = Lookup::new(self.file);
        Ok(Self {
            file: self.file,
            lookup,
            options: self.options,
            name: self.name,
            above,
            sources: Rc::clone(&self.sources),
        })
    }

    /// Every mapping with its source; those of a numbered one end before the first that is not there.
    fn mapped<'m>(&self, mappings: &'m [Mapping]) -> Result<Vec<Mapped<'m>>, Halt> {
        let mapped = join(mappings, |mapping| {
            let (file, dataset) =
                (SourceName::parse(&mapping.source_file)?, SourceName::parse(&mapping.source_dataset)?);
            let of = |block| (file.of(block), dataset.of(block));
            if !file.is_numbered() && !dataset.is_numbered() {
                return Ok(vec![(mapping, None, self.source(of(0), self.options.missing)?)]);
            }
            let mut blocks = Vec::new();
            while let Some(source) = self.source(of(wide(blocks.len())), MissingSources::Fill)? {
                blocks.push((mapping, Some(wide(blocks.len())), Some(source)));
                check("paths", wide(blocks.len()), self.file.limits().paths)?;
            }
            Ok(if blocks.is_empty() { vec![(mapping, Some(0), None)] } else { blocks })
        });
        Ok(mapped?.into_iter().flatten().collect())
    }

    /// A source, found once.
    fn source(&self, names: Names, missing: MissingSources) -> Result<Option<Rc<Found>>, Halt> {
        let key = (self.name.map(str::to_owned), names.clone());
        if let Some(known) = self.sources.borrow().get(&key) {
            return known_or_refused(known.clone(), names, missing);
        }
        let (file, dataset) = (names.0.as_str(), names.1.as_str());
        let found = if file == "." || self.name == Some(file) {
            self.at_path(dataset)?.map(|ready| Found { file: None, ready })
        } else {
            self.elsewhere(file, dataset)?
        };
        let found = found.map(Rc::new);
        self.sources.borrow_mut().insert(key, found.clone());
        known_or_refused(found, names, missing)
    }

    /// A source in another file.
    fn elsewhere(&self, name: &str, dataset: &str) -> Result<Option<Found>, Halt> {
        let find = self.options.external.as_ref().ok_or(Unsupported::VirtualFiles)?;
        let refuse = |why: String| Unsupported::VirtualFile { name: name.to_owned(), why };
        let found = match find.find_source(name) {
            Ok(found) => found,
            Err(ExternalError::Absent(_)) => return Ok(None),
            Err(ExternalError::Refused(why)) => return Err(refuse(why).into()),
        };
        let ready = opened(self.file, &found, self.options, name, |file| {
            let finder = Finder {
                file,
                lookup: Lookup::new(file),
                options: self.options,
                name: Some(name),
                above: self.above.clone(),
                sources: Rc::clone(&self.sources),
            };
            finder.at_path(dataset)
        });
        Ok(ready?.map(|ready| Found { file: Some(found), ready }))
    }

    /// The files of external raw data as one.
    fn segments(&self, dataset: &Dataset, files: &[ExternalFile]) -> Result<Segments, Error> {
        let find = self.options.external.as_ref().ok_or(Unsupported::ExternalFiles)?;
        let total = dataset.dataspace.elements().and_then(|n| n.checked_mul(dataset.datatype.size.into()));
        let mut left = total.ok_or(Unsupported::Feature("a dataset of more than 2^64 bytes"))?;
        let mut inputs: BTreeMap<&str, Rc<Input>> = BTreeMap::new();
        let mut segments = Vec::new();
        for file in files.iter().take_while(|_| total != Some(0)) {
            let refuse = |why: String| Unsupported::ExternalFile { name: file.name.clone(), why };
            let length = file.size.unwrap_or(left).min(left);
            if length == 0 {
                continue;
            }
            let end = file.offset.checked_add(length).ok_or_else(|| refuse("its end overflows".to_owned()))?;
            let input = if let Some(input) = inputs.get(file.name.as_str()) {
                Rc::clone(input)
            } else {
                let found = find.find(&file.name).map_err(|error| refuse(error.to_string()))?;
                Rc::new(found.input().ok_or_else(|| refuse("it can be referenced, and not read".to_owned()))??)
            };
            if end > input.size() && self.options.missing == MissingSources::Refuse {
                return Err(refuse(format!("it has {} bytes, and the dataset needs {end}", input.size())).into());
            }
            inputs.insert(&file.name, Rc::clone(&input));
            segments.push(Segment { input, offset: file.offset, length });
            left = left.saturating_sub(length);
        }
        if left > 0 {
            return Err(Unsupported::Feature("a dataset larger than its external files").into());
        }
        Ok(Segments::new(segments))
    }
}

/// What each mapping puts where.
fn parted(dataset: &Dataset, mapped: &[Mapped<'_>], shape: &[u64], limits: &Limits) -> Result<Vec<Part>, Halt> {
    let mut rows = 0_u64;
    let parts = join(mapped, |(mapping, block, source)| {
        let Some(source) = source else { return Ok(None) };
        if source.ready.dataset.datatype != dataset.datatype {
            return Err(Unsupported::VirtualMapping("a source has elements of another datatype").into());
        }
        let from_shape = &source.ready.dataset.dataspace.dimensions;
        let (from, to) = clips(mapping, *block, from_shape)?;
        let (of_source, of_dataset) = (mapping.source_selection.regular(), mapping.virtual_selection.regular());
        rows = rows.saturating_add(rows_of_blocks(&of_source)).saturating_add(rows_of_blocks(&of_dataset));
        check("pieces", rows, limits.pieces)?;
        let from = Picked::new(&of_source, from_shape, from)?;
        let to = Picked::new(&of_dataset, shape, to)?;
        if from.len().is_none() || from.len() != to.len() {
            return Err(NOT_ALIKE.into());
        }
        Ok(Some(Part { to, from, source: Rc::clone(source) }))
    });
    Ok(parts?.into_iter().flatten().collect())
}

const NOT_ALIKE: Unsupported =
    Unsupported::VirtualMapping("a mapping selects another shape in the source than in the dataset");

/// A source, or what is done about one that is not there.
fn known_or_refused(
    found: Option<Rc<Found>>,
    (file, dataset): Names,
    missing: MissingSources,
) -> Result<Option<Rc<Found>>, Halt> {
    if found.is_none() && missing == MissingSources::Refuse {
        let why = "there is no such dataset".to_owned();
        return Err(Unsupported::VirtualSource { file, dataset, why }.into());
    }
    Ok(found)
}

/// Runs `work` on a file with sources of a virtual dataset of another.
pub(super) fn opened<T>(
    beside: &File<'_>,
    found: &FoundExternal,
    options: &ReadOptions,
    name: &str,
    work: impl FnOnce(&File<'_>) -> Result<T, Halt>,
) -> Result<T, Halt> {
    let refuse = |why: String| Unsupported::VirtualFile { name: name.to_owned(), why };
    let input = found.input().ok_or_else(|| refuse("it can be referenced, and not read".to_owned()))??;
    let memo = Memo::once();
    let done = input.run(|source| match attempt(beside.open_beside(source, options.cut_off, &memo))? {
        Ok(opened) => work(&opened),
        Err(error @ (Error::Limit(_) | Error::Io { .. })) => Err(error.into()),
        Err(error) => Err(refuse(error.to_string()).into()),
    });
    Ok(done?)
}

/// The extent of a virtual dataset now.
fn current(dataset: &Dataset, mapped: &[Mapped<'_>]) -> Result<Vec<u64>, Unsupported> {
    let space = &dataset.dataspace;
    let of = |(mapping, block, source)| {
        let source: &Option<Rc<Found>> = source;
        let shape = source.as_ref().map(|source| source.ready.dataset.dataspace.dimensions.as_slice());
        ExtentOf { mapping, block, shape }
    };
    let extents: Vec<_> = mapped.iter().map(|(mapping, block, source)| of((*mapping, *block, source))).collect();
    extent(&space.dimensions, &space.maximum, &extents)
}

/// How the unlimited selections of a mapping end, in the source and in the virtual dataset.
fn clips(mapping: &Mapping, block: Option<u64>, shape: &[u64]) -> Result<(Clip, Clip), Unsupported> {
    let source = match &mapping.source_selection {
        Selection::Regular(patterns) => unlimited(patterns).and_then(|at| patterns.iter().zip(shape).nth(at)),
        _ => None,
    };
    match (source, block, is_unlimited(mapping)) {
        (Some((pattern, size)), None, true) => {
            let length = slices(pattern, *size);
            Ok((Clip::Slices(length), Clip::Slices(length)))
        }
        (None, Some(block), true) => Ok((Clip::Limited, Clip::Block(block))),
        (None, None, false) => Ok((Clip::Limited, Clip::Limited)),
        _ => Err(NOT_ALIKE),
    }
}
