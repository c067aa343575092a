//! A sidecar as the objects of its file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::attribute::{attribute, is_added};
use super::document::{self, Document, Variable, is_nameable};
use super::names::{Names, only_keeps};
use super::variable::{Declared, Facts};
use super::{Given, malformed};
use crate::error::{Error, Problem, Unsupported};
use crate::field::convert::wide;
use crate::file::{Attribute, Content, Node, Object, Tree};
use crate::limits::{Budget, Limits};
use crate::netcdf::{Dimensions, Header, ToldDimensions};

/// What a sidecar tells of its file.
#[derive(Debug)]
pub(crate) struct Sidecar {
    /// Groups and datasets; datasets that are not told exactly are errors.
    pub(crate) tree: Tree,
    pub(crate) dimensions: Dimensions,
    /// What the objects do not tell, by path.
    pub(crate) facts: BTreeMap<String, Facts>,
    /// Group, name and length of the dimensions that it declares.
    declared: Vec<(String, String, u64)>,
    /// What chunks call files; the first is the sidecar's own.
    pub(crate) files: Vec<String>,
}

impl Sidecar {
    pub(crate) fn of(document: &Document, given: Given, budget: &Budget) -> Result<Self, Error> {
        let (names, declared) = (Names::of(document), Declared::of(document, given));
        let (mut objects, mut facts, mut paths) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        let mut told = ToldDimensions::default();
        for group in &document.groups {
            let path = names.group(&group.path);
            let unique = paths.insert(path.clone());
            let content = if unique { Ok(Content::Group) } else { Err(twice(0)) };
            let attributes = attributes(&group.attributes, &path, budget.limits());
            push(&mut objects, path.clone(), content, attributes);
            let sizes = group.dimensions.iter().filter_map(|(name, size)| Some((path.clone(), name.clone(), (*size)?)));
            told.declared.extend(sizes);
            for variable in &group.variables {
                let path = names.variable(&group.path, variable);
                budget.inline(wide(path.len()))?;
                let attributes = attributes_of(variable, &path, budget.limits());
                let fill = attributes.iter().find(|attribute| attribute.name == "_FillValue");
                let made = if !is_nameable(&variable.name) {
                    Err(Unsupported::Name("it is empty, or has a slash in it").into())
                } else if paths.insert(path.clone()) {
                    declared.dataset(&group.path, variable, fill, budget)
                } else {
                    Err(twice(variable.at))
                };
                let content = made.map(|(dataset, known)| {
                    told.names.insert(path.clone(), known.names.clone());
                    facts.insert(path.clone(), known);
                    Content::Dataset(Box::new(dataset))
                });
                push(&mut objects, path, content, attributes);
            }
        }
        let tree = Tree { objects, links: Vec::new(), dimensions: Vec::new() };
        let dimensions = Dimensions::told(&tree, &told);
        Ok(Self { tree, dimensions, facts, declared: told.declared, files: document.files.names().to_vec() })
    }
}

impl Sidecar {
    /// What it declares.
    pub(crate) fn header(&self) -> Header {
        Header::of(&self.tree, &self.dimensions, &self.declared)
    }
}

fn twice(at: u64) -> Error {
    malformed(at, Problem::Duplicate("path"))
}

fn push(objects: &mut Vec<Object>, path: String, content: Result<Content, Error>, attributes: Vec<Attribute>) {
    let address = wide(objects.len());
    objects.push(Object { path, address, node: Arc::new(Node { content, attributes: Ok(attributes) }) });
}

fn attributes_of(variable: &Variable, path: &str, limits: &Limits) -> Vec<Attribute> {
    attributes(&variable.attributes, path, limits)
}

fn attributes(declared: &[document::Attribute], path: &str, limits: &Limits) -> Vec<Attribute> {
    let own = declared.iter().filter(|attribute| !is_added(attribute) && !only_keeps(attribute, path));
    own.map(|declared| attribute(declared, limits)).collect()
}
