//! Names as the file has them: Hyrax puts an underscore for every character that DAP2 has not, and keeps the path of a variable beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Document, Variable, joined};

/// Attributes in which Hyrax keeps a variable's name and path.
const KEPT: [&str; 2] = ["origname", "fullnamepath"];

/// Paths of groups in the file, by those in the sidecar; groups whose path is the same are not in it.
#[derive(Debug, Default)]
pub(crate) struct Names<'a>(BTreeMap<&'a str, Option<String>>);

impl<'a> Names<'a> {
    /// What the variables say of the groups that they lie in.
    pub(crate) fn of(document: &'a Document) -> Self {
        let mut names = Self::default();
        let groups: BTreeSet<&str> = document.groups.iter().map(|group| group.path.as_str()).collect();
        for group in &document.groups {
            let mut before = None;
            for variable in &group.variables {
                let told = joined(&group.path, &variable.name);
                let Some(path) = kept(variable, &told) else { continue };
                let above = path.rsplit_once('/').map(|(above, _)| above);
                // Most variables of a group tell the same of it.
                if before.replace(above) == Some(above) {
                    continue;
                }
                let (mut told, mut path) = (told.as_str(), path);
                while let (Some((above, _)), Some((kept, _))) = (told.rsplit_once('/'), path.rsplit_once('/')) {
                    (told, path) = (above, kept);
                    let Some(known) = groups.get(told) else { break };
                    let one = names.0.entry(*known).or_insert_with(|| Some(path.to_owned()));
                    // Where two variables tell different paths, there is none to be told.
                    if one.as_deref().is_some_and(|one| one != path) {
                        *one = None;
                    }
                }
            }
        }
        names
    }

    /// The path of a group.
    pub(crate) fn group(&self, path: &str) -> String {
        self.0.get(path).cloned().flatten().unwrap_or_else(|| path.to_owned())
    }

    /// The path of a variable in a group.
    pub(crate) fn variable(&self, group: &str, variable: &Variable) -> String {
        let told = joined(group, &variable.name);
        let name = kept(variable, &told)
            .and_then(|path| path.rsplit_once('/'))
            .map_or(variable.name.as_str(), |(_, name)| name);
        joined(&self.group(group), name)
    }
}

/// The path in the file of the variable at a path, if it tells one that the other is made of.
fn kept<'v>(variable: &'v Variable, told: &str) -> Option<&'v str> {
    let path = variable.attribute("fullnamepath")?.text()?;
    let mut parts = told.split('/').zip(path.split('/'));
    let same = told.split('/').count() == path.split('/').count();
    (same && parts.all(|(told, kept)| is_made_of(told, kept))).then_some(path)
}

fn is_made_of(told: &str, kept: &str) -> bool {
    let made = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    told == kept || (!kept.is_empty() && told == kept.chars().map(made).collect::<String>())
}

/// Whether an attribute is one that only keeps the name or path that a variable has.
pub(crate) fn only_keeps(attribute: &super::document::Attribute, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let value = attribute.text();
    match KEPT.iter().position(|kept| *kept == attribute.name) {
        Some(0) => value == Some(name),
        Some(_) => value == Some(path),
        None => false,
    }
}
