//! What a walk misses.

use std::ops::Range;

/// Ranges of a file that are not here.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Where structures lie: others that are needed next lie beside them.
    pub(crate) structures: Vec<Range<u64>>,
    /// Where elements lie: what is beside them is not needed.
    pub(crate) elements: Vec<Range<u64>>,
}

impl Missing {
    pub(super) fn is_empty(&self) -> bool {
        self.structures.is_empty() && self.elements.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.structures.len().saturating_add(self.elements.len())
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.structures.extend(other.structures);
        self.elements.extend(other.elements);
    }
}
