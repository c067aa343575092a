//! Version 2 B-trees ([III.A.2]): records of any type, as bytes that the caller decodes.

use nom::number::complete::{le_u8, le_u16, le_u32};

use crate::error::Problem;
use crate::field::checksum::checksum;
use crate::field::convert::narrow;
use crate::field::sizes::{bytes_for, le_uint, sum, version};
use crate::field::{Address, Parsed, Sizes, Span, bytes, signature};

/// Enough bytes for a header, whatever the widths.
pub(crate) const LONGEST_HEADER: u64 = 86;

/// Most bytes of a node: libhdf5 writes 512 to 2,048 by default.
const LARGEST_NODE: u32 = 1 << 20;

/// Deepest tree: 2 records a node for 2^64 records.
const DEEPEST: u16 = 64;

/// Signature, version and type before the records, checksum after them.
const NODE_OVERHEAD: u64 = 10;

/// The header of a version 2 B-tree ([III.A.2]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// What the records describe.
    pub(crate) record_type: u8,
    pub(crate) node_size: u32,
    pub(crate) record_size: u16,
    pub(crate) root: Option<Child>,
    /// Records in the whole tree.
    pub(crate) total_records: u64,
    /// Widths of the counts in child pointers, by the level of the node that holds them (level 1 first).
    widths: Vec<u8>,
    /// Width of the count of a child's own records.
    own_width: u8,
}

/// A node as its parent points to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Child {
    pub(crate) address: Address,
    pub(crate) records: u16,
    /// 0 for a leaf.
    pub(crate) level: u16,
}

/// One node: its records, and at levels above 0 its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    pub(crate) records: Vec<Span<'a>>,
    pub(crate) children: Vec<Child>,
}

impl Header {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let start = i;
        let (i, ()) = signature("BTHD", i)?;
        let (i, _version) = version(0..=0, i)?;
        let (at_node_size, record_type) = le_u8(i)?;
        let (at_record_size, node_size) = le_u32(at_node_size)?;
        let (at_depth, record_size) = le_u16(at_record_size)?;
        let (i, depth) = le_u16(at_depth)?;
        let (i, _split_percent) = le_u8(i)?;
        let (i, _merge_percent) = le_u8(i)?;
        let (i, root) = sizes.address(i)?;
        let (i, root_records) = le_u16(i)?;
        let (i, total_records) = sizes.length(i)?;
        let (rest, ()) = checksum(start.until(&i), i)?;
        if node_size > LARGEST_NODE || u64::from(node_size) < NODE_OVERHEAD.saturating_add(record_size.into()) {
            return at_node_size.value("node size", node_size);
        }
        if record_size == 0 {
            return at_record_size.value("record size", record_size);
        }
        if depth > DEEPEST {
            return at_depth.value("depth", depth);
        }
        let Some((own_width, widths)) = pointer_widths(sizes, node_size, record_size, depth) else {
            return at_depth.value("depth", depth);
        };
        let root = root.map(|address| Child { address, records: root_records, level: depth });
        Ok((rest, Self { record_type, node_size, record_size, root, total_records, widths, own_width }))
    }
}

impl<'a> Node<'a> {
    pub(crate) fn parse(sizes: Sizes, header: &Header, place: Child, i: Span<'a>) -> Parsed<'a, Self> {
        let start = i;
        let (i, ()) = signature(if place.level == 0 { "BTLF" } else { "BTIN" }, i)?;
        let (i, _version) = version(0..=0, i)?;
        let (rest, record_type) = le_u8(i)?;
        if record_type != header.record_type {
            let (found, expected) = (record_type.into(), header.record_type.into());
            return i.fail(Problem::Mismatch { field: "type", found, expected });
        }
        let mut i = rest;
        let mut records = Vec::with_capacity(place.records.into());
        for _ in 0..place.records {
            let (rest, record) = bytes(header.record_size.into(), i)?;
            records.push(record);
            i = rest;
        }
        let (i, children) = if place.level == 0 { (i, Vec::new()) } else { children(sizes, header, place, i)? };
        let (rest, ()) = checksum(start.until(&i), i)?;
        Ok((rest, Self { records, children }))
    }
}

fn children<'a>(sizes: Sizes, header: &Header, place: Child, i: Span<'a>) -> Parsed<'a, Vec<Child>> {
    let level = place.level.saturating_sub(1);
    let total_width = header.widths.get(usize::from(level)).copied().unwrap_or(8);
    let mut children = Vec::with_capacity(usize::from(place.records).saturating_add(1));
    let mut i = i;
    for _ in 0..=place.records {
        let (rest, address) = sizes.defined("child node pointer", i)?;
        let (after, records) = le_uint(header.own_width, rest)?;
        let Ok(records) = u16::try_from(records) else {
            return rest.value("number of records", records);
        };
        let (after, _total) = if level == 0 { (after, 0) } else { le_uint(total_width, after)? };
        children.push(Child { address, records, level });
        i = after;
    }
    Ok((i, children))
}

/// The widths of the counts in child pointers (`H5B2__hdr_init`): the own count is as wide as a leaf's most records need,
/// at every level; the total is as wide as the most records below a child need, and absent at level 1.
fn pointer_widths(sizes: Sizes, node_size: u32, record_size: u16, depth: u16) -> Option<(u8, Vec<u8>)> {
    let record = u64::from(record_size);
    let room = u64::from(node_size).checked_sub(NODE_OVERHEAD)?;
    let leaf_most = room.checked_div(record)?;
    let own_width = bytes_for(leaf_most);
    let mut below_most = leaf_most;
    let mut widths = vec![0_u8];
    for _ in 0..depth {
        let below_width = widths.last().copied()?;
        let pointer = sum(&[sizes.offsets.bytes(), own_width.into(), below_width.into()])?;
        let most = room.checked_sub(pointer)?.checked_div(record.checked_add(pointer)?)?;
        below_most = most.saturating_add(1).saturating_mul(below_most).saturating_add(most);
        widths.push(bytes_for(below_most));
    }
    // widths[l] is that of a child at level l.
    widths.truncate(narrow(depth.into()).max(1));
    Some((own_width, widths))
}
