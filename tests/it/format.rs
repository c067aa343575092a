//! The checklist of the format, `tests/format.md`: what it says is tested must be.

use std::path::Path;

use crate::files;

const STATES: [&str; 3] = ["read", "refused by name", "not yet"];

/// What is wrong with the tests of one row: `path: function, function` of a source, or a file in `testdata/`.
fn complaints(tests: &str) -> Vec<String> {
    let quoted = tests.split('`').skip(1).step_by(2);
    quoted
        .flat_map(|entry| match (entry.strip_prefix("testdata/"), entry.split_once(": ")) {
            (Some(file), _) if files::names().iter().any(|name| name == file) => Vec::new(),
            (None, Some((path, names))) => missing(path, names),
            _ => vec![format!("{entry} is no file in testdata and no function")],
        })
        .collect()
}

/// The functions that are no tests of a source.
fn missing(path: &str, names: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = if path.starts_with("tests/") { root.to_owned() } else { root.join("src") };
    let source = std::fs::read_to_string(folder.join(path)).unwrap_or_default();
    let is_test = |name: &str| {
        let before = source.split_once(&format!("fn {name}(")).map(|(before, _)| before.trim_end());
        before.is_some_and(|before| before.ends_with("#[test]"))
    };
    names.split(", ").filter(|name| !is_test(name)).map(|name| format!("{path} has no test {name}")).collect()
}

#[test]
fn every_test_that_the_checklist_names_is_there() {
    let page = include_str!("../format.md");
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| id "));
    let mut wrong = Vec::new();
    let mut ids = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [id, _, tests, state] = cells[..] else { panic!("not four columns: {row}") };
        wrong.extend(complaints(tests).into_iter().map(|complaint| format!("{id}: {complaint}")));
        if !STATES.contains(&state)
            || (tests == "none yet") != (state == "not yet")
            || (tests == "none yet") == tests.contains('`')
        {
            wrong.push(format!("{id}: \"{state}\" does not fit its tests"));
        }
        ids.push(id);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let rows = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert!(ids.len() == rows && rows > 80, "{rows} rows of {} ids", ids.len());
}
