//! Combines reference sets along a dimension that they have: `cargo run --example combine -- OUT.json DIMENSION REFS...`.
//!
//! The sets are kerchunk JSON or Parquet. What the checks find is printed; where it changes values, nothing is written.

mod supply;

use std::error::Error;
use std::fs::File;
use std::path::Path;

use h5refs::combine::{Combine, CombineOptions};
use h5refs::{Limits, open_references, write_json};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, dimension, inputs @ ..] = arguments.as_slice() else {
        return Err("usage: combine OUT.json DIMENSION REFS...".into());
    };
    let mut combine = Combine::new(CombineOptions::new([dimension]));
    for input in inputs {
        let (set, _) = open_references(Path::new(input), &Limits::default())?;
        combine.add(input, set)?;
    }
    // Coordinates, and what has to be compared or stored anew, are read where the references lead.
    let supply = supply::local()?;
    let plan = combine.plan(Some(&supply))?;
    for finding in plan.findings() {
        eprintln!("{:?}: {finding}", finding.weight);
    }
    for array in plan.arrays() {
        eprintln!("{} {:?}", array.path, array.shape);
    }
    write_json(&plan.merge()?, File::create(out)?)?;
    Ok(())
}
