//! B-tree 'K' Values message ([IV.A.2.t]).

use nom::number::complete::le_u16;

use crate::field::sizes::version;
use crate::field::{Parsed, Span};
use crate::structure::superblock::KValues;

/// The 'K' values of a file whose superblock does not hold them.
pub(crate) fn parse(i: Span<'_>) -> Parsed<'_, KValues> {
    let (i, _version) = version(0..=0, i)?;
    let (i, chunk) = le_u16(i)?;
    let (i, group_internal) = le_u16(i)?;
    let (i, group_leaf) = le_u16(i)?;
    Ok((i, KValues { group_leaf, group_internal, chunk }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    const MESSAGE: [u8; 7] = [
        0, // version
        5, 0, // indexed storage internal node K
        3, 0, // group internal node K
        2, 0, // group leaf node K
    ];

    fn parsed(bytes: &[u8]) -> Result<KValues, Error> {
        crate::structure::parse(Structure::BtreeK, Span::new(bytes, AT), parse)
    }

    #[test]
    fn the_k_of_groups_follow_that_of_chunks() {
        assert_eq!(parsed(&MESSAGE).unwrap(), KValues { group_leaf: 2, group_internal: 3, chunk: 5 });
    }

    #[test]
    fn other_versions_are_refused() {
        let told = message_of(parsed(&with(&MESSAGE, 0, &[1])));
        assert_eq!(told, "B-tree 'K' values message at 0x60: version is 1 (at 0x60)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&MESSAGE, parsed);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&MESSAGE, |bytes| drop(parsed(bytes)));
    }
}
