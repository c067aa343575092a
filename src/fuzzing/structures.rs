//! Structures parsed, each by the number that it has here.

use crate::error::Structure;
use crate::field::{Parsed, Sizes, Span, Width, bytes};
use crate::structure::btree_v1::{ChunkNode, GroupNode};
use crate::structure::chunk_index::extensible_array::ExtensibleArray;
use crate::structure::chunk_index::fixed_array::FixedArray;
use crate::structure::classic::Header;
use crate::structure::driver_information::Driver;
use crate::structure::fractal_heap::{self, FractalHeap};
use crate::structure::global_heap::{self, GlobalHeapId};
use crate::structure::local_heap::{self, LocalHeap};
use crate::structure::message::attribute::Attribute;
use crate::structure::message::attribute_info::AttributeInfo;
use crate::structure::message::cache_image::ImageLocation;
use crate::structure::message::continuation::Continuation;
use crate::structure::message::data_layout::DataLayout;
use crate::structure::message::dataspace::Dataspace;
use crate::structure::message::datatype::Datatype;
use crate::structure::message::external_files::ExternalFiles;
use crate::structure::message::file_space_info::FileSpaceInfo;
use crate::structure::message::fill_value::FillValue;
use crate::structure::message::filter_pipeline::FilterPipeline;
use crate::structure::message::group_info::GroupInfo;
use crate::structure::message::link::Link;
use crate::structure::message::link_info::LinkInfo;
use crate::structure::message::shared::Shared;
use crate::structure::message::shared_message_table::TableLocation;
use crate::structure::message::symbol_table::SymbolTable;
use crate::structure::message::{btree_k, driver_information};
use crate::structure::object_header::Prefix;
use crate::structure::selection::Selection;
use crate::structure::shared_messages::SharedMessageTable;
use crate::structure::superblock::Superblock;
use crate::structure::virtual_mappings::mappings;
use crate::structure::{btree_v2, cache_image, symbol_table};

/// Levels of datatypes in datatypes.
const DEEPEST: u64 = 8;

/// What parsers are told by those of other structures.
#[derive(Clone, Copy)]
struct Facts {
    sizes: Sizes,
    /// A count or an offset.
    number: u16,
}

type Parser = for<'a> fn(Facts, Span<'a>) -> Parsed<'a, ()>;

/// Each parser, and the name of its structure; those of blocks go on with the block behind its header. `fuzz/seeds.py` reads the names.
const PARSERS: [(&str, Parser); 40] = [
    ("superblock", |_, i| done(Superblock::parse(i))),
    ("classic", |_, i| done(Header::parse(i))),
    ("group_node", |facts, i| done(GroupNode::parse(facts.sizes, facts.number, i))),
    ("chunk_node", |facts, i| done(ChunkNode::parse(facts.sizes, 32, usize::from(facts.number % 34), i))),
    ("btree_v2", btree_v2),
    ("symbol_table_entry", |facts, i| done(symbol_table::Entry::parse(facts.sizes, i))),
    ("symbol_table_node", |facts, i| done(symbol_table::Node::parse(facts.sizes, facts.number, i))),
    ("local_heap", local_heap),
    ("global_heap", global_heap),
    ("global_heap_id", |facts, i| done(GlobalHeapId::parse(facts.sizes, i))),
    ("fractal_heap", fractal_heap),
    ("shared_messages", |facts, i| done(SharedMessageTable::parse(facts.sizes, facts.number.to_le_bytes()[0], i))),
    ("object_header", object_header),
    ("object_header_continuation", object_header_continuation),
    ("cache_image", |facts, i| done(cache_image::entries(facts.sizes, i))),
    ("driver", |_, i| done(Driver::parse(i))),
    ("virtual_mappings", |facts, i| done(mappings(facts.sizes, i))),
    ("selection", |_, i| done(Selection::parse(i))),
    ("fixed_array", fixed_array),
    ("extensible_array", extensible_array),
    ("attribute", |facts, i| done(Attribute::parse(facts.sizes, DEEPEST, i))),
    ("attribute_info", |facts, i| done(AttributeInfo::parse(facts.sizes, i))),
    ("btree_k", |_, i| done(btree_k::parse(i))),
    ("cache_image_location", |facts, i| done(ImageLocation::parse(facts.sizes, i))),
    ("continuation", |facts, i| done(Continuation::parse(facts.sizes, i))),
    ("data_layout", |facts, i| done(DataLayout::parse(facts.sizes, i))),
    ("dataspace", |facts, i| done(Dataspace::parse(facts.sizes, i))),
    ("datatype", |_, i| done(Datatype::parse(DEEPEST, i))),
    ("driver_information", |_, i| done(driver_information::parse(i))),
    ("external_files", |facts, i| done(ExternalFiles::parse(facts.sizes, i))),
    ("file_space_info", |facts, i| done(FileSpaceInfo::parse(facts.sizes, i))),
    ("fill_value", |_, i| done(FillValue::parse(i))),
    ("fill_value_old", |_, i| done(FillValue::parse_old(i))),
    ("filter_pipeline", |_, i| done(FilterPipeline::parse(i))),
    ("group_info", |_, i| done(GroupInfo::parse(i))),
    ("link", |facts, i| done(Link::parse(facts.sizes, i))),
    ("link_info", |facts, i| done(LinkInfo::parse(facts.sizes, i))),
    ("shared", |facts, i| done(Shared::parse(facts.sizes, i))),
    ("shared_message_table", |facts, i| done(TableLocation::parse(facts.sizes, i))),
    ("symbol_table", |facts, i| done(SymbolTable::parse(facts.sizes, i))),
];

/// Parses a structure: `input` is its number here, the widths of offsets and lengths (a byte), what its parent tells (two bytes), and
/// its bytes.
pub fn parse(input: &[u8]) {
    let Some(([kind, widths, low, high], structure)) = input.split_first_chunk() else { return };
    let width = |n: u8| Width::from_bytes(2 << (n % 5)).unwrap_or(Width::Eight);
    let sizes = Sizes { offsets: width(widths & 0xf), lengths: width(widths >> 4) };
    let facts = Facts { sizes, number: u16::from_le_bytes([*low, *high]) };
    let (name, parser) = PARSERS[usize::from(*kind) % PARSERS.len()];
    // Whatever is said, it is said with a place.
    if let Err(error) = crate::structure::parse(Structure::Value, Span::new(structure, 0x60), |i| parser(facts, i)) {
        assert!(!error.to_string().is_empty(), "{name}: an error says nothing");
    }
}

fn done<T>(parsed: Parsed<'_, T>) -> Parsed<'_, ()> {
    parsed.map(|(rest, _)| (rest, ()))
}

fn btree_v2(facts: Facts, i: Span<'_>) -> Parsed<'_, ()> {
    let (i, header) = btree_v2::Header::parse(facts.sizes, i)?;
    let Some(root) = header.root else { return Ok((i, ())) };
    done(btree_v2::Node::parse(facts.sizes, &header, root, i))
}

fn local_heap(facts: Facts, i: Span<'_>) -> Parsed<'_, ()> {
    let (i, _heap) = LocalHeap::parse(facts.sizes, i)?;
    local_heap::text(facts.number.into(), i)?;
    Ok((i, ()))
}

fn global_heap(facts: Facts, i: Span<'_>) -> Parsed<'_, ()> {
    let (_, size) = global_heap::collection_size(facts.sizes, i)?;
    let (_, collection) = bytes(size, i)?;
    done(global_heap::objects(facts.sizes, collection))
}

fn fractal_heap(facts: Facts, i: Span<'_>) -> Parsed<'_, ()> {
    let (_, size) = FractalHeap::header_size(facts.sizes, i)?;
    let (i, header) = bytes(size, i)?;
    let (_, heap) = FractalHeap::parse(facts.sizes, header)?;
    let (i, id) = bytes(heap.id_length.into(), i)?;
    heap.parse_id(facts.sizes, id)?;
    match heap.root_child() {
        None => Ok((i, ())),
        Some(fractal_heap::Child::Direct { heap_offset, .. }) => {
            heap.direct(facts.sizes, heap_offset, i)?;
            done(fractal_heap::object(heap_offset, facts.number.into(), 16, i))
        }
        Some(fractal_heap::Child::Indirect { heap_offset, rows, .. }) => {
            done(heap.indirect(facts.sizes, heap_offset, rows, i))
        }
    }
}

fn object_header(_: Facts, i: Span<'_>) -> Parsed<'_, ()> {
    let (_, prefix) = Prefix::parse(i)?;
    done(prefix.messages(i))
}

fn object_header_continuation(_: Facts, i: Span<'_>) -> Parsed<'_, ()> {
    let (rest, prefix) = Prefix::parse(i)?;
    done(prefix.version.continuation(rest))
}

fn fixed_array(facts: Facts, i: Span<'_>) -> Parsed<'_, ()> {
    let (i, array) = FixedArray::parse(facts.sizes, i)?;
    let (i, _block) = array.data_block(facts.sizes, i)?;
    let page = u64::from(facts.number);
    array.page_offset(facts.sizes, page);
    done(array.format.page(facts.sizes, array.elements_of(page), i))
}

fn extensible_array(facts: Facts, i: Span<'_>) -> Parsed<'_, ()> {
    let (i, array) = ExtensibleArray::parse(facts.sizes, i)?;
    let (mut i, index) = array.index_block(facts.sizes, i)?;
    let mut data_blocks = index.data_blocks;
    if let Some(block) = index.super_blocks.into_iter().nth(usize::from(facts.number % 8)) {
        let (rest, blocks) = array.super_block(facts.sizes, block, i)?;
        data_blocks.extend(blocks);
        i = rest;
    }
    let Some(block) = data_blocks.get(usize::from(facts.number / 8)) else { return Ok((i, ())) };
    let (i, _elements) = array.data_block(facts.sizes, block, i)?;
    array.page_offset(facts.sizes, block, u64::from(facts.number));
    done(array.format.page(facts.sizes, array.page_elements(), i))
}
