//! Symbol Table message ([IV.A.2.r]).

use crate::field::{Address, Parsed, Sizes, Span};

/// The B-tree and local heap of an old-style group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SymbolTable {
    pub(crate) btree: Address,
    pub(crate) local_heap: Address,
}

impl SymbolTable {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, btree) = sizes.defined("B-tree address", i)?;
        let (i, local_heap) = sizes.defined("local heap address", i)?;
        Ok((i, Self { btree, local_heap }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    const MESSAGE: [u8; 16] = [
        0x88, 0, 0, 0, 0, 0, 0, 0, // version 1 B-tree address
        0xa8, 0x02, 0, 0, 0, 0, 0, 0, // local heap address
    ];

    fn parse(bytes: &[u8]) -> Result<SymbolTable, Error> {
        crate::structure::parse(Structure::SymbolTable, Span::new(bytes, AT), |i| SymbolTable::parse(Sizes::EIGHT, i))
    }

    #[test]
    fn a_group_has_a_btree_and_a_local_heap() {
        assert_eq!(parse(&MESSAGE).unwrap(), SymbolTable { btree: Address(0x88), local_heap: Address(0x2a8) });
    }

    #[test]
    fn both_addresses_must_be_defined() {
        let told = |at| message_of(parse(&with(&MESSAGE, at, &[0xff; 8])));
        assert_eq!(told(0), "symbol table message at 0x60: B-tree address is undefined (at 0x60)");
        assert_eq!(told(8), "symbol table message at 0x60: local heap address is undefined (at 0x68)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&MESSAGE, parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&MESSAGE, |bytes| drop(parse(bytes)));
    }
}
