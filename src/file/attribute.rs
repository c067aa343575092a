//! Attributes, compact and dense ([IV.A.2.m], [IV.A.2.v]).

use super::object::{Header, Message};
use super::value::Value;
use super::{Block, File};
use crate::error::{Error, Structure};
use crate::field::sizes::length_of;
use crate::field::{Address, Span, bytes};
use crate::limits::check;
use crate::source::{Halt, attempt, both, join};
use crate::structure::message::attribute::Attribute as AttributeMessage;
use crate::structure::message::attribute_info::AttributeInfo;
use crate::structure::message::dataspace::{Dataspace, Extent};
use crate::structure::message::datatype::Datatype;
use crate::structure::message::types;

/// An attribute of a group, dataset or committed datatype.
#[derive(Debug)]
pub struct Attribute {
    /// The name; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// What each element is.
    pub datatype: Datatype,
    /// How many elements there are, in what shape.
    pub dataspace: Dataspace,
    /// The elements in C order, or why they cannot be told.
    pub values: Result<Vec<Value>, Error>,
}

impl Attribute {
    /// The value, if it is one text.
    pub fn text(&self) -> Option<&str> {
        match self.values.as_deref() {
            Ok([Value::Text(text)]) => Some(text),
            _ => None,
        }
    }

    /// Whether there is no element at all.
    pub fn is_null(&self) -> bool {
        self.dataspace.extent == Extent::Null
    }
}

/// An attribute message and where it stands among its object's.
struct Stored {
    creation_order: Option<u32>,
    body: Block,
}

/// A record of the index of dense attributes.
struct Record {
    id: Vec<u8>,
    /// The message is in the heap of shared messages.
    shared: bool,
    creation_order: u32,
}

impl File<'_> {
    /// The attributes of an object: in creation order where it is tracked, else as they are stored, dense ones by name.
    pub(crate) fn attributes(&self, header: &Header) -> Result<Vec<Attribute>, Halt> {
        let info = self.message(header, types::ATTRIBUTE_INFO, "attribute info message")?;
        let parse =
            |message: Message| message.parse(Structure::AttributeInfo, |i| AttributeInfo::parse(self.sizes(), i));
        let info = info.map(parse).transpose()?;
        let dense = info.and_then(|info| info.fractal_heap.zip(info.name_index));
        let compact = join(header.all(types::ATTRIBUTE), |message| {
            let creation_order = message.creation_index.map(u32::from);
            Ok(Stored { creation_order, body: self.unshared(message)?.body })
        });
        let (mut stored, dense) =
            both(compact, dense.map_or(Ok(Vec::new()), |(heap, index)| self.dense_attributes(heap, index)))?;
        stored.extend(dense);
        if info.is_some_and(|info| info.creation_order_tracked) {
            stored.sort_by_key(|attribute| attribute.creation_order);
        }
        let mut total = 0_u64;
        for attribute in &stored {
            total = total.saturating_add(super::length_of(&attribute.body));
        }
        check("header_bytes", total, self.limits().header_bytes)?;
        join(&stored, |attribute| self.attribute(&attribute.body))
    }

    /// Attributes in a fractal heap, by name.
    fn dense_attributes(&self, heap: Address, index: Address) -> Result<Vec<Stored>, Halt> {
        let (heap, records) = both(self.dense(heap), self.attribute_records(index))?;
        let own: Vec<Vec<u8>> =
            records.iter().filter(|record| !record.shared).map(|record| record.id.clone()).collect();
        let mut own = self.dense_objects(&heap, &own)?.into_iter();
        let mut stored = join(records, |record| {
            let body = if record.shared { Some(self.shared_attribute(&record.id)?) } else { own.next() };
            Ok(body.map(|body| Stored { creation_order: Some(record.creation_order), body }))
        })?;
        stored.retain(Option::is_some);
        let name =
            |stored: &Stored| self.parse_attribute(&stored.body).map(|attribute| attribute.name).unwrap_or_default();
        let mut stored: Vec<Stored> = stored.into_iter().flatten().collect();
        stored.sort_by_cached_key(name);
        Ok(stored)
    }

    fn shared_attribute(&self, id: &[u8]) -> Result<Block, Halt> {
        let Ok(id) = id.try_into() else {
            let missing = crate::error::Problem::Missing("the shared message's heap ID");
            return Err(Error::format(Structure::SharedMessage, self.base, missing).into());
        };
        self.shared_in_heap(id, types::ATTRIBUTE)
    }

    /// The index of attribute names: heap ID, flags, creation order, hash (record type 8).
    fn attribute_records(&self, index: Address) -> Result<Vec<Record>, Halt> {
        let mut records = Vec::new();
        self.records(index, 8, |i| {
            let (i, id) = bytes(8, i)?;
            let (i, flags) = nom::number::complete::le_u8(i)?;
            let (i, creation_order) = nom::number::complete::le_u32(i)?;
            let (i, _hash) = bytes(length_of(&i), i)?;
            records.push(Record { id: id.bytes().to_vec(), shared: flags & 2 != 0, creation_order });
            Ok((i, ()))
        })?;
        Ok(records)
    }

    fn parse_attribute<'a>(&self, body: &'a Block) -> Result<AttributeMessage<'a>, Error> {
        let deepest = self.limits().datatype_depth;
        body.parse(Structure::Attribute, |i| AttributeMessage::parse(self.sizes(), deepest, i))
    }

    fn attribute(&self, body: &Block) -> Result<Attribute, Halt> {
        let (sizes, deepest) = (self.sizes(), self.limits().datatype_depth);
        let message = self.parse_attribute(body)?;
        let datatype =
            self.stored(message.datatype, types::DATATYPE, Structure::Datatype, |i| Datatype::parse(deepest, i));
        let dataspace =
            self.stored(message.dataspace, types::DATASPACE, Structure::Dataspace, |i| Dataspace::parse(sizes, i));
        let (datatype, dataspace) = both(datatype, dataspace)?;
        let values = attempt(self.attribute_values(&datatype, &dataspace, message.value))?;
        let name = String::from_utf8_lossy(&message.name).into_owned();
        Ok(Attribute { name, datatype, dataspace, values })
    }

    fn attribute_values(
        &self,
        datatype: &Datatype,
        dataspace: &Dataspace,
        value: Span<'_>,
    ) -> Result<Vec<Value>, Halt> {
        let count = dataspace.elements().unwrap_or(u64::MAX);
        check("attribute_bytes", count.saturating_mul(datatype.size.into()), self.limits().attribute_bytes)?;
        self.values(datatype, count, value)
    }
}
