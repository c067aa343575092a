//! Files that references lead to, held against what they were when these were made.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::reference::Recorded;
use crate::source::{Sources, State, without_secrets};

/// The states of files now, in order: [`Error::Changed`] where one is not what it was, as far as that is recorded, and what the sources answer
/// where they do not tell.
pub fn states_as_recorded<S: Sources + ?Sized>(
    recorded: &BTreeMap<String, Recorded>,
    urls: &[&str],
    sources: &S,
) -> Vec<Result<State, Error>> {
    let held = |(url, state): (&&str, Result<State, Error>)| {
        let state = state?;
        match recorded.get(*url).and_then(|was| changed(was, &state)) {
            Some(what) => Err(Error::Changed { url: without_secrets(url), what }),
            None => Ok(state),
        }
    };
    urls.iter().zip(sources.states(urls)).map(held).collect()
}

/// What is different now, in words.
fn changed(was: &Recorded, now: &State) -> Option<String> {
    // A place that gives tags has other times than one that gives none: a file that was scanned here and lies in a store now.
    let modified = now.modified.filter(|_| was.etag.is_some() == now.etag.is_some());
    was.changed(&Recorded::from_state(now.size, modified, now.etag.clone()))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn times_are_compared_where_both_places_give_tags_or_none_does() {
        let is_changed = |was_tag: Option<&str>, tag: Option<&str>, size, seconds| {
            let was = Recorded { size: 5, modified_ns: Some(1_000_000_000), etag: was_tag.map(str::to_owned) };
            let modified = Some(UNIX_EPOCH + Duration::from_secs(seconds));
            changed(&was, &State { size, modified, etag: tag.map(str::to_owned) }).is_some()
        };
        assert!(!is_changed(None, None, 5, 1) && is_changed(None, None, 5, 2) && is_changed(None, None, 6, 1));
        assert!(!is_changed(Some("a"), Some("a"), 5, 2) && is_changed(Some("a"), Some("b"), 5, 1));
        for (was, now) in [(None, Some("a")), (Some("a"), None)] {
            assert!(!is_changed(was, now, 5, 2) && is_changed(was, now, 6, 1));
        }
    }
}
