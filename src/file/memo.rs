//! What a replayed walk need not decode again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::chunks::ChunkTable;
use crate::field::Address;
use crate::source::Input;

/// Chunk tables that are complete, by the address of their dataset. They are the only large thing that a replay would decode anew.
#[derive(Debug)]
pub(crate) struct Memo {
    /// `None` for a walk that is not replayed, whose tables nobody else shall hold.
    chunks: Option<Mutex<BTreeMap<Address, Arc<ChunkTable>>>>,
}

impl Memo {
    /// For a walk that is replayed.
    pub(crate) fn replayed() -> Self {
        Self { chunks: Some(Mutex::default()) }
    }

    /// For a walk over an input.
    pub(crate) fn of(input: &Input) -> Self {
        if input.is_replayed() { Self::replayed() } else { Self::once() }
    }

    /// For a walk that runs once.
    pub(crate) const fn once() -> Self {
        Self { chunks: None }
    }

    pub(crate) fn chunks(&self, dataset: Address) -> Option<Arc<ChunkTable>> {
        let chunks = self.chunks.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.get(&dataset).cloned()
    }

    pub(crate) fn keep(&self, dataset: Address, chunks: &Arc<ChunkTable>) {
        if let Some(known) = &self.chunks {
            known.lock().unwrap_or_else(PoisonError::into_inner).insert(dataset, Arc::clone(chunks));
        }
    }
}
