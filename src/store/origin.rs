//! Where arrays come from that are planned and copied: references of a store, or a server.

use std::ops::Range;

use super::{Store, Values};
use crate::error::Error;
use crate::reference::ReferenceSet;
use crate::source::Sources;

/// Arrays that can be read in boxes. Reads of several threads may be under way at once.
pub trait Origin: Sync {
    /// The groups, the arrays and their metadata. A server tells of no chunks: its arrays have none, and `chunks` is what it serves well.
    fn set(&self) -> &ReferenceSet;

    /// The elements of a box of the array at a path, without leading slash.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no array, and what reading it answers.
    fn read(&self, path: &str, ranges: &[Range<u64>]) -> Result<Values, Error>;
}

impl<S: Sources> Origin for Store<S> {
    fn set(&self) -> &ReferenceSet {
        self.set()
    }

    fn read(&self, path: &str, ranges: &[Range<u64>]) -> Result<Values, Error> {
        self.array(path)?.read(ranges)
    }
}
