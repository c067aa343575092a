//! GOES-16: files of one time each, along a new dimension `t`: `cargo run --example combine_goes -- OUT.json REFS...`.
//!
//! The time is the scalar `t` of each file. Grids and the projection have no time: they stay as they are.

mod supply;

use std::error::Error;
use std::fs::File;
use std::path::Path;

use h5refs::combine::{Combine, CombineOptions, Selector};
use h5refs::{Limits, open_references, write_json};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, inputs @ ..] = arguments.as_slice() else {
        return Err("usage: combine_goes OUT.json REFS...".into());
    };
    let mut options = CombineOptions::new(["t"]);
    options.selectors.insert("t".to_owned(), Selector::Cf("t".to_owned()));
    let mut combine = Combine::new(options);
    for input in inputs {
        // JSON in the old form, with templates, is read like any other.
        let (set, _) = open_references(Path::new(input), &Limits::default())?;
        combine.add(input, set)?;
    }
    let supply = supply::local()?;
    let combined = combine.plan(Some(&supply))?.merge()?;
    write_json(&combined, File::create(out)?)?;
    Ok(())
}
