//! A store that is open.

use std::sync::Arc;

use ::object_store::ObjectStore;
use ::object_store::list::PaginatedListStore;

/// A store, and its listings where it has any.
#[derive(Clone)]
pub(super) struct Opened {
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) pages: Option<Arc<dyn PaginatedListStore>>,
}

impl Opened {
    pub(super) fn of(store: impl ObjectStore + PaginatedListStore) -> Self {
        let store = Arc::new(store);
        Self { objects: Arc::clone(&store) as _, pages: Some(store) }
    }
}
