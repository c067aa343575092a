//! Where each chunk lies, a line of JSON for each file, for `with_libhdf5.py` to compare.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use bytes::Bytes;
use h5refs::{Input, Options, references};
use serde_json::{Map, json};

use crate::frames::{Frame, keep};

/// A folder of files, and a line for each.
pub struct Tables<'a> {
    folder: &'a Path,
    lines: BufWriter<File>,
}

impl<'a> Tables<'a> {
    /// Writes `folder/tables.jsonl`.
    pub fn create(folder: &'a Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let lines = BufWriter::new(File::create(folder.join("tables.jsonl"))?);
        Ok(Self { folder, lines })
    }

    /// Keeps a file, and tells the chunks of its arrays: the shape of the grid and of a chunk, the numbers of those that are inline, and
    /// number, offset and length of the others.
    pub fn add(&mut self, frame: &Frame) -> io::Result<()> {
        keep(Some(self.folder), frame)?;
        let line = json!({"file": frame.file_name(), "arrays": arrays(&frame.bytes)});
        writeln!(self.lines, "{line}")
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.lines.flush()
    }
}

fn arrays(bytes: &Bytes) -> Map<String, serde_json::Value> {
    let mut options = Options::new("file.h5");
    options.inline_threshold = 0;
    let Ok((set, _)) = references(&Input::from(bytes.clone()), &options) else { return Map::new() };
    let told = set.arrays().map(|(path, array)| {
        let chunks = &array.chunks;
        let places: Vec<_> = chunks.number.iter().zip(&chunks.offset).zip(&chunks.length).collect();
        let inline: Vec<_> = chunks.inline.keys().collect();
        let (shape, chunk) = (&array.metadata.shape, &array.metadata.chunks);
        (
            path.to_owned(),
            json!({"shape": shape, "chunk": chunk, "grid": chunks.grid, "inline": inline, "places": places}),
        )
    });
    told.collect()
}
