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
