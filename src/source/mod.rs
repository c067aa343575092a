//! Where the bytes of a file come from: the only place that knows.

mod external;
mod family;
mod fetch;
mod input;
mod join;
pub mod listing;
mod local;
mod missing;
#[cfg(feature = "object_store")]
mod object_store;
#[cfg(feature = "remote")]
mod remote;
mod replay;
mod resident;
mod scan;
mod secrets;
mod segments;
mod several;
mod sources;
mod through;

use std::ops::Range;

use bytes::Bytes;

use crate::error::Error;
use crate::field::convert::{narrow, wide};

#[cfg(feature = "object_store")]
pub use self::object_store::ObjectStoreSources;
#[cfg(feature = "remote")]
pub(crate) use self::remote::Written;
#[cfg(feature = "dap")]
pub(crate) use self::remote::{Coming, Web};
#[cfg(feature = "remote")]
pub use self::remote::{Counters, Listed, Patience, RemoteOptions, RemoteSources};
pub use external::{ExternalError, FindExternal, FoundExternal};
use family::Family;
pub(crate) use family::Members;
pub use fetch::{Fetch, Statistics};
pub use input::Input;
pub(crate) use input::finish;
pub(crate) use join::{Gather, attempt, both, join};
use local::LocalFile;
pub(crate) use missing::Missing;
pub(crate) use resident::Resident;
pub use scan::{Scan, Step};
pub use secrets::{told_url, without_secrets};
pub(crate) use segments::{Segment, Segments};
pub(crate) use sources::exact;
pub use sources::{LocalSources, Sources, State};

/// Random access to one file.
pub(crate) trait ReadAt {
    /// Size of the file in bytes.
    fn size(&self) -> u64;

    /// Reads each range, in order. Ranges asked for together are fetched together.
    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Halt>;

    /// The same for elements, beside which nothing lies that a walk over the structures of the file needs.
    fn read_elements(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Halt> {
        self.read(ranges)
    }

    /// Tells that structures lie together in pages of so many bytes, and elements elsewhere.
    fn is_paged(&self, _page: u64) {}

    /// Bytes that are worth asking for together. A source without round trips gains nothing from more, and memory is saved.
    fn together(&self) -> u64 {
        u64::MAX
    }

    /// Where its bytes lie, if it is spread over the members of a family.
    fn members(&self) -> Option<Members> {
        None
    }
}

/// Why a walk stops before its end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// These ranges are not here yet; the walk is run again when they are.
    Missing(Missing),
    /// The walk cannot go on.
    Error(Error),
}

impl<E: Into<Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// A file in memory. A memory map enters through [`Bytes::from_owner`].
impl ReadAt for Bytes {
    fn size(&self) -> u64 {
        wide(self.len())
    }

    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Halt> {
        let slice = |range: &Range<u64>| {
            let range = narrow(range.start)..narrow(range.end);
            self.get(range.clone()).map(|_| self.slice(range))
        };
        ranges.iter().map(|range| slice(range).ok_or_else(|| outside(range, self.size()))).collect()
    }
}

/// A range that no caller should have asked for.
fn outside(range: &Range<u64>, size: u64) -> Halt {
    let error = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    Error::io(format!("bytes {:#x}..{:#x} of a file of {size} bytes", range.start, range.end), error).into()
}
