//! Where a store is written to.

use crate::error::Error;

/// Keys and the bytes under them. Several threads write at once, each another key.
pub trait Target: Sync {
    /// The bytes of a key; `None` where there are none.
    ///
    /// # Errors
    /// What the target answers.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Writes the bytes of a key, whole or not at all, in place of those that are there.
    ///
    /// # Errors
    /// What the target answers.
    fn put(&self, key: &str, bytes: &[u8]) -> Result<(), Error>;

    /// Sees to it that keys that were written outlast a failure of power.
    ///
    /// # Errors
    /// What the target answers.
    fn sync(&self, keys: &[String]) -> Result<(), Error>;
}
