//! Names with a backslash: zarr-python takes it for a slash, and would not find them.

use std::collections::BTreeSet;

use super::report::{Report, Status};
use crate::reference::Node;

/// Gives nodes keys without backslashes, and says so; `prefix` is what the paths of the nodes begin with.
pub(crate) fn encode(nodes: &mut [(String, Node)], prefix: &str, report: &mut Report) {
    let mut taken: BTreeSet<String> = nodes.iter().map(|(key, _)| key.clone()).collect();
    for (key, _) in nodes.iter_mut().filter(|(key, _)| key.contains('\\')) {
        // As a URL has it. Members of a group are taken along by the same rule, unless a name is taken.
        let mut encoded = key.replace('\\', "%5C");
        while !taken.insert(encoded.clone()) {
            encoded.push('_');
        }
        report.add(
            &format!("{prefix}{key}"),
            Status::Renamed { told: encoded.clone(), why: "readers take a backslash for a slash" },
        );
        *key = encoded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zarr::Attributes;

    #[test]
    fn a_backslash_is_told_as_a_url_has_it() {
        let keys = ["", "a\\b", "a%5Cb", "g\\h", "g\\h/d", "plain"];
        let mut nodes: Vec<_> = keys.map(|key| (key.to_owned(), Node::Group(Attributes::default()))).into();
        let mut report = Report::default();
        encode(&mut nodes, "/", &mut report);
        let keys: Vec<&str> = nodes.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["", "a%5Cb_", "a%5Cb", "g%5Ch", "g%5Ch/d", "plain"]);
        let said: Vec<_> = report.renamed().collect();
        let why = |key: &str| format!("told as {key}, since readers take a backslash for a slash");
        assert_eq!(said, [("/a\\b", why("a%5Cb_")), ("/g\\h", why("g%5Ch")), ("/g\\h/d", why("g%5Ch/d"))]);
    }
}
