//! kerchunk JSON, version 1, streamed: only one chunk's key exists at a time.

use std::io::{self, Write};

use crate::output::inline;
use crate::reference::{Manifest, Node, ReferenceSet};
use crate::zarr::{GROUP, NanPolicy};

/// Writes a reference set as kerchunk JSON version 1, in the profile that every known reader accepts: metadata as JSON
/// strings, no templates, strict JSON. What files were is a member `h5refs` after the references, which readers pass over.
///
/// # Errors
/// What `out` answers.
pub fn write_json(set: &ReferenceSet, out: impl Write) -> io::Result<()> {
    write_json_with(set, NanPolicy::String, out)
}

/// The same, with NaN and infinity inside `.zarray` and `.zattrs` as `nan` says. These are strings of the document that is
/// written, which stays strict JSON.
///
/// # Errors
/// What `out` answers.
pub fn write_json_with(set: &ReferenceSet, nan: NanPolicy, out: impl Write) -> io::Result<()> {
    let mut writer = Writer { out, first: true, line: Vec::with_capacity(256), position: Vec::new() };
    writer.out.write_all(br#"{"version":1,"refs":{"#)?;
    let urls: Vec<Vec<u8>> = set.urls.iter().map(|url| quoted(url)).collect::<io::Result<_>>()?;
    for (path, node) in &set.nodes {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        match node {
            Node::Group(attributes) => {
                writer.text(&format!("{prefix}.zgroup"), GROUP)?;
                writer.text(&format!("{prefix}.zattrs"), &attributes.to_json(nan)?)?;
            }
            Node::Array(array) => {
                writer.text(&format!("{prefix}.zarray"), &array.metadata.to_json(nan)?)?;
                writer.text(&format!("{prefix}.zattrs"), &array.attributes.to_json(nan)?)?;
                writer.chunks(&prefix, &array.chunks, &urls)?;
            }
        }
    }
    writer.out.write_all(b"}")?;
    if !set.recorded.is_empty() {
        writer.out.write_all(b",\"h5refs\":{\"sources\":")?;
        serde_json::to_writer(&mut writer.out, &set.recorded)?;
        writer.out.write_all(b"}")?;
    }
    writer.out.write_all(b"}\n")?;
    writer.out.flush()
}

struct Writer<W> {
    out: W,
    first: bool,
    /// The entry that is being written.
    line: Vec<u8>,
    /// The position of the chunk that is being written, the last dimension first.
    position: Vec<u64>,
}

impl<W: Write> Writer<W> {
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
        let mut inline = manifest.inline.iter().peekable();
        let rows = manifest.number.iter().zip(&manifest.offset).zip(&manifest.length);
        for (n, ((number, offset), length)) in rows.enumerate() {
            while let Some((number, bytes)) = inline.next_if(|(inline, _)| *inline < number) {
                self.inline(&prefix, &manifest.grid, *number, bytes)?;
            }
            self.key(&prefix, &manifest.grid, *number);
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
        inline.try_for_each(|(number, bytes)| self.inline(&prefix, &manifest.grid, *number, bytes))
    }

    fn inline(&mut self, prefix: &[u8], grid: &[u64], number: u64, bytes: &[u8]) -> io::Result<()> {
        self.key(prefix, grid, number);
        match plain(bytes) {
            Some(text) => serde_json::to_writer(&mut self.line, text)?,
            None => serde_json::to_writer(&mut self.line, &inline::encoded(bytes))?,
        }
        self.out.write_all(&self.line)
    }

    /// `"path/1.2.3":`, or `"path/0":` for an array without dimensions.
    fn key(&mut self, prefix: &[u8], grid: &[u64], number: u64) {
        self.separator();
        self.line.extend_from_slice(prefix);
        let mut rest = number;
        self.position.clear();
        for size in grid.iter().rev().map(|size| (*size).max(1)) {
            self.position.push(rest % size);
            rest /= size;
        }
        if grid.is_empty() {
            self.position.push(0);
        }
        for (n, index) in self.position.iter().rev().enumerate() {
            if n > 0 {
                self.line.push(b'.');
            }
            self.line.extend_from_slice(itoa::Buffer::new().format(*index).as_bytes());
        }
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
