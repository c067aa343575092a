//! The files of a set: whether they are there, and are what they were when the references were made.

use std::collections::BTreeSet;

use super::findings::{Fault, Findings};
use super::{Files, Store};
use crate::error::Error;
use crate::reference::{Recorded, UrlId};
use crate::source::{Sources, State};

/// The files that can be read, of those that hold chunks. Files that were recorded and hold none are looked at as well: what is held
/// inline was read of them.
pub(super) fn states<S: Sources>(store: &Store<S>, findings: &mut Findings) -> Files {
    let (set, mut files, mut known) = (store.set(), Files::new(), 0);
    let used: BTreeSet<UrlId> = set.arrays().flat_map(|(_, array)| array.chunks.files()).collect();
    let names: BTreeSet<&str> = used.iter().map(|id| set.url(*id)).collect();
    let recorded = set.recorded.keys().map(String::as_str).filter(|name| !names.contains(name));
    let all = used.iter().map(|id| (set.url(*id), Some(*id))).chain(recorded.map(|name| (name, None)));
    let (names, ids): (Vec<&str>, Vec<Option<UrlId>>) = all.unzip();
    for ((name, id), state) in names.iter().zip(ids).zip(store.sources().states(&names)) {
        match state {
            Ok(state) => {
                if let Some(what) = set.recorded.get(*name).and_then(|recorded| difference(recorded, &state)) {
                    findings.add(*name, Fault::SourceChanged { what });
                }
                known += 1;
                files.extend(id.map(|id| (id, state)));
            }
            // Without the file all can be read that is held inline.
            Err(Error::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound && id.is_some() => {
                findings.add(*name, Fault::SourceMissing { why: error.to_string() });
            }
            Err(error) => findings.unchecked(*name, error.to_string(), !is_remote(name)),
        }
    }
    findings.counts().files = known;
    files
}

/// Whether a file lies elsewhere than in the local file system.
pub(super) fn is_remote(url: &str) -> bool {
    url.contains("://") && !url.starts_with("file://")
}

/// What is different, in words.
fn difference(recorded: &Recorded, state: &State) -> Option<String> {
    recorded.changed(&Recorded::from_state(state.size, state.modified, state.etag.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_size_and_its_tag_or_time() {
        let recorded =
            |modified_ns, etag: Option<&str>| Recorded { size: 5, modified_ns, etag: etag.map(str::to_owned) };
        let state = |size, seconds: Option<u64>, etag: Option<&str>| State {
            size,
            modified: seconds.map(|seconds| std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)),
            etag: etag.map(str::to_owned),
        };
        let second = Some(1_000_000_000);
        assert_eq!(difference(&recorded(second, None), &state(5, Some(1), None)), None);
        assert_eq!(difference(&recorded(None, None), &state(5, Some(1), None)), None);
        assert_eq!(difference(&recorded(second, Some("a")), &state(5, Some(2), Some("a"))), None);
        assert!(difference(&recorded(second, None), &state(5, Some(2), None)).is_some());
        assert!(difference(&recorded(second, Some("a")), &state(5, Some(1), Some("b"))).is_some());
        assert_eq!(difference(&recorded(None, None), &state(6, None, None)).unwrap(), "it has 6 bytes and had 5");
    }
}
