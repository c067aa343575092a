//! kerchunk JSON, versions 0 and 1, streamed: only one chunk's key exists at a time.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::key::Keys;
use crate::output::{Made, inline, made};
use crate::reference::key::joined;
use crate::reference::{Manifest, Node, ReferenceSet};
use crate::zarr::{GROUP, NanPolicy, v3};

/// How references are written as kerchunk JSON. Build one with [`Default`] and set what differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct JsonOptions {
    /// The version of the format (default 1).
    pub version: JsonVersion,
    /// How NaN and infinity are written inside `.zarray` and `.zattrs`. These are strings of the document that is written, which stays
    /// strict JSON.
    pub nan: NanPolicy,
    /// Names, and the beginnings of URLs that are written as `{{name}}`; of several the longest (default: none, as some readers know no
    /// templates).
    pub templates: Vec<(String, String)>,
    /// Whether there is a key `.zmetadata` with all documents in it, which readers take that are told `consolidated=True`.
    pub consolidated: bool,
    /// The format of the documents (default 2).
    pub zarr_format: ZarrFormat,
    /// How the set was made, which version 1 records behind the references.
    pub made: Option<Made>,
}

/// The versions of kerchunk JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JsonVersion {
    /// The references alone: no templates, and no record of what files were.
    Zero,
    /// The references as a member beside others.
    #[default]
    One,
}

/// The versions of Zarr whose documents are written. The keys of chunks are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZarrFormat {
    /// `.zgroup`, `.zarray` and `.zattrs`: what kerchunk writes, and every reader of references reads.
    #[default]
    Two,
    /// `zarr.json`, which zarr-python 3 reads; no set is made of it again.
    Three,
}

/// Writes a reference set as kerchunk JSON version 1, in the profile that every known reader accepts: metadata as JSON
/// strings, no templates, strict JSON. What files were is a member `h5refs` after the references, which readers pass over.
///
/// # Errors
/// What `out` answers.
pub fn write_json(set: &ReferenceSet, out: impl Write) -> io::Result<()> {
    write_json_as(set, &JsonOptions::default(), out)
}

/// The same, with NaN and infinity inside `.zarray` and `.zattrs` as `nan` says. These are strings of the document that is
/// written, which stays strict JSON.
///
/// # Errors
/// What `out` answers.
pub fn write_json_with(set: &ReferenceSet, nan: NanPolicy, out: impl Write) -> io::Result<()> {
    write_json_as(set, &JsonOptions { nan, ..JsonOptions::default() }, out)
}

/// The same, as `options` say.
///
/// # Errors
/// What `out` answers; templates that version 0 does not have, whose names are no identifiers, or beside URLs with braces; an array that
/// Zarr v3 has no form for, where that is asked for.
pub fn write_json_as(set: &ReferenceSet, options: &JsonOptions, out: impl Write) -> io::Result<()> {
    let urls = urls(set, options)?;
    let mut writer = Writer { out, first: true, line: Vec::with_capacity(256) };
    writer.head(options)?;
    if options.consolidated && options.zarr_format == ZarrFormat::Two {
        writer.text(".zmetadata", &consolidated(set, options.nan)?)?;
    }
    for (path, node) in &set.nodes {
        match options.zarr_format {
            ZarrFormat::Two => {
                for (key, document) in documents(path, node, options.nan)? {
                    writer.text(&key, &document)?;
                }
            }
            ZarrFormat::Three => writer.text(&joined(path, "zarr.json"), &document_v3(set, path, node, options)?)?,
        }
        if let Node::Array(array) = node {
            writer.chunks(&joined(path, ""), &array.chunks, &urls)?;
        }
    }
    writer.tail(set, options)
}

/// The keys and the documents of a node.
fn documents(path: &str, node: &Node, nan: NanPolicy) -> io::Result<[(String, String); 2]> {
    let (name, document, attributes) = match node {
        Node::Group(attributes) => (".zgroup", GROUP.to_owned(), attributes),
        Node::Array(array) => (".zarray", array.metadata.to_json(nan)?, &array.attributes),
    };
    Ok([(joined(path, name), document), (joined(path, ".zattrs"), attributes.to_json(nan)?)])
}

/// The document of a node in Zarr v3, that of the root with those of all others where they are to be together.
fn document_v3(set: &ReferenceSet, path: &str, node: &Node, options: &JsonOptions) -> io::Result<String> {
    let document = |path: &str, node: &Node| match node {
        Node::Group(attributes) => Ok(v3::group(attributes, options.nan)?),
        Node::Array(array) => v3::array(&array.metadata, &array.attributes, options.nan)
            .map_err(|invalid| io::Error::new(io::ErrorKind::InvalidInput, format!("{path}: {invalid}"))),
    };
    let own = document(path, node)?;
    if !options.consolidated || !path.is_empty() {
        return Ok(own);
    }
    let others = set.nodes.iter().filter(|(path, _)| !path.is_empty());
    let others = others.map(|(path, node)| Ok((path.clone(), document(path, node)?)));
    Ok(v3::consolidated(&own, &others.collect::<io::Result<Vec<_>>>()?))
}

/// `.zmetadata`: the documents of all nodes.
fn consolidated(set: &ReferenceSet, nan: NanPolicy) -> io::Result<String> {
    let mut text = String::from("{\"metadata\":{");
    for (n, (path, node)) in set.nodes.iter().enumerate() {
        for (m, (key, document)) in documents(path, node, nan)?.into_iter().enumerate() {
            text.push_str(if n + m > 0 { "," } else { "" });
            text.extend([&serde_json::to_string(&key)?, ":", &document]);
        }
    }
    text.push_str("},\"zarr_consolidated_format\":1}");
    Ok(text)
}

/// The URLs as they are written, with their quotes.
fn urls(set: &ReferenceSet, options: &JsonOptions) -> io::Result<Vec<Vec<u8>>> {
    let wrong = |problem: String| Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    let templates = &options.templates;
    if templates.is_empty() {
        return set.urls.iter().map(|url| quoted(url)).collect();
    }
    if options.version == JsonVersion::Zero {
        return wrong("version 0 has no templates".to_owned());
    }
    if let Some((name, value)) = templates.iter().find(|(name, value)| !is_name(name) || value.contains(['{', '}'])) {
        return wrong(format!("{name}={value} is no template: letters, digits and _, for a text without braces"));
    }
    let one = |name: &str| templates.iter().filter(|(other, _)| other == name).count() == 1;
    if let Some((name, _)) = templates.iter().find(|(name, _)| !one(name)) {
        return wrong(format!("the template {name} is there twice"));
    }
    // fsspec takes each brace of a URL with a template for its own.
    if let Some(url) = set.urls.iter().find(|url| url.contains(['{', '}'])) {
        return wrong(format!("{url}: a URL with braces is none beside templates"));
    }
    let written = |url: &String| match beginning(url, templates) {
        Some((name, rest)) => quoted(&format!("{{{{{name}}}}}{rest}")),
        None => quoted(url),
    };
    set.urls.iter().map(written).collect()
}

/// Whether Python takes a text for a name.
fn is_name(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(letter) && text.chars().all(|c| letter(c) || c.is_ascii_digit())
}

/// The template of the longest beginning of a URL, and the rest of it.
fn beginning<'a>(url: &'a str, templates: &'a [(String, String)]) -> Option<(&'a str, &'a str)> {
    let fitting = templates.iter().filter_map(|(name, value)| Some((name.as_str(), url.strip_prefix(value.as_str())?)));
    fitting.min_by_key(|(_, rest)| rest.len())
}

struct Writer<W> {
    out: W,
    first: bool,
    /// The entry that is being written.
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Up to the first reference.
    fn head(&mut self, options: &JsonOptions) -> io::Result<()> {
        if options.version == JsonVersion::Zero {
            return self.out.write_all(b"{");
        }
        self.out.write_all(b"{\"version\":1,")?;
        if !options.templates.is_empty() {
            let templates: BTreeMap<_, _> = options.templates.iter().map(|(name, value)| (name, value)).collect();
            self.out.write_all(b"\"templates\":")?;
            serde_json::to_writer(&mut self.out, &templates)?;
            self.out.write_all(b",")?;
        }
        self.out.write_all(b"\"refs\":{")
    }

    /// From the last reference on.
    fn tail(mut self, set: &ReferenceSet, options: &JsonOptions) -> io::Result<()> {
        if options.version == JsonVersion::One {
            self.out.write_all(b"}")?;
            made::write(set, options.made.as_ref(), None, &mut self.out)?;
        }
        self.out.write_all(b"}\n")?;
        self.out.flush()
    }

    fn separator(&mut self) {
        self.line.clear();
        if !self.first {
            self.line.push(b',');
        }
        self.first = false;
    }

    fn text(&mut self, key: &str, value: &str) -> io::Result<()> {
        self.separator();
        serde_json::to_writer(&mut self.line, key)?;
        self.line.push(b':');
        serde_json::to_writer(&mut self.line, value)?;
        self.out.write_all(&self.line)
    }

    /// Every chunk in ascending order of its number, referenced and inline ones mixed.
    fn chunks(&mut self, prefix: &str, manifest: &Manifest, urls: &[Vec<u8>]) -> io::Result<()> {
        let mut prefix = quoted(prefix)?;
        prefix.pop();
        let mut keys = Keys::new(prefix, &manifest.grid);
        let mut inline = manifest.inline.iter().peekable();
        let rows = manifest.number.iter().zip(&manifest.offset).zip(&manifest.length);
        for (n, ((number, offset), length)) in rows.enumerate() {
            while let Some((number, bytes)) = inline.next_if(|(inline, _)| *inline < number) {
                self.inline(&mut keys, *number, bytes)?;
            }
            self.key(&mut keys, *number);
            self.line.push(b'[');
            let url = usize::try_from(manifest.url(n).0).ok().and_then(|url| urls.get(url));
            self.line.extend_from_slice(url.map_or(b"null", Vec::as_slice));
            if *length != Manifest::WHOLE {
                for part in [offset, length] {
                    self.line.push(b',');
                    self.line.extend_from_slice(itoa::Buffer::new().format(*part).as_bytes());
                }
            }
            self.line.push(b']');
            self.out.write_all(&self.line)?;
        }
        inline.try_for_each(|(number, bytes)| self.inline(&mut keys, *number, bytes))
    }

    fn inline(&mut self, keys: &mut Keys<'_>, number: u64, bytes: &[u8]) -> io::Result<()> {
        self.key(keys, number);
        if let Some(text) = plain(bytes) {
            serde_json::to_writer(&mut self.line, text)?;
        } else {
            self.line.push(b'"');
            inline::write(&mut self.line, bytes)?;
            self.line.push(b'"');
        }
        self.out.write_all(&self.line)
    }

    /// `"path/1.2.3":`.
    fn key(&mut self, keys: &mut Keys<'_>, number: u64) {
        self.separator();
        keys.write(number, &mut self.line);
        self.line.extend_from_slice(b"\":");
    }
}

/// A JSON string with its quotes.
fn quoted(text: &str) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(text)?)
}

/// Bytes that every reader takes for text and gives back unchanged: printable ASCII that looks like nothing else.
fn plain(bytes: &[u8]) -> Option<&str> {
    let printable = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let text = std::str::from_utf8(bytes).ok().filter(|_| printable)?;
    let special = text.is_empty() || text.starts_with(inline::PREFIX) || text.contains("{{");
    (!special).then_some(text)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::reference::{Array, UrlId, Urls};
    use crate::zarr::{ArrayMetadata, Attributes, Dtype, FillValue, Floats};

    fn array(grid: Vec<u64>, manifest: Manifest) -> Node {
        let dtype = Dtype::Simple("|u1".to_owned());
        let metadata = ArrayMetadata::new(grid.clone(), vec![1; grid.len()], dtype, None, Vec::new());
        Node::Array(Box::new(Array {
            metadata,
            attributes: Attributes::default(),
            chunks: Manifest { grid, ..manifest },
        }))
    }

    fn refs(set: &ReferenceSet) -> serde_json::Map<String, serde_json::Value> {
        let mut text = Vec::new();
        write_json(set, &mut text).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(document["version"], 1);
        document["refs"].as_object().unwrap().clone()
    }

    #[test]
    fn chunks_are_keyed_by_their_place_in_the_grid() {
        let manifest = Manifest {
            number: vec![0, 5],
            urls: Urls::One(UrlId(0)),
            offset: vec![100, 1 << 40],
            length: vec![7, 8],
            inline: [(2, Bytes::from_static(b"ok")), (3, Bytes::from_static(&[0, 0xff]))].into(),
            ..Manifest::default()
        };
        let set = ReferenceSet {
            urls: vec!["s3://b/\"q\".nc".to_owned()],
            nodes: vec![
                (String::new(), Node::Group(Attributes::default())),
                ("g/é".to_owned(), array(vec![2, 3], manifest)),
                (
                    "s".to_owned(),
                    array(
                        vec![],
                        Manifest { number: vec![0], offset: vec![1], length: vec![2], ..Manifest::default() },
                    ),
                ),
            ],
            ..ReferenceSet::default()
        };
        let refs = refs(&set);
        assert_eq!(refs[".zgroup"], r#"{"zarr_format":2}"#);
        assert_eq!(refs["g/é/0.0"], serde_json::json!(["s3://b/\"q\".nc", 100, 7]));
        assert_eq!(refs["g/é/1.2"], serde_json::json!(["s3://b/\"q\".nc", 1_u64 << 40, 8]));
        assert_eq!(refs["g/é/0.2"], "ok");
        assert_eq!(refs["g/é/1.0"], "base64:AP8=");
        assert_eq!(refs["s/0"], serde_json::json!(["s3://b/\"q\".nc", 1, 2]));
    }

    #[test]
    fn bare_nan_stays_inside_the_strings_of_strict_json() {
        let Node::Array(mut bare) = array(vec![1], Manifest::default()) else { panic!() };
        bare.metadata.fill_value = Some(FillValue::Float(f64::NAN));
        bare.attributes.insert_floats("a", "NaN", Floats::Everywhere);
        let set = ReferenceSet {
            urls: Vec::new(),
            nodes: vec![("x".to_owned(), Node::Array(bare))],
            ..ReferenceSet::default()
        };
        let mut text = Vec::new();
        write_json_with(&set, NanPolicy::Python, &mut text).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(document["refs"]["x/.zattrs"], r#"{"a":NaN}"#);
        assert!(document["refs"]["x/.zarray"].as_str().unwrap().contains(r#""fill_value":NaN,"#));
        assert_eq!(refs(&set)["x/.zattrs"], r#"{"a":"NaN"}"#);
    }

    #[test]
    fn a_key_has_as_many_numbers_as_the_array_has_dimensions() {
        let manifest = Manifest { number: vec![1], offset: vec![2], length: vec![3], ..Manifest::default() };
        let mut grid = vec![1; 99];
        grid.push(2);
        let set = ReferenceSet {
            urls: vec!["u".to_owned()],
            nodes: vec![("x".to_owned(), array(grid, manifest))],
            ..ReferenceSet::default()
        };
        assert_eq!(refs(&set)[&format!("x/{}1", "0.".repeat(99))], serde_json::json!(["u", 2, 3]));
    }

    /// Two chunks of two files, written as options say.
    fn written(urls: [&str; 2], change: impl FnOnce(&mut JsonOptions)) -> Result<String, String> {
        let manifest = Manifest {
            number: vec![0, 1],
            urls: Urls::Each(vec![UrlId(0), UrlId(1)]),
            offset: vec![5, 0],
            length: vec![6, Manifest::WHOLE],
            ..Manifest::default()
        };
        let set = ReferenceSet {
            urls: urls.map(str::to_owned).to_vec(),
            nodes: vec![
                (String::new(), Node::Group(Attributes::default())),
                ("x".to_owned(), array(vec![2], manifest)),
            ],
            ..ReferenceSet::default()
        };
        let mut options = JsonOptions::default();
        change(&mut options);
        let mut text = Vec::new();
        write_json_as(&set, &options, &mut text).map_err(|error| error.to_string())?;
        let back = super::super::read_json(&text, &crate::Limits::default()).unwrap();
        assert_eq!(back, (set, Vec::new()));
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn version_0_is_the_references_alone() {
        let text = written(["{{u}}", "b"], |options| options.version = JsonVersion::Zero).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["x/0"], serde_json::json!(["{{u}}", 5, 6]));
        assert_eq!(document.as_object().unwrap().len(), 6);
    }

    #[test]
    fn the_longest_template_stands_for_the_beginning_of_a_url() {
        let templates =
            [("u", "s3://b/"), ("v", "s3://b/2020/")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let text = written(["s3://b/2020/1.nc", "s3://b/x"], |options| options.templates = templates.to_vec()).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["templates"], serde_json::json!({"u": "s3://b/", "v": "s3://b/2020/"}));
        assert_eq!(document["refs"]["x/0"], serde_json::json!(["{{v}}1.nc", 5, 6]));
        assert_eq!(document["refs"]["x/1"], serde_json::json!(["{{u}}x"]));
    }

    #[test]
    fn templates_that_a_reader_would_take_otherwise_are_refused() {
        let told = |urls, templates: &[(&str, &str)], version| {
            written(urls, |options| {
                let owned = templates.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                (options.templates, options.version) = (owned.collect(), version);
            })
            .unwrap_err()
        };
        let urls = ["a", "b"];
        assert_eq!(told(urls, &[("u", "a")], JsonVersion::Zero), "version 0 has no templates");
        for name in ["", "1", "a b", "é"] {
            assert!(told(urls, &[(name, "a")], JsonVersion::One).contains("is no template"), "{name}");
        }
        assert!(told(urls, &[("u", "{x")], JsonVersion::One).contains("is no template"));
        assert_eq!(told(urls, &[("u", "a"), ("u", "b")], JsonVersion::One), "the template u is there twice");
        assert!(told(["a", "b{c}"], &[("u", "a")], JsonVersion::One).starts_with("b{c}: a URL with braces"));
    }

    #[test]
    fn consolidated_documents_are_those_of_the_set() {
        let text = written(["a", "b"], |options| options.consolidated = true).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let refs = document["refs"].as_object().unwrap();
        let all: serde_json::Value = serde_json::from_str(refs[".zmetadata"].as_str().unwrap()).unwrap();
        assert_eq!(all["zarr_consolidated_format"], 1);
        let metadata = all["metadata"].as_object().unwrap();
        assert_eq!(metadata.len(), 4);
        for (key, value) in metadata {
            assert_eq!(
                *value,
                serde_json::from_str::<serde_json::Value>(refs[key].as_str().unwrap()).unwrap(),
                "{key}"
            );
        }
    }

    proptest! {
        #[test]
        fn inline_bytes_come_back_as_they_were(bytes in prop::collection::vec(prop_oneof![any::<u8>(), 32_u8..127], 0..40)) {
            let manifest = Manifest { inline: [(0, Bytes::from(bytes.clone()))].into(), ..Manifest::default() };
            let refs = refs(&ReferenceSet { urls: Vec::new(), nodes: vec![("x".to_owned(), array(vec![1], manifest))], ..ReferenceSet::default() });
            let text = refs["x/0"].as_str().unwrap();
            // As fsspec reads it.
            let back = match text.strip_prefix("base64:") {
                Some(encoded) => STANDARD.decode(encoded).unwrap(),
                None => text.as_bytes().to_vec(),
            };
            prop_assert_eq!(back, bytes);
        }
    }
}
