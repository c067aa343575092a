//! How much one file may cost, and the budget that is spent against it.

use std::cell::Cell;

use crate::error::LimitError;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $default:expr,)*) => {
        /// What one scan may read, hold and follow. The defaults fit every file the authors have seen; raise a field for a larger one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Limits { $($(#[$doc])* pub $name: u64,)* }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            /// The names of all limits, in the order of the fields.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name),)*];

            /// No limits, for files that are trusted: what they ask for is read, held and followed, however much it is.
            pub fn unlimited() -> Self {
                Self { $($name: u64::MAX,)* }
            }

            fn by_name(&mut self, name: &str) -> Option<&mut u64> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)*
                    _ => None,
                }
            }
        }
    };
}

limits! {
    /// Bytes of metadata read from one file (default 1 GiB).
    metadata_bytes: GIB,
    /// Structures decoded in one file: headers, nodes, heap blocks (default 10 million).
    structures: 10_000_000,
    /// Bytes of one object's header messages (default 64 MiB).
    header_bytes: 64 * MIB,
    /// Continuation blocks of one object header (default 1,024).
    continuations: 1_024,
    /// Bytes of one attribute's value (default 16 MiB).
    attribute_bytes: 16 * MIB,
    /// Bytes of one element of a dataset (default 64 MiB). Of an array of numbers, bytes of a number, but where it is held as a whole.
    element_bytes: 64 * MIB,
    /// Levels of datatypes in datatypes (default 64). More than 128 are unsupported whatever is said here.
    datatype_depth: 64,
    /// Levels of groups in groups (default 1,024).
    group_depth: 1_024,
    /// Paths of objects that are listed (default 100,000).
    paths: 100_000,
    /// Soft links followed one after another (default 16, which is libhdf5's; more than 1,024 never are). Where there are more, a link is
    /// listed as one that leads nowhere, and an object that is asked for by such a path is refused.
    soft_links: 16,
    /// Chunks of one file (default 1 billion).
    chunks: 1_000_000_000,
    /// Bytes of one chunk after its filters are undone (default 1 GiB).
    chunk_bytes: GIB,
    /// Bytes decoded from compressed chunks and heaps in one file (default 1 GiB).
    decoded_bytes: GIB,
    /// Bytes of the elements that one read of a dataset gives; the chunks that it decodes may have four times as many
    /// (default 1 GiB).
    read_bytes: GIB,
    /// Bytes of values stored inline for one file (default 256 MiB).
    inline_bytes: 256 * MIB,
    /// Bytes of inline chunks that repair one array: chunks never written, chunks with other filters (default 1 MiB).
    repair_bytes: MIB,
    /// Bytes decoded for the sidecar file of one file (default 256 GiB).
    sidecar_bytes: 256 * GIB,
    /// Bytes of a key: the path of an object below the root of the set (default 64 KiB).
    key_bytes: 64 * KIB,
    /// Bytes of references as a text, after decompression (default 4 GiB).
    references_bytes: 4 * GIB,
    /// Bytes of the URLs and keys that templates and generators of references make (default 256 MiB).
    template_bytes: 256 * MIB,
    /// Pieces that one chunk is split into, and rows of the irregular blocks that the mappings of one virtual dataset select
    /// (default 1 million).
    pieces: 1_000_000,
    /// Chunks that one copy writes (default 10 million).
    output_chunks: 10_000_000,
    /// Bytes of the elements that one copy writes (default 16,384 GiB).
    output_bytes: 16_384 * GIB,
    /// Rounds of reads of one [`Scan`](crate::Scan) (default 10,000).
    rounds: 10_000,
    /// Paths that one pattern, mask or range of days stands for, and folders listed for it (default 1 million).
    inputs: 1_000_000,
}

impl Limits {
    /// Changes the limit of a name, as a command line or a configuration has it.
    ///
    /// # Errors
    /// [`UnknownLimit`] when none is called so.
    pub fn set(&mut self, name: &str, value: u64) -> Result<(), UnknownLimit> {
        let limit = self.by_name(name).ok_or_else(|| UnknownLimit(name.to_owned()))?;
        *limit = value;
        Ok(())
    }

    /// Soft links that are followed: those that lead to one another would be for ever.
    pub(crate) fn hops(&self) -> u64 {
        self.soft_links.min(1_024)
    }
}

/// A name that no limit has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no limit is called {0}: there are {names}", names = Limits::NAMES.join(", "))]
pub struct UnknownLimit(pub String);

/// What has been spent of the [`Limits`] in one walk over one file.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    metadata_bytes: Cell<u64>,
    structures: Cell<u64>,
    chunks: Cell<u64>,
    decoded_bytes: Cell<u64>,
    inline_bytes: Cell<u64>,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            metadata_bytes: Cell::new(0),
            structures: Cell::new(0),
            chunks: Cell::new(0),
            decoded_bytes: Cell::new(0),
            inline_bytes: Cell::new(0),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// One structure of `bytes` bytes of metadata.
    pub(crate) fn structure(&self, bytes: u64) -> Result<(), LimitError> {
        spend("structures", &self.structures, 1, self.limits.structures)?;
        spend("metadata_bytes", &self.metadata_bytes, bytes, self.limits.metadata_bytes)
    }

    /// `n` entries of a chunk index.
    pub(crate) fn chunks(&self, n: u64) -> Result<(), LimitError> {
        spend("chunks", &self.chunks, n, self.limits.chunks)
    }

    /// `bytes` that a decoder may put out.
    pub(crate) fn decoded(&self, bytes: u64) -> Result<(), LimitError> {
        check("chunk_bytes", bytes, self.limits.chunk_bytes)?;
        spend("decoded_bytes", &self.decoded_bytes, bytes, self.limits.decoded_bytes)
    }

    /// `bytes` of elements that a read gives at once.
    pub(crate) fn read(&self, bytes: Option<u64>) -> Result<(), LimitError> {
        check("read_bytes", bytes.unwrap_or(u64::MAX), self.limits.read_bytes)
    }

    /// `bytes` that a chunk has which a read decodes.
    pub(crate) fn read_chunk(&self, bytes: u64) -> Result<(), LimitError> {
        check("chunk_bytes", bytes, self.limits.chunk_bytes)?;
        spend("read_bytes", &self.decoded_bytes, bytes, self.limits.read_bytes.saturating_mul(4))
    }

    /// `bytes` of a source that a read of a virtual dataset takes.
    pub(crate) fn read_source(&self, bytes: Option<u64>) -> Result<(), LimitError> {
        let most = self.limits.read_bytes.saturating_mul(4);
        spend("read_bytes", &self.inline_bytes, bytes.unwrap_or(u64::MAX), most)
    }

    /// What a read spent that had a budget of its own.
    pub(crate) fn spent_by(&self, read: &Self) -> Result<(), LimitError> {
        let bytes = read.decoded_bytes.get().saturating_add(read.inline_bytes.get());
        spend("decoded_bytes", &self.decoded_bytes, bytes, self.limits.decoded_bytes)
    }

    /// `bytes` that are stored inline.
    pub(crate) fn inline(&self, bytes: u64) -> Result<(), LimitError> {
        spend("inline_bytes", &self.inline_bytes, bytes, self.limits.inline_bytes)
    }
}

/// Refuses a single value above its limit.
pub(crate) fn check(which: &'static str, value: u64, limit: u64) -> Result<(), LimitError> {
    if value > limit { Err(LimitError { which, limit, value }) } else { Ok(()) }
}

fn spend(which: &'static str, spent: &Cell<u64>, more: u64, limit: u64) -> Result<(), LimitError> {
    let value = spent.get().saturating_add(more);
    check(which, value, limit)?;
    spent.set(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_and_then_refuses() {
        let budget = Budget::new(Limits { structures: 2, metadata_bytes: 100, ..Limits::default() });
        assert_eq!(budget.structure(60), Ok(()));
        let error = budget.structure(60).unwrap_err();
        assert_eq!(error, LimitError { which: "metadata_bytes", limit: 100, value: 120 });
        assert_eq!(error.to_string(), "120 exceeds Limits::metadata_bytes = 100; raise it if the file is trusted");
        assert_eq!(budget.structure(1).unwrap_err().which, "structures");
    }

    #[test]
    fn spending_saturates_instead_of_wrapping() {
        let budget = Budget::new(Limits::default());
        assert_eq!(budget.chunks(u64::MAX).unwrap_err().value, u64::MAX);
        assert_eq!(budget.chunks(1), Ok(()));
    }
}
