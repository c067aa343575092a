//! The files that a combined set still refers to.

use std::collections::BTreeSet;

use crate::convert::narrow;
use crate::reference::{Node, ReferenceSet, UrlId, Urls};

/// Leaves out files that no chunk lies in, and numbers the others in the order of their names. What was recorded stays of all: of a set
/// whose chunks are all inline nothing else tells that it is a part of this one.
pub(super) fn only_used(set: &mut ReferenceSet) {
    let used: BTreeSet<UrlId> = set.arrays().flat_map(|(_, array)| array.chunks.files()).collect();
    let mut used: Vec<(String, UrlId)> = used.into_iter().map(|id| (set.url(id).to_owned(), id)).collect();
    used.sort_unstable();
    let mut ids = vec![UrlId::default(); set.urls.len()];
    for (new, (_, old)) in used.iter().enumerate() {
        if let (Some(id), Ok(new)) = (ids.get_mut(narrow(old.0.into())), u32::try_from(new)) {
            *id = UrlId(new);
        }
    }
    let of = |old: UrlId| ids.get(narrow(old.0.into())).copied().unwrap_or_default();
    for (_, node) in &mut set.nodes {
        let Node::Array(array) = node else { continue };
        match &mut array.chunks.urls {
            Urls::One(url) => *url = of(*url),
            Urls::Each(urls) => urls.iter_mut().for_each(|url| *url = of(*url)),
        }
    }
    set.urls = used.into_iter().map(|(url, _)| url).collect();
}
