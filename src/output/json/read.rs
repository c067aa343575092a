//! kerchunk JSON, versions 0 and 1, read: first the documents, then the references to chunks.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::generate::generate;
use super::template::{Templates, is_template};
use crate::error::Error;
use crate::limits::{Limits, check};
use crate::output::inline;
use crate::reference::key::{problem, split};
use crate::reference::{Arrays, Builder, Documents, KnownDocuments, Recorded, Reference, ReferenceSet};

/// The key of all documents in one.
const CONSOLIDATED: &str = ".zmetadata";

/// No file system and no object store has larger files.
const LARGEST_FILE: u64 = 1 << 60;

/// Reads kerchunk JSON, version 0 or 1. Nothing that it refers to is opened. Templates are replaced where they are plain names,
/// and generators where they are integer arithmetic; nothing is evaluated.
///
/// Also gives the keys that belong to no array and no group, and documents that are references themselves.
///
/// # Errors
/// [`Error::Document`] when the text is no set of references, [`Error::Reference`] when it contradicts itself, and
/// [`Error::Limit`].
pub fn read_json(text: &[u8], limits: &Limits) -> Result<(ReferenceSet, Vec<String>), Error> {
    read_json_known(text, limits, &KnownDocuments::default())
}

/// The same; documents that are known are not parsed again.
pub(crate) fn read_json_known(
    text: &[u8],
    limits: &Limits,
    known: &KnownDocuments,
) -> Result<(ReferenceSet, Vec<String>), Error> {
    let text = std::str::from_utf8(text).map_err(|error| Error::Document(error.to_string()))?;
    let Top { version, templates, generators, recorded, documents, mut stray } = Top::read(text, limits)?;
    let (builder, arrays, without_node) = documents.build(known)?;
    stray.extend(without_node);
    let mut reading = Reading {
        builder,
        arrays,
        version,
        templates: Templates::default(),
        limits,
        chunks: 0,
        stray,
        last_url: None,
        last_array: 0,
    };
    let mut templates = Templates::new(&templates, limits.template_bytes);
    generate(generators, &mut templates, |(key, url, range)| {
        let url = reading.builder.url(&url)?;
        let of = |(offset, length)| Reference::Range { url, offset, length };
        reading.chunk(&key, range.map_or(Reference::Whole { url }, of))
    })?;
    reading.templates = templates;
    visit(text, version, |key| !is_document(key), |key, entry| reading.entry(key, entry))?;
    Ok((ReferenceSet { recorded, ..reading.builder.finish()? }, reading.stray))
}

/// What only the text of kerchunk JSON shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonForm {
    /// 0 or 1.
    pub version: u8,
    /// Whether it has templates.
    pub templates: TemplateUse,
    /// Whether there is a member `gen`.
    pub has_generators: bool,
    /// Whether documents are objects and no texts.
    pub has_objects: bool,
}

/// Whether kerchunk JSON has templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateUse {
    /// None.
    Absent,
    /// There is a member `templates`, which no URL uses.
    Declared,
    /// URLs have templates in them.
    Used,
}

impl JsonForm {
    /// The form of a text.
    ///
    /// # Errors
    /// [`Error::Document`] when it is no set of references.
    pub fn of(text: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(text).map_err(|error| Error::Document(error.to_string()))?;
        let members: Members = serde_json::from_str(text).map_err(|error| Error::Document(error.to_string()))?;
        let version = members.version()?;
        let mut form = Self {
            version: u8::from(version == Version::One),
            templates: if members.seen.is_set("templates") { TemplateUse::Declared } else { TemplateUse::Absent },
            has_generators: members.seen.is_set("gen"),
            has_objects: false,
        };
        let takes = |_: &str, entry: Entry<'_>| {
            match entry {
                Entry::Document(_) => form.has_objects = true,
                Entry::Whole(url) | Entry::Range(url, ..)
                    if !members.templates.is_empty() && url.text().is_ok_and(|url| is_template(&url)) =>
                {
                    form.templates = TemplateUse::Used;
                }
                Entry::Whole(_) | Entry::Range(..) | Entry::Text(_) => {}
            }
            Ok(())
        };
        visit(text, version, |_| true, takes)?;
        Ok(form)
    }
}

/// Chunks being read.
struct Reading<'a, 't> {
    builder: Builder,
    arrays: Arrays,
    version: Version,
    templates: Templates,
    limits: &'a Limits,
    chunks: u64,
    stray: Vec<String>,
    /// The URL of the last reference, which is that of the next in most sets.
    last_url: Option<(Quoted<'t>, crate::reference::UrlId)>,
    /// The array of the last chunk, by its place among all.
    last_array: usize,
}

impl<'t> Reading<'_, 't> {
    fn entry(&mut self, key: &str, entry: Entry<'t>) -> Result<(), Error> {
        let reference = match entry {
            Entry::Text(text) => Reference::Inline(bytes(key, &text)?),
            Entry::Document(text) => Reference::Inline(text.into()),
            Entry::Whole(url) => Reference::Whole { url: self.url(key, url)? },
            Entry::Range(url, offset, length) => Reference::Range { url: self.url(key, url)?, offset, length },
        };
        self.chunk(key, reference)
    }

    fn url(&mut self, key: &str, quoted: Quoted<'t>) -> Result<crate::reference::UrlId, Error> {
        if let Some((_, id)) = self.last_url.filter(|(last, _)| *last == quoted) {
            return Ok(id);
        }
        let url = quoted.text().map_err(|problem| wrong(key, problem))?;
        let id = if self.version == Version::Zero || self.templates.is_empty() || !is_template(&url) {
            self.builder.url(&url)?
        } else {
            let url = self.templates.replaced(&url).map_err(|problem| wrong(key, problem))?;
            self.templates.spend(u64::try_from(url.len()).unwrap_or(u64::MAX))?;
            self.builder.url(&url)?
        };
        self.last_url = Some((quoted, id));
        Ok(id)
    }

    fn chunk(&mut self, key: &str, reference: Reference) -> Result<(), Error> {
        check_key(key, self.limits)?;
        self.chunks = self.chunks.saturating_add(1);
        check("chunks", self.chunks, self.limits.chunks)?;
        if let Reference::Range { offset, length, .. } = &reference
            && (*length == 0 || offset.checked_add(*length).is_none_or(|end| end > LARGEST_FILE))
        {
            return Err(wrong(key, format!("{length} bytes at {offset} are no range of a file")));
        }
        match self.arrays.chunk(key, &mut self.last_array)? {
            Some((array, number)) => self.builder.chunk(array, number, reference),
            None if split(key).1 == "zarr.json" => return Err(wrong(key, "is of Zarr v3, and only v2 is read")),
            None => self.stray.push(key.to_owned()),
        }
        Ok(())
    }
}

fn check_key(key: &str, limits: &Limits) -> Result<(), Error> {
    check("key_bytes", u64::try_from(key.len()).unwrap_or(u64::MAX), limits.key_bytes)?;
    problem(key).map_or(Ok(()), |problem| Err(wrong(key, problem)))
}

fn wrong(key: &str, problem: impl Into<String>) -> Error {
    Error::Reference { key: key.to_owned(), problem: problem.into() }
}

/// The bytes of a text that holds them.
fn bytes(key: &str, text: &str) -> Result<Bytes, Error> {
    match inline::decoded(text.as_bytes()) {
        Some(bytes) => bytes.map(Bytes::from).map_err(|error| wrong(key, format!("base64: {error}"))),
        None => Ok(Bytes::copy_from_slice(text.as_bytes())),
    }
}

/// The versions of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// The references alone.
    Zero,
    /// The references as a member beside others.
    One,
}

/// What is needed before the first chunk.
struct Top {
    version: Version,
    templates: Map<String, Value>,
    generators: Vec<Value>,
    recorded: BTreeMap<String, Recorded>,
    documents: Documents,
    /// Keys of documents that are references themselves, which are not followed.
    stray: Vec<String>,
}

impl Top {
    fn read(text: &str, limits: &Limits) -> Result<Self, Error> {
        let members: Members = serde_json::from_str(text).map_err(|error| Error::Document(error.to_string()))?;
        let version = members.version()?;
        let Members { templates, generators, own, outer, inner, .. } = members;
        let mut top = Self {
            version,
            templates,
            generators,
            recorded: own.sources,
            documents: Documents::default(),
            stray: Vec::new(),
        };
        let mut consolidated = None;
        for (key, entry) in if version == Version::Zero { outer } else { inner } {
            if key != CONSOLIDATED {
                top.document(&key, entry, limits)?;
            } else if consolidated.replace(document(&key, entry)?).is_some() {
                return Err(wrong(&key, "is there twice"));
            }
        }
        // Documents that say the same need not be told; others would be read instead of these.
        if let Some(text) = consolidated
            && !text.is_some_and(|text| top.documents.are(&text))
        {
            top.stray.push(CONSOLIDATED.to_owned());
        }
        Ok(top)
    }

    fn document(&mut self, key: &str, entry: Entry<'_>, limits: &Limits) -> Result<(), Error> {
        check("key_bytes", u64::try_from(split(key).0.len()).unwrap_or(u64::MAX), limits.key_bytes)?;
        problem(key).map_or(Ok(()), |problem| Err(wrong(key, problem)))?;
        if let Some(text) = document(key, entry)? {
            return self.documents.add(key, text);
        }
        self.stray.push(key.to_owned());
        Ok(())
    }
}

/// The text of a document; `None` where it is a reference.
fn document(key: &str, entry: Entry<'_>) -> Result<Option<String>, Error> {
    match entry {
        Entry::Document(text) => Ok(Some(text)),
        Entry::Text(text) if text.starts_with(inline::PREFIX) => {
            String::from_utf8(bytes(key, &text)?.into()).map(Some).map_err(|error| wrong(key, error.to_string()))
        }
        Entry::Text(text) => Ok(Some(text.into_owned())),
        Entry::Whole(_) | Entry::Range(..) => Ok(None),
    }
}

/// Keys and what they hold.
type Held<'de> = Vec<(Cow<'de, str>, Entry<'de>)>;

/// The members of the outermost object.
#[derive(Default)]
struct Members<'de> {
    version: Option<Value>,
    templates: Map<String, Value>,
    generators: Vec<Value>,
    own: Own,
    seen: Seen,
    /// Documents that are members themselves, as in version 0.
    outer: Held<'de>,
    /// Documents among the references, as in version 1.
    inner: Held<'de>,
}

/// Which members there are, by their places in [`Seen::NAMES`].
#[derive(Default)]
struct Seen([bool; Seen::NAMES.len()]);

impl Seen {
    const NAMES: [&'static str; 5] = ["version", "templates", "gen", "h5refs", "refs"];

    fn is_set(&self, name: &str) -> bool {
        Self::NAMES.iter().zip(self.0).any(|(known, seen)| *known == name && seen)
    }
}

impl Members<'_> {
    /// Version 0 has the references alone, and no member that says so.
    fn version(&self) -> Result<Version, Error> {
        let wrong = |problem: &str| Err(Error::Document(problem.to_owned()));
        match (&self.version, self.seen.is_set("refs")) {
            (None, false) => Ok(Version::Zero),
            (None, true) => wrong("refs without a version"),
            (Some(one), true) if one.as_u64() == Some(1) => Ok(Version::One),
            (Some(one), false) if one.as_u64() == Some(1) => wrong("version 1 without refs"),
            (Some(other), _) => wrong(&format!("version {other}, and only 0 and 1 are read")),
        }
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Outermost;

        impl<'de> Visitor<'de> for Outermost {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of references")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'de>, M::Error> {
                let mut members = Members::default();
                while let Some(Text(key)) = map.next_key()? {
                    let Some(which) = Seen::NAMES.iter().position(|name| *name == key) else {
                        if is_document(&key) {
                            members.outer.push((key.clone(), held(&key, &mut map)?));
                        } else {
                            map.next_value::<IgnoredAny>()?;
                        }
                        continue;
                    };
                    if members.seen.0.get_mut(which).is_some_and(|seen| std::mem::replace(seen, true)) {
                        return Err(M::Error::custom(format!("{key} is there twice")));
                    }
                    match which {
                        0 => members.version = Some(map.next_value()?),
                        1 => members.templates = map.next_value()?,
                        2 => members.generators = map.next_value()?,
                        3 => members.own = map.next_value()?,
                        _ => members.inner = map.next_value_seed(Inner)?,
                    }
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Outermost)
    }
}

/// Whether what a key holds is needed before the first chunk.
fn is_document(key: &str) -> bool {
    Documents::is_one(key) || key == CONSOLIDATED
}

/// What a key holds.
fn held<'de, M: MapAccess<'de>>(key: &str, map: &mut M) -> Result<Entry<'de>, M::Error> {
    map.next_value().map_err(|error| M::Error::custom(format!("{key:?}: {error}")))
}

/// The documents among the references.
struct Inner;

impl<'de> DeserializeSeed<'de> for Inner {
    type Value = Held<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Held<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Inner {
    type Value = Held<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of references")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Held<'de>, M::Error> {
        let mut documents = Vec::new();
        while let Some(Text(key)) = map.next_key()? {
            if is_document(&key) {
                let entry = held(&key, &mut map)?;
                documents.push((key, entry));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(documents)
    }
}

/// The member that only this crate writes.
#[derive(Default, Deserialize)]
struct Own {
    #[serde(default)]
    sources: BTreeMap<String, Recorded>,
}

/// What a key holds.
enum Entry<'de> {
    Text(Cow<'de, str>),
    /// A document that is an object and no text.
    Document(String),
    Whole(Quoted<'de>),
    Range(Quoted<'de>, u64, u64),
}

/// A text as it stands in JSON, with its quotes and escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Quoted<'de>(&'de str);

impl<'de> Quoted<'de> {
    fn text(self) -> Result<Cow<'de, str>, String> {
        serde_json::from_str(self.0).map(|Text(text)| text).map_err(|error| format!("{} is no file: {error}", self.0))
    }
}

impl<'de> Deserialize<'de> for Quoted<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if raw.starts_with('"') { Ok(Self(raw)) } else { Err(D::Error::custom(format!("{raw} is no file"))) }
    }
}

/// Gives the entries that are wanted, in the order of the text.
fn visit<'de>(
    text: &'de str,
    version: Version,
    wants: impl Fn(&str) -> bool,
    takes: impl FnMut(&str, Entry<'de>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut failed = None;
    let entries = Entries { wants, takes, failed: &mut failed };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = match version {
        Version::Zero => entries.deserialize(&mut deserializer),
        Version::One => InRefs(entries).deserialize(&mut deserializer),
    };
    let read = read.and_then(|()| deserializer.end());
    match failed {
        Some(error) => Err(error),
        None => read.map_err(|error| Error::Document(error.to_string())),
    }
}

struct Entries<'f, W, T> {
    wants: W,
    takes: T,
    failed: &'f mut Option<Error>,
}

impl<'de, W: Fn(&str) -> bool, T: FnMut(&str, Entry<'de>) -> Result<(), Error>> DeserializeSeed<'de>
    for Entries<'_, W, T>
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, W: Fn(&str) -> bool, T: FnMut(&str, Entry<'de>) -> Result<(), Error>> Visitor<'de> for Entries<'_, W, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of references")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some(Text(key)) = map.next_key()? {
            if !(self.wants)(&key) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let entry = held(&key, &mut map)?;
            if let Err(error) = (self.takes)(&key, entry) {
                *self.failed = Some(error);
                return Err(M::Error::custom("an entry is wrong"));
            }
        }
        Ok(())
    }
}

/// The entries of the member `refs`.
struct InRefs<E>(E);

impl<'de, E: DeserializeSeed<'de, Value = ()>> DeserializeSeed<'de> for InRefs<E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, E: DeserializeSeed<'de, Value = ()>> Visitor<'de> for InRefs<E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with refs")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let mut entries = Some(self.0);
        while let Some(Text(key)) = map.next_key()? {
            match entries.take_if(|_| key == "refs") {
                Some(entries) => map.next_value_seed(entries)?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// A text, borrowed where it has no escapes.
struct Text<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Letters;

        impl<'de> Visitor<'de> for Letters {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Letters)
    }
}

impl<'de> Deserialize<'de> for Entry<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl<'de> Visitor<'de> for Form {
            type Value = Entry<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, an object, [url] or [url, offset, length]")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Entry<'de>, E> {
                Ok(Entry::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Entry<'de>, E> {
                Ok(Entry::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut parts: S) -> Result<Entry<'de>, S::Error> {
                let url = parts.next_element()?.ok_or_else(|| S::Error::custom("[] is no reference"))?;
                let Some(offset) = parts.next_element()? else { return Ok(Entry::Whole(url)) };
                let length = parts.next_element()?.ok_or_else(|| S::Error::custom("a reference without a length"))?;
                match parts.next_element::<IgnoredAny>()? {
                    None => Ok(Entry::Range(url, offset, length)),
                    Some(_) => Err(S::Error::custom("a reference of more than three parts")),
                }
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entry<'de>, M::Error> {
                // As a text again, in which names stay in their order.
                let mut text = String::from("{");
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    text.push_str(if text.len() > 1 { "," } else { "" });
                    text.extend([&Value::from(name).to_string(), ":", &value.to_string()]);
                }
                text.push('}');
                Ok(Entry::Document(text))
            }
        }

        deserializer.deserialize_any(Form)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::output::write_json;
    use crate::reference::{Manifest, Node};

    const ARRAY: &str = r#"{"zarr_format":2,"shape":[4],"chunks":[2],"dtype":"<i4","compressor":null,"filters":null,"fill_value":0,"order":"C"}"#;

    /// A set of version 1 with one array `a` and further references.
    fn document(refs: &Value) -> Value {
        let mut document = json!({"version": 1, "refs": {".zgroup": "{\"zarr_format\":2}", "a/.zarray": ARRAY}});
        document["refs"].as_object_mut().unwrap().extend(refs.as_object().unwrap().clone());
        document
    }

    fn read(document: &Value) -> Result<(ReferenceSet, Vec<String>), Error> {
        read_json(document.to_string().as_bytes(), &Limits::default())
    }

    fn chunks(document: &Value) -> (Vec<String>, Manifest) {
        let (set, _) = read(document).unwrap();
        let Some(Node::Array(array)) = set.node("a") else { panic!("no array") };
        (set.urls.clone(), array.chunks.clone())
    }

    fn told(document: &Value) -> String {
        read(document).unwrap_err().to_string()
    }

    #[test]
    fn both_versions_hold_the_same() {
        let one = document(&json!({"a/0": ["s3://b/f.nc", 9_007_199_254_740_993_u64, 8], "a/1": ["whole.bin"]}));
        let zero = &one["refs"];
        assert_eq!(read(&one).unwrap(), read(zero).unwrap());
        let (urls, chunks) = chunks(&one);
        assert_eq!(urls, ["s3://b/f.nc", "whole.bin"]);
        assert_eq!((chunks.offset, chunks.length), (vec![9_007_199_254_740_993, 0], vec![8, Manifest::WHOLE]));
    }

    #[test]
    fn inline_bytes_are_text_or_base64() {
        let chunks = |value: Value| chunks(&document(&json!({"a/0": value}))).1.inline[&0].clone();
        assert_eq!(chunks(json!("base64:AAECAwQFBgc=")), [0, 1, 2, 3, 4, 5, 6, 7].as_slice());
        assert_eq!(chunks(json!("base64:AAECAwQFBgc")), [0, 1, 2, 3, 4, 5, 6, 7].as_slice());
        assert_eq!(chunks(json!("12é4567")), "12é4567".as_bytes());
        assert!(told(&document(&json!({"a/0": "base64:@@@@"}))).starts_with("reference a/0: base64"));
    }

    #[test]
    fn documents_of_zarr_3_are_no_chunks() {
        for key in ["zarr.json", "a/zarr.json"] {
            let text = format!(r#"{{"version":1,"refs":{{"{key}":"{{}}"}}}}"#);
            let error = read_json(text.as_bytes(), &Limits::default()).unwrap_err().to_string();
            assert_eq!(error, format!("reference {key}: is of Zarr v3, and only v2 is read"));
        }
    }

    #[test]
    fn documents_may_be_objects_and_come_after_the_chunks() {
        let text = format!(
            r#"{{"refs":{{"a/0":["u",0,8],"a/.zattrs":{{"units":"m","b":1,"a":2}},"a/.zarray":{ARRAY},".zgroup":{{"zarr_format":2}}}},"version":1}}"#
        );
        let (set, stray) = read_json(text.as_bytes(), &Limits::default()).unwrap();
        assert!(stray.is_empty());
        assert_eq!(set.nodes.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["", "a"]);
        let Some(Node::Array(array)) = set.node("a") else { panic!() };
        assert_eq!((array.attributes.get("units"), array.chunks.number.clone()), (Some(&json!("m")), vec![0]));
    }

    #[test]
    fn templates_and_generators_make_references() {
        let mut one = document(&json!({"a/0": ["{{u}}/x.nc", 0, 8]}));
        one["templates"] = json!({"u": "http://host/{y}", "unused": 5});
        one["gen"] = json!([{"key": "a/{{i}}", "url": "{{u}}/{{i}}.nc", "offset": "{{i * 8}}", "length": "8", "dimensions": {"i": {"start": 1, "stop": 2}}}]);
        let (mut urls, chunks) = chunks(&one);
        urls.sort();
        assert_eq!(urls, ["http://host/{y}/1.nc", "http://host/{y}/x.nc"]);
        assert_eq!((chunks.number, chunks.offset), (vec![0, 1], vec![0, 8]));
        one["refs"]["a/0"] = json!(["{{v}}", 0, 8]);
        assert_eq!(told(&one), "reference a/0: there is no template \"v\"");
        // Version 0 has no templates, and a set may have none.
        let without = document(&json!({"a/0": ["{{v}}", 0, 8]}));
        for document in [&without, &without["refs"]] {
            assert_eq!(self::chunks(document).0, ["{{v}}"]);
        }
    }

    #[test]
    fn what_files_were_is_kept() {
        let mut set = read(&document(&json!({"a/0": ["u", 0, 8]}))).unwrap().0;
        let recorded = Recorded { size: 5, modified_ns: Some(u64::MAX), etag: Some("\"x\"".to_owned()) };
        set.recorded.insert("u".to_owned(), recorded);
        set.recorded.insert("v".to_owned(), Recorded { size: 6, modified_ns: None, etag: None });
        let mut text = Vec::new();
        write_json(&set, &mut text).unwrap();
        assert_eq!(read_json(&text, &Limits::default()).unwrap().0, set);
    }

    #[test]
    fn keys_of_no_array_are_told() {
        let (_, stray) =
            read(&document(&json!({"té/0": ["u", 0, 8], "b/.zattrs": "{}", "c/.zarray": ["u", 0, 100]}))).unwrap();
        assert_eq!(stray, ["c/.zarray", "b/.zattrs", "té/0"]);
    }

    #[test]
    fn what_is_no_set_of_references_is_refused() {
        let nested = format!(r#"{{"version":1,"refs":{{"a":{}1{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        let long = format!(r#"{{"version":1,"refs":{{"a/0":["u",{},8]}}}}"#, "9".repeat(100_000));
        for text in [
            "",
            "null",
            "[]",
            "1",
            "<html>",
            "{\"version\":1}",
            "{\"version\":2,\"refs\":{}}",
            "{\"version\":\"1\",\"refs\":{}}",
            "{\"version\":1e99,\"refs\":{}}",
            "{\"version\":1,\"refs\":[]}",
            "{\"version\":1,\"refs\":{}}}",
            "{\"refs\":{}}",
            "{\"version\":1,\"refs\":{},\"refs\":{}}",
            "{\"version\":1,\"refs\":{\"a\\ud800\":\"x\"}}",
            &nested,
            &long,
        ] {
            let error = read_json(text.as_bytes(), &Limits::default()).unwrap_err();
            assert!(matches!(error, Error::Document(_)), "{text:.60}: {error}");
        }
        assert!(read_json(b"{\"\xff\":1}", &Limits::default()).is_err());
    }

    #[test]
    fn a_reference_is_a_text_or_one_or_three_parts() {
        for value in [
            json!(null),
            json!(true),
            json!(5),
            json!([]),
            json!(["u", 0]),
            json!(["u", 0, 8, 1]),
            json!([1, 2, 3]),
            json!([null, 0, 8]),
            json!(["u", "0", "8"]),
            json!(["u", null, null]),
            json!(["u", -1, 8]),
            json!(["u", 0, -8]),
            json!(["u", 1.5, 8]),
            json!(["u", 1e3, 8]),
            json!(["u", true, 8]),
            json!(["u", u64::MAX, 8]),
            json!(["u", 0, 0]),
            json!(["u", 0, 1_u64 << 62]),
            json!([["u"], 0, 8]),
        ] {
            let error = told(&document(&json!({"a/0": value.clone()})));
            assert!(error.contains("a/0"), "{value}: {error}");
        }
    }

    #[test]
    fn a_key_names_one_thing() {
        for key in [
            "", "/", "/a/0", "../x", "a/../b/0", "./a/0", "a//0", "a/", "a\0/0", "a/9", "a/0.0", "a/00", "a/-1",
            "a/0/0", "a/0/x",
        ] {
            let error = told(&document(&json!({ key: ["u", 0, 8] })));
            assert!(error.starts_with(&format!("reference {key}: ")), "{key:?}: {error}");
        }
        let twice =
            document(&json!({"a/0": ["u", 0, 8]})).to_string().replace("\"a/0\":[", "\"a/0\":[\"v\",1,2],\"a/0\":[");
        assert_eq!(
            read_json(twice.as_bytes(), &Limits::default()).unwrap_err().to_string(),
            "reference a/0: is there twice"
        );
        let limits = Limits { key_bytes: 7, ..Limits::default() };
        let of = |path: &str| json!({ format!("{path}/.zgroup"): "{\"zarr_format\":2}" }).to_string();
        assert!(read_json(of("seven_b").as_bytes(), &limits).is_ok());
        let error = read_json(of("eight_by").as_bytes(), &limits).unwrap_err();
        assert!(error.to_string().starts_with("8 exceeds Limits::key_bytes = 7"), "{error}");
        let limits = Limits { chunks: 1, ..Limits::default() };
        let two = document(&json!({"a/0": ["u", 0, 8], "a/1": ["u", 0, 8]})).to_string();
        assert!(matches!(read_json(two.as_bytes(), &limits), Err(Error::Limit(_))));
    }

    /// Any set of one array with chunks of each kind.
    fn sets() -> impl Strategy<Value = ReferenceSet> {
        let reference = prop_oneof![
            (0_usize..3, any::<u32>(), 1_u32..)
                .prop_map(|(url, offset, length)| (url, Some((u64::from(offset), u64::from(length))))),
            (0_usize..3).prop_map(|url| (url, None)),
        ];
        let chunk = prop_oneof![reference.prop_map(Ok), prop::collection::vec(any::<u8>(), 0..9).prop_map(Err)];
        (prop::collection::btree_map(0_u64..12, chunk, 0..12), "[a-z\"\\\\{é]{1,4}").prop_map(|(chunks, path)| {
            let mut builder = Builder::default();
            builder.group("", crate::zarr::Attributes::default());
            let (metadata, _) = crate::zarr::ArrayMetadata::parse(
                &ARRAY
                    .replace("[4]", "[4,6]")
                    .replace("[2]", "[1,2]")
                    .replace("\"filters\":null", "\"filters\":[{\"id\":\"zlib\",\"level\":1}]"),
            )
            .unwrap();
            let array = builder.array(
                &path,
                metadata,
                crate::zarr::Attributes::with_dimensions(&["y".to_owned(), "x".to_owned()]),
            );
            for (number, chunk) in chunks {
                let reference = match chunk {
                    Ok((url, range)) => {
                        let url = builder.url(["s3://b/1", "/two", "3"][url]).unwrap();
                        range.map_or(Reference::Whole { url }, |(offset, length)| Reference::Range {
                            url,
                            offset,
                            length,
                        })
                    }
                    Err(bytes) => Reference::Inline(bytes.into()),
                };
                builder.chunk(array, number, reference);
            }
            builder.finish().unwrap()
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(set in sets()) {
            let mut text = Vec::new();
            write_json(&set, &mut text).unwrap();
            let (back, stray) = read_json(&text, &Limits::default()).unwrap();
            prop_assert!(stray.is_empty());
            prop_assert_eq!(back, set);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}", at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            drop(read_json(text.as_bytes(), &Limits::default()));
            let mut bytes = document(&json!({"a/0": ["u", 0, 8], "a/1": "base64:AAECAwQFBgc="})).to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            drop(read_json(&bytes, &Limits::default()));
        }
    }
}
