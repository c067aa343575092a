//! A picture of where chunks lie in their file.

use std::io::{self, Write};

use h5refs::file::ChunkTable;

/// Width of the picture, in pixels.
const WIDTH: u64 = 1200;

/// Rows into which the file is broken.
const ROWS: u64 = 48;

/// Height of a row, and of the space above it.
const ROW: (u64, u64) = (10, 2);

/// Most rectangles: neighbours in a larger table are drawn as one.
const MOST: usize = 20_000;

/// Draws a file of `end` bytes from left to right and top to bottom; the colour of a chunk is its number, from blue to red.
pub(crate) fn draw(name: &str, table: &ChunkTable, end: u64, out: &mut dyn Write) -> io::Result<()> {
    let height = ROWS * (ROW.0 + ROW.1) + 24;
    writeln!(out, r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}">"#)?;
    writeln!(out, r##"<rect width="100%" height="100%" fill="#fff"/>"##)?;
    let title = format!("{name}: {} chunks in a file of {end} bytes", table.len());
    writeln!(out, r#"<text x="4" y="14" font-family="sans-serif" font-size="12">{}</text>"#, escaped(&title))?;
    for row in 0..ROWS {
        writeln!(out, r##"<rect y="{}" width="{WIDTH}" height="{}" fill="#eee"/>"##, top(row), ROW.0)?;
    }
    let together = table.len().div_ceil(MOST).max(1);
    let positions: Vec<_> = table.positions().step_by(together).collect();
    for (run, position) in positions.iter().enumerate() {
        let hue = 240 - 240 * run / positions.len().max(1);
        writeln!(out, r#"<g fill="hsl({hue},70%,50%)"><title>{}</title>"#, key(position))?;
        let chunks = table.offset.iter().zip(&table.size).skip(run * together).take(together);
        for (offset, size) in chunks {
            bar(*offset, *size, end.max(1), out)?;
        }
        writeln!(out, "</g>")?;
    }
    writeln!(out, "</svg>")
}

/// The rectangles of one chunk, one in each row that it reaches into, at least a pixel wide.
fn bar(offset: u64, size: u64, end: u64, out: &mut dyn Write) -> io::Result<()> {
    let pixel =
        |at: u64| u64::try_from(u128::from(at) * u128::from(WIDTH * ROWS) / u128::from(end)).unwrap_or(u64::MAX);
    let (first, last) = (pixel(offset), pixel(offset.saturating_add(size)).max(pixel(offset) + 1));
    for row in first / WIDTH..=(last - 1) / WIDTH {
        let from = first.max(row * WIDTH);
        let to = last.min((row + 1) * WIDTH);
        let (x, width) = (from - row * WIDTH, to - from);
        writeln!(out, r#"<rect x="{x}" y="{}" width="{width}" height="{}"/>"#, top(row), ROW.0)?;
    }
    Ok(())
}

fn top(row: u64) -> u64 {
    24 + row * (ROW.0 + ROW.1)
}

/// A chunk's position as its key in Zarr.
pub(crate) fn key(position: &[u64]) -> String {
    if position.is_empty() {
        return "0".to_owned();
    }
    position.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
