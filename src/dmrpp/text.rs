//! A sidecar's bytes as text, by the encoding that its XML declaration names (XML 1.0, 4.3.3).

use std::borrow::Cow;

use super::malformed;
use crate::error::{Error, Problem, Unsupported};

const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// Bytes in which an XML declaration ends.
const DECLARATION: usize = 256;

/// Whether bytes begin as a sidecar does: with an XML declaration, or the element of a data set.
pub(crate) fn is_sidecar(head: &[u8]) -> bool {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head).trim_ascii_start();
    head.starts_with(b"<?xml") || head.starts_with(b"<Dataset")
}

/// The text. Hyrax writes ISO 8859-1, those who change sidecars UTF-8.
pub(crate) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let encoding = encoding(bytes).unwrap_or_default().to_ascii_lowercase();
    match encoding.as_str() {
        "" | "utf-8" | "utf8" | "us-ascii" | "ascii" => {
            std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
                let at = u64::try_from(error.valid_up_to()).unwrap_or(u64::MAX);
                malformed(at, Problem::Text("the document"))
            })
        }
        "iso-8859-1" | "latin1" | "latin-1" => match std::str::from_utf8(bytes) {
            Ok(text) if text.is_ascii() => Ok(Cow::Borrowed(text)),
            _ => Ok(Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect())),
        },
        _ => Err(Unsupported::Encoding(encoding).into()),
    }
}

/// The encoding that the XML declaration names.
fn encoding(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..DECLARATION).unwrap_or(bytes);
    let head: String = head.iter().map(|byte| char::from(*byte)).collect();
    let declaration = head.trim_start().strip_prefix("<?xml")?.split_once("?>")?.0;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split_once(quote).map(|(encoding, _)| encoding.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sidecars_are_known_by_how_they_begin() {
        for head in [&b"<?xml version=\"1.0\"?>"[..], b"\xef\xbb\xbf<?xml", b"\n <Dataset xmlns", b"<Dataset"] {
            assert!(is_sidecar(head));
        }
        for head in [&b"\x89HDF\r\n\x1a\n"[..], b"CDF\x01", b"<!DOCTYPE html>", b"<html>", b"{}", b""] {
            assert!(!is_sidecar(head));
        }
    }

    #[test]
    fn bytes_are_read_in_the_declared_encoding() {
        let of = |encoding: &str, byte: &[u8]| {
            let head = format!("<?xml version='1.0' encoding='{encoding}'?>");
            let bytes = [head.as_bytes(), byte].concat();
            text(&bytes).map(|text| text[head.len()..].to_owned()).map_err(|error| error.to_string())
        };
        assert_eq!(of("ISO-8859-1", &[0xb0]), Ok("\u{b0}".to_owned()));
        assert_eq!(of("UTF-8", &[0xc2, 0xb0]), Ok("\u{b0}".to_owned()));
        assert_eq!(
            of("UTF-8", &[0xb0]),
            Err("DMR++ sidecar at 0x0: the document is not valid text (at 0x26)".to_owned())
        );
        assert_eq!(of("UTF-16", b""), Err("XML in the encoding utf-16 is not supported".to_owned()));
        assert_eq!(text(b"<Dataset/>").unwrap(), "<Dataset/>");
    }
}
