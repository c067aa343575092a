//! Attributes, compact and dense ([IV.A.2.m], [IV.A.2.v]).

use std::borrow::Cow;

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
#[derive(Debug, Clone)]
pub struct Attribute {
    /// The name; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// Whether no byte of the name was replaced.
    pub name_is_utf8: bool,
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
        self.records(index, 8, |_, i| {
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
        let (name, name_is_utf8) = match String::from_utf8_lossy(&message.name) {
            Cow::Borrowed(name) => (name.to_owned(), true),
            Cow::Owned(name) => (name, false),
        };
        Ok(Attribute { name, name_is_utf8, datatype, dataspace, values })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::proofs::{exceeded, object, refusals, tree_of};
    use crate::limits::Limits;
    use crate::structure::proofs::with;

    const TYPES: &[u8] = include_bytes!("../../testdata/attribute/many_types.h5");
    /// 60 attributes of the root group's dataset, in a fractal heap.
    const DENSE: &[u8] = include_bytes!("../../testdata/attribute/dense.h5");

    fn value(bytes: &[u8], path: &str, name: &str) -> Vec<Value> {
        let tree = tree_of(bytes);
        object(&tree, path).attribute(name).unwrap().values.clone().unwrap()
    }

    #[test]
    fn values_are_flat_in_c_order() {
        assert_eq!(value(TYPES, "/", "matrix"), (0..6).map(Value::Signed).collect::<Vec<_>>());
        assert_eq!(value(TYPES, "/", "u8_max"), [Value::Unsigned(u64::MAX)]);
        assert_eq!(value(TYPES, "/", "f4_tenth"), [Value::Float(f64::from(0.1_f32))]);
        assert_eq!(value(TYPES, "/", "complex"), [Value::Complex(1.0, 2.0)]);
        assert_eq!(value(TYPES, "/", "bools"), [Value::Boolean(true), Value::Boolean(false)]);
        assert_eq!(value(TYPES, "/", "no_elements"), []);
    }

    #[test]
    fn a_null_dataspace_is_not_the_same_as_no_elements() {
        let tree = tree_of(TYPES);
        let is_null = |name| object(&tree, "/").attribute(name).unwrap().is_null();
        assert_eq!(["null", "null_string", "no_elements", "one"].map(is_null), [true, true, false, false]);
    }

    #[test]
    fn one_text_is_text() {
        let tree = tree_of(include_bytes!("../../testdata/attribute/strings.h5"));
        let text = |name| object(&tree, "/").attribute(name).unwrap().text();
        assert_eq!(
            ["fixed", "vlen_one", "vlen_empty", "utf8"].map(text),
            [Some("fixed"), Some("only"), Some(""), Some("Größe 名前")]
        );
        assert_eq!(["vlen_list", "latin1", "größe"].map(text), [None; 3]);
    }

    #[test]
    fn both_versions_of_the_message_say_the_same() {
        let all = |bytes| {
            let tree = tree_of(bytes);
            let mut all: Vec<_> =
                object(&tree, "/").attributes().iter().map(|one| format!("{} {:?}", one.name, one.values)).collect();
            all.sort();
            all
        };
        assert_eq!(all(TYPES), all(include_bytes!("../../testdata/attribute/many_types_v3.h5")));
    }

    #[test]
    fn dense_attributes_are_listed_by_name_or_as_they_were_created() {
        let names = |bytes: &[u8]| {
            let tree = tree_of(bytes);
            let of_all = tree.objects.iter().flat_map(crate::file::Object::attributes);
            of_all.map(|attribute| attribute.name.clone()).collect::<Vec<_>>()
        };
        let by_name = names(DENSE);
        assert!(by_name.len() == 60 && by_name.is_sorted());
        let created = names(include_bytes!("../../testdata/attribute/dense_creation_order.h5"));
        assert!(created.len() == 20 && !created.is_sorted());
    }

    #[test]
    fn a_value_that_is_too_large_costs_its_attribute_only() {
        let limits = Limits { attribute_bytes: 8, ..Limits::default() };
        let told = refusals(TYPES, limits);
        assert!(told.contains(&format!("/: {}", exceeded("attribute_bytes", 8, 24))), "{told:?}");
        let tree = crate::file::proofs::tree_within(TYPES, limits).unwrap();
        assert!(object(&tree, "/").attribute("u8_max").unwrap().values.is_ok());
        assert_eq!(refusals(TYPES, Limits { attribute_bytes: 48, ..Limits::default() }), [""; 0]);
    }

    #[test]
    fn attributes_that_are_too_large_together_are_refused() {
        let huge = include_bytes!("../../testdata/attribute/huge.h5");
        assert_eq!(refusals(huge, Limits::default()), [""; 0]);
        let told = refusals(huge, Limits { header_bytes: 50_000, ..Limits::default() });
        assert!(matches!(&told[..], [one] if one.contains("exceeds Limits::header_bytes = 50000")), "{told:?}");
    }

    /// The value of the attribute of `testdata/attribute/vlen_numbers.h5` is two heap IDs, the second null.
    #[test]
    fn a_value_whose_heap_object_is_missing_costs_its_attribute_only() {
        let file = include_bytes!("../../testdata/attribute/vlen_numbers.h5");
        let numbers = [1, 2, 3].map(Value::Signed).to_vec();
        assert_eq!(value(file, "/", "d"), [Value::Sequence(numbers), Value::Sequence(Vec::new())]);
        let told = |at, others: &[u8]| refusals(&with(file, at, others), Limits::default());
        assert_eq!(told(0x38c, &[2]), ["/: global heap collection at 0x800: the heap object is missing (at 0x800)"]);
        // One element more than the object holds.
        assert_eq!(
            told(0x380, &[4]),
            ["/: global heap collection at 0x800: the bytes end inside the structure (at 0x800)"]
        );
        assert_eq!(told(0x800, b"X"), ["/: global heap collection at 0x800: signature is not \"GCOL\" (at 0x800)"]);
    }
}
