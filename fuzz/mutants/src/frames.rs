//! Frames from a pipe.

use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;

/// A damaged file.
pub struct Frame {
    /// What it is, as it was told.
    pub told: String,
    pub about: About,
    pub bytes: Bytes,
}

/// What is known of a damaged file.
#[derive(Deserialize)]
pub struct About {
    /// The whole file that it was made of.
    pub src: String,
    /// Its number.
    pub index: u64,
    /// The signatures of the structures that were damaged, where they have one.
    #[serde(default, rename = "in")]
    pub structures: Vec<Option<String>>,
}

pub struct Frames<R>(R);

impl<R: Read> Frames<R> {
    pub fn new(pipe: R) -> Self {
        Self(pipe)
    }

    /// The next frame; `None` where the pipe ends between frames.
    pub fn next(&mut self) -> io::Result<Option<Frame>> {
        let Some(told) = self.part()? else { return Ok(None) };
        let bytes = self.part()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let told = String::from_utf8(told).map_err(io::Error::other)?;
        let about = serde_json::from_str(&told)?;
        Ok(Some(Frame { told, about, bytes: bytes.into() }))
    }

    fn part(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut length = [0; 4];
        if self.0.read(&mut length[..1])? == 0 {
            return Ok(None);
        }
        self.0.read_exact(&mut length[1..])?;
        let mut part = vec![0; u32::from_le_bytes(length) as usize];
        self.0.read_exact(&mut part)?;
        Ok(Some(part))
    }
}

impl Frame {
    /// Its number, and the name of its source.
    pub fn file_name(&self) -> String {
        let source = Path::new(&self.about.src).file_name().unwrap_or_default().to_string_lossy();
        format!("{:07}__{source}", self.about.index)
    }
}

/// Keeps a frame as a file of `folder`.
pub fn keep(folder: Option<&Path>, frame: &Frame) -> io::Result<()> {
    let Some(folder) = folder else { return Ok(()) };
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(frame.file_name()), &frame.bytes)
}
