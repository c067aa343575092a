//! netCDF classic files in the file model: one group, whose datasets are the variables.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use super::attribute::Attribute;
use super::chunks::{ChunkTable, FilterMasks};
use super::dataset::{Dataset, RECORDS, Storage};
use super::tree::{Content, Dimension, Link, LinkKind, Node, Object, Tree};
use super::value::Value;
use super::walk::{Detail, unnameable};
use super::{ByteOrder, Charset, Class, Dataspace, Datatype, Extent, File, FillValue, FilterPipeline};
use super::{Memo, Padding, Text};
use crate::error::{Error, FormatError, Problem, Structure, Unsupported};
use crate::field::Address;
use crate::field::convert::{narrow, wide};
use crate::limits::{Budget, check};
use crate::source::{Halt, ReadAt, attempt};
use crate::structure::classic::{self as header, Element, Header, MAGIC};
use crate::structure::superblock::Superblock;

/// Bytes of the first read of a header, and how many times as much each further one is.
const FIRST: u64 = 8 << 10;
const GROWTH: u64 = 4;

/// Most dimensions of a variable: those that a dataspace of HDF5 and an array of `NumPy` have.
const MOST_DIMENSIONS: usize = 32;

/// What a netCDF classic file holds.
#[derive(Debug)]
pub(super) struct Classic {
    dimensions: Vec<Dimension>,
    attributes: Vec<Attribute>,
    variables: Vec<Variable>,
}

/// A variable, and where it lies.
#[derive(Debug)]
struct Variable {
    name: Vec<u8>,
    attributes: Vec<Attribute>,
    /// Without its chunk table.
    dataset: Result<Dataset, Error>,
    /// The records of a record variable.
    records: Option<Records>,
}

/// Records that lie at equal distances.
#[derive(Debug, Clone, Copy)]
struct Records {
    /// File offset of the first.
    begin: u64,
    count: u64,
    /// Bytes of one, without what it is padded with.
    bytes: u64,
    /// Bytes from one to the next.
    step: u64,
}

/// How many elements a variable has in each record, or in all, and how many bytes they take.
#[derive(Debug, Clone, Copy)]
struct Extents {
    bytes: u64,
    /// With what they are padded with.
    padded: u64,
    is_record: bool,
}

/// Whether a file that begins with these bytes is a netCDF classic one (`NC_interpret_magic_number`), whatever follows.
pub(super) fn is_classic(first: &[u8]) -> bool {
    matches!(first.strip_prefix(MAGIC).and_then(<[u8]>::first), Some(1 | 2 | 5))
}

impl<'s> File<'s> {
    pub(super) fn open_classic(source: &'s dyn ReadAt, budget: Rc<Budget>, memo: &'s Memo) -> Result<Self, Halt> {
        let mut file = Self::with_superblock(source, budget, memo, (0, Superblock::of_classic()));
        file.refuse_undriven()?;
        file.classic = Some(file.read_classic()?);
        Ok(file)
    }

    /// Reads the header, however long it is: it does not say so.
    fn read_classic(&self) -> Result<Classic, Halt> {
        let mut length = FIRST;
        loop {
            let block = self.block_up_to(Structure::Classic, Address(0), length)?;
            match block.parse(Structure::Classic, Header::parse) {
                Err(Error::Format(FormatError { problem: Problem::Truncated, .. })) if length < self.end => {
                    length = length.saturating_mul(GROWTH).min(self.end);
                    check("header_bytes", length.min(self.end), self.limits().header_bytes)?;
                }
                Err(error) => return Err(error.into()),
                Ok(header) => return self.classic(&header),
            }
        }
    }

    fn classic(&self, header: &Header<'_>) -> Result<Classic, Halt> {
        check("paths", wide(header.variables.len()).saturating_add(1), self.limits().paths)?;
        let extents: Vec<_> = header.variables.iter().map(|variable| extents(header, variable)).collect();
        check_places(header, &extents)?;
        let step = record_size(&extents);
        let records = match header.records {
            Some(records) => records,
            None => streamed(header, &extents, step.as_ref().ok().copied(), self.end),
        };
        let dimension = |one: &header::Dimension<'_>| Dimension {
            name: String::from_utf8_lossy(one.name).into_owned(),
            length: one.length.unwrap_or(records),
            unlimited: one.length.is_none(),
        };
        let dimensions: Vec<Dimension> = header.dimensions.iter().map(dimension).collect();
        let attributes = self.classic_attributes(&header.attributes)?;
        let mut variables = Vec::with_capacity(header.variables.len());
        for (variable, extents) in header.variables.iter().zip(extents) {
            let attributes = self.classic_attributes(&variable.attributes)?;
            let laid = extents.and_then(|extents| {
                let records = Records { begin: variable.begin, count: records, bytes: extents.bytes, step: 0 };
                let records = if extents.is_record { Some(Records { step: step.clone()?, ..records }) } else { None };
                Ok((self.laid(&dimensions, variable, extents, records)?, records))
            });
            let (dataset, records) = laid.map_or_else(|error| (Err(error), None), |(one, records)| (Ok(one), records));
            variables.push(Variable { name: variable.name.to_vec(), attributes, dataset, records });
        }
        Ok(Classic { dimensions, attributes, variables })
    }

    /// The dataset that a variable is, without its chunk table.
    fn laid(
        &self,
        known: &[Dimension],
        variable: &header::Variable<'_>,
        extents: Extents,
        records: Option<Records>,
    ) -> Result<Dataset, Error> {
        let dimensions: Vec<&Dimension> = variable.dimensions.iter().filter_map(|at| known.get(*at)).collect();
        if dimensions.len() > MOST_DIMENSIONS {
            return Err(Unsupported::Feature("a variable of more than 32 dimensions").into());
        }
        let length = match records {
            None => Some(extents.bytes),
            Some(Records { count: 0, .. }) => Some(0),
            Some(records) => records
                .place(records.count.saturating_sub(1))
                .and_then(|last| last.checked_add(records.bytes).and_then(|end| end.checked_sub(records.begin))),
        };
        // Where there is no record the first may be meant to lie anywhere.
        if length != Some(0) {
            self.range(Structure::RawData, Address(variable.begin), length.unwrap_or(u64::MAX))?;
        }
        let extent = if dimensions.is_empty() { Extent::Scalar } else { Extent::Simple };
        let shape: Vec<u64> = dimensions.iter().map(|one| one.length).collect();
        let storage = if records.is_none() {
            Storage::Contiguous { offset: Some(variable.begin), length: extents.bytes }
        } else {
            let chunk = std::iter::once(1).chain(shape.iter().skip(1).copied()).collect();
            Storage::Chunked { chunk, index: RECORDS, unfiltered_edges: false, chunks: None }
        };
        let maximum = dimensions.iter().map(|one| Some(one.length).filter(|_| !one.unlimited)).collect();
        Ok(Dataset {
            datatype: datatype(variable.element, 1),
            dataspace: Dataspace { extent, dimensions: shape, maximum },
            // All elements are there.
            fill: FillValue::Undefined,
            filters: FilterPipeline::default(),
            storage,
            named: dimensions.iter().map(|one| one.name.clone()).collect(),
        })
    }

    fn classic_attributes(&self, stored: &[header::Attribute<'_>]) -> Result<Vec<Attribute>, Halt> {
        stored.iter().map(|one| self.classic_attribute(one)).collect()
    }

    fn classic_attribute(&self, stored: &header::Attribute<'_>) -> Result<Attribute, Halt> {
        let values = attempt(self.classic_values(stored))?;
        let (name, name_is_utf8) = match String::from_utf8_lossy(stored.name) {
            Cow::Borrowed(name) => (name.to_owned(), true),
            Cow::Owned(name) => (name, false),
        };
        let text = stored.element == Element::Char;
        let count = if text { 1 } else { stored.count };
        let (extent, dimensions) = match stored.count {
            0 => (Extent::Null, Vec::new()),
            1 => (Extent::Scalar, Vec::new()),
            _ if text => (Extent::Scalar, Vec::new()),
            _ => (Extent::Simple, vec![count]),
        };
        let maximum = dimensions.iter().copied().map(Some).collect();
        let size = if text { u32::try_from(stored.count.max(1)).unwrap_or(u32::MAX) } else { 1 };
        let datatype = datatype(stored.element, size);
        Ok(Attribute { name, name_is_utf8, datatype, dataspace: Dataspace { extent, dimensions, maximum }, values })
    }

    /// The values of an attribute. All its characters are one text, from which NUL is left out, as netCDF4-python does.
    fn classic_values(&self, stored: &header::Attribute<'_>) -> Result<Vec<Value>, Halt> {
        check("attribute_bytes", wide(stored.values.len()), self.limits().attribute_bytes)?;
        match stored.element {
            _ if stored.count == 0 => Ok(Vec::new()),
            Element::Char => {
                let text: Vec<u8> = stored.values.bytes().iter().copied().filter(|byte| *byte != 0).collect();
                let text = String::from_utf8(text).map(Value::Text);
                Ok(vec![text.unwrap_or_else(|error| Value::NotUtf8(error.into_bytes()))])
            }
            element => self.values(&datatype(element, 1), stored.count, stored.values),
        }
    }

    /// Every variable, those with chunk tables that are wanted.
    pub(super) fn classic_tree(&self, classic: &Classic, detail: &Detail<'_>) -> Result<Tree, Error> {
        let root = Node { content: Ok(Content::Group), attributes: Ok(classic.attributes.clone()) };
        let mut objects = vec![Object { path: "/".to_owned(), address: 0, node: Arc::new(root) }];
        let mut links = Vec::new();
        let mut seen = BTreeSet::new();
        for (at, variable) in classic.variables.iter().enumerate() {
            let path = format!("/{}", String::from_utf8_lossy(&variable.name));
            let twice = (!seen.insert(&variable.name)).then_some("an earlier variable has it");
            if let Some(reason) = unnameable(&variable.name).or(twice) {
                links.push(Link { path, kind: LinkKind::Unnameable(reason) });
                continue;
            }
            let dataset = self.with_records(variable, (detail.chunks)(&path))?;
            let content = dataset.map(|dataset| Content::Dataset(Box::new(dataset)));
            let node = Node { content, attributes: Ok(variable.attributes.clone()) };
            objects.push(Object { path, address: wide(at).saturating_add(1), node: Arc::new(node) });
        }
        Ok(Tree { objects, links, dimensions: classic.dimensions.clone() })
    }

    /// The variable at an address, as [`Classic::find`] gives it.
    pub(super) fn classic_dataset(
        &self,
        classic: &Classic,
        address: Address,
        with_chunks: bool,
    ) -> Option<Result<Dataset, Error>> {
        let variable = classic.variables.get(narrow(address.0.checked_sub(1)?))?;
        Some(self.with_records(variable, with_chunks).and_then(|dataset| dataset))
    }

    /// The dataset of a variable, with its records as chunks where these are wanted; what these cost is the file's error.
    fn with_records(&self, variable: &Variable, wanted: bool) -> Result<Result<Dataset, Error>, Error> {
        let mut dataset = variable.dataset.clone();
        let Ok(Dataset { storage: Storage::Chunked { chunk, chunks, .. }, .. }) = &mut dataset else {
            return Ok(dataset);
        };
        if let Some(records) = variable.records.filter(|_| wanted) {
            self.budget().chunks(records.count)?;
            // They take no bytes of the file, and memory all the same.
            self.budget().structure(records.count.saturating_mul(24))?;
            *chunks = Some(Ok(Arc::new(records.table(chunk.len()))));
        }
        Ok(dataset)
    }
}

impl Classic {
    /// The address of the variable on a path, or of the root group.
    pub(super) fn find(&self, way: &[Vec<u8>]) -> Option<Address> {
        match way {
            [] => Some(Address(0)),
            [name] => {
                let at = self.variables.iter().position(|variable| variable.name == *name)?;
                Some(Address(wide(at).saturating_add(1)))
            }
            _ => None,
        }
    }
}

impl Records {
    /// File offset of the `n`th.
    fn place(&self, n: u64) -> Option<u64> {
        n.checked_mul(self.step).and_then(|before| before.checked_add(self.begin))
    }

    fn table(&self, rank: usize) -> ChunkTable {
        let numbers = || 0..self.count;
        ChunkTable {
            grid: std::iter::once(self.count).chain(std::iter::repeat_n(1, rank.saturating_sub(1))).collect(),
            number: numbers().collect(),
            offset: numbers().map(|n| self.place(n).unwrap_or(u64::MAX)).collect(),
            size: numbers().map(|_| self.bytes).collect(),
            masks: FilterMasks::default(),
        }
    }
}

/// What a variable takes, in each record if it has any (`NC_var_shape`).
fn extents(header: &Header<'_>, variable: &header::Variable<'_>) -> Result<Extents, Error> {
    let mut lengths = variable.dimensions.iter().filter_map(|at| header.dimensions.get(*at)).map(|one| one.length);
    let is_record =
        variable.dimensions.first().and_then(|at| header.dimensions.get(*at)).is_some_and(|one| one.length.is_none());
    if is_record {
        lengths.next();
    }
    let size = variable.element.size();
    let too_large = || Error::from(Unsupported::Feature("a variable of more than 2^63 bytes"));
    let bytes = lengths.try_fold(u64::from(size), |bytes, length| {
        let length = length.ok_or(Unsupported::Feature("a variable whose record dimension is not its first"))?;
        bytes.checked_mul(length).ok_or_else(too_large)
    })?;
    let padded =
        bytes.checked_next_multiple_of(4).filter(|bytes| i64::try_from(*bytes).is_ok()).ok_or_else(too_large)?;
    Ok(Extents { bytes, padded, is_record })
}

/// Refuses a header after which variables do not lie in its order, those without records first: netCDF-C opens no such file
/// (`NC_computeshapes`, `NC_check_voffs`).
fn check_places(header: &Header<'_>, extents: &[Result<Extents, Error>]) -> Result<(), Error> {
    let mut end = header.length;
    for of_records in [false, true] {
        for (variable, extents) in header.variables.iter().zip(extents) {
            let Ok(extents) = extents else { continue };
            if extents.is_record != of_records {
                continue;
            }
            if variable.begin < end {
                let problem = Problem::Order("variables");
                return Err(
                    FormatError { structure: Structure::Classic, start: 0, at: variable.begin_at, problem }.into()
                );
            }
            end = variable.begin.saturating_add(extents.padded);
        }
    }
    Ok(())
}

/// Bytes of a record of all record variables. Where there is one only, it is not padded (`NC_computeshapes`).
fn record_size(variables: &[Result<Extents, Error>]) -> Result<u64, Error> {
    // Of one that is refused it is not known whether it has records.
    let all: Vec<Extents> = variables.iter().cloned().collect::<Result<_, _>>()?;
    let mut records = all.iter().filter(|extents| extents.is_record);
    if let (Some(only), None) = (records.next(), records.next()) {
        return Ok(only.bytes);
    }
    let mut records = all.iter().filter(|extents| extents.is_record);
    let size = records.try_fold(0_u64, |size, extents| size.checked_add(extents.padded));
    size.ok_or_else(|| Unsupported::Feature("records of more than 2^64 bytes").into())
}

/// How many records there are in a file whose writer did not say: those that are there in all variables.
fn streamed(header: &Header<'_>, extents: &[Result<Extents, Error>], step: Option<u64>, end: u64) -> u64 {
    let records = header.variables.iter().zip(extents).filter_map(|(variable, extents)| {
        let extents = extents.as_ref().ok().filter(|extents| extents.is_record)?;
        let after_first = end.checked_sub(variable.begin).and_then(|bytes| bytes.checked_sub(extents.bytes));
        Some(after_first.and_then(|bytes| bytes.checked_div(step?)).map_or(0, |more| more.saturating_add(1)))
    });
    records.min().unwrap_or(0)
}

/// The type of elements; of characters that of texts of `length` bytes.
fn datatype(element: Element, length: u32) -> Datatype {
    let order = ByteOrder::Big;
    match element {
        Element::Integer { bytes, signed } => Datatype::integer(order, signed, bytes),
        Element::Float { bytes } => Datatype::float(order, bytes)
            .unwrap_or(Datatype { size: bytes.into(), class: Class::Opaque { tag: String::new() } }),
        Element::Char => {
            let text = Text { padding: Padding::NullPadded, charset: Charset::Ascii };
            Datatype { size: length, class: Class::String(text) }
        }
    }
}
