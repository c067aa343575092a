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

    /// What is different now, in words.
    pub(crate) fn changed(&self, now: &Self) -> Option<String> {
        if self.size != now.size {
            return Some(format!("it has {} bytes and had {}", now.size, self.size));
        }
        match (&self.etag, &now.etag) {
            // The tag says it; times of objects may change without their contents.
            (Some(was), Some(is)) => (was != is).then(|| format!("its ETag is {is} and was {was}")),
            _ => match (self.modified_ns, now.modified_ns) {
                (Some(was), Some(is)) if was != is => {
                    Some(format!("it was modified at {is} and before that at {was}, in nanoseconds since 1970"))
                }
                _ => None,
            },
        }
    }
}
