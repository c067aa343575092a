//! COSIMA: months of an ocean model along `time`, as Parquet: `cargo run --example combine_cosima -- OUT.parq FILES...`.
//!
//! FILES are netCDF files, which are scanned, or reference sets. Nothing is listed by hand: arrays without `time` are compared, and
//! those that are the same are kept once.

mod supply;

use std::error::Error;
use std::path::Path;

use h5refs::combine::{Combine, CombineOptions, Weight};
use h5refs::{Input, Limits, Options, ParquetOptions, ReferenceSet, open_references, references, write_parquet};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, inputs @ ..] = arguments.as_slice() else {
        return Err("usage: combine_cosima OUT.parq FILES...".into());
    };
    let mut combine = Combine::new(CombineOptions::new(["time"]));
    for input in inputs {
        combine.add(input, set(input)?)?;
    }
    let supply = supply::local()?;
    let plan = combine.plan(Some(&supply))?;
    // What cannot be put together is told before anything is written, with file and variable.
    for finding in plan.findings().iter().filter(|finding| finding.weight == Weight::Error) {
        eprintln!("{finding}");
    }
    write_parquet(&plan.merge()?, out.as_ref(), &ParquetOptions::default())?;
    Ok(())
}

fn set(input: &str) -> Result<ReferenceSet, Box<dyn Error>> {
    if Path::new(input).extension().is_some_and(|extension| extension == "nc") {
        let (set, report) = references(&Input::open(input)?, &Options::new(input))?;
        if let Some((path, reason)) = report.refused().next() {
            return Err(format!("{input}: {path}: {reason}").into());
        }
        return Ok(set);
    }
    Ok(open_references(Path::new(input), &Limits::default())?.0)
}
