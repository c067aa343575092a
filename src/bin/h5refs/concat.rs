//! `h5refs concat`: arrays one after another.

use std::collections::BTreeSet;

use clap::Args;
use h5refs::combine::Selector;

use crate::found;
use crate::location::Location;
use crate::{Ending, combining, finish, inputs, load, references_out};

/// Put the arrays of several inputs one after another along a dimension, in the order of the inputs. No coordinates are looked at.
///
/// The checks are those of combine.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("where").required(true))]
pub(crate) struct Arguments {
    /// Reference sets, and HDF5 and netCDF files; @LIST and - (standard input) name one a line. Patterns ('a/*.json', ?, [..], **,
    /// {a,b}), masks ({year}/{month}/{day}, {doy}, {hour}; with --dates) and folders stand for what is found.
    #[arg(required = true)]
    inputs: Vec<String>,
    #[command(flatten)]
    dates: found::Dates,
    /// The dimension, by its name.
    #[arg(long, value_name = "DIM", group = "where")]
    dim: Option<String>,
    /// The dimension, by its number in the arrays, from 0; all must have the same there.
    #[arg(long, value_name = "N", group = "where")]
    axis: Option<usize>,
    #[command(flatten)]
    checks: combining::Checks,
    #[command(flatten)]
    to: references_out::Destination,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    finish(concat(arguments))
}

fn concat(arguments: &Arguments) -> Result<Ending, String> {
    let references = arguments.to.references()?;
    let paths = inputs::given(&arguments.inputs, &arguments.dates, &arguments.checks.finder())?.locations;
    let dimension = match (&arguments.dim, arguments.axis, paths.first()) {
        (Some(name), ..) => name.clone(),
        (None, Some(axis), Some(first)) => arguments.dimension(axis, first)?,
        _ => return Err("name the dimension: --dim DIM or --axis N".to_owned()),
    };
    let mut options = arguments.checks.options(vec![dimension.clone()])?;
    options.selectors.insert(dimension, Selector::Position);
    let (set, ending) = arguments.checks.merged(arguments.checks.plan(options, &paths, None)?)?;
    references.write_alone(&set, &arguments.to.output)?;
    Ok(ending)
}

impl Arguments {
    /// The name of the dimension that the arrays of an input have at a place.
    fn dimension(&self, axis: usize, first: &Location) -> Result<String, String> {
        let told = |error: String| format!("{first}: {error}");
        let remote = self.checks.remote(std::slice::from_ref(first))?;
        let set = load::set(first, &self.checks.loading(&remote)).map_err(told)?;
        let select = self.checks.options(Vec::new())?.select;
        let arrays = set.arrays().filter(|(path, array)| select.has(path) && array.metadata.shape.len() > axis);
        let names: BTreeSet<String> =
            arrays.filter_map(|(_, array)| array.attributes.dimensions().nth(axis).map(str::to_owned)).collect();
        let names: Vec<String> = names.into_iter().collect();
        match names.as_slice() {
            [name] => Ok(name.clone()),
            [] => Err(told(format!("no array has a dimension {axis} with a name"))),
            several => Err(told(format!(
                "dimension {axis} is called {}: name it with --dim, or the arrays with --variables",
                several.join(" and ")
            ))),
        }
    }
}
