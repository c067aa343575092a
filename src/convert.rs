//! Conversions between the platform's `usize` and the file's `u64` that cannot lose anything.

/// A length in memory as a length in a file.
pub(crate) fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// A length in a file as a length in memory; what does not fit saturates, and then fails where it is used.
pub(crate) fn narrow(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
