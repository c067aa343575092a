//! Texts compressed as a whole.

use std::io::{self, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

#[cfg(feature = "zstd")]
use crate::codec::zstd::{self, Stop};
use crate::error::{Error, LimitError};
use crate::limits::Limits;

/// How a text is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// One member of gzip, without a name or a time.
    Gzip,
    /// One frame of Zstandard with a checksum; only with the feature `zstd`.
    Zstd,
}

impl Compression {
    /// What the name of a file says: `.gz` and `.zst`.
    pub fn of_name(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::None,
        }
    }

    /// What the first bytes say: no JSON begins so.
    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Self::Zstd
        } else {
            Self::None
        }
    }

    /// Writes what `content` writes, compressed.
    ///
    /// # Errors
    /// What `out` and `content` answer; Zstandard without the feature `zstd`.
    pub fn write(self, out: &mut dyn Write, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match self {
            Self::None => content(out),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(out, flate2::Compression::new(6));
                content(&mut encoder)?;
                encoder.finish()?.flush()
            }
            Self::Zstd => zstandard(out, content),
        }
    }

    /// The text that was compressed.
    pub(super) fn undone(self, stored: Vec<u8>, limits: &Limits) -> Result<Vec<u8>, Error> {
        let most = limits.references_bytes;
        let longer = || LimitError { which: "references_bytes", limit: most, value: most.saturating_add(1) }.into();
        match self {
            Self::None => Ok(stored),
            Self::Gzip => {
                let mut text = Vec::new();
                let read = MultiGzDecoder::new(stored.as_slice()).take(most.saturating_add(1)).read_to_end(&mut text);
                let length = read.map_err(|error| Error::Document(format!("gzip: {error}")))?;
                if u64::try_from(length).is_ok_and(|length| length <= most) { Ok(text) } else { Err(longer()) }
            }
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::expand(&stored, most).map_err(|stop| match stop {
                Stop::TooLong => longer(),
                Stop::Wrong => Error::Document("its Zstandard frame does not decode".to_owned()),
            }),
            #[cfg(not(feature = "zstd"))]
            Self::Zstd => Err(crate::error::Unsupported::Feature(WITHOUT).into()),
        }
    }
}

#[cfg(not(feature = "zstd"))]
const WITHOUT: &str = "Zstandard without the feature \"zstd\"";

/// The compressor reads, and `content` writes: each does so on its own thread.
#[cfg(feature = "zstd")]
fn zstandard(out: &mut dyn Write, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let (reader, writer) = io::pipe()?;
    let (written, frame) = std::thread::scope(|scope| {
        let frame = scope.spawn(move || zstd::compress(reader));
        let mut writer = io::BufWriter::with_capacity(1 << 16, writer);
        let written = content(&mut writer).and_then(|()| writer.flush());
        drop(writer);
        (written, frame.join())
    });
    written?;
    let frame = frame.map_err(|_| io::Error::other("the compressor ended early"))?;
    // The frame has a checksum of the text that went in, so this proves that the text comes out again.
    if !zstd::is_intact(&frame) {
        return Err(io::Error::other("the Zstandard frame does not decode to what was compressed"));
    }
    out.write_all(&frame)?;
    out.flush()
}

#[cfg(not(feature = "zstd"))]
fn zstandard(_out: &mut dyn Write, _content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, format!("{WITHOUT} is not supported")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compressed(how: Compression, text: &[u8]) -> Vec<u8> {
        let mut stored = Vec::new();
        how.write(&mut stored, |out| text.chunks(1000).try_for_each(|part| out.write_all(part))).unwrap();
        stored
    }

    fn all() -> Vec<Compression> {
        let zstd = cfg!(feature = "zstd").then_some(Compression::Zstd);
        [Compression::Gzip].into_iter().chain(zstd).collect()
    }

    #[test]
    fn what_is_compressed_comes_back_and_takes_less_room() {
        let text: Vec<u8> = (0..40_000).flat_map(|n| format!("\"x/{n}\":[\"u\",{}],", n * 77).into_bytes()).collect();
        for how in all() {
            let stored = compressed(how, &text);
            assert!(stored.len() < text.len() / 2, "{how:?} {}", stored.len());
            assert_eq!(Compression::of_bytes(&stored), how);
            assert_eq!(how.undone(stored, &Limits::default()).unwrap(), text);
            assert_eq!(how.undone(compressed(how, b""), &Limits::default()).unwrap(), b"");
        }
    }

    #[test]
    fn a_bomb_is_told_and_so_is_what_does_not_decode() {
        let limits = Limits { references_bytes: 1000, ..Limits::default() };
        for how in all() {
            let told = |length: usize| how.undone(compressed(how, &vec![b' '; length]), &limits);
            assert_eq!(told(1000).unwrap().len(), 1000);
            let bomb = told(1 << 20).unwrap_err();
            assert!(matches!(&bomb, Error::Limit(limit) if limit.which == "references_bytes"), "{how:?} {bomb}");
            let mut cut = compressed(how, b"references");
            cut.truncate(cut.len() - 3);
            assert!(matches!(how.undone(cut, &limits), Err(Error::Document(_))), "{how:?}");
        }
    }

    #[test]
    fn what_fails_to_write_fails() {
        for how in all() {
            let failed = how.write(&mut Vec::new(), |_| Err(io::Error::other("full"))).unwrap_err();
            assert_eq!(failed.to_string(), "full");
            let mut small = [0_u8; 4];
            let mut out: &mut [u8] = &mut small;
            assert!(how.write(&mut out, |out| out.write_all(b"references")).is_err());
        }
    }

    #[test]
    fn the_name_says_how() {
        let of = |name: &str| Compression::of_name(Path::new(name));
        assert_eq!(
            (of("a.json.gz"), of("a.zst"), of("a.json")),
            (Compression::Gzip, Compression::Zstd, Compression::None)
        );
    }

    #[cfg(not(feature = "zstd"))]
    #[test]
    fn without_its_feature_zstandard_is_refused_by_name() {
        let error = Compression::Zstd.undone(Vec::new(), &Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), "Zstandard without the feature \"zstd\" is not supported");
        assert!(Compression::Zstd.write(&mut Vec::new(), |_| Ok(())).is_err());
    }
}
