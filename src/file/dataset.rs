//! Datasets: what their elements are and where they lie.

use std::sync::Arc;

use bytes::Bytes;

use super::File;
use super::chunks::ChunkTable;
use super::object::{Header, Message};
use super::overlay::Overlay;
use crate::error::{Error, Problem, Structure};
use crate::field::convert::{narrow, wide};
use crate::field::sizes::length_of;
use crate::field::{Address, Parsed, Span};
use crate::limits::check;
use crate::source::{Halt, attempt, both};
use crate::structure::message::data_layout::{Chunked, DataLayout};
use crate::structure::message::dataspace::Dataspace;
use crate::structure::message::datatype::Datatype;
use crate::structure::message::external_files::{ExternalFiles, Slot};
use crate::structure::message::fill_value::FillValue;
use crate::structure::message::filter_pipeline::FilterPipeline;
use crate::structure::message::types;
use crate::structure::virtual_mappings::{Mapping, mappings};

/// What stands for the index of a netCDF classic file's records, which are found by counting.
pub(super) const RECORDS: &str = "record";

/// A dataset.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What each element is.
    pub datatype: Datatype,
    /// How many elements there are, in what shape.
    pub dataspace: Dataspace,
    /// What elements read as that were never written.
    pub fill: FillValue,
    /// The filters of its chunks.
    pub filters: FilterPipeline,
    /// Where the elements lie.
    pub storage: Storage,
    /// The names of its dimensions, where the format itself gives them: those of netCDF-3; empty for others.
    pub named: Vec<String>,
}

/// Where a dataset's elements lie.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Storage {
    /// In the object header.
    Compact {
        /// File offset of the first element.
        offset: u64,
        /// The elements.
        elements: Bytes,
    },
    /// In one piece, or nowhere yet.
    Contiguous {
        /// File offset of the first element; `None` where nothing was ever written.
        offset: Option<u64>,
        /// Bytes of all elements.
        length: u64,
    },
    /// In chunks.
    Chunked {
        /// Size of a chunk in each dimension, in elements.
        chunk: Vec<u64>,
        /// The specification's name of the index.
        index: &'static str,
        /// Partial edge chunks are stored without filters.
        unfiltered_edges: bool,
        /// Where the chunks lie; `None` where that was not asked for.
        chunks: Option<Result<Arc<ChunkTable>, Error>>,
    },
    /// In other files, one after another.
    External(Vec<ExternalFile>),
    /// In other datasets.
    Virtual(Vec<Mapping>),
}

impl Dataset {
    /// Whether its chunks are the records of a netCDF classic file.
    pub(crate) fn is_of_records(&self) -> bool {
        matches!(self.storage, Storage::Chunked { index: RECORDS, .. })
    }
}

/// A part of a dataset's elements in another file ([IV.A.2.h]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalFile {
    /// Its name, as it is stored.
    pub name: String,
    /// Offset of the part in the file.
    pub offset: u64,
    /// Bytes of the part; `None` is all that follows.
    pub size: Option<u64>,
}

impl Storage {
    /// The specification's name of the layout class.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Compact { .. } => "compact",
            Self::Contiguous { .. } => "contiguous",
            Self::Chunked { .. } => "chunked",
            Self::External(_) => "external",
            Self::Virtual(_) => "virtual",
        }
    }

    /// The place of the chunk table.
    pub(crate) fn chunks_mut(&mut self) -> Option<&mut Option<Result<Arc<ChunkTable>, Error>>> {
        match self {
            Self::Chunked { chunks, .. } => Some(chunks),
            _ => None,
        }
    }
}

impl Header {
    /// Whether the object is a dataset.
    pub(crate) fn is_dataset(&self) -> bool {
        self.find(types::DATA_LAYOUT).is_some() || self.find(types::DATASPACE).is_some()
    }
}

impl File<'_> {
    /// The dataset in an object header; `with_chunks` reads its chunk index too.
    pub(crate) fn dataset(&self, header: &Header, with_chunks: bool) -> Result<Dataset, Halt> {
        let space = self.message(header, types::DATASPACE, "dataspace message");
        let datatype = self.message(header, types::DATATYPE, "datatype message");
        let layout = self.message(header, types::DATA_LAYOUT, "data layout message");
        let pipeline = self.message(header, types::FILTER_PIPELINE, "filter pipeline message");
        let ((space, datatype), ((layout, pipeline), fill)) =
            both(both(space, datatype), both(both(layout, pipeline), self.fill_message(header)))?;
        let sizes = self.sizes();
        let dataspace =
            self.required(header, space, "dataspace message", Structure::Dataspace, |i| Dataspace::parse(sizes, i))?;
        let datatype = self.datatype_message(header, datatype)?;
        let fill = fill_value(fill, &datatype)?;
        let parse = |message: Message| message.parse(Structure::FilterPipeline, FilterPipeline::parse);
        let filters = pipeline.map(parse).transpose()?.unwrap_or_default();
        let missing =
            || self.problem_at(Structure::ObjectHeader, header.address, Problem::Missing("data layout message"));
        let layout = layout.ok_or_else(missing)?;
        let place = Place { header, layout: &layout, dataspace: &dataspace, datatype: &datatype, filters: &filters };
        let storage = self.storage(&place, with_chunks)?;
        Ok(Dataset { datatype, dataspace, fill, filters, storage, named: Vec::new() })
    }

    /// The datatype in an object header: a committed one.
    pub(crate) fn committed_datatype(&self, header: &Header) -> Result<Datatype, Halt> {
        let message = self.message(header, types::DATATYPE, "datatype message")?;
        Ok(self.datatype_message(header, message)?)
    }

    fn datatype_message(&self, header: &Header, message: Option<Message>) -> Result<Datatype, Error> {
        let deepest = self.limits().datatype_depth;
        let name = "datatype message";
        let datatype = self.required(header, message, name, Structure::Datatype, |i| Datatype::parse(deepest, i))?;
        check("element_bytes", datatype.unit().into(), self.limits().element_bytes)?;
        Ok(datatype)
    }

    fn required<T>(
        &self,
        header: &Header,
        message: Option<Message>,
        name: &'static str,
        structure: Structure,
        parser: impl FnOnce(Span<'_>) -> Parsed<'_, T>,
    ) -> Result<T, Error> {
        let missing = || self.problem_at(Structure::ObjectHeader, header.address, Problem::Missing(name));
        message.ok_or_else(missing)?.parse(structure, parser)
    }

    /// The fill value, with the offset of its message: the new message wins over the old one.
    fn fill_message(&self, header: &Header) -> Result<(u64, FillValue), Halt> {
        if let Some(message) = self.message(header, types::FILL_VALUE, "fill value message")? {
            return Ok((message.body.at, message.parse(Structure::FillValue, FillValue::parse)?));
        }
        match self.message(header, types::FILL_VALUE_OLD, "old fill value message")? {
            Some(message) => Ok((message.body.at, message.parse(Structure::FillValue, FillValue::parse_old)?)),
            None => Ok((header.address.0, FillValue::Default)),
        }
    }

    fn storage(&self, place: &Place<'_>, with_chunks: bool) -> Result<Storage, Halt> {
        if let Some(message) = place.header.find(types::EXTERNAL_FILES) {
            let external = message.parse(Structure::ExternalFiles, |i| ExternalFiles::parse(self.sizes(), i))?;
            let names = self.local_heap(external.heap)?;
            let file = |slot: &Slot| {
                let name = String::from_utf8_lossy(&names.text(slot.name_offset)?).into_owned();
                Ok(ExternalFile { name, offset: slot.offset, size: slot.size })
            };
            return Ok(Storage::External(external.slots.iter().map(file).collect::<Result<_, Error>>()?));
        }
        let layout = place.layout.parse(Structure::DataLayout, |i| DataLayout::parse(self.sizes(), i))?;
        // A chunked dataset may be larger than any file: only what was written is stored.
        let length = || place.length().ok_or_else(|| place.layout_problem(Problem::Overflow("size of the dataset")));
        match layout {
            DataLayout::Compact { elements } => Ok(compact(place, &self.overlay, elements, length()?)?),
            DataLayout::Contiguous { address, size } => Ok(self.contiguous(place, address, size, length()?)?),
            DataLayout::Chunked(chunked) => self.chunked(place, &chunked, with_chunks),
            DataLayout::Virtual { mappings: None } => Ok(Storage::Virtual(Vec::new())),
            DataLayout::Virtual { mappings: Some(id) } => {
                let block = self.heap_block(id)?;
                Ok(Storage::Virtual(block.parse(Structure::VirtualMappings, |i| mappings(self.sizes(), i))?))
            }
        }
    }

    fn contiguous(
        &self,
        place: &Place<'_>,
        address: Option<Address>,
        size: Option<u64>,
        length: u64,
    ) -> Result<Storage, Error> {
        let Some(address) = address else { return Ok(Storage::Contiguous { offset: None, length }) };
        if let Some(found) = size.filter(|size| *size < length) {
            return Err(place.layout_problem(Problem::Mismatch { field: "size", found, expected: length }));
        }
        let range = self.range(Structure::RawData, address, length)?;
        Ok(Storage::Contiguous { offset: Some(range.start), length })
    }

    fn chunked(&self, place: &Place<'_>, chunked: &Chunked, with_chunks: bool) -> Result<Storage, Halt> {
        let rank = place.dataspace.dimensions.len();
        let chunk = chunked.dimensions.get(..rank).filter(|_| chunked.dimensions.len() == rank.saturating_add(1));
        let Some(chunk) = chunk.map(<[u64]>::to_vec) else {
            let (found, expected) = (wide(chunked.dimensions.len()), wide(rank).saturating_add(1));
            return Err(place.layout_problem(Problem::Mismatch { field: "dimensionality", found, expected }).into());
        };
        // libhdf5 opens no other (`H5D__chunk_set_sizes`).
        let (found, expected) = (chunked.dimensions.last().copied().unwrap_or(0), place.datatype.size.into());
        if found != expected {
            let problem = Problem::Mismatch { field: "dataset element size", found, expected };
            return Err(place.layout_problem(problem).into());
        }
        let chunks = if with_chunks { Some(attempt(self.chunk_table(place, chunked, &chunk))?) } else { None };
        let (index, unfiltered_edges) = (chunked.index.name(), chunked.unfiltered_edges);
        Ok(Storage::Chunked { chunk, index, unfiltered_edges, chunks })
    }
}

/// A fill value of one element. libhdf5 refuses an old message of another size (`H5O__fill_old_decode`); of a new one it
/// reads memory that it never wrote.
fn fill_value((at, fill): (u64, FillValue), datatype: &Datatype) -> Result<FillValue, Error> {
    match &fill {
        FillValue::Value(element) if wide(element.len()) != u64::from(datatype.size) => {
            let (found, expected) = (wide(element.len()), u64::from(datatype.size));
            Err(Error::format(Structure::FillValue, at, Problem::Mismatch { field: "size", found, expected }))
        }
        _ => Ok(fill),
    }
}

/// What decides where a dataset's elements lie.
pub(crate) struct Place<'a> {
    pub(crate) header: &'a Header,
    pub(crate) layout: &'a Message,
    pub(crate) dataspace: &'a Dataspace,
    pub(crate) datatype: &'a Datatype,
    pub(crate) filters: &'a FilterPipeline,
}

impl Place<'_> {
    pub(crate) fn layout_problem(&self, problem: Problem) -> Error {
        Error::format(Structure::DataLayout, self.layout.body.at, problem)
    }

    /// Bytes of all elements.
    fn length(&self) -> Option<u64> {
        self.dataspace.elements().and_then(|elements| elements.checked_mul(self.datatype.size.into()))
    }
}

/// The elements of a dataset that lie in its layout message.
fn compact(place: &Place<'_>, overlay: &Overlay, elements: Span<'_>, length: u64) -> Result<Storage, Error> {
    let found = length_of(&elements);
    // A dataset without elements may keep a few bytes all the same; libhdf5 opens no other with more (`H5D__compact_init`).
    if found < length || (found > length && length > 0) {
        return Err(place.layout_problem(Problem::Mismatch { field: "size", found, expected: length }));
    }
    let elements_only = elements.bytes().get(..narrow(length)).unwrap_or_default();
    let offset = overlay.place(elements.at(), length);
    let offset = offset.ok_or_else(|| place.layout_problem(Problem::Order("entries of the metadata cache image")))?;
    Ok(Storage::Compact { offset, elements: Bytes::copy_from_slice(elements_only) })
}

#[cfg(test)]
mod tests {
    use crate::file::FillValue;
    use crate::file::proofs::{object, refusals, tree_of};
    use crate::limits::Limits;
    use crate::structure::proofs::with;

    /// "/d": six integers of 4 bytes; fill value messages at 0x370, and the old one at 0x388, both of 7.
    const SEVEN: &[u8] = include_bytes!("../../testdata/fill_value/seven.h5");

    #[test]
    fn a_fill_value_is_as_long_as_an_element() {
        for size in [1, 3, 8] {
            let told = refusals(&with(SEVEN, 0x374, &[size]), Limits::default());
            assert_eq!(told, [format!("/d: fill value message at 0x370: size is {size}, not 4 (at 0x370)")]);
        }
    }

    #[test]
    fn an_old_fill_value_counts_where_there_is_no_new_one() {
        let old = with(SEVEN, 0x368, &[0]);
        let fill = &object(&tree_of(&old), "/d").dataset().unwrap().fill.clone();
        assert_eq!(fill, &FillValue::Value(vec![7, 0, 0, 0]));
        let told = refusals(&with(&old, 0x388, &[2]), Limits::default());
        assert_eq!(told, ["/d: fill value message at 0x388: size is 2, not 4 (at 0x388)"]);
    }
}
