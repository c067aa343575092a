//! `h5refs plan`: chunks as they are, as they could be, and what reads of them cost.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use h5refs::plan::{ArrayPlan, Candidate, ChunkPlan, Pattern, PlanOptions, plan};

use crate::selection::Names;
use crate::{Ending, finish, origin, output, print, size};

/// Find chunk shapes for data that are rewritten: of a size, not too empty at the end, and with few reads for the ways in which the data
/// are read.
///
/// The candidates of an array are the best first: the slowest way of reading takes the least time, one read after another (--latency), and
/// the bytes at --throughput. By default the ways are a series, one point at all places along the first dimension, and a map, all at one
/// place along it.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: origin::Source,
    /// Only these arrays, names or globs.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    variables: Vec<String>,
    /// Bytes of a chunk, at least.
    #[arg(long, value_name = "SIZE", default_value = "10MB", value_parser = size::argument)]
    least: u64,
    /// Bytes of a chunk, at most.
    #[arg(long, value_name = "SIZE", default_value = "200MB", value_parser = size::argument)]
    most: u64,
    /// Bytes that no chunk may exceed, as a server has it; up to it chunks are tried where none of at most --most fits.
    #[arg(long, value_name = "SIZE", default_value = "500MB", value_parser = size::argument)]
    never: u64,
    /// How full the last chunk of each dimension is, at least: from 0 to 1.
    #[arg(long, value_name = "FRACTION", default_value_t = 0.5)]
    filled: f64,
    /// Seconds from a request to its answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.2)]
    latency: f64,
    /// Bytes that come in a second.
    #[arg(long, value_name = "SIZE", default_value = "100MB", value_parser = size::argument)]
    throughput: u64,
    /// The dimension of the series (default: the first of each array).
    #[arg(long, value_name = "DIM")]
    along: Option<String>,
    /// A way of reading, instead of series and map: of each dimension all or N indices, as NAME=time:all,lat:1; * are the others (default:
    /// all of them). May be given several times.
    #[arg(long, value_name = "NAME=DIM:N,..")]
    access: Vec<Pattern>,
    /// How many candidates of each array are told.
    #[arg(long, value_name = "N", default_value_t = 10)]
    candidates: usize,
    /// Take the Nth candidate of an array into the plan, not the first.
    #[arg(long, value_name = "VARIABLE=N", value_parser = choice)]
    choose: Vec<(String, usize)>,
    /// All as JSON, with every candidate.
    #[arg(long)]
    json: bool,
    /// Write the plan to FILE, as "h5refs copy --plan" takes it: the first candidate of each array of several chunks.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    finish(planned(arguments))
}

fn planned(arguments: &Arguments) -> Result<Ending, String> {
    let opened = arguments.source.open()?;
    let names = Names::new(&arguments.variables)?;
    let set = opened.origin.set();
    if let Some(name) = names.unmatched(set.arrays().map(|(path, _)| path)) {
        return Err(format!("{}: no array is called {name}", arguments.source.input));
    }
    let mut plans = plan(set, &options(arguments)?).map_err(|error| error.to_string())?;
    plans.retain(|plan| names.is_empty() || names.have(&plan.path));
    let chosen = chosen(&plans, &arguments.choose)?;
    if let Some(path) = &arguments.output {
        output::write(path, |out| {
            serde_json::to_writer_pretty(&mut *out, &chosen)?;
            writeln!(out)
        })?;
    }
    if arguments.output.as_deref() == Some(std::path::Path::new("-")) {
        return Ok(opened.ending);
    }
    let printed = print(&arguments.source.input.to_string(), |out| {
        if arguments.json {
            serde_json::to_writer_pretty(&mut *out, &std::collections::BTreeMap::from([("arrays", &plans)]))?;
            writeln!(out)?;
            return Ok(());
        }
        plans.iter().try_for_each(|plan| table(plan, arguments.candidates, out))
    });
    Ok(printed.max(opened.ending))
}

fn options(arguments: &Arguments) -> Result<PlanOptions, String> {
    let mut options = PlanOptions::default();
    (options.least, options.most, options.limit) = (arguments.least, arguments.most, arguments.never);
    (options.filled, options.latency) = (arguments.filled, arguments.latency);
    options.throughput = arguments.throughput.to_string().parse().map_err(|_| "--throughput is no number")?;
    options.along.clone_from(&arguments.along);
    options.patterns.clone_from(&arguments.access);
    Ok(options)
}

/// The plan that is written.
fn chosen(plans: &[ArrayPlan], choices: &[(String, usize)]) -> Result<ChunkPlan, String> {
    let mut chosen = ChunkPlan::best(plans);
    for (name, n) in choices {
        let path = name.trim_matches('/');
        let plan = plans.iter().find(|plan| plan.path == path).ok_or_else(|| format!("no array is called {name}"))?;
        let candidate = n.checked_sub(1).and_then(|n| plan.candidates.get(n));
        let candidate = candidate.ok_or_else(|| format!("{name} has {} candidates", plan.candidates.len()))?;
        let one: ChunkPlan = [(plan, candidate.chunks.as_slice())].into_iter().collect();
        chosen.arrays.extend(one.arrays);
    }
    Ok(chosen)
}

/// `VARIABLE=N`.
fn choice(argument: &str) -> Result<(String, usize), String> {
    let (name, n) = argument.rsplit_once('=').ok_or("it is not VARIABLE=N")?;
    Ok((name.to_owned(), n.parse().map_err(|_| format!("{n} is no number of a candidate"))?))
}

/// An array, its chunks, and the candidates, a line each.
fn table(plan: &ArrayPlan, most: usize, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let sizes = plan.dimensions.iter().zip(&plan.shape).map(|(name, size)| format!("{name} {size}"));
    let sizes = sizes.collect::<Vec<_>>().join(", ");
    let bytes = plan.bytes.map_or_else(|| "elements of no size".to_owned(), size::told);
    writeln!(out, "{} ({sizes}) {bytes}", crate::escaped(&plan.path))?;
    let patterns: Vec<&String> = plan.today.reads.keys().collect();
    let head = ["", "chunk", "bytes", "chunks", "grid", "filled"].map(str::to_owned).into_iter();
    let head = head
        .chain(patterns.iter().flat_map(|name| [format!("{name}: reads"), "latency".to_owned(), "read".to_owned()]));
    let mut rows = vec![head.collect::<Vec<String>>(), row("today".to_owned(), &plan.today)];
    let numbered = plan.candidates.iter().take(most).enumerate();
    rows.extend(numbered.map(|(n, candidate)| row(n.saturating_add(1).to_string(), candidate)));
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(|column| width(column).unwrap_or(0)).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
        writeln!(out, "  {}", cells.collect::<Vec<_>>().join("  "))?;
    }
    let more = plan.candidates.len().saturating_sub(most);
    if more > 0 {
        writeln!(out, "  and {more} more")?;
    }
    if plan.candidates.is_empty() && plan.bytes.is_some() {
        writeln!(out, "  no chunks fit")?;
    }
    writeln!(out)?;
    Ok(())
}

fn row(name: String, candidate: &Candidate) -> Vec<String> {
    let by = |sizes: &[u64]| sizes.iter().map(u64::to_string).collect::<Vec<_>>().join("x");
    let mut row = vec![
        name,
        by(&candidate.chunks),
        size::told(candidate.bytes),
        candidate.count.to_string(),
        by(&candidate.grid),
        format!("{:.2}", candidate.filled),
    ];
    for reads in candidate.reads.values() {
        row.extend([reads.reads.to_string(), format!("{:.1} s", reads.latency), size::told(reads.bytes)]);
    }
    row
}
