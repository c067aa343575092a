//! `h5refs stats`: what references have, and what reads of them cost.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use h5refs::edit::{ArrayStatistics, Cost, SetStatistics, Totals, statistics};

use crate::{Ending, print, references_in, say};

/// Count chunks, bytes and files of references, and what reads cost: a series (one point at all places along the first dimension), a map
/// (all at one place along it), and the whole array. Nothing that they refer to is opened.
///
/// Costs are the most for any point or place, as ranges of files and their bytes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The references: JSON, compressed or not, or a folder of Parquet.
    references: PathBuf,
    #[command(flatten)]
    opening: references_in::Opening,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    let (set, ending) = match arguments.opening.open(&arguments.references) {
        Ok(opened) => opened,
        Err(error) => {
            say(&format!("h5refs: {error}"));
            return Ending::Failed;
        }
    };
    let found = statistics(&set);
    let printed = print(&arguments.references.display().to_string(), |out| {
        if arguments.json {
            serde_json::to_writer_pretty(&mut *out, &found)?;
            writeln!(out)?;
            return Ok(());
        }
        table(&found, out)
    });
    printed.max(ending)
}

const HEAD: [&str; 12] = [
    "array",
    "shape",
    "chunk",
    "referenced",
    "inline",
    "missing",
    "stored",
    "decoded",
    "ratio",
    "series",
    "map",
    "whole",
];

fn table(found: &SetStatistics, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(found.arrays.iter().map(row));
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..HEAD.len()).map(|column| width(column).unwrap_or(0)).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate();
        // Texts begin and numbers end below each other.
        let cells =
            cells.map(|(n, (cell, width))| if n < 3 { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    let Totals { referenced, inline, missing, stored_bytes, inline_bytes, unknown, logical_bytes, .. } = found.total;
    writeln!(out, "\n{} arrays, {} groups, {} files", found.arrays.len(), found.groups, found.files)?;
    writeln!(out, "{referenced} chunks referenced, {stored_bytes} bytes{}", told(unknown))?;
    writeln!(out, "{inline} chunks inline, {inline_bytes} bytes; {missing} missing")?;
    writeln!(out, "{logical_bytes} bytes of elements{}", ratio(&found.total, ", compressed ", " times"))?;
    Ok(())
}

fn told(unknown: u64) -> String {
    if unknown > 0 { format!(", and those of {unknown} whole files, which are not recorded") } else { String::new() }
}

fn ratio(totals: &Totals, before: &str, after: &str) -> String {
    totals.ratio.map_or_else(String::new, |ratio| format!("{before}{ratio:.2}{after}"))
}

fn row(array: &ArrayStatistics) -> [String; HEAD.len()] {
    let Totals { referenced, inline, missing, stored_bytes, logical_bytes, .. } = &array.totals;
    let path: String =
        array.path.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect();
    let sizes = |sizes: &[u64]| sizes.iter().map(u64::to_string).collect::<Vec<_>>().join("x");
    let cost = |cost: Cost| format!("{} / {}", cost.chunks, cost.bytes);
    [
        path,
        sizes(&array.shape),
        sizes(&array.chunks),
        referenced.to_string(),
        inline.to_string(),
        missing.to_string(),
        stored_bytes.to_string(),
        logical_bytes.to_string(),
        ratio(&array.totals, "", ""),
        cost(array.series),
        cost(array.map),
        cost(array.whole),
    ]
}
