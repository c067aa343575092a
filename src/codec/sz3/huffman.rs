//! Codes of Huffman (`HuffmanEncoder::load`, `decode`): a tree of nodes in the order of a walk from the root, then bits.

use super::fields::Fields;
use crate::field::convert::{narrow, wide};

/// A tree of codes, of at least one node.
#[derive(Debug)]
struct Tree {
    root: Node,
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Copy)]
enum Node {
    Leaf(i32),
    /// The nodes that a bit of 0 and one of 1 lead to.
    Inner([u32; 2]),
}

/// The next `count` numbers of a stream, which continues behind their codes.
pub(super) fn decode(i: &mut Fields<'_>, count: u64) -> Option<Vec<i32>> {
    let tree = Tree::new(i)?;
    let size = i.u64()?;
    if let Node::Leaf(value) = tree.root {
        // It takes no bits.
        return Some(vec![value; narrow(count)]);
    }
    let codes = i.take(size)?;
    // Every number takes a bit.
    if count > wide(codes.len()).saturating_mul(8) {
        return None;
    }
    let mut bits = codes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    (0..count).map(|_| tree.value(&mut bits)).collect()
}

impl Tree {
    fn new(i: &mut Fields<'_>) -> Option<Self> {
        let offset = i.i32()?;
        let count = u32::from_be_bytes(i.array()?);
        let _states = i.u32()?;
        let _is_big_endian = i.flag().filter(|big| !big)?;
        let width = match count {
            0..=256 => 1,
            257..=65_536 => 2,
            _ => 4,
        };
        let count = u64::from(count);
        let left = i.take(count.saturating_mul(wide(width)))?.chunks_exact(width).map(number);
        let right = i.take(count.saturating_mul(wide(width)))?.chunks_exact(width).map(number);
        let values = i.take(count.saturating_mul(4))?.chunks_exact(4).map(|value| number(value).cast_signed());
        let leaves = i.take(count)?;
        let nodes =
            (0..).zip(left).zip(right).zip(values).zip(leaves).map(
                |((((own, left), right), value), leaf)| match leaf {
                    // A walk from the root came to both after their parent.
                    0 => Some(Node::Inner([left, right])).filter(|_| left > own && right > own),
                    1 => Some(Node::Leaf(value.wrapping_add(offset))),
                    _ => None,
                },
            );
        let nodes: Vec<Node> = nodes.collect::<Option<_>>()?;
        Some(Self { root: *nodes.first()?, nodes })
    }

    /// The number that the next bits are the code of. Each takes a step to a node, so that bits end before steps do.
    fn value(&self, bits: &mut impl Iterator<Item = bool>) -> Option<i32> {
        let mut node = self.root;
        loop {
            match node {
                Node::Leaf(value) => return Some(value),
                Node::Inner([left, right]) => {
                    let next = if bits.next()? { right } else { left };
                    node = *self.nodes.get(narrow(next.into()))?;
                }
            }
        }
    }
}

/// A number of 1, 2 or 4 bytes.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Three numbers: 7 is 0, 8 is 10 and 10 is 11; then 7, 10, 8, 7.
    pub(in super::super) const CODES: [u8; 57] = [
        7,
        0,
        0,
        0, // offset
        0,
        0,
        0,
        5, // number of nodes
        0,
        0,
        0,
        3, // half the number of states
        0, // little-endian
        1,
        0,
        3,
        0,
        0, // nodes to the left
        2,
        0,
        4,
        0,
        0, // nodes to the right
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        3,
        0,
        0,
        0, // numbers, above the offset
        0,
        1,
        0,
        1,
        1, // leaves
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,           // bytes of codes
        0b0111_0000, // codes
    ];

    fn of(bytes: &[u8], count: u64) -> (Option<Vec<i32>>, usize) {
        let mut fields = Fields::new(bytes);
        (decode(&mut fields, count), fields.rest.len())
    }

    #[test]
    fn codes_are_paths_in_a_tree() {
        let stream = [&CODES[..], b"rest"].concat();
        assert_eq!(of(&stream, 4), (Some(vec![7, 10, 8, 7]), 4));
    }

    #[test]
    fn a_tree_of_one_number_needs_no_codes() {
        let one = [
            7, 0, 0, 0, // offset
            0, 0, 0, 1, // number of nodes
            0, 0, 0, 1, // half the number of states
            0, 0, 0, // little-endian; nodes to the left and to the right
            2, 0, 0, 0, // number, above the offset
            1, // leaf
            0, 0, 0, 0, 0, 0, 0, 0, // bytes of codes
        ];
        assert_eq!(of(&one, 3), (Some(vec![9; 3]), 0));
    }

    #[test]
    fn a_tree_that_is_none_is_refused() {
        let with = |at: usize, byte| {
            let mut other = CODES;
            other[at] = byte;
            of(&other, 4).0
        };
        assert_eq!(with(12, 1), None, "big-endian");
        assert_eq!(with(13, 5), None, "a node that is not there");
        assert_eq!(with(18, 0), None, "the root is a child");
        assert_eq!(with(20, 2), None, "a node is its own child");
        assert_eq!(with(43, 2), None, "neither a leaf nor none");
        assert_eq!(with(7, 0), None, "no nodes");
        assert_eq!(of(&CODES, 9).0, None, "more numbers than bits");
        assert_eq!(of(&CODES, 7).0, None, "bits end inside a code");
        for length in 0..CODES.len() {
            assert_eq!(of(&CODES[..length], 4).0, None, "{length} bytes");
        }
    }
}
