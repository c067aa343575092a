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
    /// Records of the tree that come before its first.
    pub(crate) first: u64,
    /// Its records and those below it.
    pub(crate) total: u64,
}

/// One node: its records, and at levels above 0 its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    /// Each with the number of records of the tree that come before it.
    pub(crate) records: Vec<(u64, Span<'a>)>,
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
        let (after, total_records) = sizes.length(i)?;
        if root.is_none() && total_records > 0 {
            return i.value("total number of records", total_records);
        }
        let i = after;
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
        let root =
            root.map(|address| Child { address, records: root_records, level: depth, first: 0, total: total_records });
        Ok((rest, Self { record_type, node_size, record_size, root, widths, own_width }))
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
        let total = children.iter().fold(u64::from(place.records), |all, child| all.saturating_add(child.total));
        if total != place.total {
            let (found, expected) = (place.total, total);
            return start.fail(Problem::Mismatch { field: "total number of records", found, expected });
        }
        let (rest, ()) = checksum(start.until(&i), i)?;
        Ok((rest, Self { records: (place.first..).zip(records).collect(), children }.numbered()))
    }

    /// The records of a node with children are numbered past those of the children before them.
    fn numbered(mut self) -> Self {
        for ((number, _), next) in self.records.iter_mut().zip(self.children.iter().skip(1)) {
            *number = next.first.saturating_sub(1);
        }
        self
    }
}

fn children<'a>(sizes: Sizes, header: &Header, place: Child, i: Span<'a>) -> Parsed<'a, Vec<Child>> {
    let level = place.level.saturating_sub(1);
    let total_width = header.widths.get(usize::from(level)).copied().unwrap_or(8);
    let mut children = Vec::with_capacity(usize::from(place.records).saturating_add(1));
    let (mut i, mut first) = (i, place.first);
    for _ in 0..=place.records {
        let (rest, address) = sizes.defined("child node pointer", i)?;
        let (after, records) = le_uint(header.own_width, rest)?;
        let Ok(records) = u16::try_from(records) else {
            return rest.value("number of records", records);
        };
        let (after, total) = if level == 0 { (after, records.into()) } else { le_uint(total_width, after)? };
        children.push(Child { address, records, level, first, total });
        first = first.saturating_add(total).saturating_add(1);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, sealed, with};

    /// The name index of a group with 3,000 links, written by libhdf5 2.0.
    const HEADER: [u8; 38] = [
        b'B', b'T', b'H', b'D', // signature
        0,    // version
        5,    // type: links by name
        0x00, 0x02, 0, 0, // node size
        11, 0, // record size
        2, 0,   // depth
        100, // split percent
        40,  // merge percent
        0x46, 0x40, 0, 0, 0, 0, 0, 0, // root node address
        2, 0, // number of records in root node
        0xb8, 0x0b, 0, 0, 0, 0, 0, 0, // total number of records in B-tree
        0x2a, 0x32, 0xc5, 0x6f, // checksum
    ];

    /// Its root.
    const ROOT: [u8; 65] = [
        b'B', b'T', b'I', b'N', // signature
        0,    // version
        5,    // type
        0x3d, 0xd1, 0x0b, 0x5a, 0x00, 0x54, 0x0d, 0x00, 0x00, 0x0b, 0x00, // record 0
        0xe5, 0xc5, 0x30, 0xac, 0x00, 0x29, 0x37, 0x00, 0x00, 0x0c, 0x00, // record 1
        0x46, 0x0e, 0, 0, 0, 0, 0, 0,  // child node pointer 0
        23, // number of records for child node 0
        0xd5, 0x03, // total number of records for child node 0
        0x46, 0x76, 0, 0, 0, 0, 0, 0,  // child node pointer 1
        24, // number of records for child node 1
        0xf3, 0x03, // total number of records for child node 1
        0x46, 0x42, 0, 0, 0, 0, 0, 0,  // child node pointer 2
        23, // number of records for child node 2
        0xee, 0x03, // total number of records for child node 2
        0x1d, 0x0e, 0xc1, 0x48, // checksum
    ];

    /// The only node of the name index of two links, written by libhdf5 2.0.
    const LEAF: [u8; 32] = [
        b'B', b'T', b'L', b'F', // signature
        0,    // version
        5,    // type
        0x08, 0x87, 0xd6, 0x58, 0x00, 0x15, 0x00, 0x00, 0x00, 0x11, 0x00, // record 0
        0x95, 0xc3, 0xf5, 0x7f, 0x00, 0x26, 0x00, 0x00, 0x00, 0x18, 0x00, // record 1
        0xec, 0x69, 0xf9, 0x3a, // checksum
    ];

    fn header(bytes: &[u8]) -> Result<Header, Error> {
        crate::structure::parse(Structure::BtreeV2Header, Span::new(bytes, AT), |i| Header::parse(Sizes::EIGHT, i))
    }

    fn node(place: Child, bytes: &[u8]) -> Result<Node<'_>, Error> {
        let header = header(&HEADER)?;
        let structure = if place.level == 0 { Structure::BtreeV2Leaf } else { Structure::BtreeV2Internal };
        crate::structure::parse(structure, Span::new(bytes, AT), |i| Node::parse(Sizes::EIGHT, &header, place, i))
    }

    fn child(address: u64, records: u16, level: u16, (first, total): (u64, u64)) -> Child {
        Child { address: Address(address), records, level, first, total }
    }

    /// A leaf of `records` records, the first of the tree.
    fn leaf(address: u64, records: u16) -> Child {
        child(address, records, 0, (0, records.into()))
    }

    fn root() -> Child {
        child(0x4046, 2, 2, (0, 3_000))
    }

    #[test]
    fn the_header_tells_the_widths_of_the_counts_in_its_nodes() {
        let expected = Header {
            record_type: 5,
            node_size: 512,
            record_size: 11,
            root: Some(root()),
            widths: vec![0, 2],
            own_width: 1,
        };
        assert_eq!(header(&HEADER).unwrap(), expected);
    }

    #[test]
    fn an_empty_tree_has_no_root() {
        let without = with(&with(&HEADER[..34], 12, &[0]), 16, &[0xff; 8]);
        assert_eq!(header(&sealed(&with(&without, 26, &[0; 2]))).unwrap().root, None);
        assert_eq!(
            message_of(header(&sealed(&without))),
            "version 2 B-tree header at 0x60: total number of records is 3000 (at 0x7a)"
        );
    }

    /// 1,024 records of one byte make the own count two bytes wide, and the totals of a deep tree more.
    #[test]
    fn larger_nodes_have_wider_counts() {
        assert_eq!(pointer_widths(Sizes::EIGHT, 1_034, 1, 4), Some((2, vec![0, 3, 3, 4])));
        assert_eq!(pointer_widths(Sizes::EIGHT, 512, 11, 0), Some((1, vec![0])));
        assert_eq!(pointer_widths(Sizes::EIGHT, 12, 1, 1), None);
    }

    #[test]
    fn a_leaf_is_records() {
        let i = Span::new(&LEAF, AT);
        let (i, ()) = crate::field::skip(6, i).unwrap();
        let (i, first) = bytes(11, i).unwrap();
        let (_, second) = bytes(11, i).unwrap();
        let records = vec![(0, first), (1, second)];
        assert_eq!(node(leaf(AT, 2), &LEAF).unwrap(), Node { records, children: Vec::new() });
    }

    #[test]
    fn children_of_level_1_are_pointed_to_with_a_total() {
        let root = node(root(), &ROOT).unwrap();
        let records: Vec<_> = root.records.iter().map(|(number, span)| (*number, span.at())).collect();
        assert_eq!(records, [(981, 0x66), (1_993, 0x71)]);
        let children = [(0xe46, 23, (0, 981)), (0x7646, 24, (982, 1_011)), (0x4246, 23, (1_994, 1_006))];
        assert_eq!(root.children, children.map(|(address, records, total)| child(address, records, 1, total)));
    }

    #[test]
    fn leaves_are_pointed_to_without_a_total() {
        let bytes = sealed(&[
            b'B', b'T', b'I', b'N', // signature
            0,    // version
            5,    // type
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, // record 0
            0x00, 0x10, 0, 0, 0, 0, 0, 0,  // child node pointer 0
            20, // number of records for child node 0
            0x00, 0x12, 0, 0, 0, 0, 0, 0,  // child node pointer 1
            21, // number of records for child node 1
        ]);
        let place = child(AT, 1, 1, (100, 42));
        let children = node(place, &bytes).unwrap().children;
        assert_eq!(children, [child(0x1000, 20, 0, (100, 20)), child(0x1200, 21, 0, (121, 21))]);
        every_prefix_fails(&bytes, |bytes| node(place, bytes));
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(header(&sealed(&with(&HEADER[..34], at, others))));
        assert_eq!(told(3, b"X"), "version 2 B-tree header at 0x60: signature is not \"BTHD\" (at 0x60)");
        assert_eq!(told(4, &[1]), "version 2 B-tree header at 0x60: version is 1 (at 0x64)");
        assert_eq!(told(6, &[20, 0]), "version 2 B-tree header at 0x60: node size is 20 (at 0x66)");
        assert_eq!(told(6, &[0, 0, 17]), "version 2 B-tree header at 0x60: node size is 1114112 (at 0x66)");
        assert_eq!(told(10, &[0]), "version 2 B-tree header at 0x60: record size is 0 (at 0x6a)");
        assert_eq!(told(12, &[65]), "version 2 B-tree header at 0x60: depth is 65 (at 0x6c)");
        assert_eq!(told(6, &[15, 0, 0, 0, 5]), "version 2 B-tree header at 0x60: depth is 2 (at 0x6c)");
        assert_eq!(
            message_of(header(&with(&HEADER, 34, &[0x2b]))),
            "version 2 B-tree header at 0x60: checksum is 0x6fc5322b, computed 0x6fc5322a (at 0x82)"
        );
    }

    #[test]
    fn problems_of_nodes_are_told_at_their_fields() {
        let told = |place, bytes: &[u8]| message_of(node(place, bytes));
        let (leaf, root) = (leaf(AT, 2), root());
        assert_eq!(told(leaf, &ROOT), "version 2 B-tree leaf node at 0x60: signature is not \"BTLF\" (at 0x60)");
        assert_eq!(told(root, &LEAF), "version 2 B-tree internal node at 0x60: signature is not \"BTIN\" (at 0x60)");
        assert_eq!(told(leaf, &with(&LEAF, 4, &[1])), "version 2 B-tree leaf node at 0x60: version is 1 (at 0x64)");
        assert_eq!(told(leaf, &with(&LEAF, 5, &[6])), "version 2 B-tree leaf node at 0x60: type is 6, not 5 (at 0x65)");
        assert_eq!(
            told(leaf, &with(&LEAF, 28, &[0xed])),
            "version 2 B-tree leaf node at 0x60: checksum is 0x3af969ed, computed 0x3af969ec (at 0x7c)"
        );
        assert_eq!(
            told(root, &with(&ROOT, 39, &[0xff; 8])),
            "version 2 B-tree internal node at 0x60: child node pointer is undefined (at 0x87)"
        );
    }

    #[test]
    fn a_node_whose_records_are_not_as_many_as_its_parent_says_is_refused() {
        let told = |place, bytes: &[u8]| message_of(node(place, bytes));
        assert_eq!(
            told(child(AT, 2, 2, (0, 2_999)), &ROOT),
            "version 2 B-tree internal node at 0x60: total number of records is 2999, not 3000 (at 0x60)"
        );
        assert_eq!(
            told(child(AT, 2, 0, (0, 3)), &LEAF),
            "version 2 B-tree leaf node at 0x60: total number of records is 3, not 2 (at 0x60)"
        );
    }

    /// The count of a child's records has room for more than `u16` only with record sizes that libhdf5 never writes.
    #[test]
    fn a_child_of_more_than_65535_records_is_refused() {
        let header = sealed(&with(&with(&HEADER[..34], 6, &[0, 0, 2, 0]), 10, &[1, 0, 1, 0]));
        let header = super::tests::header(&header).unwrap();
        let bytes = sealed(&[
            b'B', b'T', b'I', b'N', 0, 5, // signature, version, type
            0x00, 0x10, 0, 0, 0, 0, 0, 0, // child node pointer 0
            0, 0, 1, // number of records for child node 0
        ]);
        let place = child(AT, 0, 1, (0, 1 << 16));
        let parsed = crate::structure::parse(Structure::BtreeV2Internal, Span::new(&bytes, AT), |i| {
            Node::parse(Sizes::EIGHT, &header, place, i)
        });
        assert_eq!(message_of(parsed), "version 2 B-tree internal node at 0x60: number of records is 65536 (at 0x6e)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&HEADER, header);
        every_prefix_fails(&LEAF, |bytes| node(leaf(AT, 2), bytes));
        every_prefix_fails(&ROOT, |bytes| node(root(), bytes));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&HEADER[..34], |bytes| drop(header(&sealed(bytes))));
        never_panics(&ROOT[..61], |bytes| drop(node(root(), &sealed(bytes))));
        never_panics(&LEAF, |bytes| drop(node(leaf(AT, u16::MAX), bytes)));
    }
}
