//! `h5refs chunks`: where a dataset's chunks lie.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use h5refs::file::{ChunkTable, Dataset, FilterMasks, Storage};

use crate::opening::OneFile;
use crate::{Ending, layout, output, print};

/// Bars of the histogram.
const BARS: usize = 10;

/// Width of the longest bar, in characters.
const LONGEST_BAR: usize = 40;

/// Show where the chunks of a dataset lie: sizes, a histogram of them, filter masks, and every chunk's place in the file.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: OneFile,
    /// Absolute path of the dataset.
    variable: String,
    /// Leave out the list of all chunks.
    #[arg(long)]
    summary: bool,
    /// Write a picture of the layout: the file from left to right and top to bottom, each chunk where it lies.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    print(&arguments.input.file.to_string(), |out| show(arguments, out))
}

fn show(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let input = arguments.input.open()?;
    let tree = h5refs::tree(&input, arguments.input.limits())?;
    let path = format!("/{}", arguments.variable.trim_matches('/'));
    let object = tree.find(&path).ok_or_else(|| format!("{path}: no such dataset"))?;
    if let Err(error) = &object.node.content {
        return Err(format!("{path}: {error}").into());
    }
    let dataset = object.dataset().ok_or_else(|| format!("{path}: not a dataset"))?;
    if let Storage::Virtual(mappings) = &dataset.storage {
        let mappings = mappings.len();
        return Err(format!("{path}: its layout is virtual, with {mappings} mappings to other datasets' chunks").into());
    }
    let Storage::Chunked { chunk, index, chunks: Some(table), .. } = &dataset.storage else {
        return Err(format!("{path}: its layout is {}, it has no chunks", dataset.storage.name()).into());
    };
    let table = table.as_ref().map_err(|error| format!("{path}: {error}"))?;
    if let Some(svg) = &arguments.svg {
        output::write(svg, |out| layout::draw(&path, table, input.size(), out))?;
    }
    summary(&path, dataset, chunk, index, table, out)?;
    histogram(&table.size, out)?;
    if !arguments.summary {
        list(table, out)?;
    }
    Ok(())
}

fn summary(
    path: &str,
    dataset: &Dataset,
    chunk: &[u64],
    index: &str,
    table: &ChunkTable,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let shape = &dataset.dataspace.dimensions;
    let whole: u128 = table.grid.iter().map(|size| u128::from(*size)).product();
    let elements: u128 = chunk.iter().map(|size| u128::from(*size)).product();
    let bytes = elements * u128::from(dataset.datatype.size);
    let stored: u128 = table.size.iter().map(|size| u128::from(*size)).sum();
    writeln!(out, "{path}: {} {shape:?} in chunks {chunk:?} of {bytes} bytes, by {index}", dataset.datatype.name())?;
    writeln!(out, "{} of {whole} chunks written, a grid of {:?}", table.len(), table.grid)?;
    if let (Some(least), Some(most)) = (table.size.iter().min(), table.size.iter().max()) {
        let mean = stored / u128::try_from(table.len()).unwrap_or(1).max(1);
        let percent = stored.saturating_mul(1000) / bytes.saturating_mul(table.len() as u128).max(1);
        let share = format!("{}.{} % of what they decode to", percent / 10, percent % 10);
        writeln!(out, "{stored} bytes stored, {share}; {least} to {most} a chunk, {mean} in the mean")?;
    }
    match &table.masks {
        FilterMasks::Uniform(mask) => writeln!(out, "filter mask of all chunks: {mask:#x}"),
        FilterMasks::Each(masks) => {
            let odd = masks.iter().filter(|mask| **mask != 0).count();
            writeln!(out, "{odd} chunks skip filters")
        }
    }
}

/// How many chunks have which size.
fn histogram(sizes: &[u64], out: &mut dyn Write) -> std::io::Result<()> {
    let (Some(least), Some(most)) = (sizes.iter().min(), sizes.iter().max()) else { return Ok(()) };
    let width = (most - least) / BARS as u64 + 1;
    let mut counts = [0_usize; BARS];
    for size in sizes {
        let bar = usize::try_from((size - least) / width).unwrap_or(0);
        counts[bar.min(BARS - 1)] += 1;
    }
    let longest = counts.iter().max().copied().unwrap_or(1).max(1);
    writeln!(out, "\nbytes stored          chunks")?;
    for (bar, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let from = least + bar as u64 * width;
        let length = (count * LONGEST_BAR).div_ceil(longest);
        writeln!(out, "{from:>9} .. {:<8}{count:>7} {}", from + width - 1, "#".repeat(length))?;
    }
    Ok(())
}

/// Every chunk, in C order.
fn list(table: &ChunkTable, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "\nchunk                 offset        bytes  mask")?;
    for (n, position) in table.positions().enumerate() {
        let (Some(offset), Some(size)) = (table.offset.get(n), table.size.get(n)) else { break };
        writeln!(out, "{:<16} {offset:>#14x} {size:>12}  {:#x}", layout::key(&position), table.mask(n))?;
    }
    Ok(())
}
