//! The elements of a sidecar, one after another: names by namespace, attributes without escapes, and text.

use std::collections::BTreeSet;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::malformed;
use crate::error::{Error, Problem};
use crate::field::convert::wide;

/// The namespaces of DAP4 and of DMR++ begin with these.
const DAP: &str = "http://xml.opendap.org/ns/DAP/4.0";
const DMRPP: &str = "http://xml.opendap.org/dap/dmrpp/";

/// Attributes of one element; real ones have a dozen.
const MOST_ATTRIBUTES: usize = 64;

/// What comes next in a document.
#[derive(Debug)]
pub(crate) enum Part {
    Start(Element),
    Text(String),
    End,
    /// The root element has ended.
    Eof,
}

/// The beginning of an element.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// Where it is, in bytes of the text.
    pub(crate) at: u64,
    pub(crate) space: Space,
    /// Its name without prefix.
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
}

/// The namespace of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Space {
    Dap,
    Dmrpp,
    #[default]
    Other,
}

impl Element {
    /// The value of an attribute, by its name without prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first attribute that is none of these.
    pub(crate) fn other_than(&self, known: &[&str]) -> Option<&str> {
        self.attributes.iter().map(|(name, _)| name.as_str()).find(|name| !known.contains(name))
    }
}

/// Reads a document part by part.
pub(crate) struct Parts<'a> {
    reader: Reader<&'a [u8]>,
    /// Prefixes of the two namespaces, as the root element declares them.
    dap: String,
    dmrpp: Option<String>,
    depth: u64,
    begun: bool,
    /// An element without content has begun, and ends next.
    empty: bool,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let reader = Reader::from_str(text);
        Self { reader, dap: String::new(), dmrpp: None, depth: 0, begun: false, empty: false }
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> u64 {
        self.depth
    }

    /// Whether the root element declares the namespace of DMR++.
    pub(crate) fn is_dmrpp(&self) -> bool {
        self.dmrpp.is_some()
    }

    pub(crate) fn next(&mut self) -> Result<Part, Error> {
        if std::mem::take(&mut self.empty) {
            return Ok(self.end());
        }
        loop {
            let at = self.reader.buffer_position();
            let event = self.reader.read_event().map_err(|error| malformed(at, Problem::Xml(error.to_string())))?;
            match event {
                Event::Start(start) => return self.start(at, &start).map(Part::Start),
                Event::Empty(start) => {
                    self.empty = true;
                    return self.start(at, &start).map(Part::Start);
                }
                Event::End(_) => return Ok(self.end()),
                Event::Text(text) => return Ok(Part::Text(lines(content(&text, at)?))),
                Event::CData(text) => return Ok(Part::Text(lines(content(&text, at)?))),
                Event::GeneralRef(reference) => return character(&reference, at).map(|c| Part::Text(c.to_string())),
                Event::DocType(_) => return Err(malformed(at, Problem::Xml("a document type declaration".to_owned()))),
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
                Event::Eof if self.depth > 0 => return Err(malformed(at, Problem::Truncated)),
                Event::Eof if self.begun => return Ok(Part::Eof),
                Event::Eof => return Err(malformed(at, Problem::Missing("an element"))),
            }
        }
    }

    fn end(&mut self) -> Part {
        self.depth = self.depth.saturating_sub(1);
        Part::End
    }

    fn start(&mut self, at: u64, start: &BytesStart<'_>) -> Result<Element, Error> {
        let qualified = content(start.name().as_ref(), at)?.to_owned();
        let attributes = attributes(start, at)?;
        if !self.begun {
            self.declare(&attributes);
        } else if self.depth == 0 {
            return Err(malformed(at, Problem::Xml("a second element beside the data set".to_owned())));
        }
        self.begun = true;
        self.depth = self.depth.saturating_add(1);
        let (prefix, name) = qualified.split_once(':').unwrap_or(("", &qualified));
        let space = match prefix {
            _ if self.dmrpp.as_deref() == Some(prefix) => Space::Dmrpp,
            _ if self.dap == prefix => Space::Dap,
            _ => Space::Other,
        };
        let local = |(name, value): (String, String)| {
            let local = name.rsplit_once(':').map_or(name.as_str(), |(_, local)| local);
            (local.to_owned(), value)
        };
        let is_declaration = |name: &str| name == "xmlns" || name.starts_with("xmlns:");
        let attributes = attributes.into_iter().filter(|(name, _)| !is_declaration(name)).map(local).collect();
        Ok(Element { at, space, name: name.to_owned(), attributes })
    }

    /// Takes the prefixes from the root element.
    fn declare(&mut self, attributes: &[(String, String)]) {
        for (name, value) in attributes {
            let prefix = if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") };
            match prefix {
                Some(prefix) if value.starts_with(DMRPP) => self.dmrpp = Some(prefix.to_owned()),
                Some(prefix) if value.starts_with(DAP) => prefix.clone_into(&mut self.dap),
                _ => {}
            }
        }
    }
}

fn content(bytes: &[u8], at: u64) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| malformed(at, Problem::Text("the document")))
}

/// Ends of lines as XML has them (XML 1.0, 2.11).
fn lines(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

fn attributes(start: &BytesStart<'_>, at: u64) -> Result<Vec<(String, String)>, Error> {
    let (mut attributes, mut names) = (Vec::new(), BTreeSet::new());
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| malformed(at, Problem::Xml(error.to_string())))?;
        let name = content(attribute.key.as_ref(), at)?.to_owned();
        let raw = content(&attribute.value, at)?;
        let value = quick_xml::escape::unescape(raw).map_err(|error| malformed(at, Problem::Xml(error.to_string())))?;
        if !names.insert(name.clone()) {
            return Err(malformed(at, Problem::Duplicate("attribute of an element")));
        }
        attributes.push((name, value.into_owned()));
        if attributes.len() > MOST_ATTRIBUTES {
            let value = wide(attributes.len());
            return Err(malformed(at, Problem::Value { field: "number of attributes of an element", value }));
        }
    }
    Ok(attributes)
}

/// The character that a reference stands for: one of the five of XML, or a number. Others would have to be declared.
fn character(reference: &BytesRef<'_>, at: u64) -> Result<char, Error> {
    let wrong = |text: String| malformed(at, Problem::Xml(text));
    if let Some(c) = reference.resolve_char_ref().map_err(|error| wrong(error.to_string()))? {
        return Ok(c);
    }
    match &**reference {
        b"amp" => Ok('&'),
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"quot" => Ok('"'),
        b"apos" => Ok('\''),
        other => Err(wrong(format!("the entity {:?}, which is not declared", String::from_utf8_lossy(other)))),
    }
}
