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

    /// Whether this is known to be the same state: the sizes are, and so are the tags, or without any the times. What is not recorded
    /// proves nothing.
    pub fn is_surely(&self, now: &Self) -> bool {
        let same = match (&self.etag, &now.etag) {
            (None, None) => self.modified_ns.is_some() && self.modified_ns == now.modified_ns,
            (was, is) => was == is,
        };
        self.size == now.size && same
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_the_same_where_size_and_tag_or_time_say_so() {
        let state =
            |size, modified_ns, etag: Option<&str>| Recorded { size, modified_ns, etag: etag.map(str::to_owned) };
        let same = |one: &Recorded, other: &Recorded| (one.is_surely(other), other.is_surely(one));
        assert_eq!(same(&state(1, Some(2), None), &state(1, Some(2), None)), (true, true));
        assert_eq!(same(&state(1, Some(2), Some("a")), &state(1, Some(3), Some("a"))), (true, true));
        for other in [
            (state(1, None, None), state(1, None, None)),
            (state(1, Some(2), None), state(1, None, None)),
            (state(1, Some(2), None), state(2, Some(2), None)),
            (state(1, Some(2), None), state(1, Some(3), None)),
            (state(1, Some(2), Some("a")), state(1, Some(2), Some("b"))),
            (state(1, Some(2), Some("a")), state(1, Some(2), None)),
        ] {
            assert_eq!(same(&other.0, &other.1), (false, false), "{other:?}");
        }
    }
}
