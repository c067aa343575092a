//! Himawari-8: the hours of each day, and then the days: `cargo run --example combine_himawari -- OUT.json DAY...`.
//!
//! Each DAY is a folder of reference sets. A day of one set is that set; what was combined can be combined again.

mod supply;

use std::error::Error;
use std::fs::File;
use std::path::PathBuf;

use h5refs::combine::{Combine, CombineOptions};
use h5refs::{Limits, ReferenceSet, open_references, write_json};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, days @ ..] = arguments.as_slice() else {
        return Err("usage: combine_himawari OUT.json DAY...".into());
    };
    let mut daily = Vec::new();
    for day in days {
        let mut hours = Vec::new();
        for entry in std::fs::read_dir(day)? {
            let path: PathBuf = entry?.path();
            let (set, _) = open_references(&path, &Limits::default())?;
            hours.push((path.display().to_string(), set));
        }
        match combined(hours)? {
            Some(set) => daily.push((day.clone(), set)),
            None => eprintln!("{day}: no files"),
        }
    }
    let all = combined(daily)?.ok_or("no files")?;
    write_json(&all, File::create(out)?)?;
    Ok(())
}

/// Sets along `time`, in whatever order they come.
fn combined(mut sets: Vec<(String, ReferenceSet)>) -> Result<Option<ReferenceSet>, Box<dyn Error>> {
    if sets.len() < 2 {
        return Ok(sets.pop().map(|(_, set)| set));
    }
    let mut combine = Combine::new(CombineOptions::new(["time"]));
    for (name, set) in sets {
        combine.add(name, set)?;
    }
    let supply = supply::local()?;
    Ok(Some(combine.plan(Some(&supply))?.merge()?))
}
