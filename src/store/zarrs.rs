//! The store as one of the crate `zarrs`.

use std::ops::Range;
use std::sync::Arc;

use zarrs_storage::byte_range::{ByteRange, ByteRangeIterator};
use zarrs_storage::{
    ListableStorageTraits, MaybeBytes, MaybeBytesIterator, ReadableStorageTraits, StorageError, StoreKey, StoreKeys,
    StoreKeysPrefixes, StorePrefix,
};

use super::Store;
use crate::error::Error;
use crate::reference::key::joined;
use crate::source::Sources;

impl<S: Sources> ReadableStorageTraits for Store<S> {
    fn get(&self, key: &StoreKey) -> Result<MaybeBytes, StorageError> {
        Self::get(self, key.as_str()).map_err(other)
    }

    fn get_partial_many<'a>(
        &'a self,
        key: &StoreKey,
        byte_ranges: ByteRangeIterator<'a>,
    ) -> Result<MaybeBytesIterator<'a>, StorageError> {
        let Some(size) = self.size(key.as_str()).map_err(other)? else { return Ok(None) };
        let ranges: Vec<Range<u64>> = byte_ranges.map(|range: ByteRange| range.to_range(size)).collect();
        let parts = self.get_ranges(key.as_str(), &ranges).map_err(other)?;
        Ok(parts.map(|parts| Box::new(parts.into_iter().map(Ok)) as _))
    }

    fn size_key(&self, key: &StoreKey) -> Result<Option<u64>, StorageError> {
        self.size(key.as_str()).map_err(other)
    }

    fn supports_get_partial(&self) -> bool {
        true
    }
}

impl<S: Sources> ListableStorageTraits for Store<S> {
    fn list(&self) -> Result<StoreKeys, StorageError> {
        self.keys().map(as_key).collect()
    }

    fn list_prefix(&self, prefix: &StorePrefix) -> Result<StoreKeys, StorageError> {
        self.keys().filter(|key| key.starts_with(prefix.as_str())).map(as_key).collect()
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<StoreKeysPrefixes, StorageError> {
        let path = prefix.as_str().strip_suffix('/').unwrap_or_default();
        let (keys, paths) = self.children(path);
        let keys: Result<StoreKeys, StorageError> = keys.iter().map(|name| as_key(joined(path, name))).collect();
        let paths = paths.iter().map(|name| {
            StorePrefix::new(joined(path, name) + "/").map_err(|error| StorageError::Other(error.to_string()))
        });
        Ok(StoreKeysPrefixes::new(keys?, paths.collect::<Result<_, _>>()?))
    }

    fn size_prefix(&self, prefix: &StorePrefix) -> Result<u64, StorageError> {
        let keys = self.keys().filter(|key| key.starts_with(prefix.as_str()));
        let sizes = keys.map(|key| Ok(self.size(&key).map_err(other)?.unwrap_or(0)));
        sizes.sum()
    }
}

fn as_key(key: String) -> Result<StoreKey, StorageError> {
    StoreKey::new(key).map_err(|error| StorageError::Other(error.to_string()))
}

fn other(error: Error) -> StorageError {
    match error {
        Error::Io { error, .. } => {
            StorageError::IOError(Arc::new(std::io::Error::new(error.kind(), error.to_string())))
        }
        error => StorageError::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use zarrs_storage::Bytes;

    use super::super::tests::store;
    use super::*;

    #[test]
    fn keys_and_ranges_are_read() {
        let store = store();
        let key = |key: &str| StoreKey::new(key).unwrap();
        let whole = key("g/a/1.0");
        assert_eq!(ReadableStorageTraits::get(&store, &whole).unwrap().unwrap(), Bytes::from_static(b"abcdef"));
        assert_eq!(store.get_partial(&whole, ByteRange::Suffix(2)).unwrap().unwrap(), Bytes::from_static(b"ef"));
        assert_eq!(
            store.get_partial(&whole, ByteRange::FromStart(1, Some(2))).unwrap().unwrap(),
            Bytes::from_static(b"bc")
        );
        let ranges = [ByteRange::Suffix(1), ByteRange::FromStart(0, Some(2)), ByteRange::FromStart(3, None)];
        let parts = store.get_partial_many(&whole, Box::new(ranges.into_iter())).unwrap().unwrap();
        assert_eq!(parts.collect::<Result<Vec<_>, _>>().unwrap(), ["f", "ab", "def"]);
        assert_eq!(ReadableStorageTraits::get(&store, &key("g/a/9.0")).unwrap(), None);
        assert_eq!(store.size_key(&whole).unwrap(), Some(6));
    }

    #[test]
    fn folders_are_listed() {
        let store = store();
        assert_eq!(store.list().unwrap().len(), 9);
        let prefix = StorePrefix::new("g/").unwrap();
        assert_eq!(store.list_prefix(&prefix).unwrap().len(), 7);
        let listed = store.list_dir(&prefix).unwrap();
        assert_eq!((listed.keys().len(), listed.prefixes()[0].as_str()), (2, "g/a/"));
        assert_eq!(store.list_dir(&StorePrefix::root()).unwrap().prefixes()[0].as_str(), "g/");
        assert_eq!(
            store.size_prefix(&StorePrefix::new("g/a/").unwrap()).unwrap(),
            1 + 6 + 1 + store.size("g/a/.zarray").unwrap().unwrap() + store.size("g/a/.zattrs").unwrap().unwrap()
        );
    }
}
