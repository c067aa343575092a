//! What a sidecar declares, as its text has it: groups, variables, attributes, dimensions, in whatever order.

use super::chunks::{Chunks, Files};
use super::malformed;
use super::number::number;
use super::xml::{Element, Part, Parts, Space};
use crate::error::{Error, LimitError, Problem, Unsupported};
use crate::field::convert::wide;
use crate::limits::{Budget, check};

/// A sidecar.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// What it calls its file.
    pub(crate) href: Option<String>,
    /// The version of what wrote it; the first that wrote one also keeps the order of filters.
    pub(crate) version: Option<String>,
    /// Each before those in it; the first is the root.
    pub(crate) groups: Vec<Group>,
    pub(crate) files: Files,
    /// Groups and variables so far.
    objects: u64,
}

/// A group and what it declares.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) path: String,
    pub(crate) attributes: Vec<Attribute>,
    /// Names and sizes.
    pub(crate) dimensions: Vec<(String, Option<u64>)>,
    pub(crate) enumerations: Vec<Enumeration>,
    pub(crate) variables: Vec<Variable>,
}

/// A type of an enumeration.
#[derive(Debug, Default)]
pub(crate) struct Enumeration {
    pub(crate) name: String,
    pub(crate) base: String,
    /// Names and values.
    pub(crate) members: Vec<(String, String)>,
}

/// An attribute.
#[derive(Debug, Default)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    /// The name of its type.
    pub(crate) kind: String,
    pub(crate) values: Vec<String>,
}

/// A dimension of a variable: one of a name, or of a size.
#[derive(Debug, Default)]
pub(crate) struct Dim {
    pub(crate) name: Option<String>,
    pub(crate) size: Option<String>,
}

/// A variable, or a member of a structure.
#[derive(Debug, Default)]
pub(crate) struct Variable {
    /// Where it is in the text.
    pub(crate) at: u64,
    /// The name of its type.
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The path of its enumeration.
    pub(crate) enumeration: Option<String>,
    pub(crate) dims: Vec<Dim>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) members: Vec<Variable>,
    pub(crate) chunks: Option<Box<Chunks>>,
    /// Values in the sidecar itself.
    pub(crate) held: Option<(Held, String)>,
    /// Texts of any length, and how often each stands one after another.
    pub(crate) texts: Option<Vec<Entry>>,
    /// How texts of one length are stored.
    pub(crate) fixed: Option<Fixed>,
    /// The first thing that is wrong with it.
    pub(crate) wrong: Option<Error>,
}

/// How values are held in the sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// `dmrpp:compact`: in Base64.
    Compact,
    /// `dmrpp:missingdata`: the same, deflated where there are several.
    Missing,
    /// `dmrpp:specialstructuredata`: structures with texts among their members.
    Structures,
}

/// How texts of one length are stored.
#[derive(Debug, Default)]
pub(crate) struct Fixed {
    pub(crate) length: Option<String>,
    pub(crate) pad: Option<String>,
}

/// A text of any length.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// How often.
    pub(crate) count: Option<String>,
    /// Bytes of the text, where it is deflated and in Base64.
    pub(crate) size: Option<String>,
    pub(crate) text: String,
}

/// An element that has begun.
enum Open {
    Group(usize),
    Variable(Box<Variable>),
    Enumeration(Enumeration),
    Attribute(Attribute),
    Value(String),
    Chunks(Box<Chunks>),
    ChunkSizes(String),
    Held(Held, String),
    Texts(Vec<Entry>),
    Entry(Entry),
    Ignored,
}

/// The types of variables that DAP4 has.
const TYPES: [&str; 18] = [
    "Byte",
    "Char",
    "Enum",
    "Float32",
    "Float64",
    "Int16",
    "Int32",
    "Int64",
    "Int8",
    "Opaque",
    "Sequence",
    "String",
    "Structure",
    "UInt16",
    "UInt32",
    "UInt64",
    "UInt8",
    "URL",
];

impl Document {
    /// Reads a sidecar; its groups lie as deep in one another as groups may, and so do its elements.
    pub(crate) fn read(text: &str, budget: &Budget) -> Result<Self, Error> {
        budget.structure(wide(text.len()))?;
        let (mut document, mut parts, mut open) = (Self::default(), Parts::new(text), Vec::new());
        loop {
            match parts.next()? {
                Part::Start(element) => {
                    check("group_depth", parts.depth(), budget.limits().group_depth)?;
                    if open.is_empty() {
                        document.root(&element, parts.is_dmrpp())?;
                        open.push(Open::Group(0));
                        continue;
                    }
                    let next = match open.last_mut() {
                        Some(parent) => document.start(parent, &element, budget)?,
                        None => Open::Ignored,
                    };
                    open.push(next);
                }
                Part::Text(text) => {
                    if let Some(open) = open.last_mut() {
                        append(open, &text);
                    }
                }
                Part::End => {
                    let Some(ended) = open.pop() else { continue };
                    document.end(open.last_mut(), ended);
                }
                Part::Eof => return Ok(document),
            }
        }
    }

    /// What a sidecar calls its file; only its first element is read.
    pub(crate) fn href_of(text: &str) -> Result<Option<String>, Error> {
        let (mut document, mut parts) = (Self::default(), Parts::new(text));
        loop {
            match parts.next()? {
                Part::Start(element) => return document.root(&element, parts.is_dmrpp()).map(|()| document.href),
                Part::Eof => return Ok(None),
                Part::Text(_) | Part::End => {}
            }
        }
    }

    fn root(&mut self, element: &Element, is_dmrpp: bool) -> Result<(), Error> {
        if element.name != "Dataset" || element.space != Space::Dap || !is_dmrpp {
            return Err(malformed(element.at, Problem::Missing("the data set of a DMR++ document")));
        }
        self.href = element.attribute("href").map(str::to_owned);
        self.version = element.attribute("version").map(str::to_owned);
        self.groups.push(Group { path: "/".to_owned(), ..Group::default() });
        self.files = Files::new(self.href.clone());
        Ok(())
    }

    /// An element that begins in another.
    fn start(&mut self, parent: &mut Open, element: &Element, budget: &Budget) -> Result<Open, Error> {
        match parent {
            Open::Group(at) => self.in_group(*at, element, budget),
            Open::Variable(variable) => Ok(self.in_variable(variable, element, budget)),
            Open::Chunks(chunks) => Ok(self.in_chunks(chunks, element, budget)),
            Open::Attribute(attribute) => {
                let is_value = element.space == Space::Dap && element.name == "Value";
                if !is_value && attribute.kind != "Container" {
                    "of more than values".clone_into(&mut attribute.kind);
                }
                Ok(if is_value { Open::Value(owned(element, "value")) } else { Open::Ignored })
            }
            Open::Enumeration(enumeration) => {
                if element.name == "EnumConst" {
                    budget.structure(0)?;
                    enumeration.members.push((owned(element, "name"), owned(element, "value")));
                }
                Ok(Open::Ignored)
            }
            Open::Texts(_) if element.name == "v" => {
                budget.structure(0)?;
                let attribute = |name| element.attribute(name).map(str::to_owned);
                Ok(Open::Entry(Entry { count: attribute("c"), size: attribute("s"), text: String::new() }))
            }
            _ => Ok(Open::Ignored),
        }
    }

    fn in_group(&mut self, at: usize, element: &Element, budget: &Budget) -> Result<Open, Error> {
        let Some(group) = self.groups.get_mut(at) else { return Ok(Open::Ignored) };
        if element.space != Space::Dap {
            return Ok(Open::Ignored);
        }
        budget.structure(0)?;
        let name = element.attribute("name");
        match element.name.as_str() {
            "Group" => {
                count(&mut self.objects, budget)?;
                let name = name.filter(|name| is_nameable(name));
                let name = name.ok_or_else(|| malformed(element.at, Problem::Text("the name of a group")))?;
                let path = joined(&group.path, name);
                check("key_bytes", wide(path.len()), budget.limits().key_bytes)?;
                // Short names in a deep group make long paths.
                budget.inline(wide(path.len()))?;
                self.groups.push(Group { path, ..Group::default() });
                Ok(Open::Group(self.groups.len().saturating_sub(1)))
            }
            "Dimension" => {
                let size = element.attribute("size").and_then(number);
                group.dimensions.push((name.unwrap_or_default().to_owned(), size));
                Ok(Open::Ignored)
            }
            "Enumeration" => Ok(Open::Enumeration(Enumeration {
                name: name.unwrap_or_default().to_owned(),
                base: owned(element, "basetype"),
                members: Vec::new(),
            })),
            "Attribute" => Ok(Open::Attribute(attribute(element))),
            kind if TYPES.contains(&kind) => {
                count(&mut self.objects, budget)?;
                Ok(Open::Variable(Box::new(variable(element))))
            }
            _ => Err(Unsupported::NotTold(format!("what the element {} of a group is", element.name)).into()),
        }
    }

    fn in_variable(&mut self, into: &mut Variable, element: &Element, budget: &Budget) -> Open {
        if let Err(limit) = budget.structure(0) {
            into.fail(limit.into());
            return Open::Ignored;
        }
        let attribute_of = |name| element.attribute(name).map(str::to_owned);
        match (element.space, element.name.as_str()) {
            (Space::Dap, "Dim") => {
                into.dims.push(Dim { name: attribute_of("name"), size: attribute_of("size") });
                Open::Ignored
            }
            (Space::Dap, "Attribute") => Open::Attribute(attribute(element)),
            (Space::Dap, kind) if TYPES.contains(&kind) => Open::Variable(Box::new(variable(element))),
            // Maps say which variables are coordinates, and nothing of the values.
            (Space::Dap, "Map") | (Space::Other, _) => Open::Ignored,
            (Space::Dmrpp, "chunks") => match Chunks::new(element) {
                Ok(chunks) => Open::Chunks(Box::new(chunks)),
                Err(error) => {
                    into.fail(error);
                    Open::Ignored
                }
            },
            (Space::Dmrpp, "chunk") => {
                let chunks = into.chunks.get_or_insert_default();
                let pushed = chunks.push(element, &mut self.files, budget);
                pushed.unwrap_or_else(|error| into.fail(error));
                Open::Ignored
            }
            (Space::Dmrpp, "compact") => Open::Held(Held::Compact, String::new()),
            (Space::Dmrpp, "missingdata") => Open::Held(Held::Missing, String::new()),
            (Space::Dmrpp, "specialstructuredata") => Open::Held(Held::Structures, String::new()),
            (Space::Dmrpp, "vlsa") => Open::Texts(Vec::new()),
            (Space::Dmrpp, "FixedLengthStringArray") => {
                into.fixed = Some(Fixed { length: attribute_of("string_length"), pad: attribute_of("pad") });
                Open::Ignored
            }
            (_, name) => {
                into.fail(Unsupported::NotTold(format!("what the element {name} of a variable means")).into());
                Open::Ignored
            }
        }
    }

    fn in_chunks(&mut self, chunks: &mut Chunks, element: &Element, budget: &Budget) -> Open {
        match (element.space, element.name.as_str()) {
            (Space::Dmrpp, "chunkDimensionSizes") => Open::ChunkSizes(String::new()),
            (Space::Dmrpp, "chunk") => {
                if let Err(error) = chunks.push(element, &mut self.files, budget) {
                    chunks.wrong.get_or_insert(error);
                }
                Open::Ignored
            }
            (_, name) => {
                let refusal = Unsupported::NotTold(format!("what the element {name} among chunks means"));
                chunks.wrong.get_or_insert(refusal.into());
                Open::Ignored
            }
        }
    }

    /// An element that has ended in another.
    fn end(&mut self, parent: Option<&mut Open>, ended: Open) {
        match (parent, ended) {
            (Some(Open::Group(at)), ended) => {
                let Some(group) = self.groups.get_mut(*at) else { return };
                match ended {
                    Open::Variable(variable) => group.variables.push(*variable),
                    Open::Enumeration(enumeration) => group.enumerations.push(enumeration),
                    Open::Attribute(attribute) => group.attributes.push(attribute),
                    _ => {}
                }
            }
            (Some(Open::Variable(into)), ended) => into.take(ended),
            (Some(Open::Attribute(attribute)), Open::Value(value)) => attribute.values.push(value),
            (Some(Open::Chunks(chunks)), Open::ChunkSizes(sizes)) => chunks.set_sizes(sizes),
            (Some(Open::Texts(entries)), Open::Entry(entry)) => entries.push(entry),
            _ => {}
        }
    }
}

impl Variable {
    fn fail(&mut self, error: Error) {
        self.wrong.get_or_insert(error);
    }

    fn take(&mut self, ended: Open) {
        let twice = || malformed(self.at, Problem::Duplicate("place of a variable's values"));
        match ended {
            Open::Variable(member) => self.members.push(*member),
            Open::Attribute(attribute) => self.attributes.push(attribute),
            Open::Chunks(_) if self.chunks.is_some() => self.fail(twice()),
            Open::Chunks(chunks) => self.chunks = Some(chunks),
            Open::Held(..) if self.held.is_some() => self.fail(twice()),
            Open::Held(held, text) => self.held = Some((held, text)),
            Open::Texts(_) if self.texts.is_some() => self.fail(twice()),
            Open::Texts(entries) => self.texts = Some(entries),
            _ => {}
        }
    }

    /// An attribute by name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

impl Attribute {
    /// The value, if it is one text.
    pub(crate) fn text(&self) -> Option<&str> {
        match (self.kind.as_str(), self.values.as_slice()) {
            ("String", [text]) => Some(text),
            _ => None,
        }
    }
}

/// One object more.
fn count(objects: &mut u64, budget: &Budget) -> Result<(), LimitError> {
    *objects = objects.saturating_add(1);
    check("paths", *objects, budget.limits().paths)
}

fn append(open: &mut Open, text: &str) {
    match open {
        Open::Value(into) | Open::ChunkSizes(into) | Open::Held(_, into) => into.push_str(text),
        Open::Entry(entry) => entry.text.push_str(text),
        _ => {}
    }
}

fn variable(element: &Element) -> Variable {
    Variable {
        at: element.at,
        kind: element.name.clone(),
        name: owned(element, "name"),
        enumeration: element.attribute("enum").map(str::to_owned),
        ..Variable::default()
    }
}

fn attribute(element: &Element) -> Attribute {
    let values = element.attribute("value").map(str::to_owned).into_iter().collect();
    Attribute { name: owned(element, "name"), kind: owned(element, "type"), values }
}

fn owned(element: &Element, name: &str) -> String {
    element.attribute(name).unwrap_or_default().to_owned()
}

/// A path in a group.
pub(crate) fn joined(group: &str, name: &str) -> String {
    if group == "/" { format!("/{name}") } else { format!("{group}/{name}") }
}

/// Whether a name can be part of a path.
pub(crate) fn is_nameable(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}
