//! Inline bytes as base64 behind a prefix, which is how text and bytes are told apart in kerchunk's JSON, and by fsspec in Parquet too.

use std::io::{self, Write as _};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::write::EncoderWriter;

/// What base64 stands behind.
pub(crate) const PREFIX: &str = "base64:";

/// Padding may be left out, as by some writers.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes as base64 behind the prefix.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", BASE64.encode(bytes))
}

/// Writes the same. There is nothing in it that JSON escapes.
pub(crate) fn write(out: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
    out.extend_from_slice(PREFIX.as_bytes());
    let mut encoder = EncoderWriter::new(out, &BASE64);
    encoder.write_all(bytes)?;
    encoder.finish().map(drop)
}

/// What is encoded behind the prefix; none where there is no prefix.
pub(crate) fn decoded(stored: &[u8]) -> Option<Result<Vec<u8>, base64::DecodeError>> {
    stored.strip_prefix(PREFIX.as_bytes()).map(|text| BASE64.decode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_prefix_stands_before_is_decoded() {
        assert_eq!(encoded(b"\0\xff"), "base64:AP8=");
        let mut written = b"x".to_vec();
        write(&mut written, b"\0\xff").unwrap();
        assert_eq!(written, b"xbase64:AP8=");
        for stored in ["base64:AP8=", "base64:AP8"] {
            assert_eq!(decoded(stored.as_bytes()).unwrap().unwrap(), b"\0\xff");
        }
        assert_eq!(decoded(b"base64:").unwrap().unwrap(), b"");
        assert!(decoded(b"base64:@@@@").unwrap().is_err());
        for text in [&b"base64"[..], b"AP8=", b"Base64:AP8="] {
            assert!(decoded(text).is_none());
        }
    }
}
