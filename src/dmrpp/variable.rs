//! A variable as the dataset that it stands for.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::chunks::{Chunks, MOST_DIMENSIONS};
use super::document::{Document, Entry, Enumeration, Held, Variable, joined};
use super::number::number;
use super::structures::structures;
use super::{Given, datatype, fill, held, malformed};
use crate::error::{Error, Problem, Unsupported};
use crate::field::convert::wide;
use crate::file::{
    Attribute, ByteOrder, ChunkTable, Class, Dataset, Dataspace, Datatype, Extent, FillValue, Filter, FilterPipeline,
    Storage, filter_ids as ids,
};
use crate::limits::{Budget, check};

/// What the objects of a file do not tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// The names of the dimensions, where they have any.
    pub(crate) names: Vec<Option<String>>,
    /// What is not told of the value that chunks have which were never written; if there is a value, it is taken as it is served.
    pub(crate) fill: Option<String>,
    /// What else is taken as it is served, since it is not told.
    pub(crate) taken: Vec<String>,
    /// The file of each chunk by its number among the sidecar's; of no chunk if all lie in the sidecar's own.
    pub(crate) files: Vec<usize>,
}

/// What variables refer to.
pub(crate) struct Declared<'a> {
    /// Sizes of dimensions by their path; none where it is told twice.
    dimensions: BTreeMap<String, Option<u64>>,
    enumerations: BTreeMap<String, Option<&'a Enumeration>>,
    has_version: bool,
    given: Given,
}

impl<'a> Declared<'a> {
    pub(crate) fn of(document: &'a Document, given: Given) -> Self {
        let (mut dimensions, mut enumerations) = (BTreeMap::new(), BTreeMap::new());
        for group in &document.groups {
            for (name, size) in &group.dimensions {
                let known = dimensions.entry(joined(&group.path, name)).or_insert(*size);
                *known = known.filter(|known| Some(*known) == *size);
            }
            for enumeration in &group.enumerations {
                let path = joined(&group.path, &enumeration.name);
                enumerations.entry(path).and_modify(|known| *known = None).or_insert(Some(enumeration));
            }
        }
        Self { dimensions, enumerations, has_version: document.version.is_some(), given }
    }

    /// The size and name of a dimension: a path names it, or one that is named is in a group above.
    fn dimension(&self, group: &str, dim: &super::document::Dim) -> Option<(u64, Option<String>)> {
        let Some(path) = &dim.name else { return Some((number(dim.size.as_deref()?)?, None)) };
        let name = path.rsplit('/').next().filter(|name| !name.is_empty())?.to_owned();
        let mut above = group;
        let size = if path.starts_with('/') {
            self.dimensions.get(path).copied().flatten()
        } else {
            loop {
                if let Some(size) = self.dimensions.get(&joined(above, path)) {
                    break *size;
                }
                above = match above.rsplit_once('/') {
                    _ if above == "/" => break None,
                    Some(("", _)) | None => "/",
                    Some((group, _)) => group,
                };
            }
        };
        let own = dim.size.as_deref().map(number);
        match own {
            Some(own) if own != size => None,
            _ => Some((size?, Some(name))),
        }
    }

    /// The dataset that a variable of a group stands for. `declared` is its attribute `_FillValue`.
    pub(crate) fn dataset(
        &self,
        group: &str,
        variable: &Variable,
        declared: Option<&Attribute>,
        budget: &Budget,
    ) -> Result<(Dataset, Facts), Error> {
        if let Some(error) =
            variable.wrong.as_ref().or(variable.chunks.as_ref().and_then(|chunks| chunks.wrong.as_ref()))
        {
            return Err(error.clone());
        }
        let rank = wide(variable.dims.len());
        // Each is looked for in all groups above.
        if variable.dims.len() > MOST_DIMENSIONS {
            return Err(malformed(variable.at, Problem::Value { field: "number of dimensions", value: rank }));
        }
        let dims: Option<Vec<_>> = variable.dims.iter().map(|dim| self.dimension(group, dim)).collect();
        let dims = dims.ok_or_else(|| Unsupported::NotTold("the size of a dimension".to_owned()))?;
        let (shape, names): (Vec<u64>, Vec<Option<String>>) = dims.into_iter().unzip();
        let nothing = Chunks::default();
        let chunks = variable.chunks.as_deref().unwrap_or(&nothing);
        let unknown = chunks.unknown.clone();
        if let Some(unknown) = unknown.clone().filter(|_| !self.given.as_served) {
            return Err(Unsupported::NotTold(unknown).into());
        }
        let Kind { datatype, order, is_assumed, held } = self.kind(variable, chunks, &shape, budget)?;
        let order_taken = is_assumed.then(|| "the byte order of its elements".to_owned());
        let text_taken = is_only_fill(variable, chunks).then(|| UNTOLD_TEXT.to_owned());
        if let Some(untold) = text_taken.clone().filter(|_| !self.given.as_served) {
            return Err(Unsupported::NotTold(untold).into());
        }
        check("element_bytes", datatype.size.into(), budget.limits().element_bytes)?;
        let bytes = datatype::bytes_of(&shape, &datatype);
        let bytes = bytes.ok_or_else(|| malformed(variable.at, Problem::Overflow("bytes of all elements")))?;
        let filters = self.filters(chunks, datatype.size)?;
        let place = Place { variable, chunks, shape: &shape, datatype: &datatype, bytes, filters: &filters };
        let (storage, files) = place.storage(held, budget)?;
        // A few characters may stand for an element of any size.
        budget.inline(chunks.fill.as_ref().map_or(0, |_| datatype.size.into()))?;
        let told = fill::fill(chunks.fill.as_deref(), &datatype, declared, order);
        let (fill, untold) = match told {
            Ok(fill) => (fill, None),
            Err(untold) => {
                let served = self.given.as_served.then(|| fill::served(chunks.fill.as_deref(), &datatype, order));
                (served.flatten().unwrap_or(FillValue::Undefined), Some(untold))
            }
        };
        let taken = unknown.into_iter().chain(order_taken).chain(text_taken).collect();
        let extent = if shape.is_empty() { Extent::Scalar } else { Extent::Simple };
        let maximum = shape.iter().copied().map(Some).collect();
        let dataspace = Dataspace { extent, dimensions: shape, maximum };
        let dataset = Dataset { datatype, dataspace, fill, filters, storage, named: Vec::new() };
        Ok((dataset, Facts { names, fill: untold, taken, files }))
    }

    /// What the elements of a variable of a shape are.
    fn kind(&self, variable: &Variable, chunks: &Chunks, shape: &[u64], budget: &Budget) -> Result<Kind, Error> {
        if let (Some((Held::Structures, text)), "Structure") = (&variable.held, variable.kind.as_str()) {
            let elements = shape.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
            let elements = elements.ok_or_else(|| malformed(variable.at, Problem::Overflow("number of elements")))?;
            let (datatype, held) = structures(variable, text, elements, budget)?;
            return Ok(Kind { datatype, order: Some(ByteOrder::Little), is_assumed: false, held: Some(held) });
        }
        let told = match chunks.order.as_deref() {
            None => None,
            Some("LE") => Some(ByteOrder::Little),
            Some("BE") => Some(ByteOrder::Big),
            Some(other) => return Err(Unsupported::NotTold(format!("what the byte order {other} is")).into()),
        };
        // What the sidecar holds is in the order of the machine that wrote it; Hyrax is not built for others.
        let told = if variable.held.is_some() { Some(ByteOrder::Little) } else { told.or(self.given.order) };
        let taken = told.or(self.given.as_served.then_some(ByteOrder::Little));
        let datatype = self.datatype(variable, chunks, taken.unwrap_or(ByteOrder::Little), budget)?;
        let is_asked = told.is_none() && datatype::has_order(&datatype) && chunks.len() > 0;
        if is_asked && taken.is_none() {
            return Err(Unsupported::NotTold("the byte order of its elements (--byte-order says it)".to_owned()).into());
        }
        Ok(Kind { datatype, order: told, is_assumed: is_asked, held: None })
    }

    fn datatype(
        &self,
        variable: &Variable,
        chunks: &Chunks,
        order: ByteOrder,
        budget: &Budget,
    ) -> Result<Datatype, Error> {
        match variable.kind.as_str() {
            "String" | "URL" => text(variable, chunks),
            "Structure" => datatype::structure(variable, ends(chunks)?, order),
            "Enum" => {
                let path = variable.enumeration.as_deref().unwrap_or_default();
                let enumeration = self.enumerations.get(path).copied().flatten();
                let untold = || Unsupported::NotTold("what its enumeration is".to_owned());
                let enumeration = enumeration.ok_or_else(untold)?;
                // Many variables may be of one of many members.
                let bytes = enumeration.members.iter().map(|(name, _)| wide(name.len()).saturating_add(MEMBER));
                budget.inline(bytes.fold(0, u64::saturating_add))?;
                datatype::enumeration(enumeration, order, variable.at)
            }
            kind => {
                let untold = || Unsupported::NotTold(format!("how elements of type {kind} are stored"));
                Ok(datatype::numeric(kind, order).ok_or_else(untold)?)
            }
        }
    }

    /// The filters in the order in which they were applied. Sidecars without a version have them in another.
    fn filters(&self, chunks: &Chunks, size: u32) -> Result<FilterPipeline, Error> {
        /// Most filters of a pipeline (`H5Z_MAX_NFILTERS`).
        const MOST: usize = 32;
        let mut levels = chunks.levels.as_deref().unwrap_or_default().split_ascii_whitespace();
        let mut filters = Vec::new();
        for name in chunks.compression.as_deref().unwrap_or_default().split_ascii_whitespace() {
            let (id, client_data) = match name {
                "deflate" => (ids::DEFLATE, levels.next().and_then(number).and_then(|level| u32::try_from(level).ok())),
                "shuffle" => (ids::SHUFFLE, Some(size)),
                "fletcher32" => (ids::FLETCHER32, None),
                other => return Err(Unsupported::NotTold(format!("what the filter {other} is")).into()),
            };
            filters.push(Filter { id, name: None, optional: false, client_data: client_data.into_iter().collect() });
            if filters.len() > MOST {
                return Err(malformed(
                    chunks.at,
                    Problem::Value { field: "number of filters", value: wide(filters.len()) },
                ));
            }
        }
        if !self.has_version {
            let place =
                |filter: &Filter| [ids::SHUFFLE, ids::DEFLATE, ids::FLETCHER32].iter().position(|id| *id == filter.id);
            filters.sort_by_key(place);
        }
        Ok(FilterPipeline { filters })
    }
}

/// What a member of an enumeration costs beside its name, in bytes.
const MEMBER: u64 = 128;

/// What elements are.
struct Kind {
    datatype: Datatype,
    /// That of its numbers, if it is told or given.
    order: Option<ByteOrder>,
    /// Whether that which Hyrax takes for it counts.
    is_assumed: bool,
    /// All elements, where their type is known by them only.
    held: Option<Bytes>,
}

/// Where the members of a structure end. Those of chunks that are compressed show in nothing else.
fn ends(chunks: &Chunks) -> Result<Option<&str>, Error> {
    match (&chunks.ends, &chunks.compression) {
        (None, Some(_)) => Err(Unsupported::NotTold("where the members of its structures lie".to_owned()).into()),
        (ends, _) => Ok(ends.as_deref()),
    }
}

/// The type of texts.
fn text(variable: &Variable, chunks: &Chunks) -> Result<Datatype, Error> {
    let untold = |what: &str| -> Error { Unsupported::NotTold(what.to_owned()).into() };
    if variable.texts.is_some() {
        return Ok(datatype::strings());
    }
    if let Some(fixed) = &variable.fixed {
        let length = fixed.length.as_deref().and_then(number).ok_or_else(|| untold("how long its texts are"))?;
        return datatype::string(length, fixed.pad.as_deref());
    }
    // Texts of any length and of one are held in the same way, and read as the same.
    let is_known = match variable.held {
        Some(_) => variable.dims.is_empty(),
        None => is_only_fill(variable, chunks),
    };
    if is_known {
        return Ok(datatype::strings());
    }
    match chunks.piece()?.filter(|_| variable.dims.is_empty()) {
        // So many bytes have what leads to a text elsewhere in the file, too.
        Some(piece) if matches!(piece.bytes, 12 | 16) => Err(untold("whether its text is of fixed length")),
        Some(piece) => datatype::string(piece.bytes, None),
        None => Err(untold("how long its texts are")),
    }
}

/// What is not told of a text that ends in the sidecar where its first NUL is.
const UNTOLD_TEXT: &str = "whether anything lies behind the first NUL of its text, which was never written";

/// Whether all elements of a variable are one text of which nothing but that is told.
fn is_only_fill(variable: &Variable, chunks: &Chunks) -> bool {
    let is_text = matches!(variable.kind.as_str(), "String" | "URL") && variable.fixed.is_none();
    is_text && variable.held.is_none() && variable.texts.is_none() && only_fill(chunks).is_some()
}

/// The text that all elements of a variable are of which nothing was ever written, if it is told.
fn only_fill(chunks: &Chunks) -> Option<&str> {
    let fill = chunks.fill.as_deref().filter(|_| chunks.len() == 0)?;
    (fill.is_ascii() && !fill.starts_with("unsupported-")).then_some(fill)
}

/// What is known of a variable whose elements are to be found.
struct Place<'a> {
    variable: &'a Variable,
    chunks: &'a Chunks,
    shape: &'a [u64],
    datatype: &'a Datatype,
    bytes: u64,
    filters: &'a FilterPipeline,
}

impl Place<'_> {
    /// Where the elements lie, and the file of each chunk. `held` are those whose type is known by them only.
    fn storage(&self, held: Option<Bytes>, budget: &Budget) -> Result<(Storage, Vec<usize>), Error> {
        let Self { variable, chunks, .. } = self;
        let is_here = variable.held.is_some() || variable.texts.is_some();
        let is_elsewhere = chunks.len() > 0 || chunks.sizes.is_some();
        if (is_here && is_elsewhere) || (variable.held.is_some() && variable.texts.is_some()) {
            return Err(self.twice());
        }
        let elements = if held.is_some() { held } else { self.here(budget)? };
        if let Some(elements) = elements {
            return Ok((Storage::Compact { offset: 0, elements }, Vec::new()));
        }
        if matches!(self.datatype.class, Class::VariableString(_)) || variable.chunks.is_none() {
            return Err(Unsupported::NotTold("where its values lie".to_owned()).into());
        }
        match &chunks.sizes {
            None => self.contiguous(),
            Some(sizes) => self.chunked(sizes),
        }
    }

    /// The elements that the sidecar holds.
    fn here(&self, budget: &Budget) -> Result<Option<Bytes>, Error> {
        let at = self.variable.at;
        let elements = self.bytes.checked_div(self.datatype.size.into()).unwrap_or(0);
        let is_text = matches!(self.datatype.class, Class::VariableString(_));
        if is_text {
            budget.inline(elements.saturating_mul(4))?;
        }
        match (&self.variable.texts, &self.variable.held) {
            (Some(_), _) if !is_text => Err(Unsupported::NotTold("its values but as texts".to_owned()).into()),
            (Some(entries), _) => held::texts(entries, elements, at, budget).map(Some),
            (_, Some((_, text))) if is_text => held::scalar(text, at, budget).map(Some),
            (_, Some((kind, text))) => held::elements((*kind, text), (elements, self.bytes), at, budget).map(Some),
            (None, None) => {
                let Some(text) = only_fill(self.chunks).filter(|_| is_text) else { return Ok(None) };
                let entry = Entry { count: Some(elements.to_string()), size: None, text: text.to_owned() };
                held::texts(&[entry], elements, at, budget).map(Some)
            }
        }
    }

    fn twice(&self) -> Error {
        malformed(self.variable.at, Problem::Duplicate("place of a variable's values"))
    }

    fn contiguous(&self) -> Result<(Storage, Vec<usize>), Error> {
        let wrong = |problem| malformed(self.chunks.at, problem);
        if !self.filters.filters.is_empty() {
            return Err(wrong(Problem::Missing("chunkDimensionSizes")));
        }
        let Some(piece) = self.chunks.piece()? else {
            return Ok((Storage::Contiguous { offset: None, length: self.bytes }, Vec::new()));
        };
        if piece.bytes != self.bytes {
            return Err(wrong(Problem::Mismatch { field: "nBytes", found: piece.bytes, expected: self.bytes }));
        }
        let files = if piece.file > 0 { vec![piece.file] } else { Vec::new() };
        Ok((Storage::Contiguous { offset: Some(piece.offset), length: piece.bytes }, files))
    }

    fn chunked(&self, sizes: &str) -> Result<(Storage, Vec<usize>), Error> {
        let chunk = self.chunks.chunk(sizes, self.shape.len())?;
        let (table, files) = self.chunks.table(self.shape, &chunk)?;
        self.check_sizes(&table, &chunk)?;
        let files = if files.iter().any(|file| *file > 0) { files } else { Vec::new() };
        let chunks = Some(Ok(Arc::new(table)));
        Ok((Storage::Chunked { chunk, index: "DMR++", unfiltered_edges: false, chunks }, files))
    }

    /// Compares the bytes of chunks with those that they must have, where they are not compressed.
    fn check_sizes(&self, table: &ChunkTable, chunk: &[u64]) -> Result<(), Error> {
        let wrong = |problem| malformed(self.chunks.at, problem);
        let bytes =
            datatype::bytes_of(chunk, self.datatype).ok_or_else(|| wrong(Problem::Overflow("bytes of a chunk")))?;
        let at_edge = |number: u64| {
            let place = position(number, &table.grid);
            let sizes = place.iter().zip(self.shape.iter().zip(chunk));
            sizes.into_iter().any(|(place, (size, chunk))| place.saturating_add(1).saturating_mul(*chunk) > *size)
        };
        for (n, (number, found)) in table.number.iter().zip(&table.size).enumerate() {
            let applied: Vec<u16> = self.filters.unmasked(table.mask(n)).map(|filter| filter.id).collect();
            let checksums = wide(applied.iter().filter(|id| **id == ids::FLETCHER32).count());
            let expected = bytes.saturating_add(checksums.saturating_mul(4));
            let is_compressed = applied.contains(&ids::DEFLATE);
            if !is_compressed && *found != expected {
                return Err(wrong(Problem::Mismatch { field: "nBytes", found: *found, expected }));
            }
            // The format lets chunks at the edge go without filters, and their masks say nothing of it.
            if !applied.is_empty() && *found == bytes && is_compressed && at_edge(*number) {
                return Err(Unsupported::NotTold("whether a chunk at the edge is compressed".to_owned()).into());
            }
        }
        Ok(())
    }
}

/// The position of the chunk with a number.
fn position(number: u64, grid: &[u64]) -> Vec<u64> {
    let mut rest = number;
    let mut position: Vec<u64> = Vec::with_capacity(grid.len());
    for size in grid.iter().rev() {
        position.push(rest.checked_rem(*size).unwrap_or(0));
        rest = rest.checked_div(*size).unwrap_or(0);
    }
    position.reverse();
    position
}
