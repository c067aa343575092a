//! SWOT: granules by cycle and pass, which are attributes: `cargo run --example combine_swot -- OUT.json NUM_LINES REFS...`.
//!
//! Granules of another number of lines are left out, by name. Combinations of cycle and pass that no granule has are missing.

mod supply;

use std::error::Error;
use std::fs::File;
use std::path::Path;

use h5refs::combine::{Check, Combine, CombineOptions, Selector};
use h5refs::{Limits, open_references, write_json};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, lines, inputs @ ..] = arguments.as_slice() else {
        return Err("usage: combine_swot OUT.json NUM_LINES REFS...".into());
    };
    let mut options = CombineOptions::new(["cycle_num", "pass_num"]);
    for (dimension, attribute) in [("cycle_num", "cycle_number"), ("pass_num", "pass_number")] {
        options.selectors.insert(dimension.to_owned(), Selector::Attribute(attribute.to_owned()));
    }
    options.sizes.insert("num_lines".to_owned(), lines.parse()?);
    let mut combine = Combine::new(options);
    for input in inputs {
        let (set, _) = open_references(Path::new(input), &Limits::default())?;
        combine.add(input, set)?;
    }
    let supply = supply::local()?;
    let plan = combine.plan(Some(&supply))?;
    for finding in plan.findings().iter().filter(|finding| finding.check == Check::Input) {
        eprintln!("{finding}");
    }
    write_json(&plan.merge()?, File::create(out)?)?;
    Ok(())
}
