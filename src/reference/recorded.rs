//! What files were when references to them were made.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// By what a file that was changed since is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Size in bytes.
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_ns: Option<u64>,
    /// The tag that an object store gives to its contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

impl Recorded {
    /// The state of a file as it is recorded.
    pub fn from_state(size: u64, modified: Option<SystemTime>, etag: Option<String>) -> Self {
        let since = modified.and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
        let modified_ns = since.and_then(|since| u64::try_from(since.as_nanos()).ok());
        Self { size, modified_ns, etag }
    }
}
